"""The texts of differences: the place, the expected and the actual value, and a hint at the likely mistake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mockserver.errors import KeyPath, dotted, pointer
from mockserver.matching.mismatch import hints as slips
from mockserver.matching.mismatch.hints import NONE, Slip
from mockserver.matching.values import kind, show
from mockserver.model.http import ABSENT
from mockserver.model.mismatch import Difference
from mockserver.model.plural import counted

MOST = 10
"""Maximum number of unexpected fields or items that are named."""
MOST_DIFFERENCES = 50
"""Maximum number of differences for one route."""


_BRIEF_CHARS = 500
_EXPECTED_CHARS = 1_000
_COMMAS = Slip("commas are not split: send the name again for each value", 0.5)


class DifferencePlace:
    """
    The place of a value in a request; in an effect, `root` is empty.

    `path` is the path in the JSON body; None if the value is not in one; `base` is the path to where `path` begins. If
    `flat`, the value is the list of all texts with one name.
    """

    __slots__ = ("base", "flat", "path", "root")

    def __init__(
        self, root: str, path: KeyPath | None = None, *, flat: bool = False, base: KeyPath = ()
    ) -> None:
        self.base = base
        self.root = root
        self.path = path
        self.flat = flat

    @property
    def where(self) -> str:
        if not self.path:
            return self.root
        return self.root + dotted(("_", *self.path))[1:] if self.root else dotted(self.path)

    def below(self, key: str | int) -> DifferencePlace:
        if self.path is None:
            return DifferencePlace(f"{self.root}[{key}]" if isinstance(key, int) else f"{self.root}.{key}")
        return DifferencePlace(self.root, (*self.path, key), base=self.base)

    def differs(self, actual: object, said: str, written: object, slip: Slip = NONE) -> Difference:
        """Return the difference of a value that does not fulfil the condition, or is absent."""
        if self.flat:
            actual = _unwrapped(actual)
        if actual is ABSENT or said == "present":
            return self._made(f" is missing{_wanting(said)}", written, actual, Slip(slip.hint, 1.0))
        shown = show(actual)
        if "send " in slip.hint and kind(actual) != shown:
            shown += f", {kind(actual)}"
        return self._made(f": expected {said}, got {shown}", written, actual, slip)

    def unexpected(self, actual: object) -> Difference:
        """Return the difference of a value that must not exist."""
        if self.flat:
            actual = _unwrapped(actual)
        return self._made(f": not expected, got {show(actual)}", "absent", actual, Slip("", 0.5))

    def refused(self, actual: object, written: object, said: str) -> Difference:
        """Return the difference with the message of another validator, such as a schema."""
        return self._made(f": {said}", written, actual, NONE)

    def other_order(self, actual: list[Any], said: str, written: object) -> Difference:
        return self.differs(actual, said, written, Slip("the same items in another order", 0.4))

    def other_length(self, actual: list[Any], length: int, written: Any) -> Difference:
        items = counted(length, "value" if self.flat else "item")
        text = f": expected {items}, got {len(actual)}: {show(actual)}"
        joined = self.flat and len(actual) == 1 < length and "," in actual[0]
        return self._made(text, written, actual, _COMMAS if joined else Slip("", 0.8))

    def _made(self, text: str, written: object, actual: object, slip: Slip) -> Difference:
        where, path = self.where, pointer((*self.base, *self.path)) if self.path is not None else ""
        said = f"{where}{text}; {slip.hint}" if slip.hint else where + text
        return Difference(where, _bounded(written), _brief(actual), path, slip.hint, slip.weight, said)


def _bounded(written: object) -> object:
    """Return the expected value as data; as text if it is long."""
    room, todo = _EXPECTED_CHARS, [written]
    while todo and room > 0:
        item = todo.pop()
        if isinstance(item, (dict, list)):
            room -= len(item)
            todo += [*item, *item.values()][:room] if isinstance(item, dict) else item[:room]
        else:
            room -= len(item) if isinstance(item, str) else 4
    return written if room > 0 else show(written)


def _brief(actual: object) -> object:
    """Return the value, or a shortened text if it is long or deep."""
    if isinstance(actual, str):
        return actual if len(actual) <= _BRIEF_CHARS else actual[: _BRIEF_CHARS - 1] + "…"
    if isinstance(actual, (dict, list, int)):
        text = show(actual)
        return text if "…" in text or "very long" in text else actual
    return actual


def _unwrapped(values: object) -> object:
    """Return ABSENT, the only text, or the list of texts with one name."""
    if not isinstance(values, list):
        return values
    if not values:
        return ABSENT
    return values[0] if len(values) == 1 else values


def _wanting(said: str) -> str:
    return "" if said == "present" else f": expected {said}"


def distance(differences: Sequence[Difference]) -> float:
    """Return the total weight of differences."""
    return sum([difference.weight for difference in differences])


def noting(difference: Difference, note: str, weight: float | None = None) -> Difference:
    """Return the difference with an additional hint."""
    hint = f"{difference.hint}; {note}" if difference.hint else note
    text = f"{difference.text}; {note}"
    return replace(difference, hint=hint, text=text, weight=difference.weight if weight is None else weight)


def with_near_name(
    reasons: list[Difference], name: str, names: list[str], inside: str | None = None
) -> list[Difference]:
    """
    Return the differences of a missing name, with the similar name that was sent, or the object that contains it.
    """
    if inside is not None:
        return [noting(difference, f"it came inside {inside!r}", 0.6) for difference in reasons]
    near = slips.nearest_name(name, names) if reasons else None
    if near is None:
        return reasons
    return [noting(difference, f"{near!r} came instead", 0.6) for difference in reasons]
