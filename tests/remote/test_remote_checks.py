"""`mockserver verify` and `mockserver attempts`: what they say, and their exit codes."""

import json
import threading

import pytest
from support.server import until

from mockserver.client.link import Link
from mockserver.schema.verify import LONGEST_WAIT_S


@pytest.mark.parametrize(
    "args",
    [
        ["create-charge"],
        ["create-charge", "--times", "3"],
        ["POST /charges", "--at-least", "2"],
        ["POST /charges", "--at-most", "3"],
        ["POST /charges", "--at-least", "3", "--at-most", "3"],
        ["create-charge", "--match", "{form: {amount: 500}}", "--times", "3"],
        ["read-charge", "--times", "0", "--quiet", "0.01"],
        ["--check", "{effects: {kind: charge}, times: 1}"],
        ["--check", "[{route: create-charge, times: 3}, {unmatched: 1}]"],
    ],
)
def test_a_check_that_passes_is_told_with_0(paid, args):
    said = paid.says("verify", *args)

    assert said
    assert all(line.startswith("ok: ") for line in said.splitlines())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["create-charge", "--times", "2"], "failed: create-charge: expected 2 calls, saw 3"),
        (["create-charge", "--at-least", "4"], "expected at least 4 calls, saw 3"),
        (["create-charge", "--at-most", "2"], "expected at most 2 calls, saw 3"),
        (["read-charge"], "expected at least 1 call, saw 0"),
        ([], "failed: expected no unmatched call, saw 1"),
        (["--scenario", "payments"], "failed: expected no unmatched call, saw 1"),
        (["--check", "[{unmatched: 1}, {leaks: 0}, {unmatched: 0}]"], "expected no unmatched call"),
    ],
)
def test_a_check_that_fails_is_told_with_1(paid, args, said):
    assert said in paid.fails("verify", *args, code=1)


def test_a_check_comes_from_a_file_or_stdin(paid, tmp_path):
    file = tmp_path / "check.yaml"
    file.write_text("route: create-charge\ntimes: 3\n")

    assert "saw 3" in paid.says("verify", "--check", file)
    assert "saw 3" in paid.says("verify", "--check", "-", stdin=file.read_text())
    file.write_text("route: create-charge\ntimes: 4\n")
    assert "saw 3" in paid.fails("verify", "--check", file, code=1)


def test_json_is_the_answer_or_the_problem(paid):
    passed = json.loads(paid.says("verify", "create-charge", "--json"))
    failed = json.loads(paid.fails("verify", "create-charge", "--times", "1", "--json", code=1))

    assert passed["ok"]
    assert not failed["ok"]
    assert failed["checks"][0]["saw"] == "3"


@pytest.mark.in_memory
def test_it_waits_for_the_calls(shell):
    results = []
    waiting = threading.Thread(
        target=lambda: results.append(shell.run("verify", "read-charge", "--times", "1", "--within", "30"))
    )
    waiting.start()
    until(lambda: shell.server.waits)
    shell.server.ask("GET", "/charges/7")
    waiting.join(10)

    assert results[0].exit_code == 0, results[0].output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["create-charg", "--times", "0"], "Did you mean"),
        (["POST charges"], "there is no route"),
        (["create-charge", "--times", "many"], "--times"),
        (["create-charge", "--times", "1", "--at-most", "2"], "--times is an exact number"),
        (["create-charge", "--at-least", "3", "--at-most", "2"], "--at-least 3 is more than --at-most 2"),
        (["create-charge", "--within", "2m"], "within"),
        (["create-charge", "--within", "later"], "--within"),
        (["create-charge", "--check", "{unmatched: 0}"], "give a SUBJECT, or --check"),
        (["create-charge", "--scenario", "payments"], "--scenario"),
        (["--times", "3"], "--times needs a SUBJECT"),
        (["--at-most", "3"], "--at-most needs a SUBJECT"),
        (["--scenario", "nothing"], "nothing"),
        (["--check", "nowhere.yaml"], "neither a file nor a mapping"),
        (["--check", "{effects: {kind: chrge}}"], "Did you mean 'charge'?"),
        (["--check", "[]"], "there is no check in the list"),
        (["--check", "{rout: a}"], "Did you mean 'route'?"),
    ],
)
def test_a_wrong_question_is_refused_with_2(paid, args, said):
    assert said in paid.fails("verify", *args)


def test_the_answer_may_take_as_long_as_the_longest_check(shell, monkeypatch):
    waits = []
    monkeypatch.setattr(
        Link, "send", lambda *_, wait_s=0.0, **__: waits.append(wait_s) or {"ok": True, "checks": []}
    )

    shell.says("verify", "read-charge", "--within", "60s", "--quiet", "60s")

    assert waits == [2 * LONGEST_WAIT_S]


# Attempts


def test_attempts_are_told_for_each_operation(paid):
    lines = paid.says("attempts").splitlines()

    assert (
        lines[0] == "operation 1: payments/create-charge, succeeded; the calls share headers.idempotency-key"
    )
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["c-000001", "503"],
        ["c-000002", "503"],
        ["c-000003", "201"],
    ]
    assert "after" in lines[2]
    assert lines[3].endswith("effect charge")
    assert lines[4] == "3 calls per operation, at most 1 at the same time"


def test_judgements_are_told(serving, shell):
    shell.server.admin.post(
        "/routes",
        {
            "name": "busy",
            "request": "POST /busy",
            "reply": [{"status": 503, "headers": {"Retry-After": "1"}}, 200],
        },
    )
    for key in ("a", "b"):
        shell.server.ask("POST", "/busy", "x", headers={"Idempotency-Key": key})

    said = shell.says("attempts", "busy")

    assert "uncertain: each has its own headers.idempotency-key" in said
    assert "Retry-After broken (asked for 1000 ms)" in shell.says("attempts", "busy", "--by", "route")
    assert "changed headers.idempotency-key" in said


def test_attempts_as_json_are_what_the_admin_api_gives(paid):
    assert json.loads(paid.says("attempts", "--json")) == paid.server.admin.get("/attempts")
    assert json.loads(paid.says("attempts", "read-charge", "--json"))["items"] == []
    assert paid.says("attempts", "read-charge") == "no calls"


def test_attempts_of_many_pages_are_one_list(paid, monkeypatch):
    paid.server.ask("GET", "/charges/1")
    monkeypatch.setattr("mockserver.client.link.PAGE", 1)

    assert len(json.loads(paid.says("attempts", "--json"))["items"]) == 2


def test_a_kept_rule_is_0_and_a_broken_one_1(paid):
    assert paid.says("attempts", "create-charge", "--rules", "{max: 3, same: body}").startswith("ok: ")
    assert "failed: " in paid.fails("attempts", "create-charge", "--rules", "max: 2", code=1)
    assert paid.says("attempts", "create-charge", "--rules", "{max: 3}", "--ignore", "json.a", "--by", "body")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nothing"], "there is no route 'nothing'"),
        (["create-charge", "--by", "nothing"], "nothing"),
        (["create-charge", "--rules", "{maxi: 1}"], "Did you mean 'max'?"),
        (["create-charge", "--rules", "5"], "not a mapping"),
        (["--rules", "max: 1"], "--rules needs a ROUTE"),
    ],
)
def test_a_wrong_rule_or_route_is_refused_with_2(paid, args, said):
    assert said in paid.fails("attempts", *args)
