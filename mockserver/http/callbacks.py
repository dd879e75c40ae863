"""
Asks a function of the test what is answered: on this loop where it is async, else on a thread.

A plain function may block, or call this very server, which must go on answering meanwhile.
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
    """Gives the call its plan. What the function raises becomes a 500 that says so, and is logged."""
    consult, call.consult = call.consult, None
    assert consult is not None
    try:
        if consult.blocks:
            value = await asyncio.get_running_loop().run_in_executor(_threads(), consult.ask)
        else:
            value = consult.ask()
        if inspect.isawaitable(value):
            value = await value
    except Exception as why:
        log.error(  # noqa: TRY400  (the same, but from the function on)
            "the function that answers %s failed", call.route_id, exc_info=(type(why), why, _inner(why))
        )
        consult.failed(why)
    else:
        consult.answered(value)


def _inner(why: Exception) -> TracebackType | None:
    """Its traceback without the way that leads to the function: the frames of this package, and of the thread."""
    found = why.__traceback__
    while found is not None and found.tb_next is not None and _is_way(found.tb_frame.f_code.co_filename):
        found = found.tb_next
    return found


def _is_way(file: str) -> bool:
    return file.startswith((_PACKAGE, _THREADS))


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="mockserver-function")
