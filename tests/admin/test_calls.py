"""`/calls`: what was asked, page by page and by filters; secrets are masked."""

import gzip
import hashlib
import json
import re
import socket
from datetime import UTC, datetime, timedelta

import pytest
from support.admin import segment
from support.calls import Calls
from support.server import until

from mockserver.admin.views import call_view
from mockserver.model.plan import Outcome

SHOP = """
base: /v1
routes:
  - {name: charge, request: POST /charges, reply: [503, {status: 201, json: {id: "{{ path | length }}"}}], tags: [money]}
  - {name: user, request: "GET /users/{id}", reply: {text: "{{ path.id }}"}, tags: [people, read]}
"""


@pytest.fixture
def server(serving):
    return serving(SHOP)


@pytest.fixture
def busy(server):
    """A server that has been called 6 times: two charges, two users, a miss, an automatic answer."""
    server.ask("POST", "/v1/charges", "a=1")
    server.ask("POST", "/v1/charges", "a=2")
    server.ask("GET", "/v1/users/7")
    server.ask("GET", "/mock/v1/users/8?full=1")
    server.ask("GET", "/v2/users/9")
    server.ask("OPTIONS", "/v1/charges")
    return server


def numbers(server, query=""):
    return [call["number"] for call in server.admin.get(f"/calls{query}")["items"]]


def test_calls_are_listed_newest_last(busy):
    listed = busy.admin.get("/calls")

    assert [call["id"] for call in listed["items"]] == [f"c-00000{n}" for n in range(1, 7)]
    assert listed["next"] is None


def test_a_call_shows_all_of_it(server):
    before = datetime.now(UTC)
    server.ask("POST", "/mock/v1/charges?x=1&x=2", "hello", headers={"Host": "api.test", "X-Own": "1"})

    call = server.closed_call()
    times = call.pop("times")
    client = call["request"].pop("client")
    reply = call.pop("reply")
    assert call == {
        "id": "c-000001",
        "number": 1,
        "namespace": "default",
        "route": "shop/charge",
        "routes": ["shop/charge"],
        "scenario": "shop",
        "step": 1,
        "matched": True,
        "automatic": False,
        "replayed": False,
        "forwarded": None,
        "fault": None,
        "outcome": "done",
        "error": None,
        "request": {
            "method": "POST",
            "target": "/mock/v1/charges?x=1&x=2",
            "path": "/v1/charges",
            "query": [["x", "1"], ["x", "2"]],
            "headers": [
                ["Host", "api.test"],
                ["X-Own", "1"],
                ["Content-Length", "5"],
                ["Connection", "close"],
            ],
            "body": {
                "text": "hello",
                "base64": None,
                "length": 5,
                "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
                "truncated": False,
            },
            "complete": True,
            "protocol": "HTTP/1.1",
            "client_cert": None,
        },
        "websocket": None,
        "grpc": None,
        "let": {},
        "effects": [],
        "webhooks": [],
    }
    assert (reply["status"], reply["body"]["length"]) == (503, 0)
    assert re.fullmatch(r"127\.0\.0\.1:\d+", client)
    assert before - timedelta(seconds=1) < datetime.fromisoformat(times["arrived"]) < datetime.now(UTC)
    assert times["arrived"].endswith("Z")
    assert 0 <= times["claimed_ms"] <= times["first_byte_ms"] <= times["last_byte_ms"]
    assert times["left_ms"] is None


def test_a_call_shows_what_let_made_for_it_in_small(serving):
    server = serving("""
routes:
  - request: POST /pay
    let: {id: "ch_{{ request.json.n }}", n: "{{ request.json.n }}", long: "{{ request.json.long }}", all: "{{ request.json }}", list: [1, 2], key: sk_test_1234567890abcdef}
    reply: [{status: "{{ 200 + let.n }}"}, {status: "{{ let.absent }}"}]
""")  # fmt: skip
    for _ in range(2):
        server.ask("POST", "/pay", '{"n": 1, "long": "' + "x" * 5000 + '"}')

    made, failed = server.admin.get("/calls")["items"]

    assert made["reply"]["status"] == 201
    assert made["let"] == {
        "id": "ch_1", "n": 1, "long": "x" * 256 + "…", "all": "{… 2}", "list": "[… 2]", "key": "****cdef",
    }  # fmt: skip
    assert failed["let"] == {}
    assert server.calls()[0]["let"]["key"] == "sk_test_1234567890abcdef"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?route=charge", [1, 2]),
        (f"?route={segment('shop/user')}", [3, 4]),
        ("?tag=money", [1, 2]),
        ("?tag=read", [3, 4]),
        ("?tag=none", []),
        ("?method=GET", [3, 4, 5]),
        ("?method=get", []),
        ("?path=/v1/users/7", [3]),
        (f"?path={segment('/v1/users/{id}')}", [3, 4]),
        (f"?path={segment('/{version}/users/{id:[79]}')}", [3, 5]),
        (f"?request={segment('GET /v1/users/{id}')}", [3, 4]),
        (f"?request={segment('GET,PUT /v1/users/8')}&path=/v1/users/8", [4]),
        ("?status=503", [1]),
        ("?status=2xx", [2, 3, 4, 6]),
        ("?status=4XX", [5]),
        ("?matched=true", [1, 2, 3, 4]),
        ("?matched=false", [5, 6]),
        ("?since=c-000004", [5, 6]),
        ("?since=c-000099", []),
        ("?since=2020-01-01T00:00:00Z", [1, 2, 3, 4, 5, 6]),
        ("?since=2100-01-01T00:00:00%2B02:00", []),
        ("?until=c-000002", [1, 2]),
        ("?until=c-000000", []),
        ("?until=2020-01-01T00:00:00Z", []),
        ("?until=2100-01-01T00:00:00Z", [1, 2, 3, 4, 5, 6]),
        ("?since=c-000002&until=c-000004", [3, 4]),
        ("?since=2020-01-01T00:00:00Z&until=c-000004&method=GET", [3, 4]),
        ("?q=USERS", [3, 4, 5]),
        ("?q=a%3D2", [2]),
        ("?q=full%3D1&route=user", [4]),
        ("?q=ch_1", []),
        ("?route=user&path=/v1/users/8&status=200", [4]),
        ("?route=user&method=POST", []),
    ],
)
def test_calls_are_filtered(busy, query, found):
    assert numbers(busy, query) == found


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?status=teapot", 422, "503, 5xx"),
        ("?request=users", 422, "'users' is not a valid request line"),
        ("?matched=perhaps", 422, "true"),
        ("?since=yesterday", 422, "c-000017"),
        ("?until=tomorrow", 422, "c-000017"),
        ("?since=c-²", 422, "c-000017"),
        ("?since=c-" + "9" * 5000, 422, "c-000017"),
        ("?since=2026-01-31", 422, "2026-01-31T12:00:00Z"),
        ("?since=2026-01-31T12:00:00", 422, "2026-01-31T12:00:00Z"),
        ("?since=0001-01-01T00:00:00%2B14:00", 200, ""),
        ("?since=9999-12-31T23:59:59-14:00", 200, ""),
        ("?route=chrage", 422, "Did you mean 'charge'?"),
        ("?path=users", 422, "slash"),
        ("?path=/{", 422, "{name}"),
        ("?limit=0", 422, "1 to"),
        ("?limit=ten", 422, "1 to"),
        ("?limit=²", 422, "1 to"),
        ("?limit=" + "9" * 5000, 422, "1 to"),
        ("?cursor=x", 422, "c-000017"),
        ("?cursor=c-" + "9" * 5000, 422, "c-000017"),
        ("?reveal=maybe", 422, "true"),
        ("?rout=charge", 422, "Did you mean 'route'?"),
        ("?%ff=%00", 422, ""),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(busy, query, status, said):
    answer = busy.admin.call("GET", "/calls" + query.replace("²", "%C2%B2"))

    assert answer.status == status
    if status == 422:
        assert said in answer.text
        assert answer.json()["errors"][0]["pointer"].startswith("/")


def test_calls_come_in_pages(busy):
    first = busy.admin.get("/calls?limit=4")
    second = busy.admin.get(f"/calls?limit=4&cursor={first['next']}")

    assert [call["number"] for call in first["items"]] == [1, 2, 3, 4]
    assert [call["number"] for call in second["items"]] == [5, 6]
    assert second["next"] is None


def test_a_page_that_is_just_full_has_no_next(busy):
    assert busy.admin.get("/calls?limit=6")["next"] is None


def test_pages_and_filters_go_together(busy):
    first = busy.admin.get("/calls?method=GET&limit=2")
    second = busy.admin.get(f"/calls?method=GET&limit=2&cursor={first['next']}")

    assert [[call["number"] for call in one["items"]] for one in (first, second)] == [[3, 4], [5]]


@pytest.mark.parametrize("name", ["c-000003", "3"])
def test_one_call_is_found_by_its_id(busy, name):
    call = busy.admin.get(f"/calls/{name}")

    assert (call["number"], call["request"]["path"]) == (3, "/v1/users/7")


@pytest.mark.parametrize("name", ["c-000007", "c-0", "0", "-1", "x", "c-", "%C2%B2", "9" * 5000, "c-%00"])
def test_an_unknown_call_is_404(busy, name):
    busy.admin.refused(404, "GET", f"/calls/{name}")


def test_a_dropped_call_is_404_that_says_so(serving):
    server = serving(calls=2)
    for _ in range(5):
        server.ask("POST", "/data")

    assert "3 were dropped" in server.admin.refused(404, "GET", "/calls/c-000003")["detail"]
    assert numbers(server) == [4, 5]


def test_calls_and_counts_are_forgotten_and_numbers_go_on(busy):
    assert busy.admin.call("DELETE", "/calls").status == 204

    assert numbers(busy) == []
    assert busy.admin.get("/counts")["total"] == 0
    busy.ask("POST", "/v1/charges")
    assert numbers(busy) == [7]


def test_positions_stay_when_calls_are_forgotten(server):
    server.ask("POST", "/v1/charges")
    server.admin.call("DELETE", "/calls")

    assert server.ask("POST", "/v1/charges").status == 201


def test_the_record_keeps_so_many_bytes(serving):
    server = serving(calls_bytes=300_000)
    for _ in range(20):
        server.ask("POST", "/data", "x" * 50_000)

    assert 1 < len(numbers(server)) < 7
    assert server.admin.get("/counts")["total"] == 20


# Secrets

SENT = {
    "Authorization": "Bearer tok_1234567890",
    "Cookie": "sid=abcdefghijkl; theme=dark",
    "X-Api-Key": "key-0123456789",
    "X-Note": "uses sk_live_abcdefgh12345678",
}


def test_secrets_are_masked_unless_they_are_asked_for(server):
    server.ask("POST", "/v1/charges?key=sk_test_abcdefgh12345678", "card=4242424242424242", headers=SENT)

    masked, open_ = (server.admin.get(f"/calls{query}")["items"][0] for query in ("", "?reveal=true"))

    shown = dict(masked["request"]["headers"])
    assert shown["Authorization"] == "Bearer ****7890"
    assert shown["Cookie"] == "sid=****ijkl; theme=****"
    assert shown["X-Api-Key"] == "****6789"
    assert shown["X-Note"] == "uses ****5678"
    assert masked["request"]["body"]["text"] == "card=****4242"
    assert "abcdefgh" not in masked["request"]["target"] + str(masked["request"]["query"])
    assert {name: dict(open_["request"]["headers"])[name] for name in SENT} == SENT
    assert open_["request"]["body"]["text"] == "card=4242424242424242"
    assert masked["request"]["body"]["sha256"] == open_["request"]["body"]["sha256"]


def test_secrets_are_masked_in_every_place_where_calls_are_shown(server):
    server.ask("POST", "/v1/nowhere", "card=4242424242424242", headers=SENT)

    for path in ("/calls", "/calls/1", "/unmatched"):
        text = server.admin.call("GET", path).text
        assert "4242424242424242" not in text
        assert "tok_1234567890" not in text
        assert "tok_1234567890" in server.admin.call("GET", f"{path}?reveal=true").text


def test_matching_and_counting_see_the_truth(server):
    server.ask("POST", "/v1/charges", headers=SENT)

    match = {"headers": {"authorization": SENT["Authorization"]}}
    assert server.admin.post("/count", {"request": "POST /v1/charges", "match": match})["count"] == 1


# Attempts, in pages


def test_operations_come_in_pages_by_their_first_tries_and_the_numbers_are_of_all(server):
    for key in ("a", "b", "a", "c"):
        server.ask("POST", "/v1/charges", key, headers={"Idempotency-Key": key})

    first = server.admin.get("/attempts?limit=2")
    rest = server.admin.get(f"/attempts?limit=2&cursor={first['next']}")

    assert [[try_["call"] for try_ in one["tries"]] for one in first["items"]] == [["c-000001", "c-000003"], ["c-000002"]]  # fmt: skip
    assert [[try_["call"] for try_ in one["tries"]] for one in rest["items"]] == [["c-000004"]]
    assert (first["next"], rest["next"]) == ("c-000002", None)
    assert first["amplification"] == rest["amplification"] == pytest.approx(4 / 3, abs=0.001)


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "cursor=x"])
def test_pages_of_operations_that_are_none_are_refused(server, query):
    problem = server.admin.refused(422, "GET", f"/attempts?{query}")

    assert problem["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


@pytest.mark.parametrize("text", ["x" * 100_000, "{{ 'x' * 100000 }}"], ids=["fixed", "rendered"])
def test_of_a_long_reply_the_head_is_kept_and_the_length_and_sha256_of_the_whole(serving, text):
    server = serving(json.dumps({"routes": [{"request": "GET /long", "reply": {"text": text}}]}))
    sent = server.ask("GET", "/long").body

    kept = server.admin.get("/calls")["items"][0]["reply"]["body"]

    assert (len(kept["text"]), kept["length"], kept["truncated"]) == (65_536, 100_000, True)
    assert kept["sha256"] == hashlib.sha256(sent).hexdigest()


def test_a_reply_of_which_no_status_line_was_sent_is_not_shown():
    call = Calls()(0.0, 0.5, 201, outcome=Outcome.CLIENT_LEFT)
    assert call_view(call)["reply"]["status"] == 201

    call.status = None

    assert call_view(call)["reply"] is None


# Search


SEARCHED = """
routes:
  - {name: a, request: POST /a, reply: {headers: {X-Answer: yes}, text: "Über 1.10"}}
  - {name: zipped, request: POST /zip, reply: 200}
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/a?x=1", [1]),
        ("x-own: ABC", [1]),
        ("x-answer: yes", [1]),
        ("über", [1]),
        ('{"k": "v', [1]),
        ("inside", [2]),
        ("nowhere", []),
        ("note=%C3%BC", [3]),
        ("binary", [4]),
    ],
)
def test_a_text_is_found_in_target_headers_and_bodies(serving, text, found):
    server = serving(SEARCHED)
    server.ask("POST", "/a?x=1", '{"k": "value"}', headers={"X-Own": "abc"})
    server.ask("POST", "/zip", gzip.compress(b"it is inside"), headers={"Content-Encoding": "gzip"})
    server.ask("POST", "/zip", "note=%C3%BC", headers={"Content-Type": "application/x-www-form-urlencoded"})
    server.ask("POST", "/zip", b"\xff\x00 Binary")

    assert numbers(server, f"?q={segment(text)}") == found


@pytest.mark.parametrize(
    "text",
    [
        "tok_123", "abcdefgh", "key-01234", "sk_live", "424242424242", "hunter2", "tok_5", "sid=abc", "cvc%22%3A+12",
    ],
)  # fmt: skip
def test_what_is_masked_is_found_only_by_those_who_may_see_it(server, text):
    json_ = {"password": "hunter2", "card": "4242424242424242", "token": "tok_56789012345", "cvc": 12345}
    server.ask(
        "POST", "/v1/charges?api_key=abcdefghijkl", json.dumps(json_), headers={**SENT, "Content-Type": "application/json"}
    )  # fmt: skip
    query = f"?q={text.replace('%22%3A+', '%22:%20')}"

    assert numbers(server, query) == []
    assert numbers(server, f"{query}&reveal=true") == [1]


def test_a_mask_is_found_as_it_is_shown(server):
    server.ask("POST", "/v1/charges", "card=4242424242424242", headers=SENT)

    assert numbers(server, "?q=Bearer%20****7890") == [1]
    assert numbers(server, "?q=card%3D****4242") == [1]


def test_a_search_goes_with_archives_streams_and_pages(busy):
    entries = busy.admin.get("/calls.har?q=users&until=c-000004")["log"]["entries"]
    first = busy.admin.get("/calls?q=users&limit=2")

    assert [entry["_id"] for entry in entries] == ["c-000003", "c-000004"]
    assert [call["number"] for call in first["items"]] == [3, 4]
    assert numbers(busy, f"?q=users&cursor={first['next']}") == [5]


# Deletion of one call


def test_a_deleted_call_is_in_no_list_and_no_count(busy):
    assert busy.admin.call("DELETE", "/calls/c-000002").status == 204
    assert busy.admin.call("DELETE", "/calls/5").status == 204

    assert numbers(busy) == [1, 3, 4, 6]
    assert [busy.admin.get(f"/calls/{number}")["number"] for number in (1, 3, 6)] == [1, 3, 6]
    assert numbers(busy, "?since=c-000001") == [3, 4, 6]
    counts = busy.admin.get("/counts")
    assert (counts["total"], counts["unmatched"], counts["automatic"]) == (4, 0, 1)
    assert counts["routes"]["shop/charge"] | {"most_in_flight": 1} == {
        "calls": 1, "statuses": {"503": 1}, "in_flight": 0, "most_in_flight": 1,
    }  # fmt: skip
    assert busy.admin.post("/count", {"request": "POST /v1/charges"}) == {"count": 1, "exact": True}
    match = {"form": {"a": "2"}}
    assert busy.admin.post("/count", {"route": "charge", "match": match}) == {"count": 0, "exact": True}
    assert busy.admin.get("/unmatched")["items"] == []
    busy.admin.refused(404, "DELETE", "/calls/c-000002")


def test_what_a_deleted_call_did_stays(serving):
    server = serving("""
routes: [{request: POST /pay, reply: [{status: 503, effect: {kind: charge}}, 201], set: {paid: "yes"}}]
""")
    server.ask("POST", "/pay")
    server.admin.call("DELETE", "/calls/1")

    assert len(server.admin.get("/effects")["items"]) == 1
    assert server.ask("POST", "/pay").status == 201
    assert numbers(server) == [2]


def test_a_call_in_progress_is_not_deleted(serving):
    server = serving("routes: [{request: GET /late, reply: {delay: 1m}}]")
    with socket.create_connection(server.address, 5) as wire:
        wire.sendall(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: numbers(server) == [1])

        problem = server.admin.refused(409, "DELETE", "/calls/1")

    assert problem["title"] == "The call c-000001 is in progress"
    assert numbers(server) == [1]


def test_metrics_grow_although_calls_are_deleted(busy):
    before = busy.admin.call("GET", "/metrics").text
    busy.admin.call("DELETE", "/calls/c-000001")
    busy.admin.call("DELETE", "/calls/c-000005")

    def counters(text):
        return [
            line for line in text.splitlines() if line.startswith("mockserver_") and "calls_total" in line
        ]

    assert counters(busy.admin.call("GET", "/metrics").text) == counters(before)
