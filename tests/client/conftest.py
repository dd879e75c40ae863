"""A server in this process, a client of it, and a caller that plays the application under test."""

from collections.abc import Callable, Iterator

import pytest
from support.http import Answer, ask

from mockserver.client import AsyncClient, Client


@pytest.fixture
def server(serving):
    return serving({"shop.yaml": "routes: [{name: hello, request: GET /hello, reply: {text: hi}}]\n"})


@pytest.fixture
def mock(server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def async_mock(server) -> AsyncClient:
    return AsyncClient(server.url)


@pytest.fixture
def call(mock) -> Callable[..., Answer]:
    """`call("POST /data", body)` as the application would; gives the answer."""

    def called(line: str, body: bytes | str | None = None, url: str = mock.url, **headers: str) -> Answer:
        method, _, target = line.partition(" ")
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return ask(url, method, target, body, lines)

    return called
