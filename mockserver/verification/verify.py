"""
Checks: does what was called agree with what a test expects? Pure; waiting is `admin/`'s.

Every verdict has a text that a person can act on, with the calls it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

from mockserver.attempts.rules import AttemptRules, Judgement, RuleSet
from mockserver.engine.fault_strikes import ENDED, Strike
from mockserver.engine.namespace import Namespace
from mockserver.errors import KeyPath
from mockserver.load.rules import LoadRules
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.model.plural import counted
from mockserver.model.violation import masked, text_of
from mockserver.redaction.redaction import mask_path
from mockserver.schema.expect import ExpectSpec
from mockserver.schema.load import LoadSpec
from mockserver.schema.verify import CheckSpec, SubjectSpec
from mockserver.store.call_log import CallLog
from mockserver.verification.counting import AllCalls, Subject
from mockserver.verification.leaks import leaks_of
from mockserver.verification.nearest_calls import compared, nearest
from mockserver.verification.operations import grouping_of
from mockserver.verification.timeline import operations_timeline, timeline, window_timeline
from mockserver.verification.verdict import MOST_LINES, Standing, Verdict, at_least, standing_of
from mockserver.verification.verify_effects import (
    EffectTest,
    WebhookTest,
    of_effects,
    of_failed_webhooks,
    of_webhooks,
)


class Check:
    """A compiled check. Raises InvalidInputError where it asks for what can't be asked."""

    __slots__ = ("_judge", "_scans", "spec")

    def __init__(self, ns: Namespace, spec: CheckSpec, path: KeyPath = ()) -> None:
        self.spec = spec
        self._judge, self._scans = _compiled(ns, spec, path)

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Looks at one recorded call after the other, so that the verdict is quick afterwards."""
        for scan in self._scans:
            yield from scan.steps(ns)

    def verdict(self, ns: Namespace) -> Verdict:
        return self._judge(ns)

    @property
    def rules(self) -> RulesJudge | None:
        """What judges attempts or load: its work grows with the number of calls, so `steps` and `snapshot` divide it."""
        return self._judge if isinstance(self._judge, RulesJudge) else None


Judge = Callable[[Namespace], Verdict]


class Scan(Protocol):
    """What looks at every recorded call."""

    def steps(self, ns: Namespace) -> Iterator[None]:
        """One call a step; a call that was looked at is not looked at again."""


def _compiled(ns: Namespace, spec: CheckSpec, path: KeyPath) -> tuple[Judge, Sequence[Scan]]:
    if spec.route is not None or spec.request is not None:
        if spec.received is not None:
            from mockserver.verification.messages import MessageJudge  # few checks need it

            messages = MessageJudge(ns, spec, path)
            return messages, [messages]
        return _calls_judge(ns, spec, path)
    if spec.load is not None:
        judge = load_judge(ns, AllCalls(), spec.times, spec.load, (*path, "load"))
        return judge, [judge]
    if spec.in_order is not None:
        links = [Subject(ns, link, (*path, "in_order", i)) for i, link in enumerate(spec.in_order)]
        order = _OrderJudge(links, [link.times for link in spec.in_order])
        return order, [order]
    if spec.leaks is not None:
        leaks = _LeaksJudge(spec.leaks or 0)
        return leaks, [leaks]
    return _judge_without_scan(ns, spec, path), ()


def _judge_without_scan(ns: Namespace, spec: CheckSpec, path: KeyPath) -> Judge:
    if spec.effects is not None:
        effects = EffectTest(ns, spec.effects, (*path, "effects"))
        return lambda ns: of_effects(ns, effects, spec.times)
    if spec.webhooks is not None:
        webhooks = WebhookTest(ns, spec.webhooks, (*path, "webhooks"))
        return lambda ns: of_webhooks(ns, webhooks, spec.times)
    if spec.unused is not None:
        return lambda ns: _of_unused(ns, spec.unused or 0)
    if spec.violations is not None:
        return lambda ns: _of_violations(ns, spec.violations or 0)
    return lambda ns: _of_unmatched(ns, spec.unmatched or 0)


# Calls


def _calls_judge(ns: Namespace, spec: CheckSpec, path: KeyPath) -> tuple[Judge, Sequence[Scan]]:
    subject = Subject(ns, spec, path)
    if spec.load is not None:
        judge = load_judge(ns, subject, spec.times, spec.load, (*path, "load"))
        return judge, [judge]
    if spec.attempts is None:
        return lambda ns: _of_subject(ns, subject, spec.times), [subject]
    where = (*path, "attempts")
    rules = AttemptRules(spec.attempts, grouping_of(ns, spec.attempts, where), where)
    judge = RulesJudge(subject, spec.times, rules, "retried by the rules", operations=True)
    return judge, [judge]


def load_judge(
    ns: Namespace, subject: Subject | AllCalls, times: ExpectSpec, spec: LoadSpec, path: KeyPath = ()
) -> RulesJudge:
    """Return what judges the rules of `load`. Raises InvalidInputError for what is not a selector."""
    rules = LoadRules(spec, grouping_of(ns, spec, path))
    return RulesJudge(subject, times, rules, "sent by the rules of load", operations=False)


def _of_subject(ns: Namespace, subject: Subject | AllCalls, times: ExpectSpec) -> Verdict:
    count = subject.count(ns)
    standing, exact = (standing_of(count.count, times), True) if count.exact else at_least(count.count, times)
    saw = str(count.count) + ("" if count.exact else ", counted from the records that are kept")
    text = f"{subject.text}: expected {times}, saw {saw}"
    if standing is not Standing.OK and isinstance(subject, Subject):
        text = "\n".join([text, *_evidence(ns, subject, lacking=count.count < times.min)])
    return Verdict(standing, str(times), saw, text, count.count, exact)


_MOST_FINDINGS = 20


class RulesJudge:
    """
    Judges how often the calls came, and the rules of `attempts` or `load`.

    A failed verdict lists the `operations`, or the calls that each finding names.
    """

    __slots__ = ("_expected", "_operations", "_rules", "_subject", "_times")

    def __init__(
        self,
        subject: Subject | AllCalls,
        times: ExpectSpec,
        rules: RuleSet,
        expected: str,
        *,
        operations: bool,
    ) -> None:
        self._subject = subject
        self._times = times
        self._rules = rules
        self._expected = expected
        self._operations = operations

    @property
    def name(self) -> str:
        """Whose calls are checked."""
        return self._subject.text

    def __call__(self, ns: Namespace) -> Verdict:
        return self.snapshot(ns)()

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Read the calls one by one, so that the caller can let others run in between."""
        yield from self._subject.steps(ns)
        subject = self._subject
        yield from self._rules.learn(call for call in ns.record.after(0) if subject.holds(call))

    def snapshot(self, ns: Namespace) -> Callable[[], Verdict]:
        """Return what judges the calls that there are now, in any thread."""
        counted = _of_subject(ns, self._subject, self._times)
        calls = list(self._subject.calls(ns))
        if ns.record.dropped and len(calls) < counted.seen:
            return lambda: _forgotten(counted, len(calls))
        return lambda: self._judged(counted, self._rules.judge(calls))

    def _judged(self, counted: Verdict, judgement: Judgement) -> Verdict:
        if not judgement.findings:
            names = dict.fromkeys(name for operation in judgement.operations for name in operation.left_out)
            if not names:
                return counted
            text = f"{counted.text}\n  left out of the comparison: {', '.join(names)}"
            return replace(counted, text=text)
        shown = judgement.findings[:_MOST_FINDINGS]
        reasons = [finding.text for finding in shown]
        lines = [] if counted.ok else [counted.text.split("\n")[0]]
        start_s = judgement.start_s
        for finding in shown:
            lines += [f"{self._subject.text}: {finding.text}", *window_timeline(finding.window, start_s)]
        if len(judgement.findings) > len(reasons):
            reasons.append(f"and {len(judgement.findings) - len(reasons)} more")
            lines.append(f"{self._subject.text}: {reasons[-1]}")
        if self._operations:
            lines += operations_timeline(judgement.operations)
        late = judgement.late and counted.standing is not Standing.FAILED
        standing = Standing.SHORT if late else Standing.FAILED
        expected = f"{self._times}, {self._expected}"
        return Verdict(
            standing,
            expected,
            "; ".join(reasons),
            "\n".join(lines),
            counted.seen,
            counted.exact,
            tuple(judgement.findings),
        )


def _forgotten(counted: Verdict, kept: int) -> Verdict:
    """Rules that hold of the newest calls alone would say nothing of the others."""
    text = f"{counted.text.splitlines()[0]}: only the newest {kept} are in the call log, so the rules can't be judged (--calls)"
    return Verdict(Standing.FAILED, counted.expected, counted.saw, text, counted.seen, exact=False)


def _evidence(ns: Namespace, subject: Subject, *, lacking: bool) -> list[str]:
    """
    The calls that were counted, and the misses that may have been meant.

    Where calls are lacking, also those that differ from what is expected, and how the nearest of them does.
    """
    candidates = compared(ns, subject) if lacking else []
    differing = {candidate.call.number: candidate.lines[0] for candidate in candidates}
    calls = [
        call
        for call in ns.record.after(0)
        if call.number in differing or subject.holds(call) or _missed(call)
    ]
    near = nearest(candidates)
    head = []
    if near is not None:
        after_s = near.call.request.arrived_at_s - calls[0].request.arrived_at_s
        head = [f"  nearest call, t+{after_s:.3f}:", *(f"    {line}" for line in near.lines)]
        differing[near.call.number] = "nearest"
    return [*head, *timeline(calls, ns.shared.key_names, differing)]


def _missed(call: Call) -> bool:
    return not call.matched and not call.automatic and call.request.complete


class _OrderJudge:
    """Looks once at each call. `at` links have come, and `got` calls of the next."""

    __slots__ = ("_at", "_calls", "_got", "_links", "_record", "_seen", "_times")

    def __init__(self, links: list[Subject], times: list[int]) -> None:
        self._links = links
        self._times = times
        self._record: CallLog | None = None

    def steps(self, ns: Namespace) -> Iterator[None]:
        if ns.record is not self._record:  # a reset begins another
            self._record = ns.record
            self._at, self._got, self._seen = 0, 0, 0
            self._calls: list[Call] = []
        links = self._links
        for call in ns.record.after(self._seen):
            self._seen = call.number
            if any(link.holds(call) for link in links):
                self._calls.append(call)
            if self._at < len(links) and links[self._at].holds(call):
                self._got += 1
                if self._got == self._times[self._at]:
                    self._at, self._got = self._at + 1, 0
            yield

    def __call__(self, ns: Namespace) -> Verdict:
        for _ in self.steps(ns):
            pass
        return self._verdict(ns)

    def _verdict(self, ns: Namespace) -> Verdict:
        links, times, at, got, calls = self._links, self._times, self._at, self._got, self._calls
        expected = " then ".join(
            link.text if count == 1 else f"{count} times {link.text}"
            for link, count in zip(links, times, strict=True)
        )
        if at == len(links):
            return Verdict(Standing.OK, expected, "them in this order", f"in order: {expected}", len(calls))
        missing = links[at].text + (f" ({got} of {times[at]})" if times[at] > 1 else "")
        after = f" after {links[at - 1].text}" if at else ""
        near = None if any(links[at].holds(call) for call in calls) else nearest(compared(ns, links[at]))
        head = []
        if near is not None:
            head = [f"  nearest call, {near.call.id}:", *(f"    {line}" for line in near.lines)]
        text = "\n".join(
            [
                f"expected in order: {expected}; {missing} did not come{after}",
                *head,
                *timeline(calls, ns.shared.key_names),
            ]
        )
        return Verdict(
            Standing.SHORT, expected, f"no {missing}{after}", text, len(calls), exact=not ns.record.dropped
        )


# The rest


def _of_unmatched(ns: Namespace, most: int) -> Verdict:
    count = ns.counts.unmatched
    standing = Standing.OK if count <= most else Standing.FAILED
    expected = "no unmatched call" if most == 0 else f"at most {most} unmatched"
    text = f"expected {expected}, saw {count}"
    if standing is not Standing.OK:
        text = "\n".join([text, *timeline(list(filter(_missed, ns.record.after(0))), ns.shared.key_names)])
    return Verdict(standing, expected, f"{count} unmatched", text, count)


def _of_violations(ns: Namespace, most: int) -> Verdict:
    """Exact, also where the oldest are kept no longer."""
    kept = ns.violations
    standing = Standing.OK if kept.total <= most else Standing.FAILED
    expected = (
        "nothing that breaks its contract"
        if most == 0
        else f"at most {counted(most, 'violation')} of contracts"
    )
    saw = counted(kept.total, "violation")
    text = f"expected {expected}, saw {saw}"
    if standing is not Standing.OK:
        views = [masked(violation) for violation in islice(kept, MOST_LINES)]
        lines = [f"  {view['call']}  {mask_path(view['request'])}  {text_of(view)}" for view in views]
        if kept.total > len(lines):
            lines.append(f"  … and {kept.total - len(lines)} more: GET /__admin/violations")
        text = "\n".join([text, *lines])
    return Verdict(standing, expected, saw, text, kept.total)


def _of_unused(ns: Namespace, most: int) -> Verdict:
    unused = [route.id for route in ns.active_routes() if not ns.counts.calls_of(route.id)]
    standing = Standing.OK if len(unused) <= most else Standing.SHORT
    expected = "no route without a call" if most == 0 else f"at most {counted(most, 'route')} without a call"
    text = f"expected {expected}, saw {len(unused)}"
    if standing is not Standing.OK:
        text += ": " + ", ".join(unused[:50])
    return Verdict(standing, expected, f"{len(unused)} unused", text, len(unused))


class _LeaksJudge:
    """Looks once at each call, however often it is asked: a check with `quiet` is asked after every call."""

    __slots__ = ("_leaks", "_most", "_seen")

    def __init__(self, most: int) -> None:
        self._most = most
        self._leaks: list[tuple[Call, str]] = []
        self._seen = 0

    def steps(self, ns: Namespace) -> Iterator[None]:
        for call in ns.record.after(self._seen):
            self._seen = call.number
            self._leaks += [(call, leak) for leak in leaks_of(call.request)]
            if call.outcome is not Outcome.OPEN:
                call.request.forget_parsed()
            yield

    def __call__(self, ns: Namespace) -> Verdict:
        for _ in self.steps(ns):
            pass
        return _of_leaks(ns, self._leaks, self._most)


def _of_leaks(ns: Namespace, leaks: list[tuple[Call, str]], most: int) -> Verdict:
    exact = not (ns.record.dropped or ns.record.cut) or len(leaks) > most
    standing = Standing.OK if len(leaks) <= most and exact else Standing.FAILED
    expected = (
        "no secret in what was sent" if most == 0 else f"at most {counted(most, 'secret')} in what was sent"
    )
    kept = ""
    if ns.record.dropped or ns.record.cut:
        kept = ", looked for in the records and bodies that are kept"
    text = f"expected {expected}, saw {len(leaks)}{kept}"
    if standing is not Standing.OK:
        lines = [
            f"  {call.id}  {call.request.method} {mask_path(call.request.path)}  {leak}"
            for call, leak in leaks[:50]
        ]
        if len(leaks) > len(lines):
            lines.append(f"  … and {len(leaks) - len(lines)} more")
        text = "\n".join([text, *lines])
    return Verdict(
        standing,
        expected,
        f"{counted(len(leaks), 'leak')}{kept}",
        text,
        len(leaks),
        exact,
    )


def expectations(ns: Namespace, scenario: str | None = None) -> list[Verdict]:
    """
    Every `expect` of what answers here (of one scenario, where named), no unmatched call, no failed webhook,
    no trouble or outage that struck no call.
    """
    return [*expectations_without_load(ns, scenario), *(judge(ns) for judge in load_judges(ns, scenario))]


def expectations_without_load(ns: Namespace, scenario: str | None = None) -> list[Verdict]:
    """All of them but rules on load, whose work grows with the number of calls."""
    verdicts = expected_calls(ns, scenario)
    strikes = [_of_strike(strike, saw) for strike, saw in ns.unstruck()]
    return [*verdicts, _of_unmatched(ns, 0), of_failed_webhooks(ns), *strikes]


def expected_calls(ns: Namespace, scenario: str | None = None) -> list[Verdict]:
    """Every number of calls in an `expect` of what answers here; of one scenario, where named."""
    return [
        _of_route(ns, route.id, route.expect)
        for route in ns.active_routes()
        if route.expect is not None
        and route.expect.counts
        and (scenario is None or route.scenario.name == scenario)
    ]


def load_judges(ns: Namespace, scenario: str | None = None, route_id: str | None = None) -> list[RulesJudge]:
    """Return what judges each `expect: {load: …}` of what answers here; of one scenario or route, where named."""
    judges: list[RulesJudge] = []
    scenarios: set[str] = set()
    for route in ns.active_routes():
        name = route.scenario.name
        if scenario not in (None, name) or route_id not in (None, route.id):
            continue
        expected = route.scenario.spec.expect
        if route_id is None and name not in scenarios and expected is not None and expected.load is not None:
            judges.append(load_judge(ns, AllCalls(name), ANY_NUMBER, expected.load))
        scenarios.add(name)
        if route.expect is not None and route.expect.load is not None:
            subject = Subject(ns, SubjectSpec(route=route.id))
            judges.append(load_judge(ns, subject, ANY_NUMBER, route.expect.load))
    return judges


ANY_NUMBER = ExpectSpec()


def _of_strike(strike: Strike, saw: str) -> Verdict:
    return Verdict(
        Standing.FAILED if saw == ENDED else Standing.SHORT,
        f"{strike.subject} strikes a call",
        saw,
        strike.text(),
    )


def _of_route(ns: Namespace, route_id: str, expect: ExpectSpec) -> Verdict:
    return _of_subject(ns, Subject(ns, SubjectSpec(route=route_id)), expect)
