"""What a namespace remembers, as one document in the store, so that its entries need not be kept for ever."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from mockserver.engine.fault_injection import InjectedFault
from mockserver.engine.fault_uses import ENDED, FaultUse
from mockserver.engine.namespace import Namespace, Snapshot
from mockserver.model.written import written_float
from mockserver.persistence.encoding import encoded, json_bytes
from mockserver.persistence.restoring import RestoreError, restore_into
from mockserver.persistence.saving import NamespaceCopy, copy_of
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.trouble import PlacedTroubleSpec
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import DeliveryAttempt
from mockserver.store.fault_periods import Moment
from mockserver.store.sequence_states import SequenceStates
from mockserver.store.timers import Timers


def checkpoint_of(ns: Namespace, server_seed: str) -> Callable[[], bytes]:
    """
    Copy what the namespace remembers now. What is returned makes the document of it, on any thread. It has all but the
    call log, recordings and calls in progress.
    """
    copy = copy_of(ns, server_seed)
    uses: list[FaultUse] = []  # one may belong to a namespace and to its snapshots
    snapshots = [
        (number, copy_of(_namespace_of(ns, snapshot), server_seed), _about_snapshot(snapshot, uses))
        for number, snapshot in ns.snapshots
    ]
    about: dict[str, Any] = {
        "used": [ns.used_at_s, ns.kept_at_s],
        "use": None if ns.downtime is None else _number(ns.downtime.use, uses),
        "began": [ns.fault_periods.began(fault) for fault in ns.faults()],
        "ended": [_number(use, uses) for use, why in ns.unused_faults() if why == ENDED],
        "troubles": [
            [
                one.data,
                one.route,
                one.share.since_s,
                one.seen,
                list(one.hits),
                _number(one.use, uses),
            ]
            for one in (ns.troubles.placed if ns.troubles is not None else ())
        ],
    }
    about["uses"] = [[one.subject, one.optional, one.calls, one.affected] for one in uses]

    def document() -> bytes:
        told = (
            b"[" + b",".join((json_bytes(number), _bytes(each), json_bytes(row))) + b"]"
            for number, each, row in snapshots
        )
        return b"[" + b",".join((_bytes(copy), json_bytes(about), b"[" + b",".join(told) + b"]")) + b"]"

    return document


def restore_checkpoint(ns: Namespace, data: bytes) -> None:
    """Put a checkpoint into a new namespace. Raises RestoreError."""
    try:
        document, about, snapshots = json.loads(data, parse_float=written_float)
    except ValueError as error:
        raise RestoreError([f"the checkpoint can't be read: {error}"]) from error
    wrong = restore_into(ns, document)
    if wrong:
        raise RestoreError(wrong)
    ns.used_at_s, ns.kept_at_s = about["used"]
    uses = [FaultUse(*row) for row in about["uses"]]
    if ns.downtime is not None:
        ns.downtime.use = uses[about["use"]]
    ns.set_troubles(_trouble(uses, *row) for row in about["troubles"])
    ns.forget_fault_uses()
    for number in about["ended"]:
        ns.expect(uses[number])
    for fault, began in zip(ns.faults(), about.get("began", ()), strict=False):  # older checkpoints have none
        ns.fault_periods.restore(fault, None if began is None else Moment(*began))
    for number, kept, said in snapshots:
        ns.snapshots.append((number, _snapshot(ns, kept, said, uses)))


def _bytes(copy: NamespaceCopy) -> bytes:
    return b"".join(encoded(copy, None, lambda: None).pieces)


# Injected failures


def _number(use: FaultUse, uses: list[FaultUse]) -> int:
    """Return its place in the list, where it is put if it is not there."""
    if use not in uses:
        uses.append(use)
    return uses.index(use)


def _trouble(
    uses: list[FaultUse],
    data: dict[str, Any],
    route: str,
    since_s: float,
    seen: int,
    hits: list[str],
    number: int,
) -> InjectedFault:
    trouble = InjectedFault(parse_spec(PlacedTroubleSpec, data), data, route, since_s)
    trouble.seen, trouble.hits, trouble.use = seen, hits, uses[number]
    return trouble


# Snapshots


def _namespace_of(ns: Namespace, snapshot: Snapshot) -> Namespace:
    """Return a namespace that is as the snapshot is, but for its clock and timers, so that it is copied as any other."""
    twin = Namespace(ns.name, ns.seed, ns.shared)
    twin.memory = snapshot.memory
    twin.sequence_states = SequenceStates(ns.shared.bounds)
    for key, position in snapshot.sequence_states.items():
        twin.sequence_states.put(key, position)
    twin.overlay = snapshot.overlay
    twin.set_outage(snapshot.outage)
    # Webhooks that a reset has removed meanwhile come back with the snapshot.
    twin.deliveries = Deliveries(ns.shared.bounds, ns.deliveries.last_number)
    for attempt in snapshot.timers:
        if ns.deliveries.get(attempt.delivery.number) is not attempt.delivery:
            twin.deliveries.add(attempt.delivery)
    return twin


def _about_snapshot(snapshot: Snapshot, uses: list[FaultUse]) -> dict[str, Any]:
    rows, left = [], snapshot.timers.copy()
    while (timer := left.pop_due(math.inf)) is not None:
        rows.append([timer.due_s, timer.item.delivery.number, timer.item.number])
    return {
        "clock": snapshot.clock,
        "timers": rows,
        "use": None if snapshot.outage is None else _number(snapshot.outage.use, uses),
    }


def _snapshot(
    ns: Namespace, document: dict[str, Any], said: dict[str, Any], uses: list[FaultUse]
) -> Snapshot:
    """Return the snapshot again. Raises RestoreError."""
    twin = Namespace(ns.name, ns.seed, ns.shared)
    twin.clock = ns.clock  # of the memory
    wrong = restore_into(twin, document)
    if wrong:
        raise RestoreError(wrong)
    outage = twin.downtime
    if outage is not None:
        outage.use = uses[said["use"]]
    timers: Timers[DeliveryAttempt] = Timers()
    for due_s, number, attempt in said["timers"]:
        delivery = twin.deliveries.get(number) or ns.deliveries.get(number)
        if delivery is not None:
            timers.push(due_s, DeliveryAttempt(delivery, attempt))
    offset_s, frozen_s = said["clock"]
    return Snapshot(
        twin.memory, dict(twin.sequence_states.items()), twin.overlay, outage, (offset_s, frozen_s), timers
    )
