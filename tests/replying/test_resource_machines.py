"""The machine of a resource: an item begins in its initial state and moves along transitions only."""

import pytest
from support.resources import World

from mockserver.model.problem import PROBLEM_TYPE

ORDERS = {
    "path": "/orders",
    "seed": [{"id": 1}, {"id": 2, "status": "approved"}],
    "machine": {
        "field": "status",
        "initial": "pending",
        "transitions": {
            "approve": {"pending": "approved"},
            "reject": {"pending": "rejected"},
            "ship": {"approved": "shipped"},
            "deliver": {"shipped": "delivered"},
        },
    },
}
LEGAL = [
    ("pending", "approve", "approved"),
    ("pending", "reject", "rejected"),
    ("approved", "ship", "shipped"),
    ("shipped", "deliver", "delivered"),
]
STATES = ["pending", "approved", "rejected", "shipped", "delivered"]
ILLEGAL = [
    (state, name)
    for state in STATES
    for name in ORDERS["machine"]["transitions"]
    if (state, name) not in [(start, legal) for start, legal, _ in LEGAL]
]


def orders(state="pending", **more):
    return World({**ORDERS, "seed": [{"id": 1, "note": "x", "status": state}], **more})


def test_an_item_begins_in_the_initial_state_whatever_was_sent():
    world = World(ORDERS)
    assert world.ask("POST", "/orders", {"status": "delivered"}).json["status"] == "pending"
    assert [item["status"] for item in world.collection.items] == ["pending", "approved", "pending"]


@pytest.mark.parametrize(("start", "name", "end"), LEGAL)
def test_a_legal_transition_answers_with_the_item(start, name, end):
    world = orders(start)
    answer = world.ask("POST", f"/orders/1/{name}")
    assert (answer.status, answer.json) == (200, {"id": 1, "note": "x", "status": end})
    assert answer.event == name
    assert world.ask("GET", "/orders/1").json["status"] == end


@pytest.mark.parametrize(("start", "name"), ILLEGAL)
def test_an_illegal_transition_is_a_problem_that_says_what_is_allowed(start, name):
    world = orders(start)
    refused = world.ask("POST", f"/orders/1/{name}")
    assert (refused.status, refused.headers["Content-Type"]) == (409, PROBLEM_TYPE)
    assert refused.json["title"] == f"/orders/1 is '{start}' and can't do '{name}'"
    assert refused.json["state"] == start
    assert refused.json["allowed"] == [legal for begin, legal, _ in LEGAL if begin == start]
    assert world.collection.items[0]["status"] == start


def test_the_detail_lists_what_leads_on():
    assert orders().ask("POST", "/orders/1/ship").json["detail"] == "It can approve, reject now"
    assert (
        orders("rejected").ask("POST", "/orders/1/ship").json["detail"]
        == "There is no transition from this state"
    )


def test_a_transition_of_an_unknown_item_is_404():
    assert orders().ask("POST", "/orders/9/approve").status == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
@pytest.mark.parametrize("start", STATES)
@pytest.mark.parametrize("end", [*STATES, "unheard", None, 5])
def test_an_update_moves_the_state_only_along_a_transition(method, start, end):
    world = orders(start, update=["PATCH", "PUT", "POST"])
    answer = world.ask(method, "/orders/1", {"status": end, "note": "y"})
    names = [name for begin, name, to in LEGAL if (begin, to) == (start, end)]
    if names or start == end:
        assert answer.json == {"id": 1, "note": "y", "status": end}
    else:
        assert answer.status == 409
        assert answer.json["allowed"] == [legal for begin, legal, _ in LEGAL if begin == start]
        assert world.collection.items[0] == {"id": 1, "note": "x", "status": start}


def test_put_keeps_a_state_that_it_does_not_name():
    assert orders("shipped").ask("PUT", "/orders/1", {"a": 1}).json == {"id": 1, "a": 1, "status": "shipped"}


def test_an_unknown_state_is_named_as_json_writes_it():
    assert orders().ask("PATCH", "/orders/1", {"status": None}).json["title"].endswith("can't become null")


def test_a_schema_speaks_before_the_machine():
    world = orders(schema={"properties": {"status": {"enum": STATES}}})
    assert world.ask("PATCH", "/orders/1", {"status": "unheard"}).status == 422
    assert world.ask("PATCH", "/orders/1", {"status": "shipped"}).status == 409


@pytest.mark.parametrize("state", [[], ["pending"], {"a": 1}, 5, "unheard"])
def test_a_state_from_outside_that_is_none_leads_nowhere(state):
    world = orders()
    world.collection = world.resource.filled([{"id": 1, "status": state}], world.scope_for)
    refused = world.ask("POST", "/orders/1/approve")
    assert (refused.status, refused.json["state"], refused.json["allowed"]) == (409, state, [])


# Events


@pytest.mark.parametrize(
    ("method", "path", "body", "events"),
    [
        ("GET", "/orders", None, ("list",)),
        ("GET", "/orders/1", None, ("read",)),
        ("POST", "/orders", {}, ("create",)),
        ("PUT", "/orders/1", {}, ("replace", "update")),
        ("PATCH", "/orders/1", {}, ("merge", "update")),
        ("POST", "/orders/1", {}, ("update",)),
        ("PATCH", "/orders/1", {"status": "approved"}, ("approve", "merge", "update")),
        ("POST", "/orders/1/approve", None, ("approve",)),
        ("DELETE", "/orders/1", None, ("delete",)),
        ("GET", "/orders/9", None, ()),
        ("POST", "/orders/1/ship", None, ()),
    ],
)
def test_each_decision_says_what_happened_the_most_specific_first(method, path, body, events):
    _, decision = orders(update=["PATCH", "PUT", "POST"]).decide(method, path, body)
    assert decision.events == events


@pytest.mark.parametrize(
    ("on", "body", "found"),
    [
        (["merge", "update", "approve"], {"status": "approved"}, "approve"),
        (["merge", "update"], {"status": "approved"}, "merge"),
        (["update"], {"status": "approved"}, "update"),
        (["update", "approve"], {"note": "y"}, "update"),
        (["create", "approve"], {"note": "y"}, None),
    ],
)
def test_the_most_specific_event_under_on_is_the_one_that_counts(on, body, found):
    world = orders(on={name: {"effect": {"kind": name}} for name in on})
    _, decision = world.decide("PATCH", "/orders/1", body)
    happened = world.resource.on(decision)
    assert (happened and (happened[0], happened[1].effect)) == (found and (found, {"kind": found}))


def test_every_operation_stands_with_its_methods_and_suffix():
    table = {one.name: (sorted(one.methods), one.suffix) for one in World(ORDERS).resource.operations()}
    assert table == {
        "list": (["GET"], ""),
        "create": (["POST"], ""),
        "read": (["GET"], "/{id}"),
        "merge": (["PATCH"], "/{id}"),
        "replace": (["PUT"], "/{id}"),
        "delete": (["DELETE"], "/{id}"),
        "approve": (["POST"], "/{id}/approve"),
        "reject": (["POST"], "/{id}/reject"),
        "ship": (["POST"], "/{id}/ship"),
        "deliver": (["POST"], "/{id}/deliver"),
    }
