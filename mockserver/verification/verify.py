"""
Checks: whether the calls are as a test expects. Without I/O; `admin/` implements waiting.

Every verdict has a text with the reason and the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

from mockserver.attempts.rules import AttemptRules, RuleResult, RuleSet
from mockserver.engine.fault_uses import ENDED, FaultUse
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
    """A compiled check. Raises InvalidInputError for an invalid check."""

    __slots__ = ("_evaluate", "_scans", "spec")

    def __init__(self, ns: Namespace, spec: CheckSpec, path: KeyPath = ()) -> None:
        self.spec = spec
        self._evaluate, self._scans = _compiled(ns, spec, path)

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Evaluate one recorded call at each step, so that the verdict is fast."""
        for scan in self._scans:
            yield from scan.steps(ns)

    def verdict(self, ns: Namespace) -> Verdict:
        return self._evaluate(ns)

    @property
    def rules(self) -> RulesEvaluator | None:
        """The evaluator of attempts or load. Its work grows with the number of calls, so `steps` and `snapshot` divide it."""
        return self._evaluate if isinstance(self._evaluate, RulesEvaluator) else None


Evaluator = Callable[[Namespace], Verdict]


class Scan(Protocol):
    """An evaluator that reads every recorded call."""

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Evaluate one call at each step. Each call is evaluated once."""


def _compiled(ns: Namespace, spec: CheckSpec, path: KeyPath) -> tuple[Evaluator, Sequence[Scan]]:
    if spec.route is not None or spec.request is not None:
        if spec.received is not None:
            from mockserver.verification.messages import MessageEvaluator  # few checks need it

            messages = MessageEvaluator(ns, spec, path)
            return messages, [messages]
        return _calls_evaluator(ns, spec, path)
    if spec.load is not None:
        evaluator = load_evaluator(ns, AllCalls(), spec.times, spec.load, (*path, "load"))
        return evaluator, [evaluator]
    if spec.in_order is not None:
        links = [Subject(ns, link, (*path, "in_order", i)) for i, link in enumerate(spec.in_order)]
        order = _OrderEvaluator(links, [link.times for link in spec.in_order])
        return order, [order]
    if spec.leaks is not None:
        leaks = _LeaksEvaluator(spec.leaks or 0)
        return leaks, [leaks]
    return _compiled_without_scan(ns, spec, path), ()


def _compiled_without_scan(ns: Namespace, spec: CheckSpec, path: KeyPath) -> Evaluator:
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
    return lambda ns: of_unmatched(ns, spec.unmatched or 0)


# Calls


def _calls_evaluator(ns: Namespace, spec: CheckSpec, path: KeyPath) -> tuple[Evaluator, Sequence[Scan]]:
    subject = Subject(ns, spec, path)
    if spec.load is not None:
        evaluator = load_evaluator(ns, subject, spec.times, spec.load, (*path, "load"))
        return evaluator, [evaluator]
    if spec.attempts is None:
        return lambda ns: _of_subject(ns, subject, spec.times), [subject]
    where = (*path, "attempts")
    rules = AttemptRules(spec.attempts, grouping_of(ns, spec.attempts, where, subject.route_of), where)
    evaluator = RulesEvaluator(subject, spec.times, rules, "retried by the rules", operations=True)
    return evaluator, [evaluator]


def load_evaluator(
    ns: Namespace, subject: Subject | AllCalls, times: ExpectSpec, spec: LoadSpec, path: KeyPath = ()
) -> RulesEvaluator:
    """Return the evaluator of the rules of `load`. Raises InvalidInputError for an invalid selector."""
    rules = LoadRules(spec, grouping_of(ns, spec, path, subject.route_of))
    return RulesEvaluator(subject, times, rules, "sent by the rules of load", operations=False)


def _of_subject(ns: Namespace, subject: Subject | AllCalls, times: ExpectSpec) -> Verdict:
    count = subject.count(ns)
    standing, exact = (standing_of(count.count, times), True) if count.exact else at_least(count.count, times)
    saw = str(count.count) + ("" if count.exact else ", counted from the records that are kept")
    text = f"{subject.text}: expected {times}, saw {saw}"
    if standing is not Standing.OK and isinstance(subject, Subject):
        text = "\n".join([text, *_evidence(ns, subject, is_short=count.count < times.min)])
    return Verdict(standing, str(times), saw, text, count.count, exact)


_MOST_FINDINGS = 20


class RulesEvaluator:
    """
    Checks the number of calls, and the rules of `attempts` or `load`.

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
        """Read one call at each step, so that the caller can yield to other tasks."""
        yield from self._subject.steps(ns)
        subject = self._subject
        yield from self._rules.learn(call for call in ns.call_log.after(0) if subject.holds(call))

    def snapshot(self, ns: Namespace) -> Callable[[], Verdict]:
        """Return a function that checks the current calls. It may run in any thread."""
        counted = _of_subject(ns, self._subject, self._times)
        calls = list(self._subject.calls(ns))
        if ns.call_log.dropped and len(calls) < counted.seen:
            return lambda: _incomplete_log(counted, len(calls))
        return lambda: self._verdict_of_rules(counted, self._rules.evaluate(calls))

    def _verdict_of_rules(self, counted: Verdict, result: RuleResult) -> Verdict:
        if not result.findings:
            names = dict.fromkeys(name for operation in result.operations for name in operation.left_out)
            if not names:
                return counted
            text = f"{counted.text}\n  left out of the comparison: {', '.join(names)}"
            return replace(counted, text=text)
        shown = result.findings[:_MOST_FINDINGS]
        reasons = [finding.text for finding in shown]
        lines = [] if counted.ok else [counted.text.split("\n")[0]]
        start_s = result.start_s
        for finding in shown:
            lines += [f"{self._subject.text}: {finding.text}", *window_timeline(finding.window, start_s)]
        if len(result.findings) > len(reasons):
            reasons.append(f"and {len(result.findings) - len(reasons)} more")
            lines.append(f"{self._subject.text}: {reasons[-1]}")
        if self._operations:
            lines += operations_timeline(result.operations)
        late = result.late and counted.standing is not Standing.FAILED
        standing = Standing.SHORT if late else Standing.FAILED
        expected = f"{self._times}, {self._expected}"
        return Verdict(
            standing,
            expected,
            "; ".join(reasons),
            "\n".join(lines),
            counted.seen,
            counted.exact,
            tuple(result.findings),
        )


def _incomplete_log(counted: Verdict, kept: int) -> Verdict:
    """Return a failed verdict, since the rules need all calls, and the oldest are dropped."""
    text = f"{counted.text.splitlines()[0]}: only the newest {kept} are in the call log, so the rules can't be checked (--calls)"
    return Verdict(Standing.FAILED, counted.expected, counted.saw, text, counted.seen, exact=False)


def _evidence(ns: Namespace, subject: Subject, *, is_short: bool) -> list[str]:
    """
    Return lines for the counted calls and the unmatched ones.

    With `is_short`, also for calls that differ from the expected ones, with the differences of the nearest.
    """
    candidates = compared(ns, subject) if is_short else []
    differing = {candidate.call.number: candidate.lines[0] for candidate in candidates}
    calls = [
        call
        for call in ns.call_log.after(0)
        if call.number in differing or subject.holds(call) or _is_unmatched(call)
    ]
    near = nearest(candidates)
    head = []
    if near is not None:
        after_s = near.call.request.arrived_at_s - calls[0].request.arrived_at_s
        head = [f"  nearest call, t+{after_s:.3f}:", *(f"    {line}" for line in near.lines)]
        differing[near.call.number] = "nearest"
    return [*head, *timeline(calls, ns.shared.key_names, differing)]


def _is_unmatched(call: Call) -> bool:
    return not call.matched and not call.automatic and call.request.complete


class _OrderEvaluator:
    """Checks the order of calls. `at` links are complete, and the next has `matching` calls."""

    __slots__ = ("_at", "_calls", "_links", "_matching", "_record", "_seen", "_times")

    def __init__(self, links: list[Subject], times: list[int]) -> None:
        self._links = links
        self._times = times
        self._record: CallLog | None = None

    def steps(self, ns: Namespace) -> Iterator[None]:
        if ns.call_log is not self._record:  # a reset creates a new call log
            self._record = ns.call_log
            self._at, self._matching, self._seen = 0, 0, 0
            self._calls: list[Call] = []
        links = self._links
        for call in ns.call_log.after(self._seen):
            self._seen = call.number
            if any(link.holds(call) for link in links):
                self._calls.append(call)
            if self._at < len(links) and links[self._at].holds(call):
                self._matching += 1
                if self._matching == self._times[self._at]:
                    self._at, self._matching = self._at + 1, 0
            yield

    def __call__(self, ns: Namespace) -> Verdict:
        for _ in self.steps(ns):
            pass
        return self._verdict(ns)

    def _verdict(self, ns: Namespace) -> Verdict:
        links, times, at, matching, calls = self._links, self._times, self._at, self._matching, self._calls
        expected = " then ".join(
            link.text if count == 1 else f"{count} times {link.text}"
            for link, count in zip(links, times, strict=True)
        )
        if at == len(links):
            return Verdict(Standing.OK, expected, "them in this order", f"in order: {expected}", len(calls))
        missing = links[at].text + (f" ({matching} of {times[at]})" if times[at] > 1 else "")
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
            Standing.SHORT, expected, f"no {missing}{after}", text, len(calls), exact=not ns.call_log.dropped
        )


# Other checks


def of_unmatched(ns: Namespace, limit: int) -> Verdict:
    count = ns.counts.unmatched
    standing = Standing.OK if count <= limit else Standing.FAILED
    expected = "no unmatched call" if limit == 0 else f"at most {limit} unmatched"
    text = f"expected {expected}, saw {count}"
    if standing is not Standing.OK:
        text = "\n".join(
            [text, *timeline(list(filter(_is_unmatched, ns.call_log.after(0))), ns.shared.key_names)]
        )
    return Verdict(standing, expected, f"{count} unmatched", text, count)


def _of_violations(ns: Namespace, limit: int) -> Verdict:
    """Check the total number of violations, which includes dropped ones."""
    kept = ns.violations
    standing = Standing.OK if kept.total <= limit else Standing.FAILED
    expected = (
        "nothing that breaks its contract"
        if limit == 0
        else f"at most {counted(limit, 'violation')} of contracts"
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


def _of_unused(ns: Namespace, limit: int) -> Verdict:
    unused = [route.id for route in ns.active_routes() if not ns.counts.calls_of(route.id)]
    standing = Standing.OK if len(unused) <= limit else Standing.SHORT
    expected = (
        "no route without a call" if limit == 0 else f"at most {counted(limit, 'route')} without a call"
    )
    text = f"expected {expected}, saw {len(unused)}"
    if standing is not Standing.OK:
        text += ": " + ", ".join(unused[:50])
    return Verdict(standing, expected, f"{len(unused)} unused", text, len(unused))


class _LeaksEvaluator:
    """Checks calls for secrets. Evaluates each call once, since a check with `quiet` runs after every call."""

    __slots__ = ("_leaks", "_limit", "_seen")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._leaks: list[tuple[Call, str]] = []
        self._seen = 0

    def steps(self, ns: Namespace) -> Iterator[None]:
        for call in ns.call_log.after(self._seen):
            self._seen = call.number
            self._leaks += [(call, leak) for leak in leaks_of(call.request)]
            if call.outcome is not Outcome.OPEN:
                call.request.forget_parsed()
            yield

    def __call__(self, ns: Namespace) -> Verdict:
        for _ in self.steps(ns):
            pass
        return _of_leaks(ns, self._leaks, self._limit)


def _of_leaks(ns: Namespace, leaks: list[tuple[Call, str]], limit: int) -> Verdict:
    exact = not (ns.call_log.dropped or ns.call_log.cut) or len(leaks) > limit
    standing = Standing.OK if len(leaks) <= limit and exact else Standing.FAILED
    expected = (
        "no secret in what was sent" if limit == 0 else f"at most {counted(limit, 'secret')} in what was sent"
    )
    kept = ""
    if ns.call_log.dropped or ns.call_log.cut:
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
    Return the verdicts of every `expect` of the active routes, or of one scenario.

    They include unmatched calls, failed webhooks, and troubles and outages without a call.
    """
    return [
        *expectations_without_load(ns, scenario),
        *(evaluator(ns) for evaluator in load_evaluators(ns, scenario)),
    ]


def expectations_without_load(ns: Namespace, scenario: str | None = None) -> list[Verdict]:
    """Return the expectations without rules on load, whose work grows with the number of calls."""
    verdicts = expected_calls(ns, scenario)
    uses = [_of_fault_use(use, saw) for use, saw in ns.unused_faults()]
    return [*verdicts, of_unmatched(ns, 0), of_failed_webhooks(ns), *uses]


def expected_calls(ns: Namespace, scenario: str | None = None) -> list[Verdict]:
    """Return the verdicts on numbers of calls in every `expect` of the active routes, or of one scenario."""
    return [
        _of_route(ns, route.id, route.expect)
        for route in ns.active_routes()
        if route.expect is not None
        and route.expect.counts
        and (scenario is None or route.scenario.name == scenario)
    ]


def load_evaluators(
    ns: Namespace, scenario: str | None = None, route_id: str | None = None
) -> list[RulesEvaluator]:
    """Return the evaluators of each `expect: {load: …}` of the active routes, or of one scenario or route."""
    evaluators: list[RulesEvaluator] = []
    scenarios: set[str] = set()
    for route in ns.active_routes():
        name = route.scenario.name
        if scenario not in (None, name) or route_id not in (None, route.id):
            continue
        expected = route.scenario.spec.expect
        if route_id is None and name not in scenarios and expected is not None and expected.load is not None:
            evaluators.append(load_evaluator(ns, AllCalls(name), ANY_NUMBER, expected.load))
        scenarios.add(name)
        if route.expect is not None and route.expect.load is not None:
            subject = Subject(ns, SubjectSpec(route=route.id))
            evaluators.append(load_evaluator(ns, subject, ANY_NUMBER, route.expect.load))
    return evaluators


ANY_NUMBER = ExpectSpec()


def _of_fault_use(use: FaultUse, saw: str) -> Verdict:
    return Verdict(
        Standing.FAILED if saw == ENDED else Standing.SHORT,
        f"{use.subject} affects a call",
        saw,
        use.text(),
    )


def _of_route(ns: Namespace, route_id: str, expect: ExpectSpec) -> Verdict:
    return _of_subject(ns, Subject(ns, SubjectSpec(route=route_id)), expect)
