"""
Variables of a template, and the budget of a render.

A budget of steps and characters is the reason that no template can block the server: loops and growing values pay
first, so the work is rejected before it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from datetime import datetime, timedelta
from typing import Any

from mockserver.errors import MockServerError
from mockserver.model.http import Request
from mockserver.templating.random_values import Draws

STEP_LIMIT = 100_000
CHAR_LIMIT = 1024 * 1024
"""Characters of text created in one render, including discarded ones."""
MAX_INT_BITS = 4096
NODES_A_STEP = 8
"""Visiting this many values costs one step, and so does half a KiB of text."""
UNPAID = 512
"""Searching up to that many characters of text is free."""


class RenderError(MockServerError):
    """Rendering failed; the text is the reason. The surrounding statement sets `line`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.line = 0


class BudgetExceededError(RenderError):
    """The budget is spent."""


class UndefinedError(RenderError):
    """
    An undefined value was used; `default()` and `is defined` catch it.

    The text is created on demand, since `default()` discards it.
    """

    def __init__(self, what: str, owner: Sized | None = None, key: object = None, why: str = "") -> None:
        super().__init__(what)
        self.owner = owner
        self.key = key
        self.why = why


PYTHON_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""Exceptions of Python for incompatible values; others are bugs."""


def located(error: Exception, line: int) -> RenderError:
    """Add the line to the error, unless it has one."""
    failed = error if isinstance(error, RenderError) else RenderError(_in_words(error))
    failed.line = failed.line or line
    return failed


def _in_words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "a value is nested too deeply"
    return str(error) or type(error).__name__


NO_LOCALS: dict[str, Any] = {}
"""Shared by all; a render that sets a variable gets its own dict."""
NO_PARTS: dict[str, Any] = {}
"""Parts of no request."""


class Scope:
    """
    Variables of one call's templates, and the remaining budget of the current render.

    `draws` are also those of scopes made by `with_`, so two `uuid()` of one call differ. `now` is read once: one call
    has one time. `locals` are the variables of the render (`set`, `for`); `parts` are those of the request that have
    been read.
    """

    __slots__ = ("_draws", "_moment", "_now", "chars", "locals", "parts", "steps", "values")

    def __init__(
        self, values: Mapping[str, Any], draws: Draws | tuple[str, str, int], now: Callable[[], datetime]
    ) -> None:
        self.values = values
        request = values.get("request")
        self.parts = request.parsed() if isinstance(request, Request) else NO_PARTS
        self._draws = draws
        self._now = now
        self._moment: datetime | None = None
        self.locals = NO_LOCALS
        self.steps = STEP_LIMIT
        self.chars = CHAR_LIMIT

    @property
    def draws(self) -> Draws:
        """The random values, created on first use: most templates have none."""
        draws = self._draws
        if isinstance(draws, tuple):
            draws = self._draws = Draws(*draws)
        return draws

    def now(self) -> datetime:
        result = self._moment
        if result is None:
            result = self._moment = self._now()
        return result

    def with_(self, name: str, value: object) -> Scope:
        """Return the scope with one more or changed variable; random values continue."""
        return Scope({**self.values, name: value}, self.draws, self.now)

    def renewed(self, **more: object) -> Scope:
        """Return the scope at the present time, with more variables; random values continue."""
        return Scope({**self.values, **more}, self.draws, self._now)

    def later(self, seconds: float) -> Scope:
        """Return the scope at a later time; random values continue."""
        return Scope(self.values, self.draws, lambda: self.now() + timedelta(seconds=seconds))

    def take_steps(self, count: int) -> None:
        self.steps -= count
        if self.steps < 0:
            raise BudgetExceededError(f"it takes more than {STEP_LIMIT:,} steps")

    def take_chars(self, count: int) -> None:
        """Pay for text, before it is created if its length is known."""
        self.chars -= count
        if self.chars < 0:
            raise BudgetExceededError(f"it makes more than {CHAR_LIMIT:,} characters of text")

    def read(self, length: int) -> None:
        """Pay for visiting a text of that length."""
        if length > UNPAID:
            self.take_steps(length >> 9)

    def search(self, whole: str, part: str) -> None:
        """Pay for a text search, which may compare every character with every other."""
        work = len(whole) * min(8 + len(part), 128)
        if work > 4096:
            self.take_steps(work >> 12)


Closure = Callable[[Scope], Any]
"""A compiled expression."""


Start = str | Closure
"""The start of a chain of keys: a variable of the scope, or an expression."""
Step = tuple[str, str, Callable[[Any, str, str], Any]]
"""A key, the look-up up to there as written, and the fallback for anything but a dict that has the key."""
NOTHING: Any = object()
"""The value of an optional expression that is undefined."""
