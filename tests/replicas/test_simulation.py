"""
Replicas on a store that loses, delays and doubles, with clocks that lie days apart: what clients were answered is what
one engine in memory answers to the same requests in the order in which they were recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.call_listeners import listen_everywhere
from mockserver.engine.engine import Engine, EngineSettings
from mockserver.engine.namespace import Namespace
from mockserver.errors import MockServerError
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome, Plan
from mockserver.persistence.saving import copy_of
from mockserver.replicas.clock import StoreClock
from mockserver.replicas.journal import NamespaceJournal, OwnerLostError, StoreTimeoutError
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.store import Member, StoreAwayError, StoreIsFullError
from mockserver.scenarios.loader import from_text
from tests.support.simulated_store import SimulatedStore, Table

SCENARIO = """
state: {paid: 0}
routes:
  - name: retry
    request: POST /data
    reply: [503, 503, {status: 200, json: {n: "{{ call.number }}"}}]
    then: repeat
  - name: per
    request: POST /per/{key}
    per: path.key
    reply: [503, {status: 200, text: "{{ path.key }}"}]
  - name: pay
    request: POST /pay
    idempotency: {header: idempotency-key}
    reply:
      status: 201
      json: {id: "{{ uuid() }}", paid: "{{ state.paid }}"}
      set: {paid: "{{ state.paid + 1 }}"}
      effect: {kind: charge, amount: 5}
  - name: slow
    request: POST /slow
    reply: {status: 200, text: slow, delay: 5s}
  - name: limited
    request: POST /limited
    limit: {rate: 2/m}
    reply: 200
"""
WORLD = build_scenario_set([from_text(SCENARIO, "shop")])
PATHS = ["/data", "/data", "/per/a", "/per/b", "/pay", "/slow", "/limited"]


def request(path: str, number: int, key: str | None) -> Request:
    headers = [("Host", "mock"), ("X-Number", str(number))]
    if key is not None:
        headers.append(("Idempotency-Key", key))
    return Request("POST", path, headers, b"{}")


class Time:
    """Real time of the simulation, in seconds. Each clock shows it from its own beginning."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self, ahead_s: float) -> Callable[[], float]:
        return lambda: self.now_s + ahead_s


class Simulated:
    """One replica without sockets."""

    def __init__(
        self, number: int, table: Table, time: Time, decide: Callable[[str], Awaitable[str]]
    ) -> None:
        local = time.clock(86_400.0 * 3 * number)
        self.clock = StoreClock(local)
        self.store = SimulatedStore(table, decide)
        self.is_stopped = False
        engine = Engine(WORLD, wall=self.clock.now, mono=self.clock.now, settings=EngineSettings(seed="same"))
        member = Member(f"r{number}", f"{number}", "1", "", 0.0)
        self.ownership = Ownership(
            self.store, engine, self.clock, member, {"shop": "1"},
            adopt=False, local=local, run=_no_admin, sleep=lambda _: asyncio.sleep(0),
        )  # fmt: skip


async def _no_admin(request: Request, ns: Namespace) -> object:
    raise AssertionError("no change was made")


class World:
    """Replicas, a store, and clients."""

    def __init__(self, draw: Callable[[int], int]) -> None:
        self.draw = draw
        self.time = Time()
        self.table = Table(self.time.clock(1_000_000.0))
        self.faults = 0
        self.replicas = [Simulated(i, self.table, self.time, self.decide) for i in range(3)]
        self.answers: dict[int, tuple[int, bytes]] = {}
        self.number = 0

    async def decide(self, name: str) -> str:
        for _ in range(self.draw(3)):
            await asyncio.sleep(0)
        if self.faults <= 0 or name == "join":
            return "ok"
        happens = ["ok", "ok", "lost", "late", "doubled"][self.draw(5)]
        if happens != "ok":
            self.faults -= 1
        return happens

    async def start(self) -> None:
        for replica in self.replicas:
            await replica.ownership.start()

    async def ask(self, at: int, path: str, key: str | None) -> None:
        """A client's request at one replica; what it was answered is kept."""
        self.number += 1
        number = self.number
        for _ in range(200):
            await asyncio.sleep(0)
            replica = self.replicas[at]
            if replica.is_stopped:
                return  # its connections stand still; the client gives up
            try:
                home = await replica.ownership.home("default")
                assert home is not None
                owner = replica if isinstance(home, NamespaceJournal) else self.of(home)
                if owner is None or owner.is_stopped:
                    assert isinstance(home, Member)
                    replica.ownership.forget_home("default", home)
                    self.time.now_s += 0.5
                    continue
                journal = await owner.ownership.home("default")
                if not isinstance(journal, NamespaceJournal):
                    if isinstance(home, Member):
                        replica.ownership.forget_home("default", home)
                    continue
                answer = await run(journal, request(path, number, key), str(number))
            except (StoreAwayError, OwnerLostError):
                self.time.now_s += 0.3
                continue
            if not owner.is_stopped and not replica.is_stopped and answer is not None:
                assert answer[0] != 0
                self.answers[number] = answer
            return

    def of(self, member: Member) -> Simulated | None:
        return next((one for one in self.replicas if one.ownership.member.id == member.id), None)

    def owner(self) -> str | None:
        """The owner that the store names."""
        kept = self.table.kept.get("default")
        return None if kept is None else kept.owner

    async def beat(self, at: int) -> None:
        replica = self.replicas[at]
        if not replica.is_stopped:
            with contextlib.suppress(StoreAwayError):
                await replica.ownership.beat()

    async def close(self) -> None:
        for replica in self.replicas:
            await replica.ownership.committer.close()


async def run(journal: NamespaceJournal, asked: Request, request_id: str) -> tuple[int, bytes] | None:
    """What the owner answers; None for a 503 of its own."""
    known = journal.known(request_id)
    if known is not None and known[0].outcome is Outcome.LOST:
        return None
    call, plan = known or journal.begin(asked, request_id)
    try:
        await journal.stored()
    except (StoreTimeoutError, StoreIsFullError):
        if journal.lost is None and call.number in journal.open:
            journal.finish(call, Outcome.LOST)
        elif journal.lost is None:
            journal.amend(call, Outcome.LOST, sent=False)
        return None
    if call.number in journal.open:
        journal.answered(call, sent(plan)[0])
        await journal.completes(call, Outcome.DONE)
        journal.finish(call, Outcome.DONE)
    return sent(plan)


def sent(plan: Plan) -> tuple[int, bytes]:
    response = plan[-1].response  # type: ignore[union-attr]
    return response.status, response.body


def by_one_engine(calls: list[Call], times_s: list[float]) -> list[tuple[int, bytes]]:
    """What one engine in memory answers to the same requests."""
    now_s = 0.0
    engine = Engine(WORLD, wall=lambda: now_s, mono=lambda: now_s, settings=EngineSettings(seed="same"))
    answers = []
    for call, at_s in zip(calls, times_s, strict=True):
        now_s = at_s
        mine = engine.begin(call.request.again(), engine.default)
        answers.append(sent(mine.plan))
        engine.finish(mine, Outcome.DONE)
    return answers


STEP = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 2), st.sampled_from(PATHS), st.sampled_from([None, "k1", "k2"])),
    st.tuples(st.just("ask"), st.integers(0, 2), st.sampled_from(PATHS), st.sampled_from([None, "k1", "k2"])),
    st.tuples(st.just("wait"), st.integers(1, 6)),
    st.tuples(st.just("faults"), st.integers(1, 4)),
    st.tuples(st.just("stop"), st.integers(0, 2)),
    st.tuples(st.just("wake"), st.integers(0, 2)),
    st.tuples(st.just("arrive"), st.integers(0, 2)),
    st.tuples(st.just("beat"), st.integers(0, 2)),
    st.tuples(st.just("away"), st.integers(0, 2)),
    st.tuples(st.just("together"), st.lists(st.tuples(st.integers(0, 2), st.sampled_from(PATHS)), min_size=2, max_size=5)),
)  # fmt: skip


async def play(steps: list[tuple[Any, ...]], draw: Callable[[int], int]) -> World:
    world = World(draw)
    await world.start()
    waiting: set[asyncio.Task[None]] = set()

    async def settled() -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    for step in steps:
        match step:
            case ("ask", at, path, key):
                await world.ask(at, path, key)
            case ("together", asks):
                await asyncio.gather(*(world.ask(at, path, None) for at, path in asks))
            case ("wait", seconds):
                world.time.now_s += seconds
                for i in range(3):
                    await world.beat(i)
            case ("faults", count):
                world.faults = count
            case ("stop", at):
                world.replicas[at].is_stopped = sum(one.is_stopped for one in world.replicas) < 2
            case ("wake", at):
                world.replicas[at].is_stopped = False
            case ("arrive", at):
                world.replicas[at].store.arrive()
            case ("beat", at):
                await world.beat(at)
            case ("away", at):
                world.replicas[at].ownership.committer.give_up(0.0)
                await settled()
                world.replicas[at].ownership.committer.away_since_s = None
    world.faults = 0
    for replica in world.replicas:
        replica.is_stopped = False
        replica.store.arrive()
    for _ in range(3):
        world.time.now_s += 1
        for i in range(3):
            await world.beat(i)
    await asyncio.gather(*waiting)
    return world


def judge(world: World, journal: NamespaceJournal) -> None:
    """Every answered call is recorded once; each answer is that of one engine in memory."""
    calls = list(journal.ns.record)
    numbers = [int(call.request.headers["x-number"]) for call in calls]
    assert len(set(numbers)) == len(numbers), "a call was recorded twice"
    assert set(world.answers) <= set(numbers), "an answered call is not recorded"
    assert journal.ns.counts.total == len(calls)
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    answers = by_one_engine(calls, [call.claimed_at_s or 0.0 for call in calls])
    for call, number, answer in zip(calls, numbers, answers, strict=True):
        if number in world.answers:
            assert world.answers[number] == answer, call
            assert call.outcome is not Outcome.LOST or call.request.path == "/slow"


async def judged(world: World) -> None:
    try:
        journal: Any = None
        for _ in range(50):
            world.time.now_s += 1
            for i in range(3):
                await world.beat(i)
            owner = next(
                (one for one in world.replicas if one.ownership.member.id == world.owner()), world.replicas[0]
            )
            journal = await owner.ownership.home("default")
            if isinstance(journal, NamespaceJournal):
                break
            owner.ownership.forget_home("default", journal)  # as it does once that replica says so
        assert isinstance(journal, NamespaceJournal)
        # A claim that arrived late has fenced it: then it is not the owner that the store names.
        journal.kept()
        try:
            await journal.stored()
        except MockServerError:
            await judged(world)
            return
        judge(world, journal)
    finally:
        await world.close()


@given(steps=st.lists(STEP, max_size=30), chances=st.lists(st.integers(0, 59), min_size=50, max_size=50))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_replicas_answer_as_one_engine(steps: list[tuple[Any, ...]], chances: list[int]) -> None:
    at = 0

    def draw(below: int) -> int:
        nonlocal at
        at += 1
        return chances[at % len(chances)] % below

    async def run_all() -> None:
        world = await play(steps, draw)
        await judged(world)

    asyncio.run(run_all())


def test_a_namespace_that_is_taken_over_remembers_the_same() -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        for number in range(40):
            await world.ask(number % 3, PATHS[number % len(PATHS)], f"k{number % 4}" if number % 2 else None)
        first = await world.replicas[0].ownership.home("default")
        assert isinstance(first, NamespaceJournal)
        before = copy_of(first.ns, "same")
        world.replicas[0].is_stopped = True
        world.time.now_s += 10
        await world.beat(1)
        second = await world.replicas[1].ownership.home("default")
        assert isinstance(second, NamespaceJournal)
        after = copy_of(second.ns, "same")
        assert after.about == before.about
        assert [(part.name, [part.row(one) for one in part.things]) for part in after.parts] == [
            (part.name, [part.row(one) for one in part.things]) for part in before.parts
        ]
        await world.close()

    asyncio.run(run_all())


def test_listeners_of_a_new_owner_hear_only_of_calls_that_were_open() -> None:
    """The log of calls, and telemetry: the earlier owner has told its own of the completed ones."""

    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        await world.ask(0, "/data", None)
        first = await world.replicas[0].ownership.home("default")
        assert isinstance(first, NamespaceJournal)
        first.begin(request("/slow", 2, None))
        await first.stored()
        heard: list[int] = []
        ownership = world.replicas[1].ownership
        listen_everywhere(ownership.engine, lambda call: heard.append(call.number))
        world.replicas[0].is_stopped = True
        world.time.now_s += 10
        await world.beat(1)
        second = await ownership.home("default")
        assert isinstance(second, NamespaceJournal)
        assert heard == [2]
        await world.ask(1, "/data", None)
        assert heard == [2, 3]
        await world.close()

    asyncio.run(run_all())


@pytest.mark.parametrize("kind", ["full"])
def test_a_full_store_does_nothing(kind: str) -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        await world.ask(0, "/data", None)
        world.table.full = kind == "full"
        await world.ask(0, "/data", None)
        world.table.full = False
        await world.ask(0, "/data", None)
        await world.ask(0, "/data", None)
        assert {number: status for number, (status, _) in world.answers.items()} == {1: 503, 3: 503, 4: 200}
        await judged(world)

    asyncio.run(run_all())
