"""The fixtures: a handle for each test, on a server in this process or on one that runs already."""

import re
import subprocess
import sys

import pytest
from support.cost import cpu_s, least_s

from mockserver.pytest_plugin.namespaces import NamespaceHandle
from mockserver.sessions.names import name_for
from mockserver.sessions.servers import LocalSessionServer

pytestmark = pytest.mark.smoke

pytest_plugins = "pytester"

RETRIES = """
def test_retries(mock_server):
    route = mock_server.post("/data").reply(503, 503, json={"success": True})
    assert [call(mock_server.url + "/data", "POST")[0] for _ in range(3)] == [503, 503, 200]
    assert route.call_count == 3
    assert route.calls.last.response.json() == {"success": True}
"""


def test_a_test_has_a_mock_server(suite):
    suite(RETRIES).assert_outcomes(passed=1)


def test_every_test_has_a_world_of_its_own(suite):
    suite("""
names = set()

@pytest.mark.parametrize("status", range(201, 211))
def test_same_path(mock_server, status):
    names.add(mock_server.name)
    mock_server.any("/same").reply({"status": status, "set": {"seen": status}})
    assert call(mock_server.url + "/same", "DELETE")[0] == status
    assert mock_server.state == {"seen": status}
    assert len(mock_server.calls) == 1

def test_names():
    assert len(names) == 10
""").assert_outcomes(passed=11)


def test_a_name_tells_which_test_it_is_for_and_can_stand_in_a_url(suite):
    suite("""
import re

class TestX:
    @pytest.mark.parametrize("word", ["a/b?c=é #" * 20])
    def test_name(self, mock_server, word):
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,100}", mock_server.name)

    def test_plain(self, mock_server):
        assert re.fullmatch(r"test_it\\.py-TestX-test_plain-[0-9a-f]{8}", mock_server.name)
        assert mock_server.url.endswith("/@" + mock_server.name)
""").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "node_id", ["t.py::test[" + "x" * 500 + "]", "é", "", "a/b.py::T::t[1-§ ?#]", "-" * 200]
)
def test_any_node_id_gives_a_name(node_id):
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name_for(node_id))
    assert name_for(node_id) != name_for(node_id)


def test_a_world_is_gone_after_its_test(suite):
    suite("""
def test_one(mock_server):
    assert [one["name"] for one in mock_server.namespaces] == ["default", mock_server.name]

def test_two(mock_server):
    assert [one["name"] for one in mock_server.namespaces] == ["default", mock_server.name]
""").assert_outcomes(passed=2)


@pytest.mark.parametrize("remote", [False, True])
def test_draws_repeat_from_run_to_run_and_differ_from_test_to_test(suite, serving, remote):
    args = ("--mock-server-url", serving().url) if remote else ()
    text = """
def draw(mock_server):
    mock_server.get("/id").reply(text="{{ uuid() }}")
    print("drawn", call(mock_server.url + "/id")[1])

def test_one(mock_server):
    draw(mock_server)

def test_two(mock_server):
    draw(mock_server)
"""
    first, again = (
        [line for line in suite(text, "-s", "-q", *args).outlines if "drawn" in line] for _ in range(2)
    )
    drawn = [line.split("drawn ")[1] for line in first]
    assert drawn == [line.split("drawn ")[1] for line in again]
    assert len(set(drawn)) == 2


def test_both_flavours_of_one_test_share_its_world(suite):
    suite("""
async def test_it(mock_server, mock_server_async):
    assert mock_server.name == mock_server_async.name
    route = await mock_server_async.get("/x").reply(200)
    assert not mock_server.route(route.id).called
""").assert_outcomes(passed=1)


def test_functions_may_answer(suite):
    suite("""
def test_it(mock_server):
    mock_server.post("/x").reply(503, lambda request: {"json": request.json()})
    assert call(mock_server.url + "/x", "POST", {"a": 1})[0] == 503
    assert call(mock_server.url + "/x", "POST", {"a": 1}) == (200, '{"a":1}')
""").assert_outcomes(passed=1)


def test_webhooks_reach_an_application_on_this_machine(suite):
    suite("""
def test_it(mock_server):
    hook = mock_server.post("/hook").reply(204)
    for host in ("127.0.0.1", "localhost"):
        url = mock_server.url.replace("127.0.0.1", host) + "/hook"
        mock_server.post("/pay").reply({"status": 201, "webhook": {"url": url}})
        call(mock_server.url + "/pay", "POST")
    hook.assert_called(2, within="5s")
""").assert_outcomes(passed=1)


def test_settings_of_the_server_can_be_overridden(suite, pytester):
    pytester.makeconftest("""
import pytest

@pytest.fixture(scope="session")
def mock_server_settings():
    return {"unmatched_status": 501}
""")
    suite("""
@pytest.mark.mock_server(strict=False)
def test_it(mock_server):
    assert call(mock_server.url + "/x")[0] == 501
""").assert_outcomes(passed=1)


def test_a_setting_that_is_none_is_named(suite, pytester):
    pytester.makeconftest("""
import pytest

@pytest.fixture(scope="session")
def mock_server_settings():
    return {"sede": "x"}
""")
    result = suite("def test_it(mock_server): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has no keyword 'sede'. Did you mean 'seed'?*"])


# A server that runs already


def test_the_same_tests_run_against_a_server_that_runs_already(suite, serving):
    server = serving({"shop.yaml": "routes: [{name: hello, request: GET /hello, reply: {text: hi}}]"})
    text = f"""{RETRIES}
def test_hello(mock_server):
    assert call(mock_server.url + "/hello") == (200, "hi")
    assert mock_server.url.startswith({server.url!r})

async def test_async(mock_server_async):
    assert call(mock_server_async.url + "/hello") == (200, "hi")
    assert await mock_server_async.route("hello").call_count == 1
"""
    suite(text, "--mock-server-url", server.url).assert_outcomes(passed=3)
    assert server.admin.get("/counts")["total"] == 0
    assert [one["name"] for one in server.admin.get("/namespaces")["items"]] == ["default"]


def test_the_environment_may_name_the_server_and_its_token(suite, serving, monkeypatch):
    server = serving(admin_token="s3cret", admin_port=0)
    monkeypatch.setenv("MOCKSERVER_URL", server.url)
    monkeypatch.setenv("MOCKSERVER_ADMIN_TOKEN", "s3cret")
    monkeypatch.setenv("MOCKSERVER_ADMIN_URL", server.admin.url)
    suite(RETRIES).assert_outcomes(passed=1)


def test_a_server_that_is_not_there_is_said_once_and_plainly(suite):
    result = suite(RETRIES, "--mock-server-url", "http://127.0.0.1:9")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "No mock server answers at http://127.0.0.1:9: Connection refused.*(asked for by --mock-server-url or *"
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_function_on_a_sidecar_is_refused_with_the_reason(suite, serving):
    result = suite(
        "def test_it(mock_server): mock_server.get('/x').reply(lambda request: 200)",
        "--mock-server-url",
        serving().url,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*TypeError: a function can answer only in the process that defines it*"])


@pytest.mark.parametrize("remote", [False, True])
def test_a_test_may_remove_its_world_itself(suite, serving, remote):
    args = ("--mock-server-url", serving().url) if remote else ()
    suite(
        """
@pytest.mark.mock_server(strict=False)
def test_it(mock_server):
    mock_server.remove()
""",
        *args,
    ).assert_outcomes(passed=1)


# Around it


def test_nothing_heavy_is_imported_before_a_test_asks_for_it():
    code = (
        "import sys, mockserver.pytest_plugin\n"
        "found = {name for name in sys.modules if name.split('.')[0] in {'aiohttp', 'pydantic', 'yaml', 'jinja2'}}\n"
        "found |= {name for name in sys.modules if name.startswith('mockserver.') and name != 'mockserver.pytest_plugin'}\n"
        "sys.exit(', '.join(sorted(found)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pytest_finds_it_where_it_is_installed(pytestconfig):
    """The suites that tests run name it."""
    assert pytestconfig.pluginmanager.has_plugin("mockserver_fixtures")


def test_it_describes_itself(suite):
    suite("def test_it(): pass", "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.mock_server(strict=True): *", "@pytest.mark.scenario(*names): *"]
    )
    suite("def test_it(): pass", "--fixtures").stdout.fnmatch_lines_random(
        [
            "mock_server -- *",
            "mock_server_async -- *",
            "mock_server_settings ?session scope? -- *",
        ]
    )
    suite("def test_it(): pass", "--help").stdout.fnmatch_lines_random(
        ["mock server:", "  --mock-server-url=URL*", "  mock_server_scenarios (string):*"]
    )


PEERS = {
    "mockserver-client": {"mockserver"},
    "pytest-httpserver": {
        "httpserver",
        "httpserver_listen_address",
        "httpserver_ssl_context",
        "make_httpserver",
    },
    "pytest-httpx": {"httpx_mock", "assert_all_responses_were_requested", "non_mocked_hosts"},
    "requests-mock": {"requests_mock"},
    "respx": {"respx_mock"},
}
"""The fixtures of packages that are likely to stand beside this one."""


def test_no_fixture_has_the_name_of_another_package(suite):
    listed = suite("def test_it(): pass", "--fixtures").stdout.str()
    for names in PEERS.values():
        for name in names:
            assert f"\n{name} --" not in listed


def test_the_namespace_of_a_test_costs_less_than_a_millisecond(request):
    server = LocalSessionServer([], {})

    def tests():
        for _ in range(100):
            handle = NamespaceHandle(server, request.node, None)
            handle.check_call()
            handle.passed = True
            handle.end()
            handle.close()

    try:
        assert least_s(lambda: cpu_s(tests), 0.1) < 0.1
    finally:
        server.stop()
