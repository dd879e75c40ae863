"""Suites that use the plugin, run as users run theirs."""

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

INSTALLED = any(one.name == "mockserver_fixtures" for one in entry_points(group="pytest11"))
LOADED = () if INSTALLED else ("-p", "mockserver.pytest_plugin")
"""An environment that was set up before the plugin had its entry point has to be told of it."""

PLAIN = """
[pytest]
addopts = -p no:cacheprovider -p no:hypothesispytest -p no:faker -p no:pact -p no:anyio -p no:schemathesis
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

CALLER = '''
"""The application under test: it knows its service by a URL alone."""
import json, urllib.error, urllib.request

def call(url, method="GET", body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        lines.setdefault("content-type", "application/json")
    request = urllib.request.Request(url, data, lines, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as why:
        with why:
            return why.code, why.read().decode()
'''


@pytest.fixture(autouse=True)
def _no_sidecar(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOCKSERVER_URL", "MOCKSERVER_ADMIN_TOKEN", "MOCKSERVER_ADMIN_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """`suite(TEST, *ARGS)` runs one module of tests; they have `call` of the module `app`."""
    pytester.makeini(PLAIN)
    pytester.makepyfile(app=CALLER)

    def run(text: str, *args: str, in_process: bool = True) -> pytest.RunResult:
        pytester.makepyfile(test_it="import pytest\nfrom app import call\n" + text)
        start = pytester.runpytest_inprocess if in_process else pytester.runpytest_subprocess
        return start(*LOADED, *args)

    return run
