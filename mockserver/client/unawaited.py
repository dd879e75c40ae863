"""
Calls of the awaited client that were made and never awaited: such a check has checked nothing.

Python only warns of it, once the coroutine is collected, maybe in another test.
Where the pytest plugin is there the coroutines are held until they are awaited;
it asks for the others, and fails the test that made the call.
"""

from __future__ import annotations

import inspect
import itertools
import linecache
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

_OWN = str(Path(__file__).parent)
_PLUGIN = "mockserver.pytest_plugin"
_numbers = itertools.count()
_waiting: dict[int, Unawaited] = {}


class Unawaited:
    """A call that is not awaited yet: what it is, and where it was made."""

    def __init__(self, call: str) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
            frame = frame.f_back
        self._call = call
        self._number = next(_numbers)
        self._file, self._line = frame.f_code.co_filename, frame.f_lineno
        self._coroutine: Coroutine[Any, Any, Any] | None = None

    def waits_for(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        if _PLUGIN in sys.modules:
            self._coroutine = coroutine
            _waiting[self._number] = self

    def started(self) -> None:
        """It is awaited now."""
        self._coroutine = None
        _waiting.pop(self._number, None)

    @property
    def is_closed(self) -> bool:
        """Whether somebody has ended it on purpose, or it was cancelled."""
        return self._coroutine is None or inspect.getcoroutinestate(self._coroutine) != inspect.CORO_CREATED

    @property
    def is_dropped(self) -> bool:
        """Whether nobody can await it any more: it is held here alone."""
        return sys.getrefcount(self._coroutine) <= _HELD_HERE

    def close(self) -> None:
        """Python does not warn of it any more."""
        coroutine = self._coroutine
        self.started()
        if coroutine is not None:
            coroutine.close()

    def __str__(self) -> str:
        source = linecache.getline(self._file, self._line).strip()
        said = f"{Path(self._file).name}:{self._line}: {self._call} was never awaited, so it did nothing. Write `await` before it"
        return f"{said}\n    {source}" if source else said


_HELD_HERE = 2
"""References: of the object above, and of whoever counts."""


def call_text(name: str, args: tuple[Any, ...], keys: Mapping[str, Any], instance: object) -> str:
    """
    A call as an error shows it.

    >>> call_text("assert_called", (2,), {"within": "5s"}, "route")
    "assert_called(2, within='5s') of 'route'"
    """
    written = [*map(repr, args), *(f"{key}={value!r}" for key, value in keys.items())]
    return f"{name}({', '.join(written)}) of {instance!r}"


def take_unawaited(*, dropped: bool = False) -> list[Unawaited]:
    """Those that were made and not awaited, and closes them; with `dropped` only those that nobody can await any more."""
    found = []
    for one in list(_waiting.values()):
        if one.is_closed:
            one.started()
        elif one.is_dropped or not dropped:
            one.close()
            found.append(one)
    return found
