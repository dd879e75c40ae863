"""How often, and how many at once: token buckets by the clock, and calls under way."""

import pytest
from support.wire import Wire


def limited(limit, more=""):
    return f"routes:\n  - {{request: 'ANY /a', reply: {{status: 200{more}}}, limit: {limit}}}\n"


@pytest.fixture
def frozen(serving):
    """A server whose clock stands."""

    def start(text):
        server = serving(text)
        server.admin.post("/clock", {"freeze": True})
        return server

    return start


def statuses(server, count, target="/a", **options):
    return [server.ask("GET", target, **options).status for _ in range(count)]


@pytest.mark.parametrize(
    ("limit", "at_once", "advance", "then"),
    [
        ("{rate: 2/s}", 2, "500ms", 1),
        ("{rate: 10/s, burst: 3}", 3, "200ms", 2),
        ("{rate: 1/m}", 1, "60s", 1),
        ("{rate: 100/h, burst: 1}", 1, "36s", 1),
        ("{rate: 24/d, burst: 2}", 2, "1h", 1),
        ("{rate: 0.5/s}", 1, "2s", 1),
        ("{rate: 10/s, burst: 3}", 3, "1d", 3),
    ],
)
def test_a_bucket_fills_by_the_clock(frozen, limit, at_once, advance, then):
    server = frozen(limited(limit))

    assert statuses(server, at_once + 1) == [200] * at_once + [429]
    server.admin.post("/clock", {"advance": advance})

    assert statuses(server, then + 1) == [200] * then + [429]


def test_who_is_over_it_hears_when_to_come_again(frozen):
    server = frozen(limited("{rate: 2/m, burst: 2}"))
    statuses(server, 2)

    over = server.ask("GET", "/a")

    assert over.status == 429
    assert over.header("retry-after") == "30"
    assert over.header("ratelimit-policy") == '"default";q=2;w=60'
    assert over.header("ratelimit") == '"default";r=0;t=30'
    assert over.json()["type"] == "urn:mockserver:too-many-requests"
    server.admin.post("/clock", {"advance": "29s"})
    assert server.ask("GET", "/a").header("retry-after") == "1"
    server.admin.post("/clock", {"advance": "1s"})
    assert server.ask("GET", "/a").status == 200, "as it was told"


@pytest.mark.parametrize(
    ("by", "one", "other"),
    [
        (
            "headers.authorization",
            {"headers": {"Authorization": "Bearer a"}},
            {"headers": {"Authorization": "Bearer b"}},
        ),
        ("query.user", {"target": "/a?user=1"}, {"target": "/a?user=2"}),
        ("'{{ request.query.user[:1] }}'", {"target": "/a?user=11"}, {"target": "/a?user=2"}),
        ("headers.x-user", {"headers": {"X-User": "1"}}, {}),
    ],
)
def test_each_value_of_by_has_a_bucket(frozen, by, one, other):
    server = frozen(limited(f"{{rate: 1/h, by: {by}}}"))

    assert statuses(server, 2, **one) == [200, 429]
    assert statuses(server, 2, **other) == [200, 429]


def test_on_a_scenario_all_routes_share_one_bucket_and_on_a_route_each_has_its_own(frozen):
    server = frozen(
        """
limit: {rate: 2/h}
routes:
  - {request: GET /a, reply: 200}
  - {request: GET /b, reply: 200}
  - {request: GET /own, reply: 200, limit: {rate: 1/h}}
  - {request: GET /free, reply: 200, limit: none}
resources: [{path: /items, limit: {rate: 1/h}}, {path: /shared}]
"""
    )
    asked = ("/a", "/b", "/a", "/b", "/shared", "/own", "/own", "/free", "/free", "/items", "/items/1")

    assert [server.ask("GET", path).status for path in asked] == [
        200,
        200,
        429,
        429,
        429,
        200,
        429,
        200,
        200,
        200,
        429,
    ]


def test_a_reset_fills_the_bucket(frozen):
    server = frozen(limited("{rate: 1/h}"))
    statuses(server, 2)

    server.admin.post("/reset", {"what": ["memory"]})

    assert statuses(server, 2) == [200, 429]


def test_a_clock_that_is_set_back_fills_nothing_and_takes_nothing(frozen):
    server = frozen(limited("{rate: 1/h, burst: 2}"))
    assert statuses(server, 1) == [200]

    server.admin.post("/clock", {"freeze": "2020-01-01T00:00:00Z"})

    assert statuses(server, 2) == [200, 429]


def test_so_many_may_be_under_way(serving):
    server = serving(limited("{in_flight: 2}", ", delay: 60s"))
    wires = [Wire(server.address) for _ in range(2)]
    for wire in wires:
        wire.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
    server.admin.post("/verify", {"route": "ANY /a", "times": 2, "within": "5s"})

    over = server.ask("GET", "/a")
    assert over.status == 429
    assert int(over.header("retry-after")) >= 1
    assert over.header("ratelimit-policy") == '"in-flight";q=2'

    wires[0].reset()
    server.closed_call(1)
    with Wire(server.address) as third:
        third.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        server.admin.post("/verify", {"route": "ANY /a", "times": 4, "within": "5s"})
        assert server.ask("GET", "/a").status == 429, "who left made room for one"
        statuses = [call["reply"] and call["reply"]["status"] for call in server.calls()]
        assert statuses == [None, None, 429, None, 429], "what waits has sent no status line"
        wires[1].reset()
        third.reset()


@pytest.mark.parametrize("fault", ["reset", "close", "truncate", "garbage"])
def test_a_fault_ends_a_call_under_way(serving, fault):
    server = serving(limited("{in_flight: 1}", f", text: hello, fault: {fault}"))

    for number in (1, 2, 3):
        with Wire(server.address) as wire:
            wire.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            wire.ending()
        server.closed_call(number)

    assert [call["fault"] for call in server.calls()] == [fault] * 3, "none was refused"


def test_a_reset_while_calls_are_under_way_frees_their_places_once(serving):
    server = serving(limited("{in_flight: 1}", ", delay: 60s"))
    with Wire(server.address) as old, Wire(server.address) as new:
        old.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        server.admin.post("/verify", {"route": "ANY /a", "times": 1, "within": "5s"})
        server.admin.post("/reset", {"what": ["memory"]})
        new.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        server.admin.post("/verify", {"route": "ANY /a", "times": 2, "within": "5s"})
        old.reset()
        server.closed_call(1)

        assert server.ask("GET", "/a").status == 429, "the old one gives back no place that it didn't take"
        new.reset()
