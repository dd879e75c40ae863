"""The awaited client on trio."""

import time

import pytest
import trio
from support.http import ask

import mockserver

pytestmark = pytest.mark.smoke


@pytest.fixture
def mock():
    with mockserver.Server() as blocking:
        yield mockserver.AsyncClient(blocking.url)


def test_calls_are_awaited_and_checks_wait(mock):
    async def main():
        route = await mock.get("/x").reply(503, 200)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: route.assert_called(2, within="5s"))
            for _ in range(2):
                await trio.to_thread.run_sync(ask, mock.url, "GET", "/x")
        assert (await route.calls).statuses == [503, 200]
        with pytest.raises(mockserver.VerificationFailed, match="expected 3 calls, saw 2"):
            await route.assert_called(3)
        async with mock.outage(status=503, optional=True):
            pass

    trio.run(main)


def test_cancelling_ends_a_check_that_waits(mock):
    async def main():
        route = await mock.get("/x").reply(200)
        with trio.move_on_after(0.1) as scope:
            await route.assert_called(within="30s")
        assert scope.cancelled_caught

    started_s = time.monotonic()
    trio.run(main)
    assert time.monotonic() - started_s < 5


def test_a_server_on_the_loop_of_trio_is_refused_with_what_to_write():
    async def main():
        with pytest.raises(mockserver.WrongEventLoop, match=r"with mockserver\.Server"):
            await mockserver.Server().__aenter__()

    trio.run(main)


def test_a_plain_function_answers_and_an_async_one_is_refused():
    async def answer(request):
        return 200

    async def main():
        with mockserver.Server() as blocking:
            with pytest.raises(TypeError, match="is async, and a function that answers can't run on trio"):
                blocking.get("/x").reply(answer)
            blocking.get("/y").reply(lambda request: 201)
            assert (await trio.to_thread.run_sync(ask, blocking.url, "GET", "/y")).status == 201

    trio.run(main)
