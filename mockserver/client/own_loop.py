"""
Event loops: which one a call comes from, and whether a server of this process can answer it.

A server of this process answers on one event loop. A call that keeps that loop
from running, or whose server's loop does not run, would wait until its timeout,
so it is refused at once.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import weakref
from contextvars import ContextVar
from typing import Any, Protocol

from mockserver.client.errors import WrongEventLoop

LOOP: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("mockserver_loop", default=None)
ON_TRIO: ContextVar[bool] = ContextVar("mockserver_on_trio", default=False)
"""Whether the call comes from a task of trio."""
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104  (recognised, not listened on)


class OnLoop(Protocol):
    """A server of this process. `addresses` are those that it listens on."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    @property
    def addresses(self) -> list[tuple[str, int]]: ...


SERVERS: weakref.WeakSet[Any] = weakref.WeakSet()
"""The running servers; each is an OnLoop."""


def callers_loop() -> asyncio.AbstractEventLoop | None:
    """Return the running event loop of the caller, if any."""
    return _running_here() or LOOP.get()


def running_trio() -> Any:
    """The module trio, where the current task is one of it."""
    trio = sys.modules.get("trio")
    return trio if trio is not None and trio.lowlevel.in_trio_task() else None


def check_answers(host: str, port: int) -> None:
    """Raises WrongEventLoop where a server of this process listens there and can't answer. Raises OSError for an unknown host."""
    for server in list(SERVERS):
        hosts = {own_host for own_host, own_port in server.addresses if own_port == port}
        if hosts and any(_is_one_of(hosts, address) for address in _addresses(host, port)):
            check_runs(server.loop)
            return


def _addresses(host: str, port: int) -> set[str]:
    return {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}


def _is_one_of(hosts: set[str], address: str) -> bool:
    return address in hosts or (not hosts.isdisjoint(_WILDCARDS) and _is_of_this_machine(address))


def _is_of_this_machine(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
    return True


def check_runs(loop: asyncio.AbstractEventLoop) -> None:
    """Raises WrongEventLoop where that loop can't do anything while the caller waits for it."""
    caller = callers_loop()
    if _running_here() is loop:
        raise WrongEventLoop(
            "A blocking call to a mock server that runs on this event loop: the loop would wait for itself. "
            "Await the call instead (`async with mockserver.Server() as mock:` gives a client to await, and so does "
            "mockserver.AsyncClient), run it on a thread (`await asyncio.to_thread(...)`), "
            "or give the server a thread of its own (`with mockserver.Server() as mock:`)"
        )
    if not loop.is_running():
        origin = (
            f"it was asked from {loop_text(caller)}" if caller is not None else "it was asked from no loop"
        )
        raise WrongEventLoop(
            f"This mock server was made on {loop_text(loop)}, and {origin}. It answers only while its own loop runs. "
            "Make it on the loop that uses it, such as by a fixture of the same loop scope, "
            "or give it a thread of its own (`with mockserver.Server() as mock:`)"
        )


def _running_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def loop_text(loop: asyncio.AbstractEventLoop) -> str:
    """A loop as an error names it."""
    state = "running" if loop.is_running() else "closed" if loop.is_closed() else "not running"
    return f"the event loop {type(loop).__name__} at {id(loop):#x} ({state})"
