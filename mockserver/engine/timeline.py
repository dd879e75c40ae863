"""Calls as lines for people: when, what, the status, the idempotency key, and why a miss missed."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.engine.attempts import known_key
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.model.redaction import mask_path, mask_text

_LONGEST = 30


def idempotency_key(call: Call) -> str | None:
    """The key that the call carries where keys are known to stand."""
    found = known_key(call.request)
    return found[1] if found else None


def short_keys(calls: Iterable[Call]) -> dict[str, str]:
    """Each key as short as still tells them apart, at least 4 characters."""
    keys = {key for call in calls if (key := idempotency_key(call))}
    size = 4
    while size < 64 and len({key[:size] for key in keys}) < len(keys):
        size += 1
    return {key: key[:size] for key in keys}


def timeline(calls: list[Call]) -> list[str]:
    """
    A line a call, times counted from the first:

        t+0.512  POST /v1/charges  503   key=4f1c
    """
    if not calls:
        return []
    shown = calls if len(calls) <= _LONGEST else [*calls[: _LONGEST // 2], *calls[-_LONGEST // 2 :]]
    keys = short_keys(shown)
    start_s = calls[0].request.arrived_at_s
    width = max(len(_what(call)) for call in shown)
    lines = []
    for i, call in enumerate(shown):
        if i == _LONGEST // 2 and len(calls) > len(shown):
            lines.append(f"  … {len(calls) - len(shown)} more …")
        lines.append("  " + _line(call, start_s, min(width, 60), keys))
    return lines


def _what(call: Call) -> str:
    return f"{call.request.method} {mask_path(call.request.path)}"


def _line(call: Call, start_s: float, width: int, keys: dict[str, str]) -> str:
    request = call.request
    line = f"t+{request.arrived_at_s - start_s:.3f}  {_what(call):<{width}}  {_ended(call)}"
    key = idempotency_key(call)
    notes = [f"key={keys[key]}"] if key else []
    if call.error is not None:
        notes.append(mask_text(str(call.error["detail"])))
    if not call.matched and not call.automatic and request.complete:
        notes.append(why_missed(call))
    return f"{line}   {'  '.join(notes)}".rstrip()


def _ended(call: Call) -> str:
    """The status, `---` where the client never saw it, and the outcome where it is not that all was sent."""
    status = str(call.status) if call.status else "---"
    if call.outcome is Outcome.DONE:
        return status
    if call.outcome is Outcome.OPEN:
        return f"{status} (open)"
    if call.first_byte_at_s is None:
        status = "---"
    ending = call.outcome.value.replace("_", " ")
    return f"--- hang, {ending}" if call.answer == "hang" else f"{status} {ending}"


def why_missed(call: Call) -> str:
    """The nearest route and its first difference, in a few words."""
    if not call.nearest:
        return "no route is loaded"
    route, differences = call.nearest[0]
    return f"nearest: {route.name}, {differences[0].text}" if differences else f"nearest: {route.name}"
