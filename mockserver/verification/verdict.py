"""The verdict of a check, and its state while it waits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from mockserver.attempts.findings import Finding
from mockserver.schema.expect import ExpectSpec

MOST_LINES = 20
"""Maximum number of effects, webhooks or violations in the text of a failed check."""


class Standing(Enum):
    """The state of a check: `SHORT` may still become `OK` by waiting, `FAILED` can't."""

    OK = "ok"
    SHORT = "short"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The verdict of a check.

    `seen` changes whenever something arrives that `quiet` forbids. `exact` is false if the result depends on data
    that is no longer kept; then the check does not hold.
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
    """Return the state of a count: below the minimum it may still hold, above the maximum not."""
    if count < times.min:
        return Standing.SHORT
    return Standing.OK if times.holds(count) else Standing.FAILED


def at_least(count: int, times: ExpectSpec) -> tuple[Standing, bool]:
    """
    Return the state of a count that is a lower bound, and whether the state is exact.

    Dropped entries may have counted too, so only a minimum can hold.
    """
    standing = standing_of(count, times)
    if standing is Standing.OK and times.max is not None:
        return Standing.FAILED, False
    return standing, standing is not Standing.SHORT


def gone(dropped: int, noun: str) -> str:
    """Return a text that some entries are no longer kept."""
    return f" of the {noun} that are kept; {dropped:,} older ones are not" if dropped else ""


def worded(times: ExpectSpec, noun: str) -> str:
    """Return `3 effects` for an ExpectSpec of `3 calls`."""
    return str(times).replace("calls", f"{noun}s").replace("call", noun)
