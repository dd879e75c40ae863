"""`/count`, `/counts`, `/unmatched`: how often, exactly, and what went astray."""

import pytest
import yaml
from support.admin import pointers
from support.wire import Wire

SHOP = """
routes:
  - {name: data, request: "ANY /data/{id}", reply: [503, 503, 200]}
  - {name: slow, request: GET /slow, reply: {delay: 60s}}
  - {name: keyed, request: POST /keyed, match: {json: {kind: a}}, reply: 200}
"""


@pytest.fixture
def server(serving):
    return serving(SHOP)


@pytest.fixture
def count(server):
    return lambda **what: server.admin.post("/count", what)


def test_calls_are_counted_by_route_or_by_request_line(server, count):
    for method, path in (("GET", "/data/1"), ("POST", "/data/1"), ("POST", "/data/2"), ("GET", "/other")):
        server.ask(method, path)

    assert count(route="data") == {"count": 3, "exact": True}
    assert count(route="shop/data") == {"count": 3, "exact": True}
    assert count(request="ANY /data/1") == {"count": 2, "exact": True}
    assert count(request="POST /data/{id}") == {"count": 2, "exact": True}
    assert count(request="GET,POST /{all:.+}") == {"count": 4, "exact": True}
    assert count(request="GET /other") == {"count": 1, "exact": True}
    assert count(request="DELETE /data/1") == {"count": 0, "exact": True}


def test_a_request_line_is_counted_without_the_prefix_of_its_base_url(server, count):
    server.ask("GET", "/mock/data/1?x=1")

    assert count(request="GET /data/1")["count"] == 1
    assert count(request="GET /mock/data/1")["count"] == 0


def test_calls_are_counted_with_further_conditions(server, count):
    for kind in ("a", "b", "a"):
        server.ask("POST", "/keyed", f'{{"kind": "{kind}", "n": 1}}')

    assert count(request="POST /keyed", match={"json": {"kind": "a"}}) == {"count": 2, "exact": True}
    assert count(request="POST /keyed", match={"json": {"n": {"$gt": 1}}})["count"] == 0
    assert count(request="POST /keyed", match={"headers": {"content-length": present}})["count"] == 3


present = "present"


def test_counts_stay_exact_when_records_are_dropped(serving):
    server = serving(calls=3)
    for n in range(10):
        server.ask("POST", "/data", str(n))

    assert len(server.calls()) == 3
    assert server.admin.post("/count", {"route": "POST /data"}) == {"count": 10, "exact": True}
    assert server.admin.post("/count", {"request": "POST /data"}) == {"count": 10, "exact": True}
    body = {"request": "POST /data", "match": {"text": {"matches": r"\d"}}}
    assert server.admin.post("/count", body) == {"count": 3, "exact": False}


def test_a_count_that_needs_a_cut_body_is_not_exact(serving):
    server = serving()
    server.ask("POST", "/data", "a" * 70_000)
    server.closed_call()

    body = {"request": "POST /data", "match": {"text": {"ends_with": "a"}}}
    assert server.admin.post("/count", body)["exact"] is False


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"route": "dtaa"}, "/route"),
        ({}, ""),
        ({"route": "data", "request": "GET /x"}, ""),
        ({"request": "GET"}, "/request"),
        ({"request": "GET /{"}, "/request"),
        ({"request": 5}, "/request"),
        ({"route": 5}, "/route"),
        ({"match": {}}, ""),
        ({"request": "GET /x", "match": {"headers": {"a": {"matches": "["}}}}, "/match/headers/a/matches"),
        ({"request": "GET /x", "match": {"hedaers": {}}}, "/match/hedaers"),
        ({"request": "GET /x", "times": 3}, "/times"),
    ],
)
def test_a_wrong_question_is_pointed_at(server, body, pointer):
    assert pointers(server.admin.refused(422, "POST", "/count", body)) == [pointer]


def test_an_unknown_or_ambiguous_route_lists_the_ids_and_never_counts_0(serving):
    route = "routes: [{name: same, request: GET /%s, reply: 200}]"
    server = serving({"a.yaml": route % "a", "b.yaml": route % "b"})

    for name in ("same", "smae"):
        problem = server.admin.refused(422, "POST", "/count", {"route": name})
        assert "a/same, b/same" in problem["errors"][0]["hint"]


# Counts


def test_all_counts_come_at_once(server):
    for _ in range(4):
        server.ask("POST", "/data/1")
    server.ask("GET", "/nowhere")
    server.ask("DELETE", "/slow")
    server.ask("OPTIONS", "/slow")

    assert server.admin.get("/counts") == {
        "total": 7,
        "routes": {
            "shop/data": {"calls": 4, "statuses": {"200": 2, "503": 2}, "in_flight": 0, "most_in_flight": 1}
        },
        "unmatched": 2,
        "incomplete": 0,
        "automatic": 1,
    }


def test_calls_under_way_are_counted(server):
    with Wire(server.address) as one, Wire(server.address) as other:
        for wire in (one, other):
            wire.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        server.admin.post("/verify", {"route": "slow", "times": 2, "within": "5s"})
        slow = server.admin.get("/counts")["routes"]["shop/slow"]
        assert (slow["in_flight"], slow["most_in_flight"]) == (2, 2)
    server.closed_call(1)
    server.closed_call(2)

    slow = server.admin.get("/counts")["routes"]["shop/slow"]
    assert (slow["calls"], slow["in_flight"], slow["most_in_flight"]) == (2, 0, 2)


# Unmatched


def test_a_miss_is_shown_with_the_nearest_route(serving):
    server = serving("""
routes:
  - {name: keyed, request: POST /keyed, match: {json: {kind: a}}, reply: 200}
  - {name: far, request: GET /something/else, reply: 200}
""")
    server.ask("POST", "/keyed", '{"kind": "b"}', headers={"Content-Type": "application/json"})
    server.ask("GET", "/something/else")

    listed = server.admin.get("/unmatched")

    assert [call["request"]["path"] for call in listed["items"]] == ["/keyed"]
    nearest = listed["items"][0]["nearest"][0]
    assert (nearest["route"], nearest["request"]) == ("shop/keyed", "POST /keyed")
    difference = nearest["differences"][0]
    assert (difference["where"], difference["expected"], difference["actual"]) == ("json.kind", "a", "b")
    assert difference["text"].startswith("json.kind")


def test_the_suggested_route_takes_the_request(server):
    server.ask("PUT", "/nowhere/7?x=1", '{"a": [1, 2]}', headers={"Content-Type": "application/json"})
    suggestion = server.admin.get("/unmatched")["items"][0]["suggestion"]

    for route in yaml.safe_load(suggestion):
        server.admin.post("/routes", route)

    answer = server.ask(
        "PUT", "/nowhere/7?x=1", '{"a": [1, 2]}', headers={"Content-Type": "application/json"}
    )
    assert answer.header("x-mockserver-matched") is None
    assert answer.status < 400


def test_a_wrong_method_is_unmatched_too(server):
    server.ask("DELETE", "/slow")

    assert server.admin.get("/unmatched")["items"][0]["reply"]["status"] == 405


def test_a_wrong_method_is_explained_by_the_routes_of_its_path_alone(serving):
    """`/slom` with the right method is no nearer than `/slow`, and is not even looked at."""
    routes = "".join(f"  - {{name: r{n}, request: GET /slow/{n}, reply: 200}}\n" for n in range(5))
    server = serving(
        f"routes:\n  - {{name: slow, request: POST /slow, reply: 200}}\n  - {{request: GET /slom, reply: 200}}\n{routes}"
    )

    assert server.ask("GET", "/slow").status == 405
    (miss,) = server.admin.get("/unmatched")["items"]
    assert [one["route"] for one in miss["nearest"]] == ["shop/slow"]
    assert miss["nearest"][0]["differences"][0]["text"] == "method differs: GET is not POST"


def test_the_answer_to_a_miss_names_the_nearest_route(server):
    problem = server.ask("POST", "/keyd", '{"kind": "a"}').json()

    assert problem["status"] == 404
    assert "shop/keyed" in [one["route"] for one in problem["nearest"]]
    assert "/keyd" in problem["detail"]


def test_unmatched_calls_come_in_pages(server):
    for n in range(3):
        server.ask("GET", f"/nowhere/{n}")

    first = server.admin.get("/unmatched?limit=2")
    second = server.admin.get(f"/unmatched?limit=2&cursor={first['next']}")

    assert [len(first["items"]), len(second["items"])] == [2, 1]
