"""A trouble strikes chosen calls: before the service's work, so that nothing has happened, or after it, when only the answer is lost."""

import json

import pytest
from support.admin import pointers
from support.wire import Wire

SCENARIO = """
defaults: {headers: {x-service: payments}}
routes:
  - name: pay
    request: POST /pay
    idempotency: {header: key}
    let: {id: "{{ random_string(12) }}"}
    set: {paid: "{{ call.number }}"}
    effect: {kind: charge, id: "{{ let.id }}"}
    reply: {status: 201, json: {id: "{{ let.id }}", more: 0123456789012345678901234567890123456789}}
  - {name: steps, request: POST /steps, reply: [{status: 201, text: one}, {status: 202, text: two}], effect: {kind: step}}
  - {name: fixed, request: GET /fixed, reply: {text: fixed}}
  - {name: guarded, request: GET /guarded, auth: {bearer: [token]}, reply: {text: in}}
  - {name: stream, request: GET /stream, reply: {events: [one, two, three, four]}, effect: {kind: stream}}
  - {name: broken, request: GET /broken, reply: {text: broken, fault: reset}}
  - {name: cors, request: GET /cors, reply: {text: shared}}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


def set_troubles(server, *troubles):
    answer = server.admin.call("PUT", "/troubles", list(troubles) if len(troubles) > 1 else troubles[0])
    assert answer.status == 200, answer.text
    return answer.json()["items"]


def struck(server):
    return [one["hits"] for one in server.admin.get("/troubles")["items"]]


def effects(server, kind="charge"):
    return len(server.admin.get(f"/effects?kind={kind}")["items"])


def statuses(server, count, method="POST", target="/steps", **options):
    return [server.ask(method, target, **options).status for _ in range(count)]


def raw(server, line, *lines):
    """What a raw socket sees of one answer, and how the connection ended."""
    with Wire(server.address) as wire:
        wire.send("\r\n".join([f"{line} HTTP/1.1", "Host: x", "Content-Length: 0", *lines, "", ""]))
        return wire.ending()


# Before


def test_before_stands_in_the_place_of_the_work(server):
    set_troubles(server, {"route": "steps", "before": {"status": 503, "headers": {"retry-after": "1"}}})

    answer = server.ask("POST", "/steps")
    assert (answer.status, answer.header("retry-after"), answer.header("x-service")) == (503, "1", None)
    assert effects(server, "step") == 0
    assert server.admin.get("/state") == {}
    (call,) = server.calls()
    assert (call["route"], call["step"], call["effects"], call["reply"]["status"]) == (
        "shop/steps",
        None,
        [],
        503,
    )
    assert server.ask("POST", "/steps").text == "one"
    assert struck(server) == [["c-000001"]]


def test_it_strikes_the_call_of_that_number_and_as_many_as_it_says(server):
    set_troubles(server, {"route": "steps", "call": 2, "times": 2, "before": 500})

    assert statuses(server, 5) == [201, 500, 500, 202, 202]
    assert struck(server) == [["c-000002", "c-000003"]]


def test_always_has_no_end(server):
    set_troubles(server, {"route": "shop/steps", "call": 2, "times": "always", "before": 503})

    assert statuses(server, 5) == [201, 503, 503, 503, 503]


def test_only_calls_of_its_route_are_counted(server):
    server.ask("POST", "/steps")
    set_troubles(server, {"route": "steps", "call": 2, "before": 500})

    assert server.ask("GET", "/fixed").status == 200
    assert server.ask("POST", "/nowhere").status == 404
    assert statuses(server, 2) == [202, 500]
    (view,) = server.admin.get("/troubles")["items"]
    assert (view["route"], view["seen"], view["hits"]) == ("shop/steps", 2, ["c-000005"])


def test_a_route_that_costs_nothing_to_answer_is_struck_too(server):
    set_troubles(server, {"route": "fixed", "before": 500}, {"route": "steps", "after": {"fault": "close"}})

    assert statuses(server, 2, "GET", "/fixed") == [500, 200]
    assert raw(server, "POST /steps") == (b"", "FIN")


def test_auth_and_keys_stand_behind_it(server):
    set_troubles(server, {"route": "guarded", "before": 500}, {"route": "pay", "before": 500})

    assert statuses(server, 2, "GET", "/guarded") == [500, 401]
    assert statuses(server, 2, target="/pay", headers={"key": "k"}) == [500, 201]
    assert server.ask("POST", "/pay", headers={"key": "k"}).header("idempotent-replayed") == "true"


def test_a_reset_before_the_work_leaves_nothing_done(server):
    set_troubles(server, {"route": "pay", "before": {"fault": "reset"}})

    assert raw(server, "POST /pay", "key: k") == (b"", "RST")
    assert effects(server) == 0
    assert server.ask("POST", "/pay", headers={"key": "k"}).header("idempotent-replayed") is None
    assert effects(server) == 1


# After


def test_a_reset_after_the_work_loses_only_the_answer(server):
    set_troubles(server, {"route": "pay", "after": {"fault": "reset"}})

    assert raw(server, "POST /pay", "key: k") == (b"", "RST")
    assert effects(server) == 1
    assert server.admin.get("/state") == {"paid": 1}
    call = server.closed_call()
    assert (call["fault"], call["outcome"], call["step"], len(call["effects"])) == ("reset", "reset", 1, 1)

    again = server.ask("POST", "/pay", headers={"key": "k"})
    assert (again.status, again.header("idempotent-replayed")) == (201, "true")
    assert again.json()["id"] == server.admin.get("/effects")["items"][0]["id"]
    assert effects(server) == 1


def test_the_answer_may_be_cut(server):
    whole = server.ask("POST", "/pay").body
    set_troubles(server, {"route": "pay", "after": {"fault": "truncate"}})

    got, end = raw(server, "POST /pay")
    head, _, body = got.partition(b"\r\n\r\n")
    assert (len(body), end) == (len(whole) // 2, "FIN")
    assert f"Content-Length: {len(whole)}".encode() in head
    assert b"201" in head.splitlines()[0]


def test_the_answer_may_be_another(server):
    set_troubles(server, {"route": "pay", "after": {"status": 200, "html": "<h1>Proxy</h1>"}})

    answer = server.ask("POST", "/pay", headers={"key": "k"})
    assert (answer.status, answer.text, answer.header("x-service")) == (200, "<h1>Proxy</h1>", None)
    assert server.calls()[0]["reply"]["status"] == 200
    assert effects(server) == 1
    assert server.admin.get("/counts")["routes"]["shop/pay"]["statuses"] == {"200": 1}
    assert server.ask("POST", "/pay", headers={"key": "k"}).status == 201, "the key keeps the route's own"


def test_the_answer_may_be_slow_and_late_and_have_further_header_lines(server):
    after = {"headers": {"x-service": "proxy"}, "throttle": {"chunks": 4, "over": "8ms"}, "delay": "4ms"}
    plain = server.ask("POST", "/steps")
    set_troubles(server, {"route": "steps", "after": after})

    with Wire(server.address) as wire:
        wire.send("POST /steps HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        answer = wire.answer()
    assert (answer.status, answer.body, answer.all("x-service")) == (202, b"two", ["proxy"])
    call = server.closed_call(2)
    assert call["times"]["first_byte_ms"] >= 4
    assert call["times"]["last_byte_ms"] - call["times"]["first_byte_ms"] >= 5
    assert plain.header("x-service") == "payments"


def test_a_stream_is_cut_as_a_stream(server):
    set_troubles(server, {"route": "stream", "after": {"fault": {"kind": "reset", "after": 6}}})

    got, end = raw(server, "GET /stream")
    assert (got.partition(b"\r\n\r\n")[2], end) == (b"6\r\ndata: \r\n", "RST")
    assert effects(server, "stream") == 1


def test_a_delay_alone_leaves_a_fault_of_the_route_in_force(server):
    set_troubles(server, {"route": "broken", "after": {"delay": "1ms"}})

    assert raw(server, "GET /broken") == (b"", "RST")


def test_what_a_guard_or_a_key_answers_is_lost_as_well(server):
    set_troubles(server, {"route": "pay", "call": 2, "after": {"fault": "close"}})

    server.ask("POST", "/pay", headers={"key": "k"})
    assert raw(server, "POST /pay", "key: k") == (b"", "FIN")
    assert effects(server) == 1
    assert server.closed_call(2)["replayed"] is True


def test_the_lines_for_browsers_stay(serving):
    server = serving("cors: true\n" + SCENARIO)
    set_troubles(server, {"route": "cors", "after": {"status": 200, "text": "garbage"}})

    answer = server.ask("GET", "/cors", headers={"origin": "http://app.test"})
    assert (answer.text, answer.header("access-control-allow-origin")) == ("garbage", "http://app.test")


# Webhooks


def test_webhooks_come_twice_or_late(serving, receiving):
    receiver = receiving()
    hook = f"{{url: {receiver.url}, json: {{id: '{{{{ let.id }}}}'}}, sign: {{scheme: standard, secret: whsec_MfKQ9r8G}}}}"
    server = serving(
        f"routes: [{{name: pay, request: POST /pay, let: {{id: '{{{{ uuid() }}}}'}}, reply: 201, webhook: {hook}}}]"
    )
    server.admin.post("/clock", {"freeze": True})
    set_troubles(
        server,
        {"route": "pay", "call": 1, "webhook": {"repeat": 2}},
        {"route": "pay", "call": 2, "webhook": {"delay": "1h"}},
    )

    server.ask("POST", "/pay")
    server.admin.post("/verify", {"webhooks": {"route": "pay"}, "times": 2, "within": "5s"})
    assert len({got.body for got in receiver.got}) == 1
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len(server.calls()[0]["webhooks"]) == 2

    server.ask("POST", "/pay")
    server.admin.post("/clock", {"advance": "59m"})
    assert len(receiver.got) == 2
    server.admin.post("/clock", {"advance": "1m"})
    assert len(receiver.got) == 3


# Beside others


def test_an_outage_beside_it_takes_what_it_leaves(server):
    set_troubles(server, {"route": "steps", "call": 2, "before": 500})
    server.admin.call("PUT", "/outage", {"reply": 503, "times": 2})
    assert server.admin.get("/outage")["answered"] == 0

    assert statuses(server, 4) == [503, 500, 503, 201]
    assert server.admin.get("/outage") is None
    assert struck(server) == [["c-000002"]]


def test_troubles_set_beside_an_outage_leave_it(server):
    server.admin.call("PUT", "/outage", {"reply": 503})
    set_troubles(server, {"route": "steps", "before": 500})
    assert statuses(server, 2) == [500, 503]

    assert server.admin.call("DELETE", "/troubles").status == 204
    assert server.ask("POST", "/steps").status == 503
    assert server.admin.call("DELETE", "/outage").status == 204
    assert server.ask("POST", "/steps").status == 201


def test_a_roll_back_takes_an_outage_away_and_leaves_troubles(server):
    set_troubles(server, {"route": "steps", "call": 3, "before": 500})
    server.admin.post("/snapshot")
    server.admin.call("PUT", "/outage", {"reply": 503})
    assert statuses(server, 1) == [503]
    server.admin.post("/restore", {})

    assert statuses(server, 2) == [201, 500]


def test_of_two_that_meet_a_call_the_first_strikes_and_both_count(server):
    set_troubles(
        server, {"route": "steps", "before": 500}, {"route": "steps", "call": 1, "times": 2, "before": 501}
    )

    assert statuses(server, 3) == [500, 501, 201]
    assert struck(server) == [["c-000001"], ["c-000002"]]


def test_a_reset_leaves_only_what_is_lasting(server):
    set_troubles(
        server,
        {"route": "steps", "call": 2, "before": 500, "lasting": True},
        {"route": "fixed", "times": "always", "before": 500},
    )
    assert statuses(server, 1, "GET", "/fixed") == [500]
    server.ask("POST", "/steps")
    server.admin.post("/reset")

    assert statuses(server, 1, "GET", "/fixed") == [200]
    assert statuses(server, 2) == [500, 201]


def test_a_route_that_is_made_later_is_named_by_its_whole_id(server):
    set_troubles(server, {"route": "runtime/POST /late", "later": True, "before": 503})
    server.admin.post("/routes", {"request": "POST /late", "reply": 201})

    assert statuses(server, 2, target="/late") == [503, 201]


def test_they_are_their_namespaces_own(server):
    server.admin.post("/namespaces", {"name": "other"})
    set_troubles(server, {"route": "fixed", "times": "always", "before": 500})

    assert server.ask("GET", "/@other/fixed").status == 200
    assert server.admin.get("/@other/troubles")["items"] == []


def test_what_is_set_replaces_what_was(server):
    set_troubles(server, {"route": "fixed", "times": "always", "before": 500})
    set_troubles(server, {"name": "x", "route": "steps", "before": 500})
    assert server.ask("GET", "/fixed").status == 200
    assert [one["name"] for one in server.admin.get("/troubles")["items"]] == ["x"]

    assert server.admin.call("PUT", "/troubles", []).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("trouble", "pointer", "said"),
    [
        ({"route": "fixed"}, "", "has no effect"),
        ({"before": 500}, "", "'route' is missing"),
        ({"route": "fixd", "before": 500}, "/route", "Did you mean 'fixed'?"),
        ({"route": "fixed", "before": 99}, "/before", "99 is not a valid HTTP status"),
        ({"route": "fixed", "before": 500, "after": {"fault": "reset"}}, "", "is not processed"),
        ({"route": "fixed", "before": 500, "webhook": {"repeat": 2}}, "", "so `webhook`"),
        ({"route": "fixed", "webhook": {}}, "/webhook", "has no effect"),
        ({"route": "fixed", "webhook": {"repeat": 1}}, "/webhook/repeat", "at least 2"),
        ({"route": "fixed", "before": {"text": "{{ path }}"}}, "/before", "this varies"),
        ({"route": "fixed", "before": {"text": "{{ 1 +"}}, "/before/text", ""),
        ({"route": "fixed", "after": {"delay": {"min": "1ms", "max": "2ms"}}}, "/after", "this varies"),
        ({"route": "fixed", "after": {"effect": {"kind": "x"}}}, "/after", "`effect` has no place"),
        ({"route": "fixed", "before": {"file": "a.txt"}}, "/before/file", "no folder"),
        ({"route": "fixed", "before": 500, "times": 0}, "/times", "always"),
        ({"route": "fixed", "before": 500, "times": "allways"}, "/times", "always"),
        ({"route": "fixed", "before": 500, "call": 0}, "/call", "at least 1"),
        ({"route": "fixed", "befor": 500}, "/befor", "Did you mean 'before'?"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place_and_changes_nothing(server, trouble, pointer, said):
    problem = server.admin.refused(422, "PUT", "/troubles", trouble)
    assert pointer in pointers(problem)
    assert said in problem["detail"]

    listed = server.admin.refused(422, "PUT", "/troubles", [{"route": "fixed", "before": 500}, trouble])
    assert f"/1{pointer}" in pointers(listed)
    assert server.admin.get("/troubles")["items"] == []
    assert json.loads(json.dumps(problem)) == problem
