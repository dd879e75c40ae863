"""
Client calls without effect: coroutines that were never awaited, blocks that were never entered.

Python warns only when a coroutine is collected, possibly in another test. With the pytest plugin, these objects are
kept until they start; the plugin fails the test that created them.
"""

from __future__ import annotations

import inspect
import itertools
import linecache
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OWN = str(Path(__file__).parent)
_PLUGIN = "mockserver.pytest_plugin"
_numbers = itertools.count()
_waiting: dict[int, Unawaited] = {}


class Unawaited:
    """A call that has not started: its text, its location, and the object to start."""

    def __init__(
        self, call: str, missing: str = "awaited, so it did nothing. Write `await` before it"
    ) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
            frame = frame.f_back
        self._call = call
        self._missing = missing
        self._number = next(_numbers)
        self._file, self._line = frame.f_code.co_filename, frame.f_lineno
        self._held: object = None

    def waits_for(self, held: object) -> None:
        """Hold the coroutine, or the block, until it begins."""
        if _PLUGIN in sys.modules:
            self._held = held
            _waiting[self._number] = self

    def started(self) -> None:
        """Mark as started."""
        self._held = None
        _waiting.pop(self._number, None)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed or cancelled."""
        held = self._held
        return held is None or (
            inspect.iscoroutine(held) and inspect.getcoroutinestate(held) != inspect.CORO_CREATED
        )

    @property
    def is_dropped(self) -> bool:
        """Whether no other reference exists."""
        return sys.getrefcount(self._held) <= _HELD_HERE

    def close(self) -> None:
        """Close it without a warning."""
        held = self._held
        self.started()
        if inspect.iscoroutine(held):
            held.close()

    def __str__(self) -> str:
        source = linecache.getline(self._file, self._line).strip()
        said = f"{Path(self._file).name}:{self._line}: {self._call} was never {self._missing}"
        return f"{said}\n    {source}" if source else said


_HELD_HERE = 2
"""Number of references without others: that of the object above, and that of `sys.getrefcount`."""


def call_text(name: str, args: tuple[Any, ...], keys: Mapping[str, Any], instance: object) -> str:
    """
    A call as an error shows it.

    >>> call_text("assert_called", (2,), {"within": "5s"}, "route")
    "assert_called(2, within='5s') of 'route'"
    """
    written = [*map(repr, args), *(f"{key}={value!r}" for key, value in keys.items())]
    return f"{name}({', '.join(written)}) of {instance!r}"


def take_unawaited(*, dropped: bool = False) -> list[Unawaited]:
    """
    Return the calls that did not start, and close them; with `dropped`, only those that are not referenced elsewhere.
    """
    result = []
    for item in list(_waiting.values()):
        if item.is_closed:
            item.started()
        elif item.is_dropped or not dropped:
            item.close()
            result.append(item)
    return result
