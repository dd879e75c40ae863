"""What a rule found: one value for each thing that it looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mockserver.model.call import Call


class FindingState(Enum):
    """`NOTHING`: the rule had nothing to judge. `DOUBT`: the calls do not tell whether it holds."""

    HELD = "held"
    BROKEN = "broken"
    NOTHING = "nothing to judge"
    DOUBT = "can't tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """`late`: a later call may make it hold. `window` are the calls that show it, if they are not its operations."""

    state: FindingState
    text: str = ""
    late: bool = False
    window: tuple[Call, ...] = ()


HELD = Finding(FindingState.HELD)


def broken(text: str, *, late: bool = False, window: Iterable[Call] = ()) -> Finding:
    """Return a finding that the rule is broken."""
    return Finding(FindingState.BROKEN, text, late, tuple(window))


def nothing(text: str) -> Finding:
    """Return a finding that there was nothing to judge."""
    return Finding(FindingState.NOTHING, f"nothing to judge: {text}", late=True)


def doubt(text: str) -> Finding:
    """Return a finding that the calls do not tell."""
    return Finding(FindingState.DOUBT, f"can't tell {text}", late=True)
