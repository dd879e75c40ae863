"""What a store answers in the place of a result, and what becomes of the group that was written."""

import asyncio

import pytest
from redis import exceptions

from mockserver.replicas.committer import Committer
from mockserver.replicas.redis_store import _of_response
from mockserver.replicas.store import EntryGroup, StoreAwayError, StoreIsFullError, StoreRefusedError, Written


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
    """One group that is to be written."""

    def __init__(self):
        self.left = [EntryGroup("default", "e", 1, b"entry", 1)]
        self.results = []

    def take(self):
        return self.left.pop() if self.left else None

    def written(self, group, result):
        self.results.append(result)


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
        committer = Committer(store, local=lambda: 0.0, sleep=lambda _: asyncio.sleep(0))
        committer.wants(journal)
        await committer.settle()
        return store.writes, journal.results

    writes, results = asyncio.run(run())

    assert results == [Written.DONE]
    assert writes == [writes[0]] * 2
