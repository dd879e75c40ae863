"""The client to be awaited: the same words, the same errors, and a loop that goes on."""

import asyncio
import inspect

import pytest

from mockserver.client import AsyncClient, AsyncNamespace, AsyncRoute, Client, Namespace, Route
from mockserver.client.clock import AsyncClock, Clock

pytestmark = pytest.mark.smoke


async def test_a_route_is_made_and_asked(async_mock, call):
    route = await async_mock.post("/data").reply(503, json={"success": True}, status=200)
    statuses = [(await asyncio.to_thread(call, "POST /data")).status for _ in range(2)]
    assert statuses == [503, 200]
    assert await route.called
    assert await route.call_count == 2
    assert (await route.calls).last.response.json() == {"success": True}
    await route.assert_called(2)
    with pytest.raises(AssertionError, match="expected 3 calls, saw 2"):
        await route.assert_called(3)


async def test_waiting_leaves_the_loop_to_others(async_mock, call):
    route = await async_mock.get("/x").reply(200)
    waiting = asyncio.create_task(route.assert_called(within="10s"))
    await asyncio.to_thread(call, "GET /x")
    await waiting


async def test_cancelling_ends_the_exchange_and_the_client_goes_on(async_mock):
    route = await async_mock.get("/x").reply(200)
    waiting = [asyncio.create_task(route.assert_called(within="60s")) for _ in range(70)]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*waiting), 0.3)
    # More than the client has threads: had one of them stayed behind, this would wait for it.
    assert not await asyncio.wait_for(route.called, 10)


async def test_state_clock_outage_and_rollback_are_awaited(async_mock, call):
    await async_mock.state.write({"a": 1, "b": 2})
    assert await async_mock.state.read("a") == 1
    assert await async_mock.state.read("c", "none") == "none"
    await async_mock.state.forget("a")
    assert await async_mock.state.all() == {"b": 2}
    before = await async_mock.clock.now
    assert (await async_mock.clock.advance("1d") - before).days == 1
    async with async_mock.rollback(), async_mock.outage(503):
        await async_mock.state.replace({})
        assert (await asyncio.to_thread(call, "GET /hello")).status == 503
    assert (await asyncio.to_thread(call, "GET /hello")).status == 200
    assert await async_mock.state.all() == {"b": 2}
    await async_mock.state.forget()
    assert await async_mock.state.all() == {}


async def test_a_trouble_is_entered_and_awaited(async_mock, call):
    async with async_mock.trouble(route="hello", before=503):
        assert (await asyncio.to_thread(call, "GET /hello")).status == 503
        assert [one["hits"] for one in await async_mock.troubles] == [["c-000001"]]
    assert await async_mock.troubles == []


async def test_a_namespace_is_awaited_or_entered(async_mock):
    async with async_mock.namespace() as mine:
        assert mine.url == f"{async_mock.url}/@{mine.name}"
    again = await async_mock.namespace(mine.name, seed="s")
    assert again.seed == "s"
    await again.remove()
    assert [one["name"] for one in await async_mock.namespaces] == ["default"]
    async with await async_mock.namespace() as third:
        assert third.name
    assert [one["name"] for one in await async_mock.namespaces] == ["default"]


def test_one_client_serves_any_number_of_loops(async_mock):
    async def ask():
        return (await async_mock.health)["status"]

    assert [asyncio.run(ask()) for _ in range(3)] == ["ok"] * 3


async def test_the_blocking_client_works_inside_a_running_loop(mock):
    mock.get("/x").reply(200)
    assert not mock.route("runtime/GET /x").called


async def test_its_connections_can_be_closed_and_open_again(server):
    async with AsyncClient(server.url) as mock:
        assert await mock.routes
        await mock.close()
        assert (await mock.verify()) is None


@pytest.mark.parametrize(
    ("blocking", "awaiting"),
    [(Client, AsyncClient), (Namespace, AsyncNamespace), (Route, AsyncRoute), (Clock, AsyncClock)],
)
def test_both_faces_have_the_same_words(blocking, awaiting):
    def words(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert words(blocking) == words(awaiting)


def test_what_has_to_be_awaited_is_a_coroutine(async_mock):
    waiting = [async_mock.verify(), async_mock.calls, async_mock.get("/x").reply(200)]
    assert all(inspect.iscoroutine(one) for one in waiting)
    for one in waiting:
        one.close()
