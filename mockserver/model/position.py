"""Where in its sequence a route stands, for one namespace and one value of `per`."""

from __future__ import annotations


class Position:
    """
    `index` is the step that answers next, `used` how often it has answered,
    `since_s` when it first did (by the virtual clock). `version` is the
    sequence that this is a position in: a changed one starts again.
    """

    __slots__ = ("done", "index", "since_s", "used", "version")

    def __init__(self, version: str) -> None:
        self.version = version
        self.index = 0
        self.used = 0
        self.since_s: float | None = None
        self.done = False

    def copy(self) -> Position:
        twin = Position(self.version)
        twin.index, twin.used, twin.since_s, twin.done = self.index, self.used, self.since_s, self.done
        return twin
