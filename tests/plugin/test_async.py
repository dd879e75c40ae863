"""Async tests, by whatever plugin runs them: the fixtures belong to no event loop."""

import pytest

pytestmark = pytest.mark.smoke

pytest_plugins = "pytester"

TEST = """
import asyncio

async def test_it(mock_server_async):
    route = await mock_server_async.post("/data").reply(503, json={"success": True}, status=200)
    waiting = asyncio.create_task(route.assert_called(2, within="5s"))
    answers = [await asyncio.to_thread(call, mock_server_async.url + "/data", "POST") for _ in range(2)]
    await waiting
    assert [status for status, _ in answers] == [503, 200]
    assert await route.call_count == 2
    assert (await mock_server_async.calls).last.request.method == "POST"
"""

APP = """
import aiohttp
from aiohttp import web

async def test_it(aiohttp_client, mock_server_async):
    await mock_server_async.get("/price").reply(json={"amount": 5})

    async def shop(request):
        async with aiohttp.ClientSession() as session, session.get(mock_server_async.url + "/price") as answer:
            return web.json_response(await answer.json())

    app = web.Application()
    app.router.add_get("/", shop)
    client = await aiohttp_client(app)
    assert await (await client.get("/")).json() == {"amount": 5}
"""


def test_pytest_asyncio_in_auto_mode(suite):
    suite(TEST).assert_outcomes(passed=1)


def test_pytest_asyncio_in_strict_mode(suite):
    text = TEST.replace("async def test_it", "@pytest.mark.asyncio\nasync def test_it")
    suite(text, "-o", "asyncio_mode=strict", "-p", "no:aiohttp").assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_whatever_the_scope_of_the_loop_is(suite, scope):
    text = f"pytestmark = pytest.mark.asyncio(loop_scope={scope!r})\n{TEST}{TEST.replace('test_it', 'test_again')}"
    suite(text).assert_outcomes(passed=2)


def test_pytest_aiohttp_with_an_application_in_the_same_loop(suite):
    suite(APP, "-p", "pytest_aiohttp.plugin").assert_outcomes(passed=1)


def test_anyio(suite):
    text = (
        "pytestmark = pytest.mark.anyio\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
        + TEST
    )
    args = (
        "-o",
        "addopts=-p anyio.pytest_plugin",
        "-o",
        "asyncio_mode=strict",
    )
    suite(text, *args, in_process=False).assert_outcomes(passed=1)


def test_an_unmatched_call_fails_an_async_test_as_any(suite):
    result = suite("""
async def test_it(mock_server_async):
    import asyncio
    await asyncio.to_thread(call, mock_server_async.url + "/nowhere")
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["expected no unmatched call, saw 1", "  await mock_server_async.get(*"])


def test_a_function_of_an_async_test_runs_on_its_loop(suite):
    suite("""
import asyncio

async def test_it(mock_server_async):
    come = asyncio.Event()

    async def answer(request):
        await come.wait()
        return 202

    route = await mock_server_async.get("/x").reply(answer)
    waiting = asyncio.create_task(asyncio.to_thread(call, mock_server_async.url + "/x"))
    await route.assert_called(within="5s")
    come.set()
    assert (await waiting)[0] == 202
""").assert_outcomes(passed=1)


def test_the_blocking_fixture_works_in_async_tests_too(suite):
    suite("""
async def test_it(mock_server):
    route = mock_server.get("/x").reply(200)
    assert not route.called
""").assert_outcomes(passed=1)


def test_anyio_on_trio(suite):
    text = """
pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "trio"

async def test_it(mock_server_async):
    import trio

    route = await mock_server_async.post("/data").reply(503, json={"success": True}, status=200)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: route.assert_called(2, within="5s"))
        for _ in range(2):
            await trio.to_thread.run_sync(call, mock_server_async.url + "/data", "POST")
    assert await route.call_count == 2

async def test_not_awaited(mock_server_async):
    mock_server_async.verify()
"""
    args = (
        "-o",
        "addopts=-p anyio.pytest_plugin",
        "-o",
        "asyncio_mode=strict",
    )
    suite(text, *args, in_process=False).assert_outcomes(passed=1, failed=1)
