"""Where in a WireMock mapping a reader stands, and what it could not carry over from there."""

from __future__ import annotations

from typing import Any

from mockserver.recording.conversion import Lost


class LossPlace:
    """
    One place in a source: a file and a key path.

    All places of one reading share what was lost. `soft` losses change neither
    which requests are taken nor what is answered, as clients see it.
    """

    __slots__ = ("_hard", "_path", "entries")

    def __init__(
        self, path: str = "", result: list[Lost] | None = None, hard: list[Lost] | None = None
    ) -> None:
        self._path = path
        self.entries: list[Lost] = [] if result is None else result
        self._hard: list[Lost] = [] if hard is None else hard

    @property
    def hard(self) -> list[Lost]:
        """What was lost that a client would notice."""
        return self._hard

    @property
    def path(self) -> str:
        return self._path

    def at(self, *keys: str | int) -> LossPlace:
        """The place below, at those keys."""
        path = self._path
        for key in keys:
            if isinstance(key, int):
                path += f"[{key}]"
            else:
                path += ("" if not path or path.endswith(": ") else ".") + key
        return LossPlace(path, self.entries, self._hard)

    def lost(self, what: str, hint: str = "", *, soft: bool = False) -> None:
        """Notes what is lost here."""
        item = Lost(self._path.removesuffix(": "), what, hint)
        self.entries.append(item)
        if not soft:
            self._hard.append(item)

    def unknown(self, written: dict[str, Any], known: frozenset[str]) -> None:
        """Notes every key that nobody here reads."""
        for key in written:
            if key not in known:
                self.at(key).lost(f"`{key}` is not known here")
