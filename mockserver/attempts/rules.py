"""
The rules of `attempts`. docs/attempts.md describes what each rule needs.

A rule is evaluated for every reading that the evidence allows: every possible grouping of the calls. It holds if it
holds in all of them, and fails if it fails in all; otherwise the result is a doubt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, pairwise

from mockserver.attempts.evidence import INVOCATION_HEADER, CallEvidence, Grouping, uncertain_fields
from mockserver.attempts.findings import HELD, Finding, FindingState, broken, doubt, nothing
from mockserver.attempts.gaps import backoff_findings, gap_findings, growing_findings, too_few
from mockserver.attempts.grouping import MAX_PENDING, ended_before, field_uses, have_same_key
from mockserver.attempts.operations import READS, Operation, gathered, read
from mockserver.attempts.requested_waits import honour_findings
from mockserver.attempts.retryable import error_inside, failed, retry_refusal
from mockserver.attempts.sameness import Same, by_findings, same_findings
from mockserver.attempts.separation import separation_reason
from mockserver.errors import KeyPath
from mockserver.model.call import Call
from mockserver.model.plural import counted
from mockserver.schema.attempts import AttemptsSpec

Rule = Callable[[list[Operation]], Iterable[Finding]]
_MAX_REASONS = 3
_GRAPHQL_QUERY = re.compile(r'"(?:\\[nrt]|[\s,])*(?:query\b|\{)')
"""The beginning of a GraphQL document with a query, as JSON."""


class RuleResult:
    """The result of rules: the operations of the first reading, and the findings that don't hold, broken ones first."""

    __slots__ = ("findings", "operations")

    def __init__(self, operations: list[Operation], findings: list[Finding]) -> None:
        self.operations = operations
        self.findings = findings

    @property
    def late(self) -> bool:
        """Whether all rules may still hold after later calls."""
        return all(finding.late for finding in self.findings)

    @property
    def start_s(self) -> float:
        """When the first call arrived."""
        return min(
            (operation.attempts[0].call.request.arrived_at_s for operation in self.operations), default=0.0
        )


class RuleSet:
    """
    Rules on operations, evaluated in every reading.

    Caches the evidence of ended calls, since a waiting check evaluates the rules repeatedly.
    """

    __slots__ = ("_evidence", "_grouping", "_optional", "_rules")

    def __init__(self, rules: Iterable[Rule], grouping: Grouping, *, optional: bool) -> None:
        self._rules = list(rules)
        self._grouping = grouping
        self._optional = optional
        self._evidence: dict[int, CallEvidence] = {}

    def learn(self, calls: Iterable[Call]) -> Iterator[None]:
        """Read one call at each step, so that the caller can yield to other tasks."""
        for call in calls:
            self._evidence_of(call)
            yield

    def evaluate(self, calls: Iterable[Call]) -> RuleResult:
        """Evaluate every rule for the calls."""
        evidence = [self._evidence_of(call) for call in gathered(calls)]
        readings = read(evidence, self._grouping)
        findings = dict.fromkeys(finding for rule in self._rules for finding in self._read(rule, readings))
        return RuleResult(
            readings[0], sorted(findings, key=lambda finding: finding.state is not FindingState.BROKEN)
        )

    def _evidence_of(self, call: Call) -> CallEvidence:
        evidence = self._evidence.get(call.number)
        if evidence is None:
            evidence = CallEvidence(call, self._grouping)
            if call.ended_at_s is not None:
                self._evidence[call.number] = evidence
        return evidence

    def _read(self, rule: Rule, readings: list[list[Operation]]) -> list[Finding]:
        """Return the findings of one rule that don't hold."""
        by_reading = [self._unmet(rule(operations)) for operations in readings]
        if not any(by_reading):
            return []
        if all(by_reading):
            return by_reading[0]
        return [doubt(_which(readings[0]))]

    def _unmet(self, findings: Iterable[Finding]) -> list[Finding]:
        escaped = (FindingState.HELD, FindingState.NOTHING) if self._optional else (FindingState.HELD,)
        return [finding for finding in findings if finding.state not in escaped]


class AttemptRules(RuleSet):
    """Compiled `attempts`."""

    __slots__ = ()

    def __init__(self, spec: AttemptsSpec, grouping: Grouping, path: KeyPath) -> None:
        """Raises InvalidInputError for what is not a selector."""
        same = [Same(text, (*path, "same", i)) for i, text in enumerate(spec.same or ())]
        super().__init__(_compiled(spec, same, grouping), grouping, optional=spec.optional)


def _compiled(spec: AttemptsSpec, same: list[Same], grouping: Grouping) -> Iterator[Rule]:
    if spec.by is not None:
        yield partial(by_findings, spec.by, grouping=grouping)
    if spec.operations is not None:
        yield partial(_count_findings, spec)
    if spec.max is not None or spec.min is not None:
        yield partial(_size_findings, spec)
    if spec.overlap is not None:
        yield partial(_overlap_findings, wanted=bool(spec.overlap))
    if spec.gaps is not None:
        yield partial(gap_findings, spec.gaps)
    if spec.growing is not None:
        yield partial(growing_findings, spec.growing)
    if spec.backoff is not None:
        yield partial(backoff_findings, spec.backoff)
    for selector in same:
        yield partial(same_findings, selector, grouping=grouping)
    if spec.honours:
        yield partial(honour_findings, grouping=grouping)
    if spec.after is not None:
        yield _after_findings


def _which(operations: list[Operation]) -> str:
    """Describe which calls may be one operation or two, why, and how to resolve it."""
    calls = sorted(
        (attempt.call for operation in operations for attempt in operation.attempts),
        key=lambda call: call.number,
    )
    ordinals = {call.number: i for i, call in enumerate(calls, 1)}
    operation = next(operation for operation in operations if not operation.certain)
    which = " and ".join(str(ordinals[call.number]) for call in operation.doubt)
    settle = (
        f"Say `by: {operation.by}` if each value is an operation of its own, or `by: route` if all calls are one"
        if operation.by is not None
        else "Say by which part of the request they are told apart, such as `by: headers.x-order-id`"
    )
    if len(operation.doubt) == 1:
        return f"which attempt call {which} follows: {operation.why}. {settle}"
    return f"whether calls {which} are one operation: {operation.why}. {settle}"


def _count_findings(spec: AttemptsSpec, operations: list[Operation]) -> Iterator[Finding]:
    wanted = spec.operations
    assert wanted is not None
    count = len(operations)
    if not operations and wanted.max != 0:
        yield nothing("there is no call")
        return
    if wanted.holds(count):
        yield HELD
        return
    expected = str(wanted).replace("calls", "operations").replace("call", "operation")
    reasons = _separation_reasons(operations) if wanted.max is not None and count > wanted.max else ""
    yield broken(f"expected {expected}, saw {count}{reasons}", late=count < wanted.min)


def _separation_reasons(operations: list[Operation]) -> str:
    """Return the reasons why the operations are separate, without duplicates."""
    reasons: dict[str, str] = {}
    for before, after in pairwise(operations):
        reasons.setdefault(separation_reason(before, after), f"{before.number} and {after.number}")
    said = [f"{pair}: {reason}" for reason, pair in list(reasons.items())[:_MAX_REASONS]]
    return f" (operations {'; '.join(said)})" if said else ""


def _size_findings(spec: AttemptsSpec, operations: list[Operation]) -> Iterator[Finding]:
    if not operations:
        yield nothing("there is no call")
    for operation in operations:
        attempts = f"{operation.name}: {counted(operation.size, 'attempt')}"
        if spec.max is not None and operation.size > spec.max:
            yield broken(f"{attempts}, at most {spec.max} allowed")
        elif spec.min is not None and operation.size < spec.min:
            yield broken(
                f"{attempts}, at least {spec.min} expected{_repeated(operation, operations)}", late=True
            )
        else:
            yield HELD


def _repeated(operation: Operation, operations: list[Operation]) -> str:
    """Return a text if a later operation repeats this one: then the client may retry around its SDK."""
    later = next((other for other in operations if other.repeats == operation.number), None)
    if later is None:
        return ""
    keys = operation.attempts[0].key, later.attempts[0].key
    under = " under a new key" if keys[0] and keys[1] and keys[0][1] != keys[1][1] else ""
    return f"; operation {later.number} repeats operation {operation.number}{under}: a retry around the SDK?"


def _overlap_findings(operations: list[Operation], *, wanted: bool) -> Iterator[Finding]:
    if not operations:
        yield nothing("there is no call")
    elif wanted:
        yield from _overlapping(operations)
    else:
        for operation in operations:
            for number, attempt in enumerate(operation.attempts, 1):
                if attempt.overlaps:
                    yield broken(_overlap(operation, number, attempt.gap_s))
        yield from _concurrent_equal_requests(operations)


def _overlapping(operations: list[Operation]) -> Iterator[Finding]:
    several = [operation for operation in operations if len(operation.attempts) > 1]
    if not several:
        yield too_few(operations)
    for operation in several:
        yield (
            HELD
            if operation.overlap
            else broken(f"{operation.name}: no two attempts overlap, and they were to")
        )


def _overlap(operation: Operation, number: int, gap_s: float | None) -> str:
    ahead = "was still open when" if gap_s is None else f"ended {-gap_s * 1000:.0f} ms after"
    return f"{operation.name}: attempt {number} overlaps: attempt {number - 1} {ahead} it came"


def _concurrent_equal_requests(operations: list[Operation]) -> Iterator[Finding]:
    """
    Yield a doubt for similar concurrent requests that are two operations, or one whose attempts overlap.

    These are requests without key, id and counter, and a counted retry while a request with the count before is open.
    """
    attempts = sorted(
        (
            (attempt.evidence, operation)
            for operation in operations
            for attempt in operation.attempts
            if not _has_identity(attempt.evidence)
        ),
        key=lambda item: (item[0].call.request.arrived_at_s, item[0].call.number),
    )
    uses = Counter(use for evidence, _ in attempts for use in _random_values(evidence))
    still_open: dict[object, list[tuple[Operation, CallEvidence]]] = {}
    for evidence, operation in attempts:
        # A random value that is sent again does not vary between attempts.
        is_known = any(uses[use] > 1 for use in _random_values(evidence))
        similar = evidence.fingerprint if is_known else evidence.likeness_of_bytes
        requests = still_open.setdefault((similar, evidence.identity), [])
        requests[:] = [one for one in requests if not ended_before(one[1].call, evidence.call)][-MAX_PENDING:]
        is_head = evidence is operation.attempts[0].evidence
        for other, before in requests:
            if other is not operation and _may_be_next(before, evidence, is_head=is_head):
                yield doubt(_overlap_doubt(other, operation, uncertain_fields(before, evidence)))
                return
        requests.append((operation, evidence))


def _random_values(evidence: CallEvidence) -> Iterator[object]:
    for name in evidence.volatile:
        yield from field_uses(evidence, name)


def _may_be_next(before: CallEvidence, evidence: CallEvidence, *, is_head: bool) -> bool:
    """Return whether a similar concurrent request may be the next attempt. `is_head`: no attempt before it is known."""
    if evidence.counter is None:
        return before.counter is None
    return is_head and before.counted() in evidence.counted_before()


def _has_identity(evidence: CallEvidence) -> bool:
    """Return whether `by`, a key or an id distinguishes the operation."""
    return evidence.by is not None or evidence.key is not None or bool(evidence.invocation)


def _overlap_doubt(before: Operation, after: Operation, names: list[str]) -> str:
    how, settle = "are equal", "`by: …` with what tells operations apart"
    if names:
        how = f"differ only in {names[0]}, which may be new on each attempt"
        settle = f"`by: {names[0]}` if each value is an operation of its own"
    return (
        f"whether operations {before.number} and {after.number} are one that overlaps: their requests {how}, were open "
        f"together and have no key. Say {settle}, or `by: route`"
    )


def _after_findings(operations: list[Operation]) -> Iterator[Finding]:
    """Yield findings for equal requests, or requests with one key, after an answer that is not retryable. Needs no grouping."""
    if not operations:
        yield nothing("there is no call")
        return
    attempts = sorted(
        (
            (attempt, operation, number)
            for operation in operations
            for number, attempt in enumerate(operation.attempts, 1)
        ),
        key=lambda item: (item[0].call.request.arrived_at_s, item[0].call.number),
    )
    sent: dict[object, list[_Sent]] = {}
    for attempt, operation, number in attempts:
        evidence = attempt.evidence
        # The last known mark is the strongest: similar requests, then equal ones, then those with the same key.
        marks: list[object] = [evidence.likeness_of_bytes, (evidence.fingerprint, evidence.identity)]
        if evidence.key is not None:
            marks.append((*evidence.target, evidence.key[1]))
        known = [sent.setdefault(mark, []) for mark in marks]
        # A retry follows the previous attempt, whatever happened to an equal operation in the meantime.
        earlier = [(before.evidence, operation) for before in operation.attempts[: number - 1]]
        if attempt.after_step is None:
            candidates = earlier or chain.from_iterable(known)
            ended = [before for before in candidates if ended_before(before[0].call, evidence.call)]
            yield from (_after(before, evidence, operation, number) for before in ended[-1:])
        for requests in known:
            _note_request(requests, (evidence, operation), refreshed=attempt.step == "unauthorized")


_Sent = tuple[CallEvidence, Operation]


def _note_request(requests: list[_Sent], request: _Sent, *, refreshed: bool) -> None:
    """Keep the last ended request and the open ones. `refreshed`: requests after a 401 with new credentials are not checked."""
    ended: list[_Sent] = []
    still_open: list[_Sent] = []
    for before in requests:
        (ended if ended_before(before[0].call, request[0].call) else still_open).append(before)
    requests[:] = (
        still_open[-MAX_PENDING:] if refreshed else [*ended[-1:], *still_open[-MAX_PENDING:], request]
    )


def _after(
    before: tuple[CallEvidence, Operation], evidence: CallEvidence, operation: Operation, number: int
) -> Finding:
    earlier, other = before
    same = other is operation or have_same_key(earlier, evidence)
    refusal = retry_refusal(earlier.call)
    is_retryable = refusal is None and (earlier.retryable or (same and earlier.retryable_by_id))
    if is_retryable or _polls(earlier, evidence):
        return HELD
    what = f"{operation.name}: attempt {number}" if other is operation else operation.name
    status = earlier.call.shown_status if not failed(earlier.call) else earlier.call.outcome.value
    after = (
        f"{status}, which is not retryable"
        if refusal is None
        else f"{status} with {refusal}, which asks not to retry"
    )
    place = "" if other is operation else _distinguishing_part(earlier, evidence)
    succeeded = (earlier.call.meaning or 0) < 400
    if place is None or (place and succeeded and not _may_be_of_attempt(place, earlier, evidence)):
        return HELD
    if place:
        settle = "`by: …` with what tells operations apart"
        if place != f"headers.{evidence.counter_name}":
            settle = f"`by: {place}` if each value is an operation of its own"
        return doubt(
            f"whether {operation.name} is a retry after {after}: it sends an equal request with "
            f"another {place}. Say {settle}, or `by: route` if all calls are one"
        )
    equal = earlier.likeness_of_bytes == evidence.likeness_of_bytes
    request = "an equal request again" if equal else "a request with other contents"
    key = f" under the key {evidence.key[0]}" if evidence.key and have_same_key(earlier, evidence) else ""
    return broken(f"{what} sends {request}{key} after {after}")


def _polls(earlier: CallEvidence, evidence: CallEvidence) -> bool:
    """Return whether both are successful reads: then the second is polling, not a retry."""
    if not 200 <= (earlier.call.status or 0) < 400:
        return False
    if evidence.call.request.method in READS:
        return True
    is_query = _GRAPHQL_QUERY.match(evidence.stable.get("json.query", "")) is not None
    return is_query and not error_inside(earlier.call)


def _distinguishing_part(earlier: CallEvidence, evidence: CallEvidence) -> str | None:
    """
    Return the id, key, counter, authorization or random field that shows another operation, "" if there is none.

    None if `by` shows it, which leaves no doubt. The others may be from a retry loop around an SDK after an error.
    """
    if None not in (earlier.by, evidence.by) and earlier.by != evidence.by:
        return None
    if earlier.key is not None and evidence.key is not None and earlier.key[1] != evidence.key[1]:
        return evidence.key[0]
    if earlier.invocation and evidence.invocation and earlier.invocation != evidence.invocation:
        return f"headers.{INVOCATION_HEADER}"
    if evidence.first:
        return f"headers.{evidence.counter_name}"
    if have_same_key(earlier, evidence):
        return ""
    if earlier.identity != evidence.identity:
        return "headers.authorization"
    names = uncertain_fields(earlier, evidence)
    return min(names, key=lambda name: _may_be_of_attempt(name, earlier, evidence), default="")


def _may_be_of_attempt(place: str, earlier: CallEvidence, evidence: CallEvidence) -> bool:
    """Return whether it is a volatile field without a random value, such as a time: it is rarely the id of an operation."""
    parts = [part for part in (earlier.volatile.get(place), evidence.volatile.get(place)) if part is not None]
    return bool(parts) and not any(part.reason.is_stable_if_repeated for part in parts)
