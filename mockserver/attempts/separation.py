"""Texts on why calls are not one operation, for messages such as "expected 1 operation, saw 5"."""

from __future__ import annotations

from mockserver.attempts.evidence import CallEvidence, differing
from mockserver.attempts.grouping import ended_before
from mockserver.attempts.operations import Operation, is_body_field
from mockserver.attempts.retryable import failed

_MOST = 3


def separation_reason(before: Operation, after: Operation) -> str:
    """Return why the second operation is not a retry of the first."""
    last, first = before.attempts[-1].evidence, after.attempts[0].evidence
    if last.by is not None and first.by is not None and last.by != first.by:
        return f"they differ in {first.by_text}"
    if last.invocation and first.invocation and last.invocation != first.invocation:
        return "they differ in headers.amz-sdk-invocation-id"
    if last.target[1:] != first.target[1:]:
        names = ("route", "method", "path")
        return f"they differ in {', '.join(n for n, a, b in zip(names, last.target, first.target, strict=True) if a != b)}"
    fields = different_fields(last, first)
    if fields:
        return f"they differ in {', '.join(list(fields)[:_MOST])}"
    return _reason_of_equal_requests(last, first)


def different_fields(before: CallEvidence, after: CallEvidence) -> dict[str, tuple[str | None, str | None]]:
    """Return the fields that differ between two requests, apart from the idempotency key."""
    keys = {evidence.key[0] for evidence in (before, after) if evidence.key is not None}
    fields = {name: values for name, values in differing(before, after).items() if name not in keys}
    if before.range != after.range:
        fields["headers.range"] = (before.range, after.range)
    return fields


def _reason_of_equal_requests(last: CallEvidence, first: CallEvidence) -> str:
    if first.first:
        return f"headers.{first.counter_name} starts again"
    if last.key is not None and first.key is not None and last.key[1] != first.key[1]:
        return f"they have different keys in {first.key[0]}"
    if not ended_before(last.call, first.call):
        return "they were under way at once"
    if not last.retryable:
        status = last.call.shown_status if not failed(last.call) else last.call.outcome.value
        return f"{status} is not a retryable answer"
    return "another call is the next attempt"


def differences_between(operations: list[Operation]) -> str:
    """Describe in which fields the first requests of the operations differ, and how to group them."""
    if len(operations) < 2:
        return ""
    first = operations[0].attempts[0].evidence
    names: dict[str, None] = {}
    for operation in operations[1:]:
        other = operation.attempts[0].evidence
        if other.target[1:] != first.target[1:]:
            names["path"] = None
        names.update(dict.fromkeys(different_fields(first, other)))
    listed = list(names)
    if not listed:
        return separation_reason(operations[0], operations[1])
    ignorable = [name for name in listed if name.startswith("query.") or is_body_field(name)][:_MOST]
    advice = (
        f"Say `ignore: [{', '.join(ignorable)}]` if it is new on each attempt, or " if ignorable else "Say "
    )
    return f"they differ in {', '.join(listed[:_MOST])}. {advice}`by: route` if all calls are one operation"
