"""Operations and their attempts: gaps, requested waits, and changes between attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mockserver.attempts.evidence import CallEvidence, Grouping, differing, left_out
from mockserver.attempts.grouping import CallNode, Group, ended_before, is_followed, readings
from mockserver.attempts.keys import Key
from mockserver.attempts.retryable import UNAUTHORIZED, RetryWait, closed_with_error, failed, requested_wait
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.redaction.redaction import mask_part

DEFAULT_GROUPING = Grouping()
READS = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_ROOTS = ("json", "form", "files", "body")
_MAX_VALUE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One call of an operation.

    `gap_s`: time from the end of the previous call to the arrival of this one; below 0 they
    overlap, None if the previous one had not ended. `changed`: selectors of the parts that differ
    from the previous call. `fields`: fields that differ, with both values as JSON texts.
    `step`: `unauthorized` or `redirect` if the next call belongs to the same attempt.
    """

    call: Call
    evidence: CallEvidence
    gap_s: float | None = None
    changed: tuple[str, ...] = ()
    fields: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    overlaps: bool = False
    wait: RetryWait | None = None
    """The wait that the previous answer asked for."""
    retry_after: str | None = None
    """`kept` or `broken`: whether the client waited as requested; None if no wait was requested."""
    step: str | None = None
    after_step: str | None = None

    @property
    def key(self) -> Key | None:
        return self.evidence.key

    @property
    def requested_wait_s(self) -> float | None:
        return None if self.wait is None else self.wait.seconds


@dataclass(slots=True)
class Operation:
    """
    The calls of one operation.

    `key`: idempotency key of the first call, or the value of `by`. `why`: reason of the grouping,
    or the doubt. `by`: selector that distinguishes, or would distinguish, operations.
    """

    number: int
    route: str | None
    key: str | None
    attempts: list[Attempt] = field(default_factory=list)
    certain: bool = True
    why: str | None = None
    by: str | None = None
    repeats: int | None = None
    left_out: tuple[str, ...] = ()
    doubt: tuple[Call, ...] = ()
    """The two calls that may be of two operations, or the one that may follow another call."""

    @property
    def size(self) -> int:
        """Number of attempts. A 401 or redirect and the next call count as one."""
        return sum(attempt.step is None for attempt in self.attempts)

    @property
    def overlap(self) -> bool:
        return any(attempt.overlaps for attempt in self.attempts)

    @property
    def retry_after(self) -> str:
        states = {attempt.retry_after for attempt in self.attempts}
        return "broken" if "broken" in states else "kept" if "kept" in states else "none"

    @property
    def final(self) -> str:
        """How it ended: `succeeded`, `failed`, or `open`."""
        last = self.attempts[-1].call
        if last.outcome is Outcome.OPEN:
            return "open"
        is_failure = failed(last) or (last.meaning or 0) >= 400 or closed_with_error(last)
        return "failed" if is_failure else "succeeded"

    @property
    def name(self) -> str:
        """The name in messages: its number, with the beginning of its key."""
        key = f" (key={mask_part(self.by or '', self.key)[:8]})" if self.key else ""
        return f"operation {self.number}{key}"


def gathered(calls: Iterable[Call]) -> list[Call]:
    """Return the calls that can be attempts, in the order of their arrival."""
    listed = [call for call in calls if call.request.complete and not call.automatic]
    return sorted(listed, key=lambda call: (call.request.arrived_at_s, call.number))


def operations(calls: Iterable[Call], grouping: Grouping = DEFAULT_GROUPING) -> list[Operation]:
    """Return the operations among these calls, in the order of their first attempts, in the first reading."""
    return read([CallEvidence(call, grouping) for call in gathered(calls)], grouping)[0]


def read(evidence: list[CallEvidence], grouping: Grouping) -> list[list[Operation]]:
    """Return the operations of each reading that the evidence allows."""
    return [_numbered(groups, grouping) for groups in readings(evidence)]


def _numbered(groups: list[Group], grouping: Grouping) -> list[Operation]:
    ordered = sorted(groups, key=lambda group: _order(group.nodes[0].call))
    numbered = [_operation(number, group, grouping) for number, group in enumerate(ordered, 1)]
    _mark_repeats(numbered)
    return numbered


def _order(call: Call) -> tuple[float, int]:
    return call.request.arrived_at_s, call.number


def _operation(number: int, group: Group, grouping: Grouping) -> Operation:
    nodes = group.nodes
    first = nodes[0].evidence
    key = first.by or (first.key[1] if first.key is not None else None)
    operation = Operation(number, first.route_id, key)
    names: dict[str, None] = {}
    before: CallNode | None = None
    for i, node in enumerate(nodes):
        step = _step(node, nodes[i + 1]) if i + 1 < len(nodes) else None
        attempt = (
            Attempt(node.call, node.evidence, step=step)
            if before is None
            else _attempt(before, node, step, grouping)
        )
        operation.attempts.append(attempt)
        if before is not None and operation.attempts[i - 1].step != "redirect":
            names.update(dict.fromkeys(left_out(before.evidence, node.evidence)))
        before = node
    operation.left_out = tuple(names)
    _explain(operation, nodes)
    return operation


def _explain(operation: Operation, nodes: list[CallNode]) -> None:
    joins = [(i, node.join) for i, node in enumerate(nodes) if node.join is not None]
    doubt = next(((i, join) for i, join in joins if join.doubt), None)
    pairing = next(((i, join) for i, join in joins if join.pairing), None)
    if doubt is not None:
        i, join = doubt
        operation.certain, operation.why, operation.by = False, join.doubt, join.settled_by
        operation.doubt = (nodes[i - 1].call, nodes[i].call)
    elif pairing is not None:
        operation.certain, operation.why = False, pairing[1].pairing
        operation.doubt = (nodes[pairing[0]].call,)
    elif joins:
        operation.why = joins[0][1].evidence
    if operation.by is None:
        operation.by = next((join.by for _, join in joins if join.by), None) or _own_selector(
            nodes[0].evidence
        )


def _own_selector(evidence: CallEvidence) -> str | None:
    if evidence.by is not None:
        return evidence.by_text
    return evidence.key[0] if evidence.key is not None else None


def _step(node: CallNode, following: CallNode) -> str | None:
    """Return why the next call belongs to the same attempt; None if it does not."""
    if node.call.meaning == UNAUTHORIZED and not failed(node.call):
        return "unauthorized" if node.evidence.authorization != following.evidence.authorization else None
    return "redirect" if is_followed(node.call, following.call) else None


def _attempt(before: CallNode, node: CallNode, step: str | None, grouping: Grouping) -> Attempt:
    call = node.call
    gap_s = None if before.call.ended_at_s is None else call.request.arrived_at_s - before.call.ended_at_s
    overlaps = not ended_before(before.call, call)
    if gap_s is not None and gap_s < 0 and not overlaps:
        gap_s = 0.0
    after_step = _step(before, node)
    wait = None if after_step == "unauthorized" else requested_wait(before.call, grouping.clock_at)
    fields = {} if after_step == "redirect" else differing(before.evidence, node.evidence)
    return Attempt(
        call,
        node.evidence,
        gap_s,
        () if after_step == "redirect" else _changed(before.evidence, node.evidence, fields),
        fields,
        overlaps,
        wait,
        None if wait is None else "kept" if waited(gap_s, wait) else "broken",
        step,
        after_step,
    )


def waited(gap_s: float | None, wait: RetryWait) -> bool:
    """Return whether the next request came late enough."""
    return gap_s is not None and gap_s >= wait.seconds - wait.tolerance_s


def _changed(
    before: CallEvidence, after: CallEvidence, fields: dict[str, tuple[str | None, str | None]]
) -> tuple[str, ...]:
    """Return the selectors of the parts that differ, without volatile fields."""
    parts = []
    first, second = before.call.request, after.call.request
    if first.method != second.method:
        parts.append("method")
    if first.path != second.path:
        parts.append("path")
    if any(name.startswith("query.") for name in fields):
        parts.append("query")
    parts += [name for name in fields if name.startswith("headers.")]
    keys = before.key, after.key
    if (keys[0] and keys[0][1]) != (keys[1] and keys[1][1]):
        parts.append(next(key[0] for key in reversed(keys) if key is not None))
    if any(is_body_field(name) for name in fields):
        parts.append("body")
    return tuple(parts)


def is_body_field(name: str) -> bool:
    """Return whether a field is part of the body."""
    return name.partition(".")[0].partition("[")[0] in _BODY_ROOTS


def _mark_repeats(numbered: list[Operation]) -> None:
    """Set `repeats` of operations that begin with the request of an earlier failed operation."""
    failed_at: dict[object, Operation] = {}
    ends = sorted(numbered, key=lambda operation: operation.attempts[-1].call.ended_at_s or float("inf"))
    pending = iter([operation for operation in ends if operation.final == "failed"])
    upcoming = next(pending, None)
    for operation in numbered:
        first = operation.attempts[0]
        while upcoming is not None and ended_before(upcoming.attempts[-1].call, first.call):
            failed_at[upcoming.attempts[-1].evidence.fingerprint] = upcoming
            upcoming = next(pending, None)
        earlier = failed_at.get(first.evidence.fingerprint)
        if earlier is not None and earlier is not operation:
            operation.repeats = earlier.number


# Texts


def shown_field(name: str, value: str | None) -> str:
    """Return a field's value, given as JSON, for messages: masked and truncated."""
    if value is None:
        return "absent"
    quoted = value.startswith('"')
    masked = mask_part(name, value[1:-1] if quoted else value)
    text = f'"{masked}"' if quoted else masked
    return text if len(text) <= _MAX_VALUE_CHARS else text[: _MAX_VALUE_CHARS - 1] + "…"


def change_text(name: str, before: str | None, after: str | None) -> str:
    """Describe a changed field with both values, given as JSON; with their types if only one is a text."""
    kinds = _kind(before), _kind(after)
    with_kinds = None not in kinds and kinds[0] != kinds[1] and "text" in kinds
    expected, got = (
        f"the {kind} {shown_field(name, value)}" if with_kinds else shown_field(name, value)
        for kind, value in zip(kinds, (before, after), strict=True)
    )
    if got == expected:
        got += ", another value that is masked or shortened to the same text"
    return f"{name}: expected {expected}, got {got}"


def _kind(value: str | None) -> str | None:
    """Return the type of a value, given as JSON; None for null and absent values."""
    if value is None or value == "null":
        return None
    kinds = {'"': "text", "{": "object", "[": "array", "t": "boolean", "f": "boolean"}
    return kinds.get(value[0], "number")


# Views for the admin API


def operation_view(operation: Operation, instant: Callable[[float], str]) -> dict[str, Any]:
    """Return an operation as `GET /attempts` shows it, unmasked."""
    return {
        "key": operation.key,
        "route": operation.route,
        "certain": operation.certain,
        "why": operation.why,
        "by": operation.by,
        "repeats": operation.repeats,
        "left_out": list(operation.left_out),
        "tries": [_attempt_view(attempt, instant) for attempt in operation.attempts],
        "statuses": [attempt.call.shown_status for attempt in operation.attempts],
        "overlap": operation.overlap,
        "retry_after": operation.retry_after,
        "final": operation.final,
    }


def _attempt_view(attempt: Attempt, instant: Callable[[float], str]) -> dict[str, Any]:
    call = attempt.call
    ended_at_s = call.ended_at_s
    return {
        "call": call.id,
        "arrived": instant(call.request.arrived_s),
        "duration_ms": _ms(None if ended_at_s is None else ended_at_s - call.request.arrived_at_s),
        "gap_ms": _ms(attempt.gap_s),
        "asked_ms": _ms(attempt.requested_wait_s),
        "retry_after": attempt.retry_after,
        "status": call.shown_status,
        "outcome": call.outcome.value,
        "key": attempt.key[1] if attempt.key else None,
        "changed": list(attempt.changed),
        "fields": {
            name: [None if value is None else shown_field(name, value) for value in values]
            for name, values in attempt.fields.items()
        },
        "step": attempt.step,
        "effects": [str(effect.get("kind", "effect")) for effect in call.effects],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
