"""Something that begins with a block and ends with it: an outage, a roll-back."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from mockserver.client.faces import run, run_aside

T = TypeVar("T")


class Pause(Generic[T]):
    """`with pause:` begins and ends it. `begin` gives what `end` gets."""

    def __init__(self, begin: Callable[[], T], end: Callable[[T], object]) -> None:
        self._begin = begin
        self._end = end
        self._begun: list[T] = []

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        self._begun.append(run(self._begin))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, where: TracebackType | None
    ) -> None:
        run(self._end, self._begun.pop())


class AsyncPause(Generic[T]):
    """`async with pause:` begins and ends it."""

    def __init__(self, begin: Callable[[], T], end: Callable[[T], object]) -> None:
        self._begin = begin
        self._end = end
        self._begun: list[T] = []

    async def __aenter__(self) -> Self:
        __tracebackhide__ = True
        self._begun.append(await run_aside(self._begin))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, why: BaseException | None, where: TracebackType | None
    ) -> None:
        await run_aside(self._end, self._begun.pop())
