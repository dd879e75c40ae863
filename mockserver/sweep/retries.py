"""How the client retried in a cell, by the rules of `attempts`. Shown with the verdict, but not part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.sweep.evidence import SweepEvidence

_DISCONNECT_MS = 50.0
"""
If a client gives up and retries at once, the server may see the retry up to this
long before the disconnect. Such attempts don't count as overlapping.
"""
MAX_LISTED = 50
"""Maximum number of attempts whose gaps and statuses are listed."""


def retry_summary(evidence: SweepEvidence, clean: Mapping[str, int] | None = None) -> dict[str, Any] | None:
    """
    Summarize the attempts of the first operation that the trouble changed; None if it changed none.

    `clean` has the number of operations of each route in the clean run.

    `key`: whether the attempts kept the idempotency key: kept, changed or none.
    `amplification`: calls per operation of the route.
    `certain`: whether the calls are certainly one operation, by their contents or since
    there are as many operations as in the clean run.
    `statuses`: as the client received them; None for an attempt without a response,
    whatever the service decided.
    `gaps_ms` and `statuses` are limited to the first attempts.
    """
    operation = next(
        (operation for operation in evidence.operations if _calls(operation) & set(evidence.hits)), None
    )
    if operation is None:
        return None
    route = operation["route"]
    of_route = [other for other in evidence.operations if other["route"] == route]
    unanswered = {call.id for call in evidence.calls if call.first_ms is None}
    tries, dropped = operation["tries"], evidence.dropped.get(route, 0)
    is_as_in_clean = not dropped and len(of_route) == (clean or {}).get(route)
    return {
        "tries": len(tries) + dropped,
        "gaps_ms": [attempt["gap_ms"] for attempt in tries[1:MAX_LISTED]],
        "statuses": [
            None if attempt["call"] in unanswered else status
            for attempt, status in zip(tries, operation["statuses"], strict=False)
        ][:MAX_LISTED],
        "key": _key(operation),
        "retry_after": operation["retry_after"],
        "overlap": any(
            attempt["gap_ms"] is None or attempt["gap_ms"] < -_DISCONNECT_MS for attempt in tries[1:]
        ),
        "amplification": round((sum(len(other["tries"]) for other in of_route) + dropped) / len(of_route), 2),
        "final": operation["final"],
        "certain": operation.get("certain", True) or is_as_in_clean,
    }


def retry_remarks(summary: Mapping[str, Any] | None) -> list[str]:
    """Return the retry rules that the client broke, in words."""
    if summary is None:
        return []
    remarks = []
    if summary["retry_after"] == "broken":
        remarks.append("Retry-After broken")
    if summary["key"] == "changed":
        remarks.append("new idempotency key")
    if summary["overlap"]:
        remarks.append("tries overlap")
    return remarks


def broken_rules(summary: Mapping[str, Any] | None) -> list[str]:
    """Return the remarks if they are certain, else none."""
    return retry_remarks(summary) if summary is not None and summary["certain"] else []


def _calls(operation: Mapping[str, Any]) -> set[str]:
    return {attempt["call"] for attempt in operation["tries"]}


def _key(operation: Mapping[str, Any]) -> str:
    """Return `kept`, `changed` or `none`. A request that follows a redirect may lack the key."""
    tries = operation["tries"]
    keys = {
        attempt["key"]
        for before, attempt in zip([None, *tries], tries, strict=False)
        if before is None or before["step"] != "redirect"
    }
    if len(keys) > 1:
        return "changed"
    return "none" if keys == {None} else "kept"
