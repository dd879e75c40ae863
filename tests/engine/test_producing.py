"""A check that names an effect or a webhook that nothing can produce is an error, not a check that holds."""

import pytest
from support.calls import WALL_S, World

from mockserver.compiler.callbacks import Function, attach
from mockserver.compiler.editing import add_route, remove_route
from mockserver.errors import InvalidInputError, pointer
from mockserver.store.delivery import Delivery

PAY = """
routes:
  - {name: charge, request: POST /charges, reply: 201, effect: {kind: charge, order: "{{ request.json.order }}"}}
  - name: cancel
    request: DELETE /charges
    reply:
      cases:
        - {if: "request.query.x", status: 409, effect: [{kind: refusal}]}
        - choose: [{status: 200, effect: {kind: refund, amount: 5}, webhook: {url: "http://app/hook"}}]
  - {name: read, request: GET /charges, reply: 200}
"""
RESOURCE = """
resources:
  - {path: /items, on: {create: {effect: {kind: stored, id: "{{ item.id }}"}, webhook: {url: "http://app/hook"}}}}
"""


@pytest.fixture
def world(write):
    def made(*texts):
        return World(write({f"s{i}.yaml": text for i, text in enumerate(texts)}))

    return made


def refused(world, check):
    """The pointer and the text of the error."""
    with pytest.raises(InvalidInputError) as caught:
        world.verdict(check)
    (flaw,) = caught.value.flaws
    return pointer(flaw.path), str(flaw)


@pytest.mark.parametrize("times", [0, 1, {"max": 3}])
@pytest.mark.parametrize(
    ("kind", "near"), [("chrge", "charge"), ("Refusal", "refusal"), ("refunds", "refund")]
)
def test_an_unknown_kind_is_an_error_with_the_near_name(world, kind, near, times):
    where, text = refused(world(PAY), {"effects": {"kind": kind}, "times": times})

    assert where == "/effects/kind"
    assert text == f"effects.kind: no scenario has an effect of kind {kind!r}. Did you mean {near!r}?"


def test_a_kind_that_is_near_none_lists_those_that_are(world):
    assert "Known here: charge, refund, refusal." in refused(world(PAY), {"effects": {"kind": "xyz"}})[1]


@pytest.mark.parametrize("kind", ["charge", "refusal", "refund", "stored"])
def test_a_kind_of_any_reply_or_resource_is_known(world, kind):
    assert world(PAY, RESOURCE).verdict({"effects": {"kind": kind}, "times": 0}).ok


def test_a_scenario_that_is_switched_off_counts(world):
    assert world(f"active: false\n{PAY}").verdict({"effects": {"kind": "charge"}, "times": 0}).ok


def test_a_route_made_at_runtime_counts_as_long_as_it_is_there(world):
    made, check = world(PAY), {"effects": {"kind": "late"}, "times": 0}
    reply = {"status": 201, "effect": {"kind": "late"}}

    route = add_route(made.ns, {"request": "POST /late", "reply": reply})
    assert made.verdict(check).ok

    remove_route(made.ns, route)
    assert refused(made, check)[0] == "/effects/kind"


def test_what_a_function_answers_may_be_any_effect_and_webhook(world):
    made = world("routes: [{request: GET /x, reply: 200}]")
    route = add_route(made.ns, {"request": "POST /late", "reply": 200})
    attach(route, {0: Function(lambda request, params: 200, "f", blocks=False)})

    assert made.verdict({"effects": {"kind": "any"}, "times": 0}).ok
    assert made.verdict({"webhooks": {"route": route.id}, "times": 0}).ok


def test_an_effect_that_is_recorded_counts(world):
    made = world(PAY)
    made.ns.effects.add({"kind": "old", "call": "c-000001", "at": "…"})

    assert made.verdict({"effects": {"kind": "old"}, "times": 1}).ok


def test_where_a_kind_is_a_template_any_may_come(world):
    text = 'routes: [{request: POST /x, reply: 200, effect: {kind: "{{ request.json.kind }}"}}]'

    assert world(PAY, text).verdict({"effects": {"kind": "chrge", "where": {"x": 1}}, "times": 0}).ok


def test_without_any_effect_nothing_can_be_asked_of_effects(world):
    made = world("routes: [{request: GET /x, reply: 200}]")

    assert refused(made, {"effects": {}, "times": 0})[1].startswith("effects: no scenario has an effect.")


def test_a_field_that_no_effect_of_the_kind_has_is_an_error(world):
    made = world(PAY)

    assert refused(made, {"effects": {"kind": "charge", "where": {"ordr": 1}}, "times": 0}) == (
        "/effects/where/ordr",
        "effects.where.ordr: no effect of kind 'charge' has a field 'ordr'. Did you mean 'order'?",
    )
    assert refused(made, {"effects": {"where": {"oder": 1}}, "times": 0})[0] == "/effects/where/oder"
    assert made.verdict({"effects": {"kind": "charge", "where": {"note": "absent"}}, "times": 0}).ok
    assert made.verdict({"effects": {"where": {"amount": 5, "call": "c-000001"}}, "times": 0}).ok


# Webhooks


def test_a_route_that_sends_no_webhook_is_an_error_with_those_that_do(world):
    where, text = refused(world(PAY), {"webhooks": {"route": "charge"}, "times": 0})

    assert where == "/webhooks/route"
    assert text == "webhooks.route: s0/charge has no webhook. Webhooks are sent by: s0/cancel"


def test_a_route_that_is_not_there_is_an_error(world):
    where, text = refused(world(PAY), {"webhooks": {"route": "cancle"}, "times": 0})

    assert where == "/webhooks/route"
    assert "Did you mean 'cancel'?" in text


def test_without_any_webhook_nothing_can_be_asked_of_webhooks(world):
    made = world("routes: [{request: GET /x, reply: 200, webhook: none}]")

    where, text = refused(made, {"webhooks": {}, "times": 0})
    assert (where, text.split(".")[0]) == ("/webhooks", "webhooks: no scenario has a webhook")


def test_webhooks_of_replies_and_resources_count(world):
    assert world(PAY).verdict({"webhooks": {}, "times": 0}).ok
    assert world(PAY).verdict({"webhooks": {"route": "cancel"}, "times": 0}).ok
    assert world(RESOURCE).verdict({"webhooks": {"route": "POST /items"}, "times": 0}).ok
    assert refused(world(RESOURCE), {"webhooks": {"route": "GET /items"}, "times": 0})[0] == "/webhooks/route"


def test_a_delivery_that_was_made_counts(world):
    made = world("routes: [{name: pay, request: POST /x, reply: 200}]")
    made.ns.deliveries.add(
        Delivery(1, namespace="default", call="c-000001", route="s0/pay", url="http://app/", body=b"", message_id="m", created_s=WALL_S, due_s=WALL_S)
    )  # fmt: skip

    assert made.verdict({"webhooks": {"route": "pay"}, "times": 0}).ok


# What is written and never happens


def test_a_failing_check_names_the_routes_whose_effect_never_happens(world):
    made = world(
        "routes: [{name: pay, request: POST /x, reply: [503, 402], effect: {kind: charge}, webhook: {url: 'http://a/b'}}]"
    )

    why = "never happens: every reply of this route is 400 or above"
    assert made.verdict({"effects": {"kind": "charge"}, "times": 1}).text == (
        f"effect charge: expected 1 effect, saw 0\n  s0/pay: its `effect` {why}"
    )
    assert made.verdict({"webhooks": {}, "times": 1}).text == (
        f"webhooks: expected 1 webhook delivered, saw 0\n  s0/pay: its `webhook` {why}"
    )
