"""A namespace's own time: how it is moved, what follows it, and what stays real."""

import time
from datetime import UTC, datetime

import pytest

from mockserver.scenarios.loader import load
from mockserver.scenarios.source import LoadError

SHOP = """
routes:
  - {request: GET /now, reply: {text: "{{ now.timestamp() }}"}}
  - {request: GET /date, reply: {text: "{{ date(now, '+1d', '%Y-%m-%d') }}"}}
  - {request: GET /for, reply: [{status: 503, for: 30s}, 200]}
  - {request: GET /slow, reply: {delay: 50ms}}
"""


@pytest.fixture
def server(serving):
    return serving(SHOP)


def now_s(server):
    return float(server.ask("GET", "/now").text)


def clock(server, **move):
    view = server.admin.post("/clock", move)
    return datetime.fromisoformat(view["now"]).timestamp(), view


def test_it_is_real_time_until_somebody_moves_it(server):
    before = time.time()

    assert before - 1 <= now_s(server) <= time.time() + 1
    assert server.admin.get("/clock")["frozen"] is False
    assert abs(server.admin.get("/clock")["offset_s"]) < 0.001


def test_frozen_it_stands_and_can_be_advanced(server):
    at, view = clock(server, freeze="2030-01-01T00:00:00Z")
    assert (view["now"], view["frozen"]) == ("2030-01-01T00:00:00.000000Z", True)
    assert now_s(server) == now_s(server) == at

    moved, view = clock(server, advance="1d12h")

    assert (moved - at, view["frozen"]) == (36 * 3600, True)
    assert now_s(server) == moved
    assert server.ask("GET", "/date").text == "2030-01-03"


def test_it_is_frozen_where_it_stands(server):
    clock(server, advance="3d")

    at, _ = clock(server, freeze=True)

    assert at - time.time() == pytest.approx(3 * 86400, abs=60)
    assert now_s(server) == pytest.approx(at, abs=0.001)


def test_advanced_it_runs_on(server):
    _, view = clock(server, advance="3d")

    assert view["frozen"] is False
    assert view["offset_s"] == pytest.approx(3 * 86400, abs=0.1)
    assert now_s(server) < now_s(server), "two renders, two moments"


def test_set_to_an_instant_it_runs_on_from_there(server):
    at, view = clock(server, at="2020-02-29T12:00:00+02:00")

    assert datetime.fromtimestamp(at, UTC).isoformat()[:16] == "2020-02-29T10:00"
    assert view["frozen"] is False
    clock(server, freeze=True)
    assert clock(server, at="2030-01-01T00:00:00Z")[1]["frozen"] is False, "also where it stood"


def test_resumed_it_runs_from_where_it_stood(server):
    at, _ = clock(server, freeze="2030-01-01T00:00:00Z")

    resumed, view = clock(server, resume=True)

    assert view["frozen"] is False
    assert 0 <= resumed - at < 60
    assert clock(server, resume=True)[1]["frozen"] is False, "once more changes nothing"


def test_reset_it_is_real_again(server):
    clock(server, freeze="2030-01-01T00:00:00Z")

    at, view = clock(server, reset=True)

    assert view["frozen"] is False
    assert at == pytest.approx(time.time(), abs=60)


def test_each_namespace_has_its_own(server):
    server.admin.post("/namespaces", {"name": "other"})
    clock(server, freeze="2030-01-01T00:00:00Z")

    assert float(server.ask("GET", "/@other/now").text) == pytest.approx(time.time(), abs=60)


def test_for_follows_it(server):
    clock(server, freeze=True)
    assert server.ask("GET", "/for").status == 503
    clock(server, advance="29s")
    assert server.ask("GET", "/for").status == 503
    clock(server, advance="1s")
    assert server.ask("GET", "/for").status == 200


def test_an_outage_follows_it(server):
    clock(server, freeze=True)
    server.admin.call("PUT", "/outage", {"reply": 503, "for": "1h"})
    assert server.ask("GET", "/now").status == 503
    clock(server, advance="1h")
    assert server.ask("GET", "/now").status == 200


def test_delays_within_and_date_stay_real(server):
    clock(server, freeze="2040-01-01T00:00:00Z")

    started_s = time.monotonic()
    answer = server.ask("GET", "/slow")
    server.admin.refused(409, "POST", "/verify", {"route": "GET /now", "within": "50ms"})

    assert time.monotonic() - started_s >= 0.1
    assert str(datetime.now(UTC).year) in answer.header("date")
    call = server.calls()[0]
    assert call["times"]["arrived"][:4] == str(datetime.now(UTC).year)


@pytest.mark.parametrize(
    ("move", "pointer"),
    [
        ({"advance": "-1s"}, "/advance"),
        ({"advance": "3"}, "/advance"),
        ({"advance": "101000d"}, "/advance"),
        ({"at": "yesterday"}, "/at"),
        ({"at": "9999-12-31T00:00:00Z"}, "/at"),
        ({"freeze": 5}, "/freeze"),
        ({"freeze": False}, "/freeze"),
        ({"resume": False}, ""),
        ({}, ""),
        ({"advance": "1s", "freeze": True}, ""),
    ],
)
def test_a_wrong_move_is_refused_and_changes_nothing(server, move, pointer):
    before = server.admin.get("/clock")["offset_s"]

    problem = server.admin.refused(422, "POST", "/clock", move)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert server.admin.get("/clock")["offset_s"] == pytest.approx(before, abs=0.001)
    assert server.admin.get("/clock")["frozen"] is False


def test_it_goes_no_further_than_dates_do(server):
    """Else the next look at it could not be told."""
    clock(server, freeze="8950-01-01T00:00:00Z")

    server.admin.refused(422, "POST", "/clock", {"advance": "36000d"})

    assert server.ask("GET", "/now").status == 200
    assert clock(server, advance="365d")[1]["frozen"] is True


def test_no_duration_is_so_long_that_its_end_is_no_date(write):
    folder = write("routes: [{request: GET /, reply: 200, webhook: {url: 'http://app/', delay: 99999999w}}]")

    with pytest.raises(LoadError, match="is longer than 100 years"):
        load([str(folder)])
