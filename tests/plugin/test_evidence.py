"""The evidence of a failed test stays: a page in process, the namespace on a server that runs already."""

import json
import re

import pytest

from mockserver.sessions.failures import file_name

pytest_plugins = "pytester"

FAILING = """
def test_it(mock_server):
    mock_server.post("/pay", name="pay", effect={"kind": "charge", "order": "42"}).reply(201, {
        "status": 201, "webhook": {"url": mock_server.url + "/hook"}})
    mock_server.post("/hook", name="hook").reply({"status": 422, "json": {"error": "no order 42", "token": "hidden-" + "7890123"}})
    for _ in range(2):
        call(mock_server.url + "/pay", "POST", {"order": "42"}, authorization="Bearer secret-" + "token-7890", idempotency_key="k1")
    mock_server.route("hook").assert_called(within="5s")
    mock_server.verify(effects={"kind": "charge"}, times=1)
"""


def shown(folder):
    """The data of the only page."""
    (file,) = (folder / "mock-server-report").iterdir()
    text = file.read_text()
    return (
        file,
        text,
        json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1]),
    )


def test_in_process_a_page_is_written_and_its_path_is_printed(suite, pytester):
    result = suite(FAILING)
    result.assert_outcomes(failed=1)
    file, text, data = shown(pytester.path)
    assert file.name == "test_it.py-test_it.html"
    result.stdout.fnmatch_lines(["*- mock server: evidence -*", f"mock-server-report/{file.name}"])
    assert data["test"] == "test_it.py::test_it"
    assert "effect charge: expected 1 effect, saw 2" in data["error"]
    assert [one["status"] for one in data["calls"]][:2] == ["201", "201"]
    assert [one["kind"] for one in data["effects"]] == ["charge", "charge"]
    first = data["operations"][0]
    assert first["about"]["attempts"] == len(first["timeline"]["calls"]) > 0
    (hook,) = data["webhooks"]
    assert hook["outcome"] == "refused"
    assert "no order 42" in hook["attempts"][0]["answer"]
    for secret in ("secret-token", "hidden-7890"):
        assert secret not in text
    assert "default-src 'none'" in text
    assert not re.search(r'(?:src|href)="(?!#)', text)


def test_the_webhooks_are_part_of_the_section(suite):
    result = suite(FAILING)
    result.stdout.fnmatch_lines([
        "1 webhook",
        "  POST http://127.0.0.1:*/hook  refused  of c-000002, pay",
        '    t+*  422  {"error":"no order 42","token":"****"}',
    ])  # fmt: skip


def test_a_long_answer_of_a_receiver_is_cut_and_silence_is_told(suite):
    result = suite("""
def test_it(mock_server):
    mock_server.post("/hook").reply(status=400, text="word " * 100)
    mock_server.post("/a").reply({"status": 200, "webhook": {"url": mock_server.url + "/hook"}})
    mock_server.post("/b").reply({"status": 200, "webhook": {"url": "http://127.0.0.1:9/nobody"}})
    mock_server.post("/c").reply({"status": 200, "webhook": {"url": mock_server.url + "/hook", "delay": "1h"}})
    for path in "abc":
        call(f"{mock_server.url}/{path}", "POST")
    try:
        mock_server.verify(webhooks={}, times=3, within="300ms")
    finally:
        pass
""")
    result.stdout.fnmatch_lines([
        "3 webhooks",
        "  POST *  refused  of c-*, POST /a",
        f"    t+*  400  {'word ' * 40}…",
        "  POST http://127.0.0.1:9/nobody  failed  of c-*, POST /b",
        "    t+*  *onnect*",
        "  POST *  waiting  of c-*, POST /c",
        "    no attempt yet: *",
    ])  # fmt: skip


def test_a_passed_test_and_one_that_is_expected_to_fail_leave_nothing(suite, pytester):
    suite("""
def test_passed(mock_server):
    pass

def test_skipped(mock_server):
    pytest.skip()

@pytest.mark.xfail(strict=True)
def test_expected(mock_server):
    assert 0
""").assert_outcomes(passed=1, skipped=1, xfailed=1)
    assert not (pytester.path / "mock-server-report").exists()


def test_a_fixture_that_fails_when_it_is_torn_down_is_told_of_too(suite, pytester):
    result = suite("""
@pytest.fixture
def app(mock_server):
    yield
    call(mock_server.url + "/late")
    raise OSError("the application does not stop")

def test_it(app, mock_server):
    mock_server.get("/late").reply(200)
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["1 call to http://*", "  t+0.000  GET /late  200  step 1"])
    assert shown(pytester.path)[2]["calls"][0]["request"]["path"] == "/late"


@pytest.mark.parametrize("test", ["a/b.py::T::t[1/2]", "a/b.py::T::t[1-2]", "x" * 400, "é.py::t"])
def test_a_test_has_a_file_name_of_its_own(test):
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,170}", file_name(test))
    assert file_name("a/b.py::T::t[1/2]") != file_name("a/b.py::T::t[1-2]")


# On a server that runs already


def test_the_namespace_of_a_failed_test_is_kept_and_the_dashboards_address_is_printed(
    suite, serving, pytester
):
    server = serving(allow_egress=("127.0.0.1",))
    result = suite(FAILING + "\ndef test_passed(mock_server): pass\n", "--mock-server-url", server.url)
    result.assert_outcomes(failed=1, passed=1)
    (kept,) = (one for one in server.admin.get("/namespaces")["items"] if one["name"] != "default")
    assert kept["ttl"] == "1h"
    result.stdout.fnmatch_lines([f"{server.url}/__admin/ui/#/@{kept['name']}/failure (kept for 1h)"])
    assert len(server.admin.get(f"/@{kept['name']}/effects")["items"]) == 2
    failed = server.admin.get(f"/namespaces/{kept['name']}/failed-test")
    assert failed["test"] == kept["failed_test"]
    assert failed["test"].endswith("::test_it")
    assert "effect charge: expected 1 effect, saw 2" in failed["error"]
    assert failed["after"] is None
    assert not (pytester.path / "mock-server-report").exists()


def test_how_long_and_how_many_can_be_set(suite, serving):
    server = serving()
    text = "".join(f"def test_{n}(mock_server): assert 0\n" for n in range(4))
    options = ("-o", "mock_server_keep=10m", "-o", "mock_server_keep_most=2")
    suite(text, "--mock-server-url", server.url, *options).assert_outcomes(failed=4)
    kept = server.admin.get("/namespaces")["items"][1:]
    assert [re.search(r"test_\d", one["name"])[0] for one in kept] == ["test_2", "test_3"]
    assert {one["ttl"] for one in kept} == {"10m"}
    suite(text, "--mock-server-url", server.url, "-o", "mock_server_keep_most=0")
    assert len(server.admin.get("/namespaces")["items"]) == 3


@pytest.mark.parametrize("option", ["mock_server_keep=soon", "mock_server_keep_most=many"])
def test_what_is_no_such_setting_is_refused(suite, serving, option):
    result = suite("def test_it(mock_server): pass", "--mock-server-url", serving().url, "-o", option)
    assert "is not a valid" in result.stdout.str() or "mock_server_keep" in result.stdout.str()
    assert result.ret != 0
