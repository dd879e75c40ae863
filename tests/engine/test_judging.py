"""Every rule of a check, kept and broken, with the text that says so. Calls by hand, times to the millisecond."""

import pytest
from support.calls import CREATE, WALL_S, World

from mockserver.engine.verdict import Standing
from mockserver.errors import InvalidInput
from mockserver.model.delivery import Delivery, DeliveryState, Try
from mockserver.model.plan import Outcome

PAY = """
base: /v1
routes:
  - {name: create-charge, request: POST /charges, reply: 200}
  - {name: capture, request: "POST /charges/{id}/capture", reply: 200}
  - {name: refund, request: POST /refunds, reply: 200}
"""
KEY = {"Idempotency-Key": "4f1c-aaaa-bbbb"}


@pytest.fixture
def world(write):
    return World(write({"pay.yaml": PAY}))


@pytest.fixture
def judged(world):
    """The lines that are said of the charges under these rules; without the timeline, empty where they hold."""

    def lines(rules, **check):
        verdict = world.verdict({"route": "create-charge", "attempts": rules, **check})
        if verdict.ok:
            return []
        return [line for line in verdict.text.splitlines() if not line.startswith("  ")]

    return lines


def retried(world, *times, **options):
    """One operation: pairs of arrival and end; all but the last failed."""
    for i, (at_s, until_s) in enumerate(times):
        options.setdefault("headers", KEY)
        world(at_s, until_s, 201 if i == len(times) - 1 else 503, **options)


# max and operations


def test_max_bounds_the_tries_of_each_operation(world, judged):
    retried(world, (0, 0), (1, 1), (2, 2))

    assert judged({"max": 3}) == []
    assert judged({"max": 2}) == ["create-charge: operation 1 (key=4f1c-aaa): 3 tries, at most 2 allowed"]


def test_max_is_no_bound_on_the_calls_of_several_operations(world, judged):
    for at_s, key in enumerate("abab"):
        world(at_s, headers={"Idempotency-Key": key})

    assert judged({"max": 2}) == []
    assert judged({"max": 1}) == [
        "create-charge: operation 1 (key=a): 2 tries, at most 1 allowed",
        "create-charge: operation 2 (key=b): 2 tries, at most 1 allowed",
    ]


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        (2, None),
        ({"min": 1}, None),
        ({"max": 2}, None),
        (1, "expected 1 operation, saw 2"),
        (3, "expected 3 operations, saw 2"),
        ({"min": 3}, "expected at least 3 operations, saw 2"),
        ({"max": 1}, "expected at most 1 operation, saw 2"),
        ({"min": 3, "max": 4}, "expected 3 to 4 operations, saw 2"),
    ],
)
def test_operations_counts_what_the_client_meant(world, judged, operations, said):
    world(0, headers={"Idempotency-Key": "a"})
    world(1, headers={"Idempotency-Key": "b"})

    assert judged({"operations": operations}) == ([] if said is None else [f"create-charge: {said}"])


def test_too_few_operations_may_still_come_true_and_too_many_can_not(world):
    world(0)
    check = {"route": "create-charge", "attempts": {"operations": 2}}

    assert world.verdict(check).standing is Standing.SHORT
    world(1)
    assert world.verdict(check).standing is Standing.OK
    world(2)
    assert world.verdict(check).standing is Standing.FAILED


# gaps


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"gte": "500ms"}, None),
        ({"lte": "500ms"}, None),
        ({"gt": "499ms", "lt": "501ms"}, None),
        ({"gte": "501ms"}, "at least 501ms"),
        ({"gt": "500ms"}, "more than 500ms"),
        ({"lt": "500ms"}, "less than 500ms"),
        ({"lte": "0.499s"}, "at most 499ms"),
    ],
)
def test_gaps_bound_the_wait_before_each_try(world, judged, bounds, said):
    retried(world, (0, 0.25), (0.75, 1))

    expected = (
        f"create-charge: operation 1 (key=4f1c-aaa): try 2 came 500 ms after try 1 ended, expected {said}"
    )
    assert judged({"gaps": bounds}) == ([] if said is None else [expected])


def test_each_gap_that_breaks_its_bounds_is_told(world, judged):
    retried(world, (0, 0), (0.1, 0.1), (0.6, 0.6), (0.8, 0.8))

    assert judged({"gaps": {"gte": "400ms"}}) == [
        "create-charge: operation 1 (key=4f1c-aaa): try 2 came 100 ms after try 1 ended, expected at least 400ms",
        "create-charge: operation 1 (key=4f1c-aaa): try 4 came 200 ms after try 3 ended, expected at least 400ms",
    ]


def test_a_gap_below_zero_is_read_as_before(world, judged):
    retried(world, (0, 1), (0.75, 2))

    assert judged({"gaps": {"gte": "0s"}}) == [
        "create-charge: operation 1 (key=4f1c-aaa): try 2 came 250 ms before try 1 ended, expected at least 0s"
    ]


# growing


@pytest.mark.parametrize(
    ("arrivals", "said"),
    [
        ((0, 0.25, 0.75, 1.75), None),
        ((0, 0.25), None),
        ((0,), None),
        ((0, 0.5, 1.006), None),
        ((0, 0.5, 1.004), "try 3 came after 504 ms, try 2 after 500 ms"),
        ((0, 0.5, 1.0), "try 3 came after 500 ms, try 2 after 500 ms"),
        ((0, 0.5, 0.75), "try 3 came after 250 ms, try 2 after 500 ms"),
        ((0, 0.25, 0.75, 1.0), "try 4 came after 250 ms, try 3 after 500 ms"),
    ],
)
def test_growing_asks_that_each_gap_is_longer_than_the_one_before(world, judged, arrivals, said):
    retried(world, *((at_s, at_s) for at_s in arrivals))

    expected = f"create-charge: operation 1 (key=4f1c-aaa): the gaps don't grow: {said}"
    assert judged({"growing": True}) == ([] if said is None else [expected])


def test_growing_false_asks_nothing(world, judged):
    retried(world, (0, 0), (1, 1), (1.5, 1.5))

    assert judged({"growing": False}) == []


# same


def test_same_asks_that_parts_of_the_request_stay(world, judged):
    same = {"same": ["headers.idempotency-key", "body", "json.amount", "query.v", "method", "path"]}
    retried(world, (0, 0), (1, 1), json={"amount": 5}, line="POST /v1/charges?v=1")

    assert judged(same) == []


def test_a_changed_key_is_told_with_both_keys(world, judged):
    for at_s, (status, key) in enumerate([(503, "key-1"), (503, "key-1"), (201, "key-2")]):
        world(at_s, status=status, json={"amount": 5}, headers={"Idempotency-Key": key})

    assert judged({"same": ["headers.idempotency-key"]}) == [
        "create-charge: operation 1 (key=key-1): try 3 changed headers.idempotency-key: 'key-2' is not 'key-1' of try 1"
    ]


def test_a_key_that_was_left_out_is_told_as_absent(world, judged):
    world(0, status=503, headers=KEY)
    world(1)

    assert judged({"same": ["headers.idempotency-key"]}) == [
        "create-charge: operation 1 (key=4f1c-aaa): try 2 changed headers.idempotency-key: absent is not '4f1c-aaaa-bbbb' of try 1"
    ]


def test_a_changed_body_is_told_by_its_name_alone(world, judged):
    for at_s, amount in enumerate([5, 6, 7]):
        world(at_s, status=503, json={"amount": amount}, headers=KEY)

    assert judged({"same": ["body"]}) == ["create-charge: operation 1 (key=4f1c-aaa): try 2 changed body"]
    assert judged({"same": ["json.amount"]}) == [
        "create-charge: operation 1 (key=4f1c-aaa): try 2 changed json.amount: '6' is not '5' of try 1"
    ]


def test_a_long_value_is_cut_in_the_text(world, judged):
    for at_s, note in enumerate(["a" * 100, "b" * 100]):
        world(at_s, headers={**KEY, "X-Note": note})

    (line,) = judged({"same": ["headers.x-note"]})
    assert line.endswith(f"try 2 changed headers.x-note: '{'b' * 37}…' is not '{'a' * 37}…' of try 1")


def test_same_may_name_a_path_parameter(world):
    check = {"route": "capture", "attempts": {"same": ["path.id"]}}
    for at_s, charge in enumerate(["1", "2"]):
        world(at_s, headers=KEY, route="pay/capture", line=f"POST /v1/charges/{charge}/capture")

    assert world.verdict(check).text.splitlines()[0] == (
        "capture: operation 1 (key=4f1c-aaa): try 2 changed path.id: '2' is not '1' of try 1"
    )


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("header-x", "same[0]: 'header-x' is no selector"),
        ("{{ request.id }}", "same[0]: a template can't be asked of a call that is over"),
    ],
)
def test_what_is_no_selector_of_a_call_is_refused(world, selector, said):
    with pytest.raises(InvalidInput) as why:
        world.verdict({"route": "create-charge", "attempts": {"same": [selector]}})

    assert said in str(why.value)


# honours


@pytest.mark.parametrize(
    ("answer", "came_s", "said"),
    [
        ({"Retry-After": "2"}, 1.95, None),
        ({"Retry-After": "2"}, 1.94, "'wait 2 s', it came after 1.940 s"),
        ({"retry-after-ms": "300"}, 0.25, None),
        ({"retry-after-ms": "300"}, 0.2, "'wait 0.3 s', it came after 0.200 s"),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"}, 9.0, None),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"}, 8.0, "'wait 10 s', it came after 8.000 s"),
        ({}, 0.0, None),
    ],
)
def test_honours_asks_that_no_try_comes_before_retry_after_is_over(world, judged, answer, came_s, said):
    world(0, status=503, headers=KEY, answer=answer)
    world(came_s, headers=KEY)

    expected = "create-charge: operation 1 (key=4f1c-aaa): try 2 broke Retry-After: try 1 was answered "
    assert judged({"honours": "retry-after"}) == ([] if said is None else [expected + said])


@pytest.mark.parametrize("ended_s", [None, 5.0])
def test_a_try_that_did_not_even_wait_for_the_end_broke_it(world, judged, ended_s):
    world(0, ended_s, 503, headers=KEY, answer={"Retry-After": "2"})
    world(3, headers=KEY)

    assert judged({"honours": "retry-after"}) == [
        "create-charge: operation 1 (key=4f1c-aaa): try 2 broke Retry-After: try 1 was answered 'wait 2 s', it came before that had ended"
    ]


# overlap


def test_overlap_false_forbids_two_tries_at_once(world, judged):
    retried(world, (0, 1), (1, 2))
    assert judged({"overlap": False}) == []

    world(1.75, 3, headers=KEY)
    assert judged({"overlap": False}) == [
        "create-charge: operation 1 (key=4f1c-aaa): try 3 overlaps: try 2 ended 250 ms after it came"
    ]


def test_a_try_beside_one_that_is_still_open_is_told_so(world, judged):
    world(0, None, headers=KEY)
    world(1, headers=KEY)

    assert judged({"overlap": False}) == [
        "create-charge: operation 1 (key=4f1c-aaa): try 2 overlaps: try 1 was still open when it came"
    ]


def test_overlap_true_asks_for_a_hedge(world, judged):
    world(0, 5, headers=KEY)
    assert judged({"overlap": True}) == []
    world(6, 7, headers=KEY)
    assert judged({"overlap": True}) == [
        "create-charge: operation 1 (key=4f1c-aaa): no two tries overlap, and they were to"
    ]
    world(6.5, headers=KEY)
    assert judged({"overlap": True}) == []


# All at once


def test_every_broken_rule_is_told_and_then_the_timeline(world):
    world(0, 0.01, 503, json={"amount": 5}, headers={"Idempotency-Key": "key-1"}, answer={"Retry-After": "1"})
    world(0.3, 0.31, 503, json={"amount": 5}, headers={"Idempotency-Key": "key-2"})
    world(0.32, 0.33, 201, json={"amount": 5}, headers={"Idempotency-Key": "key-3"})

    verdict = world.verdict(
        {
            "route": "create-charge",
            "times": 2,
            "attempts": {"max": 2, "operations": 2, "growing": True, "gaps": {"gte": "50ms"},
                         "same": ["headers.idempotency-key"], "honours": "retry-after", "overlap": False},
        }
    )  # fmt: skip

    assert verdict.text == (
        "create-charge: expected 2 calls, saw 3\n"
        "create-charge: expected 2 operations, saw 1\n"
        "create-charge: operation 1 (key=key-1): 3 tries, at most 2 allowed\n"
        "create-charge: operation 1 (key=key-1): try 2 broke Retry-After: "
        "try 1 was answered 'wait 1 s', it came after 0.290 s\n"
        "create-charge: operation 1 (key=key-1): try 3 came 10 ms after try 2 ended, expected at least 50ms\n"
        "create-charge: operation 1 (key=key-1): the gaps don't grow: try 3 came after 10 ms, try 2 after 290 ms\n"
        "create-charge: operation 1 (key=key-1): try 2 changed headers.idempotency-key: "
        "'key-2' is not 'key-1' of try 1\n"
        "  t+0.000  POST /v1/charges  503   key=key-1\n"
        "  t+0.300  POST /v1/charges  503   key=key-2\n"
        "  t+0.320  POST /v1/charges  201   key=key-3"
    )
    assert verdict.standing is Standing.FAILED
    assert verdict.expected == "2 calls, retried by the rules"


def test_rules_that_hold_leave_what_the_count_says(world):
    world(0)
    check = {"route": "create-charge", "attempts": {"max": 3}}

    assert world.verdict(check).text == "create-charge: expected at least 1 call, saw 1"
    assert world.verdict({**check, "times": 2}).standing is Standing.SHORT
    assert world.verdict({**check, "times": 0}).standing is Standing.FAILED


def test_too_many_calls_of_too_few_operations_can_not_come_true(world):
    for at_s in range(3):
        world(at_s, headers=KEY)
    check = {"route": "create-charge", "attempts": {"operations": 2}}

    assert world.verdict({**check, "times": {"max": 3}}).standing is Standing.SHORT
    assert world.verdict({**check, "times": {"max": 2}}).standing is Standing.FAILED


def test_rules_hold_of_no_call_at_all(world):
    rules = {"max": 1, "gaps": {"gte": "1s"}, "growing": True, "overlap": False, "honours": "retry-after"}

    assert world.verdict({"route": "create-charge", "times": 0, "attempts": rules}).ok


def test_rules_go_with_a_request_line_too(world):
    retried(world, (0, 0), (0.1, 0.1))

    verdict = world.verdict({"request": "POST /v1/charges", "attempts": {"max": 1}})

    assert verdict.text.splitlines()[0] == (
        "POST /v1/charges: operation 1 (key=4f1c-aaa): 2 tries, at most 1 allowed"
    )


def test_other_routes_are_no_tries(world, judged):
    world(0, status=503, headers=KEY)
    world(0.001, headers=KEY, route="pay/refund", line="POST /v1/refunds")

    assert judged({"max": 1}) == []


# times


@pytest.mark.parametrize(
    ("times", "standings"),
    [
        (2, "SHORT SHORT OK FAILED"),
        (0, "OK FAILED FAILED FAILED"),
        ({"min": 1}, "SHORT OK OK OK"),
        ({"max": 1}, "OK OK FAILED FAILED"),
        ({"min": 1, "max": 2}, "SHORT OK OK FAILED"),
    ],
)
def test_below_the_bounds_it_may_still_come_above_them_never(world, times, standings):
    seen = []
    for at_s in range(4):
        seen.append(world.verdict({"route": "create-charge", "times": times}).standing.name)
        world(at_s)

    assert seen == standings.split()


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (0, "0 calls"), (1, "1 call"), (3, "3 calls"), ({"min": 1}, "at least 1 call"),
        ({"max": 1}, "at most 1 call"), ({"min": 2, "max": 4}, "2 to 4 calls"),
    ],
)  # fmt: skip
def test_what_is_expected_is_read_aloud(world, times, said):
    assert world.verdict({"route": "refund", "times": times}).expected == said


# in_order


def calls_in_order(world, words):
    for at_s, name in enumerate(words.split()):
        line = {
            "create-charge": "POST /v1/charges",
            "capture": "POST /v1/charges/1/capture",
            "refund": "POST /v1/refunds",
        }
        world(at_s, route=f"pay/{name}", line=line[name])


ORDER = {"in_order": [{"route": "create-charge"}, {"route": "capture", "times": 2}]}


@pytest.mark.parametrize(
    ("came", "missing"),
    [
        ("create-charge capture capture", None),
        ("create-charge refund capture refund capture refund", None),
        ("capture create-charge capture capture", None),
        ("create-charge create-charge capture capture capture", None),
        ("", "create-charge did not come"),
        ("capture capture", "create-charge did not come"),
        ("create-charge", "capture (0 of 2) did not come after create-charge"),
        ("create-charge capture", "capture (1 of 2) did not come after create-charge"),
        ("capture capture create-charge", "capture (0 of 2) did not come after create-charge"),
        ("capture create-charge capture", "capture (1 of 2) did not come after create-charge"),
    ],
)
def test_in_order_is_a_subsequence(world, came, missing):
    calls_in_order(world, came)

    verdict = world.verdict(ORDER)

    if missing is None:
        assert verdict.ok
        assert verdict.text == "in order: create-charge then 2 times capture"
    else:
        assert verdict.standing is Standing.SHORT
        assert verdict.text.splitlines()[0] == (
            f"expected in order: create-charge then 2 times capture; {missing}"
        )


def test_what_came_in_another_order_is_shown(world):
    calls_in_order(world, "capture refund create-charge")

    assert world.verdict(ORDER).text.splitlines()[1:] == [
        "  t+0.000  POST /v1/charges/1/capture  200",
        "  t+2.000  POST /v1/charges            200",
    ]


def test_in_order_may_ask_twice_for_the_same(world):
    check = {"in_order": [{"route": "refund"}, {"route": "capture"}, {"route": "refund"}]}
    calls_in_order(world, "refund capture")

    assert not world.verdict(check).ok
    calls_in_order(world, "refund")
    assert world.verdict(check).ok


# effects


@pytest.fixture
def effects(world):
    def added(*fields):
        for n, one in enumerate(fields, 1):
            world.ns.effects.add({"call": f"c-{n:06}", "at": "…", **one})

    return added


def test_effects_are_counted_by_kind_and_fields(world, effects):
    effects(
        {"kind": "charge", "order": "42", "amount": 5},
        {"kind": "charge", "order": "43", "amount": 7},
        {"kind": "refund", "order": "42"},
    )

    def saw(**spec):
        return world.verdict({"effects": spec, "times": 99}).saw

    assert saw() == "3"
    assert saw(kind="charge") == "2"
    assert saw(kind="charge", where={"order": "42"}) == "1"
    assert saw(where={"order": "42"}) == "2"
    assert saw(where={"amount": {"gt": 6}}) == "1"
    assert saw(where={"amount": {"absent": True}}) == "1"
    assert saw(kind="charge", where={"order": "42", "amount": 7}) == "0"


def test_two_charges_where_one_was_meant_are_shown(world, effects):
    effects({"kind": "charge", "order": "42"}, {"kind": "charge", "order": "42"}, {"kind": "refund"})

    verdict = world.verdict({"effects": {"kind": "charge", "where": {"order": "42"}}, "times": 1})

    assert verdict.standing is Standing.FAILED
    assert verdict.text == (
        "effect charge where order=42: expected 1 effect, saw 2\n"
        "  c-000001  charge  order=42\n"
        "  c-000002  charge  order=42"
    )


def test_where_none_is_so_those_that_are_there_are_shown(world, effects):
    check = {"effects": {"kind": "charge", "where": {"order": "42"}}}
    effects({"kind": "charge", "order": "43"}, {"kind": "refund", "order": "42"})

    assert world.verdict(check).text == (
        "effect charge where order=42: expected at least 1 effect, saw 0\n"
        "  nearest effect, c-000001:\n"
        "    order: expected '42', got '43'\n"
        "  c-000001  charge  order=43"
    )


def test_the_nearest_effect_is_explained_and_types_are_said(world, effects):
    effects(
        {"kind": "charge", "order": 1, "amount": 5},
        {"kind": "charge", "order": 2, "amount": 6},
        {"kind": "refund", "order": "1", "amount": 5},
    )

    verdict = world.verdict({"effects": {"kind": "charge", "where": {"order": "1", "amount": 5}}, "times": 1})

    assert verdict.text.splitlines()[1:3] == [
        "  nearest effect, c-000001:",
        '    order: expected the text "1", got the number 1',
    ]


# webhooks


@pytest.fixture
def deliver(world):
    def delivered(route, *statuses, state=DeliveryState.DELIVERED, **said):
        one = Delivery(
            len(list(world.ns.deliveries)) + 1, namespace="default", call="c-000001", route=route,
            url="http://app.test/hook", body=b"{}", message_id="m", created_s=WALL_S, due_s=WALL_S,
        )  # fmt: skip
        one.tries += [Try(WALL_S, WALL_S, 1.0, status=status) for status in statuses]
        one.state = state
        for name, value in said.items():
            setattr(one, name, value)
        world.ns.deliveries.add(one)

    return delivered


def test_webhooks_counts_deliveries_that_got_a_2xx(world, deliver):
    deliver(CREATE, 204)
    deliver(CREATE, 500, 200)
    deliver(CREATE, 500, 500, state=DeliveryState.FAILED)
    deliver("pay/refund", 200)
    deliver(CREATE, state=DeliveryState.WAITING)

    assert world.verdict({"webhooks": {"route": "create-charge"}, "times": 2}).ok
    assert world.verdict({"webhooks": {}, "times": 3}).ok
    verdict = world.verdict({"webhooks": {"route": "create-charge"}, "times": 3})
    assert verdict.standing is Standing.SHORT
    assert (
        verdict.text.splitlines()[0] == "webhooks of pay/create-charge: expected 3 webhooks delivered, saw 2"
    )


# unused, unmatched, leaks


def test_unused_counts_active_routes_without_a_call(world):
    world(0)

    assert world.verdict({"unused": 2}).ok
    verdict = world.verdict({"unused": 0})
    assert verdict.standing is Standing.SHORT
    assert verdict.text == "expected no route without a call, saw 2: pay/capture, pay/refund"
    assert world.verdict({"unused": 1}).text.startswith("expected at most 1 route without a call, saw 2")


def test_unmatched_counts_calls_that_no_route_took(world):
    world(0)
    assert world.verdict({"unmatched": 0}).ok

    world(1, status=404, route=None, line="POST /v1/charge")
    verdict = world.verdict({"unmatched": 0})
    assert verdict.standing is Standing.FAILED
    assert verdict.text == (
        "expected no unmatched call, saw 1\n  t+0.000  POST /v1/charge  404   no route is loaded"
    )
    assert world.verdict({"unmatched": 1}).ok


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"json": {"card": {"number": "4242424242424242"}}}, "a card number ****4242 in json.card.number"),
        ({"form": {"source[cvc]": "123"}}, "a card's security code in form.source[cvc]"),
        ({"json": {"password": "hunter2"}}, "a password in json.password"),
        ({"line": "POST /v1/charges?key=sk_live_0123456789ab"}, "a live key ****89ab in query.key"),
        ({"headers": {"X-Debug": "4242 4242 4242 4242"}}, "a card number ****4242 in headers.x-debug"),
    ],
)
def test_leaks_names_the_secret_and_its_place_and_shows_it_masked(world, options, said):
    world(0, json={"amount": 1})
    assert world.verdict({"leaks": 0}).ok
    world(1, **options)

    verdict = world.verdict({"leaks": 0})

    assert verdict.standing is Standing.FAILED
    assert verdict.text == f"expected no secret in what was sent, saw 1\n  c-000002  POST /v1/charges  {said}"
    assert world.verdict({"leaks": 1}).ok


def test_no_secret_stands_in_what_a_check_says(world):
    card, token = "4242424242424242", "Bearer tok_1234567890"
    world(0, status=503, line=f"POST /v1/cards/{card}", headers={"Authorization": token, **KEY})
    world(1, line=f"POST /v1/cards/{card}", headers={"Authorization": token + "1", **KEY})
    world.ns.effects.add({"kind": "charge", "call": "c-000001", "password": "hunter2", "card": card})

    said = "\n".join(
        world.verdict(check).text
        for check in (
            {"route": "create-charge", "attempts": {"same": ["headers.authorization"]}},
            {"route": "create-charge", "times": 9},
            {"effects": {"kind": "charge", "where": {"password": "hunter3"}}, "times": 1},
        )
    )

    assert "try 2 changed headers.authorization: 'Bearer ****8901' is not 'Bearer ****7890' of try 1" in said
    assert "effect charge where password=****: expected 1 effect, saw 0" in said
    assert "c-000001  charge  password=****  card=****4242" in said
    assert "POST /v1/cards/****4242" in said
    assert not {word for word in (card, "tok_", "hunter") if word in said}


# The timeline


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"until_s": None}, "200 (open)"),
        ({"until_s": None, "status": None}, "--- (open)"),
        ({"outcome": Outcome.RESET}, "--- reset"),
        ({"outcome": Outcome.RESET, "first_byte_at_s": 0.0}, "200 reset"),
        ({"outcome": Outcome.CLIENT_LEFT, "status": 503}, "--- client left"),
        ({"outcome": Outcome.MALFORMED_CHUNK, "first_byte_at_s": 0.0}, "200 malformed chunk"),
    ],
)
def test_how_a_call_ended_is_said_where_it_was_not_well(world, facts, said):
    world(0, **facts)

    lines = world.verdict({"route": "create-charge", "times": 9}).text.splitlines()
    assert lines[1] == f"  t+0.000  POST /v1/charges  {said}"
