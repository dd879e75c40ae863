"""What a check came to, and where it stands while it waits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from mockserver.attempts.findings import Finding
from mockserver.schema.expect import ExpectSpec

MOST_LINES = 20
"""Effects, webhooks and violations that the text of a failed check lists."""


class Standing(Enum):
    """Where a check stands: `SHORT` may still come true by waiting, `FAILED` can't."""

    OK = "ok"
    SHORT = "short"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What a check came to. `seen` changes whenever something came that `quiet` forbids. Without `exact` the answer would
    need what is no longer kept, and the check does not hold.
    """

    standing: Standing
    expected: str
    saw: str
    text: str
    seen: Any = None
    exact: bool = True
    findings: tuple[Finding, ...] = ()
    """Of the rules that do not hold."""

    @property
    def ok(self) -> bool:
        return self.standing is Standing.OK

    def view(self) -> dict[str, Any]:
        view = {"ok": self.ok, "expected": self.expected, "saw": self.saw, "text": self.text}
        return view if self.exact else {**view, "exact": False}


def standing_of(count: int, times: ExpectSpec) -> Standing:
    """Below the lower bound it may still come; above the upper never."""
    if count < times.min:
        return Standing.SHORT
    return Standing.OK if times.holds(count) else Standing.FAILED


def at_least(count: int, times: ExpectSpec) -> tuple[Standing, bool]:
    """
    The standing of a check when at least `count` are known, and whether it is exact: what is no longer kept may
    have been among them, so only a lower bound can hold.
    """
    standing = standing_of(count, times)
    if standing is Standing.OK and times.max is not None:
        return Standing.FAILED, False
    return standing, standing is not Standing.SHORT


def gone(dropped: int, noun: str) -> str:
    """What is said beside a number where some are no longer kept."""
    return f" of the {noun} that are kept; {dropped:,} older ones are not" if dropped else ""


def worded(times: ExpectSpec, noun: str) -> str:
    """`3 effects` where an ExpectSpec says `3 calls`."""
    return str(times).replace("calls", f"{noun}s").replace("call", noun)
