"""A call of the awaited client that was never awaited fails the test that made it."""

import pytest

pytest_plugins = "pytester"

CALLS = {
    "route.assert_called(2, within='5s')": "assert_called(2, within='5s') of <AsyncRoute runtime/GET /x>",
    "route.assert_called_once()": "assert_called_once() of <AsyncRoute runtime/GET /x>",
    "route.assert_attempts(1)": "assert_attempts(1) of <AsyncRoute runtime/GET /x>",
    "mock_server_async.verify(unmatched=0)": "verify(unmatched=0) of <AsyncNamespace http://*>",
    "assert route.called": "called of <AsyncRoute runtime/GET /x>",
    "mock_server_async.reset()": "reset() of <AsyncNamespace *>",
}


@pytest.mark.parametrize("warnings", ["error", "default", "ignore"])
@pytest.mark.parametrize("written", CALLS)
def test_the_test_fails_and_the_message_names_the_call(suite, written, warnings):
    result = suite(
        f"""
async def test_before(mock_server_async):
    pass

async def test_it(mock_server_async):
    route = await mock_server_async.get("/x").reply(200)
    {written}

async def test_after(mock_server_async):
    import gc
    gc.collect()
""",
        "-W",
        warnings,
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([
        f"test_it.py:9: {CALLS[written]} was never awaited, so it did nothing. Write `await` before it",
        f"    {written}",
    ])  # fmt: skip
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_it*"])


def test_several_are_named_together(suite):
    result = suite("""
async def test_it(mock_server_async):
    mock_server_async.verify()
    mock_server_async.reset()
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_it.py:5: verify() of *", "test_it.py:6: reset() of *"])


def test_one_that_is_kept_until_the_end_is_found_when_all_is_torn_down(suite):
    suite("""
KEPT = []

async def test_it(mock_server_async):
    KEPT.append(mock_server_async.verify())

async def test_after(mock_server_async):
    pass
""", "-W", "ignore").assert_outcomes(passed=2, errors=1)  # fmt: skip


def test_a_fixture_may_await_it_while_it_is_torn_down(suite):
    suite("""
@pytest.fixture
async def watched(mock_server_async):
    await mock_server_async.get("/x").reply(200)
    check = mock_server_async.verify(unmatched=0)
    yield
    await check

async def test_it(watched):
    pass
""").assert_outcomes(passed=1)


def test_a_client_that_is_no_fixture_is_held_to_it_too(suite):
    result = suite("""
import asyncio
import mockserver

def test_it():
    async def go():
        async with mockserver.Server() as mock:
            mock.verify(unmatched=0)
    asyncio.run(go())
""", "-W", "ignore")  # fmt: skip
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_it.py:*: verify(unmatched=0) of <AsyncClient *> was never awaited*"])


def test_a_test_that_failed_is_told_its_own_reason_alone_and_no_later_test_is_blamed(suite):
    result = suite("""
async def test_it(mock_server_async):
    check = mock_server_async.verify()
    assert 1 == 2
    await check

async def test_after(mock_server_async):
    import gc
    import sys
    sys.last_value = sys.last_exc = None
    gc.collect()
""", "-W", "ignore", in_process=False)  # fmt: skip
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.no_fnmatch_line("*was never awaited*")


def test_tasks_and_gathers_await(suite):
    suite("""
import asyncio

async def test_it(mock_server_async):
    route = await mock_server_async.get("/x").reply(200)
    waiting = asyncio.create_task(route.assert_called(within="5s"))
    await asyncio.to_thread(call, mock_server_async.url + "/x")
    await asyncio.gather(waiting, route.assert_called_once(), asyncio.wait_for(mock_server_async.verify(), 5))
""").assert_outcomes(passed=1)


def test_one_that_the_test_closed_is_no_failure(suite):
    suite("""
async def test_it(mock_server_async):
    for _ in range(2):
        mock_server_async.verify().close()
""").assert_outcomes(passed=1)
