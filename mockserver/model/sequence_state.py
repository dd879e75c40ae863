"""State of a route's sequence, for one namespace and one value of `per`."""

from __future__ import annotations


class SequenceState:
    """
    `index` is the next step, `used` how often it has answered, `since_s` when it first did (by the virtual clock).
    `version` is that of the sequence: a changed one restarts.

    `number` is the call number in templates; `draws` counts the calls for ids and fakes, and is not reset with
    `number`.
    """

    __slots__ = ("done", "draws", "index", "number", "since_s", "used", "version")

    def __init__(self, version: str) -> None:
        self.number = 0
        self.draws = 0
        self.restart(version)

    def restart(self, version: str) -> None:
        """Restart with the first step of that sequence."""
        self.version = version
        self.index = 0
        self.used = 0
        self.since_s: float | None = None
        self.done = False

    def forget(self) -> None:
        """Reset all but `draws`: generated values are not generated again."""
        self.number = 0
        self.restart(self.version)

    def copy(self) -> SequenceState:
        twin = SequenceState(self.version)
        twin.index, twin.used, twin.since_s, twin.done = self.index, self.used, self.since_s, self.done
        twin.number, twin.draws = self.number, self.draws
        return twin
