"""
Troubles: what the service does to chosen calls, before its work or after it. Set at the admin API.

`before` stands in the place of the claim, so nothing happens at the service;
`after` and `webhook` strike once the claim is written, so the work was done.
Nothing in a trouble varies: what it answers is made when it is set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from mockserver.engine.fault_strikes import Strike
from mockserver.engine.outage import Outage
from mockserver.engine.webhooks import Due
from mockserver.errors import Flaw, InvalidInputError, KeyPath
from mockserver.model.call import Call
from mockserver.responses.altering import altered
from mockserver.responses.planner import Planned, Reply, compile_reply
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.trouble import ALWAYS, PlacedTroubleSpec, WebhookTroubleSpec
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import DeliveryState
from mockserver.templating.variables import AFTER_CLAIM

MOST_HITS = 1000


class Trouble:
    """
    A compiled trouble. `data` is what was sent; `seen` are the calls of its
    route since it was set, `hits` the ids of those that it struck, the first MOST_HITS.
    """

    __slots__ = ("after", "before", "data", "hits", "route", "seen", "spec", "strike")

    def __init__(self, spec: PlacedTroubleSpec, data: dict[str, Any], route: str) -> None:
        """Raises InvalidInputError where a reply can't be compiled, or varies."""
        self.spec = spec
        self.data = data
        self.route = route
        self.before = None if spec.before is None else _fixed(spec.before, "before").ready
        self.after = None if spec.after is None else _fixed(spec.after, "after")
        self.seen = 0
        self.hits: list[str] = []
        name = f" {spec.name}" if spec.name else ""
        first = f", from call {spec.call} on" if spec.call > 1 else ""
        self.strike = Strike(f"trouble{name} of {route}{first}", spec.optional)

    def meets(self) -> bool:
        """Whether it strikes this call of its route. Counts it."""
        self.seen += 1
        self.strike.calls += 1
        first, times = self.spec.call, self.spec.times
        return self.seen >= first and (times == ALWAYS or self.seen < first + int(times))

    def view(self) -> dict[str, Any]:
        return {**self.data, "route": self.route, "seen": self.seen, "hits": list(self.hits)}


class RetryNamespace(Protocol):
    """What a webhook that is sent again needs of its namespace."""

    @property
    def deliveries(self) -> Deliveries: ...


class Troubles:
    """
    The troubles of a namespace. They stand where an outage stands, and have the
    one that is set beside them as `outage`: so a namespace in which nothing is
    wrong pays for one look.
    """

    __slots__ = ("_struck", "outage", "placed")

    def __init__(self, placed: Iterable[Trouble], outage: Outage | None = None) -> None:
        self.placed = tuple(placed)
        self.outage = outage
        self._struck: dict[int, Trouble] = {}

    def before(self, call: Call) -> Planned | None:
        """
        Counts the call for its route. What is answered in the place of the work;
        None where that is done. Of several that meet one call the first strikes.
        """
        met = [one for one in self.placed if one.route == call.route_id and one.meets()]
        if not met:
            return None
        trouble, number = met[0], call.number
        if len(trouble.hits) < MOST_HITS:
            trouble.hits.append(call.id)
        self._struck[number] = trouble

        def over() -> None:
            del self._struck[number]

        call.at_finish(over)
        if trouble.before is not None:
            trouble.strike.struck = True
        return trouble.before

    def answered(self, call: Call, planned: Planned) -> Planned:
        """What becomes of the answer of this call."""
        trouble = self._struck.get(call.number)
        if trouble is None or trouble.after is None:
            return planned
        trouble.strike.struck = True
        return altered(planned, trouble.after)

    def strikes_after(self, call: Call) -> bool:
        """Whether something is done to this call's answer, or to its webhooks."""
        trouble = self._struck.get(call.number)
        return trouble is not None and (trouble.after is not None or trouble.spec.webhook is not None)

    def due(self, call: Call, due: list[Due], home: RetryNamespace) -> list[Due]:
        """What becomes of the webhooks of this call."""
        trouble = self._struck.get(call.number)
        if trouble is None or trouble.spec.webhook is None:
            return due
        if due:
            trouble.strike.struck = True
        return [made for one in due for made in _disturbed(one, trouble.spec.webhook, home)]

    def lasting(self) -> list[Trouble]:
        """Those that a reset leaves."""
        return [one for one in self.placed if one.spec.lasting]


def _disturbed(due: Due, spec: WebhookTroubleSpec, home: RetryNamespace) -> list[Due]:
    if spec.delay_s is not None:
        due.delivery.due_s += spec.delay_s
        due = replace(due, delay_s=due.delay_s + spec.delay_s, before=False)
    made = [due]
    if due.delivery.state is DeliveryState.FAILED:
        return made  # it could not be made, so there is nothing to send twice
    for _ in range((spec.repeat or 1) - 1):
        twin = due.delivery.twin(home.deliveries.next_number())
        home.deliveries.add(twin)
        made.append(replace(due, delivery=twin))
    return made


def _fixed(spec: ReplySpec, key: str) -> Reply:
    try:
        reply = compile_reply(spec, ReplyDefaultsSpec(), _no_files, AFTER_CLAIM)
    except InvalidInputError as why:
        raise InvalidInputError(flaw.under(key) for flaw in why.flaws) from why
    if reply.ready is None:
        hint = "Write values instead of templates, and a fixed delay; `raw: true` sends braces as they stand"
        raise InvalidInputError(Flaw((key,), "a trouble is the same every time, and this varies", hint))
    return reply


def _no_files(name: str, path: KeyPath) -> bytes:
    raise InvalidInputError(
        Flaw(path, f"{name!r} is a file, and a trouble has no folder", "Write the body as text or base64")
    )
