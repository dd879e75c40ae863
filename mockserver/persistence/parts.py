"""
The parts of a namespace in a state file: lists of rows, each row plain JSON.

Saving copies the containers of a part in one step, on the event loop; the rows are made from the copies later, in a
thread. For each part, the function that restores it follows the one that saves it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.model.http import Response
from mockserver.model.sequence_state import SequenceState
from mockserver.schema.webhook import SignSpec
from mockserver.store.counts import Counts, RouteCount
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import STOPPED, Delivery, DeliveryAttempt, DeliveryState, Try
from mockserver.store.effects import Effects
from mockserver.store.idempotency import KeptKey
from mockserver.store.memory import Memory
from mockserver.store.sequence_states import SequenceStates
from mockserver.store.timers import Timers
from mockserver.store.violations import Violations

Row = Any
"""A value that JSON can hold."""
Rows = dict[str, list[Row]]
"""The rows of one namespace, by the name of their part."""


@dataclass(frozen=True, slots=True)
class StatePart:
    """
    Things of one kind, and how each is written.

    `stable` things never change, so their rows can be reused. `first` is the number of the first thing, if things are
    numbered and the oldest are removed.
    """

    name: str
    things: Sequence[Any]
    row: Callable[[Any], Row] = lambda thing: thing
    first: int = 0
    stable: bool = False


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _pair(row: list[str]) -> tuple[str, str]:
    first, second = row
    return first, second


def response_row(response: Response) -> Row:
    return [response.status, response.headers, text_of(response.body), response.reason, response.trailers]


def response_of(row: Row) -> Response:
    status, headers, content, reason, *more = row
    trailers = map(_pair, more[0] if more else ())  # files of earlier versions have none
    return Response(status, map(_pair, headers), base64.b64decode(content), reason, trailers)


# Memory


def memory_parts(memory: Memory) -> list[StatePart]:
    """Return the parts of a memory without its resources."""
    values, until_s = memory.state.parts()
    access, refresh = memory.tokens.parts()
    return [
        StatePart("state", list(values), lambda key: [key, values[key], until_s.get(key)]),
        StatePart("keys", memory.keys.answered(), _key_row, stable=True),
        StatePart("limits", memory.limits.levels()),
        StatePart("access_tokens", list(access.items())),
        StatePart("refresh_tokens", list(refresh.items())),
    ]


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


def _key_row(key: KeptKey) -> Row:
    return [key.at, key.line, key.body, key.call_id, key.until_s, response_row(key.answer)]


def _key(row: Row) -> KeptKey:
    at, line, body, call_id, until_s, answer = row
    return KeptKey(_pair(line), body, call_id, until_s, response_of(answer), _pair(at))


# Sequence states

_POSITION = ("version", "index", "used", "since_s", "done", "number", "draws")


def positions_part(positions: SequenceStates) -> StatePart:
    """Return the sequence states. A row ends with the value of `per`, if the route has one."""
    states = [(key, [getattr(state, name) for name in _POSITION]) for key, state in positions.items()]
    return StatePart("positions", states, _position_row)


def _position_row(state: tuple[Any, list[Any]]) -> Row:
    key, values = state
    return [key, *values] if isinstance(key, str) else [key[0], *values, key[1]]


def put_positions(positions: SequenceStates, rows: Iterable[Row]) -> None:
    """Restore sequence states. A sequence that has changed starts again at its next call."""
    for route_id, version, *row in rows:
        state = SequenceState(version)
        for name, value in zip(_POSITION[1:], row, strict=False):
            setattr(state, name, value)
        per = row[len(_POSITION) - 1 :]
        positions.put((route_id, per[0]) if per else route_id, state)


# Counts, effects, violations

_TOTALS = ("total", "unmatched", "incomplete", "automatic", "lines_lost")


def counts_parts(counts: Counts) -> list[StatePart]:
    """Return the counts. Calls in progress are left out: they end with the server."""
    lines = dict(counts.lines)
    routes = [
        (route_id, count.calls, count.most_in_flight, dict(count.statuses))
        for route_id, count in counts.routes.items()
    ]
    return [
        StatePart("counts", [[getattr(counts, name) for name in _TOTALS]]),
        StatePart("counts_by_line", list(lines), lambda line: [*line, lines[line]]),
        StatePart("counts_by_route", routes, lambda route: [*route[:3], list(route[3].items())]),
    ]


def put_counts(counts: Counts, rows: Rows) -> None:
    for name, value in zip(_TOTALS, rows["counts"][0], strict=True):
        setattr(counts, name, value)
    counts.lines = {(method, path): count for method, path, count in rows["counts_by_line"]}
    for route_id, calls, most_in_flight, statuses in rows["counts_by_route"]:
        count = counts.routes[route_id] = RouteCount()
        count.calls, count.most_in_flight, count.statuses = calls, most_in_flight, dict(map(tuple, statuses))


def effects_part(effects: Effects) -> StatePart:
    return StatePart("effects", list(effects), first=effects.dropped, stable=True)


def put_effects(effects: Effects, dropped: int, rows: Iterable[Row]) -> None:
    effects.dropped = dropped
    for row in rows:
        effects.add(row)


def violations_part(violations: Violations) -> StatePart:
    return StatePart("violations", list(violations), first=violations.dropped, stable=True)


# Webhooks

_DELIVERY = (
    "number", "namespace", "call", "route", "method", "url", "headers", "message_id", "created_s", "attempts",
    "backoff_s",
)  # fmt: skip
_TRY = ("at_s", "sent_at_s", "duration_ms", "status", "error")


def deliveries_parts(deliveries: Deliveries) -> list[StatePart]:
    """Return the deliveries. Those that wait, are in progress, or were cut by the end of the server are waiting in their rows."""
    copies = [
        (delivery, delivery.state, delivery.error, delivery.due_s, tuple(delivery.tries))
        for delivery in deliveries
    ]
    return [
        StatePart("deliveries_told", [(deliveries.last_number, deliveries.dropped)]),
        StatePart("deliveries", copies, _delivery_row),
    ]


def _delivery_row(copy: tuple[Delivery, DeliveryState, str | None, float, tuple[Try, ...]]) -> Row:
    delivery, state, error, due_s, tries = copy
    waits = state in (DeliveryState.WAITING, DeliveryState.SENDING) or error == STOPPED
    return {
        **{name: getattr(delivery, name) for name in _DELIVERY},
        "body": text_of(delivery.body),
        "sign": None
        if delivery.sign is None
        else delivery.sign.model_dump(by_alias=True, exclude_unset=True),
        "due_s": due_s,
        "state": DeliveryState.WAITING if waits else state,
        "error": None if waits else error,
        "tries": [[*(getattr(each, name) for name in _TRY), text_of(each.answer)] for each in tries],
    }


def put_deliveries(deliveries: Deliveries, timers: Timers[DeliveryAttempt], rows: Rows) -> None:
    """Restore the deliveries, with a timer for each that waits."""
    for row in rows["deliveries"]:
        delivery = _delivery(row)
        deliveries.add(delivery)
        if delivery.state is DeliveryState.WAITING:
            timers.push(delivery.due_s, DeliveryAttempt(delivery, len(delivery.tries) + 1))
    ((deliveries.last_number, deliveries.dropped_before),) = rows["deliveries_told"]


def _delivery(row: Row) -> Delivery:
    fields = dict(row)
    state, error, tries = (fields.pop(name) for name in ("state", "error", "tries"))
    fields["body"] = base64.b64decode(fields["body"])
    fields["headers"] = tuple(map(_pair, fields["headers"]))
    fields["backoff_s"] = tuple(fields["backoff_s"])
    fields["sign"] = None if fields["sign"] is None else SignSpec.model_validate(fields["sign"])
    delivery = Delivery(fields.pop("number"), **fields)
    delivery.state, delivery.error = DeliveryState(state), error
    delivery.tries = [
        Try(**dict(zip(_TRY, values, strict=True)), answer=base64.b64decode(answer))
        for *values, answer in tries
    ]
    return delivery
