"""What a service sends by itself, end to end: a call comes in, and a real receiver hears of it."""

import json
import time

import pytest
import stripe
from slack_sdk.signature import SignatureVerifier
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from support.wire import Wire

pytestmark = pytest.mark.smoke

START = "2030-01-02T03:04:05Z"
START_S = 1893553445
DAY_S = 86400


@pytest.fixture
def hooked(serving):
    """A server with one route that has this webhook; its clock stands at START."""

    def start(webhook, reply="{json: {id: 7}}", more=""):
        server = serving(
            f"routes:\n  - {{name: pay, request: POST /pay, reply: {reply}, webhook: {webhook}}}\n{more}"
        )
        server.admin.post("/clock", {"freeze": START})
        return server

    return start


def deliveries(server, query=""):
    return server.admin.get(f"/webhooks{query}")["items"]


def delivered(server, times=1):
    return server.admin.post("/verify", {"webhooks": {"route": "pay"}, "times": times, "within": "5s"})


def bodies(receiver):
    return [json.loads(got.body) for got in receiver.got]


# What is sent, and when


def test_the_receiver_hears_what_was_answered(hooked, receiving):
    receiver = receiving()
    server = hooked(
        f"{{url: {receiver.url}, headers: {{x-call: '{{{{ call.id }}}}'}}, json: {{type: paid, at: '{{{{ now }}}}', "
        "object: '{{ reply.json }}', status: '{{ reply.status }}', kind: '{{ reply.headers[\"content-type\"] }}'}}"
    )

    server.ask("POST", "/pay")
    delivered(server)

    assert bodies(receiver) == [
        {"type": "paid", "at": START, "object": {"id": 7}, "status": 200, "kind": "application/json"}
    ]
    got = receiver.got[0]
    assert (got.method, got.headers["x-call"], got.headers["content-type"]) == (
        "POST",
        "c-000001",
        "application/json",
    )
    (one,) = deliveries(server)
    assert (one["route"], one["call"], one["state"], one["tries"][0]["status"]) == (
        "shop/pay",
        "c-000001",
        "delivered",
        200,
    )
    assert one["tries"][0]["answer"] == "thanks"
    assert server.calls()[0]["webhooks"] == [one["id"]]


def test_several_arrive_in_the_order_in_which_they_are_written(hooked, receiving):
    receiver = receiving()
    hooks = ", ".join(f"{{url: {receiver.url}, json: {n}}}" for n in range(5))
    server = hooked(f"[{hooks}]")

    server.ask("POST", "/pay")
    delivered(server, 5)

    assert bodies(receiver) == [0, 1, 2, 3, 4]


def test_it_is_sent_after_the_answer_or_before_it(hooked, receiving):
    seen = []
    receiver = receiving(seen=lambda got: seen.append(json.loads(got.body)))
    server = hooked(
        f"[{{url: {receiver.url}, json: after}}, {{url: {receiver.url}, json: before, before: true}}]",
        reply="{text: x, delay: 100ms}",
    )

    server.ask("POST", "/pay")
    assert seen[0] == "before"
    delivered(server, 2)

    assert seen == ["before", "after"]


def test_three_days_later_comes_at_once_when_the_clock_is_advanced(hooked, receiving):
    receiver = receiving()
    server = hooked(
        f"{{url: {receiver.url}, delay: 3d, json: {{type: dispute, created: '{{{{ now.timestamp() | int }}}}'}}}}"
    )
    server.ask("POST", "/pay")
    server.closed_call(1)
    assert [one["state"] for one in deliveries(server)] == ["waiting"]
    server.admin.post("/clock", {"advance": "2d"})
    assert receiver.got == []

    server.admin.post("/clock", {"advance": "1d"})

    assert bodies(receiver) == [{"type": "dispute", "created": START_S + 3 * DAY_S}], (
        "it is there when the call returns"
    )
    (one,) = deliveries(server)
    assert (one["state"], one["created"][:10], one["tries"][0]["at"][:10]) == (
        "delivered",
        "2030-01-02",
        "2030-01-05",
    )
    assert (
        abs(time.time() - time.mktime(time.strptime(one["tries"][0]["sent_at"][:10], "%Y-%m-%d"))) < 2 * DAY_S
    )


def test_what_is_due_goes_out_in_order_each_at_its_own_moment(hooked, receiving):
    receiver = receiving()
    hooks = ", ".join(
        f"{{url: {receiver.url}, delay: {d}, json: '{{{{ now }}}}'}}" for d in ("3d", "1h", "2d", "1s")
    )
    server = hooked(f"[{hooks}]")
    server.ask("POST", "/pay")
    server.closed_call(1)

    server.admin.post("/clock", {"advance": "1w"})

    assert bodies(receiver) == [
        "2030-01-02T03:04:06Z",
        "2030-01-02T04:04:05Z",
        "2030-01-04T03:04:05Z",
        "2030-01-05T03:04:05Z",
    ]
    assert [one["tries"][0]["at"] for one in sorted(deliveries(server), key=lambda one: one["due"])] == [
        body.replace("Z", ".000000Z") for body in bodies(receiver)
    ]


def test_a_receiver_that_is_down_twice_is_tried_again_by_the_schedule(hooked, receiving):
    receiver = receiving(503, 500, 204)
    server = hooked(
        f"{{url: {receiver.url}, json: {{n: 1}}, retry: {{attempts: 5, backoff: [10s, 5m, 1h]}}}}"
    )
    server.ask("POST", "/pay")
    receiver.wait(1)
    server.admin.post("/clock", {"advance": "9s"})
    assert len(receiver.got) == 1
    server.admin.post("/clock", {"advance": "1s"})
    assert len(receiver.got) == 2

    server.admin.post("/clock", {"advance": "1d"})

    (one,) = deliveries(server)
    assert [(t["at"][11:19], t["status"]) for t in one["tries"]] == [
        ("03:04:05", 503),
        ("03:04:15", 500),
        ("03:09:15", 204),
    ]
    assert one["state"] == "delivered"
    assert len({got.body for got in receiver.got}) == 1


def test_after_its_last_attempt_it_has_failed_and_verify_says_so(hooked, receiving):
    receiver = receiving(500)
    server = hooked(f"{{url: {receiver.url}, json: 1, retry: {{attempts: 3, backoff: 1s}}}}")
    server.ask("POST", "/pay")
    server.closed_call(1)
    assert server.admin.get("/verify")["ok"], "it may still arrive"
    server.admin.post("/clock", {"advance": "1m"})

    assert len(receiver.got) == 3
    assert [one["state"] for one in deliveries(server)] == ["failed"]
    problem = server.admin.refused(409, "GET", "/verify")
    text = problem["checks"][-1]["text"]
    assert "expected no failed webhook, saw 1" in text
    assert "the receiver answered 500" in text
    check = server.admin.refused(409, "POST", "/verify", {"webhooks": {"route": "pay"}, "times": 1})[
        "checks"
    ][0]
    assert check["text"].startswith(
        "webhooks of shop/pay: expected 1 webhook delivered, saw 0\n  w-000001  failed"
    )


def test_the_same_comes_several_times_where_it_is_asked_for(hooked, receiving):
    receiver = receiving()
    secret = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0"
    server = hooked(
        f"{{url: {receiver.url}, json: {{id: '{{{{ uuid() }}}}'}}, repeat: 3, sign: {{scheme: standard, secret: {secret}}}}}"
    )

    server.ask("POST", "/pay")
    delivered(server, 3)

    assert len({got.body for got in receiver.got}) == 1
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1


# Which replies send


def test_a_reply_of_400_or_more_sends_only_its_own_and_none_drops_the_route_s(hooked, receiving):
    receiver = receiving()
    server = hooked(
        f"{{url: {receiver.url}, json: route}}",
        reply=f"[200, 402, 503, {{status: 200, webhook: none}}, {{status: 402, webhook: {{url: {receiver.url}, json: own}}}}, {{status: 302}}]",
    )

    for _ in range(6):
        server.ask("POST", "/pay")
    delivered(server, 3)

    assert sorted(bodies(receiver)) == ["own", "route", "route"]
    assert len(deliveries(server)) == 3


@pytest.mark.parametrize(
    "reply",
    [
        "{json: {id: 7}, fault: reset}",
        "{json: {id: 7}, fault: truncate}",
        "{json: {id: 7}, fault: close}",
        "{json: {id: 7}, fault: garbage}",
    ],
)
def test_an_answer_that_is_lost_stops_no_webhook(hooked, receiving, reply):
    receiver = receiving()
    server = hooked(f"{{url: {receiver.url}, json: '{{{{ reply.json.id }}}}'}}", reply=reply)

    with Wire(server.address) as wire:
        wire.send("POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        wire.ending()
    delivered(server)

    assert bodies(receiver) == [7]


def test_a_client_that_leaves_stops_no_webhook(hooked, receiving):
    receiver = receiving()
    server = hooked(f"{{url: {receiver.url}, json: 1}}", reply="{delay: 60s}")

    with Wire(server.address) as wire:
        wire.send("POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        server.admin.post("/verify", {"route": "pay", "within": "5s"})
        assert receiver.got == [], "it is sent when the call is over"
        wire.reset()
    delivered(server)

    assert bodies(receiver) == [1]
    assert server.calls()[0]["outcome"] == "client_left"


def test_one_that_can_t_be_made_has_failed_and_the_answer_stands(hooked, receiving):
    receiver = receiving()
    server = hooked(
        f"[{{url: {receiver.url}, json: '{{{{ reply.json.none }}}}'}}, {{url: {receiver.url}, json: 1}}]"
    )

    assert server.ask("POST", "/pay").status == 200
    delivered(server)

    assert bodies(receiver) == [1]
    failed = deliveries(server)[0]
    assert failed["state"] == "failed"
    assert "reply.json.none is undefined" in failed["error"]


def test_a_resource_sends_what_its_events_say(serving, receiving):
    receiver = receiving()
    server = serving(
        f"""
resources:
  - path: /orders
    machine: {{initial: pending, transitions: {{approve: {{pending: approved}}}}}}
    on: {{approve: {{webhook: {{url: {receiver.url}, json: {{type: order.approved, order: "{{{{ reply.json }}}}", id: "{{{{ item.id }}}}"}}}}}}}}
"""
    )

    server.ask("POST", "/orders")
    server.ask("POST", "/orders/1/approve")
    server.ask("POST", "/orders/1/approve")
    server.admin.post("/verify", {"webhooks": {}, "times": 1, "within": "5s"})

    assert bodies(receiver) == [{"type": "order.approved", "order": {"id": 1, "status": "approved"}, "id": 1}]


# Looked at, and sent again


def test_it_is_sent_again_when_asked(hooked, receiving):
    receiver = receiving(500, 200)
    server = hooked(f"{{url: {receiver.url}, json: {{n: 1}}}}")
    server.ask("POST", "/pay")
    receiver.wait(1)
    server.admin.post("/verify", {"route": "pay"})
    (one,) = deliveries(server, "?route=pay")

    again = server.admin.post(f"/webhooks/{one['id']}/redeliver")

    assert [t["status"] for t in again["tries"]] == [500, 200]
    assert again["state"] == "delivered"
    assert len({got.body for got in receiver.got}) == 1
    server.admin.refused(404, "POST", "/webhooks/w-9/redeliver")
    assert server.admin.get("/verify")["ok"]


def test_verify_waits_for_a_webhook(hooked, receiving):
    receiver = receiving()
    server = hooked(f"{{url: {receiver.url}, json: 1, delay: 1h}}")
    server.ask("POST", "/pay")
    server.closed_call(1)

    short = server.admin.refused(
        409, "POST", "/verify", {"webhooks": {"route": "pay"}, "times": 1, "within": "10ms"}
    )
    assert "advance the clock" in short["checks"][0]["text"]
    server.admin.post("/clock", {"advance": "1h", "wait": False})
    assert delivered(server)["ok"]
    server.admin.refused(409, "POST", "/verify", {"webhooks": {"route": "pay"}, "times": 2})
    server.admin.refused(422, "POST", "/verify", {"webhooks": {"route": "nope"}})


def test_a_reset_of_the_clock_takes_back_what_waits(hooked, receiving):
    receiver = receiving()
    server = hooked(f"{{url: {receiver.url}, json: 1, delay: 1h}}")
    server.ask("POST", "/pay")
    server.closed_call(1)

    server.admin.post("/reset", {"what": ["clock"]})
    server.admin.post("/clock", {"advance": "1d"})

    assert receiver.got == []
    assert [one["state"] for one in deliveries(server)] == ["dropped"]


def test_a_call_that_is_open_at_a_reset_sends_nothing_any_more(hooked, receiving):
    """Its test is over; the next one is not to hear of it."""
    receiver = receiving()
    server = hooked(f"{{url: {receiver.url}, json: '{{{{ call.number }}}}'}}", reply="[{delay: 60s}, 200]")
    with Wire(server.address) as wire:
        wire.send("POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        server.admin.post("/verify", {"route": "pay", "within": "5s"})
        server.admin.post("/reset", {"what": ["calls"]})
        wire.reset()

    server.ask("POST", "/pay")
    delivered(server)

    assert bodies(receiver) == [2]


def test_a_snapshot_keeps_what_waits(hooked, receiving):
    receiver = receiving()
    server = hooked(f"{{url: {receiver.url}, json: 1, delay: 1h}}")
    server.ask("POST", "/pay")
    server.closed_call(1)
    server.admin.post("/snapshot")
    server.admin.post("/clock", {"advance": "2h"})
    assert len(receiver.got) == 1

    server.admin.post("/restore")
    assert server.admin.get("/clock")["now"].startswith("2030-01-02T03:04:05")
    assert [one["state"] for one in deliveries(server)] == ["waiting"]
    server.admin.post("/clock", {"advance": "2h"})

    assert len(receiver.got) == 2


# Signed


def signed(hooked, receiving, scheme, secret, fault=None):
    """What a receiver got, and which the server signed at an odd hour of its own clock."""
    receiver = receiving()
    wrong = f", fault: {fault}" if fault else ""
    server = hooked(
        f"{{url: {receiver.url}, json: {{id: evt_1, object: event, type: paid, note: 'é {{{{ reply.json.id }}}}', data: {{object: {{id: 7}}}}}}, "
        f"sign: {{scheme: {scheme}, secret: {secret}{wrong}}}}}"
    )
    server.ask("POST", "/pay")
    delivered(server)
    return receiver.got[0]


FAULTS = ["expired", "wrong_key", "tampered"]
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_stripe_sdk_accepts_it(hooked, receiving):
    got = signed(hooked, receiving, "stripe", "whsec_test")

    event = stripe.Webhook.construct_event(got.body, got.headers["stripe-signature"], "whsec_test")

    assert event["type"] == "paid"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_stripe_sdk_refuses_each_faulty_one(hooked, receiving, fault):
    got = signed(hooked, receiving, "stripe", "whsec_test", fault)

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(got.body, got.headers["stripe-signature"], "whsec_test")


def test_the_standardwebhooks_library_accepts_it(hooked, receiving):
    got = signed(hooked, receiving, "standard", STANDARD)

    assert Webhook(STANDARD).verify(got.body, dict(got.headers))["type"] == "paid"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_standardwebhooks_library_refuses_each_faulty_one(hooked, receiving, fault):
    got = signed(hooked, receiving, "standard", STANDARD, fault)

    with pytest.raises(WebhookVerificationError):
        Webhook(STANDARD).verify(got.body, dict(got.headers))


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_the_slack_sdk_accepts_it_and_refuses_each_faulty_one(hooked, receiving, fault):
    got = signed(hooked, receiving, "slack", "8f742231b10e8888abcd99yyyzzz85a5", fault)

    valid = SignatureVerifier("8f742231b10e8888abcd99yyyzzz85a5").is_valid_request(
        got.body, dict(got.headers)
    )

    assert valid is (fault is None)


# Who may be sent to


def test_a_host_that_stands_in_no_file_is_refused_with_the_remedy(hooked, receiving):
    receiver = receiving()
    elsewhere = receiver.url.replace("127.0.0.1", "localhost")
    server = hooked(f"{{url: {receiver.url}, json: 1}}")
    server.admin.post(
        "/routes",
        {"request": "POST /other", "reply": 200, "webhook": {"url": elsewhere, "retry": {"attempts": 3}}},
    )
    server.admin.post("/routes", {"request": "POST /same", "reply": 200, "webhook": {"url": receiver.url}})

    server.ask("POST", "/other")
    server.ask("POST", "/same")
    receiver.wait(1)
    server.admin.post("/verify", {"webhooks": {}, "times": 1, "within": "5s"})
    server.admin.post("/clock", {"advance": "1m"})

    refused, sent = deliveries(server)
    assert (refused["state"], len(refused["tries"])) == ("failed", 1), "another try can't go better"
    assert "--allow-egress localhost" in refused["error"]
    assert sent["state"] == "delivered"
    assert len(receiver.got) == 1


def test_an_address_that_a_client_names_is_refused(hooked, receiving):
    receiver = receiving()
    server = hooked("{url: 'http://{{ request.query.to }}/hooks', json: 1}")

    server.ask("POST", f"/pay?to=127.0.0.1:{receiver.port}")
    server.closed_call(1)
    server.admin.post("/clock", {"advance": "1m"})

    (one,) = deliveries(server)
    assert "refused by egress" in one["error"]
    assert receiver.got == []


def test_what_is_allowed_on_the_command_line_is_reached(serving, receiving):
    receiver = receiving()
    server = serving(
        "routes: [{name: pay, request: POST /pay, reply: 200, webhook: {url: 'http://127.0.0.1:{{ request.query.port }}/hooks', json: 1}}]",
        allow_egress=("127.0.0.1",),
    )

    server.ask("POST", f"/pay?port={receiver.port}")

    assert delivered(server)["ok"]
