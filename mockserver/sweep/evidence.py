"""
What became of one run, clean or with a trouble: its calls, its effects, its operations. One JSON value.

It is made where the run was, maybe in another process, and judged where all
come together. Nothing in it is masked; who shows it masks it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from mockserver.attempts import known_key
from mockserver.model.http import Headers, Request

Effect = dict[str, Any]
"""As the service writes it, without `call` and `at`."""

T = TypeVar("T")
FIRST_CALLS, LAST_CALLS = 1000, 100


class Kept(Generic[T]):
    """
    The calls of a run, bounded, since a client may never give up: the first and
    the last, and all that have an effect. `dropped` counts the others by route.
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
class SeenCalls:
    """
    One call. Times are milliseconds after the run's first call, None where
    they did not come. `key` is the idempotency key, `likeness` stands for method,
    path and body.
    """

    id: str
    route: str | None
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
class Sent:
    """One try of a webhook: when, in milliseconds after the run's first call, and what was answered."""

    call: str
    at_ms: float
    status: int | str | None


@dataclass(slots=True, kw_only=True)
class SweepEvidence:
    """
    A run. `operations` are as `GET /attempts` has them, `hits` the ids of the
    calls that the troubles struck, `missed` how many troubles struck none, `dropped` how many calls are not kept, by
    route.
    """

    calls: list[SeenCalls] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)
    webhooks: list[Sent] = field(default_factory=list)
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
            calls=[SeenCalls(**call) for call in data["calls"]],
            operations=list(data["operations"]),
            hits=list(data["hits"]),
            webhooks=[Sent(**webhook) for webhook in data["webhooks"]],
            dropped=dict(data["dropped"]),
            missed=data["missed"],
        )


def evidence(
    calls: Iterable[Mapping[str, Any]],
    operations: Iterable[Mapping[str, Any]],
    troubles: Iterable[Mapping[str, Any]],
    deliveries: Iterable[Mapping[str, Any]],
    dropped: Mapping[str, int],
) -> SweepEvidence:
    """From what the admin API shows of a run, unmasked: calls, attempts, troubles, webhooks."""
    listed, struck = sorted(calls, key=lambda call: call["number"]), list(troubles)
    start_s = _unix_s(listed[0]["times"]["arrived"]) if listed else 0.0
    return SweepEvidence(
        calls=[_seen(call, start_s) for call in listed],
        operations=[dict(operation) for operation in operations],
        hits=[hit for trouble in struck for hit in trouble["hits"]],
        webhooks=sorted(
            (
                Sent(
                    call=delivery["call"],
                    at_ms=round((_unix_s(attempt["sent_at"]) - start_s) * 1000, 3),
                    status=attempt["status"],
                )
                for delivery in deliveries
                for attempt in delivery["tries"]
            ),
            key=lambda sent: (sent.at_ms, sent.call),
        ),
        dropped=dict(dropped),
        missed=sum(not trouble["hits"] for trouble in struck),
    )


def _seen(call: Mapping[str, Any], start_s: float) -> SeenCalls:
    sent, reply, times = call["request"], call["reply"], call["times"]
    arrived_ms = round((_unix_s(times["arrived"]) - start_s) * 1000, 3)
    ended = times["left_ms"] if times["left_ms"] is not None else times["last_byte_ms"]
    return SeenCalls(
        id=call["id"],
        route=call["route"],
        method=sent["method"],
        path=sent["path"],
        status=None if reply is None else reply["status"] if call["grpc"] is None else call["grpc"]["status"],
        outcome=call["outcome"],
        fault=call["fault"],
        replayed=call["replayed"],
        arrived_ms=arrived_ms,
        claimed_ms=_after(arrived_ms, times["claimed_ms"]),
        first_ms=_after(arrived_ms, times["first_byte_ms"]),
        end_ms=_after(arrived_ms, ended),
        has_body=reply is not None and reply["body"]["length"] > 0,
        key=_key(sent),
        likeness=_likeness(sent),
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


def _likeness(sent: Mapping[str, Any]) -> str:
    text = f"{sent['method']} {sent['path']} {sent['query']}\n{sent['body']['sha256']}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _key(sent: Mapping[str, Any]) -> str | None:
    """The idempotency key where keys are known to stand."""
    body = (sent["body"]["text"] or "").encode("utf-8", "surrogatepass")
    headers = Headers((name, value) for name, value in sent["headers"])
    key = known_key(Request(sent["method"], sent["target"], headers, body))
    return key[1] if key else None
