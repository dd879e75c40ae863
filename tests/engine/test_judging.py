"""Every kind of check but rules on attempts, kept and broken, with its text. Calls by hand, times to the millisecond."""

import pytest
from support.calls import CREATE, KEY, WALL_S, World

from mockserver.model.plan import Outcome
from mockserver.store.delivery import Delivery, DeliveryState, Try
from mockserver.verification.verdict import Standing

PAY = """
base: /v1
routes:
  - {name: create-charge, request: POST /charges, reply: 200}
  - {name: capture, request: "POST /charges/{id}/capture", reply: 200}
  - {name: refund, request: POST /refunds, reply: 200}
"""


@pytest.fixture
def world(write):
    return World(write({"pay.yaml": PAY}))


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
        "expected no unmatched call, saw 1\n  t+0.000  POST /v1/charge  404   no route is similar"
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

    assert (
        'attempt 2 changed headers.authorization: expected "Bearer ****7890", got "Bearer ****8901"' in said
    )
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
