"""What a service remembers: state, effects and resources, read and written in the claim; and the admin API over them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.wire import Wire

ORDERS = """
routes:
  - name: approve
    request: POST /orders/{id}/approve
    when: {"order.{{ path.id }}": {any_of: [absent, pending]}}
    set: {"order.{{ path.id }}": approved}
    effect: {kind: approval, order: "{{ path.id }}"}
    reply: {json: {status: approved}}
  - name: approve-again
    request: POST /orders/{id}/approve
    reply: 409
  - request: GET /orders/{id}
    let: {status: "{{ state.get('order.' ~ path.id, 'none') }}"}
    reply: {json: {status: "{{ let.status }}"}}
"""


def statuses(server, *targets, method="POST"):
    return [server.ask(method, target).status for target in targets]


def test_one_machine_for_each_key(serving):
    server = serving(ORDERS)

    assert statuses(server, "/orders/1/approve", "/orders/2/approve", "/orders/1/approve") == [200, 200, 409]
    assert server.ask("GET", "/orders/1").json() == {"status": "approved"}
    assert server.ask("GET", "/orders/3").json() == {"status": "none"}
    assert server.admin.get("/state") == {"order.1": "approved", "order.2": "approved"}


def test_of_many_that_race_one_takes_the_state(serving):
    server = serving(ORDERS)

    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(lambda n: server.ask("POST", f"/orders/{n % 5}/approve").status, range(100))
        )

    assert (answers.count(200), answers.count(409)) == (5, 95)
    assert sorted(effect["order"] for effect in server.admin.get("/effects")["items"]) == list("01234")


def test_values_of_any_kind_are_kept_and_null_removes(serving):
    server = serving(
        """
state: {start: {a: [1, 2]}, gone: x}
routes:
  - {request: POST /set, set: {n: "{{ request.json.n }}", list: "{{ [1, 'two', none] }}", gone: null}, reply: 200}
  - {request: GET /, reply: {json: {start: "{{ state.start.a[1] }}", n: "{{ state.n | default('none') }}"}}}
"""
    )
    assert server.ask("GET", "/").json() == {"start": 2, "n": "none"}

    server.ask("POST", "/set", '{"n": {"deep": true}}', headers={"Content-Type": "application/json"})

    assert server.admin.get("/state") == {
        "start": {"a": [1, 2]},
        "n": {"deep": True},
        "list": [1, "two", None],
    }
    assert server.ask("GET", "/").json()["n"] == {"deep": True}


@pytest.mark.parametrize(
    ("when", "state", "holds"),
    [
        ('{a: "x"}', {"a": "x"}, True),
        ('{a: "x"}', {"a": "y"}, False),
        ('{a: "x"}', {}, False),
        ("{a: 1}", {"a": 1}, True),
        ("{a: 1}", {"a": "1"}, False),
        ("{a: absent}", {}, True),
        ("{a: absent}", {"a": 0}, False),
        ("{a: present}", {"a": False}, True),
        ("{a: {gte: 3}}", {"a": 3}, True),
        ("{a: {gte: 3}}", {"a": 2}, False),
        ("{a: {not: x}}", {}, True),
        ("{a: {one_of: [1, 2]}}", {"a": 2}, True),
        ("{a.b: 1}", {"a.b": 1}, True),
        ("{a.b: 1}", {"a": {"b": 1}}, False),
        ("{a: 1, b: 2}", {"a": 1}, False),
    ],
)
def test_conditions_on_the_state(serving, when, state, holds):
    server = serving(f"routes: [{{request: GET /, when: {when}, reply: 200}}]")
    server.admin.call("PUT", "/state", state)

    assert server.ask("GET", "/").status == (200 if holds else 404)


def test_what_was_set_for_a_while_is_forgotten_by_the_clock(serving):
    server = serving(
        """
routes:
  - {request: POST /hold, set: {held: "yes"}, set_ttl: 1h, reply: 200}
  - {request: POST /keep, reply: {set: {held: "for good"}}}
  - {request: POST /own, set: {held: route}, set_ttl: 1h, reply: {set: {held: reply}, set_ttl: 5m}}
  - {request: GET /, when: {held: present}, reply: {text: "{{ state.held }}"}}
"""
    )
    server.admin.post("/clock", {"freeze": True})
    server.ask("POST", "/hold")
    server.admin.post("/clock", {"advance": "59m"})
    assert server.ask("GET", "/").text == "yes"
    server.admin.post("/clock", {"advance": "1m"})
    assert server.ask("GET", "/").status == 404
    assert server.admin.get("/state") == {}

    server.ask("POST", "/own")
    server.admin.post("/clock", {"advance": "5m"})
    assert server.ask("GET", "/").status == 404
    statuses(server, "/hold", "/keep")
    server.admin.post("/clock", {"advance": "2h"})
    assert server.ask("GET", "/").text == "for good", "what is written anew has a time of its own, or none"


def test_values_of_let_are_made_once_a_call_and_seen_everywhere(serving):
    server = serving(
        """
routes:
  - request: POST /
    let: {id: "{{ uuid() }}", twice: "{{ let.id ~ let.id }}"}
    set: {id: "{{ let.id }}"}
    effect: {kind: made, id: "{{ let.id }}"}
    reply: {json: {id: "{{ let.id }}", twice: "{{ let.twice }}"}, headers: {x-id: "{{ let.id }}"}}
"""
    )

    answer = server.ask("POST", "/")
    made = answer.json()

    assert made["twice"] == made["id"] * 2
    assert answer.header("x-id") == made["id"]
    assert server.admin.get("/state/id") == made["id"]
    assert server.admin.get("/effects")["items"][0]["id"] == made["id"]
    assert server.ask("POST", "/").json()["id"] != made["id"]


# What is written when


def test_a_reply_of_400_or_more_does_only_what_it_says_itself(serving):
    server = serving(
        """
routes:
  - request: POST /
    set: {last: route}
    effect: {kind: route}
    reply: [200, {status: 302}, 400, 503, {status: 402, effect: {kind: own}}, {status: 200, effect: {kind: own}, set: {last: own}}]
"""
    )
    seen = []
    for _ in range(6):
        server.ask("POST", "/")
        seen.append([effect["kind"] for effect in server.admin.get("/effects")["items"]])
        server.admin.call("DELETE", "/calls")
        server.admin.post("/reset", {"what": ["calls"]})

    assert seen == [["route"], ["route"], [], [], ["own"], ["own"]]
    assert server.admin.get("/state") == {"last": "own"}


@pytest.mark.parametrize(
    "fault", ["reset", "close", "truncate", "garbage", "{kind: reset, after: headers}", "hang"]
)
def test_what_was_done_is_written_though_the_answer_is_lost(serving, fault):
    server = serving(
        f"routes: [{{request: POST /, set: {{a: 1}}, effect: {{kind: paid, amount: 5}}, reply: {{json: {{x: yyyy}}, fault: {fault}}}}}]"
    )
    with Wire(server.address) as wire:
        wire.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        server.admin.post(
            "/verify", {"effects": {"kind": "paid", "where": {"amount": 5}}, "times": 1, "within": "5s"}
        )
        wire.reset()
    server.closed_call(1)

    assert server.admin.get("/state") == {"a": 1}
    (effect,) = server.admin.get("/effects")["items"]
    assert (effect["kind"], effect["call"]) == ("paid", "c-000001")
    assert server.calls()[0]["effects"][0]["kind"] == "paid"


@pytest.mark.parametrize(
    "broken",
    [
        'let: {a: "{{ request.json.none }}"}, reply: {json: "{{ let.a }}"}',
        'set: {a: "{{ request.json.none }}"}, reply: 200',
        'set: {"{{ request.json.none }}": 1}, reply: 200',
        'effect: [{kind: one}, {kind: "{{ request.json.none }}"}], set: {b: 1}, reply: 200',
        'set: {b: 1}, effect: {kind: one}, reply: {status: "{{ request.json.none }}"}',
        'set: {b: 1}, effect: {kind: one}, reply: {status: "{{ 99 }}"}',
    ],
)
def test_a_claim_that_fails_leaves_nothing_behind(serving, broken):
    """But the call itself, and why."""
    server = serving(
        f"idempotency: {{header: idempotency-key}}\nroutes:\n  - {{name: pay, request: POST /, webhook: {{url: 'http://127.0.0.1:9/'}}, {broken}}}"
    )

    answer = server.ask(
        "POST", "/", "{}", headers={"Idempotency-Key": "k", "Content-Type": "application/json"}
    )

    assert answer.status == 500
    assert answer.json()["type"] == "urn:mockserver:template"
    assert server.admin.get("/state") == {}
    assert server.admin.get("/effects")["items"] == []
    assert server.admin.get("/webhooks")["items"] == []
    route = server.admin.get("/routes/pay")
    assert (route["calls"], route["step"]) == (1, 1)
    again = server.ask(
        "POST", "/", "[]", headers={"Idempotency-Key": "k", "Content-Type": "application/json"}
    )
    assert again.status == 500, "the key is not taken"


def test_what_can_t_be_rendered_after_the_claim_undoes_nothing(serving):
    server = serving(
        'routes: [{request: POST /, set: {a: 1}, effect: {kind: x}, reply: {text: "{{ request.json.none }}"}}]'
    )

    assert server.ask("POST", "/", "{}", headers={"Content-Type": "application/json"}).status == 500
    assert server.admin.get("/state") == {"a": 1}
    assert len(server.admin.get("/effects")["items"]) == 1


def test_effects_are_told_with_their_call_and_the_clock_s_time(serving):
    server = serving(
        "routes: [{request: POST /, effect: [{kind: a, n: '{{ call.number }}'}, {kind: b}], reply: 200}]"
    )
    server.admin.post("/clock", {"freeze": "2030-01-02T03:04:05Z"})
    statuses(server, "/", "/")

    items = server.admin.get("/effects?kind=a")["items"]

    assert items == [
        {"kind": "a", "n": 1, "call": "c-000001", "at": "2030-01-02T03:04:05.000000Z"},
        {"kind": "a", "n": 2, "call": "c-000002", "at": "2030-01-02T03:04:05.000000Z"},
    ]
    assert len(server.admin.get("/effects")["items"]) == 4
    assert server.admin.get("/effects?kind=none")["items"] == []


@pytest.mark.parametrize(
    ("work", "most", "reason"),
    [
        ('effect: {kind: a, list: "{{ request.json }}"}', 4_998, "an effect has at most 5,000 members"),
        ('set: {a: "{{ request.json }}"}', 25_000, "name the part of it that is needed"),
    ],
)
def test_what_a_request_has_kept_is_bounded(serving, work, most, reason):
    server = serving(f"routes: [{{request: POST /, {work}, reply: 201}}]")
    headers = {"Content-Type": "application/json"}

    assert server.ask("POST", "/", json.dumps([1] * most), headers=headers).status == 201
    problem = server.ask("POST", "/", json.dumps([1] * (most + 1)), headers=headers).json()

    assert (problem["status"], reason in problem["detail"]) == (500, True)
    assert problem["place"] in ("effect", "set.a")


# The state, from outside


def test_the_state_is_read_and_written_from_outside(serving):
    admin = serving(
        "state: {outage: 'no'}\nroutes: [{request: GET /, when: {outage: 'yes'}, reply: 503}, {request: GET /, reply: 200}]"
    ).admin

    assert admin.get("/state") == {"outage": "no"}
    assert admin.call("PATCH", "/state", {"a": 1, "outage": None}).json() == {"a": 1}
    assert admin.call("PUT", "/state", {"b": [1]}).json() == {"b": [1]}
    assert admin.call("PUT", "/state/order.7", {"status": "open", "n": 1}).status == 200
    assert admin.get("/state/order.7") == {"status": "open", "n": 1}
    assert admin.call("PATCH", "/state/order.7", {"n": None, "m": {"k": 2}}).json() == {
        "status": "open",
        "m": {"k": 2},
    }
    assert admin.call("PATCH", "/state/b", 5).json() == 5
    assert admin.call("DELETE", "/state/b").status == 204
    admin.refused(404, "GET", "/state/b")
    assert admin.call("PUT", "/state/a%2Fb%20c", "x").status == 200
    assert admin.get("/state/a%2Fb%20c") == "x"
    assert admin.call("DELETE", "/state").status == 204
    assert admin.get("/state") == {}
    admin.refused(422, "PUT", "/state", [1])
    admin.post("/reset", {"what": ["memory"]})
    assert admin.get("/state") == {"outage": "no"}


def test_state_that_was_written_from_outside_answers_at_once(serving):
    server = serving(
        "routes: [{request: GET /, when: {outage: 'yes'}, reply: 503}, {request: GET /, reply: 200}]"
    )

    assert server.ask("GET", "/").status == 200
    server.admin.call("PUT", "/state/outage", "yes")
    assert server.ask("GET", "/").status == 503


def test_each_namespace_has_its_own(serving):
    server = serving(ORDERS)
    server.admin.post("/namespaces", {"name": "other"})

    assert statuses(server, "/orders/1/approve", "/@other/orders/1/approve", "/orders/1/approve") == [
        200,
        200,
        409,
    ]
    server.admin.post("/reset")
    assert statuses(server, "/@other/orders/1/approve", "/orders/1/approve") == [409, 200]


# Resources, from outside

ITEMS = """
base: /v1
resources:
  - path: /items
    seed: {count: 3, each: {name: "Item {{ n }}"}}
  - path: /orders
    machine: {initial: pending, transitions: {approve: {pending: approved}}}
    on:
      create: {set: {"made.{{ item.id }}": "{{ request.json.for }}"}, effect: {kind: order, id: "{{ item.id }}"}}
      approve: {effect: {kind: approval, id: "{{ item.id }}"}}
      delete: {effect: {kind: deletion, id: "{{ item.id }}"}}
"""


def send(server, method, target, body):
    return server.ask(method, target, body, headers={"Content-Type": "application/json"})


def test_a_resource_s_life_over_the_wire(serving):
    server = serving(ITEMS)

    made = send(server, "POST", "/v1/items", '{"name": "Pen"}')
    assert (made.status, made.header("location"), made.json()) == (
        201,
        "/v1/items/4",
        {"id": 4, "name": "Pen"},
    )
    assert server.ask("GET", "/v1/items/4").json() == made.json()
    assert send(server, "PATCH", "/v1/items/4", '{"name": null, "n": 1}').json() == {"id": 4, "n": 1}
    assert send(server, "PUT", "/v1/items/4", '{"name": "Ink"}').json() == {"id": 4, "name": "Ink"}
    assert [item["id"] for item in server.ask("GET", "/v1/items").json()] == [1, 2, 3, 4]
    assert (server.ask("DELETE", "/v1/items/4").status, server.ask("GET", "/v1/items/4").status) == (204, 404)
    head = server.ask("HEAD", "/v1/items/3")
    assert (head.status, head.body) == (200, b"")
    assert server.ask("PROPFIND", "/v1/items").status == 405


def test_the_prefix_of_a_namespace_stands_in_its_locations(serving):
    server = serving(ITEMS)
    server.admin.post("/namespaces", {"name": "one"})

    made = send(server, "POST", "/@one/v1/items", "{}")

    assert made.header("location") == "/@one/v1/items/4"
    assert server.ask("GET", made.header("location")).status == 200


def test_what_else_happens_happens_in_the_claim(serving):
    server = serving(ITEMS)

    assert send(server, "POST", "/v1/orders", '{"for": "Zoë"}').status == 201
    assert server.ask("POST", "/v1/orders/1/approve").status == 200
    assert server.ask("POST", "/v1/orders/1/approve").status == 409
    assert server.ask("DELETE", "/v1/orders/1").status == 204

    assert [effect["kind"] for effect in server.admin.get("/effects")["items"]] == [
        "order",
        "approval",
        "deletion",
    ]
    assert server.admin.get("/state") == {"made.1": "Zoë"}


def test_a_resource_whose_event_fails_is_left_as_it_was(serving):
    server = serving(ITEMS)

    assert send(server, "POST", "/v1/orders", "{}").status == 500, "request.json.for is undefined"

    assert server.ask("GET", "/v1/orders").json() == []
    assert server.admin.get("/effects")["items"] == []


def test_of_many_that_race_one_makes_the_transition(serving):
    server = serving(ITEMS)
    send(server, "POST", "/v1/orders", '{"for": "a"}')

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: server.ask("POST", "/v1/orders/1/approve").status, range(50)))

    assert (answers.count(200), answers.count(409)) == (1, 49)
    assert len(server.admin.get("/effects?kind=approval")["items"]) == 1


def test_items_are_read_and_replaced_from_outside(serving):
    server = serving(ITEMS)
    admin, path = server.admin, "/resources/v1%2Fitems"

    assert [item["id"] for item in admin.get(path)["items"]] == [1, 2, 3]
    assert admin.get("/resources/items") == admin.get(path), "its path without base will do"
    put = admin.call("PUT", path, [{"id": 9, "name": "Pen"}, {"name": "Ink"}])
    assert put.status == 200
    ids = [item["id"] for item in put.json()["items"]]
    assert ids[0] == 9
    assert len(set(ids)) == 2
    assert server.ask("GET", "/v1/items/9").json() == {"id": 9, "name": "Pen"}
    admin.refused(422, "PUT", path, [{"id": 1}, {"id": 1}])
    admin.refused(422, "PUT", path, {"name": "Pen"})
    assert len(admin.get(path)["items"]) == 2, "a bad request changes nothing"
    assert admin.call("DELETE", path).status == 204
    assert server.ask("GET", "/v1/items").json() == []
    assert "items" in admin.refused(404, "GET", "/resources/itms")["detail"]
    admin.post("/reset", {"what": ["memory"]})
    assert len(admin.get(path)["items"]) == 3


# Roll-back


def test_a_snapshot_puts_back_all_that_is_remembered(serving):
    server = serving(
        """
idempotency: {header: idempotency-key}
routes:
  - {request: POST /pay, set: {paid: "{{ call.number }}"}, reply: [{json: 1}, {json: 2}, {json: 3}]}
  - {request: GET /limited, limit: {rate: 2/d}, reply: 200}
resources: [{path: /items}]
"""
    )
    key = {"Idempotency-Key": "k"}
    server.ask("POST", "/pay", headers=key)
    server.ask("GET", "/limited")
    send(server, "POST", "/items", "{}")
    first = server.admin.post("/snapshot")["id"]
    server.ask("POST", "/pay", headers={"Idempotency-Key": "k2"})
    server.ask("GET", "/limited")
    send(server, "POST", "/items", "{}")
    second = server.admin.post("/snapshot")["id"]
    server.ask("POST", "/pay")
    calls = len(server.calls())

    server.admin.post("/restore", {"id": first})

    server.admin.refused(404, "POST", "/restore", {"id": second})
    assert len(server.calls()) == calls, "calls stay"
    assert server.admin.get("/state") == {"paid": 1}
    assert len(server.ask("GET", "/items").json()) == 1
    assert server.ask("POST", "/pay", headers=key).header("idempotent-replayed") == "true"
    assert server.ask("POST", "/pay", headers={"Idempotency-Key": "k2"}).json() == 2
    assert [server.ask("GET", "/limited").status for _ in range(2)] == [200, 429]
    server.admin.post("/restore")
    assert server.admin.get("/state") == {"paid": 1}, "it can be put back again and again"


def test_a_snapshot_keeps_how_far_an_outage_has_come(serving):
    server = serving("routes: [{request: GET /, reply: 200}]")
    server.admin.call("PUT", "/outage", {"reply": 503, "times": 2})
    assert statuses(server, "/", method="GET") == [503]
    server.admin.post("/snapshot")

    for _ in range(2):
        assert statuses(server, "/", "/", method="GET") == [503, 200]
        server.admin.post("/restore")
