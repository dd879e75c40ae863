"""The shipped scenarios, served; and a client of each, as an application has one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from support.server import PROJECT, InProcess, Loop

from mockserver.settings import Settings


@pytest.fixture(scope="package")
def shipped(server_loop: Loop) -> Iterator[InProcess]:
    """One server with everything in scenarios/ for all tests: to compile it takes longer than most of them."""
    folder = PROJECT / "scenarios"
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0), folder)
    yield server
    server.stop()


@pytest.fixture
def mock(shipped: InProcess) -> InProcess:
    """The server with everything in scenarios/, as if it had just started."""
    shipped.admin.call("POST", "/reset")
    return shipped


@pytest.fixture
def anybody(mock: InProcess) -> Iterator[httpx.Client]:
    """A client of the shop that has no token."""
    with httpx.Client(base_url=f"{mock.url}/api") as client:
        yield client


@pytest.fixture
def shop(mock: InProcess) -> Iterator[httpx.Client]:
    """A client of the shop that has signed in."""
    with httpx.Client(base_url=f"{mock.url}/api") as client:
        form = {"grant_type": "client_credentials", "client_id": "shop-app", "client_secret": "s3cret"}
        token = client.post("/oauth/token", data=form).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def payments(mock: InProcess) -> Iterator[httpx.Client]:
    """A client of the payment provider."""
    with httpx.Client(base_url=f"{mock.url}/v1") as client:
        yield client


@pytest.fixture
def admin(mock: InProcess) -> Iterator[httpx.Client]:
    """What a test says to the mock itself."""
    with httpx.Client(base_url=f"{mock.url}/__admin") as client:
        yield client
