"""
Keeps the state file up to date. It looks for changes periodically, so that requests don't become slower.

Changed namespaces are copied on the event loop, one at a time, and encoded and written in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.persistence.document import UnreadableDocumentError, composed, read
from mockserver.persistence.encoding import Encoded, encoded
from mockserver.persistence.errors import StateFileError, StateFileRefusedError
from mockserver.persistence.file import Disk
from mockserver.persistence.restoring import RestoreError, restore
from mockserver.persistence.saved_calls import CallsCopy, SavedCalls
from mockserver.persistence.saving import NamespaceCopy, copy_of, pending_of
from mockserver.real_time import REAL

log = logging.getLogger("mockserver")

SAVED_WITHIN_S = 1.0
"""Time from a change until it is on disk. A change just after the start of a save waits for the next one."""
_LONGEST_PAUSE_S = 0.25
_SHORTEST_PAUSE_S = 0.05
_FADES = 0.8
"""Factor of the duration of the last save that is left after the next one."""
_LONGEST_TURN_S = 0.002
"""Maximum time for which the event loop is blocked."""
_BREATHES_EVERY_S = 0.001
_BREATH_S = 0.0002
_LOOKED_AT = 64
"""Number of namespaces that are checked between two looks at the clock."""


@dataclass(slots=True)
class _Seen:
    """The state of a namespace when it was last copied."""

    ns: Namespace
    last_number: int
    pending: tuple[Any, ...] | None


class Keeper:
    """
    The state file of one server, on its event loop.

    `wall` returns Unix seconds, `seed` is the seed of the server.
    """

    def __init__(self, path: str, engine: Engine, wall: Callable[[], float], seed: str) -> None:
        self._disk = Disk(path)
        self._calls = SavedCalls(self._disk.path)
        self._engine = engine
        self._wall = wall
        self._seed = seed
        self._seen: dict[str, _Seen] = {}
        self._encoded: dict[str, Encoded] = {}
        self._behind = True
        self._changed_since_s = math.inf
        self._took_s = 0.0
        self._breath_s = 0.0
        self._saving = asyncio.Lock()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.saved_at: str | None = None
        self.error: str | None = None
        """Why the last save failed; None if it succeeded."""

    async def open(self) -> None:
        """
        Lock the file, and restore its content into the engine, before the first request.

        Raises StateFileRefusedError, StateFileError.
        """
        self._disk.lock()
        try:
            raw = self._disk.read()
            self._calls.restore(self._engine, {} if raw is None else self._restore(raw))
            await self._save()  # at once, so that a folder that can't be written to shows now
        except BaseException:
            self._calls.close()
            self._disk.unlock()
            raise
        self._task = asyncio.create_task(self._keep())

    def _restore(self, raw: bytes) -> dict[str, Any]:
        """Restore the namespaces of the state file, and return them. Raises StateFileRefusedError."""
        name = self._disk.name
        not_used = f"the state file {name} is not used"
        remedy = "Delete it to start from scratch, or name another with --state-file"
        try:
            kept = read(raw)
            restore(self._engine, kept)
        except UnreadableDocumentError as error:
            raise StateFileRefusedError(f"{not_used}: {error}. {remedy}") from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            odd = f"it is complete, but this mockserver can't read it ({type(error).__name__}: {error})"
            raise StateFileRefusedError(f"{not_used}: {odd}. {remedy}") from error
        except RestoreError as error:
            lines = "\n".join(f"{name}: {line}" for line in error.lines)
            raise StateFileRefusedError(
                f"{lines}\nFix that, or delete {name} to start from scratch, or name another with --state-file"
            ) from error
        return kept

    def view(self) -> dict[str, str | None]:
        """Return the state for `/health`."""
        return {"saved_at": self.saved_at, "error": self.error}

    def changed(self, since_s: float) -> None:
        """Note that an admin request, received at that time of the monotonic clock, may have changed something."""
        self._changed_since_s = min(self._changed_since_s, since_s)

    async def close(self) -> None:
        """Write what has changed, and release the file."""
        task, self._task = self._task, None
        if task is None:
            return
        self._ending.set()
        await task
        await self._save_or_say()
        self._calls.close()
        self._disk.unlock()

    # Looking

    async def _keep(self) -> None:
        while not await self._ends_within(self._pause_s()):
            await self._save_or_say()

    async def _ends_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        return self._ending.is_set()

    def _pause_s(self) -> float:
        """Two saves must fit into the limit; a third is a reserve for a slow disk."""
        return min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, SAVED_WITHIN_S - 3 * self._took_s))

    async def _save_or_say(self) -> None:
        """Save. A failure is logged once, and repeated at the next look; so is the recovery."""
        try:
            await self._save()
        except StateFileError as error:
            if self.error is None:
                log.error("%s. What has changed since is kept in memory only", error)  # noqa: TRY400
            self.error = str(error)
        except Exception as error:
            log.exception("the state was not saved")
            self.error = f"{type(error).__name__}: {error}"
            self._seen.clear()
        else:
            if self.error is not None:
                log.info("the state is saved again")
            self.error = None

    async def _save(self) -> None:
        """Write everything that happened before the call. Raises StateFileError."""
        async with self._saving:  # two at once would write one file
            began_s = REAL.monotonic()
            changed, calls = await self._take()
            as_many = len(self._encoded) == len(self._engine.namespaces)
            if as_many and not changed and not self._behind:
                return
            now = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds")
            saved_at = now.replace("+00:00", "Z")
            if await asyncio.to_thread(self._write, changed, calls, saved_at):
                self.saved_at = saved_at
            self._took_s = max(REAL.monotonic() - began_s, _FADES * self._took_s)

    async def _take(self) -> tuple[list[NamespaceCopy], list[CallsCopy]]:
        """Return copies of all namespaces that may have changed, and their calls, without long blocking."""
        since_s, self._changed_since_s = self._changed_since_s, math.inf
        changed: list[NamespaceCopy] = []
        calls: list[CallsCopy] = []
        ends_s = REAL.monotonic() + _LONGEST_TURN_S
        for i, ns in enumerate(list(self._engine.namespaces.values())):
            stands = self._stands(ns, since_s)
            if not stands and self._engine.namespaces.get(ns.name) is ns:
                self._seen[ns.name] = _Seen(ns, ns.last_number, pending_of(ns))
                copy = copy_of(ns, self._seed)
                changed.append(copy)
                listed = self._calls.list_changes(ns, copy.about)
                if listed is not None:
                    calls.append(listed)
            if (not stands or i % _LOOKED_AT == 0) and REAL.monotonic() > ends_s:
                await asyncio.sleep(0)
                ends_s = REAL.monotonic() + _LONGEST_TURN_S
        return changed, calls

    def _stands(self, ns: Namespace, since_s: float) -> bool:
        """Whether it can't have changed since it was copied."""
        seen = self._seen.get(ns.name)
        if seen is None or seen.ns is not ns:
            return False
        if seen.last_number != ns.last_number or ns.used_at_s >= since_s or self._calls.has_changed(ns):
            return False
        return seen.pending is None or seen.pending == pending_of(ns)

    # Writing, on a thread

    def _write(self, changed: list[NamespaceCopy], calls: list[CallsCopy], saved_at: str) -> bool:
        """
        Write the calls, and then the state file, so that it knows every call that it names. Return whether there was
        something to write. Raises StateFileError.
        """
        for name in self._encoded.keys() - self._engine.namespaces.keys():
            del self._encoded[name]
            self._seen.pop(name, None)
            self._calls.forget(name)
            self._behind = True
        for copy in changed:
            old = self._encoded.get(copy.name)
            new = self._encoded[copy.name] = encoded(copy, old, self._yield_to_loop)
            if old is None or old.pieces != new.pieces:
                self._behind = True
        try:
            self._calls.write(calls, self._yield_to_loop)
        except StateFileError:
            self._seen.clear()
            raise
        if not self._behind:
            return bool(calls)
        self._disk.write(composed(saved_at, ((name, copy.pieces) for name, copy in self._encoded.items())))
        self._behind = False
        return True

    def _yield_to_loop(self) -> None:
        """Give the event loop time to run, until the keeper is closed."""
        if REAL.monotonic() > self._breath_s and not self._ending.is_set():
            time.sleep(_BREATH_S)
            self._breath_s = REAL.monotonic() + _BREATHES_EVERY_S
