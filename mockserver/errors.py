"""
What can be wrong with what somebody wrote, in one form for files, admin API and exceptions.

A `Flaw` says where (a key path), what, and how to mend it. Whoever knows the
source adds file, line and column (`scenarios/`) or a JSON pointer (`admin/`).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """
    One thing wrong. `path` leads from the document's root to the value, or,
    with `at_key`, to the key itself. `message` ends without a full stop.
    """

    path: KeyPath
    message: str
    hint: str = ""
    at_key: bool = False

    def under(self, *parents: str | int) -> Flaw:
        """The same flaw, seen from a document that holds this one below `parents`."""
        return Flaw((*parents, *self.path), self.message, self.hint, self.at_key)

    @property
    def where(self) -> str:
        return dotted(self.path)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.path else ""
        return place + self.said

    @property
    def said(self) -> str:
        """What and remedy, without the place."""
        return f"{self.message}. {self.hint}" if self.hint else self.message + "."


class MockServerError(Exception):
    """The root of every error that this package raises on purpose."""


class InvalidInputError(MockServerError):
    """What was given can't be used; `flaws` holds at least one reason, all at once where possible."""

    def __init__(self, flaws: Flaw | Iterable[Flaw]) -> None:
        self.flaws = [flaws] if isinstance(flaws, Flaw) else list(flaws)
        super().__init__("\n".join(str(flaw) for flaw in self.flaws))


def invalid(path: KeyPath, message: str, hint: str = "", at_key: bool = False) -> InvalidInputError:
    """Return an error with one flaw."""
    return InvalidInputError(Flaw(path, message, hint, at_key))


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
    """A feature asks for a library that is not installed; names the extra that brings it."""

    def __init__(self, path: KeyPath, feature: str, extra: str) -> None:
        super().__init__(
            Flaw(
                path,
                f"{feature} needs a library that is not installed",
                f"Install it with: pip install 'mockserver[{extra}]'",
            )
        )


class TlsSettingsError(MockServerError):
    """TLS can't be served as it is asked for; the text says why and how to mend it."""


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
        elif part and all(c.isalnum() or c in "_-$" for c in part):
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
    `Did you mean 'status'?` where a choice is close to `word`; else what there is; else nothing.

    Nothing is looked for where the word is long or the choices are many: each comparison costs some µs.
    """
    known = sorted(set(choices))
    if len(word) > _LONGEST_WORD or len(known) > _MOST_CHOICES:
        return ""
    folded = {choice.lower(): choice for choice in reversed(known)}
    matches = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if matches:
        return f"Did you mean {str(folded[matches[0]])!r}?"
    return f"Known here: {', '.join(known)}." if 0 < len(known) <= 40 else ""


class WrongValueError(MockServerError, ValueError):
    """What a validator says of one value; whoever runs the validator knows the place."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def shown(value: object, limit: int = 60) -> str:
    """A value as an error shows it: its repr, cut where it is long."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
