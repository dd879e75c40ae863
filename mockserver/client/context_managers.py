"""Context managers of the client: outages, failures, rollbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Self, TypeVar

from mockserver.client.sync_async import run, run_aside
from mockserver.client.unawaited import Unawaited

T = TypeVar("T")


class _Block(Generic[T]):
    """
    The result of `begin` is the argument of `end`; `name` is the call, for the error if the block is never entered.
    """

    _keyword = "with"

    def __init__(self, name: str, begin: Callable[[], T], end: Callable[[T], object]) -> None:
        self._begin = begin
        self._end = end
        self._begun: list[T] = []
        self._unentered = Unawaited(
            name, f"entered, so it did nothing. Write `{self._keyword}` before it, and what it is for below"
        )
        self._unentered.waits_for(self)


class Pause(_Block[T]):
    """Begin and end of a `with` block."""

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        self._unentered.started()
        self._begun.append(run(self._begin))
        return self

    def __exit__(self, *exception: object) -> None:
        run(self._end, self._begun.pop())


class AsyncPause(_Block[T]):
    """Begin and end of an `async with` block."""

    _keyword = "async with"

    async def __aenter__(self) -> Self:
        __tracebackhide__ = True
        self._unentered.started()
        self._begun.append(await run_aside(self._begin))
        return self

    async def __aexit__(self, *exception: object) -> None:
        await run_aside(self._end, self._begun.pop())
