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
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.errors import MockServerError
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome, Plan
from mockserver.persistence.saving import copy_of
from mockserver.replicas.clock import StoreClock
from mockserver.replicas.committer import StoreTimeoutError
from mockserver.replicas.constant import (
    Added,
    ClosedError,
    ConstantWriter,
    constant_response,
    constant_route,
)
from mockserver.replicas.journal import NamespaceJournal, OwnerLostError
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.store import Member, StoreAwayError, StoreIsFullError
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import from_text
from mockserver.store.call_log import CallLogLimits
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
  - name: fixed
    request: POST /fixed
    reply: {status: 200, text: fixed}
  - name: limited
    request: POST /limited
    limit: {rate: 2/m}
    reply: 200
"""
WORLD = build_scenario_set([from_text(SCENARIO, "shop")])
PATHS = ["/data", "/data", "/per/a", "/per/b", "/pay", "/slow", "/limited", "/fixed"]


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
        self.changes: dict[str, int] = {}
        """The changes that were made here, each with the number of the call before it."""
        engine = Engine(WORLD, wall=self.clock.now, mono=self.clock.now, settings=EngineSettings(seed="same"))
        member = Member(f"r{number}", f"{number}", "1", "", 0.0)
        self.ownership = Ownership(
            self.store, engine, self.clock, member, {"shop": "1"},
            adopt=False, local=local, run=self.change, sleep=lambda _: asyncio.sleep(0),
        )  # fmt: skip
        self.ownership.open_after = 2
        self.lost: list[Added] = []
        """Calls that were added after their client was told that they may not be; the owner has not heard of it yet."""
        self.writer = ConstantWriter("default", self.clock, self.ownership.committer, self.lost.append)

    async def change(self, asked: Request, ns: Namespace) -> object:
        """Run a change, as the admin API does."""
        self.changes[asked.path] = ns.last_number
        make_change(asked.path, ns)
        return None

    async def add(self, asked: Request) -> tuple[int, bytes]:
        """Decide a call in an open namespace."""
        route = constant_route(WORLD, asked)
        assert route is not None
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def then(error: MockServerError | None, added: Added) -> None:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        self.writer.add(asked, route, then)
        await done
        response = constant_response(route)
        return response.status, response.body


def make_change(path: str, ns: Namespace) -> None:
    outage = Outage(parse_spec(OutageSpec, {"reply": 502}), {"reply": 502}, None, 0.0)
    ns.set_outage(outage if "/on/" in path else None)


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
        self.changed = 0
        self.acknowledged: dict[str, int] = {}
        """The changes that were answered, each with the number of the last request that had begun by then."""

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
        asked = request(path, number, key)
        replica = self.replicas[at]

        def is_constant() -> bool:
            return constant_route(WORLD, asked) is not None

        for _ in range(200):
            await asyncio.sleep(0)
            if replica.is_stopped:
                return  # its connections stand still; the client gives up
            try:
                if replica.writer.token and is_constant():
                    answer = await replica.add(asked)
                    if not replica.is_stopped:
                        self.answers[number] = answer
                    return
                found = await self.journal(replica)
                if found is None:
                    continue
                owner, journal = found
                if journal.known(str(number)) is None:
                    token = await journal.opening.admit(is_constant)
                    if token:
                        replica.writer.token = token
                        continue
                answer = await run(journal, asked, str(number))
            except (StoreAwayError, OwnerLostError, ClosedError):
                self.time.now_s += 0.3
                continue
            except (StoreTimeoutError, StoreIsFullError):
                return  # a 503 of its own
            if not owner.is_stopped and not replica.is_stopped and answer is not None:
                assert answer[0] != 0
                self.answers[number] = answer
            return

    async def journal(self, replica: Simulated) -> tuple[Simulated, NamespaceJournal] | None:
        """Return who owns the namespace, as far as this replica can tell; None where that is to be tried again."""
        home = await replica.ownership.home("default")
        assert home is not None
        owner = replica if isinstance(home, NamespaceJournal) else self.of(home)
        if owner is None or owner.is_stopped:
            assert isinstance(home, Member)
            replica.ownership.forget_home("default", home)
            self.time.now_s += 0.5
            return None
        journal = await owner.ownership.home("default")
        if isinstance(journal, NamespaceJournal):
            return owner, journal
        if isinstance(home, Member):
            replica.ownership.forget_home("default", home)
        return None

    async def attend(self, at: int, work: Callable[[Simulated, NamespaceJournal], Awaitable[None]]) -> bool:
        """A call of the admin API at one replica. Return whether it was answered."""
        for _ in range(20):
            await asyncio.sleep(0)
            replica = self.replicas[at]
            if replica.is_stopped:
                return False
            try:
                found = await self.journal(replica)
                if found is None:
                    continue
                owner, journal = found
                await journal.opening.closed()
                await work(owner, journal)
                await owner.ownership.confirm(journal)
            except (StoreAwayError, OwnerLostError):
                self.time.now_s += 0.3
                continue
            except (StoreTimeoutError, StoreIsFullError):
                return False
            return not owner.is_stopped and not replica.is_stopped
        return False

    async def change(self, at: int, what: str) -> None:
        """Set an outage, or end it. Requests that begin later must see it."""

        async def work(owner: Simulated, journal: NamespaceJournal) -> None:
            self.changed += 1
            asked = request(f"/outage/{what}/{self.changed}", 0, None)
            await journal.change(asked, lambda: owner.change(asked, journal.ns), lambda _: True)
            await journal.entries.stored()
            made.append(asked.path)

        made: list[str] = []
        if await self.attend(at, work):
            self.acknowledged[made[-1]] = self.number

    async def read(self, at: int) -> None:
        """Ask for the calls: all that were answered before are there."""
        answered = set(self.answers)

        async def work(_: Simulated, journal: NamespaceJournal) -> None:
            nonlocal numbers, counted
            numbers = {int(call.request.headers["x-number"]) for call in journal.ns.call_log}
            counted = journal.ns.counts.total

        numbers: set[int] = set()
        counted = 0
        if await self.attend(at, work):
            assert answered <= numbers, "an answered call is not in the call log"
            assert counted == len(numbers)

    async def tell_lost(self) -> None:
        """Tell the owner of calls that were added after their client was told that they may not be."""
        for at, replica in enumerate(self.replicas):
            left, replica.lost = replica.lost, []
            for added in left:

                async def work(_: Simulated, journal: NamespaceJournal, added: Added = added) -> None:
                    journal.amend_added(added, Outcome.LOST)
                    await journal.entries.stored()

                await self.attend(at, work)

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
        await journal.entries.stored()
    except (StoreTimeoutError, StoreIsFullError):
        if journal.entries.lost is None and call.number in journal.open:
            journal.finish(call, Outcome.LOST)
        elif journal.entries.lost is None:
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


def by_one_engine(
    calls: list[Call], times_s: list[float], changes: dict[str, int]
) -> list[tuple[int, bytes]]:
    """What one engine in memory answers to the same requests."""
    now_s = 0.0
    engine = Engine(WORLD, wall=lambda: now_s, mono=lambda: now_s, settings=EngineSettings(seed="same"))
    answers = []
    left = sorted(changes, key=lambda path: (changes[path], int(path.rpartition("/")[2])))
    for call, at_s in zip(calls, times_s, strict=True):
        while left and changes[left[0]] < call.number:
            make_change(left.pop(0), engine.default)
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
    st.tuples(st.just("fixed"), st.lists(st.integers(0, 2), min_size=1, max_size=6)),
    st.tuples(st.just("opened")),
    st.tuples(st.just("opened")),
    st.tuples(st.just("change"), st.integers(0, 2), st.sampled_from(["on", "off"])),
    st.tuples(st.just("read"), st.integers(0, 2)),
    st.tuples(st.just("follow"), st.integers(0, 2)),
    st.tuples(st.just("together"), st.lists(st.tuples(st.integers(0, 2), st.sampled_from(PATHS)), min_size=2, max_size=5)),
)  # fmt: skip


async def play(steps: list[tuple[Any, ...]], draw: Callable[[int], int]) -> World:
    world = World(draw)
    await world.start()

    async def settled() -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    for step in steps:
        match step:
            case ("ask", at, path, key):
                await world.ask(at, path, key)
            case ("fixed", places):
                await asyncio.gather(*(world.ask(at, "/fixed", None) for at in places))
            case ("opened",):
                for at in (0, 0, 0, 1, 2):
                    await world.ask(at, "/fixed", None)
            case ("change", at, what):
                await world.change(at, what)
            case ("read", at):
                await world.read(at)
            case ("follow", at):
                world.replicas[at].ownership.keep_short()
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
    await world.tell_lost()
    return world


def judge(world: World, journal: NamespaceJournal, changes: dict[str, int]) -> None:
    """
    Every answered call is recorded once; each answer is that of one engine in memory, with the changes where they were
    made.
    """
    calls = list(journal.ns.call_log)
    numbers = [int(call.request.headers["x-number"]) for call in calls]
    assert len(set(numbers)) == len(numbers), "a call was recorded twice"
    assert set(world.answers) <= set(numbers), "an answered call is not recorded"
    assert journal.ns.counts.total == len(calls)
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    answers = by_one_engine(calls, [call.claimed_at_s or 0.0 for call in calls], changes)
    for call, number, answer in zip(calls, numbers, answers, strict=True):
        if number in world.answers:
            assert world.answers[number] == answer, call
            assert call.outcome is not Outcome.LOST or call.request.path == "/slow"
            for path, last in world.acknowledged.items():
                assert number <= last or call.number > changes[path], f"{call} is older than {path}"


def remembered(journal: NamespaceJournal) -> list[Any]:
    parts = copy_of(journal.ns, "same")
    rows = [(part.name, [part.row(one) for one in part.things]) for part in parts.parts]
    calls = [(call.number, call.route_id, call.status, call.outcome) for call in journal.ns.call_log]
    return [parts.about, rows, calls]


async def judged(world: World) -> None:
    """Judge what the owner remembers, and what another replica makes of the store."""
    try:
        for _ in range(50):
            world.time.now_s += 1
            for i in range(3):
                await world.beat(i)
            found = await world.journal(world.replicas[0])
            if found is None:
                continue
            owner, journal = found
            try:
                await journal.opening.closed()
                journal.kept()  # a claim that arrived late has fenced it: then it is not the owner that the store names
                await journal.entries.stored()
            except MockServerError:
                continue
            before = remembered(journal)
            owner.is_stopped = True
            world.time.now_s += 10
            reader = world.replicas[(world.replicas.index(owner) + 1) % 3]
            reader.is_stopped = False
            reader.changes.clear()
            await world.beat(world.replicas.index(reader))
            reader.ownership.journals.pop("default", None)
            reader.ownership.forget_home("default", owner.ownership.member)
            again = await reader.ownership.home("default")
            assert isinstance(again, NamespaceJournal)
            judge(world, again, reader.changes)
            assert remembered(again) == before
            return
        raise AssertionError("nobody owns the namespace")
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
        await first.opening.closed()
        before = remembered(first)
        world.replicas[0].is_stopped = True
        world.time.now_s += 10
        await world.beat(1)
        second = await world.replicas[1].ownership.home("default")
        assert isinstance(second, NamespaceJournal)
        assert remembered(second) == before
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
        await first.entries.stored()
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


# Open to every replica


async def opened(draw: Callable[[int], int] = lambda _: 0) -> World:
    """Three replicas of which each can add calls; the first is the owner."""
    world = World(draw)
    await world.start()
    for at in (0, 0, 0, 1, 2):
        await world.ask(at, "/fixed", None)
    assert all(replica.writer.token for replica in world.replicas)
    return world


async def owner_of(world: World) -> NamespaceJournal:
    journal = await world.replicas[0].ownership.home("default")
    assert isinstance(journal, NamespaceJournal)
    return journal


def test_calls_with_constant_replies_are_decided_by_every_replica_and_known_to_each_reader() -> None:
    async def run_all() -> None:
        world = await opened()
        journal = await owner_of(world)
        before = journal.entries.position
        for number in range(200):
            await world.ask(number % 3, "/fixed", None)
        assert journal.entries.position == before, "the owner has decided some"
        assert len(world.answers) == 205
        await world.read(2)
        assert journal.ns.counts.total == 205
        await judged(world)

    asyncio.run(run_all())


def test_a_change_holds_for_the_next_call_at_a_replica_that_had_decided_calls() -> None:
    async def run_all() -> None:
        world = await opened()
        for what, status in [("on", 502), ("off", 200)] * 3:
            await world.change(1, what)
            for at in (0, 1, 2, 0, 0, 0, 1, 2):
                await world.ask(at, "/fixed", None)
                assert world.answers[world.number][0] == status
        await judged(world)

    asyncio.run(run_all())


def test_other_calls_wait_until_added_calls_are_known() -> None:
    async def run_all() -> None:
        world = await opened()
        for at in (1, 2, 1):
            await world.ask(at, "/fixed", None)
        await world.ask(2, "/data", None)
        journal = await owner_of(world)
        assert [call.request.path for call in journal.ns.call_log] == [*["/fixed"] * 8, "/data"]
        await judged(world)

    asyncio.run(run_all())


def test_a_group_that_was_written_before_the_namespace_was_closed_is_not_written_again() -> None:
    async def run_all() -> None:
        world = await opened()
        replica = world.replicas[1]
        happened, closed = asyncio.Event(), asyncio.Event()

        async def between(name: str) -> str:
            if name == "write" and not happened.is_set():
                happened.set()
                return "doubled"  # it is written, and no answer comes
            await closed.wait()
            return "ok"

        replica.store._between = between
        asked = asyncio.create_task(world.ask(1, "/fixed", None))
        await happened.wait()
        journal = await owner_of(world)
        await journal.opening.closed()
        assert journal.ns.counts.total == 6
        closed.set()
        await asked
        assert world.answers[6] == (200, b"fixed")
        await judged(world)

    asyncio.run(run_all())


def test_a_taken_over_namespace_is_closed_to_those_who_had_its_token() -> None:
    async def run_all() -> None:
        world = await opened()
        token = world.replicas[2].writer.token
        world.replicas[0].is_stopped = True
        world.time.now_s += 4
        for at in (1, 2):
            await world.beat(at)
        await world.read(1)  # the new owner has written nothing yet
        await world.ask(2, "/fixed", None)
        await world.read(1)
        world.replicas[2].writer.token = token
        await world.change(1, "on")
        await world.ask(2, "/fixed", None)
        assert world.answers[world.number][0] == 502
        world.replicas[0].is_stopped = False
        await judged(world)

    asyncio.run(run_all())


def test_an_owner_that_was_paused_gives_nobody_its_old_token() -> None:
    async def run_all() -> None:
        world = await opened()
        world.replicas[0].is_stopped = True
        world.time.now_s += 4
        for at in (1, 2):
            await world.beat(at)
        await world.read(1)
        world.replicas[0].is_stopped = False
        await world.ask(0, "/fixed", None)
        assert world.answers[world.number] == (200, b"fixed")
        await judged(world)

    asyncio.run(run_all())


def test_a_call_that_is_added_after_its_503_is_lost() -> None:
    async def run_all() -> None:
        world = await opened()
        replica = world.replicas[1]
        sent, let = asyncio.Event(), asyncio.Event()

        async def between(name: str) -> str:
            sent.set()
            await let.wait()
            return "ok"

        replica.store._between = between
        asked = asyncio.create_task(world.ask(1, "/fixed", None))
        await sent.wait()
        replica.ownership.committer.give_up(0.0)
        await asked
        assert 6 not in world.answers
        let.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(replica.lost) == 1
        await world.tell_lost()
        journal = await owner_of(world)
        assert [call.outcome for call in journal.ns.call_log][-1] is Outcome.LOST
        assert journal.ns.counts.routes["shop/fixed"].statuses == {200: 5}
        await judged(world)

    asyncio.run(run_all())


def test_what_the_owner_writes_meanwhile_has_its_place_among_added_calls() -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        await world.ask(0, "/data", None)
        journal = await owner_of(world)
        call, _ = journal.begin(request("/slow", 99, None))
        for at in (0, 0, 0, 1, 2):
            await world.ask(at, "/fixed", None)
        assert journal.opening.is_open
        journal.finish(call, Outcome.DONE)
        await world.ask(1, "/fixed", None)
        put_into_log = journal.opening.added.log

        async def log(pause: Callable[[], Awaitable[None]]) -> None:
            journal.kept()  # after the blocks of others were read
            await put_into_log(pause)

        journal.opening.added.log = log  # type: ignore[method-assign]
        closing = asyncio.create_task(journal.opening.closed())
        await asyncio.sleep(0)
        journal.kept()  # before they are
        await closing
        await journal.entries.stored()
        assert journal.entries.blocks == len(world.table.kept["default"].blocks)
        await judged(world)

    asyncio.run(run_all())


@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=8), kept=st.integers(0, 6))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_added_calls_are_dropped_from_the_call_log_as_others_are(counts: list[int], kept: int) -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        for replica in world.replicas:
            replica.ownership.engine.shared.limits = CallLogLimits(calls=kept)
        await world.start()
        total = 0
        for count in counts:
            for at in (0, 0, 0, 1, 2):
                await world.ask(at, "/fixed", None)
            await asyncio.gather(*(world.ask(number % 3, "/fixed", None) for number in range(count)))
            journal = await owner_of(world)
            if journal.opening.is_open:
                await journal.opening.catch_up()
            if count % 2:
                await journal.opening.closed()
            total += 5 + count
        await journal.opening.closed()
        record = journal.ns.call_log
        assert journal.ns.counts.total == journal.ns.last_number == record.added == total
        assert [call.number for call in record] == list(range(total - kept + 1, total + 1))
        assert record.first_number == 1
        await world.close()

    asyncio.run(run_all())
