"""Calls as lines of text: time, request, status, idempotency key, and why a call is unmatched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mockserver.attempts import Attempt, KeyNames, Operation, change_text, known_key
from mockserver.attempts.operations import is_body_field
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.redaction.redaction import mask_path, mask_text

_MAX_LINES = 30
_MOST_FIELDS = 3


def _short_keys(calls: Iterable[Call], names: KeyNames) -> dict[int, str]:
    """Return the idempotency keys by call number, shortened to at least 4 characters as long as they stay unique."""
    keys = {call.number: key[1] for call in calls if (key := known_key(call.request, names))}
    all_of_them = set(keys.values())
    size = 4
    while size < 64 and len({key[:size] for key in all_of_them}) < len(all_of_them):
        size += 1
    return {number: key[:size] for number, key in keys.items()}


def timeline(calls: list[Call], names: KeyNames, notes: Mapping[int, str] | None = None) -> list[str]:
    """
    Return a line for each call, with times relative to the first.

    `names` are the names of idempotency keys, `notes` texts by call number:

        t+0.512  POST /v1/charges  503   key=4f1c
    """
    if not calls:
        return []
    shown = calls if len(calls) <= _MAX_LINES else [*calls[: _MAX_LINES // 2], *calls[-_MAX_LINES // 2 :]]
    keys = _short_keys(shown, names)
    start_s = calls[0].request.arrived_at_s
    width = max(len(_request_text(call)) for call in shown)
    lines = []
    for i, call in enumerate(shown):
        if i == _MAX_LINES // 2 and len(calls) > len(shown):
            lines.append(f"  … {len(calls) - len(shown)} more …")
        lines.append("  " + _line(call, start_s, min(width, 60), keys, (notes or {}).get(call.number)))
    return lines


def operations_timeline(operations: list[Operation]) -> list[str]:
    """
    Return a line for each attempt, below its operation. Times are relative to the first call, numbers by arrival:

        operation 1 (key=4f1c-aaa)
          1  t+0.000  POST /v1/charges  503
          2  t+0.512  POST /v1/charges  201  changed json.amount: expected 5, got 6
    """
    attempts = sorted(
        (attempt for operation in operations for attempt in operation.attempts),
        key=lambda attempt: (attempt.call.request.arrived_at_s, attempt.call.number),
    )
    numbers = {attempt.call.number: i for i, attempt in enumerate(attempts, 1)}
    lines: list[str] = []
    for operation in operations:
        doubt = "" if operation.certain else f" (uncertain: {operation.why})"
        repeats = f", repeats operation {operation.repeats}" if operation.repeats else ""
        lines.append(f"  {operation.name}{repeats}{doubt}")
        lines += [
            _attempt_line(attempt, numbers[attempt.call.number], attempts[0].call.request.arrived_at_s)
            for attempt in operation.attempts
        ]
        if operation.left_out:
            lines.append(f"    left out of the comparison: {', '.join(operation.left_out)}")
    if len(lines) <= _MAX_LINES:
        return lines
    half = _MAX_LINES // 2
    return [*lines[:half], f"  … {len(lines) - 2 * half} more lines …", *lines[-half:]]


def window_timeline(calls: Sequence[Call], start_s: float) -> list[str]:
    """
    Return a line for each call, with its id. Times are relative to `start_s`:

        c-000017  t+0.512  POST /v1/charges  503
    """
    half = _MAX_LINES // 2
    shown = calls if len(calls) <= _MAX_LINES else [*calls[:half], *calls[-half:]]
    width = max((len(_request_text(call)) for call in shown), default=0)
    lines = [
        f"  {call.id}  t+{call.request.arrived_at_s - start_s:.3f}  {_request_text(call):<{min(width, 60)}}  {_status_text(call)}"
        for call in shown
    ]
    if len(calls) > len(shown):
        lines.insert(half, f"  … {len(calls) - len(shown)} more …")
    return lines


def _attempt_line(attempt: Attempt, number: int, start_s: float) -> str:
    call = attempt.call
    notes = []
    if attempt.retry_after == "broken" and attempt.wait is not None:
        notes.append(f"ignored {attempt.wait.source}")
    if attempt.step is not None:
        notes.append("the next call belongs to this attempt")
    notes += [
        f"changed {change_text(name, before, after)}"
        for name, (before, after) in list(attempt.fields.items())[:_MOST_FIELDS]
        if name != "body"
    ]
    fields = attempt.fields
    notes += [
        f"changed {part}"
        for part in attempt.changed
        if part not in fields and not _is_covered_by(part, fields)
    ]
    if call.error is not None and not call.nearest:
        notes.append(mask_text(str(call.error["detail"])))
    line = f"    {number}  t+{call.request.arrived_at_s - start_s:.3f}  {_request_text(call)}  {_status_text(call)}"
    return f"{line}   {'; '.join(notes)}".rstrip()


def _is_covered_by(part: str, fields: Mapping[str, object]) -> bool:
    """Return whether the changed fields include the part."""
    if part == "query":
        return any(name.startswith("query.") for name in fields)
    return part == "body" and any(is_body_field(name) and name != "body" for name in fields)


def _request_text(call: Call) -> str:
    return f"{call.request.method} {mask_path(call.request.path)}"


def _line(call: Call, start_s: float, width: int, keys: dict[int, str], note: str | None) -> str:
    request = call.request
    line = f"t+{request.arrived_at_s - start_s:.3f}  {_request_text(call):<{width}}  {_status_text(call)}"
    notes = [f"key={keys[call.number]}"] if call.number in keys else []
    if call.error is not None:
        notes.append(mask_text(str(call.error["detail"])))
    if note is not None:
        notes.append(note)
    elif not call.matched and not call.automatic and request.complete:
        notes.append(unmatched_reason(call))
    return f"{line}   {'  '.join(notes)}".rstrip()


def _status_text(call: Call) -> str:
    """Return the status (`---` if none was sent), with the outcome unless the reply is complete."""
    status = str(call.shown_status or "---")
    if call.outcome is Outcome.DONE:
        return status
    if call.outcome is Outcome.OPEN:
        return f"{status} (open)"
    if call.first_byte_at_s is None:
        status = "---"
    ending = call.outcome.value.replace("_", " ")
    return f"--- hang, {ending}" if call.answer == "hang" else f"{status} {ending}"


def unmatched_reason(call: Call) -> str:
    """Return the nearest route and its first difference."""
    if not call.nearest:
        return "no route is similar"
    route, differences = call.nearest[0]
    return f"nearest: {route.name}, {differences[0].text}" if differences else f"nearest: {route.name}"
