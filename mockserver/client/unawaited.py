"""
Calls of the awaited client that were made and never awaited: such a check has checked nothing.

Python only warns of it, once the coroutine is collected, maybe in another test.
The pytest plugin asks here, and fails the test that made the call.
"""

from __future__ import annotations

import itertools
import linecache
import sys
import weakref
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

_OWN = str(Path(__file__).parent)
_numbers = itertools.count()
_dropped: list[Unawaited] = []
_waiting: weakref.WeakSet[Unawaited] = weakref.WeakSet()


class Unawaited:
    """
    A call that is not awaited yet: what it is, and where it was made. The frame of
    its coroutine alone holds it, so it ends with that.
    """

    def __init__(self, call: str) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
            frame = frame.f_back
        self._call = call
        self.number = next(_numbers)
        self._file, self._line = frame.f_code.co_filename, frame.f_lineno
        self._coroutine: weakref.ref[Coroutine[Any, Any, Any]] | None = None

    def waits_for(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = weakref.ref(coroutine)
        _waiting.add(self)

    def started(self) -> None:
        """It is awaited now."""
        self._coroutine = None
        _waiting.discard(self)

    @property
    def is_dropped(self) -> bool:
        """Whether nobody can await it any more. Python's warning may still show its coroutine."""
        return self._coroutine is not None and self._coroutine() is None

    def close(self) -> None:
        """Python does not warn of it any more."""
        coroutine = self._coroutine() if self._coroutine is not None else None
        self.started()
        if coroutine is not None:
            coroutine.close()

    def __del__(self) -> None:
        """A coroutine that was closed is still there; one that was dropped is not."""
        if self.is_dropped:
            _dropped.append(self)

    def __str__(self) -> str:
        source = linecache.getline(self._file, self._line).strip()
        said = f"{Path(self._file).name}:{self._line}: {self._call} was never awaited, so it did nothing. Write `await` before it"
        return f"{said}\n    {source}" if source else said


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
    found = _dropped[:]
    del _dropped[: len(found)]
    for one in list(_waiting):
        if one.is_dropped or not dropped:
            one.close()
            found.append(one)
    return sorted(found, key=lambda one: one.number)
