"""Servers for every test. Each has a port of its own, and ends with the test."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from support.server import InProcess, Loop, Process

from mockserver.settings import Settings

# A busy machine is no failure: how long an example takes is not what these tests are about.
hypothesis_settings.register_profile("mockserver", hypothesis_settings.default, deadline=None)
hypothesis_settings.load_profile("mockserver")

LONGEST = (
    "plugin/test_sweep", "matching/test_agreement", "test_cli", "wire/test_front", "clients/test_gallery", "docs/test_sweep_page",
    "sweeping/test_command", "plugin/test_parallel", "docs/test_parallel_tests_page", "browser/test_sweep_report",
    "engine/attempts/test_good_clients", "replying/test_template_safety", "patterns/test_payments", "browser/test_dashboard_calls", "clients/test_retries_judged",
    "fuzz/test_api", "statefile/test_crash", "admin/test_bad_input", "browser/test_dashboard_changes", "browser/test_attacking_pages",
    "patterns/test_shop", "docs/test_other_languages_page", "fuzz/test_wire", "clients/test_stripe", "client/test_types",
    "browser/test_dashboard_access", "wire/test_sequences", "docs/test_readme",
)  # fmt: skip
"""What takes five seconds and more, the longest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Several workers, to whom scripts/test gives files one after the other, get the long ones first: at the end nobody waits
    for one of them.
    """
    if hasattr(config, "workerinput"):
        here = Path(__file__).parent
        place = {here / f"{name}.py": number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_collection_finish() -> None:
    """What thousands of collected tests hold is there to the end: the collector need not look through it each time."""
    gc.collect()
    gc.freeze()


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
