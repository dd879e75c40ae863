"""
The evidence of one run, with or without a trouble: its calls, effects and operations, as one JSON value.

The process that runs the test collects it, and the main process evaluates it.
Secrets in it are not masked: code that displays it must mask them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

Effect = dict[str, Any]
"""An effect as the service records it, without `call` and `at`."""

T = TypeVar("T")
FIRST_CALLS, LAST_CALLS = 1000, 100


class BoundedCalls(Generic[T]):
    """
    The calls of a run, limited in number, since a client may retry for ever.

    Keeps the first and the last calls, and all that have an effect. `dropped`
    counts the others by route.
    """

    def __init__(self, route_of: Callable[[T], str | None], has_effect: Callable[[T], bool]) -> None:
        self._route_of = route_of
        self._has_effect = has_effect
        self._first: list[T] = []
        self._last: deque[T] = deque()
        self.dropped: Counter[str] = Counter()

    def add(self, call: T) -> None:
        if len(self._first) < FIRST_CALLS or self._has_effect(call):
            self._first.append(call)
            return
        self._last.append(call)
        if len(self._last) > LAST_CALLS:
            self.dropped[self._route_of(self._last.popleft()) or ""] += 1

    @property
    def calls(self) -> list[T]:
        return [*self._first, *self._last]


@dataclass(slots=True, kw_only=True)
class SweepCall:
    """
    One call of a run.

    Times are milliseconds after the first call of the run, None if the event did not
    occur. `key` is the idempotency key, `likeness` a hash of method, path, query and body.
    """

    id: str
    route: str | None
    routes: list[str]
    method: str
    path: str
    status: int | str | None
    outcome: str
    fault: str | None
    replayed: bool
    arrived_ms: float
    claimed_ms: float | None
    first_ms: float | None
    end_ms: float | None
    has_body: bool
    key: str | None
    likeness: str
    effects: list[Effect]
    webhooks: int

    @property
    def short_route(self) -> str:
        return "" if self.route is None else self.route.partition("/")[2]


@dataclass(slots=True, kw_only=True)
class WebhookAttempt:
    """One attempt of a webhook: its time in milliseconds after the run's first call, and the status of the response."""

    call: str
    at_ms: float
    status: int | str | None


@dataclass(slots=True, kw_only=True)
class SweepEvidence:
    """
    The evidence of a run.

    `operations`: as in `GET /attempts`. `hits`: ids of the calls that a trouble changed.
    `missed`: number of troubles that changed no call. `dropped`: number of calls that
    were not kept, by route.
    """

    calls: list[SweepCall] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)
    webhooks: list[WebhookAttempt] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    missed: int = 0

    @property
    def effects(self) -> list[Effect]:
        """In the order of their calls."""
        return [effect for call in self.calls for effect in call.effects]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            calls=[SweepCall(**call) for call in data["calls"]],
            operations=list(data["operations"]),
            hits=list(data["hits"]),
            webhooks=[WebhookAttempt(**webhook) for webhook in data["webhooks"]],
            dropped=dict(data["dropped"]),
            missed=data["missed"],
        )


def collect_evidence(
    calls: Iterable[Mapping[str, Any]],
    operations: Iterable[Mapping[str, Any]],
    troubles: Iterable[Mapping[str, Any]],
    deliveries: Iterable[Mapping[str, Any]],
    dropped: Mapping[str, int],
) -> SweepEvidence:
    """Create the evidence from documents of the admin API, unmasked: calls, attempts, troubles, webhooks."""
    call_views, trouble_views = sorted(calls, key=lambda call: call["number"]), list(troubles)
    start_s = _unix_s(call_views[0]["times"]["arrived"]) if call_views else 0.0
    operation_views = [dict(operation) for operation in operations]
    keys = {attempt["call"]: attempt["key"] for view in operation_views for attempt in view["tries"]}
    return SweepEvidence(
        calls=[_sweep_call(call, start_s, keys.get(call["id"])) for call in call_views],
        operations=operation_views,
        hits=[hit for trouble in trouble_views for hit in trouble["hits"]],
        webhooks=sorted(
            (
                WebhookAttempt(
                    call=delivery["call"],
                    at_ms=round((_unix_s(attempt["sent_at"]) - start_s) * 1000, 3),
                    status=attempt["status"],
                )
                for delivery in deliveries
                for attempt in delivery["tries"]
            ),
            key=lambda attempt: (attempt.at_ms, attempt.call),
        ),
        dropped=dict(dropped),
        missed=sum(not trouble["hits"] for trouble in trouble_views),
    )


def _sweep_call(call: Mapping[str, Any], start_s: float, key: str | None) -> SweepCall:
    request, reply, times = call["request"], call["reply"], call["times"]
    arrived_ms = round((_unix_s(times["arrived"]) - start_s) * 1000, 3)
    ended = times["left_ms"] if times["left_ms"] is not None else times["last_byte_ms"]
    return SweepCall(
        id=call["id"],
        route=call["route"],
        routes=call["routes"],
        method=request["method"],
        path=request["path"],
        status=None if reply is None else reply["status"] if call["grpc"] is None else call["grpc"]["status"],
        outcome=call["outcome"],
        fault=call["fault"],
        replayed=call["replayed"],
        arrived_ms=arrived_ms,
        claimed_ms=_after(arrived_ms, times["claimed_ms"]),
        first_ms=_after(arrived_ms, times["first_byte_ms"]),
        end_ms=_after(arrived_ms, ended),
        has_body=reply is not None and reply["body"]["length"] > 0,
        key=key,
        likeness=_likeness(request),
        effects=[
            {name: value for name, value in effect.items() if name not in ("call", "at")}
            for effect in call["effects"]
        ],
        webhooks=len(call["webhooks"]),
    )


def _unix_s(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def _after(start_ms: float, ms: float | None) -> float | None:
    return None if ms is None else round(start_ms + ms, 3)


def _likeness(request: Mapping[str, Any]) -> str:
    text = f"{request['method']} {request['path']} {request['query']}\n{request['body']['sha256']}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
