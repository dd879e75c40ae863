"""How much of our own code a request passes: counted, for time on a busy machine says nothing."""

import time

import pytest

from benchmarks import functions, inside
from benchmarks.functions import COUNTED, GOAL
from benchmarks.payment_intent import Samples, rows


def test_a_plain_get_enters_few_functions():
    assert functions.of_a_get().total() / COUNTED <= GOAL


def test_only_functions_of_the_package_are_counted():
    found = functions.of_a_get()

    assert any(name.startswith("http/") for name in found)
    assert not [name for name in found if "aiohttp" in name or "asyncio" in name or "inside.py" in name]


def test_every_request_enters_as_many():
    """Otherwise some of them would do what others had remembered."""
    assert functions.of_a_get().total() % COUNTED == 0


def test_a_profile_shows_what_takes_the_time_and_who_called_it():
    def works():
        until_s = time.process_time() + 0.3
        while time.process_time() < until_s:
            pass

    def calls():
        works()

    with Samples() as samples:
        calls()

    assert samples.own.most_common(1)[0][0] is works.__code__
    assert samples.below[calls.__code__] == samples.below[works.__code__] >= samples.own[works.__code__]
    lines = rows(samples, 100.0, 5)
    assert any(line.startswith("| bench/test_functions.py |") for line in lines)
    assert any("works" in line for line in lines)


def test_an_answer_that_is_not_expected_ends_the_measurement():
    async def asked():
        async with inside.served({"routes": [{"request": "GET /one", "reply": 201}]}) as connection:
            await connection.expect(200, functions.plain_get(1))

    with pytest.raises(SystemExit, match=r"expected 200, got b'HTTP/1.1 201"):
        inside.run(asked)
