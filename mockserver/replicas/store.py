"""What replicas ask of the store that they share. Each operation is one script there: it happens whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from mockserver.errors import SharedStoreError

FORMAT = "2"
"""The version of the keys and entries in the store."""
DEAD_S = 3.0
"""A replica whose last heartbeat is so long ago, by the store's time, loses its namespaces to the replicas that request them."""
GONE_S = 5.0
"""The time without a heartbeat after which a replica is removed."""
MOST_BLOCKS = 16
"""So many blocks are read at once: the store serves nobody else meanwhile."""


class StoreAwayError(SharedStoreError):
    """
    The store did not answer. What was asked of it may have happened, may yet happen, or never will: the same is asked
    again until an answer comes.
    """


class StoreRefusedError(SharedStoreError):
    """The store can't be used: wrong password, wrong version, settings that lose data, other scenario files."""


class StoreIsFullError(SharedStoreError):
    """The store has no memory left. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Member:
    """
    A replica as the others see it. `id` is new at each start and each time it joins again. `address` is where others
    reach it, as host:port; `secret` what they prove themselves by. `files` are the digests of its scenario files by name.
    """

    id: str
    address: str
    version: str
    digest: str
    started_s: float
    beat_s: float = 0.0
    told: Mapping[str, Any] = field(default_factory=dict)
    """What it says of itself with each heartbeat: calls per second, namespaces."""


@dataclass(frozen=True, slots=True)
class Beat:
    """The answer to a heartbeat: the store's time, its run, the members. `is_known` is False once others have buried this one."""

    time_s: float
    run_id: str
    members: tuple[Member, ...]
    is_known: bool
    digest: str | None = None
    """Of the files that are valid now; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a namespace before its entries: it is given at its creation."""

    seed: str | None
    ttl_s: float | None


@dataclass(frozen=True, slots=True)
class OwnerClaim:
    """
    Who runs a namespace. `owner` is a member's id, None where there is no such namespace; with `is_new` it is this
    replica from now on, by this `epoch`. `existed`: it was there before.
    """

    owner: str | None
    epoch: str = ""
    is_new: bool = False
    existed: bool = True
    facts: Facts | None = None


class Written(StrEnum):
    """What became of a group of entries."""

    DONE = "done"
    FENCED = "fenced"
    """Another replica owns the namespace by now: nothing was written."""
    GONE = "gone"
    """The store knows no such namespace, or lacks a group: it was emptied, or the namespace was removed."""
    FULL = "full"
    """The store has no memory left: nothing was written."""
    CLOSED = "closed"
    """The namespace is not open to other replicas by that token any more: nothing was written."""
    REFUSED = "refused"
    """The store did not take the group, for a reason that its log and ours say: nothing was written."""


@dataclass(frozen=True, slots=True)
class EntryGroup:
    """
    A block of entries of one namespace, `count` of them, written whole or not at all. `sequence` counts the groups of an
    epoch from 1: one that was written already is not written again. `token`: the namespace is open from then on to
    replicas that have it; with an empty one it is closed. An empty block changes only that.
    """

    namespace: str
    epoch: str
    sequence: int
    block: bytes
    count: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class AddedGroup:
    """
    A block that a replica adds to an open namespace, written only if `token` is that of now. `sequence` counts the groups
    of a `writer`: one that was written already is not written again, and is never refused.
    """

    namespace: str
    token: str
    writer: str
    sequence: int
    block: bytes
    count: int


@dataclass(frozen=True, slots=True)
class History:
    """What the store keeps of a namespace: a checkpoint, and the blocks since. `position` is that of the first block."""

    checkpoint: bytes | None
    position: int
    blocks: Sequence[bytes]


class Store(Protocol):
    """The scripts. Each raises StoreAwayError where no answer came."""

    async def join(self, member: Member, files: Mapping[str, str], *, adopt: bool) -> Beat:
        """
        Become a member. With `adopt`, or without another member that lives, its files are the valid ones from now on.
        Raises StoreRefusedError, which names the files that differ.
        """

    async def beat(self, member: Member) -> Beat:
        """Say that the replica lives."""

    async def leave(self, member_id: str) -> None:
        """Be no member any more, and give up every namespace."""

    async def claim(
        self, namespace: str, member_id: str, epoch: str, facts: Facts | None = None
    ) -> OwnerClaim:
        """
        Own the namespace, if nobody else that lives does. With `facts` a new one is made; one that is there stays as it
        is. Without, only the default namespace is made. `epoch` is unique: groups of any other one are refused from
        then on, and the namespace is closed.
        """

    async def write(self, groups: Sequence[EntryGroup | AddedGroup]) -> list[Written]:
        """Append groups in their order, each on its own."""

    async def check(self, namespace: str, epoch: str) -> Written:
        """Say whether groups of that epoch would be taken: DONE, FENCED or GONE."""

    async def history(self, namespace: str) -> History:
        """Read a namespace."""

    async def blocks(self, namespace: str, epoch: str, start: int) -> tuple[Written, Sequence[bytes]]:
        """
        Read blocks from that position on, up to MOST_BLOCKS. With DONE, the epoch is still the current one; with FENCED
        and GONE there are none.
        """

    async def checkpoint(self, namespace: str, epoch: str, position: int, data: bytes) -> Written:
        """
        Keep a checkpoint that holds all blocks before `position`, and drop the blocks that the checkpoint before it
        holds.
        """

    async def remove(self, namespace: str, epoch: str) -> Written:
        """Remove a namespace with all that is kept of it."""

    async def namespaces(self) -> dict[str, tuple[str | None, Facts]]:
        """Return every namespace with its owner and its facts."""

    async def close(self) -> None:
        """Close the connections."""
