"""A failed check on what was sent shows the nearest call, and field by field what differs."""

import pytest
from support.calls import World

from mockserver.errors import InvalidInputError
from mockserver.verification.verdict import Standing

PAY = """
base: /v1
routes:
  - {name: create-charge, request: POST /charges, reply: 200}
  - {name: refund, request: POST /refunds, reply: 200}
"""
CHARGE = "POST /v1/charges"


@pytest.fixture
def world(write):
    return World(write({"pay.yaml": PAY}))


@pytest.fixture
def lines(world):
    def said(match, **check):
        return world.verdict({"request": CHARGE, "match": match, **check}).text.splitlines()

    return said


@pytest.mark.parametrize(
    ("sent", "match", "said"),
    [
        ({"json": {"amount": 50, "currency": "eur"}}, {"json": {"amount": 5000}}, ["json.amount: expected 5000, got 50"]),
        ({"json": {"order": 1}}, {"json": {"order": "1"}}, ['json.order: expected the text "1", got the number 1']),
        ({"json": {"paid": "true"}}, {"json": {"paid": True}}, ['json.paid: expected the boolean true, got the text "true"']),
        ({"json": {"a": {"b": [1, None]}}}, {"json": {"a": {"b": [1, 2]}}}, ["json.a.b[1]: expected the number 2, got null"]),
        ({"json": {"ordr": 1}}, {"json": {"order": 1}}, ["json.order is missing: expected 1; 'ordr' came instead"]),
        (
            {"json": {"amount": 5}, "headers": {"x-tenant": "b"}},
            {"json": {"amount": 6}, "headers": {"x-tenant": "a"}, "query": {"page": 2}},
            ["headers.x-tenant: expected 'a', got 'b'", "query.page is missing: expected '2'", "json.amount: expected 6, got 5"],
        ),
        ({"form": {"amount": 5}}, {"form": {"amount": 6}}, ["form.amount: expected '6', got '5'"]),
        ({"body": b"hello"}, {"text": "hullo"}, ["text: expected 'hullo', got 'hello'"]),
    ],
)  # fmt: skip
def test_the_differing_fields_are_said_with_both_values(world, lines, sent, match, said):
    world(0, **sent)

    text = lines(match)

    assert text[0] == "POST /v1/charges with its match: expected at least 1 call, saw 0"
    assert text[1] == "  nearest call, t+0.000:"
    shown = text[2 : 2 + len(said)]
    assert all(line.startswith(f"    {one}") for line, one in zip(shown, said, strict=True)), shown
    assert text[2 + len(said)].startswith("  t+0.000  POST /v1/charges  200   nearest")


def test_the_nearest_of_several_calls_is_explained_and_the_others_are_noted(world, lines):
    world(0, json={"amount": 1, "order": "a"})
    world(1, json={"amount": 5, "order": "b"})
    world(2, json={"amount": 5, "order": "a"}, line="POST /v1/refunds", route="pay/refund")

    assert lines({"json": {"amount": 5, "order": "c"}}, times=1) == [
        "POST /v1/charges with its match: expected 1 call, saw 0",
        "  nearest call, t+1.000:",
        "    json.order: expected 'c', got 'b'",
        "  t+0.000  POST /v1/charges  200   json.amount: expected 5, got 1",
        "  t+1.000  POST /v1/charges  200   nearest",
    ]


def test_of_equally_near_calls_the_newest_is_explained(world, lines):
    world(0, json={"amount": 1})
    world(1, json={"amount": 2})

    assert lines({"json": {"amount": 7}})[1:3] == [
        "  nearest call, t+1.000:",
        "    json.amount: expected 7, got 2",
    ]


def test_calls_that_fit_are_not_explained(world, lines):
    world(0, json={"amount": 5})
    assert world.verdict({"request": CHARGE, "match": {"json": {"amount": 5}}}).ok

    world(1, json={"amount": 5})
    assert lines({"json": {"amount": 5}}, times=1) == [
        "POST /v1/charges with its match: expected 1 call, saw 2",
        "  t+0.000  POST /v1/charges  200",
        "  t+1.000  POST /v1/charges  200",
    ]


def test_where_only_some_fit_the_others_are_explained(world, lines):
    world(0, json={"amount": 5})
    world(1, json={"amount": 6})

    assert lines({"json": {"amount": 5}}, times=2)[:3] == [
        "POST /v1/charges with its match: expected 2 calls, saw 1",
        "  nearest call, t+1.000:",
        "    json.amount: expected 5, got 6",
    ]


def test_a_route_may_have_conditions_too(world):
    world(0, json={"amount": 50})
    world(1, json={"amount": 5}, line="POST /v1/refunds", route="pay/refund")
    check = {"route": "create-charge", "match": {"json": {"amount": 50}}, "times": 1}

    assert world.verdict(check).ok
    verdict = world.verdict({**check, "match": {"json": {"amount": 5}}})
    assert verdict.standing is Standing.SHORT
    assert verdict.text.splitlines()[2] == "    json.amount: expected 5, got 50"
    assert "refunds" not in verdict.text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("POST /v1/charge", "path differs: '/v1/charge' is not '/v1/charges'"),
        ("PUT /v1/charges", "method differs: PUT is not POST"),
    ],
)
def test_a_call_of_nearly_the_same_request_line_is_shown(world, line, said):
    world(0, line=line, route=None, status=404)

    assert said in world.verdict({"request": CHARGE}).text.splitlines()[2]


def test_a_call_of_another_request_line_is_not_taken_for_the_nearest(world):
    world(0, line="POST /v1/refunds", route="pay/refund")

    assert world.verdict({"request": CHARGE}).text == f"{CHARGE}: expected at least 1 call, saw 0"


def test_a_link_of_an_order_that_never_came_is_explained(world):
    world(0, json={"amount": 5})
    links = [{"request": CHARGE, "match": {"json": {"amount": 6}}}, {"route": "refund"}]

    text = world.verdict({"in_order": links}).text

    assert "json.amount: expected 6, got 5" in text


def test_secrets_are_masked_and_other_numbers_are_not(world, lines):
    world(
        0,
        json={"amount": 50, "card": {"number": 4242424242424242, "cvc": 123}},
        headers={"authorization": "Bearer sk_test_71"},
    )
    match = {
        "json": {"amount": 5000, "card": {"number": 4000056655665556, "cvc": "124"}},
        "headers": {"authorization": "Bearer sk_test_72"},
    }  # fmt: skip

    text = "\n".join(lines(match))

    assert "json.amount: expected 5000, got 50" in text
    for secret in ("4242424242424242", "4000056655665556", "123", "124", "sk_test_71", "sk_test_72"):
        assert secret not in text


def test_a_body_that_was_cut_is_told(world, lines):
    call = world(0, json={"amount": 5})
    call.truncated = True

    assert lines({"json": {"amount": 6}})[3] == "    only the first 13 bytes of its body were kept"


def test_conditions_alone_name_no_calls(world):
    with pytest.raises(InvalidInputError, match="`match` needs `route` or `request`"):
        world.verdict({"match": {"json": {}}, "unmatched": 0})
