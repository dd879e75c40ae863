"""
Flaws of input, in one form for files, admin API and exceptions, and the root of all exceptions.

A `Flaw` has a key path, a message and a hint that says how to fix it. `scenarios/` adds file, line and column,
`admin/` a JSON pointer.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]
ReadFile = Callable[[str, KeyPath], bytes]
"""Returns the bytes of a file beside the scenario. Raises InvalidInputError, at the key path, if there is none."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """
    One mistake. `path` leads from the root of the document to the value or, with `at_key`, to its key.

    `message` has no full stop at its end.
    """

    path: KeyPath
    message: str
    hint: str = ""
    at_key: bool = False

    def under(self, *parents: str | int) -> Flaw:
        """Return the flaw, seen from a document that contains this one below `parents`."""
        return Flaw((*parents, *self.path), self.message, self.hint, self.at_key)

    @property
    def where(self) -> str:
        return dotted(self.path)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.path else ""
        return place + self.said

    @property
    def said(self) -> str:
        """Message and hint, without the place."""
        return f"{self.message}. {self.hint}" if self.hint else self.message + "."


class MockServerError(Exception):
    """The root of all exceptions of this package."""


class SharedStoreError(MockServerError):
    """The store that replicas share can't be used for something, now or at all."""


class InvalidInputError(MockServerError):
    """Invalid input. `flaws` has at least one reason, and all of them if possible."""

    def __init__(self, flaws: Flaw | Iterable[Flaw]) -> None:
        self.flaws = [flaws] if isinstance(flaws, Flaw) else list(flaws)
        super().__init__("\n".join(str(flaw) for flaw in self.flaws))


def invalid(path: KeyPath, message: str, hint: str = "", at_key: bool = False) -> InvalidInputError:
    """Return an error with one flaw."""
    return InvalidInputError(Flaw(path, message, hint, at_key))


def no_files(why: str, hint: str) -> ReadFile:
    """Return what refuses every file, for input that has no folder."""

    def refuse(name: str, path: KeyPath) -> bytes:
        raise invalid(path, f"{name!r} is a file, and {why}", hint)

    return refuse


class FlawCollector:
    """Collects the flaws of several steps, so that an author sees all of them at once."""

    __slots__ = ("flaws",)

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []

    def attempt(self, parents: KeyPath, make: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  (what the step returns)
        """Return what `make` returns; None if it raises InvalidInputError, whose flaws are kept below `parents`."""
        try:
            return make(*args)
        except InvalidInputError as error:
            self.flaws.extend(flaw.under(*parents) for flaw in error.flaws)
            return None

    def check(self) -> None:
        """Raise InvalidInputError with all flaws, if there are any."""
        if self.flaws:
            raise InvalidInputError(self.flaws)


@contextmanager
def flaws_below(*parents: str | int) -> Iterator[None]:
    """Move the flaws of an InvalidInputError that is raised inside below `parents`."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(flaw.under(*parents) for flaw in error.flaws) from error


class MissingExtraError(InvalidInputError):
    """A feature needs a library that is not installed. The hint names the extra."""

    def __init__(self, path: KeyPath, feature: str, extra: str) -> None:
        super().__init__(
            Flaw(
                path,
                f"{feature} needs a library that is not installed",
                f"Install the extra mockserver[{extra}]",
            )
        )


class TlsSettingsError(MockServerError):
    """TLS can't be enabled with these settings. The text has the reason and the fix."""


def dotted(path: KeyPath) -> str:
    """
    A key path as people write it.

    >>> dotted(("routes", 2, "reply", "status"))
    'routes[2].reply.status'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isalnum() or (part and all(c.isalnum() or c in "_-$" for c in part)):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def pointer(path: KeyPath) -> str:
    """
    A key path as a JSON pointer (RFC 6901).

    >>> pointer(("routes", 0, "a/b"))
    '/routes/0/a~1b'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


_LONGEST_WORD = 100
_MOST_CHOICES = 1_000


def near(word: str, choices: Iterable[str]) -> str:
    """
    Return `Did you mean 'status'?` if a choice is close to `word`; else the choices; else nothing.

    Long words and many choices are not compared, because each comparison costs some µs.
    """
    known = sorted(set(choices))
    if len(word) > _LONGEST_WORD or len(known) > _MOST_CHOICES:
        return ""
    folded = {choice.lower(): choice for choice in reversed(known)}
    matches = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.65)
    if not matches and len(word) >= 3:
        matches = [choice for choice in folded if choice.startswith(word.lower())]
    if len(matches) == 1:
        return f"Did you mean {str(folded[matches[0]])!r}?"
    return f"Known here: {', '.join(known)}." if 0 < len(known) <= 40 else ""


class WrongValueError(MockServerError, ValueError):
    """The error of a validator about one value; the caller adds the place."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def shown(value: object, limit: int = 60) -> str:
    """Return a value as in error texts: null, true, false, or its repr, shortened if it is long."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
