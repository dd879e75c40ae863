"""`mockserver calls` and `mockserver count`."""

import json
import threading

import pytest
from support.shell import run_command

from mockserver.cli.remote import calls as module


def cells(line):
    return line.split()


def ids(text):
    return [line.split()[0] for line in text.splitlines()[1:]]


def test_calls_are_listed_in_aligned_columns(paid):
    heads, *lines = paid.says("calls").splitlines()

    assert cells(heads) == ["call", "time", "request", "status", "ms", "route"]
    assert len(lines) == 4
    at = heads.index("route")
    assert [line[at:] for line in lines] == [*["payments/create-charge"] * 3, "unmatched"]
    assert [line[heads.index("status") :].split()[0] for line in lines] == ["503", "503", "201", "404"]


def test_without_calls_it_says_so(shell):
    assert shell.says("calls") == "no calls"
    assert json.loads(shell.says("calls", "--json")) == {"items": [], "next": None}


def test_json_is_what_the_admin_api_gives(paid):
    assert json.loads(paid.says("calls", "--json")) == paid.server.admin.get("/calls")
    assert json.loads(paid.says("count", "--json")) == paid.server.admin.get("/counts")


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (["POST /charges"], [1, 2, 3]),
        (["/charges"], [1, 2, 3]),
        (["ANY /charge/{id}"], [4]),
        (["GET /charges"], []),
        (["GET,POST /charges"], [1, 2, 3]),
        (["create-charge"], [1, 2, 3]),
        (["payments/create-charge", "--status", "5xx"], [1, 2]),
        (["--tag", "money"], [1, 2, 3]),
        (["--matched"], [1, 2, 3]),
        (["--unmatched"], [4]),
        (["--since", "c-000002"], [3, 4]),
        (["--until", "c-000002"], [1, 2]),
        (["--limit", "2"], [3, 4]),
        (["POST /charges", "--limit", "1"], [3]),
        (["--limit", "0"], []),
    ],
)
def test_filters_are_those_of_the_api_and_the_limit_keeps_the_newest(paid, args, numbers):
    wanted = [f"c-{number:06}" for number in numbers]

    assert [item["id"] for item in json.loads(paid.says("calls", *args, "--json"))["items"]] == wanted
    assert ids(paid.says("calls", *args)) == wanted


def test_more_calls_than_a_page_are_listed(paid, monkeypatch):
    monkeypatch.setattr("mockserver.client.link.PAGE", 1)

    assert len(ids(paid.says("calls"))) == 4


def test_unmatched_requests_are_shown_with_the_nearest_route_and_the_reason(paid):
    said = paid.says("calls", "--unmatched")

    assert "unmatched, nearest payments/read-charge: path differs: '/charge/7'" in said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nothing"], "there is no route 'nothing'"),
        (["--status", "often"], "Write 503, 5xx, or UNAVAILABLE"),
        (["--since", "yesterday"], "c-000017"),
        (["--until", "tomorrow"], "c-000017"),
        (["GET /charges/{"], "Write parameters as {name}"),
        (["--limit", "-1"], "--limit"),
    ],
)
def test_a_wrong_filter_is_refused_with_2(paid, args, said):
    assert said in paid.fails("calls", *args)


def test_secrets_are_masked_until_they_are_revealed(shell):
    shell.server.ask("GET", "/charges/7", headers={"Authorization": "Bearer s3cret-token-value"})

    assert "s3cret-token-value" not in shell.says("calls", "--json")
    assert "s3cret-token-value" in shell.says("calls", "--json", "--reveal")


def test_what_was_received_can_not_control_the_terminal(shell):
    shell.server.ask("GET", "/charges/%1b%5b2J")
    shell.server.admin.post("/routes", {"name": "a\x1b[31mb", "request": "GET /red", "reply": 200})
    shell.server.ask("GET", "/red")

    assert "\x1b" not in shell.says("calls") + shell.says("count") + shell.says("routes") + shell.says(
        "attempts"
    )


def test_text_that_no_output_can_encode_stays_escaped(shell):
    shell.server.admin.post(
        "/routes",
        {
            "request": "POST /text",
            "reply": 200,
            "effect": {"kind": "text", "text": "{{ request.json.text }}"},
        },
    )
    shell.server.ask("POST", "/text", '{"text": "\\ud800 é"}', headers={"Content-Type": "application/json"})

    said = shell.says("calls", "--json")
    assert "\\ud800 é" in said
    assert json.loads(said) == shell.server.admin.get("/calls")


def test_a_broken_answer_is_shown_with_its_status_and_its_end(shell):
    shell.server.admin.post(
        "/routes",
        {
            "request": "GET /broken",
            "reply": {"text": "x" * 100, "fault": {"kind": "close", "after": "headers"}},
        },
    )
    shell.server.admin.post("/routes", {"request": "GET /reset", "reply": {"fault": "reset"}})
    for path in ("/broken", "/reset"):
        with pytest.raises(Exception):  # noqa: B017  (however the client calls it)
            shell.server.ask("GET", path)
    shell.server.closed_call(2)

    said = shell.says("calls")
    assert "200 close" in said
    assert "- reset" in said


# Follow


class Follower:
    """`mockserver calls --follow` on a thread: its lines so far, and the end by the server's."""

    def __init__(self, shell, monkeypatch, *args):
        self._printed = threading.Condition()
        self.lines = []
        monkeypatch.setattr(module.click, "echo", self._echo)
        self._thread = threading.Thread(target=self._run, args=(shell.server.url, args))
        self._thread.start()

    def _echo(self, line, err=False):
        with self._printed:
            self.lines.append(line)
            self._printed.notify_all()

    def _run(self, url, args):
        self.result = run_command("calls", "--follow", *args, url=url)

    def until(self, count):
        with self._printed:
            assert self._printed.wait_for(lambda: len(self.lines) >= count, 10), self.lines
            return self.lines[:count]

    def join(self):
        self._thread.join(10)
        return self.result


@pytest.mark.parametrize("as_json", [True, False])
def test_following_shows_the_calls_so_far_and_then_each_new_one_once(paid, monkeypatch, as_json):
    follower = Follower(paid, monkeypatch, "--matched", *(["--json"] if as_json else []))
    heads = 0 if as_json else 1
    follower.until(3 + heads)
    paid.server.ask("GET", "/charges/7")
    paid.server.ask("GET", "/charge/7")
    paid.server.ask("GET", "/charges/8")

    lines = follower.until(5 + heads)[heads:]
    numbers = [json.loads(line)["number"] if as_json else int(line.split()[0][2:]) for line in lines]
    assert numbers == [1, 2, 3, 5, 7]

    paid.server.stop()
    assert follower.join().exit_code == 2
    assert "ended" in follower.lines[-1]


def test_a_call_that_completes_while_the_calls_so_far_are_listed_is_shown_once(paid, monkeypatch):
    newest = module._newest

    def newest_after_a_call(*args):
        paid.server.ask("GET", "/charges/7")
        return newest(*args)

    monkeypatch.setattr(module, "_newest", newest_after_a_call)
    follower = Follower(paid, monkeypatch, "--matched", "--json")
    follower.until(4)
    paid.server.ask("GET", "/charges/8")

    assert [json.loads(line)["number"] for line in follower.until(5)] == [1, 2, 3, 5, 6]
    paid.server.stop()
    follower.join()


# Count


@pytest.mark.parametrize(
    ("args", "count"),
    [
        (["create-charge"], 3),
        (["POST /charges"], 3),
        (["/charges"], 3),
        (["GET,POST /{any:.+}"], 4),
        (["create-charge", "--match", "{form: {amount: 500}}"], 3),
        (["create-charge", "--match", "form: {amount: {gt: 500}}"], 0),
    ],
)
def test_a_count_is_a_number(paid, args, count):
    assert paid.says("count", *args) == str(count)


def test_without_a_subject_all_counts_are_listed(paid):
    heads, charge, miss = paid.says("count").splitlines()

    assert cells(heads) == ["route", "calls", "statuses"]
    assert cells(charge)[:2] == ["payments/create-charge", "3"]
    assert "2 x 503" in charge
    assert cells(miss)[:2] == ["unmatched", "1"]


def test_a_count_that_needs_dropped_calls_says_that_it_is_a_lower_bound(serving):
    server = serving("routes: [{name: a, request: POST /a, reply: 200}]", calls=1)
    for _ in range(3):
        server.ask("POST", "/a", "x=1")

    result = run_command("count", "a", "--match", "{form: {x: 1}}", url=server.url)

    assert result.exit_code == 0
    assert "lower bound" in result.stderr
    assert run_command("count", "a", url=server.url).stderr == ""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["create-charg"], "Did you mean"),
        (["POST charges"], "there is no route 'POST charges'"),
        (["create-charge", "--match", "jsn: 1"], "jsn"),
        (["create-charge", "--match", "["], "--match"),
        (["create-charge", "--match", "5"], "not a mapping"),
        (["--match", "json: 1"], "needs a SUBJECT"),
    ],
)
def test_a_wrong_question_is_refused_with_2(paid, args, said):
    assert said in paid.fails("count", *args)
