"""How the client tried again in a cell, by the rules of `attempts`: shown beside the verdict, and not part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.sweep.evidence import SweepEvidence

_LEAVING_MS = 50.0
"""A client that gives up and tries again at once is seen to leave a moment after the new try has come."""
MOST_TOLD = 50
"""Tries whose gaps and statuses are listed."""


def judged_attempts(evidence: SweepEvidence, clean: Mapping[str, int] | None = None) -> dict[str, Any] | None:
    """
    Of the operation whose call the trouble struck first; None where it struck none.
    `clean` has the number of operations of each route in the clean run.

    `key`: kept, changed or none, over its tries. `amplification`: calls for
    each operation of the route. `certain`: its calls are one operation, by what they
    say or since there are as many operations as in the clean run. `statuses`: as the client saw them, None for a
    try whose answer it saw nothing of, whatever the service had decided. Of many
    tries only the first gaps and statuses are listed.
    """
    struck = next(
        (operation for operation in evidence.operations if _calls(operation) & set(evidence.hits)), None
    )
    if struck is None:
        return None
    beside = [operation for operation in evidence.operations if operation["route"] == struck["route"]]
    unseen = {call.id for call in evidence.calls if call.first_ms is None}
    tries, dropped = struck["tries"], evidence.dropped.get(struck["route"], 0)
    is_as_in_clean = not dropped and len(beside) == (clean or {}).get(struck["route"])
    return {
        "tries": len(tries) + dropped,
        "gaps_ms": [attempt["gap_ms"] for attempt in tries[1:MOST_TOLD]],
        "statuses": [
            None if attempt["call"] in unseen else status
            for attempt, status in zip(tries, struck["statuses"], strict=False)
        ][:MOST_TOLD],
        "key": _key(struck),
        "retry_after": struck["retry_after"],
        "overlap": any(
            attempt["gap_ms"] is None or attempt["gap_ms"] < -_LEAVING_MS for attempt in tries[1:]
        ),
        "amplification": round(
            (sum(len(operation["tries"]) for operation in beside) + dropped) / len(beside), 2
        ),
        "final": struck["final"],
        "certain": struck.get("certain", True) or is_as_in_clean,
    }


def faults(judged: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with the way it tried again, in words."""
    if judged is None:
        return []
    faults = []
    if judged["retry_after"] == "broken":
        faults.append("Retry-After broken")
    if judged["key"] == "changed":
        faults.append("new idempotency key")
    if judged["overlap"]:
        faults.append("tries overlap")
    return faults


def broken_rules(judged: Mapping[str, Any] | None) -> list[str]:
    """The same, where it is certain."""
    return faults(judged) if judged is not None and judged["certain"] else []


def _calls(operation: Mapping[str, Any]) -> set[str]:
    return {attempt["call"] for attempt in operation["tries"]}


def _key(operation: Mapping[str, Any]) -> str:
    """`kept`, `changed` or `none`; a request that follows a redirect goes elsewhere, maybe without the key."""
    tries = operation["tries"]
    keys = {
        attempt["key"]
        for before, attempt in zip([None, *tries], tries, strict=False)
        if before is None or before["step"] != "redirect"
    }
    if len(keys) > 1:
        return "changed"
    return "none" if keys == {None} else "kept"
