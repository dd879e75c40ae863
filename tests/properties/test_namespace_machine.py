"""
Random lives of a namespace against a naive model of one: calls, resets, moves of the clock, snapshots and restores.

At the engine's level, without a wire and with a clock of its own, so that a
thousand steps take a second. Moments are whole seconds: nothing is rounded.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.matching import a_request

from mockserver.compiler import editing
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.scenarios.loader import load

SCENARIO = """
state: {begun: "yes"}
routes:
  - {name: seq, request: POST /seq, reply: [503, {status: 503}, 201]}
  - {name: twice, request: POST /twice, reply: [{status: 503, times: 2}, {status: 202, times: 1}], then: cycle}
  - {name: stops, request: POST /stops, reply: [503, 429], then: stop}
  - {name: stopped, request: POST /stops, reply: 200}
  - {name: per, request: POST /per, per: headers.k, reply: [503, {status: 200, headers: {n: "{{ call.number }}"}}]}
  - {name: for, request: GET /for, reply: [{status: 503, for: 30s}, {status: 200, times: 2}], then: cycle}
  - {name: take, request: "POST /take/{k}", when: {"k.{{ path.k }}": absent}, set: {"k.{{ path.k }}": "{{ call.number }}"}, reply: 201}
  - {name: hold, request: "POST /hold/{k}", set: {"k.{{ path.k }}": held}, set_ttl: 60s, reply: 200}
  - {name: taken, request: "POST /take/{k}", reply: 409}
  - name: pay
    request: POST /pay
    idempotency: {header: key, ttl: 300s}
    let: {n: "{{ call.number }}"}
    reply:
      cases:
        - {match: {headers: {do: fail}}, status: 503}
        - {match: {headers: {do: break}}, status: "{{ request.json.none }}"}
        - {status: 201, json: "{{ let.n }}", effect: {kind: paid, n: "{{ let.n }}"}}
  - {name: limited, request: GET /limited, limit: {rate: 60/m, burst: 2}, reply: 200}
resources:
  - path: /items
    machine: {initial: new, transitions: {use: {new: used}}}
    on: {use: {effect: {kind: used, n: "{{ item.id }}"}}}
"""

KEYS = st.sampled_from("abc")
SECONDS = st.sampled_from([0, 1, 29, 30, 59, 60, 299, 300, 301])
PARTS = st.sets(st.sampled_from([part for part in editing.RESETS if part != "seed"]), min_size=1)
START_S = 1_900_000_000


@dataclass
class Memory:
    state: dict[str, tuple[Any, float]] = field(default_factory=lambda: {"begun": ("yes", float("inf"))})
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: float = 2
    filled_at: float | None = None
    items: dict[int, str] = field(default_factory=dict)
    last_item: int = 0


@dataclass
class Positions:
    seq: int = 0
    twice: int = 0
    stops: int = 0
    per: dict[str, int] = field(default_factory=dict)
    since: float | None = None
    healed: int | None = None
    takes: int = 0
    pays: int = 0


class Naive:
    """What a namespace is, in as few words as there are."""

    def __init__(self) -> None:
        self.wall = START_S
        self.offset = 0
        self.frozen: int | None = None
        self.memory = Memory()
        self.positions = Positions()
        self.outage: dict[str, int] | None = None
        self.effects: list[tuple[str, int]] = []
        self.calls: dict[str, int] = {}
        self.statuses: list[int | None] = []
        self.snapshots: list[Any] = []

    def now(self) -> int:
        return self.wall + self.offset if self.frozen is None else self.frozen

    def counted(self, route: str, status: int) -> int:
        """The status, but for an outage, and written down."""
        self.calls[route] = self.calls.get(route, 0) + 1
        self.statuses.append(status)
        return status

    def down(self) -> bool:
        """Whether an outage takes this call."""
        if self.outage is None:
            return False
        if self.now() >= self.outage["until"] or self.outage["left"] == 0:
            self.outage = None
            return False
        if self.outage["skip"]:
            self.outage["skip"] -= 1
            return False
        self.outage["left"] -= 1
        return True

    def state(self) -> dict[str, Any]:
        return {key: value for key, (value, until) in self.memory.state.items() if self.now() < until}

    def write(self, key: str, value: Any, until: float) -> None:
        """A value of the state. What has expired is gone then, also for a clock that is moved back later."""
        kept = {name: one for name, one in self.memory.state.items() if self.now() < one[1]}
        self.memory.state = {**kept, key: (value, until)}

    def expire_keys(self) -> None:
        """The same for idempotency keys."""
        self.memory.keys = {
            key: one
            for key, one in self.memory.keys.items()
            if one["answer"] is None or self.now() < one["until"]
        }

    def reset(self, parts: set[str]) -> None:
        if "calls" in parts:
            self.effects, self.calls, self.statuses = [], {}, []
        if "memory" in parts:
            self.memory = Memory()
        if "positions" in parts:
            self.positions = Positions()
        if "routes" in parts:
            self.outage = None
        if "clock" in parts:
            self.offset, self.frozen = 0, None

    def kept(self) -> Any:
        memory = copy.deepcopy(self.memory)
        memory.keys = {key: one for key, one in memory.keys.items() if one["answer"] is not None}
        return memory, copy.deepcopy(self.positions), copy.deepcopy(self.outage), self.offset, self.frozen

    def put_back(self, at: int) -> None:
        kept = copy.deepcopy(self.snapshots[at])
        del self.snapshots[at + 1 :]
        self.memory, self.positions, self.outage, self.offset, self.frozen = kept


class Lives(RuleBasedStateMachine):
    """Everything is done to both, and both are to say the same."""

    world: Any
    under_way = Bundle("under_way")

    def __init__(self) -> None:
        super().__init__()
        self.naive = Naive()
        self.engine = Engine(self.world, wall=lambda: self.naive.wall, mono=lambda: self.naive.wall)
        self.ns = self.engine.make_namespace("one")
        self.open = 0
        self.opened: dict[int, Any] = {}

    def begin(self, line: str, **headers: str) -> Any:
        lines = tuple(headers.items())
        return self.engine.begin(a_request(line, *lines, json={"a": headers.get("body")}), self.ns)

    def ask(self, line: str, **headers: str) -> tuple[int, Any]:
        call = self.begin(line, **headers)
        self.engine.finish(call, Outcome.DONE)
        return call.status, call

    # Sequences

    @rule()
    def seq(self) -> None:
        naive = self.naive
        if naive.down():
            expected = 500
        else:
            expected = [503, 503, 201][min(naive.positions.seq, 2)]
            naive.positions.seq += 1
        assert self.ask("POST /seq")[0] == naive.counted("seq", expected)

    @rule()
    def twice(self) -> None:
        naive = self.naive
        if naive.down():
            expected = 500
        else:
            expected = [503, 503, 202][naive.positions.twice % 3]
            naive.positions.twice += 1
        assert self.ask("POST /twice")[0] == naive.counted("twice", expected)

    @rule()
    def stops(self) -> None:
        naive = self.naive
        route = "stops" if naive.positions.stops < 2 else "stopped"
        if naive.down():
            expected = 500
        else:
            expected = [503, 429, 200][min(naive.positions.stops, 2)]
            naive.positions.stops += 1
        assert self.ask("POST /stops")[0] == naive.counted(route, expected)

    @rule(key=KEYS)
    def per(self, key: str) -> None:
        naive = self.naive
        if naive.down():
            expected, number = 500, None
        else:
            done = naive.positions.per.get(key, 0)
            expected, number = (200, str(done + 1)) if done else (503, None)
            naive.positions.per[key] = done + 1
        status, call = self.ask("POST /per", k=key)
        assert status == naive.counted("per", expected)
        assert call.response.header("n") == number

    @rule()
    def heals(self) -> None:
        naive, positions = self.naive, self.naive.positions
        # Time, and what was used up, has moved it also where an outage answers.
        if positions.healed == 2:
            positions.healed, positions.since = None, None
        if positions.since is not None and naive.now() >= positions.since + 30:
            positions.healed, positions.since = 0, None
        if naive.down():
            expected = 500
        elif positions.healed is not None:
            expected = 200
            positions.healed += 1
        else:
            expected = 503
            positions.since = naive.now() if positions.since is None else positions.since
        assert self.ask("GET /for")[0] == naive.counted("for", expected)

    # State

    @rule(key=KEYS)
    def take(self, key: str) -> None:
        naive = self.naive
        route = "taken" if f"k.{key}" in naive.state() else "take"
        if naive.down():
            expected = 500
        elif route == "take":
            expected = 201
            naive.positions.takes += 1
            naive.write(f"k.{key}", naive.positions.takes, float("inf"))
        else:
            expected = 409
        assert self.ask(f"POST /take/{key}")[0] == naive.counted(route, expected)

    @rule(key=KEYS)
    def hold(self, key: str) -> None:
        naive = self.naive
        if naive.down():
            expected = 500
        else:
            expected = 200
            naive.write(f"k.{key}", "held", naive.now() + 60)
        assert self.ask(f"POST /hold/{key}")[0] == naive.counted("hold", expected)

    # Limits

    @rule()
    def limited(self) -> None:
        naive, memory = self.naive, self.naive.memory
        if naive.down():
            expected = 500
        else:
            gained = 0 if memory.filled_at is None else max(0, naive.now() - memory.filled_at)
            memory.tokens, memory.filled_at = min(2, memory.tokens + gained), naive.now()
            expected = 200 if memory.tokens >= 1 else 429
            memory.tokens -= expected == 200
        assert self.ask("GET /limited")[0] == naive.counted("limited", expected)

    # Idempotency

    def _pay(self, key: str, body: str, do: str) -> tuple[int, Any, Any]:
        """Status and body as they are to be; and the key's entry, where this call is its first."""
        naive = self.naive
        if naive.down():
            return 500, None, None
        naive.expire_keys()
        known = naive.memory.keys.get(key)
        if known is not None:
            if known["body"] != body:
                return 422, None, None
            return (409, None, None) if known["answer"] is None else (201, known["answer"], None)
        if do == "break":
            return 500, None, None
        naive.positions.pays += 1
        number = naive.positions.pays
        entry = {"body": body, "answer": None, "until": naive.now() + 300, "keep": None}
        naive.memory.keys[key] = entry
        if do == "fail":
            return 503, None, entry
        naive.effects.append(("paid", number))
        entry["keep"] = number
        return 201, number, entry

    def _settle(self, key: str, entry: Any) -> None:
        if self.naive.memory.keys.get(key) is not entry:
            return
        if entry["keep"] is None:
            del self.naive.memory.keys[key]
        else:
            entry["answer"] = entry["keep"]

    @rule(key=KEYS, body=st.sampled_from("xy"), do=st.sampled_from(["pay", "fail", "break"]))
    def pay(self, key: str, body: str, do: str) -> None:
        expected, number, entry = self._pay(key, body, do)
        status, call = self.ask("POST /pay", key=key, do=do, body=body)
        assert status == self.naive.counted("pay", expected)
        if number is not None:
            assert json.loads(call.response.body) == number
            assert call.replayed is (entry is None)
        if entry is not None:
            self._settle(key, entry)

    @precondition(lambda self: self.open < 3)
    @rule(target=under_way, key=KEYS, body=st.sampled_from("xy"), do=st.sampled_from(["pay", "fail"]))
    def begin_to_pay(self, key: str, body: str, do: str) -> Any:
        expected, _, entry = self._pay(key, body, do)
        call = self.begin("POST /pay", key=key, do=do, body=body)
        assert call.status == self.naive.counted("pay", expected)
        self.open += 1
        self.opened[call.number] = call
        return call, key, entry

    @rule(
        one=consumes(under_way), outcome=st.sampled_from([Outcome.DONE, Outcome.CLIENT_LEFT, Outcome.RESET])
    )
    def end_of_paying(self, one: Any, outcome: Outcome) -> None:
        call, key, entry = one
        if outcome is Outcome.CLIENT_LEFT:
            self._without_status(call)
        self.engine.finish(call, outcome)
        self.engine.finish(call, Outcome.DONE)  # a call is over once
        assert call.outcome is outcome
        self.open -= 1
        self.opened.pop(call.number, None)  # a reset of `calls` forgot it
        if entry is not None:
            self._settle(key, entry)

    # Resources

    @rule()
    def make_item(self) -> None:
        naive, memory = self.naive, self.naive.memory
        if naive.down():
            expected = 500
        else:
            expected = 201
            memory.last_item += 1
            memory.items[memory.last_item] = "new"
        assert self.ask("POST /items")[0] == naive.counted("POST /items", expected)

    @rule(item=st.integers(1, 3))
    def use_item(self, item: int) -> None:
        naive, memory = self.naive, self.naive.memory
        if naive.down():
            expected = 500
        elif item not in memory.items:
            expected = 404
        elif memory.items[item] == "used":
            expected = 409
        else:
            expected = 200
            memory.items[item] = "used"
            naive.effects.append(("used", item))
        assert self.ask(f"POST /items/{item}/use")[0] == naive.counted("POST /items/{id}/use", expected)

    @rule(item=st.integers(1, 3))
    def drop_item(self, item: int) -> None:
        naive = self.naive
        expected = 500 if naive.down() else 204 if naive.memory.items.pop(item, None) else 404
        assert self.ask(f"DELETE /items/{item}")[0] == naive.counted("DELETE /items/{id}", expected)

    # The world around

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.naive.wall += seconds

    @rule(seconds=SECONDS)
    def advance(self, seconds: int) -> None:
        naive = self.naive
        if naive.frozen is None:
            naive.offset += seconds
        else:
            naive.frozen += seconds
        self.ns.clock.move_to(self.ns.clock.now_s() + seconds)

    @rule()
    def freeze(self) -> None:
        self.naive.frozen = self.naive.now()
        self.ns.clock.freeze()

    @rule()
    def resume(self) -> None:
        naive = self.naive
        if naive.frozen is not None:
            naive.offset, naive.frozen = naive.frozen - naive.wall, None
        self.ns.clock.resume()

    @rule(times=st.integers(1, 3), skip=st.integers(0, 2), seconds=st.sampled_from([30, 300]))
    def go_down(self, times: int, skip: int, seconds: int) -> None:
        self.naive.outage = {"left": times, "skip": skip, "until": self.naive.now() + seconds}
        data = {"reply": 500, "times": times, "skip": skip, "for": f"{seconds}s"}
        self.ns.outage = Outage(OutageSpec.model_validate(data), data, None, self.ns.clock.now_s())

    @rule(parts=PARTS)
    def reset(self, parts: set[str]) -> None:
        self.naive.reset(parts)
        editing.reset(self.engine, self.ns, parts)
        if "calls" in parts:
            self.opened = {}

    @rule()
    def snapshot(self) -> None:
        self.naive.snapshots.append(self.naive.kept())
        self.ns.take_snapshot()

    @precondition(lambda self: self.naive.snapshots)
    @rule(data=st.data())
    def restore(self, data: Any) -> None:
        at = data.draw(st.integers(0, len(self.naive.snapshots) - 1))
        self.naive.put_back(at)
        self.ns.put_back(self.ns.snapshots[at][1])
        del self.ns.snapshots[at + 1 :]

    # What both are to say

    @invariant()
    def time_and_state_are_the_same(self) -> None:
        assert self.ns.clock.now_s() == self.naive.now()
        assert self.ns.memory.state.plain() == self.naive.state()

    def _without_status(self, call: Call) -> None:
        """A client that leaves before the first byte has seen no status."""
        numbers = [recorded.number for recorded in self.ns.call_log]
        if call.number in self.opened:
            self.naive.statuses[numbers.index(call.number)] = None

    @invariant()
    def effects_and_counts_are_the_same(self) -> None:
        assert [(effect["kind"], effect["n"]) for effect in self.ns.effects] == self.naive.effects
        counts = self.ns.counts
        assert {
            name.removeprefix("shop/"): one.calls for name, one in counts.routes.items()
        } == self.naive.calls
        assert counts.total == len(self.naive.statuses)
        assert [call.status for call in self.ns.call_log] == self.naive.statuses
        assert sum(one.in_flight for one in counts.routes.values()) == len(self.opened)

    @invariant()
    def items_are_the_same(self) -> None:
        kept = self.ns.memory.resources.get("shop/items")
        items = {item["id"]: item["status"] for item in kept.items} if kept is not None else {}
        assert items == self.naive.memory.items


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("scenarios") / "shop.yaml"
    file.write_text(SCENARIO)
    return build_scenario_set(load([str(file)]))


@pytest.mark.parametrize("examples", [15, pytest.param(300, marks=pytest.mark.slow)])
def test_random_lives(world: Any, examples: int) -> None:
    Lives.world = world
    run_state_machine_as_test(
        Lives, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None, database=None)
    )
