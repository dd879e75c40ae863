"""A server for the tests with real clients, started once; each test has a namespace of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from mockserver.client.namespaces import Namespace
from mockserver.server import Server
from tests.support.grpc import HEAD, descriptor_set

HEADER = "x-mockserver-namespace"
RETRIES = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.02s",
                "maxBackoff": "0.1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


@pytest.fixture(scope="module")
def grpc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("grpc")
    (folder / "payments.pb").write_bytes(descriptor_set())
    (folder / "payments.yaml").write_text(HEAD)
    with Server(folder) as server:
        yield server


@pytest.fixture
def mock(grpc_server: Server) -> Iterator[Namespace]:
    with grpc_server.namespace() as ns:
        yield ns


@pytest.fixture(scope="session")
def payments() -> tuple[Any, Any]:
    """The messages and the stubs that protoc makes."""
    messages, services = grpc.protos_and_services("grpc_calls/payments.proto")
    return messages, services


@pytest.fixture
def channel(grpc_server: Server) -> Iterator[Callable[..., grpc.Channel]]:
    """Opens channels: `channel(retries=True)`."""
    opened: list[grpc.Channel] = []

    def opens(*, retries: bool = False, **options: Any) -> grpc.Channel:
        given = list(options.items())
        if retries:
            given.append(("grpc.service_config", json.dumps(RETRIES)))
        target = grpc_server.url.removeprefix("http://")
        opened.append(grpc.insecure_channel(target, options=given))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


def metadata(ns: Namespace, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return ((HEADER, ns.name), *more)
