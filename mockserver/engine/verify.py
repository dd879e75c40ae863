"""
Checks: does what was called agree with what a test expects? Pure; waiting is `admin/`'s.

Every verdict has a text that a person can act on, with the calls it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

from mockserver.engine.attempts import as_text, operations
from mockserver.engine.counting import Subject
from mockserver.engine.judging import Rules
from mockserver.engine.leaks import leaks_of
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.engine.strikes import ENDED, Strike
from mockserver.engine.timeline import timeline
from mockserver.errors import InvalidInput, KeyPath
from mockserver.matching.matcher import compile_condition
from mockserver.model.call import Call
from mockserver.model.delivery import Delivery, DeliveryState
from mockserver.model.http import ABSENT
from mockserver.model.plan import Outcome
from mockserver.model.redaction import mask_field, mask_path, mask_text, mask_tree
from mockserver.model.scenario import ExpectSpec
from mockserver.model.verify import CheckSpec, EffectsSpec, SubjectSpec
from mockserver.model.violation import masked, text_of


class Standing(Enum):
    """Where a check stands: `SHORT` may still come true by waiting, `FAILED` can't."""

    OK = "ok"
    SHORT = "short"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to. `seen` changes whenever something came that `quiet` forbids."""

    standing: Standing
    expected: str
    saw: str
    text: str
    seen: Any = None

    @property
    def ok(self) -> bool:
        return self.standing is Standing.OK

    def view(self) -> dict[str, Any]:
        return {"ok": self.ok, "expected": self.expected, "saw": self.saw, "text": self.text}


class Check:
    """A compiled check. Raises InvalidInput where it asks for what can't be asked."""

    __slots__ = ("_judge", "spec")

    def __init__(self, ns: Namespace, spec: CheckSpec, path: KeyPath = ()) -> None:
        self.spec = spec
        self._judge = _compiled(ns, spec, path)

    def verdict(self, ns: Namespace) -> Verdict:
        return self._judge(ns)


Judge = Callable[[Namespace], Verdict]


def _compiled(ns: Namespace, spec: CheckSpec, path: KeyPath) -> Judge:
    if spec.route is not None or spec.request is not None:
        return _calls_judge(ns, spec, path)
    if spec.in_order is not None:
        links = [Subject(ns, one, (*path, "in_order", i)) for i, one in enumerate(spec.in_order)]
        times = [one.times for one in spec.in_order]
        return lambda ns: _in_order(ns, links, times)
    if spec.effects is not None:
        holds = _effect_test(spec.effects, (*path, "effects"))
        effects = spec.effects
        return lambda ns: _of_effects(ns, effects, holds, spec.times)
    if spec.webhooks is not None:
        wanted = spec.webhooks.route
        route_id = None if wanted is None else route_named(ns, wanted, (*path, "webhooks", "route")).id
        return lambda ns: _of_webhooks(ns, route_id, spec.times)
    if spec.unused is not None:
        return lambda ns: _of_unused(ns, spec.unused or 0)
    if spec.violations is not None:
        return lambda ns: _of_violations(ns, spec.violations or 0)
    if spec.leaks is not None:
        return _LeaksJudge(spec.leaks or 0)
    return lambda ns: _of_unmatched(ns, spec.unmatched or 0)


def standing_of(count: int, times: ExpectSpec) -> Standing:
    """Below the lower bound it may still come; above the upper never."""
    if count < times.min:
        return Standing.SHORT
    return Standing.OK if times.holds(count) else Standing.FAILED


def _worded(times: ExpectSpec, noun: str) -> str:
    """`3 effects` where an ExpectSpec says `3 calls`."""
    return str(times).replace("calls", f"{noun}s").replace("call", noun)


# Calls


def _calls_judge(ns: Namespace, spec: CheckSpec, path: KeyPath) -> Judge:
    subject = Subject(ns, spec, path)
    if spec.attempts is None:
        return lambda ns: _of_subject(ns, subject, spec.times)
    rules = Rules(spec.attempts, lambda call: _params(ns, call), (*path, "attempts"))
    return lambda ns: _of_attempts(ns, subject, spec.times, rules)


def _params(ns: Namespace, call: Call) -> dict[str, str]:
    route = ns.route(call.route_id) if call.route_id is not None else None
    return (route.pattern.match(call.request.path) or {}) if route is not None else {}


def _of_subject(ns: Namespace, subject: Subject, times: ExpectSpec) -> Verdict:
    count = subject.count(ns)
    standing = standing_of(count.count, times)
    saw = str(count.count) + ("" if count.exact else ", counted from the records that are kept")
    text = f"{subject.text}: expected {times}, saw {saw}"
    if standing is not Standing.OK:
        text = "\n".join([text, *timeline(_about(ns, subject))])
    return Verdict(standing, str(times), saw, text, count.count)


def _of_attempts(ns: Namespace, subject: Subject, times: ExpectSpec, rules: Rules) -> Verdict:
    counted = _of_subject(ns, subject, times)
    found = operations(subject.calls(ns))
    broken = rules.broken(found)
    if not broken:
        return counted
    lines = [f"{subject.text}: {one.text}" for one in broken]
    if not counted.ok:
        lines.insert(0, counted.text.split("\n")[0])
    late = all(one.late for one in broken) and counted.standing is not Standing.FAILED
    text = "\n".join([*lines, *timeline(list(subject.calls(ns)))])
    saw = "; ".join(one.text for one in broken)
    return Verdict(
        Standing.SHORT if late else Standing.FAILED, f"{times}, retried by the rules", saw, text, counted.seen
    )


def _about(ns: Namespace, subject: Subject) -> list[Call]:
    """The calls that were counted, and the misses that may have been meant."""
    return [call for call in ns.record if subject.holds(call) or _missed(call)]


def _missed(call: Call) -> bool:
    return not call.matched and not call.automatic and call.request.complete


def _in_order(ns: Namespace, links: list[Subject], times: list[int]) -> Verdict:
    at, got = 0, 0
    seen: list[Call] = []
    for call in ns.record:
        if any(link.holds(call) for link in links):
            seen.append(call)
        if at < len(links) and links[at].holds(call):
            got += 1
            if got == times[at]:
                at, got = at + 1, 0
    expected = " then ".join(
        link.text if count == 1 else f"{count} times {link.text}"
        for link, count in zip(links, times, strict=True)
    )
    if at == len(links):
        return Verdict(Standing.OK, expected, "them in this order", f"in order: {expected}", len(seen))
    missing = links[at].text + (f" ({got} of {times[at]})" if times[at] > 1 else "")
    after = f" after {links[at - 1].text}" if at else ""
    text = "\n".join([f"expected in order: {expected}; {missing} did not come{after}", *timeline(seen)])
    return Verdict(Standing.SHORT, expected, f"no {missing}{after}", text, len(seen))


# Effects and webhooks

_MOST_LINES = 20
_LOST = frozenset(Outcome) - {Outcome.OPEN, Outcome.DONE}


def _effect_test(spec: EffectsSpec, path: KeyPath) -> Callable[[dict[str, Any]], bool]:
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


def _of_effects(
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
    expected = f"{_worded(times, 'effect')}"
    text = f"{noun}{where}: expected {expected}, saw {len(found)}"
    if standing is not Standing.OK:
        shown = found or [
            effect for effect in ns.effects if spec.kind is None or effect.get("kind") == spec.kind
        ]
        lost = {call.id: call.outcome.value for call in ns.record if call.outcome in _LOST}
        lines = [f"  {_effect_line(effect, lost)}" for effect in shown[:_MOST_LINES]]
        if len(shown) > _MOST_LINES:
            lines.append(f"  … and {len(shown) - _MOST_LINES} more")
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


def _of_webhooks(ns: Namespace, route_id: str | None, times: ExpectSpec) -> Verdict:
    about = [one for one in ns.deliveries if route_id is None or one.route == route_id]
    count = sum(1 for one in about if one.arrived)
    standing = standing_of(count, times)
    expected = f"{_worded(times, 'webhook')} delivered"
    name = f"webhooks of {route_id}" if route_id else "webhooks"
    text = f"{name}: expected {expected}, saw {count}"
    if standing is not Standing.OK:
        text = "\n".join([text, *(f"  {_delivery_line(one)}" for one in about[-_MOST_LINES:])])
    return Verdict(standing, expected, str(count), text, count)


def _delivery_line(one: Delivery) -> str:
    tries = (
        ", ".join(str(t.status) if t.status is not None else t.error or "-" for t in one.tries)
        or "not tried yet"
    )
    due = "" if one.tries or one.state is not DeliveryState.WAITING else " (advance the clock, or wait)"
    return mask_text(f"{one.id}  {one.state.value}  {one.method} {one.url}  {one.error or tries}{due}")


# The rest


def _of_unmatched(ns: Namespace, most: int) -> Verdict:
    count = ns.counts.unmatched
    standing = Standing.OK if count <= most else Standing.FAILED
    expected = "no unmatched call" if most == 0 else f"at most {most} unmatched"
    text = f"expected {expected}, saw {count}"
    if standing is not Standing.OK:
        text = "\n".join([text, *timeline([call for call in ns.record if _missed(call)])])
    return Verdict(standing, expected, f"{count} unmatched", text, count)


def _of_violations(ns: Namespace, most: int) -> Verdict:
    """Exact, also where the oldest are kept no longer."""
    kept = ns.violations
    standing = Standing.OK if kept.total <= most else Standing.FAILED
    noun = "violation" if most == 1 else "violations"
    expected = "nothing that breaks its contract" if most == 0 else f"at most {most} {noun} of contracts"
    saw = f"{kept.total} violation{'' if kept.total == 1 else 's'}"
    text = f"expected {expected}, saw {saw}"
    if standing is not Standing.OK:
        views = [masked(one) for one in islice(kept, _MOST_LINES)]
        lines = [f"  {one['call']}  {mask_path(one['request'])}  {text_of(one)}" for one in views]
        if kept.total > len(lines):
            lines.append(f"  … and {kept.total - len(lines)} more: GET /__admin/violations")
        text = "\n".join([text, *lines])
    return Verdict(standing, expected, saw, text, kept.total)


def _of_unused(ns: Namespace, most: int) -> Verdict:
    unused = [route.id for route in ns.active_routes() if not ns.counts.calls_of(route.id)]
    standing = Standing.OK if len(unused) <= most else Standing.SHORT
    routes = "route" if most == 1 else "routes"
    expected = "no route without a call" if most == 0 else f"at most {most} {routes} without a call"
    text = f"expected {expected}, saw {len(unused)}"
    if standing is not Standing.OK:
        text += ": " + ", ".join(unused[:50])
    return Verdict(standing, expected, f"{len(unused)} unused", text, len(unused))


class _LeaksJudge:
    """Looks once at each call, however often it is asked: a check with `quiet` is asked after every call."""

    __slots__ = ("_found", "_most", "_seen")

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: list[tuple[Call, str]] = []
        self._seen = 0

    def __call__(self, ns: Namespace) -> Verdict:
        for call in ns.record:
            if call.number > self._seen:
                self._seen = call.number
                self._found += [(call, leak) for leak in leaks_of(call.request)]
                if call.outcome is not Outcome.OPEN:
                    call.request.forget_parsed()
        return _of_leaks(ns, self._found, self._most)


def _of_leaks(ns: Namespace, found: list[tuple[Call, str]], most: int) -> Verdict:
    standing = Standing.OK if len(found) <= most else Standing.FAILED
    secrets = "secret" if most == 1 else "secrets"
    expected = "no secret in what was sent" if most == 0 else f"at most {most} {secrets} in what was sent"
    exact = not (ns.record.dropped or ns.record.cut)
    kept = "" if exact else ", looked for in the records and bodies that are kept"
    text = f"expected {expected}, saw {len(found)}{kept}"
    if standing is not Standing.OK:
        lines = [
            f"  {call.id}  {call.request.method} {mask_path(call.request.path)}  {leak}"
            for call, leak in found[:50]
        ]
        if len(found) > len(lines):
            lines.append(f"  … and {len(found) - len(lines)} more")
        text = "\n".join([text, *lines])
    return Verdict(
        standing, expected, f"{len(found)} leak{'' if len(found) == 1 else 's'}{kept}", text, len(found)
    )


def _of_failed_webhooks(ns: Namespace) -> Verdict:
    failed = [one for one in ns.deliveries if one.state is DeliveryState.FAILED]
    text = f"expected no failed webhook, saw {len(failed)}"
    if failed:
        text = "\n".join([text, *(f"  {_delivery_line(one)}" for one in failed[:_MOST_LINES])])
    return Verdict(
        Standing.FAILED if failed else Standing.OK,
        "no failed webhook",
        f"{len(failed)} failed",
        text,
        len(failed),
    )


def expectations(ns: Namespace, scenario: str | None = None) -> list[Verdict]:
    """
    Every `expect` of what answers here (of one scenario, where named), no unmatched call, no failed webhook,
    no trouble or outage that struck no call.
    """
    verdicts = [
        _of_route(ns, route.id, route.expect)
        for route in ns.active_routes()
        if route.expect is not None and (scenario is None or route.scenario.name == scenario)
    ]
    strikes = [_of_strike(strike, saw) for strike, saw in ns.unstruck()]
    return [*verdicts, _of_unmatched(ns, 0), _of_failed_webhooks(ns), *strikes]


def _of_strike(strike: Strike, saw: str) -> Verdict:
    return Verdict(
        Standing.FAILED if saw == ENDED else Standing.SHORT,
        f"{strike.subject} strikes a call",
        saw,
        strike.text(),
    )


def _of_route(ns: Namespace, route_id: str, expect: ExpectSpec) -> Verdict:
    return _of_subject(ns, Subject(ns, SubjectSpec(route=route_id)), expect)
