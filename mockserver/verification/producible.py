"""The effects and webhooks that the routes of a namespace can produce, so that checks can be validated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Behaviour, Route, leaves
from mockserver.engine.side_effects import Work
from mockserver.errors import Flaw, InvalidInputError, KeyPath, invalid, near
from mockserver.schema.base import is_template

_NO_EFFECT = "Write `effect` on the route or reply that does it, such as effect: {kind: charge}"
_NO_WEBHOOK = "Write `webhook` on the route or reply that sends it"


def side_effects_of(route: Route) -> Iterator[Work | None]:
    """Yield the side effects of a route and its replies; None for those that a function decides."""
    yield route.work
    for answer in route.answers:
        if isinstance(answer, Behaviour):
            side_effects = answer.works()
            if side_effects is None:
                yield None
            else:
                yield from side_effects
        for reply in leaves(answer):
            yield reply.work


@dataclass(slots=True)
class _Kinds:
    """Kinds of effects with their fields. `open`: there may be other kinds."""

    fields: dict[Any, set[str]] = field(default_factory=dict)
    open: bool = False

    def add(self, effect: dict[str, Any]) -> None:
        self.fields.setdefault(effect.get("kind"), set()).update(effect)

    @property
    def names(self) -> list[str]:
        return [kind for kind in self.fields if isinstance(kind, str)]


def _kinds(ns: Namespace) -> _Kinds:
    """Return the kinds that scenarios can produce, including inactive ones, and the recorded kinds."""
    kinds = _Kinds()
    for route in ns.routes():
        for work in side_effects_of(route):
            if work is None:
                kinds.open = True
                continue
            for tree in work.effects or ():
                written = tree.written
                if is_template(written.get("kind")) or any(map(is_template, written)):
                    kinds.open = True
                else:
                    kinds.add(written)
    for effect in ns.effects:
        kinds.add(effect)
    return kinds


def check_effects(ns: Namespace, kind: str | None, names: Iterable[str], path: KeyPath) -> None:
    """Raise InvalidInputError if no scenario can produce such an effect: for an unknown kind or field."""
    kinds = _kinds(ns)
    if kinds.open:
        return
    if not kinds.fields:
        raise invalid(path, "no scenario has an effect", _NO_EFFECT)
    if kind is not None and kind not in kinds.fields:
        hint = near(kind, kinds.names) or _NO_EFFECT
        raise invalid((*path, "kind"), f"no scenario has an effect of kind {kind!r}", hint)
    fields = kinds.fields[kind] if kind is not None else set().union(*kinds.fields.values())
    what = "no effect" if kind is None else f"no effect of kind {kind!r}"
    flaws = [
        Flaw((*path, "where", name), f"{what} has a field {name!r}", near(name, fields), at_key=True)
        for name in names
        if name not in fields | {"call", "at"}
    ]
    if flaws:
        raise InvalidInputError(flaws)


def check_webhooks(ns: Namespace, route: Route | None, path: KeyPath) -> None:
    """Raise InvalidInputError if no scenario can send such a webhook."""
    if _sends(route) if route is not None else any(_sends(sender) for sender in ns.routes()):
        return
    if any(route is None or delivery.route == route.id for delivery in ns.deliveries):
        return
    senders = [sender.id for sender in ns.routes() if _sends(sender)]
    if route is None or not senders:
        raise invalid(path, "no scenario has a webhook", _NO_WEBHOOK)
    listed = ", ".join(senders[:20]) + (f" and {len(senders) - 20} more" if len(senders) > 20 else "")
    hint = f"Webhooks are sent by: {listed}"
    raise invalid((*path, "route"), f"{route.id} has no webhook", hint)


def _sends(route: Route) -> bool:
    return any(work is None or work.webhooks for work in side_effects_of(route))


_WORDS = {"set": "sets", "effect": "effects", "webhook": "webhooks"}


def unused_side_effects(route: Route) -> Iterator[tuple[str, str]]:
    """Yield the side-effect keys of a route that never apply, with the reason."""
    if any(isinstance(answer, Behaviour) for answer in route.answers):
        return
    replies = [reply for answer in route.answers for reply in leaves(answer)]
    # A templated status counts as 200.
    side_effects = [reply.work if (reply.fixed_status or 200) < 400 else reply.own_work for reply in replies]
    failing = all((reply.fixed_status or 200) >= 400 for reply in replies)
    for key, name in _WORDS.items():
        written = getattr(route.work, name)
        if written and not any(getattr(work, name) is written for work in side_effects):
            yield (
                key,
                (
                    "every reply of this route is 400 or above"
                    if failing
                    else "every reply below 400 has its own"
                ),
            )
