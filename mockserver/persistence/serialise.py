"""
What a namespace remembers, as a state file holds it: lists of rows, each row plain JSON.

To take a part is to copy its containers, which is all that the loop has to wait
for; the rows are made of the copies afterwards, wherever that is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.store.counts import Counts
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import STOPPED, Delivery, DeliveryState, Try
from mockserver.store.effects import Effects
from mockserver.store.idempotency import KeptKey
from mockserver.store.memory import Memory
from mockserver.store.sequence_states import Positions
from mockserver.store.violations import Violations

Row = Any
"""What JSON holds."""


@dataclass(frozen=True, slots=True)
class StatePart:
    """
    Things of one kind, and how each is written. `stable` things never change, so
    who has the row of one need not make it again; `first` is the number of the
    first, where they are numbered and the oldest go.
    """

    name: str
    things: Sequence[Any]
    row: Callable[[Any], Row] = lambda thing: thing
    first: int = 0
    stable: bool = False


# Memory


def memory_parts(memory: Memory) -> list[StatePart]:
    """Of resources nothing: those are not this room's."""
    values, until_s = memory.state.parts()
    access, refresh = memory.tokens.parts()
    return [
        StatePart("state", list(values), lambda key: [key, values[key], until_s.get(key)]),
        StatePart("keys", memory.keys.answered(), _key_row, stable=True),
        StatePart("limits", memory.limits.levels()),
        StatePart("access_tokens", list(access.items())),
        StatePart("refresh_tokens", list(refresh.items())),
    ]


def _key_row(entry: KeptKey) -> Row:
    answer = entry.answer
    said = [answer.status, answer.headers, _text(answer.body), answer.reason]
    return [entry.at, entry.line, entry.body, entry.call_id, entry.until_s, said]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Positions


def positions_part(positions: Positions) -> StatePart:
    """A row has the value of `per` at its end, where the route has one."""
    return StatePart(
        "positions",
        [
            (key, one.version, one.index, one.used, one.since_s, one.done, one.number, one.draws)
            for key, one in positions.items()
        ],
        _position_row,
    )


def _position_row(taken: tuple[Any, ...]) -> Row:
    key, *rest = taken
    return [key, *rest] if isinstance(key, str) else [key[0], *rest, key[1]]


# What was called


def counts_parts(counts: Counts) -> list[StatePart]:
    """What is in flight is left out: no call outlives its server."""
    lines = dict(counts.lines)
    totals = (counts.total, counts.unmatched, counts.incomplete, counts.automatic, counts.lines_lost)
    routes = [
        (route_id, one.calls, one.most_in_flight, dict(one.statuses))
        for route_id, one in counts.routes.items()
    ]
    return [
        StatePart("counts", [totals]),
        StatePart("counts_by_line", list(lines), lambda line: [*line, lines[line]]),
        StatePart("counts_by_route", routes, lambda one: [*one[:3], list(one[3].items())]),
    ]


def effects_part(effects: Effects) -> StatePart:
    return StatePart("effects", list(effects), first=effects.dropped, stable=True)


def violations_part(violations: Violations) -> StatePart:
    return StatePart("violations", list(violations), first=violations.dropped, stable=True)


def deliveries_parts(deliveries: Deliveries) -> list[StatePart]:
    """Those that wait, are under way, or were cut by the end of the server wait in their rows."""
    taken = [(one, one.state, one.error, one.due_s, tuple(one.tries)) for one in deliveries]
    return [
        StatePart("deliveries_told", [(deliveries.last_number, deliveries.dropped)]),
        StatePart("deliveries", taken, _delivery_row),
    ]


_PLAIN = (
    "number", "namespace", "call", "route", "method", "url", "headers", "message_id", "created_s", "attempts",
    "backoff_s",
)  # fmt: skip


def _delivery_row(taken: tuple[Delivery, DeliveryState, str | None, float, tuple[Try, ...]]) -> Row:
    one, state, error, due_s, tries = taken
    waits = state in (DeliveryState.WAITING, DeliveryState.SENDING) or error == STOPPED
    return {
        **{name: getattr(one, name) for name in _PLAIN},
        "body": _text(one.body),
        "sign": None if one.sign is None else one.sign.model_dump(by_alias=True, exclude_unset=True),
        "due_s": due_s,
        "state": DeliveryState.WAITING if waits else state,
        "error": None if waits else error,
        "tries": [
            [each.at_s, each.sent_at_s, each.duration_ms, each.status, each.error, _text(each.answer)]
            for each in tries
        ],
    }
