"""An outage, a trouble or a rollback that was made and never entered fails the test that made it."""

import pytest

pytest_plugins = "pytester"

CALLS = ["outage(503)", 'trouble(route="x", before=503)', "rollback()"]


@pytest.mark.parametrize("call", CALLS)
def test_the_test_fails_and_the_message_names_the_call(suite, call):
    result = suite(f"""
def test_it(mock_server):
    block = mock_server.{call}

def test_after(mock_server):
    pass
""")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([
        f"test_it.py:5: {call.partition('(')[0]}() was never entered, so it did nothing. Write `with` before it*",
        f"    block = mock_server.{call}",
    ])  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_so_it_is_with_the_awaited_client(suite, call):
    result = suite(f"""
async def test_it(mock_server_async):
    mock_server_async.{call}
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        f"test_it.py:5: {call.partition('(')[0]}() was never entered, so it did nothing. Write `async with` before it*"
    ])  # fmt: skip


def test_one_that_is_entered_later_is_fine(suite):
    suite("""
import contextlib, urllib.request

def test_it(mock_server):
    mock_server.get("/x").reply(200)
    block = mock_server.outage(503, optional=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(block)
    with block:
        pass

async def test_awaited(mock_server_async):
    async with mock_server_async.outage(503, optional=True):
        pass
""").assert_outcomes(passed=2)
