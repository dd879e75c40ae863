"""
One implementation of the sync and the async client.

Methods are written once, as blocking methods with `@does`, `@tells` or `@does_here`. On a `Blocking` object they
block; on an `Awaiting` object they return a coroutine that runs the method on a thread of the client. These threads
are separate from the pool of the loop, which the application under test may need.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from mockserver.client.connections import Abort
from mockserver.client.errors import ClientError
from mockserver.client.http import ABORT
from mockserver.client.own_loop import LOOP, ON_TRIO, running_trio
from mockserver.client.unawaited import Unawaited, call_text

P = ParamSpec("P")
T = TypeVar("T")
MOST_THREADS = 64


class Blocking:
    """Methods under `@does` block."""

    __slots__ = ()


class Awaiting:
    """Methods under `@does` are to be awaited."""

    __slots__ = ()


B = TypeVar("B", bound=Blocking)
A = TypeVar("A", bound=Awaiting)


class _Described:
    """A descriptor that help() and documentation tools show like the function below it."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self.__doc__, self.__name__, self.__wrapped__ = work.__doc__, work.__name__, work


class does(_Described, Generic[P, T]):  # noqa: N801  (a decorator)
    """A method that sends requests."""

    def __init__(self, work: Callable[Concatenate[Any, P], T]) -> None:
        super().__init__(work)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        return self if instance is None else bound(self._work, instance)


class does_here(_Described, Generic[P]):  # noqa: N801
    """Like `does`, for methods that return the object itself, so that calls can be chained."""

    def __init__(self, work: Callable[Concatenate[Any, P], object]) -> None:
        @functools.wraps(work)
        def here(instance: object, *args: P.args, **keys: P.kwargs) -> Any:
            __tracebackhide__ = True
            work(instance, *args, **keys)
            return instance

        super().__init__(here)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: B, owner: type) -> Callable[P, B]: ...
    @overload
    def __get__(self, instance: A, owner: type) -> Callable[P, Coroutine[Any, Any, A]]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        return self if instance is None else bound(self._work, instance)


class tells(_Described, Generic[T]):  # noqa: N801
    """A property that is read from the server on each access."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        super().__init__(work)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Blocking, owner: type) -> T: ...
    @overload
    def __get__(self, instance: Awaiting, owner: type) -> Coroutine[Any, Any, T]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        __tracebackhide__ = True
        return self if instance is None else bound(self._work, instance, is_fact=True)()


def bound(work: Callable[..., Any], instance: object, *, is_fact: bool = False) -> Callable[..., Any]:
    """Return `work` as a method of the object, blocking or awaitable. A property is called without arguments."""

    def call(*args: object, **keys: object) -> Any:
        __tracebackhide__ = True
        return run(work, instance, *args, **keys)

    def later(*args: object, **keys: object) -> Coroutine[Any, Any, Any]:
        name = work.__name__
        text = f"{name} of {instance!r}" if is_fact else call_text(name, args, keys, instance)

        async def awaited(unawaited: Unawaited) -> Any:
            __tracebackhide__ = True
            unawaited.started()
            return await run_aside(work, instance, *args, **keys)

        unawaited = Unawaited(text)
        coroutine = functools.update_wrapper(awaited, work)(unawaited)
        unawaited.waits_for(coroutine)
        return coroutine

    return functools.update_wrapper(call if isinstance(instance, Blocking) else later, work)


def run(work: Callable[..., T], *args: object, **keys: object) -> T:
    """Return the result. The traceback of client errors starts here, without internal frames."""
    __tracebackhide__ = True
    try:
        return work(*args, **keys)
    except ClientError as error:
        raise error.with_traceback(None) from error.__cause__


async def run_aside(work: Callable[..., T], *args: object, **keys: object) -> T:
    """Run on a thread. Cancellation ends the current exchange, so that no thread waits."""
    __tracebackhide__ = True
    abort = Abort()
    context = contextvars.copy_context()
    context.run(ABORT.set, abort)
    trio = running_trio()
    context.run(ON_TRIO.set, trio is not None)
    if trio is None:
        context.run(LOOP.set, asyncio.get_running_loop())
    job = functools.partial(context.run, functools.partial(work, *args, **keys))
    try:
        if trio is not None:
            limiter = trio.CapacityLimiter(1)  # of its own: the application may need those of trio's
            result: T = await trio.to_thread.run_sync(job, abandon_on_cancel=True, limiter=limiter)
            return result
        return await asyncio.get_running_loop().run_in_executor(_threads(), job)
    except ClientError as error:
        raise error.with_traceback(None) from error.__cause__
    except Exception:
        raise
    except BaseException:  # cancelled, by asyncio or trio
        abort.now()
        raise


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="mockserver-client")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a child process has none of the threads
