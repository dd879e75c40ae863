"""A server in the test's process keeps real time while the test has stopped or moved its own clock."""

import pytest

pytest_plugins = "pytester"

FREEZERS = {
    "freezegun": ("from freezegun import freeze_time as frozen", "frozen(NOW)"),
    "freezegun that ticks": ("from freezegun import freeze_time as frozen", "frozen(NOW, tick=True)"),
    "time-machine": ("import time_machine", "time_machine.travel(NOW, tick=False)"),
    "time-machine that ticks": ("import time_machine", "time_machine.travel(NOW)"),
}

BODY = """
NOW = "2020-01-02T03:04:05+00:00"

def use(mock_server):
    mock_server.post("/pay", name="pay").reply({"status": 201, "delay": "30ms", "webhook": {
        "url": mock_server.url + "/hook", "delay": "30ms"}})
    hook = mock_server.post("/hook", name="hook").reply(500, 200)
    assert call(mock_server.url + "/pay", "POST")[0] == 201
    hook.assert_called(1, within="5s", quiet="50ms")
    assert mock_server.calls[0].arrived.year > 2020
    assert mock_server.clock.now.year > 2020
    gap = (mock_server.calls[1].arrived - mock_server.calls[0].arrived).total_seconds()
    assert 0.05 < gap < 5
"""


@pytest.mark.parametrize("freezer", FREEZERS)
@pytest.mark.parametrize("place", ["test", "fixture before", "module"])
def test_delays_waits_and_webhooks_go_on(suite, freezer, place):
    imported, made = FREEZERS[freezer]
    tests = {
        "test": f"""
def test_it(mock_server):
    with {made}:
        use(mock_server)
""",
        "fixture before": f"""
@pytest.fixture(autouse=True)
def frozen_clock():
    with {made}:
        yield

def test_it(mock_server):
    use(mock_server)
""",
        "module": f"""
@pytest.fixture(autouse=True, scope="session")
def frozen_clock():
    with {made}:
        yield

def test_it(mock_server):
    use(mock_server)

async def test_async(mock_server_async):
    route = await mock_server_async.get("/x").reply(200)
    assert not await route.called
""",
    }
    text = f"{imported}\n{BODY}\n{tests[place]}"
    if place == "module":  # in a process of its own, where the server is imported while the clock is frozen
        suite(text, "-p", "no:imported_once", in_process=False).assert_outcomes(passed=2)
    else:
        suite(text).assert_outcomes(passed=1)


def test_the_test_itself_sees_its_own_time_also_where_it_answers(suite):
    suite("""
from datetime import datetime
from freezegun import freeze_time

@freeze_time("2020-01-02")
def test_it(mock_server):
    mock_server.get("/now").reply(lambda request: {"text": str(datetime.now().year)})
    assert call(mock_server.url + "/now") == (200, "2020")
    assert datetime.now().year == 2020
""").assert_outcomes(passed=1)


def test_a_failing_test_has_its_report(suite):
    result = suite("""
from freezegun import freeze_time

@freeze_time("2020-01-02")
def test_it(mock_server):
    call(mock_server.url + "/x")
    assert 0
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  t+0.000  GET /x  404  *", "*- mock server: evidence -*"])
