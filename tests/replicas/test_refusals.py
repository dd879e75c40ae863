"""What a store answers in the place of a result, and what becomes of the group that was written."""

import asyncio
from collections import deque
from types import SimpleNamespace

import pytest
from redis import exceptions

from mockserver.replicas.committer import Committer
from mockserver.replicas.redis_store import _of_response
from mockserver.replicas.store import StoreAwayError, StoreIsFullError, StoreRefusedError, Written


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'"), StoreIsFullError),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), StoreAwayError),
        (exceptions.MasterDownError("Link with MASTER is down"), StoreAwayError),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), StoreAwayError),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), StoreRefusedError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_an_error_is_known_where_the_library_leaves_its_word_out(error, meaning):
    assert type(_of_response(error)) is meaning


class Journal:
    """One entry that is to be written."""

    ns = SimpleNamespace(name="default")
    epoch = "e"
    groups = 0

    def __init__(self):
        self.unwritten = deque([b"entry"])
        self.confirmed = 0

    def confirm(self, count):
        self.confirmed += count


class Refusing:
    """A store that refuses the first write."""

    def __init__(self):
        self.writes = []

    async def write(self, groups):
        self.writes.append(groups)
        if len(self.writes) == 1:
            raise StoreRefusedError("the store refuses user or password")
        return [Written.DONE] * len(groups)


def test_a_group_that_was_refused_is_written_later():
    async def run():
        store, journal = Refusing(), Journal()
        committer = Committer(store, None, None, local=lambda: 0.0, sleep=lambda _: asyncio.sleep(0))
        committer.wants(journal)
        await committer.settle()
        return store.writes, journal.confirmed

    writes, confirmed = asyncio.run(run())

    assert confirmed == 1
    assert writes == [writes[0]] * 2
