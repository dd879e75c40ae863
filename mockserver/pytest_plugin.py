"""
The pytest plugin: a mock server for every test, with no two tests in each other's way.

    def test_retries(mock_server):
        route = mock_server.post("/data").reply(503, 503, json={"success": True})

Nothing heavy is imported before a test asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.client import AsyncNamespace, Namespace
    from mockserver.plugin.homes import Home
    from mockserver.plugin.runs import Run
    from mockserver.plugin.worlds import World

_WORLD: pytest.StashKey[World | None] = pytest.StashKey()
_PASSED: pytest.StashKey[bool] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    from mockserver.plugin.options import add_sweep_options

    group = parser.getgroup("mock server")
    group.addoption(
        "--mock-server-url",
        metavar="URL",
        help="Use the mock server that runs there, not one in this process (also: MOCKSERVER_URL).",
    )
    parser.addini(
        "mock_server_scenarios", "Folder of scenario files for the fixture mock_server.", default=""
    )
    add_sweep_options(group, parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "mock_server(strict=True): strict=False leaves unmatched calls and unmet `expect` to the test.",
    )
    config.addinivalue_line(
        "markers",
        "scenario(*names): exactly these scenarios answer in mock_server; a name with a suffix is a file.",
    )
    from mockserver.plugin.options import is_sweep

    if is_sweep(config):
        from mockserver.plugin.sweeps import register

        register(config, _evidence)


def _evidence(item: pytest.Item) -> Any:
    """What happened in the world of a test that is over; None where it had none."""
    world = item.stash.get(_WORLD, None)
    return world.evidence if world is not None else None


# Fixtures


@pytest.fixture(scope="session")
def mock_server_settings() -> dict[str, Any]:
    """Settings of the server in this process; override it in conftest.py. A server that runs already has its own."""
    return {}


@pytest.fixture(scope="session")
def _mock_server_home(pytestconfig: pytest.Config, mock_server_settings: dict[str, Any]) -> Iterator[Home]:
    from mockserver.errors import MockServerError
    from mockserver.plugin.homes import LocalHome, RemoteHome

    url = pytestconfig.getoption("--mock-server-url") or os.environ.get("MOCKSERVER_URL")
    home: Home
    try:
        if url:
            token, admin_url = (os.environ.get(f"MOCKSERVER_ADMIN_{name}") for name in ("TOKEN", "URL"))
            home = RemoteHome(url, token, admin_url)
        else:
            folder = _folder(pytestconfig)
            home = LocalHome([folder] if folder is not None else [], mock_server_settings)
    except MockServerError as why:
        pytest.fail(str(why), pytrace=False)
    yield home
    home.stop()


def _folder(config: pytest.Config) -> Path | None:
    """The folder of scenarios, beside the ini file that names it."""
    named = str(config.getini("mock_server_scenarios"))
    if not named:
        return None
    return (config.inipath.parent if config.inipath is not None else config.rootpath) / named


@pytest.fixture
def _mock_server_run(request: pytest.FixtureRequest) -> Run | None:
    """The run of a sweep that this test is; None in a session like any other."""
    make = getattr(request, "param", None)
    return make(request.node) if make is not None else None


@pytest.fixture
def _mock_server_world(
    request: pytest.FixtureRequest, _mock_server_home: Home, _mock_server_run: Run | None
) -> Iterator[World]:
    from mockserver.errors import MockServerError
    from mockserver.plugin.worlds import World

    item = request.node
    try:
        world = World(_mock_server_home, item, _folder(request.config), _mock_server_run)
    except MockServerError as why:
        pytest.fail(str(why), pytrace=False)
    item.stash[_WORLD] = world
    yield world
    world.close(passed=item.stash[_PASSED])


@pytest.fixture
def mock_server(_mock_server_world: World) -> Namespace:
    """A mock server for this test alone: its `url` is what the application gets as the service's base URL."""
    return _mock_server_world.namespace


@pytest.fixture
def mock_server_async(_mock_server_world: World) -> AsyncNamespace:
    """The same for async tests: `await mock_server_async.get("/x").reply(200)`."""
    return _mock_server_world.awaiting()


# What a passed test is held to, and what a failed one tells


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that has come to its end well fails where a call went unmatched."""
    left: Exception | None = None
    result = None
    try:
        result = yield
    except (pytest.PytestUnraisableExceptionWarning, ExceptionGroup) as error:
        if not _is_unraisable(error):
            raise
        left = error
    _check_awaited(dropped=True)  # says more than Python's own warning
    if left is not None:
        raise left
    world = item.stash.get(_WORLD, None)
    if world is not None:
        world.check_call()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Calls that were made before are of no test."""
    item.stash[_PASSED] = False
    _unawaited()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """What fixtures hold may be awaited while they are torn down."""
    result = yield
    if item.stash[_PASSED]:
        _check_awaited()
    return result


def _is_unraisable(error: Exception) -> bool:
    """Whether it is warnings of what could not be raised where it happened, such as that of Python about a coroutine."""
    alike = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
    return all(isinstance(one, pytest.PytestUnraisableExceptionWarning) for one in alike)


def _check_awaited(*, dropped: bool = False) -> None:
    """Fails a test that made a call of the awaited client and did not await it."""
    lines = [str(one) for one in _unawaited(dropped=dropped)]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def _unawaited(*, dropped: bool = False) -> list[Any]:
    """None where the client was not imported."""
    module = sys.modules.get("mockserver.client.unawaited")
    return module.take_unawaited(dropped=dropped) if module is not None else []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    world = item.stash.get(_WORLD, None)
    if world is not None and report.failed:
        report.sections.append(("mock server", world.section()))
    return report
