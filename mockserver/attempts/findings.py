"""Findings: the results of a rule, one for each item that it checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mockserver.model.call import Call


class FindingState(Enum):
    """`NOTHING`: there was nothing to check. `DOUBT`: the calls don't show whether the rule holds."""

    HELD = "held"
    BROKEN = "broken"
    NOTHING = "nothing to judge"
    DOUBT = "can't tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """`late`: the rule may still hold after a later call. `window`: the calls that show it, unless they are its operations."""

    state: FindingState
    text: str = ""
    late: bool = False
    window: tuple[Call, ...] = ()


HELD = Finding(FindingState.HELD)


def broken(text: str, *, late: bool = False, window: Iterable[Call] = ()) -> Finding:
    """Return a finding that the rule is broken."""
    return Finding(FindingState.BROKEN, text, late, tuple(window))


def nothing(text: str) -> Finding:
    """Return a finding that there was nothing to check."""
    return Finding(FindingState.NOTHING, f"nothing to judge: {text}", late=True)


def doubt(text: str) -> Finding:
    """Return a finding that the calls don't show whether the rule holds."""
    return Finding(FindingState.DOUBT, f"can't tell {text}", late=True)
