"""The store's scripts as a class in memory, with a clock of its own, and an unreliable way to it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mockserver.replicas.store import (
    DEAD_S,
    GONE_S,
    MOST_BLOCKS,
    AddedGroup,
    Beat,
    EntryGroup,
    Facts,
    History,
    Member,
    OwnerClaim,
    StoreAwayError,
    StoreRefusedError,
    Written,
)

T = TypeVar("T")


@dataclass(slots=True)
class Kept:
    """What is kept of one namespace. `base` is the checkpoint that a reader begins with, `newest` the one after it."""

    facts: Facts
    owner: str | None = None
    epoch: str = ""
    sequence: int = 0
    position: int = 0
    blocks: list[bytes] = field(default_factory=list)
    token: str = ""
    writers: dict[str, int] = field(default_factory=dict)
    base: bytes | None = None
    newest: tuple[int, bytes] | None = None


class Table:
    """The store. Each method is one script: it happens whole."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.now_s = now_s
        self.runs = 0
        self.full = False
        self.empty()

    def empty(self) -> None:
        """The store starts again with nothing in it."""
        self.runs += 1
        self.members: dict[str, Member] = {}
        self.kept: dict[str, Kept] = {}
        self.files: dict[str, str] | None = None

    def join(self, member: Member, files: Mapping[str, str], adopt: bool) -> Beat:
        is_alone = all(self.now_s() - other.beat_s > GONE_S for other in self.members.values())
        if adopt or is_alone or self.files is None:
            self.files = dict(files)
        names = sorted(name for name in {*self.files, *files} if self.files.get(name) != files.get(name))
        if names:
            raise StoreRefusedError(f"other files: {names}")
        self.members[member.id] = replace(member, beat_s=self.now_s())
        return self._beat(is_known=True)

    def beat(self, member: Member) -> Beat:
        for id_, other in tuple(self.members.items()):
            if self.now_s() - other.beat_s > GONE_S:
                del self.members[id_]
        is_known = member.id in self.members
        if is_known:
            self.members[member.id] = replace(member, beat_s=self.now_s())
        return self._beat(is_known=is_known)

    def _beat(self, *, is_known: bool) -> Beat:
        return Beat(self.now_s(), str(self.runs), tuple(self.members.values()), is_known)

    def leave(self, member_id: str) -> None:
        self.members.pop(member_id, None)

    def _lives(self, member_id: str | None) -> bool:
        member = self.members.get(member_id or "")
        return member is not None and self.now_s() - member.beat_s <= DEAD_S

    def claim(self, namespace: str, member_id: str, epoch: str, facts: Facts | None) -> OwnerClaim:
        kept = self.kept.get(namespace)
        if member_id not in self.members:
            raise StoreAwayError("the store does not know this replica")
        if kept is None:
            if facts is None and namespace != "default":
                return OwnerClaim(None)
            kept = self.kept[namespace] = Kept(facts or Facts(None, None))
            existed = False
        else:
            existed = True
        if existed and facts is not None:
            return OwnerClaim(kept.owner, kept.epoch, is_new=False, existed=True, facts=kept.facts)
        if kept.owner != member_id and self._lives(kept.owner):
            return OwnerClaim(kept.owner, kept.epoch, is_new=False, existed=existed, facts=kept.facts)
        kept.owner, kept.epoch, kept.sequence, kept.token = member_id, epoch, 0, ""
        return OwnerClaim(member_id, kept.epoch, is_new=True, existed=existed, facts=kept.facts)

    def write(self, groups: Sequence[EntryGroup | AddedGroup]) -> list[Written]:
        return [self._add(group) if isinstance(group, AddedGroup) else self._write(group) for group in groups]

    def _add(self, group: AddedGroup) -> Written:
        kept = self.kept.get(group.namespace)
        if kept is None:
            return Written.CLOSED
        if group.sequence <= kept.writers.get(group.writer, 0):
            return Written.DONE
        if group.token != kept.token:
            return Written.CLOSED
        if self.full:
            return Written.FULL
        kept.blocks.append(group.block)
        kept.writers[group.writer] = group.sequence
        return Written.DONE

    def _write(self, group: EntryGroup) -> Written:
        kept = self.kept.get(group.namespace)
        if kept is None:
            return Written.GONE
        if kept.epoch != group.epoch:
            return Written.FENCED
        if group.sequence <= kept.sequence:
            return Written.DONE
        if group.sequence != kept.sequence + 1:
            return Written.GONE
        if self.full:
            return Written.FULL
        if group.block:
            kept.blocks.append(group.block)
        kept.sequence, kept.token = group.sequence, group.token
        return Written.DONE

    def check(self, namespace: str, epoch: str) -> Written:
        kept = self.kept.get(namespace)
        if kept is None:
            return Written.GONE
        return Written.DONE if kept.epoch == epoch else Written.FENCED

    def history(self, namespace: str) -> History:
        kept = self.kept[namespace]
        return History(kept.base, kept.position, tuple(kept.blocks))

    def read(self, namespace: str, epoch: str, start: int) -> tuple[Written, Sequence[bytes]]:
        result = self.check(namespace, epoch)
        if result is not Written.DONE:
            return result, ()
        kept = self.kept[namespace]
        start -= kept.position
        return result, tuple(kept.blocks[start : start + MOST_BLOCKS])

    def checkpoint(self, namespace: str, epoch: str, position: int, data: bytes) -> Written:
        kept = self.kept.get(namespace)
        if kept is None:
            return Written.GONE
        if kept.epoch != epoch:
            return Written.FENCED
        if kept.newest is not None:
            if position <= kept.newest[0]:
                return Written.DONE
            at, base = kept.newest
            del kept.blocks[: at - kept.position]
            kept.position, kept.base = at, base
        kept.newest = position, data
        return Written.DONE

    def remove(self, namespace: str, epoch: str) -> Written:
        kept = self.kept.get(namespace)
        if kept is None:
            return Written.GONE
        if kept.epoch != epoch:
            return Written.FENCED
        del self.kept[namespace]
        return Written.DONE

    def namespaces(self) -> dict[str, tuple[str | None, Facts]]:
        return {name: (kept.owner, kept.facts) for name, kept in self.kept.items()}


class SimulatedStore:
    """
    A replica's way to the table. `between` is awaited before each script with its name, and says what happens: "ok",
    "lost" (the script does not happen, and no answer comes), "late" (no answer comes, and the script happens later) or
    "doubled" (no answer comes, but the script has happened).
    """

    def __init__(self, table: Table, between: Callable[[str], Awaitable[str]]) -> None:
        self._table = table
        self._between = between
        self.late: list[Callable[[], object]] = []
        """Scripts that have been sent and have not arrived."""

    async def _run(self, name: str, script: Callable[[], T]) -> T:
        happens = await self._between(name)
        if happens == "lost":
            raise StoreAwayError("lost")
        if happens == "late":
            self.late.append(script)
            raise StoreAwayError("late")
        result = script()
        if happens == "doubled":
            raise StoreAwayError("the answer was lost")
        return result

    def arrive(self) -> None:
        """What was late arrives."""
        late, self.late = self.late, []
        for script in late:
            with contextlib.suppress(StoreAwayError):  # nobody waits for what it says
                script()

    async def join(self, member: Member, files: Mapping[str, str], *, adopt: bool) -> Beat:
        return await self._run("join", lambda: self._table.join(member, files, adopt))

    async def beat(self, member: Member) -> Beat:
        return await self._run("beat", lambda: self._table.beat(member))

    async def leave(self, member_id: str) -> None:
        await self._run("leave", lambda: self._table.leave(member_id))

    async def claim(
        self, namespace: str, member_id: str, epoch: str, facts: Facts | None = None
    ) -> OwnerClaim:
        return await self._run("claim", lambda: self._table.claim(namespace, member_id, epoch, facts))

    async def write(self, groups: Sequence[EntryGroup | AddedGroup]) -> list[Written]:
        return await self._run("write", lambda: self._table.write(groups))

    async def check(self, namespace: str, epoch: str) -> Written:
        return await self._run("check", lambda: self._table.check(namespace, epoch))

    async def history(self, namespace: str) -> History:
        return await self._run("history", lambda: self._table.history(namespace))

    async def blocks(self, namespace: str, epoch: str, start: int) -> tuple[Written, Sequence[bytes]]:
        return await self._run("blocks", lambda: self._table.read(namespace, epoch, start))

    async def checkpoint(self, namespace: str, epoch: str, position: int, data: bytes) -> Written:
        return await self._run("checkpoint", lambda: self._table.checkpoint(namespace, epoch, position, data))

    async def remove(self, namespace: str, epoch: str) -> Written:
        return await self._run("remove", lambda: self._table.remove(namespace, epoch))

    async def namespaces(self) -> dict[str, tuple[str | None, Facts]]:
        return await self._run("namespaces", self._table.namespaces)

    async def close(self) -> None:
        pass
