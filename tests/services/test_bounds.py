"""A namespace at its bounds, over the wire: what is dropped, what is refused, and where it is said."""

import json
import logging
from urllib.parse import quote

import pytest
from support.server import until
from support.wire import Wire

from mockserver.engine.monitoring import MetricsReading

SCENARIO = """
routes:
  - {name: set, request: "POST /set/{k}", set: {"k.{{ path.k }}": "{{ request.body }}"}, effect: {kind: set}, reply: [200, 201]}
  - {name: fixed, request: POST /fixed, set: {fixed: 1}, reply: [200, 201]}
  - {name: pay, request: POST /pay, idempotency: {header: idempotency-key}, reply: {status: 201, json: {n: "{{ call.number }}"}}}
  - {name: step, request: "GET /step/{k}", per: path.k, reply: [503, 200]}
  - {name: limited, request: GET /limited, limit: {rate: 1/h, by: headers.x-client}, reply: 200}
  - {name: hook, request: POST /hook, reply: 202, webhook: {url: "http://127.0.0.1:9/", json: {}, delay: 1h}}
resources:
  - {path: /items, seed: [{id: 1}]}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO, max_entries=3, calls=10)


def refused(server):
    return server.admin.get("/health")["refused"]


def reading(server):
    """What is scraped."""
    found = MetricsReading(server.app.engine)
    for ns in server.app.engine.namespaces.values():
        found.add(ns)
    return found


def verify(server, check):
    answer = server.admin.call("POST", "/verify", check)
    return answer.status, (answer.json()["checks"][0])


@pytest.mark.parametrize("path", ["/set/d", "/fixed"])
def test_state_past_the_bound_is_refused_with_507_and_nothing_has_happened(server, path):
    for key in "abc":
        server.ask("POST", f"/set/{key}", "1")
    before = server.admin.get("/effects")["items"]

    answers = [server.ask("POST", path, "1") for _ in range(2)]

    assert [answer.status for answer in answers] == [507, 507]
    problem = json.loads(answers[0].body)
    assert problem["type"] == "urn:mockserver:full"
    assert (problem["full"], problem["max_entries"]) == ("state", 3)
    assert "--max-entries" in problem["detail"]
    assert "/__admin/state" in problem["detail"]
    assert server.admin.get("/effects")["items"] == before
    assert refused(server)["state"] == 2
    server.admin.call("DELETE", "/state")
    assert server.ask("POST", path, "1").status == (201 if path == "/set/d" else 200)


def test_a_value_larger_than_the_room_is_refused(serving):
    server = serving(SCENARIO, max_entries_bytes=10_000)

    assert server.ask("POST", "/set/a", "x" * 9_000).status == 200
    assert server.ask("POST", "/set/b", "x" * 9_000).status == 507
    assert server.ask("POST", "/set/a", "x" * 9_000).status == 201


def test_items_past_the_bound_are_refused_with_507(server):
    made = [
        server.ask("POST", "/items", "{}", headers={"Content-Type": "application/json"}) for _ in range(3)
    ]

    assert [answer.status for answer in made] == [201, 201, 507]
    assert json.loads(made[2].body)["full"] == "resources"
    assert len(server.admin.get("/resources/items")["items"]) == 3
    assert server.ask("DELETE", "/items/1").status == 204
    assert server.ask("POST", "/items", "{}", headers={"Content-Type": "application/json"}).status == 201


def test_the_admin_api_refuses_what_has_no_room(server):
    server.admin.call("PUT", "/state", {"a": 1, "b": 2, "c": 3})

    for method, path, body in (
        ("PATCH", "/state", {"d": 4}),
        ("PUT", "/state/d", 4),
        ("PATCH", "/state/d", 4),
        ("PUT", "/state", dict.fromkeys("abcd", 1)),
        ("PUT", "/resources/items", [{} for _ in range(4)]),
    ):
        assert "--max-entries" in server.admin.refused(507, method, path, body)["detail"]
    assert server.admin.get("/state") == {"a": 1, "b": 2, "c": 3}
    assert server.admin.call("PUT", "/state", {"x": 1, "y": 2, "z": 3}).status == 200


def test_the_oldest_key_leaves_and_its_request_is_carried_out_again(server):
    def pay(key):
        return json.loads(server.ask("POST", "/pay", "{}", headers={"Idempotency-Key": key}).body)["n"]

    assert [pay(key) for key in ("a", "b", "c", "d", "b", "a")] == [1, 2, 3, 4, 2, 5]
    assert refused(server)["idempotency_keys"] == 2


def test_the_sequence_that_was_asked_for_longest_ago_begins_anew(server):
    statuses = [server.ask("GET", f"/step/{key}").status for key in "abcad"]
    assert statuses == [503, 503, 503, 200, 503]

    assert [server.ask("GET", f"/step/{key}").status for key in "ab"] == [200, 503]
    assert refused(server)["per_keys"] == 2


def test_the_oldest_limit_key_leaves(server):
    asked = [server.ask("GET", "/limited", headers={"X-Client": client}).status for client in "abcdaa"]

    assert asked == [200, 200, 200, 200, 200, 429]
    assert refused(server)["limit_keys"] == 2


@pytest.mark.in_memory
def test_of_routes_that_are_gone_the_counts_of_the_last_ones_stay(server):
    ns = server.app.engine.default
    server.ask("GET", "/limited")

    for number in range(20):
        made = server.admin.post("/routes", {"request": f"GET /once/{number}", "reply": [201, 202]})
        assert server.ask("GET", f"/once/{number}").status == 201
        assert server.admin.call("DELETE", f"/routes/{quote(made['id'], safe='')}").status == 204

    counted = server.admin.get("/counts")
    gone = [f"runtime/GET /once/{number}" for number in (17, 18, 19)]
    assert [one for one in counted["routes"] if one.startswith("runtime/")] == gone
    assert counted["total"] == 21
    assert server.admin.get("/counts")["routes"]["shop/limited"]["calls"] == 1
    assert [one for one, _ in ns.sequence_states.items() if str(one).startswith("runtime/")] == gone
    assert refused(server)["route_counts"] == 17
    assert sum(count for (_, status), count in reading(server).totals.calls.items() if status == 201) == 20


def test_a_call_in_flight_keeps_the_count_of_a_route_that_is_gone(server):
    made = server.admin.post("/routes", {"request": "GET /slow", "reply": {"fault": "hang"}})
    with Wire(server.address) as wire:
        wire.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: server.admin.get("/counts")["routes"].get(made["id"]))
        server.admin.call("DELETE", f"/routes/{quote(made['id'], safe='')}")
        for number in range(8):
            other = server.admin.post("/routes", {"request": f"GET /once/{number}", "reply": 204})
            server.ask("GET", f"/once/{number}")
            server.admin.call("DELETE", f"/routes/{quote(other['id'], safe='')}")

        assert server.admin.get("/counts")["routes"][made["id"]]["in_flight"] == 1


def test_a_verify_that_asks_for_effects_that_have_left_is_not_exact_and_does_not_hold(server):
    for _ in range(3):
        server.ask("POST", "/set/a", "1")
    assert verify(server, {"effects": {"kind": "set"}, "times": 3}) == (
        200,
        {"ok": True, "expected": "3 effects", "saw": "3", "text": "effect set: expected 3 effects, saw 3"},
    )
    server.ask("POST", "/set/a", "1")

    status, check = verify(server, {"effects": {"kind": "set"}, "times": 3})

    assert status == 409
    assert (check["ok"], check["exact"]) == (False, False)
    assert "1 older ones are not" in check["saw"]
    assert verify(server, {"effects": {"kind": "set"}, "times": {"min": 3}})[0] == 200
    assert verify(server, {"effects": {"kind": "set"}, "times": {"min": 4}})[1]["exact"] is False
    status, check = verify(server, {"effects": {"kind": "set"}, "times": {"max": 2}})
    assert (status, check.get("exact", True)) == (409, True)  # three are too many, however many there were


def test_a_verify_that_asks_for_calls_that_have_left_is_not_exact_and_does_not_hold(server):
    for _ in range(11):
        server.ask("POST", "/set/a", "7")

    for check in (
        {"request": "POST /set/a", "match": {"text": "7"}, "times": 10},
        {"request": "POST /set/a", "match": {"text": "8"}, "times": 0},
        {"in_order": [{"route": "set"}, {"route": "pay"}]},
        {"leaks": 0},
    ):
        status, verdict = verify(server, check)
        assert (status, verdict["ok"], verdict["exact"]) == (409, False, False), check
    assert verify(server, {"request": "POST /set/a", "times": 11})[0] == 200
    assert verify(server, {"request": "POST /set/a", "match": {"text": "7"}, "times": {"min": 9}})[0] == 200


def test_webhooks_that_wait_stay_and_one_without_room_is_never_sent(server):
    for _ in range(4):
        assert server.ask("POST", "/hook").status == 202

    webhooks = server.admin.get("/webhooks")["items"]

    assert [(one["id"], one["state"]) for one in webhooks] == [(f"w-00000{n}", "waiting") for n in (1, 2, 3)]
    assert refused(server)["deliveries"] >= 1
    status, check = verify(server, {"webhooks": {}, "times": 0})
    assert (status, check["exact"]) == (409, False)


def test_the_log_says_it_once_for_each_kind(server, caplog):
    with caplog.at_level(logging.WARNING, "mockserver"):
        for n in range(6):
            server.ask("POST", "/set/a", str(n))
            server.ask("POST", "/pay", "{}", headers={"Idempotency-Key": f"k{n}"})
            server.ask("POST", f"/set/{n}", "1")

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert [kind for kind in ("effects", "idempotency_keys", "state") for line in lines if f"of {kind}:" in line] == [
        "effects", "idempotency_keys", "state",
    ]  # fmt: skip
    assert refused(server)["effects"] > 1


def test_the_metrics_count_it(server):
    pytest.importorskip("prometheus_client")
    for n in range(4):
        server.ask("POST", "/pay", "{}", headers={"Idempotency-Key": f"k{n}"})

    text = server.admin.call("GET", "/metrics").body.decode()

    assert 'mockserver_refused_total{limit="idempotency_keys"} 1.0' in text
    assert 'mockserver_refused_total{limit="state"} 0.0' in text


def test_explain_says_that_there_is_no_room(server):
    server.admin.call("PUT", "/resources/items", [{}, {}, {}])

    answer = server.admin.post("/explain", {"request": "POST /items", "json": {}})

    assert answer["reply"]["status"] == 507
    assert "resources" not in refused(server)
