"""Servers for every test. Each has a port of its own, and ends with the test."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test
from hypothesis import settings as hypothesis_settings
from support import sampling
from support.server import InProcess, Loop, Process

from mockserver.settings import Settings

# A busy machine is no failure: how long an example takes is not what these tests are about.
# The same examples each time, so that a run fails for what was changed alone; --thorough draws new ones.
hypothesis_settings.register_profile(
    "mockserver", hypothesis_settings.default, deadline=None, derandomize=True
)
hypothesis_settings.register_profile("thorough", hypothesis_settings.default, deadline=None, print_blob=True)
hypothesis_settings.load_profile("mockserver")

STARTERS = {"browser", "grpc_server", "process", "pytester", "server_loop"}
"""The fixtures that start a server or a process. A test that has one of them, however deep, is not quick."""

FEW_CASES = 6
_running: dict[str, pytest.Item] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="only tests that start no server and no process and are not marked slow, with few examples, and those marked smoke",
    )
    parser.addoption(
        "--few-cases", action="store_true", help=f"at most {FEW_CASES} cases of each test function"
    )
    parser.addoption("--thorough", action="store_true", help="all seeds and all examples of general tests")


def pytest_configure(config: pytest.Config) -> None:
    sampling.thorough = config.getoption("thorough")
    if sampling.thorough:
        hypothesis_settings.load_profile("thorough")
    # Rarely, as `mockserver serve` does for old objects: the default goes so often through all that tests keep that it takes half of the time of some.
    # What was kept and is garbage is found when the file ends, see _freeze.
    gc.set_threshold(5_000, 10, 1_000)


@pytest.hookimpl(trylast=True)  # after the marks of other conftest.py files
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("MOCKSERVER_TEST_STORE"):
        _keep(config, items, [item for item in items if not item.get_closest_marker("in_memory")])
    if config.getoption("quick"):
        _keep(config, items, [item for item in items if _is_quick(item)])
    if config.getoption("few_cases"):
        _keep(config, items, _few_cases(items))
    for item in items:
        _limit_examples(item, quick=config.getoption("quick"))


def _keep(config: pytest.Config, items: list[pytest.Item], kept: list[pytest.Item]) -> None:
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = kept


def _is_smoke(item: pytest.Item | None) -> bool:
    return item is not None and item.get_closest_marker("smoke") is not None


def _is_quick(item: pytest.Item) -> bool:
    if item.get_closest_marker("slow"):
        return False
    return _is_smoke(item) or STARTERS.isdisjoint(getattr(item, "fixturenames", ()))


def _few_cases(items: list[pytest.Item]) -> list[pytest.Item]:
    functions: dict[object, list[pytest.Item]] = {}
    for item in items:
        functions.setdefault((item.parent, getattr(item, "originalname", item.name)), []).append(item)
    return [item for cases in functions.values() for item in sampling.chosen(cases, FEW_CASES)]


def _limit_examples(item: pytest.Item, *, quick: bool) -> None:
    function = getattr(item, "obj", None)
    function = getattr(function, "__func__", function)
    if is_hypothesis_test(function):
        # Hypothesis has no public way to change the settings of a test that has its own. A test with several cases has one function.
        holder, name = function, "_hypothesis_internal_use_settings"
        if not hasattr(function, name):  # a state machine, run by its class
            holder, name = item.cls, "settings"
        if not hasattr(holder, "limited"):
            holder.limited = True
            setattr(holder, name, sampling.fewer_examples(getattr(holder, name), quick=quick))


def _refuse_processes(event: str, _arguments: object) -> None:
    if event in {"subprocess.Popen", "os.fork", "os.posix_spawn"} and not _is_smoke(_running.get("item")):
        raise AssertionError("A test that starts a process is not quick: mark it with @pytest.mark.slow.")


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.getoption("quick"):
        sys.addaudithook(_refuse_processes)
    _freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    _running["item"] = item
    yield
    if nextitem is not None and nextitem.path != item.path:
        _freeze()  # what this file has imported


def _freeze() -> None:
    """Take what lives out of the reach of the garbage collector, which would look through the modules and the tests each time."""
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
