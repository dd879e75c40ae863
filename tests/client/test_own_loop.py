"""A server of this process answers on one event loop: calls that it can never answer are refused at once."""

import asyncio
import gc
import time

import pytest
from support.http import ask

import mockserver


@pytest.fixture
def at_once():
    """Fails a test that waited for a timeout."""
    started_s = time.monotonic()
    yield
    assert time.monotonic() - started_s < 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
async def test_a_blocking_call_to_a_server_of_the_same_loop_is_refused(at_once, host):
    async with mockserver.Server(host=host) as mock:
        url = mock.url.replace("0.0.0.0", "127.0.0.1")
        with mockserver.Client(url) as blocking:
            for work in (lambda: blocking.calls, blocking.verify, lambda: blocking.get("/x").reply(200)):
                with pytest.raises(
                    mockserver.WrongEventLoop, match="the loop would wait for itself"
                ) as caught:
                    work()
            assert "asyncio.to_thread" in str(caught.value)
            assert "Await the call instead" in str(caught.value)


async def test_one_over_tls_is_refused_too(at_once):
    async with mockserver.Server(tls=True) as mock:
        url = mock.url.replace("http:", "https:")
        with mockserver.Client(url) as blocking, pytest.raises(mockserver.WrongEventLoop):
            blocking.verify()


async def test_one_over_a_connection_that_a_thread_has_left_is_refused_too(at_once):
    async with mockserver.Server() as mock:
        with mockserver.Client(mock.url) as blocking:
            await asyncio.to_thread(blocking.verify)
            with pytest.raises(mockserver.WrongEventLoop):
                blocking.verify()
            await asyncio.to_thread(blocking.verify)


async def test_a_server_on_a_thread_answers_blocking_calls_of_any_loop():
    with mockserver.Server() as mock:
        mock.get("/x").reply(200)
        assert mock.calls.call_count == 0
        with mockserver.Client(mock.url) as blocking:
            blocking.verify()


def test_a_function_that_answers_on_the_servers_own_loop_is_refused_a_blocking_call(at_once):
    with mockserver.Server() as mock:
        raised = []

        async def answer(request):
            try:
                mock.verify()
            except mockserver.WrongEventLoop as error:
                raised.append(error)
            try:
                mock.get("/y").reply(lambda request: 200)
            except mockserver.WrongEventLoop as error:
                raised.append(error)
            return 204

        mock.get("/x").reply(answer)
        assert ask(mock.url, "GET", "/x").status == 204
        assert len(raised) == 2


def test_a_server_of_a_loop_that_does_not_run_names_both_loops(at_once):
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    server = mockserver.Server()
    mock = first.run_until_complete(server.__aenter__())

    async def use():
        with pytest.raises(mockserver.WrongEventLoop) as caught:
            await mock.get("/x").reply(200)
        with pytest.raises(mockserver.WrongEventLoop):
            await mock.calls
        return str(caught.value)

    said = second.run_until_complete(use())
    assert f"{id(first):#x} (not running)" in said
    assert f"{id(second):#x} (running)" in said
    with (
        pytest.raises(mockserver.WrongEventLoop, match="asked from no loop"),
        mockserver.Client(mock.url) as blocking,
    ):
        blocking.verify()
    with pytest.raises(mockserver.WrongEventLoop):
        second.run_until_complete(server.__aexit__(None, None, None))
    first.run_until_complete(server.__aexit__(None, None, None))
    with pytest.raises(mockserver.Unreachable):
        second.run_until_complete(mock.verify())
    for loop in (first, second):
        loop.close()


async def test_a_server_of_a_loop_that_runs_on_another_thread_answers():
    with mockserver.Server() as mock:
        assert await mockserver.AsyncClient(mock.url).calls is not None


async def test_what_has_ended_is_forgotten():
    from mockserver.client.own_loop import SERVERS

    gc.collect()
    before = len(SERVERS)
    async with mockserver.Server():
        assert len(SERVERS) == before + 1
    for _ in range(100):  # what is left of it runs in the next turns of the loop
        await asyncio.sleep(0)
        gc.collect()
        if len(SERVERS) == before:
            break
    assert len(SERVERS) == before
