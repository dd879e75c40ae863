"""
What comes over from another tool's format, or goes out to one, and what could not.

The rule: nothing is dropped in silence. What one side can say and the other
can't is a `Lost`, with its place in the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
"""A scenario in the scenario language, as plain data (what YAML would give)."""


@dataclass(frozen=True, slots=True)
class Lost:
    """
    One thing that could not be converted. `place` is where the source says
    it, in the source's own words: a file, a line, a key path
    (`mappings/a.json: request.bodyPatterns[1]`). `what` ends without a full stop.
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
    Scenarios by name, files to lie beside them (path relative to the scenario's
    folder, with `/`), what was lost, and remarks that a person who reads the
    scenario should see above it as comments, by scenario. `notes` are for who
    imports, and no loss.
    """

    scenarios: dict[str, Document] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Exported:
    """Files of the other tool (path relative to where they are written, with `/`), and what was lost."""

    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
