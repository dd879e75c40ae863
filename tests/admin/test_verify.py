"""`/verify`: was it called as it should be? It waits without polling, and says what a person can act on."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.admin import pointers
from support.server import until

PAY = """
base: /v1
routes:
  - {name: create-charge, request: POST /charges, reply: [503, 503, 201]}
  - {name: capture, request: "POST /charges/{id}/capture", reply: 200}
"""


@pytest.fixture
def server(serving):
    return serving({"pay.yaml": PAY})


@pytest.fixture
def verify(server):
    def verified(check, **options):
        return server.admin.call("POST", "/verify", check, **options)

    return verified


@pytest.fixture
def charge(server):
    return lambda path="/v1/charges", **headers: server.ask("POST", path, headers=headers)


# Times


@pytest.mark.parametrize(
    ("times", "calls"),
    [
        (2, [2]), (0, [0]), ({"min": 1}, [1, 2, 5]), ({"max": 2}, [0, 1, 2]), ({"min": 1, "max": 2}, [1, 2]),
        ({"min": 0}, [0, 3]), ({"gte": 1}, [1, 2, 5]), ({"lte": 2}, [0, 1, 2]), ({"gte": 1, "lte": 2}, [1, 2]),
    ],
)  # fmt: skip
def test_times_is_a_number_or_a_range(server, verify, charge, times, calls):
    for done in range(max(calls) + 2):
        answer = verify({"route": "create-charge", "times": times})
        holds = done in calls or (
            isinstance(times, dict) and not {"max", "lte"} & times.keys() and done >= calls[0]
        )
        assert answer.status == (200 if holds else 409), done
        assert answer.json()["ok"] is holds
        charge()


def test_without_times_one_call_is_enough(verify, charge):
    assert verify({"route": "create-charge"}).status == 409
    charge()
    assert verify({"route": "create-charge"}).status == 200
    charge()
    assert verify({"route": "create-charge"}).status == 200


def test_what_holds_is_said_too(verify, charge):
    charge()

    assert verify({"route": "create-charge", "times": 1}).json() == {
        "ok": True,
        "checks": [
            {
                "ok": True,
                "expected": "1 call",
                "saw": "1",
                "text": "create-charge: expected 1 call, saw 1",
            }
        ],
    }


def test_requests_are_verified_by_their_line_and_further_conditions(server, verify):
    server.ask("POST", "/v1/charges/7/capture", '{"amount": 5}')

    assert verify({"request": "POST /v1/charges/7/capture"}).status == 200
    assert (
        verify({"request": "POST /v1/charges/{id}/capture", "match": {"json": {"amount": 5}}}).status == 200
    )
    assert verify({"request": "POST /v1/charges/7/capture", "match": {"json": {"amount": 6}}}).status == 409
    assert verify({"request": "POST /v1/refunds", "times": 0}).status == 200


def test_unmatched_calls_are_verified(verify, charge):
    assert verify({"unmatched": 0}).status == 200
    charge("/v1/charge")
    assert verify({"unmatched": 0}).status == 409
    assert verify({"unmatched": 1}).status == 200


# The text of a failure


def test_a_failure_is_told_with_a_timeline(verify, charge):
    charge(**{"Idempotency-Key": "4f1c-aaaa"})
    charge(**{"Idempotency-Key": "4f1c-aaaa"})
    charge("/v1/charge")

    problem = verify({"route": "create-charge", "times": 3}).json()

    assert (problem["status"], problem["type"], problem["ok"]) == (409, "urn:mockserver:verify", False)
    text = problem["checks"][0]["text"]
    assert problem["detail"] == text
    assert (problem["checks"][0]["expected"], problem["checks"][0]["saw"]) == ("3 calls", "2")
    lines = text.splitlines()
    assert lines[0] == "create-charge: expected 3 calls, saw 2"
    assert re.fullmatch(r"  t\+0\.000  POST /v1/charges  503   key=4f1c", lines[1])
    assert re.fullmatch(r"  t\+\d\.\d{3}  POST /v1/charges  503   key=4f1c", lines[2])
    assert re.fullmatch(
        r"  t\+\d\.\d{3}  POST /v1/charge   404   nearest: create-charge, path differs: "
        r"'/v1/charge' is not '/v1/charges'(;.*)?",
        lines[3],
    )
    assert len(lines) == 4


def test_keys_stand_where_the_server_was_told(serving):
    server = serving(
        "routes: [{name: a, request: POST /a, reply: 200}]", key_names=("x-order-key", "-idempotency-key")
    )
    server.ask("POST", "/a", b"", headers={"X-Order-Key": "7777-aaaa", "Idempotency-Key": "other"})

    detail = server.admin.call("POST", "/verify", {"route": "a", "times": 2}).json()["detail"]

    assert detail.splitlines()[1].endswith("key=7777")


def test_keys_are_as_long_as_tells_them_apart(verify, charge):
    charge(**{"Idempotency-Key": "4f1c-aaaa"})
    charge(**{"Idempotency-Key": "4f1c-bbbb"})

    lines = verify({"route": "create-charge", "times": 3}).json()["detail"].splitlines()

    assert [line.rpartition("key=")[2] for line in lines[1:]] == ["4f1c-a", "4f1c-b"]


def test_too_many_calls_are_told_in_the_same_way(verify, charge):
    for _ in range(2):
        charge()

    assert verify({"route": "create-charge", "times": {"max": 1}}).json()["detail"].splitlines()[0] == (
        "create-charge: expected at most 1 call, saw 2"
    )


def test_a_long_timeline_is_shortened_in_the_middle(server, verify, charge):
    for _ in range(50):
        charge()

    lines = verify({"route": "create-charge", "times": 3}).json()["detail"].splitlines()

    assert len(lines) == 32
    assert any("20 more" in line for line in lines)


# Waiting


def test_within_waits_for_the_lower_bound_and_answers_at_once(server, verify, charge):
    charge()
    charge()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(verify, {"route": "create-charge", "times": 3, "within": "30s"})
        until(lambda: server.waits)
        charge()

        answer = waiting.result(10)

    assert answer.status == 200
    assert answer.json()["checks"][0]["saw"] == "3"
    assert not server.waits


def test_within_does_not_poll(server, verify, monkeypatch):
    from mockserver.verification.verify import Check

    asked = []
    verdict = Check.verdict
    monkeypatch.setattr(Check, "verdict", lambda self, ns: asked.append(1) or verdict(self, ns))

    assert verify({"route": "create-charge", "within": "200ms"}).status == 409

    assert len(asked) <= 3


def test_within_fails_when_the_time_is_over(verify, charge):
    charge()
    started_s = time.monotonic()

    answer = verify({"route": "create-charge", "times": 2, "within": "100ms"})

    assert answer.status == 409
    assert 0.1 <= time.monotonic() - started_s < 2


def test_a_number_is_a_number_of_seconds(verify, charge):
    charge()
    started_s = time.monotonic()

    assert verify({"route": "create-charge", "times": 2, "within": 0.1}).status == 409
    assert 0.1 <= time.monotonic() - started_s < 2
    assert verify({"route": "create-charge", "times": 1, "within": 5, "quiet": 0.01}).status == 200


def test_within_fails_at_once_above_the_upper_bound(verify, charge):
    for _ in range(4):
        charge()
    started_s = time.monotonic()

    assert verify({"route": "create-charge", "times": 3, "within": "30s"}).status == 409
    assert time.monotonic() - started_s < 2


def test_quiet_asks_that_nothing_more_comes(server, verify, charge):
    charge()
    assert verify({"route": "create-charge", "times": 1, "quiet": "50ms"}).status == 200

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(verify, {"route": "create-charge", "times": {"min": 1}, "quiet": "30s"})
        until(lambda: server.waits)
        charge()
        answer = waiting.result(10)

    assert answer.status == 409
    assert "quiet" in answer.json()["detail"]


def test_calls_of_other_routes_do_not_disturb_the_quiet(server, verify, charge):
    charge()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(verify, {"route": "create-charge", "times": 1, "quiet": "200ms"})
        until(lambda: server.waits)
        charge("/v1/charges/7/capture")
        assert waiting.result(10).status == 200


@pytest.mark.parametrize(("word", "pointer"), [("within", ""), ("quiet", "")])
def test_nothing_waits_longer_than_a_minute(server, word, pointer):
    check = {"route": "create-charge", word: "61s"}

    assert pointers(server.admin.refused(422, "POST", "/verify", check)) == [pointer]


def test_a_reset_while_a_check_waits_starts_its_count_anew(server, verify, charge):
    charge()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(verify, {"route": "create-charge", "times": 2, "within": "300ms"})
        until(lambda: server.waits)
        server.admin.post("/reset", {"what": ["calls"]})
        charge()
        answer = waiting.result(10)

    assert (answer.status, answer.json()["checks"][0]["saw"]) == (409, "1")


# Lists


def test_all_checks_of_a_list_must_hold(verify, charge):
    charge()
    good = {"route": "create-charge", "times": 1}
    bad = {"route": "capture", "times": 1}

    assert verify([good, {"unmatched": 0}]).status == 200
    problem = verify([good, bad, {"unmatched": 0}]).json()

    assert [one["ok"] for one in problem["checks"]] == [True, False, True]
    assert problem["title"] == "1 of 3 checks failed"
    assert problem["detail"].startswith("capture: expected 1 call, saw 0")


def test_a_list_has_one_deadline(verify, charge):
    started_s = time.monotonic()

    answer = verify([{"route": "create-charge", "within": "150ms"}] * 100)

    assert answer.status == 409
    assert time.monotonic() - started_s < 15 / 2


@pytest.mark.parametrize(
    ("check", "found"),
    [
        ([], [""]),
        ({}, [""]),
        ({"route": "create-charge", "unmatched": 0}, [""]),
        ({"rout": "create-charge"}, ["/rout"]),
        ({"route": "create-chrage"}, ["/route"]),
        ({"route": "create-charge", "times": -1}, ["/times"]),
        ({"route": "create-charge", "times": "3"}, ["/times"]),
        ({"route": "create-charge", "times": {"min": 3, "max": 2}}, ["/times"]),
        ({"route": "create-charge", "times": {"mni": 3}}, ["/times/mni"]),
        ({"route": "create-charge", "within": True}, ["/within"]),
        ({"route": "create-charge", "within": -0.5}, ["/within"]),
        ({"route": "create-charge", "times": {"min": 1, "gte": 1}}, ["/times"]),
        ({"effects": {"kind": "x"}}, ["/effects"]),
        ({"webhooks": {"outcome": "lost"}}, ["/webhooks/outcome"]),
        ({"route": "create-charge", "within": "soon"}, ["/within"]),
        ({"route": "create-charge", "within": "-5s"}, ["/within"]),
        ({"unmatched": -1}, ["/unmatched"]),
        ({"unmatched": True}, ["/unmatched"]),
        ([{"unmatched": 0}, {"route": "x"}, {"request": "GET"}], ["/1/route", "/2/request"]),
        ("create-charge", [""]),
        (None, [""]),
        ([[]], ["/0"]),
    ],
)
def test_a_wrong_check_is_pointed_at(server, check, found):
    problem = server.admin.refused(422, "POST", "/verify", check)

    assert pointers(problem) == found


def test_an_unknown_route_is_422_that_lists_the_ids(server):
    problem = server.admin.refused(422, "POST", "/verify", {"route": "create-chrage"})

    assert "Did you mean 'create-charge'?" in problem["detail"]
    assert "pay/create-charge, pay/capture" in problem["detail"]


# Expectations


EXPECTING = """
routes:
  - {name: one, request: GET /one, reply: 200, expect: 1}
  - {name: few, request: GET /few, reply: 200, expect: {max: 2}}
  - {name: free, request: GET /free, reply: 200}
"""


def test_get_verify_checks_every_expectation_and_that_nothing_went_unmatched(serving):
    server = serving(EXPECTING)
    problem = server.admin.refused(409, "GET", "/verify")
    assert [(one["ok"], one["expected"]) for one in problem["checks"]][:3] == [
        (False, "1 call"), (True, "at most 2 calls"), (True, "no unmatched call"),
    ]  # fmt: skip
    assert problem["detail"] == "shop/one: expected 1 call, saw 0"

    server.ask("GET", "/one")
    assert server.admin.get("/verify")["ok"] is True

    server.ask("GET", "/nowhere")
    assert server.admin.refused(409, "GET", "/verify")["detail"].startswith(
        "expected no unmatched call, saw 1"
    )


def test_get_verify_can_be_asked_of_one_scenario(serving):
    server = serving({"a.yaml": EXPECTING, "b.yaml": "routes: [{request: GET /b, reply: 200, expect: 1}]"})
    server.ask("GET", "/b")

    assert server.admin.get("/verify?scenario=b")["ok"] is True
    server.admin.refused(409, "GET", "/verify?scenario=a")
    server.admin.refused(404, "GET", "/verify?scenario=c")


def test_expectations_of_what_is_switched_off_do_not_count(serving):
    server = serving(EXPECTING)
    server.admin.call("PATCH", "/scenarios/shop", {"active": False})

    assert server.admin.get("/verify")["ok"] is True


def test_routes_made_at_runtime_may_expect_too(server):
    server.admin.post("/routes", {"request": "GET /x", "reply": 200, "expect": {"min": 1}})

    server.admin.refused(409, "GET", "/verify")
    server.ask("GET", "/x")
    assert server.admin.get("/verify")["ok"] is True
