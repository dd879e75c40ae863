"""Random lives of a collection, against the naive model: a dictionary and a list of moves."""

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.resources import World

MOVES = {
    "approve": {"pending": "approved"},
    "reject": {"pending": "rejected"},
    "ship": {"approved": "shipped"},
}
STATES = ["pending", "approved", "rejected", "shipped"]
WRITTEN = {
    "new": {"object": "item"},
    "update": ["PATCH", "PUT", "POST"],
    "schema": {"properties": {"qty": {"type": "integer", "minimum": 0}}},
    "machine": {"initial": "pending", "transitions": MOVES},
    "page": {"cursor": "after", "limit": "limit", "envelope": {"data": "items", "next": "next_cursor"}},
}
IDS = st.integers(1, 8)
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "qty", "object"]),
    st.none()
    | st.integers(-1, 3)
    | st.dictionaries(st.sampled_from(["x", "y"]), st.none() | st.integers(0, 2), max_size=2),
    max_size=3,
)


def good(item):
    qty = item.get("qty", 0)
    return isinstance(qty, int) and not isinstance(qty, bool) and qty >= 0


def patched(target, patch):
    """RFC 7396, as its section 2 writes it."""
    if isinstance(patch, dict):
        if not isinstance(target, dict):
            target = {}
        target = dict(target)
        for name, value in patch.items():
            if value is None:
                target.pop(name, None)
            else:
                target[name] = patched(target.get(name), value)
        return target
    return patch


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.model = {}
        self.ever = 0
        self.snapshots = []

    @initialize(count=st.integers(0, 4))
    def begin(self, count):
        self.world = World({**WRITTEN, "seed": {"count": count, "each": {"id": "{{ n }}"}}})
        self.model = {str(n): {"id": n, "status": "pending"} for n in range(1, count + 1)}
        self.ever = count

    @rule(fields=FIELDS, chosen=st.none() | IDS)
    def create(self, fields, chosen):
        body = fields if chosen is None else {**fields, "id": chosen}
        answer = self.world.ask("POST", "/items", {**body, "status": "shipped"})
        made = {"object": "item", **body, "status": "pending"}
        if not good(made):
            assert answer.status == 422
        elif chosen is not None and str(chosen) in self.model:
            assert answer.status == 409
        else:
            number = self.ever + 1 if chosen is None else chosen
            self.ever = max(self.ever, number)
            self.model[str(number)] = {**made, "id": number}
            assert answer.status == 201
            assert answer.json == self.model[str(number)]
            assert answer.headers["Location"] == f"/items/{number}"

    @rule(
        number=IDS,
        fields=FIELDS,
        method=st.sampled_from(["PUT", "PATCH", "POST"]),
        state=st.none() | st.sampled_from(STATES),
    )
    def change(self, number, fields, method, state):
        text = str(number)
        answer = self.world.ask(
            method, f"/items/{text}", fields if state is None else {**fields, "status": state}
        )
        if text not in self.model:
            assert answer.status == 404
            return
        old = self.model[text]
        new = dict(fields) if method == "PUT" else patched(old, fields)
        new = {**new, "id": old["id"], "status": state or old["status"]}
        allowed = {move.get(old["status"]) for move in MOVES.values()} | {old["status"]}
        if not good(new):
            assert answer.status == 422
        elif new["status"] not in allowed:
            assert answer.status == 409
        else:
            self.model[text] = new
            assert (answer.status, answer.json) == (200, new)

    @rule(number=IDS, name=st.sampled_from(list(MOVES)))
    def move(self, number, name):
        text = str(number)
        answer = self.world.ask("POST", f"/items/{text}/{name}")
        if text not in self.model:
            assert answer.status == 404
        elif (state := MOVES[name].get(self.model[text]["status"])) is None:
            assert answer.status == 409
            now = self.model[text]["status"]
            assert answer.json["allowed"] == [one for one, move in MOVES.items() if now in move]
        else:
            self.model[text] = {**self.model[text], "status": state}
            assert (answer.status, answer.json) == (200, self.model[text])

    @rule(number=IDS)
    def delete(self, number):
        there = self.model.pop(str(number), None)
        assert self.world.ask("DELETE", f"/items/{number}").status == (204 if there else 404)

    @rule(number=IDS)
    def read(self, number):
        answer = self.world.ask("GET", f"/items/{number}")
        there = self.model.get(str(number))
        assert answer.status == (200 if there else 404)
        assert answer.json == there or there is None

    @rule(number=IDS, fields=FIELDS)
    def decide_without_committing(self, number, fields):
        for method, path in [("POST", "/items"), ("PUT", f"/items/{number}"), ("DELETE", f"/items/{number}")]:
            self.world.decide(method, path, fields)

    @rule()
    def keep(self):
        self.snapshots.append((self.world.collection.snapshot(), json.dumps(self.model), self.ever))

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def go_back(self, data):
        snapshot, model, self.ever = data.draw(st.sampled_from(self.snapshots))
        self.world.collection.restore(snapshot)
        self.model = json.loads(model)

    @rule(size=st.integers(1, 4))
    def walk(self, size):
        cursor, seen = "", []
        while cursor is not None:
            page = self.world.ask("GET", f"/items?after={cursor}&limit={size}").json
            seen += page["data"]
            cursor = page["next"]
        assert seen == list(self.model.values())

    @invariant()
    def the_same_items_in_the_same_order(self):
        if hasattr(self, "world"):
            assert self.world.collection.items == list(self.model.values())


TestLife = pytest.mark.slow(Life.TestCase)
TestLife.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
