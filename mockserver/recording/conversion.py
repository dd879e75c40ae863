"""
Results of conversions from and to formats of other tools.

Nothing is dropped silently: each thing that cannot be converted is a `Lost` with its place in the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockserver.errors import MockServerError

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


class NotConvertibleError(MockServerError):
    """A condition or reply cannot be converted. The text becomes `Lost.what`."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class Losses(list[Lost]):
    """Collects losses. `place` is that of the source, such as a file; the places of losses are below it."""

    def __init__(self, place: str = "") -> None:
        super().__init__()
        self.place = place

    def add(self, where: str, what: str, hint: str = "") -> None:
        place = f"{self.place}: {where}" if self.place and where else self.place or where
        self.append(Lost(place, what, hint))

    def failed(self, where: str, error: Exception, then: str = "") -> None:
        """Add the loss for an exception of reading a part of the source."""
        if isinstance(error, NotConvertibleError):
            self.add(where, f"{error.what}{then}", error.hint)
        else:
            self.add(where, f"it is not of the shape that such a file has{then}")

    def unknown(self, where: str, written: object, known: set[str]) -> None:
        """Add each unknown key, so that no key is dropped silently."""
        if not isinstance(written, dict):
            return
        for key in written:
            if key not in known:
                self.add(f"{where}.{key}" if where else str(key), "this key has no counterpart here")


@dataclass(slots=True)
class Imported:
    """
    Scenarios by name, their files (path relative to the folder of the scenario, with `/`), losses, and remarks by
    scenario, which become comments above it. `notes` are for the user of the importer, and are not losses.
    """

    scenarios: dict[str, Document] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    lost: Losses = field(default_factory=Losses)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Exported:
    """Files of the other tool (path relative to the output, with `/`), and losses."""

    files: dict[str, bytes] = field(default_factory=dict)
    lost: Losses = field(default_factory=Losses)
