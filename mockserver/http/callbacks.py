"""
Run functions of the test that answer requests: on this loop if async, else on a thread.

A plain function may block, or call this server.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from mockserver.model.call import Call

_PACKAGE = str(Path(__file__).parents[1])
_THREADS = str(Path(futures.__file__).parent)
log = logging.getLogger("mockserver")
MOST_THREADS = 64


async def consulted(call: Call) -> None:
    """Set the plan of the call. An exception of the function is logged and becomes a 500 response that names it."""
    consult, call.consult = call.consult, None
    assert consult is not None
    try:
        if consult.blocks:
            value = await asyncio.get_running_loop().run_in_executor(_threads(), consult.ask)
        else:
            value = consult.ask()
        if inspect.isawaitable(value):
            value = await value
    except Exception as error:
        log.error(  # noqa: TRY400  (the same, but from the function on)
            "the function that answers %s failed", call.route_id, exc_info=(type(error), error, _inner(error))
        )
        consult.failed(error)
    else:
        consult.answered(value)


def _inner(error: Exception) -> TracebackType | None:
    """Return the traceback without the leading frames of this package and of the thread pool."""
    result = error.__traceback__
    while result is not None and result.tb_next is not None and _is_way(result.tb_frame.f_code.co_filename):
        result = result.tb_next
    return result


def _is_way(file: str) -> bool:
    return file.startswith((_PACKAGE, _THREADS))


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="mockserver-function")
