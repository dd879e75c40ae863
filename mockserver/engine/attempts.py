"""
Retries judged: which calls are tries of one operation, how long the client waited, what it changed.

Two calls of one route are tries of one operation when they share an
idempotency key or a traceparent, or when the earlier failed and the next one
like it agrees in method, path and body. So a new key for each try is caught
through the body, a changed body through the key, and two honest purchases
stay two. With `by` it is that selector alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from mockserver.engine.selectors import Selector, body_key
from mockserver.model.call import Call
from mockserver.model.http import Request, UnreadableBody
from mockserver.model.plan import Outcome

KEY_HEADERS = (
    "idempotency-key", "x-idempotency-key", "idempotency-token", "x-idempotency-token", "paypal-request-id",
    "i-twilio-idempotency-token", "x-request-idempotency-key", "x-mock-idempotency-key",
)  # fmt: skip
KEY_FIELDS = (
    "idempotency_key",
    "idempotencyKey",
    "client_token",
    "clientToken",
    "ClientToken",
    "ClientRequestToken",
)
TOLERANCE_S = 0.05
DATE_TOLERANCE_S = 1.0
_NUMBER = re.compile(r"\s*(\d{1,9}(?:\.\d+)?)\s*", re.ASCII)
_RETRIED = frozenset({408, 425, 429})


def known_key(request: Request) -> tuple[str, str] | None:
    """Where the request carries an idempotency key, as a selector, and the key; None without one."""
    for name in KEY_HEADERS:
        value = request.headers.get(name)
        if value:
            return f"headers.{name}", value
    if not request.body:
        return None
    kind = request.media_type
    try:
        if kind.endswith("json"):
            body = request.json
            fields = body if isinstance(body, dict) else {}
            root = "json"
        elif kind == "application/x-www-form-urlencoded":
            fields, root = dict(request.form_pairs), "form"
        else:
            return None
    except UnreadableBody:
        return None
    for name in KEY_FIELDS:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return f"{root}.{name}", value
    return None


def failed(call: Call) -> bool:
    """Whether a client may well try again: a status that says so, a fault, or the client itself left."""
    if call.fault is not None or call.outcome not in (Outcome.OPEN, Outcome.DONE):
        return True
    return call.status is not None and (call.status >= 500 or call.status in _RETRIED)


@dataclass(frozen=True, slots=True)
class Try:
    """One call of an operation. `gap_s` is from the end of the one before to its arrival; below 0 they overlap."""

    call: Call
    gap_s: float | None = None
    changed: tuple[str, ...] = ()
    overlaps: bool = False
    retry_after: str | None = None
    """`kept` or `broken`: whether it waited as the answer before asked; None where that asked nothing."""
    asked_s: float | None = None


@dataclass(slots=True)
class Operation:
    """Calls that are tries of one thing. `key` is the idempotency key of the first, or the value of `by`."""

    route: str | None
    key: str | None
    tries: list[Try] = field(default_factory=list)

    @property
    def overlap(self) -> bool:
        return any(one.overlaps for one in self.tries)

    @property
    def retry_after(self) -> str:
        said = {one.retry_after for one in self.tries}
        return "broken" if "broken" in said else "kept" if "kept" in said else "none"

    @property
    def final(self) -> str:
        """How it ended: `succeeded`, `failed`, or `open`."""
        last = self.tries[-1].call
        if last.outcome is Outcome.OPEN:
            return "open"
        return "failed" if failed(last) or (last.status or 0) >= 400 else "succeeded"

    @property
    def gaps_s(self) -> list[float]:
        return [one.gap_s for one in self.tries if one.gap_s is not None]


def operations(calls: Iterable[Call], by: Callable[[Call], str | None] | None = None) -> list[Operation]:
    """The operations among these calls, in the order of their first tries."""
    listed = [call for call in calls if call.request.complete and not call.automatic]
    groups = _by_value(listed, by) if by is not None else _linked(listed)
    return [_operation(group, None if by is None else by(group[0])) for group in groups]


def _by_value(calls: list[Call], by: Callable[[Call], str | None]) -> list[list[Call]]:
    groups: dict[tuple[str | None, str | None], list[Call]] = {}
    for call in calls:
        groups.setdefault((call.route_id, by(call)), []).append(call)
    return list(groups.values())


def _linked(calls: list[Call]) -> list[list[Call]]:
    """Groups by shared keys and by failures that were tried again: transitive, so a union of sets."""
    parent = list(range(len(calls)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    by_mark: dict[tuple[Any, ...], int] = {}
    by_likeness: dict[tuple[Any, ...], int] = {}
    for i, call in enumerate(calls):
        for mark in _marks(call):
            parent[root(i)] = root(by_mark.setdefault(mark, i))
        likeness = (call.route_id, call.request.method, call.request.path, _body_of(call))
        before = by_likeness.get(likeness)
        if before is not None and failed(calls[before]):
            parent[root(i)] = root(before)
        by_likeness[likeness] = i
    groups: dict[int, list[Call]] = {}
    for i, call in enumerate(calls):
        groups.setdefault(root(i), []).append(call)
    return sorted(groups.values(), key=lambda group: group[0].number)


def _marks(call: Call) -> list[tuple[Any, ...]]:
    marks: list[tuple[Any, ...]] = []
    key = known_key(call.request)
    if key is not None:
        marks.append((call.route_id, "key", key[1]))
    trace = call.request.headers.get("traceparent")
    if trace:
        marks.append((call.route_id, "trace", trace))
    return marks


def _body_of(call: Call) -> str:
    return call.body_sha256 or body_key(call.request)


def _operation(calls: list[Call], by: str | None) -> Operation:
    first = known_key(calls[0].request)
    operation = Operation(calls[0].route_id, by if by is not None else first[1] if first else None)
    before: Call | None = None
    for call in calls:
        operation.tries.append(Try(call) if before is None else _try(before, call))
        before = call
    return operation


def _try(before: Call, call: Call) -> Try:
    arrived_s = call.request.arrived_at_s
    ended_s = before.ended_at_s
    gap_s = None if ended_s is None else arrived_s - ended_s
    overlaps = gap_s is None or gap_s < 0
    asked = asked_wait(before)
    kept = None
    if asked is not None and gap_s is not None:
        kept = "kept" if gap_s >= asked[0] - asked[1] else "broken"
    elif asked is not None:
        kept = "broken"
    return Try(call, gap_s, changed(before, call), overlaps, kept, asked[0] if asked else None)


def asked_wait(call: Call) -> tuple[float, float] | None:
    """What the answer's Retry-After (RFC 9110 10.2.3) or retry-after-ms asks, and its tolerance, in seconds."""
    response = call.response
    if response is None:
        return None
    ms = _NUMBER.fullmatch(response.header("retry-after-ms") or "")
    if ms:
        return float(ms[1]) / 1000, TOLERANCE_S
    text = response.header("retry-after") or ""
    seconds = _NUMBER.fullmatch(text)
    return (float(seconds[1]), TOLERANCE_S) if seconds else _until_date(call, text)


def _until_date(call: Call, text: str) -> tuple[float, float] | None:
    try:
        until_s = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None
    ended_s = call.ended_at_s or call.request.arrived_at_s
    ended_wall_s = call.request.arrived_s + ended_s - call.request.arrived_at_s
    return max(0.0, until_s - ended_wall_s), DATE_TOLERANCE_S


def changed(before: Call, call: Call) -> tuple[str, ...]:
    """The parts of the request that differ from the try before, as selectors."""
    found = []
    one, other = before.request, call.request
    if one.method != other.method:
        found.append("method")
    if one.path != other.path:
        found.append("path")
    if one.query_string != other.query_string:
        found.append("query")
    keys = known_key(one), known_key(other)
    if (keys[0] and keys[0][1]) != (keys[1] and keys[1][1]):
        found.append(next(key[0] for key in reversed(keys) if key is not None))
    if _body_of(before) != _body_of(call):
        found.append("body")
    return tuple(found)


def part_of(call: Call, selector: Selector, params: dict[str, str]) -> str | None:
    """The part of the request that a selector names, as text to compare; None where it is absent."""
    if selector.text == "body":
        return _body_of(call)
    return selector.key(call.request, params)


def operation_view(operation: Operation, instant: Callable[[float], str]) -> dict[str, Any]:
    """An operation as the contract shows it."""
    return {
        "key": operation.key,
        "route": operation.route,
        "tries": [_try_view(one, instant) for one in operation.tries],
        "statuses": [one.call.status for one in operation.tries],
        "overlap": operation.overlap,
        "retry_after": operation.retry_after,
        "final": operation.final,
    }


def _try_view(one: Try, instant: Callable[[float], str]) -> dict[str, Any]:
    call, key = one.call, known_key(one.call.request)
    ended_at_s = call.ended_at_s
    return {
        "call": call.id,
        "arrived": instant(call.request.arrived_s),
        "duration_ms": _ms(None if ended_at_s is None else ended_at_s - call.request.arrived_at_s),
        "gap_ms": _ms(one.gap_s),
        "asked_ms": _ms(one.asked_s),
        "retry_after": one.retry_after,
        "status": call.status,
        "outcome": call.outcome.value,
        "key": key[1] if key else None,
        "changed": list(one.changed),
        "effects": [str(effect.get("kind", "effect")) for effect in call.effects],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
