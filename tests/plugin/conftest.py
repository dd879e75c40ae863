"""Suites that use the plugin, run as users run theirs."""

from collections.abc import Callable

import pytest
from support.suites import CHILD, IN_PROCESS, INI, run_in_process, set_environment

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
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, IN_PROCESS)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """`suite(TEST, *ARGS)` runs one module of tests; they have `call` of the module `app`."""
    pytester.makeini(INI)
    pytester.makepyfile(app=CALLER)

    def run(text: str, *args: str, in_process: bool = True) -> pytest.RunResult:
        pytester.makepyfile(test_it="import pytest\nfrom app import call\n" + text)
        if in_process:
            return run_in_process(pytester, *args)
        with monkeypatch.context() as changed:
            changed.setenv("PYTEST_PLUGINS", CHILD["PYTEST_PLUGINS"])
            changed.setenv("PYTHONPATH", CHILD["PYTHONPATH"])
            return pytester.runpytest_subprocess(*args)

    return run
