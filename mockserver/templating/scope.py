"""
What a template is rendered against, and what one render may spend.

A budget of steps and characters is the reason that no template can hold the
server: whatever loops or grows pays first, so the work is refused before it
is done, not after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from datetime import datetime, timedelta
from typing import Any

from mockserver.errors import MockServerError
from mockserver.templating.random_values import Draws

STEP_LIMIT = 100_000
CHAR_LIMIT = 1024 * 1024
"""Characters of text made in one render, those thrown away again included."""
MAX_INT_BITS = 4096
NODES_A_STEP = 8
"""Looking at this many values costs one step, and so does half a KiB of text."""
UNPAID = 512
"""Looking through so many characters of text costs nothing."""


class RenderError(MockServerError):
    """Rendering can't go on; the text says why. `line` is filled in by the statement around it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.line = 0


class BudgetExceededError(RenderError):
    """The budget is spent."""


class UndefinedError(RenderError):
    """
    Something undefined was used; `default()` and `is defined` catch it.

    Its text is made only where it is read, since `default()` throws it away.
    """

    def __init__(self, what: str, owner: Sized | None = None, key: object = None, why: str = "") -> None:
        super().__init__(what)
        self.owner = owner
        self.key = key
        self.why = why


PYTHON_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What Python itself raises where values don't fit each other; anything else is a bug of ours."""


def located(why: Exception, line: int) -> RenderError:
    """The same reason, with the line at which it came up, unless it has one."""
    failed = why if isinstance(why, RenderError) else RenderError(_in_words(why))
    failed.line = failed.line or line
    return failed


def _in_words(why: Exception) -> str:
    if isinstance(why, RecursionError):
        return "a value is nested too deeply"
    return str(why) or type(why).__name__


NO_LOCALS: dict[str, Any] = {}
"""Shared by all; a render that sets something gets a dict of its own."""


class Scope:
    """
    The words that the templates of one call see, and what is left of the budget of the render that is under way.

    `chance` is asked once, at the first draw, and its numbers serve all
    that follows, also in scopes made by `with_`; so two `uuid()` of one call
    differ. `now` is read once likewise: one call has one moment. `locals` are the variables of the render
    (`set`, `for`).
    """

    __slots__ = ("_chance", "_moment", "_now", "_random", "chars", "locals", "steps", "values")

    def __init__(
        self, values: Mapping[str, Any], chance: Callable[[], Draws], now: Callable[[], datetime]
    ) -> None:
        self.values = values
        self._chance = chance
        self._now = now
        self._random: Draws | None = None
        self._moment: datetime | None = None
        self.locals = NO_LOCALS
        self.steps = STEP_LIMIT
        self.chars = CHAR_LIMIT

    def random(self) -> Draws:
        found = self._random
        if found is None:
            found = self._random = self._chance()
        return found

    def now(self) -> datetime:
        found = self._moment
        if found is None:
            found = self._moment = self._now()
        return found

    def draw_from(self, chance: Callable[[], Draws]) -> None:
        """Draws begin anew, from these."""
        self._chance = chance
        self._random = None

    def with_(self, name: str, value: object) -> Scope:
        """The same scope with one word more, or another value for one; draws go on from where they are."""
        return Scope({**self.values, name: value}, self.random, self.now)

    def later(self, seconds: float) -> Scope:
        """The same scope, so long after; draws go on from where they are."""
        return Scope(self.values, self.random, lambda: self.now() + timedelta(seconds=seconds))

    def take_steps(self, count: int) -> None:
        self.steps -= count
        if self.steps < 0:
            raise BudgetExceededError(f"it takes more than {STEP_LIMIT:,} steps")

    def take_chars(self, count: int) -> None:
        """Pays for text; call it before the text is made wherever its length is known."""
        self.chars -= count
        if self.chars < 0:
            raise BudgetExceededError(f"it makes more than {CHAR_LIMIT:,} characters of text")

    def read(self, length: int) -> None:
        """Pays for looking through a text of that length."""
        if length > UNPAID:
            self.take_steps(length >> 9)

    def search(self, whole: str, part: str) -> None:
        """Pays for finding one text in another, which may compare every character with every other."""
        work = len(whole) * min(8 + len(part), 128)
        if work > 4096:
            self.take_steps(work >> 12)


Closure = Callable[[Scope], Any]
"""A compiled expression."""


Start = str | Closure
"""Where a chain of keys begins: a word of the scope, or an expression."""
Step = tuple[str, str, Callable[[Any, str, str], Any]]
"""A key, the look-up up to there as written, and what looks into anything but a dict that has the key."""
NOTHING: Any = object()
"""What an optional expression gives where it is undefined."""
