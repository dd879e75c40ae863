"""Which replica runs which namespace: claims, heartbeats, taking over, giving up."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mockserver.engine.engine import Engine, NamespaceExistsError
from mockserver.engine.namespace import DEFAULT, Namespace
from mockserver.errors import MockServerError
from mockserver.replicas.checkpoint import checkpoint_of, restore_checkpoint
from mockserver.replicas.clock import LoggedClock, StoreClock
from mockserver.replicas.committer import Committer
from mockserver.replicas.entry_writer import Mark
from mockserver.replicas.journal import NamespaceJournal, OwnerLostError
from mockserver.replicas.opening import OPEN_AFTER
from mockserver.replicas.replay import AdminRun, replay
from mockserver.replicas.store import (
    Beat,
    Facts,
    Member,
    OwnerClaim,
    Store,
    StoreAwayError,
    StoreIsFullError,
    StoreRefusedError,
    Written,
)

log = logging.getLogger("mockserver")

BEAT_S = 1.0
SILENT_S = 2.0
"""A replica that has not heard of the store for so long is not ready."""
_AGAIN_S = 0.2
_LEAST_BETWEEN = 20_000
"""The least number of entries between two checkpoints; more where the call log is longer."""
_TURN_ENTRIES = 50
"""So many entries are replayed before others have their turn."""


@dataclass(slots=True)
class OwnershipFigures:
    """What the metrics say: namespaces taken over from others, and given up."""

    taken_over: int = 0
    lost: int = 0
    emptied_at_s: float | None = None
    """When the store was found empty or replaced last, by its time."""
    replayed: int = 0


class Ownership:
    """
    One for a replica. `local` is a monotonic clock, `sleep` the loop's. `run` runs a call of the admin API in a replay.
    `settled` is called with a namespace that was taken over, `dropped` with one that was given up.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: StoreClock,
        member: Member,
        files: Mapping[str, str],
        *,
        adopt: bool,
        local: Callable[[], float],
        run: AdminRun,
        settled: Callable[[Namespace], None] = lambda _: None,
        dropped: Callable[[Namespace], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        told: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.store = store
        self.engine = engine
        self.clock = clock
        self.member = member
        self.members: dict[str, Member] = {}
        self.journals: dict[str, NamespaceJournal] = {}
        self.figures = OwnershipFigures()
        self.error: str | None = None
        """Why this replica is not ready; None where it is."""
        self.committer = Committer(store, local=local, sleep=sleep)
        self.files = files
        self._tidy: Callable[[], None] = lambda: None
        self._adopt = adopt
        self._local = local
        self._run = run
        self._settled = settled
        self._dropped = dropped
        self._sleep = sleep
        self._told = told
        self._digest = hashlib.sha256(json.dumps(dict(sorted(files.items()))).encode()).hexdigest()
        self._homes: dict[str, str] = {}
        self._claiming: dict[str, asyncio.Task[NamespaceJournal | Member | None]] = {}
        self._beat_ok_s = float("-inf")
        self._run_id: str | None = None
        self._beating: asyncio.Task[None] | None = None
        self.checkpoint_entries = max(_LEAST_BETWEEN, 2 * engine.settings.limits.calls)
        """The number of entries after which a checkpoint is due."""
        self.open_after = OPEN_AFTER
        self._checkpoints: dict[str, int] = {}
        self._saving: set[asyncio.Task[None]] = set()

    # Membership

    async def start(self) -> None:
        """Join, once. Raises StoreRefusedError, StoreAwayError."""
        await self._join()

    def keep_beating(self, tidy: Callable[[], None]) -> None:
        """Send heartbeats from now on, and call `tidy` beside each."""
        self._tidy = tidy
        self._beating = asyncio.get_running_loop().create_task(self._beat_on())

    async def _join(self) -> None:
        before_s = self._local()
        beat = await self.store.join(self.member, self.files, adopt=self._adopt)
        self._observe(before_s, beat)
        self._beat_ok_s = before_s
        self._adopt = False

    def _observe(self, before_s: float, beat: Beat) -> None:
        now_s = self._local()
        self.clock.observe(before_s, now_s, beat.time_s)
        self.members = {member.id: member for member in beat.members}
        self._run_id = beat.run_id
        self.error = None

    async def beat(self) -> None:
        """Send one heartbeat. Raises StoreAwayError, StoreRefusedError."""
        before_s = self._local()
        known, run_id = set(self.members), self._run_id
        beat = await self.store.beat(replace(self.member, told=self._told()))
        if not beat.is_known:
            await self._join_again(emptied=beat.run_id != run_id)
            return
        self._observe(before_s, beat)
        self._beat_ok_s = before_s
        if beat.digest is not None and beat.digest != self._digest:
            self.error = (
                "other replicas have adopted other scenario files; start this one with the same files"
            )
            await self._give_up_all()
        if known - set(self.members):
            await self._take_over_abandoned()

    async def _give_up_all(self) -> None:
        """Leave every namespace to the replicas that have the valid files."""
        for journal in tuple(self.journals.values()):
            self.lose(journal, OwnerLostError("other scenario files are valid now"))
        await self.store.leave(self.member.id)

    async def _join_again(self, *, emptied: bool) -> None:
        """Others have taken this replica for dead, or the store was emptied."""
        log.warning(
            "this replica joins the store again: %s",
            "the store is empty or another one, and everything begins as after a reset"
            if emptied
            else "others have taken it for dead",
        )
        for journal in tuple(self.journals.values()):
            self.lose(journal, OwnerLostError("this replica was taken for dead"))
        self._homes.clear()
        self.member = replace(self.member, id=secrets.token_hex(8))
        await self._join()
        if emptied:
            self.figures.emptied_at_s = self.clock.live()

    async def _beat_on(self) -> None:
        pause_s = BEAT_S
        while True:
            await self._sleep(pause_s)
            pause_s = BEAT_S
            try:
                await self.beat()
            except StoreAwayError as error:
                pause_s = _AGAIN_S
                if self._local() - self._beat_ok_s > SILENT_S:
                    self.error = str(error)
            except StoreRefusedError as error:
                self.error = str(error)
                log.error("this replica is not ready: %s", error)  # noqa: TRY400  (the error says all)
            except Exception:
                log.exception("a heartbeat failed")
            self.keep_short()
            self._tidy()

    async def confirm(self, journal: NamespaceJournal) -> None:
        """
        Make sure that nobody has taken the namespace over so far: what it remembers here is what the store has. Raises
        OwnerLostError, StoreAwayError.
        """
        if journal.entries.lost is None:
            written = await self.store.check(journal.ns.name, journal.entries.epoch)
            if written is not Written.DONE:
                self.lose(journal, _refusal(written))
        if journal.entries.lost is not None:
            raise journal.entries.lost

    async def stop(self) -> None:
        """Give up every namespace, and leave."""
        if self._beating is not None:
            self._beating.cancel()
        for task in self._claiming.values():
            task.cancel()
        await self.committer.settle()
        await self.committer.close()
        if self._saving:
            await asyncio.wait(self._saving, timeout=1)
        try:
            await self.store.leave(self.member.id)
        except (StoreAwayError, StoreRefusedError):
            log.warning(
                "the store could not be told that this replica stops; others notice it within seconds"
            )
        await self.store.close()

    # Homes

    async def home(self, name: str, facts: Facts | None = None) -> NamespaceJournal | Member | None:
        """
        Return who runs the namespace: this replica (its journal) or another. None: there is no such namespace. With
        `facts` it is made. Raises StoreAwayError.
        """
        journal = self.journals.get(name)
        if journal is not None:
            return journal
        owner = self.members.get(self._homes.get(name, ""))
        if owner is not None:
            return owner
        task = self._claiming.get(name)
        if task is None:
            task = self._claiming[name] = asyncio.get_running_loop().create_task(self._claim(name, facts))
            task.add_done_callback(lambda _: self._claiming.pop(name, None))
        return await asyncio.shield(task)

    def forget_home(self, name: str, owner: Member) -> None:
        """That replica does not run the namespace, or can't be reached."""
        if self._homes.get(name) == owner.id:
            del self._homes[name]

    async def make(self, name: str, facts: Facts) -> NamespaceJournal:
        """Make a namespace. Raises NamespaceExistsError, StoreAwayError."""
        if name == DEFAULT:
            raise NamespaceExistsError(name)
        claim = await self.store.claim(name, self.member.id, secrets.token_hex(8), facts)
        if claim.existed:
            raise NamespaceExistsError(name)
        return await self._acquire(name, claim)

    async def remove(self, journal: NamespaceJournal) -> None:
        """Remove a namespace of this replica. Raises StoreAwayError, OwnerLostError."""
        await journal.opening.closed()
        await journal.entries.stored()
        if await self.store.remove(journal.ns.name, journal.entries.epoch) is Written.FENCED:
            error = OwnerLostError("another replica owns it")
            self.lose(journal, error)
            raise error
        self.journals.pop(journal.ns.name, None)
        journal.entries.fail(OwnerLostError("the namespace was removed"))

    async def _claim(self, name: str, facts: Facts | None) -> NamespaceJournal | Member | None:
        claim = await self.store.claim(name, self.member.id, secrets.token_hex(8), facts)
        if claim.owner is None:
            return None
        if claim.is_new:
            return await self._acquire(name, claim)
        owner = self.members.get(claim.owner)
        if owner is None:
            await self.beat()
            owner = self.members.get(claim.owner)
            if owner is None:
                raise StoreAwayError("the replica that owns the namespace is not known yet")
        self._homes[name] = owner.id
        return owner

    async def _acquire(self, name: str, claim: OwnerClaim) -> NamespaceJournal:
        """Take a namespace over with all that its earlier owners were told."""
        history = await self.store.history(name)
        facts = claim.facts or Facts(None, None)
        self._drop(name)
        ns = self.engine.renew(name, seed=facts.seed, ttl_s=facts.ttl_s)
        ns.clock = LoggedClock(self.engine.shared.wall)
        journal = NamespaceJournal(
            ns,
            self.engine,
            self.clock,
            self.committer,
            self,
            claim.epoch,
            blocks=history.position + len(history.blocks),
            open_after=self.open_after,
        )
        turns = 0

        async def pause() -> None:
            nonlocal turns
            turns += 1
            if turns % _TURN_ENTRIES == 0:
                await asyncio.sleep(0)

        try:
            if history.checkpoint is not None:
                restore_checkpoint(ns, history.checkpoint)
            await replay(journal, history.blocks, self._run, pause)
        except MockServerError as error:
            self._drop(name)
            raise StoreRefusedError(
                f"what the store keeps of the namespace {name} can't be read: {error}. Use another --store-prefix, or "
                "delete the keys"
            ) from error
        self._checkpoints[name] = 0
        if history.blocks:
            self.figures.taken_over += 1
            self.figures.replayed += journal.recorded
        self._homes.pop(name, None)
        self.journals[name] = journal
        self._settled(ns)
        return journal

    def refused(self, journal: NamespaceJournal, result: Written) -> None:
        """The store has refused a group of the namespace."""
        self.lose(journal, _refusal(result))

    async def read_blocks(self, journal: NamespaceJournal) -> Sequence[bytes]:
        """Read the next blocks of a namespace. Raises OwnerLostError, StoreAwayError."""
        result, blocks = await self.store.blocks(
            journal.ns.name, journal.entries.epoch, journal.entries.blocks
        )
        if result is not Written.DONE:
            self.lose(journal, _refusal(result))
        if journal.entries.lost is not None:
            raise journal.entries.lost
        return blocks

    def lose(self, journal: NamespaceJournal, error: MockServerError) -> None:
        """Give a namespace up: another replica owns it, or the store has not taken what it did."""
        journal.entries.fail(error)
        if self.journals.get(journal.ns.name) is journal:
            del self.journals[journal.ns.name]
            self.figures.lost += 1
            self._drop(journal.ns.name)

    def _drop(self, name: str) -> None:
        """Forget what the namespace remembers here."""
        old = self.engine.namespaces.get(name)
        if old is not None:
            self._dropped(old)
            self.engine.drop(old)

    async def _take_over_abandoned(self) -> None:
        """Namespaces of replicas that have gone have webhooks to send, and calls to be marked: somebody has to run them."""
        for name, (owner, _) in (await self.store.namespaces()).items():
            if owner not in self.members and name not in self.journals:
                await self.home(name)

    # Checkpoints

    def keep_short(self) -> None:
        """
        Shorten what the store keeps of each namespace: take a checkpoint where there are many entries since the last, at
        the first moment without a call in progress. Calls that other replicas have added are counted before.
        """
        for journal in self.journals.values():
            if journal.entries.token:
                self._begin(self._follow(journal))
            elif self._is_due(journal):
                journal.when_idle = self._take_checkpoint
                journal.tell_idle()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    def _is_due(self, journal: NamespaceJournal) -> bool:
        return journal.recorded - self._checkpoints.get(journal.ns.name, 0) >= self.checkpoint_entries

    async def _follow(self, journal: NamespaceJournal) -> None:
        """Count what other replicas have added to an open namespace. It is closed where somebody waits for calls."""
        try:
            if journal.ns.watchers or journal.ns.followers or journal.ns.listeners:
                await journal.opening.closed()
            else:
                await journal.opening.catch_up()
        except MockServerError as error:
            log.debug("the namespace %s could not be followed: %s", journal.ns.name, error)
            return
        is_quiet = journal.entries.is_complete and not journal.open and not journal.changes.locked()
        if journal.opening.is_open and is_quiet and self._is_due(journal):
            self._take_checkpoint(journal)

    def _take_checkpoint(self, journal: NamespaceJournal) -> None:
        ns = journal.ns
        if ns.recordings is not None:
            return  # they are only in the entries
        journal.when_idle = None
        self._checkpoints[ns.name] = journal.recorded
        unlogged = journal.opening.added.unlogged
        ns.last_number += unlogged
        taken = checkpoint_of(ns, self.engine.settings.seed)
        ns.last_number -= unlogged
        self._begin(self._save(journal, journal.entries.end(), taken))

    async def _save(self, journal: NamespaceJournal, end: Mark, taken: Callable[[], bytes]) -> None:
        try:
            data = await asyncio.to_thread(taken)
            await journal.entries.stored()
            await self.store.checkpoint(journal.ns.name, journal.entries.epoch, end.blocks, data)
        except MockServerError as error:
            log.warning("no checkpoint of the namespace %s could be kept: %s", journal.ns.name, error)


def _refusal(written: Written) -> MockServerError:
    if written is Written.FULL:
        return StoreIsFullError("the store has no memory left")
    if written is Written.REFUSED:
        return StoreRefusedError("the store did not take what was done")
    if written is Written.FENCED:
        return OwnerLostError("another replica owns the namespace")
    return OwnerLostError("the store does not know the namespace any more")
