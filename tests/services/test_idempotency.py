"""One key, one deed: what is kept under a key, what frees it, and what is said meanwhile. All over the wire."""

import gzip
import json

import pytest
from support.wire import Wire

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.scenarios.loader import load
from mockserver.scenarios.source import LoadError

JSON = {"Content-Type": "application/json"}


def post(server, path="/pay", body='{"amount": 5}', key="k1", **headers):
    lines = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if key is not None:
        lines["Idempotency-Key"] = key
    return server.ask("POST", path, body, headers=lines)


def replayed(answer):
    return answer.header("idempotent-replayed") == "true"


def effects(server):
    return server.admin.get("/effects")["items"]


def under(routes, idempotency="{header: idempotency-key}", more=""):
    return f"idempotency: {idempotency}\n{more}\nroutes:\n{routes}"


# What is kept


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("{status: 201, effect: {kind: paid}}", True),
        ("{status: 503}", False),
        ("{status: 201, effect: {kind: paid}, fault: reset}", True),
        ("{status: 500, fault: reset}", False),
    ],
)
def test_what_is_kept_for_a_key_and_what_frees_it(serving, reply, kept):
    """`tests/engine/test_policies.py` has every status."""
    server = serving(under(f"  - {{request: POST /pay, reply: {reply}}}"))

    for _ in range(3):
        try:
            answer = post(server)
        except (ConnectionError, OSError):
            answer = None

    calls = server.calls()
    assert [call["replayed"] for call in calls] == [False, kept, kept]
    assert len(effects(server)) == ("effect" in reply and kept)
    if kept:
        assert answer is not None
        assert replayed(answer)


def test_a_route_s_own_effect_counts_for_its_replies_below_400(serving):
    server = serving(
        under(
            "  - {request: POST /pay, effect: {kind: paid}, reply: [402, 503, {json: {n: '{{ call.number }}'}}]}"
        )
    )

    answers = [post(server) for _ in range(5)]

    assert [answer.status for answer in answers] == [402, 503, 200, 200, 200]
    assert [replayed(answer) for answer in answers] == [False, False, False, True, True]
    assert answers[4].json() == {"n": 3}
    assert len(effects(server)) == 1


def test_a_replay_is_the_kept_answer_to_the_byte(serving):
    server = serving(
        under(
            "  - {request: POST /pay, reply: {status: 201, headers: {x-a: [b, c], content-type: text/odd}, text: 'é {{ uuid() }}'}}"
        )
    )

    first, again = post(server), post(server)

    assert again.body == first.body
    ours = [(name, value) for name, value in again.headers if name.lower() != "date"]
    theirs = [(name, value) for name, value in first.headers if name.lower() != "date"]
    assert [pair for pair in ours if pair not in theirs] == [("idempotent-replayed", "true")]
    assert [pair for pair in theirs if pair not in ours] == []


@pytest.mark.parametrize(
    "fault", ["reset", "close", "truncate", "garbage", "malformed_chunk", "{kind: reset, after: 3}"]
)
def test_what_a_fault_ate_is_kept_whole(serving, fault):
    server = serving(
        under(
            f"  - {{request: POST /pay, reply: {{json: {{id: '{{{{ uuid() }}}}'}}, effect: {{kind: paid}}, fault: {fault}}}}}"
        )
    )
    with Wire(server.address) as wire:
        wire.send("POST /pay HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k1\r\nContent-Length: 0\r\n\r\n")
        wire.ending()
    server.closed_call(1)

    again = server.ask("POST", "/pay", b"", headers={"Idempotency-Key": "k1"})

    assert (again.status, replayed(again)) == (200, True)
    assert set(again.json()) == {"id"}
    assert server.calls()[1]["outcome"] == "done"
    assert len(effects(server)) == 1


def test_a_replay_waits_for_nothing_and_does_nothing_again(serving):
    server = serving(
        under(
            """
  - request: POST /pay
    let: {id: "{{ uuid() }}"}
    set: {paid: "{{ let.id }}"}
    effect: {kind: paid}
    webhook: {url: "http://127.0.0.1:9/hooks", delay: 3d}
    reply: [{json: {id: "{{ let.id }}", n: "{{ call.number }}"}, delay: 20ms, throttle: {chunks: 2, over: 20ms}}, {status: 404}]
"""
        )
    )
    first = post(server)
    server.admin.call("DELETE", "/state/paid")

    again = post(server)

    assert again.json() == first.json()
    assert server.admin.get("/state") == {}
    assert len(effects(server)) == 1
    assert len(server.admin.get("/webhooks")["items"]) == 1
    one, two = server.calls()
    assert (one["step"], two["step"], two["effects"], two["webhooks"]) == (1, None, [], [])
    assert two["replayed"] is True
    assert server.admin.get("/routes/shop%2FPOST%20%2Fpay")["step"] == 2, "a replay takes no step"
    assert server.admin.post("/count", {"route": "POST /pay"})["count"] == 2, "and counts as a call"
    assert post(server, key="k2").status == 404


# Another request under a known key


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/pay", '{"amount": 5}', 200),
        ("/pay", '{"amount": 6}', 422),
        ("/pay", '{"amount":5}', 422),
        ("/refund", '{"amount": 5}', 422),
    ],
)
def test_another_body_or_path_under_the_same_key_is_a_conflict(serving, path, body, status):
    server = serving(under("  - {request: POST /pay, reply: 200}\n  - {request: POST /refund, reply: 200}"))
    post(server)

    answer = post(server, path, body)

    assert answer.status == status
    assert replayed(answer) is (status == 200)
    if status == 422:
        assert answer.media_type == "application/problem+json"
        assert answer.json()["type"] == "urn:mockserver:idempotency-conflict"
        assert "c-000001" in answer.json()["detail"]
        assert server.calls()[1]["step"] is None
    assert post(server).status == 200, "the first answer stays"


def test_another_method_is_a_conflict_and_those_that_repeat_anyway_need_no_key(serving):
    server = serving(under("  - {request: ANY /pay, reply: {json: '{{ call.number }}'}}"))
    post(server)

    assert (
        server.ask("PATCH", "/pay", '{"amount": 5}', headers={**JSON, "Idempotency-Key": "k1"}).status == 422
    )
    for method in ("PUT", "DELETE", "GET"):
        answer = server.ask(method, "/pay", '{"amount": 5}', headers={**JSON, "Idempotency-Key": "k1"})
        assert (answer.status, replayed(answer)) == (200, False)


def test_the_same_body_may_be_coded_otherwise(serving):
    server = serving(under("  - {request: POST /pay, reply: {json: {n: '{{ call.number }}'}}}"))
    body = b'{"amount": 5}'
    post(server, body=body)

    coded = post(server, body=gzip.compress(body), Content_Encoding="gzip")
    other = post(server, body=gzip.compress(b'{"amount": 6}'), Content_Encoding="gzip")

    assert replayed(coded)
    assert other.status == 422


def multipart(boundary, amount="5", name="a.txt"):
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="amount"\r\n\r\n{amount}\r\n',
        f'--{boundary}\r\nContent-Disposition: form-data; name="scan"; filename="{name}"\r\nContent-Type: text/plain\r\n\r\nhello\r\n',
        f"--{boundary}--\r\n",
    ]
    return "".join(lines).encode(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Idempotency-Key": "k1",
    }


@pytest.mark.parametrize(
    ("again", "status"),
    [(multipart("bbb"), 200), (multipart("bbb", amount="6"), 422), (multipart("aaa", name="b.txt"), 422)],
)
def test_a_multipart_body_is_compared_by_its_parts(serving, again, status):
    """A client draws a new boundary for each try."""
    server = serving(under("  - {request: POST /pay, reply: 200}"))
    body, headers = multipart("aaa")
    server.ask("POST", "/pay", body, headers=headers)

    assert server.ask("POST", "/pay", again[0], headers=again[1]).status == status


# The first is still under way


def with_large_file(scenario):
    """More than fits between server and client: such an answer is under way until the client reads it."""
    return {"shop.yaml": scenario, "large.bin": bytes(9_000_000)}


def begin(server, path="/pay", length=13):
    """Sends a request and leaves it open; returns once the server has claimed it."""
    wire = Wire(server.address)
    body = '{"amount": 5}'
    wire.send(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: k1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    server.admin.post("/verify", {"request": f"POST {path}", "within": "5s"})
    return wire


@pytest.mark.parametrize("slow", ["delay: 60s", "throttle: {chunks: 3, over: 60s}", "fault: hang"])
def test_until_it_is_over_the_second_is_told_so(serving, slow):
    server = serving(
        under(f"  - {{request: POST /pay, reply: {{json: {{id: '{{{{ uuid() }}}}'}}, {slow}}}}}")
    )
    with begin(server) as first:
        second = post(server)
        assert (second.status, second.json()["type"]) == (409, "urn:mockserver:idempotency-in-flight")
        assert post(server, body='{"amount": 6}').status == 422, "another body is a conflict all the same"
        assert post(server, key="k2", path="/none").status == 404
        first.reset()
        server.closed_call(1)

    third = post(server)

    assert (third.status, replayed(third)) == (200, True), "the client left; what was made for it is kept"


def test_a_break_ends_it(serving):
    broken = "{status: 503, file: large.bin, fault: {kind: reset, after: 8000000}}"
    server = serving(with_large_file(under(f"  - {{request: POST /pay, reply: [{broken}, 200]}}")))
    with begin(server) as first:
        assert post(server).status == 409
        first.ending()
    server.closed_call(1)

    answer = post(server)

    assert (answer.status, replayed(answer)) == (200, False), "a 503 frees the key"


def test_the_last_byte_ends_it(serving):
    # On a store a call ends before its last chunk is sent.
    large = "{file: large.bin, throttle: {chunks: 3, over: 3ms}}"
    server = serving(with_large_file(under(f"  - {{request: POST /pay, reply: {large}}}")))
    with begin(server) as first:
        assert post(server).status == 409
        assert first.answer().status == 200

    assert replayed(post(server))


def test_a_reset_while_it_is_under_way_frees_the_key(serving):
    server = serving(under("  - {request: POST /pay, reply: [{delay: 60s}, {json: 2}]}"))
    with begin(server) as first:
        server.admin.post("/reset", {"what": ["memory"]})
        answer = post(server)
        assert (answer.status, answer.json(), replayed(answer)) == (200, 2, False)
        first.reset()

    assert post(server).json() == 2, "what was under way at the reset changes nothing more"


# Settings


def test_a_key_is_known_for_its_ttl_by_the_clock(serving):
    server = serving(
        under(
            "  - {request: POST /pay, reply: {json: '{{ call.number }}'}}",
            "{header: idempotency-key, ttl: 2h}",
        )
    )
    server.admin.post("/clock", {"freeze": True})
    assert post(server).json() == 1
    server.admin.post("/clock", {"advance": "1h59m59s"})
    assert post(server).json() == 1

    server.admin.post("/clock", {"advance": "1s"})

    assert post(server).json() == 2
    assert post(server).json() == 2


def test_conflict_and_in_flight_may_be_said_otherwise(serving):
    said = "{header: idempotency-key, conflict: {status: 400, json: {error: 'not {{ request.json.amount }}'}}, in_flight: {status: 423, text: wait}}"
    server = serving(under("  - {request: POST /pay, reply: {delay: 60s}}", said))
    with begin(server) as first:
        wait, conflict = post(server), post(server, body='{"amount": 7}')
        first.reset()
        server.closed_call(1)

    assert (wait.status, wait.text) == (423, "wait")
    assert (conflict.status, conflict.json()) == (400, {"error": "not 7"})


def test_a_body_of_its_own_keeps_the_usual_status(serving):
    server = serving(
        under(
            "  - {request: POST /pay, reply: 200}",
            "{header: idempotency-key, conflict: {json: {error: other}}}",
        )
    )
    post(server)

    answer = post(server, body="{}")

    assert (answer.status, answer.json()) == (422, {"error": "other"})


def test_a_key_may_be_required(serving):
    server = serving(
        under("  - {request: 'POST,GET /pay', reply: 200}", "{header: idempotency-key, required: true}")
    )

    refused = post(server, key=None)

    assert refused.status == 400
    assert "idempotency-key" in refused.json()["detail"]
    assert post(server, key="").status == 400
    assert post(server).status == 200
    assert server.ask("GET", "/pay").status == 200


def test_without_a_key_every_request_is_a_new_one(serving):
    server = serving(under("  - {request: POST /pay, reply: {json: '{{ call.number }}'}}"))

    assert [post(server, key=None).json() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("body", "other"),
    [
        ('{"meta": {"key": "a"}, "n": 1}', '{"meta": {"key": "b"}, "n": 1}'),
        ('{"meta": {"key": 7}}', '{"meta": {"key": 8}}'),
    ],
)
def test_the_key_may_stand_in_the_body(serving, body, other):
    server = serving(
        under("  - {request: POST /pay, reply: {json: '{{ call.number }}'}}", "{json: meta.key}")
    )

    assert [post(server, body=one, key=None).json() for one in (body, body, other, "[]", "[]")] == [
        1,
        1,
        2,
        3,
        4,
    ]
    changed = json.loads(body) | {"amount": 9}
    assert post(server, body=json.dumps(changed), key=None).status == 422


# Where a key is known


def test_on_a_scenario_all_its_routes_share_their_keys(serving):
    server = serving(
        under(
            "  - {request: POST /a, reply: 200}\n  - {request: POST /b, reply: 200}\n  - {request: POST /c, reply: 200, idempotency: none}"
        )
    )
    post(server, "/a")

    assert post(server, "/b").status == 422
    assert [replayed(post(server, "/c")) for _ in range(2)] == [False, False]


def test_on_a_route_it_has_its_own(serving):
    own = "idempotency: {header: idempotency-key}"
    server = serving(
        f"routes:\n  - {{request: POST /a, reply: 200, {own}}}\n  - {{request: POST /b, reply: 200, {own}}}"
    )

    assert [replayed(post(server, path)) for path in ("/a", "/b", "/a", "/b")] == [False, False, True, True]


def test_on_a_resource_it_has_its_own(serving):
    server = serving(
        "resources:\n  - {path: /a, idempotency: {header: idempotency-key}}\n  - {path: /b, idempotency: {header: idempotency-key}}"
    )

    answers = [post(server, path) for path in ("/a", "/b", "/a", "/b")]

    assert [answer.status for answer in answers] == [201] * 4
    assert [replayed(answer) for answer in answers] == [False, False, True, True]
    assert answers[2].header("location") == "/a/1"
    assert len(server.ask("GET", "/a").json()) == 1


def test_an_effect_of_one_transition_leaves_the_others_kept(serving):
    """A key on a resource: what creates is no less once because what approves has an effect."""
    server = serving(
        """
resources:
  - path: /orders
    idempotency: {header: idempotency-key}
    machine: {initial: pending, transitions: {approve: {pending: approved}, reject: {pending: rejected}}}
    on: {approve: {effect: {kind: approval}}}
"""
    )

    assert [post(server, "/orders").status for _ in range(2)] == [201, 201]
    assert len(server.ask("GET", "/orders").json()) == 1
    assert [post(server, "/orders/1/approve", key="k2").status for _ in range(3)] == [200, 200, 200]
    assert len(effects(server)) == 1
    assert post(server, "/orders/1/approve", key="k3").status == 409


def test_two_namespaces_share_no_key(serving):
    server = serving(under("  - {request: POST /pay, reply: {json: '{{ call.number }}'}}"))
    server.admin.post("/namespaces", {"name": "other"})
    post(server)

    answer = post(server, "/@other/pay")

    assert (answer.json(), replayed(answer)) == (1, False)


@pytest.mark.parametrize(
    "reply",
    [
        "{cases: [{status: 400}]}",
        "{status: 400, effect: {kind: a}}",
        "{delay: {min: 1s, max: 2s}}",
        "{set: {a: 1}}",
        "{for: 3s}",
    ],
)
@pytest.mark.parametrize("word", ["conflict", "in_flight"])
def test_what_is_said_instead_does_nothing_and_draws_nothing(write, word, reply):
    folder = write(under("  - {request: POST /pay, reply: 200}", f"{{header: a, {word}: {reply}}}"))

    with pytest.raises(LoadError, match=f"idempotency.{word}.*has no place here"):
        build_scenario_set(load([str(folder)]))
