"""
One server in one process: signals, exit codes, and what is said on the terminal.

0 after SIGTERM or SIGINT, 1 where it can't listen, 2 where a scenario or what TLS asks for is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable

from mockserver.app import App, PortTaken
from mockserver.errors import MissingExtra, TlsRefused
from mockserver.files.source import LoadFailed
from mockserver.files.watching import fingerprint
from mockserver.settings import Settings

log = logging.getLogger("mockserver")
_LOOK_EVERY_S = 0.5


def run(settings: Settings) -> int:
    """Serves until a signal comes. The exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            runner.run(_run(settings))
    except LoadFailed as why:
        sys.stderr.write("".join(line + "\n" for line in why.lines))
        return 2
    except (TlsRefused, MissingExtra) as why:
        sys.stderr.write(f"{why}\n")
        return 2
    except PortTaken as why:
        sys.stderr.write(f"{why}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where the extra `fast` is installed; None for asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _run(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    # Looked at before the files are read: what changes in between is a change.
    seen = fingerprint(settings.paths) if settings.watch else None
    app = App(settings)
    await app.start()
    # What was loaded stays; calls are freed by reference counts alone, so circles are rare.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        print(app.describe(), flush=True)  # noqa: T201  (the line that says it serves)
        async with _watched(app, seen):
            await stopped.wait()
        if await app.settle():
            _leave()
    finally:
        await app.stop()


def _leave() -> None:
    """
    Ends the process where it stands, since something still hangs. Cutting thousands
    of replies one by one takes seconds; the kernel closes their connections at once.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(0)


@contextlib.asynccontextmanager
async def _watched(app: App, seen: int | None) -> AsyncIterator[None]:
    """Looks at the files while it is open, and reloads them when they are no longer as `seen`; None: doesn't."""
    if seen is None:
        yield
        return
    task = asyncio.create_task(_watch(app, seen))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(app: App, seen: int) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        now = await asyncio.to_thread(fingerprint, app.settings.paths)
        if now == seen:
            continue
        seen = now
        try:
            found = app.reload()
            log.info("reloaded: %s scenarios with %s routes", found["scenarios"], found["routes"])
        except LoadFailed as why:
            log.error("not reloaded, the old scenarios go on answering:\n%s", "\n".join(why.lines))  # noqa: TRY400
