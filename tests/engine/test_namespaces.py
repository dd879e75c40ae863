"""Namespaces never see each other's steps, state, calls, effects, routes or clock; one is put back or collected as a whole."""

import pytest
from support.engine import InMemory, effects

from mockserver.compiler import editing
from mockserver.engine.engine import NamespaceExistsError

SHOP = """
state: {stock: 2}
routes:
  - {name: seq, request: POST /seq, set: {stock: "{{ state.stock - 1 }}"}, effect: {kind: sold}, reply: [202, 201, 200]}
resources: [{path: /items, seed: [{id: 1}]}]
"""


@pytest.fixture
def memory():
    return InMemory(SHOP)


def traces(ns):
    return (
        ns.memory.state.get("stock"), len(effects(ns)), ns.counts.total, len(list(ns.call_log)),
        ns.peek(ns.route("shop/seq")).number, [route.id for route in ns.active_routes()],
    )  # fmt: skip


def test_what_one_does_the_other_has_not_seen(memory):
    mine, other = (memory.engine.make_namespace(name) for name in ("mine", "other"))
    before = traces(other)

    memory.statuses("POST /seq", "POST /seq", "DELETE /items/1", "GET /none", ns=mine)
    editing.add_route(mine, {"request": "GET /own", "reply": 200})
    mine.clock.move_to(memory.now_s + 3600)

    assert traces(other) == before
    assert traces(mine) != before
    assert memory.statuses("POST /seq", "GET /items/1", "GET /own", ns=other) == [202, 200, 404]
    assert other.clock.now_s() == memory.now_s == mine.clock.now_s() - 3600


def test_the_same_seed_generates_the_same_values_and_another_name_others():
    memory = InMemory('routes: [{request: GET /id, reply: {text: "{{ random_string(20) }}"}}]')

    def ids(ns):
        return [bytes(memory.ask("GET /id", ns).response.body) for _ in range(3)]

    same = [ids(memory.engine.make_namespace(name, seed="7")) for name in ("a", "b")]
    assert same[0] == same[1]
    assert ids(memory.engine.make_namespace("c")) != ids(memory.engine.make_namespace("d"))


def test_a_snapshot_puts_back_memory_steps_routes_and_clock_and_keeps_the_calls(memory):
    ns = memory.default
    memory.ask("POST /seq")
    number = ns.take_snapshot()
    memory.statuses("POST /seq", "DELETE /items/1")
    editing.add_route(ns, {"request": "GET /own", "reply": 200})
    ns.clock.move_to(memory.now_s + 60)

    ns.put_back(dict(ns.snapshots)[number])

    assert memory.statuses("POST /seq", "GET /items/1", "GET /own") == [201, 200, 404]
    assert ns.clock.now_s() == memory.now_s
    assert ns.counts.total == 3 + 3


@pytest.mark.parametrize(
    ("part", "kept"),
    [("calls", (1, 0, 0, 0, 1)), ("positions", (1, 1, 1, 1, 0)), ("memory", (2, 1, 1, 1, 1))],
)
def test_a_reset_takes_the_part_that_is_named_alone(memory, part, kept):
    memory.ask("POST /seq")

    editing.reset(memory.engine, memory.default, [part])

    assert traces(memory.default)[:5] == kept


def test_a_name_is_given_once_and_is_free_again_when_it_is_removed(memory):
    first = memory.engine.make_namespace("mine")
    with pytest.raises(NamespaceExistsError):
        memory.engine.make_namespace("mine")

    memory.ask("POST /seq", first)
    memory.engine.remove_namespace(first)

    assert memory.statuses("POST /seq", ns=memory.engine.make_namespace("mine")) == [202]


def test_one_that_nobody_uses_is_collected_at_its_time_and_never_the_default(memory):
    short = memory.engine.make_namespace("short", ttl_s=60)
    long = memory.engine.make_namespace("long", ttl_s=120)

    memory.now_s += 60
    assert memory.engine.idle_namespaces() == []
    memory.now_s += 1
    assert memory.engine.idle_namespaces() == [short]
    memory.now_s += 3600
    assert memory.engine.idle_namespaces() == [short, long]
