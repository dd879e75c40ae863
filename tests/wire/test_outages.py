"""An outage takes the service, or some routes, down; what is set up behind it stays as it was."""

import contextlib

import pytest
from click.testing import CliRunner
from support.http import ask
from support.wire import Wire

from mockserver import cli
from mockserver.schema.reply import FaultKind

SCENARIO = """
routes:
  - {name: pay, request: POST /pay, reply: [201, 202, 203], set: {paid: "yes"}, effect: {kind: charge}}
  - {name: read, request: GET /read, reply: {text: read}}
  - {name: guarded, request: GET /guarded, auth: {bearer: [token]}, reply: {text: in}}
  - {name: keyed, request: POST /keyed, idempotency: {header: key}, limit: {rate: 2/h, burst: 2}, reply: 201}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


def statuses(server, count, method="POST", target="/pay", **options):
    return [server.ask(method, target, **options).status for _ in range(count)]


def down(server, **outage):
    answer = server.admin.call("PUT", "/outage", outage)
    assert answer.status == 200
    return answer.json()


def test_everything_is_down_until_it_is_taken_away(server):
    down(server, reply=503)
    assert statuses(server, 2) == [503, 503]
    assert server.ask("GET", "/read").status == 503
    assert server.ask("HEAD", "/read").status == 503

    assert server.admin.call("DELETE", "/outage").status == 204
    assert statuses(server, 3) == [201, 202, 203]
    assert server.ask("GET", "/read").text == "read"


def test_admin_and_health_go_on(server):
    down(server, reply={"fault": "reset"})

    assert server.admin.get("/health")["status"]
    assert server.admin.get("/outage")["answered"] == 0
    assert server.admin.get("/routes")["items"]
    assert server.ask("GET", "/__admin/health").status == 200


ANY_OUTAGE = [
    503,
    {"delay": "60s"},
    {"text": "slow", "throttle": "1B/s"},
    *({"fault": kind.value} for kind in FaultKind),
    *({"text": "0123456789", "fault": {"kind": kind, "after": 4}} for kind in ("hang", "reset", "truncate")),
]


@pytest.mark.parametrize("admin_port", [None, 0], ids=["on one port", "on two ports"])
@pytest.mark.parametrize("reply", ANY_OUTAGE, ids=str)
def test_probes_and_admin_are_answered_during_any_outage(serving, reply, admin_port):
    """As the kubelet, Docker and a test ask, with calls hanging that the outage has got."""
    server = serving(SCENARIO, admin_port=admin_port)
    probed = server.admin.url.removesuffix("/__admin")
    down(server, reply=reply)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            wire = stack.enter_context(Wire(server.address))
            wire.send("POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        server.admin.post("/verify", {"route": "pay", "times": 20, "within": "5s"})

        kubelet = {"Host": "10.1.2.3:8080", "User-Agent": "kube-probe/1.31"}
        assert ask(probed, "GET", "/__admin/health", headers=kubelet).status == 200
        docker = CliRunner().invoke(cli.main, ["healthcheck", probed])
        assert (docker.exit_code, "is healthy" in docker.output) == (0, True)
        assert server.admin.get("/counts")["routes"]["shop/pay"]["calls"] == 20
        assert server.admin.call("PUT", "/state/a", 1).status == 200
        assert server.admin.call("DELETE", "/outage").status == 204

    assert server.ask("POST", "/pay").status == 201


def test_some_routes_only_by_name_or_id(server):
    down(server, reply=503, routes=["read", "shop/guarded"])

    assert statuses(server, 1) == [201]
    assert server.ask("GET", "/read").status == 503
    assert server.ask("GET", "/guarded").status == 503


def test_an_unknown_route_is_refused_and_changes_nothing(server):
    problem = server.admin.refused(422, "PUT", "/outage", {"reply": 503, "routes": ["read", "raed"]})

    assert problem["errors"][0]["pointer"] == "/routes/1"
    assert "read" in problem["errors"][0]["hint"] + problem["errors"][0]["message"]
    assert statuses(server, 1) == [201]


def test_skip_lets_some_through_and_times_ends_it(server):
    down(server, reply=503, skip=1, times=2)

    assert statuses(server, 5) == [201, 503, 503, 202, 203]
    assert server.admin.get("/outage") is None


def test_for_ends_it_by_the_clock(server):
    server.admin.post("/clock", {"freeze": True})
    down(server, **{"reply": 503, "for": "30s"})

    assert statuses(server, 2) == [503, 503]
    server.admin.post("/clock", {"advance": "29s"})
    assert statuses(server, 1) == [503]
    server.admin.post("/clock", {"advance": "1s"})
    assert statuses(server, 1) == [201]
    assert server.admin.get("/outage") is None


def test_a_call_counts_for_its_route_and_nothing_else_happens(server):
    down(server, reply={"status": 503, "headers": {"retry-after": "1"}, "json": {"error": "down"}})
    answer = server.ask("POST", "/pay")
    assert (answer.header("retry-after"), answer.json()) == ("1", {"error": "down"})

    call = server.calls()[0]
    assert (call["route"], call["matched"], call["step"], call["effects"]) == ("shop/pay", True, None, [])
    assert server.admin.get("/counts")["routes"]["shop/pay"]["statuses"] == {"503": 1}
    assert server.admin.get("/routes/pay")["step"] == 1
    assert server.admin.get("/effects")["items"] == []
    assert server.admin.get("/state") == {}


def test_auth_limit_and_idempotency_stand_behind_it(server):
    down(server, reply=503, times=4)
    key = {"key": "k"}

    assert server.ask("GET", "/guarded").status == 503
    assert statuses(server, 3, target="/keyed", headers=key) == [503, 503, 503]
    assert statuses(server, 1, target="/keyed", headers=key) == [201]
    assert server.ask("POST", "/keyed", headers=key).header("idempotent-replayed") == "true"
    assert server.ask("GET", "/guarded").status == 401


def test_a_miss_stays_a_miss(server):
    down(server, reply=503)

    assert server.ask("GET", "/nowhere").status == 404
    assert server.ask("DELETE", "/pay").status == 405


@pytest.mark.parametrize(("fault", "end"), [("reset", "RST"), ("close", "FIN")])
def test_it_may_break_connections(server, fault, end):
    down(server, reply={"fault": fault})
    with Wire(server.address) as wire:
        wire.send("GET /read HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.ending() == (b"", end)

    call = server.closed_call()
    assert (call["route"], call["fault"], call["outcome"]) == ("shop/read", fault, fault)


def test_it_may_draw_and_render(server):
    down(server, reply={"status": "{{ request.query.status }}", "text": "{{ request.path }}"})

    answer = server.ask("GET", "/read?status=418")
    assert (answer.status, answer.text) == (418, "/read")
    assert server.ask("GET", "/read?status=1").status == 500


@pytest.mark.parametrize(
    ("outage", "pointer"),
    [
        ({}, ""),
        ({"reply": 99}, "/reply"),
        ({"reply": {"choose": [{"status": 200}]}}, "/reply"),
        ({"reply": {"file": "a.txt"}}, "/reply/file"),
        ({"reply": {"text": "{{ 1 +"}}, "/reply/text"),
        ({"reply": 503, "times": 0}, "/times"),
        ({"reply": 503, "for": "soon"}, "/for"),
        ({"reply": 503, "probability": 0}, "/probability"),
        ({"reply": 503, "probability": 1.01}, "/probability"),
        ({"reply": 503, "probability": True}, "/probability"),
        ({"reply": 503, "ramp": -1}, "/ramp"),
        ({"reply": 503, "skpi": 1}, "/skpi"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place(server, outage, pointer):
    problem = server.admin.refused(422, "PUT", "/outage", outage)

    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert server.admin.get("/outage") is None


def test_it_is_its_namespaces_own(server):
    server.admin.post("/namespaces", {"name": "other"})
    down(server, reply=503)

    assert server.ask("GET", "/@other/read").status == 200


def test_reset_of_routes_ends_it(server):
    down(server, reply=503)
    server.admin.post("/reset", {"what": ["routes"]})

    assert statuses(server, 1) == [201]
