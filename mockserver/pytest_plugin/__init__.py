"""
The pytest plugin: an isolated mock server for every test.

    def test_retries(mock_server):
        route = mock_server.post("/data").reply(503, 503, json={"success": True})

Nothing heavy is imported before a test asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from mockserver.client import AsyncNamespace, Namespace
    from mockserver.pytest_plugin.namespaces import NamespaceHandle
    from mockserver.pytest_plugin.runs import Run
    from mockserver.sessions.servers import SessionServer

_HANDLE: pytest.StashKey[NamespaceHandle | None] = pytest.StashKey()
_SHARED: pytest.StashKey[dict[str, NamespaceHandle]] = pytest.StashKey()
"""Of the session: open handles that several tests share, by the name of their fixture."""
_OPENED: pytest.StashKey[dict[str, NamespaceHandle]] = pytest.StashKey()
"""Of an item: the shared handles that it opened, for example with `getfixturevalue`."""
_HANDLES: pytest.StashKey[dict[str, NamespaceHandle]] = pytest.StashKey()
"""Of an item: the handles of its reports, including closed ones."""
_ITEM: pytest.StashKey[pytest.Item] = pytest.StashKey()
"""Of the session: the current item."""
_ENDING: pytest.StashKey[list[Callable[[], None]]] = pytest.StashKey()
"""Of the session: functions that close handles and the server, called after the last report of their tests."""
_PASSED: pytest.StashKey[bool] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    from mockserver.pytest_plugin.options import add_sweep_options

    group = parser.getgroup("mock server")
    group.addoption(
        "--mock-server-url",
        metavar="URL",
        help="Use the mock server at this URL instead of one in this process (also: MOCKSERVER_URL).",
    )
    parser.addini(
        "mock_server_scenarios", "Folder of scenario files for the fixture mock_server.", default=""
    )
    parser.addini(
        "mock_server_keep",
        "How long an external server keeps the namespace of a failed test.",
        default="1h",
    )
    parser.addini("mock_server_keep_most", "Maximum number of kept namespaces.", default="50")
    add_sweep_options(group, parser)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SHARED], config.stash[_ENDING] = {}, []
    config.addinivalue_line(
        "markers",
        "mock_server(strict=True): with strict=False, unmatched requests and unmet `expect` don't fail the test.",
    )
    config.addinivalue_line(
        "markers",
        "scenario(*names): activate exactly these scenarios in mock_server; a name with a suffix is a file.",
    )
    from mockserver.pytest_plugin.options import is_sweep

    if is_sweep(config):
        from mockserver.pytest_plugin.sweeps import register

        register(config, _evidence)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close what remains open if the session ended early."""
    _close_ended(config)


def _evidence(item: pytest.Item) -> Any:
    """Return the evidence of a completed test; None if it had no handle."""
    handle = item.stash.get(_HANDLE, None)
    return handle.evidence if handle is not None else None


# Fixtures


@pytest.fixture(scope="session")
def mock_server_settings() -> dict[str, Any]:
    """Settings of the server in this process, as keywords of `mockserver.Server`. Override it in conftest.py; it has no effect with an external server."""
    return {}


@contextmanager
def _failing() -> Iterator[None]:
    """Fail the test with the text of an error of the client or the server, without a traceback."""
    from mockserver.errors import MockServerError

    try:
        yield
    except MockServerError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def _mock_session_server(
    pytestconfig: pytest.Config, mock_server_settings: dict[str, Any]
) -> Iterator[SessionServer]:
    from mockserver.pytest_plugin.options import keep_of
    from mockserver.sessions.servers import ExternalSessionServer, LocalSessionServer

    url = pytestconfig.getoption("--mock-server-url") or os.environ.get("MOCKSERVER_URL")
    server: SessionServer
    with _failing():
        if url:
            token, admin_url = (os.environ.get(f"MOCKSERVER_ADMIN_{name}") for name in ("TOKEN", "URL"))
            server = ExternalSessionServer(url, token, admin_url, keep_of(pytestconfig))
            folder = _folder(pytestconfig)
            if folder is not None:
                server.check_loaded(folder)
        else:
            folder = _folder(pytestconfig)
            paths = [folder] if folder is not None else []
            server = LocalSessionServer(paths, mock_server_settings, pytestconfig.invocation_params.dir)
    yield server
    pytestconfig.stash[_ENDING].append(server.stop)


def _folder(config: pytest.Config) -> Path | None:
    """Return the scenario folder. A relative path is relative to the ini file."""
    named = str(config.getini("mock_server_scenarios"))
    if not named:
        return None
    return (config.inipath.parent if config.inipath is not None else config.rootpath) / named


@pytest.fixture
def _mock_server_run(request: pytest.FixtureRequest) -> Run | None:
    """Return the sweep run of this test; None without a sweep."""
    make = getattr(request, "param", None)
    return make(request.node) if make is not None else None


def _opened(request: pytest.FixtureRequest, server: SessionServer, run: Run | None = None) -> NamespaceHandle:
    from mockserver.pytest_plugin.namespaces import NamespaceHandle

    with _failing():
        return NamespaceHandle(server, request.node, _folder(request.config), run)


def _ended(config: pytest.Config, handle: NamespaceHandle) -> None:
    """End the handle; it is closed after the last report."""
    config.stash[_ENDING].append(handle.close)
    handle.end()


def _close_ended(config: pytest.Config) -> None:
    ending = config.stash[_ENDING]
    while ending:
        ending.pop(0)()


@pytest.fixture
def _mock_server_handle(
    request: pytest.FixtureRequest, _mock_session_server: SessionServer, _mock_server_run: Run | None
) -> Iterator[NamespaceHandle]:
    handle = request.node.stash[_HANDLE] = _opened(request, _mock_session_server, _mock_server_run)
    yield handle
    _ended(request.config, handle)


@pytest.fixture
def mock_server(_mock_server_handle: NamespaceHandle) -> Namespace:
    """A mock server for this test alone: its `url` is what the application gets as the service's base URL."""
    return _mock_server_handle.namespace


@pytest.fixture
def mock_server_async(_mock_server_handle: NamespaceHandle) -> AsyncNamespace:
    """The same for async tests: `await mock_server_async.get("/x").reply(200)`."""
    return _mock_server_handle.awaiting()


@pytest.fixture
def mock_server_proxy(
    _mock_server_handle: NamespaceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Namespace:
    """The same as mock_server, and the HTTPS proxy of the test: its environment names the proxy and the CA. Needs tls=True in mock_server_settings."""
    from mockserver.server.proxying import proxy_environment, proxy_url, write_bundle

    ns = _mock_server_handle.namespace
    with _failing():
        bundle = write_bundle(_mock_server_handle.ca_pem(), tmp_path)
    environment = proxy_environment(ns.url, bundle, {}, proxy_url(ns.url, ns.name))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ns


def _shared_handle(scope: Literal["class", "module", "session"]) -> Any:
    name = f"_mock_server_handle_{scope}"

    @pytest.fixture(scope=scope, name=name)
    def shared(
        request: pytest.FixtureRequest, _mock_session_server: SessionServer
    ) -> Iterator[NamespaceHandle]:
        handles = request.config.stash[_SHARED]
        handle = handles[name] = _opened(request, _mock_session_server)
        handle.fixture, handle.scope = f"mock_server_{scope}", scope
        request.config.stash[_ITEM].stash[_OPENED][name] = handle
        yield handle
        del handles[name]
        # This may run in the teardown of a test that does not use the handle: its report includes it.
        item = request.config.stash[_ITEM]
        item.stash[_OPENED][name] = handle
        _ended(request.config, handle)
        del item.stash[_OPENED][name]

    return shared


_of_class = _shared_handle("class")
_of_module = _shared_handle("module")
_of_session = _shared_handle("session")


@pytest.fixture(scope="class")
def mock_server_class(_mock_server_handle_class: NamespaceHandle) -> Namespace:
    """A mock server that the tests of a class share."""
    return _mock_server_handle_class.namespace


@pytest.fixture(scope="class")
def mock_server_class_async(_mock_server_handle_class: NamespaceHandle) -> AsyncNamespace:
    """The same, to be awaited."""
    return _mock_server_handle_class.awaiting("mock_server_class_async")


@pytest.fixture(scope="module")
def mock_server_module(_mock_server_handle_module: NamespaceHandle) -> Namespace:
    """A mock server that the tests of a module share."""
    return _mock_server_handle_module.namespace


@pytest.fixture(scope="module")
def mock_server_module_async(_mock_server_handle_module: NamespaceHandle) -> AsyncNamespace:
    """The same, to be awaited."""
    return _mock_server_handle_module.awaiting("mock_server_module_async")


@pytest.fixture(scope="session")
def mock_server_session(_mock_server_handle_session: NamespaceHandle) -> Namespace:
    """A mock server that all tests of the session share; under pytest-xdist those of one worker."""
    return _mock_server_handle_session.namespace


@pytest.fixture(scope="session")
def mock_server_session_async(_mock_server_handle_session: NamespaceHandle) -> AsyncNamespace:
    """The same, to be awaited."""
    return _mock_server_handle_session.awaiting("mock_server_session_async")


def _handles(item: pytest.Item) -> dict[str, NamespaceHandle]:
    """Return the handles of a test, by the title of their report section."""
    own = item.stash.get(_HANDLE, None)
    handles = {} if own is None else {"mock server": own}
    names = getattr(item, "fixturenames", ())
    used = {name: handle for name, handle in item.config.stash[_SHARED].items() if name in names}
    for name, handle in (used | item.stash.setdefault(_OPENED, {})).items():
        handles[f"mock server of the {name.rpartition('_')[2]}"] = handle
    return handles


# Checks of passed tests, and reports of failed ones


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a passed test that has unmatched calls."""
    result = yield
    _check_awaited(dropped=True)
    _check_handles(item)
    return result


def _check_handles(item: pytest.Item) -> None:
    """Run the checks of all handles of a passed test."""
    for handle in _handles(item).values():
        handle.check_call(strict=_is_strict(item))


def _is_strict(item: pytest.Item) -> bool:
    from mockserver.pytest_plugin.namespaces import strict_of

    return strict_of(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Reset the state, so that earlier calls don't count for this test."""
    item.config.stash[_ITEM] = item
    item.stash[_PASSED], item.stash[_OPENED], item.stash[_HANDLES], item.stash[_HANDLE] = False, {}, {}, None
    _unawaited()
    for handle in _handles(item).values():
        handle.begin(item.nodeid)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check again after the teardown of the fixtures, which may make calls and await client calls."""
    result = yield
    if item.stash.get(_PASSED, False):
        _check_awaited()
        for handle in _handles(item).values():
            if handle is not item.stash.get(_HANDLE, None):  # that handle was checked when it ended
                handle.check_call(strict=_is_strict(item))
    return result


def _check_awaited(*, dropped: bool = False) -> None:
    """Fail a test that called the client without `await` or `with`, so that nothing was sent."""
    lines = [str(call) for call in _unawaited(dropped=dropped)]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def _unawaited(*, dropped: bool = False) -> list[Any]:
    """Return the client calls that were never awaited or entered; none if the client was not imported."""
    module = sys.modules.get("mockserver.client.unawaited")
    return module.take_unawaited(dropped=dropped) if module is not None else []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    handles = item.stash.setdefault(_HANDLES, {})
    handles.update(_handles(item))
    for title, handle in handles.items():
        handle.passed = handle.passed or (report.when == "call" and report.passed)
        if report.failed:
            handle.failed = True
            report.sections.append((title, handle.section(item.nodeid)))
            place = handle.keep(item.nodeid, report.longreprtext)
            if place:
                report.sections.append((f"{title}: evidence", place))
    if report.when == "teardown":
        _close_ended(item.config)
    return report
