"""
Faults injected into chosen calls, before or after their side effects. Set at the admin API.

`before` replaces the claim, so nothing happens at the service; `after` and `webhook` apply once the claim is committed.
Nothing in a fault varies: its response is compiled when it is set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from mockserver.engine.fault_uses import FaultShare, FaultUse, narrowed
from mockserver.engine.outage import Outage
from mockserver.engine.webhooks import Due
from mockserver.errors import flaws_below, invalid, no_files
from mockserver.model.call import Call
from mockserver.responses.altering import altered
from mockserver.responses.planner import Planned, Reply, compile_reply
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.trouble import PlacedTroubleSpec, WebhookTroubleSpec
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import DeliveryState
from mockserver.templating.variables import AFTER_CLAIM

MOST_HITS = 1000


class InjectedFault:
    """
    A compiled fault. `data` is what was sent; `seen` are the calls of its route since it was set, `hits` the ids of the
    calls that it affected, the first MOST_HITS.
    """

    __slots__ = ("after", "before", "data", "hits", "route", "seen", "share", "spec", "use")

    def __init__(self, spec: PlacedTroubleSpec, data: dict[str, Any], route: str, now_s: float) -> None:
        """Raises InvalidInputError if a reply can't be compiled, or varies."""
        self.spec = spec
        self.data = data
        self.route = route
        self.before = None if spec.before is None else _fixed(spec.before, "before").ready
        self.after = None if spec.after is None else _fixed(spec.after, "after")
        self.share = FaultShare(spec, json.dumps(data), now_s)
        self.seen = 0
        self.hits: list[str] = []
        name = f" {spec.name}" if spec.name else ""
        first = f", from call {spec.call} on" if spec.call > 1 else ""
        limits = ", ".join(narrowed(data))
        self.use = FaultUse(
            f"trouble{name} of {route}{first}" + (f" ({limits})" if limits else ""), spec.optional
        )

    def meets(self, seed: str, now_s: float) -> bool:
        """Count a call of its route. Return whether the fault applies."""
        in_effect = self.is_in_effect(now_s)
        self.seen += 1
        self.use.calls += 1
        return in_effect and self.share.takes(seed, self.route, self.seen, now_s)

    def is_in_effect(self, now_s: float) -> bool:
        """Whether it may apply to the next call of its route."""
        last = self.spec.last_call
        return (
            self.seen >= self.spec.call - 1
            and (last is None or self.seen < last)
            and not self.share.is_over(now_s)
        )

    @property
    def routes(self) -> frozenset[str]:
        return frozenset([self.route])

    def view(self) -> dict[str, Any]:
        return {**self.data, "route": self.route, "seen": self.seen, "hits": list(self.hits)}


class RetryNamespace(Protocol):
    """The part of its namespace that a repeated webhook uses."""

    @property
    def deliveries(self) -> Deliveries: ...


class InjectedFaults:
    """
    The faults of a namespace. The engine uses it in place of the outage; an actual outage is its `outage`. So a
    namespace without faults needs only one check.
    """

    __slots__ = ("_affected", "outage", "placed")

    def __init__(self, placed: Iterable[InjectedFault], outage: Outage | None = None) -> None:
        self.placed = tuple(placed)
        self.outage = outage
        self._affected: dict[int, InjectedFault] = {}

    def before(self, call: Call, seed: str, now_s: float) -> Planned | None:
        """Count the call for its route. Return the response of the first fault that applies; None to continue."""
        routes = call.route_ids
        met = [item for item in self.placed if item.route in routes and item.meets(seed, now_s)]
        if not met:
            return None
        trouble, number = met[0], call.number
        if len(trouble.hits) < MOST_HITS:
            trouble.hits.append(call.id)
        self._affected[number] = trouble

        def over() -> None:
            del self._affected[number]

        call.at_finish(over)
        if trouble.before is not None:
            trouble.use.affected = True
        return trouble.before

    def answered(self, call: Call, planned: Planned) -> Planned:
        """Apply the fault to the response of this call."""
        trouble = self._affected.get(call.number)
        if trouble is None or trouble.after is None:
            return planned
        trouble.use.affected = True
        return altered(planned, trouble.after)

    def affects_answer(self, call: Call) -> bool:
        """Whether the response or the webhooks of this call are changed."""
        trouble = self._affected.get(call.number)
        return trouble is not None and (trouble.after is not None or trouble.spec.webhook is not None)

    def due(self, call: Call, due: list[Due], home: RetryNamespace) -> list[Due]:
        """Apply the fault to the webhooks of this call."""
        trouble = self._affected.get(call.number)
        if trouble is None or trouble.spec.webhook is None:
            return due
        if due:
            trouble.use.affected = True
        return [made for item in due for made in _disturbed(item, trouble.spec.webhook, home)]

    def lasting(self) -> list[InjectedFault]:
        """The faults that a reset keeps."""
        return [item for item in self.placed if item.spec.lasting]


def _disturbed(due: Due, spec: WebhookTroubleSpec, home: RetryNamespace) -> list[Due]:
    if spec.delay_s is not None:
        due.delivery.due_s += spec.delay_s
        due = replace(due, delay_s=due.delay_s + spec.delay_s, before=False)
    made = [due]
    if due.delivery.state is DeliveryState.FAILED:
        return made  # it is not sent at all
    for _ in range((spec.repeat or 1) - 1):
        twin = due.delivery.twin(home.deliveries.next_number())
        home.deliveries.add(twin)
        made.append(replace(due, delivery=twin))
    return made


def _fixed(spec: ReplySpec, key: str) -> Reply:
    with flaws_below(key):
        reply = compile_reply(
            spec,
            ReplyDefaultsSpec(),
            no_files("a trouble has no folder", "Write the body as text or base64"),
            AFTER_CLAIM,
        )
    if reply.ready is None:
        hint = "Write values instead of templates, and a fixed delay; `raw: true` sends braces as they stand"
        raise invalid((key,), "a trouble is the same every time, and this varies", hint)
    return reply
