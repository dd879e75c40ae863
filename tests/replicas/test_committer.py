"""When the store counts as away."""

from __future__ import annotations

import asyncio

from mockserver.errors import MockServerError
from mockserver.replicas.committer import WAIT_S, Committer
from mockserver.replicas.store import EntryGroup, Written


class LateLoop(asyncio.SelectorEventLoop):
    """Its clock can be moved, as if a callback had taken that long."""

    busy_s = 0.0

    def time(self) -> float:
        return super().time() + self.busy_s


class Source:
    """Has one group to write."""

    def __init__(self) -> None:
        self.groups = [EntryGroup.__new__(EntryGroup)]
        self.given_up = False
        self.results: list[Written] = []
        self.told = asyncio.Event()

    def take(self) -> EntryGroup | None:
        return self.groups.pop() if self.groups else None

    def written(self, group: EntryGroup, result: Written) -> None:
        self.results.append(result)
        self.told.set()

    def give_up(self, error: MockServerError) -> None:
        self.given_up = True
        self.told.set()


def outcome_of(store_answers: bool, busy_s: float) -> Source:
    """Write a group with a loop that is busy for so long while the store answers, or does not."""

    class Store:
        async def write(self, groups: list[EntryGroup]) -> list[Written]:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, LateLoop)
            answer: asyncio.Future[list[Written]] = loop.create_future()
            if store_answers:
                loop.call_soon(answer.set_result, [Written.FENCED])
            loop.busy_s += busy_s
            return await answer

    async def main() -> Source:
        loop, source = asyncio.get_running_loop(), Source()
        committer = Committer(Store(), local=loop.time)  # type: ignore[arg-type]
        committer.wants(source)  # type: ignore[arg-type]
        await source.told.wait()
        await committer.close()
        return source

    with asyncio.Runner(loop_factory=LateLoop) as runner:
        return runner.run(main())


def test_a_busy_loop_does_not_make_the_store_late() -> None:
    source = outcome_of(store_answers=True, busy_s=5 * WAIT_S)
    assert source.results == [Written.FENCED]
    assert not source.given_up


def test_a_store_that_does_not_answer_is_away() -> None:
    assert outcome_of(store_answers=False, busy_s=WAIT_S).given_up
