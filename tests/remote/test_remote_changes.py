"""`mockserver reset`, `outage`, `clock`, `routes`, `scenarios` and `namespaces`."""

import json
from datetime import datetime

import pytest

ROUTE = "{name: busy, request: POST /charges, reply: 429}"


def status(shell, line="GET /charges/7"):
    method, path = line.split()
    return shell.server.ask(method, path).status


# Reset


def test_a_reset_restores_all_or_some_parts(paid):
    assert paid.says("reset", "calls") == "reset: calls"
    assert paid.says("count", "create-charge") == "0"
    assert status(paid, "POST /charges") == 201  # the sequence has not restarted
    assert paid.says("reset") == "reset"
    assert status(paid, "POST /charges") == 503


def test_an_unknown_part_is_refused_and_nothing_is_reset(paid):
    assert "Did you mean 'calls'?" in paid.fails("reset", "memory", "cals")
    assert paid.says("count", "create-charge") == "3"


# Outage


def test_an_outage_begins_is_shown_and_ends(shell):
    assert shell.says("outage") == "no outage"
    assert shell.says("outage", "503", "--for", "10") == "outage: 503, for: 10s; 0 calls affected"
    assert status(shell) == 503
    assert shell.says("outage") == "outage: 503, for: 10s; 1 call affected"
    assert shell.says("outage", "off") == "no outage"
    assert status(shell) == 200


def test_an_outage_has_any_reply_and_limits(shell):
    shell.says(
        "outage",
        "{status: 429, json: {error: slow down}}",
        "--route",
        "read-charge",
        "--skip",
        "1",
        "--times",
        "1",
        "--optional",
    )

    assert [status(shell), status(shell, "POST /charges"), status(shell), status(shell)] == [
        200,
        503,
        429,
        200,
    ]
    view = json.loads(shell.says("outage", "503", "--times", "1", "--json"))
    assert view == {"reply": 503, "times": 1, "answered": 0, "skipped": 0}
    shell.says("outage", "off")
    assert shell.says("outage", "--json") == "null"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["down"], "down"),
        (["99"], "99"),
        (["503", "--route", "nothing"], "there is no route 'nothing'"),
        (["503", "--for", "soon"], "--for"),
        (["503", "--times", "0"], "--times"),
        (["--for", "10s"], "an outage has a REPLY"),
        (["off", "--times", "1"], "an outage has a REPLY"),
        (["{fault: nothing}"], "nothing"),
    ],
)
def test_a_wrong_outage_is_refused_and_none_begins(shell, args, said):
    assert said in shell.fails("outage", *args)
    assert shell.says("outage") == "no outage"


# Clock


def now(shell):
    return datetime.fromisoformat(json.loads(shell.says("clock", "--json"))["now"])


def test_the_clock_is_shown_moved_and_reset(shell):
    real = now(shell)
    assert "running, no time from real time" in shell.says("clock")

    assert "+1h from real time" in shell.says("clock", "advance", "1h")
    assert (now(shell) - real).total_seconds() >= 3600
    assert shell.says("clock", "freeze", "2031-01-31T12:00:00Z").startswith(
        "2031-01-31T12:00:00.000000Z, stopped"
    )
    assert now(shell) == now(shell)
    assert "2031-01-31T12:00:05.000000Z" in shell.says("clock", "advance", "5")
    assert "running" in shell.says("clock", "resume")
    assert shell.says("clock", "set", "2032-01-31T12:00:00Z").startswith("2032-01-31T12:00:0")
    assert "running, no time from real time" in shell.says("clock", "reset")
    assert "stopped" in shell.says("clock", "freeze")


@pytest.mark.parametrize(
    ("args", "said"),
    [(["set", "noon"], "2026-01-31T12:00:00Z"), (["freeze", "noon"], "2026-01-31T12:00:00Z"), (["advance", "--", "-1h"], "between 0 and 100 years"), (["back"], "back")],
)  # fmt: skip
def test_a_wrong_move_is_refused(shell, args, said):
    assert said in shell.fails("clock", *args)
    assert "no time" in shell.says("clock")


# Routes


def test_routes_are_listed_with_calls_and_steps(paid):
    heads, charge, read = paid.says("routes").splitlines()

    assert heads.split() == ["route", "request", "calls", "step"]
    assert charge.split() == ["payments/create-charge", "POST", "/charges", "3", "3", "of", "3"]
    assert read.split() == ["payments/read-charge", "GET", "/charges/{id}", "0", "1", "of", "1"]
    assert len(paid.says("routes", "--tag", "money").splitlines()) == 2
    assert json.loads(paid.says("routes", "--json")) == paid.server.admin.get("/routes")


@pytest.mark.parametrize(
    "text", [ROUTE, '{"name": "busy", "request": "POST /charges", "reply": 429}', f"- {ROUTE}"]
)
def test_a_route_is_added_as_text_from_a_file_or_from_stdin(shell, tmp_path, text):
    file = tmp_path / "route.yaml"
    file.write_text(text)
    for args, stdin in ((("--", text), None), ((file,), None), (("-",), text)):
        assert shell.says("routes", "add", *args, stdin=stdin) == "runtime/busy"
        assert status(shell, "POST /charges") == 429
        assert shell.says("routes", "remove", "busy") == "removed busy"
        assert status(shell, "GET /charges/7") == 200


def test_the_route_that_an_unmatched_request_suggests_can_be_added(shell):
    assert status(shell, "GET /refunds/7") == 404
    suggestion = shell.server.admin.get("/unmatched")["items"][0]["suggestion"]

    shell.says("routes", "add", "-", stdin=suggestion)

    assert status(shell, "GET /refunds/7") == 200


def test_of_several_routes_the_first_is_matched_first(shell):
    assert (
        shell.says(
            "routes",
            "add",
            "[{name: a, request: GET /x, reply: 201}, {name: b, request: GET /x, reply: 202}]",
        )
        == "runtime/a\nruntime/b"
    )
    assert status(shell, "GET /x") == 201


def test_if_one_of_several_routes_is_invalid_none_is_added(shell):
    before = shell.says("routes")

    said = shell.fails("routes", "add", "[{request: GET /x, repy: 201}, {request: GET /y, reply: 202}]")

    assert "Did you mean 'reply'?" in said
    assert shell.says("routes") == before


def test_all_runtime_routes_are_removed_at_once(shell):
    shell.says("routes", "add", ROUTE)
    shell.says("routes", "add", "{request: GET /x, reply: 200}")

    assert "all routes" in shell.says("routes", "remove", "--all")
    assert len(shell.says("routes").splitlines()) == 3


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["add", "nowhere.yaml"], "neither a file nor a mapping"),
        (["add", "{request: GET /x, reply: }"], "reply"),
        (["add", "[1]"], "mapping"),
        (["add", "{"], "not valid YAML"),
        (["remove", "nothing"], "There is no route 'nothing'"),
        (["remove"], "--all"),
        (["remove", "read-charge", "--all"], "--all"),
        (["--tag", "money", "remove", "read-charge"], "--tag is for the list"),
        (["list"], "list"),
    ],
)
def test_a_wrong_change_of_routes_is_refused(shell, args, said):
    before = shell.says("routes")

    assert said in shell.fails("routes", *args)
    assert shell.says("routes") == before


# Scenarios


@pytest.fixture
def mail(tmp_path):
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "body.txt").write_text("hello")
    (folder / "mail.yaml").write_text("routes: [{request: GET /mail, reply: {file: body.txt}}]\n")
    return folder / "mail.yaml"


def test_a_scenario_is_loaded_with_its_files_switched_and_removed(shell, mail):
    assert shell.says("scenarios", "load", mail) == "mail: active"
    assert shell.server.ask("GET", "/mail").text == "hello"
    assert shell.says("scenarios", "off", "mail") == "mail: not active"
    assert status(shell, "GET /mail") == 404
    assert shell.says("scenarios", "on", "mail") == "mail: active"
    assert [line.split()[:3] for line in shell.says("scenarios").splitlines()[1:]] == [
        ["mail", "yes", "1"],
        ["payments", "yes", "2"],
    ]
    assert ["payments", "no"] in [
        line.split()[:2] for line in shell.says("scenarios", "use", "mail").splitlines()
    ]
    assert shell.says("scenarios", "remove", "mail") == "removed mail"
    assert json.loads(shell.says("scenarios", "--json")) == shell.server.admin.get("/scenarios")


@pytest.mark.in_memory
def test_files_are_read_again(shell):
    file = shell.server.folder / "payments.yaml"
    file.write_text("routes: [{request: GET /charges/7, reply: 418}]\n")

    assert shell.says("scenarios", "reload") == "1 scenario, 1 route"
    assert status(shell) == 418
    file.write_text("routes: [{request: GET /charges/7, repy: 418}]\n")
    assert "payments.yaml:1" in shell.fails("scenarios", "reload")
    assert status(shell) == 418


def test_a_wrong_change_of_scenarios_is_refused(shell, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("routes: [{request: GET /x, repy: 200}]\n")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\xfd")
    before = shell.says("scenarios")

    for args, said in (
        (["load", wrong], "Did you mean 'reply'?"),
        (["load", binary], "can't be read"),
        (["load", tmp_path / "nowhere.yaml"], "nowhere.yaml"),
        (["off", "payment"], "payment"),
        (["use", "payments", "mail"], "mail"),
        (["use"], "NAMES"),
        (["remove", "mail"], "mail"),
    ):
        assert said in shell.fails("scenarios", *args)
    assert shell.says("scenarios") == before


# Namespaces


def test_a_namespace_is_created_listed_and_removed(shell):
    url = shell.says(
        "namespaces", "create", "checkout", "--ttl", "90", "--seed", "7", "--scenario", "payments"
    )

    assert url == f"{shell.server.url}/@checkout"
    row = shell.says("namespaces").splitlines()[2].split()
    assert row == ["checkout", url, "90s", "7"]
    assert json.loads(shell.says("namespaces", "create", "--json"))["name"].startswith("ns-")
    assert shell.says("namespaces", "remove", "checkout") == "removed checkout"
    assert json.loads(shell.says("namespaces", "--json")) == shell.server.admin.get("/namespaces")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["create", "default"], "There is already a namespace 'default'"),
        (["create", "a b"], "not a valid namespace name"),
        (["create", "x", "--scenario", "nothing"], "nothing"),
        (["create", "x", "--ttl", "long"], "--ttl"),
        (["remove", "default"], "always exists"),
        (["remove", "nothing"], "nothing"),
    ],
)
def test_a_wrong_change_of_namespaces_is_refused(shell, args, said):
    before = shell.says("namespaces")

    assert said in shell.fails("namespaces", *args)
    assert shell.says("namespaces") == before
