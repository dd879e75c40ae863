"""Rows of a state file put back into what a namespace remembers: the other half of `parts`."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from mockserver.model.http import Response
from mockserver.model.sequence_state import Position
from mockserver.persistence.serialise import Row
from mockserver.schema.webhook import SignSpec
from mockserver.store.counts import Counts, RouteCount
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import Delivery, DeliveryAttempt, DeliveryState, Try
from mockserver.store.effects import Effects
from mockserver.store.idempotency import KeptKey
from mockserver.store.memory import Memory
from mockserver.store.sequence_states import Positions
from mockserver.store.timers import Timers

Rows = dict[str, list[Row]]
"""The rows of one namespace, by the name of their part."""


# Memory


def put_memory(memory: Memory, rows: Rows) -> None:
    state = rows["state"]
    memory.state.put(
        {key: value for key, value, _ in state},
        {key: until_s for key, _, until_s in state if until_s is not None},
    )
    memory.keys.put(map(_key, rows["keys"]))
    for scope, by, tokens, at_s in rows["limits"]:
        memory.limits.put(scope, by, tokens, at_s)
    memory.tokens.put(dict(rows["access_tokens"]), dict(rows["refresh_tokens"]))


def _key(row: Row) -> KeptKey:
    at, line, body, call_id, until_s, (status, headers, content, reason) = row
    answer = Response(status, map(_pair, headers), _bytes(content), reason)
    return KeptKey(_pair(line), body, call_id, until_s, answer, _pair(at))


def _pair(row: list[str]) -> tuple[str, str]:
    first, second = row
    return first, second


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


# Positions


def put_positions(positions: Positions, rows: Iterable[Row]) -> None:
    """A sequence that is another one by now begins anew where it is next asked."""
    for route_id, version, index, used, since_s, done, number, draws, *per in rows:
        one = Position(version)
        one.index, one.used, one.since_s, one.done = index, used, since_s, done
        one.number, one.draws = number, draws
        positions.put((route_id, per[0]) if per else route_id, one)


# What was called


def put_counts(counts: Counts, rows: Rows) -> None:
    ((counts.total, counts.unmatched, counts.incomplete, counts.automatic, counts.lines_lost),) = rows[
        "counts"
    ]
    counts.lines = {(method, path): count for method, path, count in rows["counts_by_line"]}
    for route_id, calls, most_in_flight, statuses in rows["counts_by_route"]:
        one = counts.routes[route_id] = RouteCount()
        one.calls, one.most_in_flight, one.statuses = calls, most_in_flight, dict(map(tuple, statuses))


def put_effects(effects: Effects, dropped: int, rows: Iterable[Row]) -> None:
    effects.dropped = dropped
    for row in rows:
        effects.add(row)


def put_deliveries(deliveries: Deliveries, timers: Timers[DeliveryAttempt], rows: Rows) -> None:
    """Those that wait, wait for their moment again."""
    for row in rows["deliveries"]:
        one = _delivery(row)
        deliveries.add(one)
        if one.state is DeliveryState.WAITING:
            timers.push(one.due_s, DeliveryAttempt(one, len(one.tries) + 1))
    ((deliveries.last_number, deliveries.dropped_before),) = rows["deliveries_told"]


def _delivery(row: Row) -> Delivery:
    facts = dict(row)
    state, error, tries = (facts.pop(name) for name in ("state", "error", "tries"))
    facts["body"] = _bytes(facts["body"])
    facts["headers"] = tuple(map(_pair, facts["headers"]))
    facts["backoff_s"] = tuple(facts["backoff_s"])
    facts["sign"] = None if facts["sign"] is None else SignSpec.model_validate(facts["sign"])
    one = Delivery(facts.pop("number"), **facts)
    one.state, one.error = DeliveryState(state), error
    one.tries = [
        Try(at_s, sent_at_s, duration_ms, status, error, _bytes(answer))
        for at_s, sent_at_s, duration_ms, status, error, answer in tries
    ]
    return one
