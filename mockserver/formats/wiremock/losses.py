"""Places in WireMock mappings, and what could not be converted there."""

from __future__ import annotations

from typing import Any

from mockserver.recording.conversion import Losses, Lost


class LossPlace:
    """
    A place in a source: file and key path.

    All places of a source share their losses. `soft` losses change neither matching nor answers.
    """

    __slots__ = ("entries", "hard", "path")

    def __init__(self, path: str = "", result: Losses | None = None, hard: Losses | None = None) -> None:
        self.path = path
        self.entries = Losses() if result is None else result
        self.hard = Losses() if hard is None else hard
        """Losses that a client notices."""

    def at(self, *keys: str | int) -> LossPlace:
        """The place below, at those keys."""
        path = self.path
        for key in keys:
            if isinstance(key, int):
                path += f"[{key}]"
            else:
                path += ("" if not path or path.endswith(": ") else ".") + key
        return LossPlace(path, self.entries, self.hard)

    def lost(self, what: str, hint: str = "", *, soft: bool = False) -> None:
        """Add a loss at this place."""
        item = Lost(self.path.removesuffix(": "), what, hint)
        self.entries.append(item)
        if not soft:
            self.hard.append(item)

    def unknown(self, written: dict[str, Any], known: frozenset[str]) -> None:
        """Add each unknown key."""
        for key in written:
            if key not in known:
                self.at(key).lost(f"`{key}` is not known here")
