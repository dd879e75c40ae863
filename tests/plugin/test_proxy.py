"""The fixture that makes the mock server the HTTPS proxy of a test."""

import pytest

pytest_plugins = "pytester"

SCENARIO = """
host: api.fixed.example
routes:
  - request: POST /data
    reply: [503, 503, {json: {success: true}}]
"""
TESTS = """
import os, ssl, urllib.error, urllib.request

@pytest.fixture(scope="session")
def mock_server_settings():
    return {"tls": True}

def ask():
    request = urllib.request.Request("https://api.fixed.example/data", b"{}", method="POST")
    try:
        with urllib.request.build_opener().open(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.status

@pytest.mark.parametrize("_", range(3))
def test_retries(mock_server_proxy, _):
    assert [ask() for _ in range(3)] == [503, 503, 200]
    assert len(mock_server_proxy.calls) == 3
    assert mock_server_proxy.calls.last.request.headers["host"] == "api.fixed.example"

def test_afterwards(mock_server):
    assert mock_server.url not in os.environ.get("EXTERNAL_API_URL", "")
    assert "HTTPS_PROXY" not in os.environ
"""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scenarios(pytester):
    folder = pytester.mkdir("mocks")
    (folder / "fixed.yaml").write_text(SCENARIO)
    return "-o", "mock_server_scenarios=mocks"


def test_each_test_reaches_its_own_namespace_by_the_fixed_host(suite, scenarios):
    suite(TESTS, *scenarios).assert_outcomes(passed=4)


def test_a_server_that_runs_already_is_the_proxy_too(suite, scenarios, serving):
    server = serving({"fixed.yaml": SCENARIO}, tls=True)
    suite(TESTS, *scenarios, "--mock-server-url", server.url).assert_outcomes(passed=4)


def test_without_tls_the_test_is_told_what_to_set(suite, scenarios):
    result = suite("def test_it(mock_server_proxy): pass", *scenarios)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*This server has no CA of its own*--tls*"])
