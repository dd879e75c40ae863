"""
Asks a function of the test what is answered: on this loop where it is async, else on a thread.

A plain function may block, or call this very server, which must go on answering meanwhile.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from concurrent.futures import ThreadPoolExecutor

from mockserver.model.call import Call

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
        log.exception("the function that answers %s failed", call.route_id)
        consult.failed(why)
    else:
        consult.answered(value)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="mockserver-function")
