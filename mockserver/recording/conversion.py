"""
Results of conversions from and to formats of other tools.

Nothing is dropped silently: each thing that cannot be converted is a `Lost` with its place in the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
"""A scenario in the scenario language, as plain data (what YAML would give)."""


@dataclass(frozen=True, slots=True)
class Lost:
    """
    A thing that could not be converted.

    `place` is its location in the source: a file, a line, a key path (`mappings/a.json: request.bodyPatterns[1]`).
    `what` has no full stop.
    """

    place: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.what}"
        return f"{text}. {self.hint}" if self.hint else text + "."


@dataclass(slots=True)
class Imported:
    """
    Scenarios by name, their files (path relative to the folder of the scenario, with `/`), losses, and remarks by
    scenario, which become comments above it. `notes` are for the user of the importer, and are not losses.
    """

    scenarios: dict[str, Document] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Exported:
    """Files of the other tool (path relative to the output, with `/`), and losses."""

    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
