"""
A mock server in a container, with testcontainers-python:

    with MockServerContainer().with_scenarios("scenarios/") as container:
        mock = container.get_client()
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from mockserver.client import AsyncClient, Client

try:
    from testcontainers.core.container import (  # type: ignore[import-not-found, unused-ignore]
        DockerContainer,
    )
    from testcontainers.core.wait_strategies import (  # type: ignore[import-not-found, unused-ignore]
        HttpWaitStrategy,
    )
except ImportError as why:
    raise ImportError(
        "mockserver.testcontainers needs testcontainers-python, 4.13 or later. "
        "Install the extra mockserver[testcontainers]"
    ) from why

_FOLDER = "/scenarios"


class MockServerContainer(DockerContainer):  # type: ignore[misc, unused-ignore]  # Any, where it is not installed
    """
    A container with a mock server.

    `image` is an image built from the project's Dockerfile. With an `admin_token`, the clients show secrets;
    otherwise only local processes may see them. Other settings are environment variables:
    `with_env("MOCKSERVER_SEED", "7")`.
    """

    def __init__(
        self,
        image: str = "mockserver",
        *,
        port: int = 8080,
        admin_token: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(image, **kwargs)
        self.port = port
        self.admin_token = admin_token
        self.with_exposed_ports(port)
        self.with_env("MOCKSERVER_PORT", str(port))
        if admin_token is not None:
            self.with_env("MOCKSERVER_ADMIN_TOKEN", admin_token)
        self.waiting_for(HttpWaitStrategy(port, "/__admin/health").for_status_code(200))

    def with_scenarios(self, path: str | os.PathLike[str]) -> Self:
        """Serve the scenarios of a local folder, mounted read-only."""
        self.with_volume_mapping(str(Path(path).resolve()), _FOLDER, "ro")
        return self

    def get_url(self) -> str:
        """Return the base URL for applications on this machine."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(self.port)}"

    def get_client(self) -> Client:
        """Return a client bound to the namespace `default`; `.namespace()` creates others."""
        return Client(self.get_url(), self.admin_token)

    def get_async_client(self) -> AsyncClient:
        """Return an async client bound to the namespace `default`."""
        return AsyncClient(self.get_url(), self.admin_token)
