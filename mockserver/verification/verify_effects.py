"""Checks of effects and webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.engine.routes import Route
from mockserver.errors import KeyPath
from mockserver.matching.conditions import FieldConditions
from mockserver.matching.matcher import compile_condition
from mockserver.matching.mismatch.differences import DifferencePlace, distance
from mockserver.model.http import ABSENT
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Outcome
from mockserver.redaction.redaction import mask_body, mask_field, mask_text, mask_tree
from mockserver.schema.expect import ExpectSpec
from mockserver.schema.verify import EffectsSpec, WebhooksSpec
from mockserver.store.delivery import Delivery, DeliveryState, Try
from mockserver.verification.nearest_calls import MOST_COMPARED, reason
from mockserver.verification.producible import check_effects, check_webhooks, unused_side_effects
from mockserver.verification.verdict import MOST_LINES, Standing, Verdict, at_least, gone, standing_of, worded

_LOST = frozenset(Outcome) - {Outcome.OPEN, Outcome.DONE}


def _condition_text(value: object) -> str:
    """Return a condition as written: a text unchanged, other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


class EffectTest:
    """Compiled conditions on an effect. Raises InvalidInputError, also if no scenario can produce such an effect."""

    __slots__ = ("_condition", "spec", "text")

    def __init__(self, ns: Namespace, spec: EffectsSpec, path: KeyPath) -> None:
        where = {
            name: compile_condition(condition, (*path, "where", name))
            for name, condition in spec.where.items()
        }
        check_effects(
            ns, spec.kind, [name for name, condition in where.items() if not condition.holds(ABSENT)], path
        )
        self.spec = spec
        self._condition = FieldConditions(where, spec.where, exact=False)
        self.text = f"effect {spec.kind}" if spec.kind else "effect"
        if where:
            pairs = [f"{key}={mask_field(key, _condition_text(value))}" for key, value in spec.where.items()]
            self.text += f" where {', '.join(pairs)}"

    def is_kind(self, effect: dict[str, Any]) -> bool:
        return self.spec.kind is None or effect.get("kind") == self.spec.kind

    def holds(self, effect: dict[str, Any]) -> bool:
        return self.is_kind(effect) and self._condition.holds(effect)

    def differences(self, effect: dict[str, Any]) -> list[Difference]:
        return self._condition.explain(effect, _EFFECT)


_EFFECT = DifferencePlace("", ())


def of_effects(ns: Namespace, test: EffectTest, times: ExpectSpec) -> Verdict:
    effects = [effect for effect in ns.effects if test.holds(effect)]
    dropped = ns.effects.dropped
    standing, exact = at_least(len(effects), times) if dropped else (standing_of(len(effects), times), True)
    expected = f"{worded(times, 'effect')}"
    saw = f"{len(effects)}{gone(dropped, 'effects')}"
    text = f"{test.text}: expected {expected}, saw {saw}"
    if standing is not Standing.OK:
        text = "\n".join([text, *_effect_lines(ns, test, effects, is_short=len(effects) < times.min)])
    return Verdict(standing, expected, saw, text, len(effects), exact)


def _effect_lines(
    ns: Namespace, test: EffectTest, effects: list[dict[str, Any]], *, is_short: bool
) -> list[str]:
    """Return lines for the counted effects. With `is_short`, for all of the kind, with the differences of the nearest."""
    shown, lines = effects, []
    if is_short:
        shown = [effect for effect in ns.effects if test.is_kind(effect)]
        others = [(effect, test.differences(effect)) for effect in shown[-MOST_COMPARED:]]
        others = [(effect, differences) for effect, differences in others if differences]
        if others:
            effect, differences = min(reversed(others), key=lambda pair: distance(pair[1]))
            lines = [
                f"  nearest effect, {effect.get('call', '-')}:",
                *(f"    {reason(difference)}" for difference in differences),
            ]
        lines += _unused_lines(ns, "effect", lambda route: any(map(test.is_kind, _written(route))))
    lost = {call.id: call.outcome.value for call in ns.call_log.after(0) if call.outcome in _LOST}
    lines += [f"  {_effect_line(effect, lost)}" for effect in shown[:MOST_LINES]]
    if len(shown) > MOST_LINES:
        lines.append(f"  … and {len(shown) - MOST_LINES} more")
    return lines


def _written(route: Route) -> list[dict[str, Any]]:
    return [tree.written for tree in route.work.effects or ()]


def _unused_lines(ns: Namespace, key: str, concerns: Callable[[Route], bool]) -> list[str]:
    """Return lines for the routes whose `effect` or `webhook` never applies, with the reason."""
    return [
        f"  {route.id}: its `{key}` never happens: {cause}"
        for route in ns.active_routes()
        for unused_key, cause in unused_side_effects(route)
        if unused_key == key and concerns(route)
    ][:MOST_LINES]


def _effect_line(effect: dict[str, Any], lost: dict[str, str]) -> str:
    """Describe an effect. A lost answer is noted, since it is a reason for duplicate effects."""
    call = effect.get("call", "")
    shown = {key: mask_tree(value, key) for key, value in effect.items() if key not in ("kind", "call", "at")}
    fields = "  ".join(f"{key}={value}" for key, value in shown.items())
    note = f"  (answer lost: {lost[call]})" if call in lost else ""
    return mask_text(f"{call}  {effect.get('kind', '-')}  {fields}{note}")


class WebhookTest:
    """Conditions on deliveries. Raises InvalidInputError, also if no scenario can send such a webhook."""

    __slots__ = ("outcome", "route_id", "text")

    def __init__(self, ns: Namespace, spec: WebhooksSpec, path: KeyPath) -> None:
        route = None if spec.route is None else route_named(ns, spec.route, (*path, "route"))
        check_webhooks(ns, route, path)
        self.route_id = None if route is None else route.id
        self.outcome = spec.outcome
        self.text = "webhooks" if route is None else f"webhooks of {route.id}"

    def matches_target(self, delivery: Delivery) -> bool:
        return self.route_id is None or delivery.route == self.route_id


def of_webhooks(ns: Namespace, test: WebhookTest, times: ExpectSpec) -> Verdict:
    """Check the number of deliveries. Fails early if the pending ones can't reach the minimum."""
    deliveries = [delivery for delivery in ns.deliveries if test.matches_target(delivery)]
    outcomes = [delivery.outcome for delivery in deliveries]
    count, pending = outcomes.count(test.outcome), outcomes.count(None)
    dropped = ns.deliveries.dropped
    standing, exact = at_least(count, times) if dropped else (standing_of(count, times), True)
    if not dropped and standing is Standing.SHORT and len(deliveries) >= times.min > count + pending:
        standing = Standing.FAILED
    expected = f"{worded(times, 'webhook')} {test.outcome}"
    saw = f"{count}{gone(dropped, 'webhooks')}"
    text = f"{test.text}: expected {expected}, saw {saw}"
    if standing is not Standing.OK:
        lines = [line for delivery in deliveries[-MOST_LINES:] for line in delivery_lines(delivery)]
        if len(deliveries) > MOST_LINES:
            lines.insert(0, f"  … {len(deliveries) - MOST_LINES} more …")
        if count < times.min:
            lines = [*_unused_lines(ns, "webhook", lambda route: test.route_id in (None, route.id)), *lines]
        text = "\n".join([text, *lines])
    return Verdict(standing, expected, saw, text, count, exact)


_MOST_ATTEMPTS = 5
_ANSWER_CHARS = 80


def delivery_lines(delivery: Delivery) -> list[str]:
    """Return a line for a delivery, and one for each attempt with the response."""
    state, outcome = delivery.state.value, delivery.outcome
    if outcome not in (None, state):
        state += f", {outcome}"
    head = f"  {delivery.id}  {state}  {delivery.method} {delivery.url}"
    if outcome is None and not delivery.tries:
        head += "  not sent yet (advance the clock, or wait)"
    elif outcome is None:
        head += f"  attempt {len(delivery.tries) + 1} of {delivery.attempts} is to come (advance the clock, or wait)"
    elif not delivery.tries or outcome == "dropped":
        head += f"  {delivery.error or ''}"
    first = max(0, len(delivery.tries) - _MOST_ATTEMPTS)
    lines = [f"    … {first} attempts before …"] if first else []
    lines += [
        f"    attempt {i}: {_response_text(attempt)}"
        for i, attempt in enumerate(delivery.tries[first:], first + 1)
    ]
    return [mask_text(line.rstrip()) for line in (head, *lines)]


def _response_text(attempt: Try) -> str:
    if attempt.status is None:
        return attempt.error or "nobody answered"
    answer = mask_body(" ".join(attempt.answer.decode(errors="replace").split()))
    cut = answer if len(answer) <= _ANSWER_CHARS else answer[: _ANSWER_CHARS - 1] + "…"
    return f"the receiver answered {attempt.status}" + (f": {cut}" if cut else "")


def of_failed_webhooks(ns: Namespace) -> Verdict:
    failed = [delivery for delivery in ns.deliveries if delivery.state is DeliveryState.FAILED]
    dropped = ns.deliveries.dropped
    saw = f"{len(failed)} failed{gone(dropped, 'webhooks')}"
    text = f"expected no failed webhook, saw {saw}"
    if failed:
        text = "\n".join(
            [text, *(line for delivery in failed[:MOST_LINES] for line in delivery_lines(delivery))]
        )
    return Verdict(
        Standing.FAILED if failed or dropped else Standing.OK,
        "no failed webhook",
        saw,
        text,
        len(failed),
        exact=bool(failed) or not dropped,
    )
