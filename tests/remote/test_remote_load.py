"""`mockserver load` and `GET /load`: what they say, and their exit codes."""

import json


def test_the_calls_are_shown_by_their_answers(paid):
    lines = paid.says("load", "create-charge", "--interval", "1h").splitlines()

    assert lines[0].split() == ["time", "calls", "retries", "at", "once", "answers"]
    assert lines[1].split() == ["+0.000", "3", "2", "1", "1", "x", "201", "2", "x", "503", "#!!"]
    assert lines[2].startswith("3 calls for 1 operation, 3 for each; at most 1 at the same time")


def test_json_is_the_answer_of_the_api(paid):
    view = json.loads(paid.says("load", "--json"))

    assert view["calls"] == sum(each["calls"] for each in view["intervals"]) == 3
    assert view["amplification"] == 3.0
    assert view["since"].endswith("Z")


def test_without_a_call_it_says_so(shell):
    assert shell.says("load") == "no calls"
    assert json.loads(shell.says("load", "--json"))["since"] is None


def test_rules_are_verified(paid):
    assert paid.says("load", "create-charge", "--rules", "{amplification: {max: 3}}").startswith("ok: ")
    assert "3.00 for each" in paid.fails("load", "--rules", "{amplification: {max: 2}}", code=1)


def test_what_is_invalid_is_told_with_2(paid):
    assert "there is no route 'x'" in paid.fails("load", "x", code=2)
    assert "below 1ms" in paid.fails("load", "--interval", "1us", code=2)
    assert "has no rule" in paid.fails("load", "--rules", "{by: route}", code=2)
    assert "--interval is for the table" in paid.fails("load", "--interval", "1s", "--rules", "{}", code=2)
