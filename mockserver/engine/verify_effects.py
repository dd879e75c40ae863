"""Checks on what the service did: its effects and its webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.engine.attempts import as_text
from mockserver.engine.namespace import Namespace
from mockserver.engine.verdict import MOST_LINES, Standing, Verdict, standing_of, worded
from mockserver.errors import InvalidInput, KeyPath
from mockserver.matching.matcher import compile_condition
from mockserver.model.delivery import Delivery, DeliveryState
from mockserver.model.http import ABSENT
from mockserver.model.plan import Outcome
from mockserver.model.redaction import mask_field, mask_text, mask_tree
from mockserver.model.scenario import ExpectSpec
from mockserver.model.verify import EffectsSpec

_LOST = frozenset(Outcome) - {Outcome.OPEN, Outcome.DONE}


def effect_test(spec: EffectsSpec, path: KeyPath) -> Callable[[dict[str, Any]], bool]:
    conditions = []
    for name, value in spec.where.items():
        try:
            conditions.append((name, compile_condition(value, (*path, "where", name))))
        except InvalidInput as why:
            raise InvalidInput(why.flaws) from why

    def holds(effect: dict[str, Any]) -> bool:
        if spec.kind is not None and effect.get("kind") != spec.kind:
            return False
        return all(condition.holds(effect.get(name, ABSENT)) for name, condition in conditions)

    return holds


def of_effects(
    ns: Namespace, spec: EffectsSpec, holds: Callable[[dict[str, Any]], bool], times: ExpectSpec
) -> Verdict:
    found = [effect for effect in ns.effects if holds(effect)]
    standing = standing_of(len(found), times)
    noun = f"effect {spec.kind}" if spec.kind else "effect"
    where = (
        f" where {', '.join(f'{key}={mask_field(key, as_text(value))}' for key, value in spec.where.items())}"
        if spec.where
        else ""
    )
    expected = f"{worded(times, 'effect')}"
    text = f"{noun}{where}: expected {expected}, saw {len(found)}"
    if standing is not Standing.OK:
        shown = found or [
            effect for effect in ns.effects if spec.kind is None or effect.get("kind") == spec.kind
        ]
        lost = {call.id: call.outcome.value for call in ns.record if call.outcome in _LOST}
        lines = [f"  {_effect_line(effect, lost)}" for effect in shown[:MOST_LINES]]
        if len(shown) > MOST_LINES:
            lines.append(f"  … and {len(shown) - MOST_LINES} more")
        if not found and shown:
            lines.insert(0, "  no such effect; there are:")
        text = "\n".join([text, *lines])
    return Verdict(standing, expected, str(len(found)), text, len(found))


def _effect_line(effect: dict[str, Any], lost: dict[str, str]) -> str:
    """With what became of its answer, where the client can't have had it: that is why clients do things twice."""
    call = effect.get("call", "")
    shown = {key: mask_tree(value, key) for key, value in effect.items() if key not in ("kind", "call", "at")}
    fields = "  ".join(f"{key}={value}" for key, value in shown.items())
    fate = f"  (answer lost: {lost[call]})" if call in lost else ""
    return mask_text(f"{call}  {effect.get('kind', '-')}  {fields}{fate}")


def of_webhooks(ns: Namespace, route_id: str | None, times: ExpectSpec) -> Verdict:
    about = [one for one in ns.deliveries if route_id is None or one.route == route_id]
    count = sum(1 for one in about if one.arrived)
    standing = standing_of(count, times)
    expected = f"{worded(times, 'webhook')} delivered"
    name = f"webhooks of {route_id}" if route_id else "webhooks"
    text = f"{name}: expected {expected}, saw {count}"
    if standing is not Standing.OK:
        text = "\n".join([text, *(f"  {_delivery_line(one)}" for one in about[-MOST_LINES:])])
    return Verdict(standing, expected, str(count), text, count)


def _delivery_line(one: Delivery) -> str:
    tries = (
        ", ".join(str(t.status) if t.status is not None else t.error or "-" for t in one.tries)
        or "not tried yet"
    )
    due = "" if one.tries or one.state is not DeliveryState.WAITING else " (advance the clock, or wait)"
    return mask_text(f"{one.id}  {one.state.value}  {one.method} {one.url}  {one.error or tries}{due}")


def of_failed_webhooks(ns: Namespace) -> Verdict:
    failed = [one for one in ns.deliveries if one.state is DeliveryState.FAILED]
    text = f"expected no failed webhook, saw {len(failed)}"
    if failed:
        text = "\n".join([text, *(f"  {_delivery_line(one)}" for one in failed[:MOST_LINES])])
    return Verdict(
        Standing.FAILED if failed else Standing.OK,
        "no failed webhook",
        f"{len(failed)} failed",
        text,
        len(failed),
    )
