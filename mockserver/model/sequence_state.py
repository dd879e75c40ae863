"""Where in its sequence a route stands, for one namespace and one value of `per`."""

from __future__ import annotations


class Position:
    """
    `index` is the step that answers next, `used` how often it has answered,
    `since_s` when it first did (by the virtual clock). `version` is the
    sequence that this is a position in: a changed one starts again.

    `number` is the call number that templates see; `draws` counts the calls for
    ids and fakes, and goes on where `number` starts anew.
    """

    __slots__ = ("done", "draws", "index", "number", "since_s", "used", "version")

    def __init__(self, version: str) -> None:
        self.number = 0
        self.draws = 0
        self.restart(version)

    def restart(self, version: str) -> None:
        """The first step of that sequence is next."""
        self.version = version
        self.index = 0
        self.used = 0
        self.since_s: float | None = None
        self.done = False

    def forget(self) -> None:
        """As new, but for `draws`: what was drawn before is not drawn again."""
        self.number = 0
        self.restart(self.version)

    def copy(self) -> Position:
        twin = Position(self.version)
        twin.index, twin.used, twin.since_s, twin.done = self.index, self.used, self.since_s, self.done
        twin.number, twin.draws = self.number, self.draws
        return twin
