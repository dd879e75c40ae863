"""Servers for every test. Each has a port of its own, and ends with the test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.server import InProcess, Loop, Process

from mockserver.settings import Settings

SEED = "routes: [{request: POST /data, reply: [503, 503, {json: {success: true}}]}]\n"


@pytest.fixture(scope="session")
def server_loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes scenario files, by name or as one text, into a folder of this test; gives the folder."""

    def written(scenarios: str | dict[str, str | bytes]) -> Path:
        folder = tmp_path / "scenarios"
        files = {"shop.yaml": scenarios} if isinstance(scenarios, str) else scenarios
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return written


@pytest.fixture
def serving(server_loop: Loop, write: Callable[..., Path]) -> Iterator[Callable[..., InProcess]]:
    """
    Starts a server in this process: `serving(YAML)`, `serving({"a.yaml": YAML})`,
    `serving(PATH)`, each with settings. One text is the scenario `shop`.
    """
    servers: list[InProcess] = []

    def start(scenarios: str | dict[str, str | bytes] | Path = SEED, **settings: Any) -> InProcess:
        folder = scenarios if isinstance(scenarios, Path) else write(scenarios)
        server = InProcess(server_loop, Settings(**{"paths": (str(folder),), "port": 0, **settings}), folder)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def process(tmp_path: Path, write: Callable[..., Path]) -> Iterator[Callable[..., Process]]:
    """Starts `mockserver serve SCENARIOS --port 0 ARGS` in a process of its own; killed at the end."""
    processes: list[Process] = []

    def start(
        *args: str,
        scenarios: str | dict[str, str | bytes] | Path | None = SEED,
        env: dict[str, str] | None = None,
        **options: Any,
    ) -> Process:
        paths = []
        if scenarios is not None:
            paths = [str(scenarios if isinstance(scenarios, Path) else write(scenarios))]
        port = (
            []
            if env and "MOCKSERVER_PORT" in env and not env["MOCKSERVER_PORT"].startswith("tcp:")
            else ["--port", "0"]
        )
        one = Process([*paths, *port, *args], folder=tmp_path, env=env, **options)
        processes.append(one)
        return one

    yield start
    for one in processes:
        one.stop()
    sys.stdout.flush()
