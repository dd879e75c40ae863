"""A namespace that is restored from a checkpoint and the entries after it is the one that was left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockserver.engine.fault_injection import InjectedFault
from mockserver.engine.namespace import Namespace
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.model.plan import Outcome
from mockserver.replicas.checkpoint import checkpoint_of, restore_checkpoint
from mockserver.replicas.entries import Kind, encode
from mockserver.replicas.journal import NamespaceJournal
from mockserver.replicas.store import StoreRefusedError
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.trouble import PlacedTroubleSpec
from mockserver.store.delivery import Delivery, DeliveryAttempt
from mockserver.store.recordings import Recordings
from tests.replicas.test_simulation import PATHS, World, request

CHANGES = ["snapshot", "trouble", "outage", "clock", "restore", "no outage", "no trouble"]


def remembered(ns: Namespace) -> Any:
    """What a checkpoint of it holds. `unused_faults` compares the numbered uses."""
    document, about, snapshots = json.loads(checkpoint_of(ns, "same")())
    del about["ended"], about["uses"], about["use"]
    about["troubles"] = [row[:-1] for row in about["troubles"]]
    return (
        document,
        about,
        [(number, kept, said["clock"], said["timers"]) for number, kept, said in snapshots],
    )


def unused_faults(ns: Namespace) -> list[tuple[str, str]]:
    return sorted((one.text(), why) for one, why in ns.unused_faults())


def change(ns: Namespace, what: str) -> None:
    if what == "snapshot":
        ns.take_snapshot()
    elif what == "restore" and ns.snapshots:
        ns.put_back(ns.snapshots[-1][1])
    elif what == "trouble":
        data = {"route": "shop/retry", "before": 500, "call": 2, "times": 5, "probability": 0.5, "ramp": "9s"}
        ns.set_troubles(
            [InjectedFault(parse_spec(PlacedTroubleSpec, data), data, "shop/retry", ns.clock.now_s())]
        )
    elif what == "no trouble":
        ns.set_troubles(())
    elif what == "outage":
        data = {"reply": 502, "skip": 1, "times": 5, "probability": 0.5, "ramp": "9s"}
        ns.set_outage(Outage(parse_spec(OutageSpec, data), data, frozenset({"shop/per"}), ns.clock.now_s()))
    elif what == "no outage":
        ns.set_outage(None)
    elif what == "clock":
        ns.clock.move_to(ns.clock.now_s() + 50)


async def owned(world: World, at: int) -> NamespaceJournal:
    journal = await world.replicas[at].ownership.home("default")
    assert isinstance(journal, NamespaceJournal)
    return journal


async def kept_short(world: World, at: int) -> None:
    """Take a checkpoint now, whose predecessor is what a reader begins with."""
    ownership = world.replicas[at].ownership
    ownership.checkpoint_entries = 1
    ownership.keep_short()
    for _ in range(1000):
        await asyncio.sleep(0.001)
        if not ownership._saving:
            return


async def taken_over(world: World) -> NamespaceJournal:
    world.replicas[0].is_stopped = True
    world.time.now_s += 10
    await world.beat(1)
    return await owned(world, 1)


ASK = st.tuples(st.sampled_from(PATHS), st.sampled_from([None, "k1", "k2"]))


@example(["trouble", "clock"], [("/data", None)])
@given(
    before=st.lists(st.one_of(ASK, st.sampled_from(CHANGES)), max_size=20),
    after=st.lists(ASK, min_size=1, max_size=10),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_checkpoint_and_the_entries_after_it_are_all_of_a_namespace(
    before: list[Any], after: list[Any]
) -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        await world.ask(0, "/data", None)
        first = await owned(world, 0)
        for step in before:
            world.time.now_s += 1
            if isinstance(step, str):
                await first.opening.closed()
                change(first.ns, step)
            else:
                await world.ask(0, *step)
        for _ in range(2):
            await kept_short(world, 0)
            for path, key in after:
                await world.ask(0, path, key)
        assert world.table.kept["default"].position > 0, "no checkpoint was taken"
        await first.opening.closed()
        second = await taken_over(world)
        assert remembered(second.ns) == remembered(first.ns)
        assert unused_faults(second.ns) == unused_faults(first.ns)
        if first.ns.snapshots:
            for journal in (first, second):
                journal.ns.put_back(journal.ns.snapshots[0][1])
            assert remembered(second.ns) == remembered(first.ns)
        await world.close()

    asyncio.run(run_all())


def test_a_checkpoint_is_taken_as_soon_as_no_call_is_in_progress() -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        journal = await owned(world, 0)
        call, _ = journal.begin(request("/slow", 1, None))
        await world.ask(0, "/data", None)
        await kept_short(world, 0)
        assert world.table.kept["default"].newest is None
        journal.finish(call, Outcome.DONE)
        await journal.entries.stored()
        await asyncio.sleep(0.05)
        assert world.table.kept["default"].newest is not None
        await world.close()

    asyncio.run(run_all())


def test_a_namespace_with_a_recording_keeps_all_entries() -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        journal = await owned(world, 0)
        journal.ns.recordings = Recordings()
        await world.ask(0, "/data", None)
        await kept_short(world, 0)
        assert world.table.kept["default"].newest is None
        await world.close()

    asyncio.run(run_all())


def test_a_snapshot_of_a_checkpoint_has_its_webhooks_and_clock() -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        ns = (await owned(world, 0)).ns
        for number in (1, 2):
            delivery = Delivery(
                number, namespace="default", call="1", route="r", method="POST", url="http://127.0.0.1/", headers=(),
                body=b"", message_id=f"m{number}", created_s=0.0, attempts=3, backoff_s=(1.0,), sign=None, due_s=9.0,
            )  # fmt: skip
            ns.deliveries.add(delivery)
            ns.deliveries.last_number = number
            ns.timers.push(9.0 + number, DeliveryAttempt(delivery, 1 + number))
        ns.clock.freeze(5.0)
        ns.take_snapshot()
        ns.clock.resume()
        ns.timers.clear()
        ns.forget_calls()  # the snapshot has them still

        again = (await owned(world, 0)).engine.renew("other", seed=None, ttl_s=None)
        restore_checkpoint(again, checkpoint_of(ns, "same")())

        assert remembered(again)[2] == remembered(ns)[2]
        again.put_back(again.snapshots[0][1])
        assert [(one.delivery.message_id, one.number) for one in again.timers] == [("m1", 2), ("m2", 3)]
        assert again.timers.head() == 10.0
        assert again.clock.now_s() == 5.0
        await world.close()

    asyncio.run(run_all())


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x00", b"\xc1", encode(99, 0.0, []), encode(Kind.CALL, 1.0, [[]]), encode(Kind.END, 1.0, [1]), b"\x95" * 50, encode(Kind.ADDED, 1.0, [1])],
)  # fmt: skip
def test_garbage_in_the_store_is_told_and_nothing_is_half_loaded(garbage: bytes) -> None:
    async def run_all() -> None:
        world = World(lambda _: 0)
        await world.start()
        await world.ask(0, "/data", None)
        world.table.kept["default"].blocks.append(garbage)
        world.replicas[0].is_stopped = True
        world.time.now_s += 10
        await world.beat(1)
        ownership = world.replicas[1].ownership
        with pytest.raises(StoreRefusedError, match="namespace default can't be read"):
            await ownership.home("default")
        assert "default" not in ownership.journals
        assert ownership.engine.default.counts.total == 0
        await world.close()

    asyncio.run(run_all())
