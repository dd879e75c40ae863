"""Namespaces: a world for every test, by base URL alone, and what snapshots put back."""

import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.admin import Admin, pointers

SCENARIO = """
state: {stock: 3}
routes:
  - {name: seq, request: GET /seq, reply: [503, 503, {text: ok}]}
  - {name: links, request: GET /links, reply: {status: 201, headers: {Location: "{{ request.base_url }}/items/1"}, json: {self: "{{ request.url }}"}}}
  - {name: moved, request: GET /moved, reply: {status: 307, headers: {Location: "{{ request.base_url }}/seq"}}}
  - {name: charge, request: POST /charge, reply: {status: 201, effect: {kind: charge, order: "{{ request.json.order }}"}}}
  - {name: draw, request: GET /draw, reply: {json: {id: "{{ uuid() }}"}}}
  - {name: hook, request: POST /hook, reply: {status: 202, webhook: {url: "{{ request.base_url }}/charge", json: {order: hooked}}}}
resources:
  - {path: /users, seed: [{id: "1", name: Ada}]}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def world(server):
    """Makes a namespace; gives its admin API."""

    def made(name, **options):
        server.admin.post("/namespaces", {"name": name, **options})
        return Admin(f"{server.admin.url}/@{name}")

    return made


def paths(admin):
    return [call["request"]["path"] for call in admin.get("/calls")["items"]]


# Whose world a request is for


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/@a/seq", {}),
        ("/mock/@a/seq", {}),
        ("/seq", {"X-Mockserver-Namespace": "a"}),
        ("/mock/seq", {"X-Mockserver-Namespace": "a"}),
        ("/seq", {"baggage": "mockserver.namespace=a"}),
        ("/seq", {"baggage": "user=1, mockserver.namespace=a;ttl=1 ,x=y"}),
        ("/@a/seq", {"X-Mockserver-Namespace": "b"}),
        ("/seq", {"X-Mockserver-Namespace": "a", "baggage": "mockserver.namespace=b"}),
    ],
)
def test_a_namespace_is_named_by_base_url_header_or_baggage(server, target, headers):
    for name in "ab":
        server.admin.post("/namespaces", {"name": name})

    assert server.ask("GET", target, headers=headers).status == 503

    assert paths(Admin(f"{server.admin.url}/@a")) == ["/seq"]
    assert paths(Admin(f"{server.admin.url}/@b")) == paths(server.admin) == []


@pytest.mark.parametrize("target", ["/seq", "/mock/seq", "/@default/seq", "/mock/@default/seq"])
def test_without_a_name_it_is_the_default(server, world, target):
    world("a")

    assert server.ask("GET", target, headers={"baggage": "x=1"}).status == 503
    assert paths(server.admin) == ["/seq"]


def test_the_sign_of_a_namespace_may_come_encoded(serving):
    """As boto3's S3 client sends it."""
    server = serving()
    server.admin.post("/namespaces", {"name": "mine"})

    assert [server.ask("POST", "/%40mine/data").status for _ in range(3)] == [503, 503, 200]
    assert server.admin.get("/@mine/counts")["total"] == 3


@pytest.mark.parametrize("target", ["/@a", "/@a/", "/mock/@a", "/mock/@a/"])
def test_a_prefix_alone_is_the_root(server, world, target):
    admin = world("a")
    admin.post("/routes", {"request": "GET /", "reply": {"text": "root"}})

    assert server.ask("GET", target).text == "root"


@pytest.mark.parametrize("target", ["/mockery", "/mock.json", "/mockseq"])
def test_only_a_whole_segment_is_a_prefix(server, target):
    assert server.ask("GET", target).status == 404
    assert paths(server.admin) == [target]


LITERAL = """
routes:
  - {request: GET /mock/seq, reply: {text: literal mock}}
  - {request: "GET /@babel/core", reply: {text: literal scope}}
"""


def test_a_prefix_gives_way_to_a_route_that_begins_with_it(serving):
    server = serving(LITERAL)
    server.admin.post("/namespaces", {"name": "babel"})

    assert server.ask("GET", "/mock/seq").text == "literal mock"
    assert server.ask("GET", "/@babel/core").text == "literal scope"
    assert server.ask("GET", "/@default/@babel/core").text == "literal scope"
    assert paths(server.admin) == ["/mock/seq", "/@babel/core", "/@babel/core"]


def test_a_prefix_gives_way_to_a_route_of_the_namespace_that_a_header_names(serving):
    server = serving()
    server.admin.post("/namespaces", {"name": "a"})
    admin = Admin(f"{server.admin.url}/@a")
    for path in ("/mock/own", "/@babel/core"):
        admin.post("/routes", {"request": f"GET {path}", "reply": {"text": path}})
    header = {"X-Mockserver-Namespace": "a"}

    assert server.ask("GET", "/mock/own", headers=header).text == "/mock/own"
    assert server.ask("GET", "/@babel/core", headers=header).text == "/@babel/core"
    assert server.ask("GET", "/@a/mock/own").text == "/mock/own"
    assert server.ask("GET", "/@a/@babel/core").text == "/@babel/core"
    # nobody else's prefixes give way to it
    assert server.ask("POST", "/mock/data").status == 503
    assert server.ask("GET", "/@babel/core").status == 404


def test_an_unknown_name_is_a_404_that_says_so(server, world):
    world("checkout")

    for target, headers in (("/@chekout/seq", {}), ("/seq", {"X-Mockserver-Namespace": "chekout"})):
        answer = server.ask("GET", target, headers=headers)

        assert (answer.status, answer.header("x-mockserver-matched")) == (404, "false")
        assert answer.json()["title"] == "There is no namespace 'chekout'"
        assert "POST /__admin/namespaces" in answer.json()["detail"]
        assert "Did you mean 'checkout'?" in answer.json()["detail"]
    assert paths(server.admin) == []


def test_with_auto_an_unknown_name_is_made_at_first_use(serving):
    server = serving(SCENARIO, namespaces="auto")

    assert server.ask("GET", "/@new/seq").status == 503
    assert server.ask("GET", "/seq", headers={"baggage": "mockserver.namespace=other"}).status == 503

    assert [one["name"] for one in server.admin.get("/namespaces")["items"]] == ["default", "new", "other"]
    assert server.admin.get("/namespaces/new")["ttl"] == "1h"


@pytest.mark.parametrize("name", ["a%20b", "a%2Fb", "%C3%A9", "x" * 101, ""])
def test_with_auto_what_is_no_name_makes_nothing(serving, name):
    server = serving(SCENARIO, namespaces="auto")

    assert server.ask("GET", f"/@{name}/seq").status == 404
    assert len(server.admin.get("/namespaces")["items"]) == 1


# Making, looking, removing


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 100, "."])
def test_a_name_is_1_to_100_letters_digits_dots_dashes_and_underscores(server, name):
    made = server.admin.call("POST", "/namespaces", {"name": name})

    assert made.status == 201
    assert made.json() == {
        "name": name,
        "url": f"{server.url}/@{name}",
        "admin_url": f"{server.admin.url}/@{name}",
        "seed": made.json()["seed"],
        "ttl": "1h",
        "failed_test": None,
    }
    assert server.ask("GET", f"/@{name}/seq").status == 503


@pytest.mark.parametrize("name", ["", "x" * 101, "a b", "a/b", "\u00e9", "a\n", "@a", 5, ["a"]])
def test_other_names_are_refused(server, name):
    assert pointers(server.admin.refused(422, "POST", "/namespaces", {"name": name})) == ["/name"]


def test_a_name_that_exists_is_409(server, world):
    world("a")

    server.admin.refused(409, "POST", "/namespaces", {"name": "a"})
    server.admin.refused(409, "POST", "/namespaces", {"name": "default"})
    server.admin.refused(409, "DELETE", "/namespaces/default")


def test_without_a_name_one_is_made_up(server):
    names = {server.admin.post("/namespaces")["name"] for _ in range(5)}

    assert len(names) == 5


def test_one_that_is_removed_is_gone_with_all_that_was_in_it(server, world):
    admin = world("a")
    server.ask("GET", "/@a/seq")
    server.admin.call("DELETE", "/namespaces/a")

    server.admin.refused(404, "GET", "/@a/calls")
    server.admin.refused(404, "GET", "/namespaces/a")
    assert server.ask("GET", "/@a/seq").status == 404
    world("a")
    assert paths(admin) == []
    assert admin.get("/counts")["total"] == 0


def test_scenarios_says_which_answer(serving):
    server = serving(
        {
            "a.yaml": "routes: [{request: GET /a, reply: 200}]",
            "b.yaml": "routes: [{request: GET /b, reply: 200}]",
        }
    )
    server.admin.post("/namespaces", {"name": "only-b", "scenarios": ["b"]})

    assert server.ask("GET", "/@only-b/b").status == 200
    assert server.ask("GET", "/@only-b/a").status == 404
    assert server.ask("GET", "/a").status == 200
    server.admin.refused(422, "POST", "/namespaces", {"name": "x", "scenarios": ["c"]})
    server.admin.refused(404, "GET", "/namespaces/x")


def test_the_same_seed_draws_the_same(server, world):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        world(name, seed=seed)

    drawn = {name: server.ask("GET", f"/@{name}/draw").json()["id"] for name in "abc"}
    assert drawn["a"] == drawn["b"] != drawn["c"]


# Idle ones are collected


@pytest.fixture
def later(server, monkeypatch):
    """Lets real time pass for the server, and collects."""
    moved_s = [0.0]
    monkeypatch.setattr(server.app.engine.shared, "mono", lambda: time.monotonic() + moved_s[0])

    async def collect():
        return server.app.collect_idle()

    def passed(seconds):
        moved_s[0] += seconds
        return server.loop.run(collect())

    return passed


def names(server):
    return {one["name"] for one in server.admin.get("/namespaces")["items"]}


@pytest.mark.in_memory
def test_one_that_nobody_uses_for_its_ttl_is_collected(server, world, later):
    world("short", ttl="10m")
    world("usual")
    world("kept", ttl=None)

    assert later(599) == 0
    assert later(2) == 1
    assert names(server) == {"default", "usual", "kept"}
    assert later(3600) == 1
    assert later(1e6) == 0
    assert names(server) == {"default", "kept"}


# Worlds apart


def test_file_scenarios_are_shared_and_walked_through_separately(server, world):
    world("a")
    world("b")

    assert [server.ask("GET", "/@a/seq").status for _ in range(3)] == [503, 503, 200]
    assert [server.ask("GET", "/@b/seq").status for _ in range(2)] == [503, 503]
    assert server.ask("GET", "/seq").status == 503


def test_what_a_test_changes_is_its_own(server, world):
    a, b = world("a"), world("b")
    a.post("/routes", {"request": "GET /own", "reply": 200})
    a.call("PUT", "/state/stock", 0)
    a.call("PUT", "/outage", {"reply": 503})
    a.call("PATCH", "/scenarios/shop", {"active": False})
    a.post("/clock", {"advance": "30d"})

    assert server.ask("GET", "/@b/own").status == server.ask("GET", "/own").status == 404
    assert b.get("/state/stock") == server.admin.get("/state/stock") == 3
    assert server.ask("POST", "/@b/charge", '{"order": 1}').status == 201
    assert b.get("/clock")["now"] < a.get("/clock")["now"]


@pytest.mark.parametrize("base", ["", "/mock", "/@a", "/mock/@a"])
def test_what_is_built_from_the_base_url_stays_in_its_world(server, world, base):
    world("a")

    answer = server.ask("GET", f"{base}/links")
    assert answer.header("location") == f"{server.url}{base}/items/1"
    assert answer.json()["self"] == f"{server.url}{base}/links"
    assert server.ask("GET", f"{base}/moved").header("location") == f"{server.url}{base}/seq"


def test_a_client_that_follows_a_redirect_stays_in_its_world(server, world):
    import httpx

    admin = world("a")

    assert httpx.get(f"{server.url}/@a/moved", follow_redirects=True).status_code == 503
    assert paths(admin) == ["/moved", "/seq"]
    assert paths(server.admin) == []


def test_a_webhook_to_the_base_url_comes_into_the_same_world(serving):
    server = serving(SCENARIO, allow_egress=("127.0.0.1",))
    server.admin.post("/namespaces", {"name": "a"})
    admin = Admin(f"{server.admin.url}/@a")

    assert server.ask("POST", "/@a/hook").status == 202

    admin.post(
        "/verify", {"effects": {"kind": "charge", "where": {"order": "hooked"}}, "times": 1, "within": "10s"}
    )
    assert admin.get("/webhooks")["items"][0]["url"] == f"{server.url}/@a/charge"
    assert server.admin.get("/effects")["items"] == []


# Snapshots


def test_a_restore_puts_back_memory_positions_routes_and_clock(server, world):
    admin = world("a")
    server.ask("GET", "/@a/seq")
    admin.post("/clock", {"freeze": "2026-01-01T00:00:00Z"})
    taken = admin.post("/snapshot")["id"]
    server.ask("GET", "/@a/seq")
    server.ask("POST", "/@a/users", '{"name": "Grace"}', headers={"Content-Type": "application/json"})
    admin.call("PUT", "/state/stock", 0)
    admin.post("/routes", {"request": "GET /own", "reply": 200})
    admin.post("/clock", {"advance": "1d"})
    admin.call("PUT", "/outage", {"reply": 500})

    assert admin.post("/restore") == {"id": taken}

    assert admin.get("/state/stock") == 3
    assert [one["id"] for one in server.ask("GET", "/@a/users").json()] == ["1"]
    assert admin.get("/clock")["now"].startswith("2026-01-01T00:00:00")
    assert server.ask("GET", "/@a/own").status == 404
    assert [server.ask("GET", "/@a/seq").status for _ in range(2)] == [503, 200]


def test_calls_counts_and_effects_stay(server):
    server.admin.post("/snapshot")
    server.ask("POST", "/charge", '{"order": 1}')
    server.ask("GET", "/seq")
    server.admin.post("/restore")

    assert paths(server.admin) == ["/charge", "/seq"]
    assert server.admin.get("/counts")["total"] == 2
    assert len(server.admin.get("/effects")["items"]) == 1


def test_snapshots_nest_and_restoring_drops_the_later_ones(server):
    admin = server.admin
    ids = []
    for stock in (10, 20, 30):
        admin.call("PUT", "/state/stock", stock)
        ids.append(admin.post("/snapshot")["id"])
    admin.call("PUT", "/state/stock", 40)

    assert admin.post("/restore") == {"id": ids[2]}
    assert admin.get("/state/stock") == 30
    assert admin.post("/restore", {"id": ids[0]}) == {"id": ids[0]}
    assert admin.get("/state/stock") == 10
    admin.refused(404, "POST", "/restore", {"id": ids[1]})
    admin.call("PUT", "/state/stock", 50)
    assert admin.post("/restore") == {"id": ids[0]}
    assert admin.get("/state/stock") == 10
    assert admin.post("/snapshot")["id"] not in ids


def test_without_a_snapshot_there_is_nothing_to_restore(server, world):
    world("a").post("/snapshot")

    server.admin.refused(409, "POST", "/restore", {})
    assert server.admin.call("POST", "/restore").status == 409


def test_a_restore_after_a_reset_puts_back_what_the_snapshot_holds(server):
    server.ask("GET", "/seq")
    server.admin.call("PUT", "/state/stock", 9)
    server.admin.post("/snapshot")
    server.admin.post("/reset", {})
    server.admin.post("/restore")

    assert server.admin.get("/state/stock") == 9
    assert [server.ask("GET", "/seq").status for _ in range(2)] == [503, 200]


# Many, and isolation by trying to break it


@pytest.mark.slow
@pytest.mark.in_memory
def test_ten_thousand_namespaces_at_once(serving):
    import tracemalloc

    server = serving(
        "\n".join(["routes:", *(f"  - {{request: GET /r{n}, reply: [503, 200]}}" for n in range(500))])
    )
    engine = server.app.engine

    async def make():
        tracemalloc.start()
        for n in range(10_000):
            engine.make_namespace(f"n{n}")
        taken_bytes = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return taken_bytes

    assert server.loop.run(make()) / 10_000 < 4096
    for n in random.Random(1).sample(range(10_000), 100):
        assert [server.ask("GET", f"/@n{n}/r7").status for _ in range(2)] == [503, 200]
    assert server.admin.get("/counts")["total"] == 0


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(
            ["seq", "charge", "draw", "user", "miss", "state", "route", "use", "clock", "outage", "up", "snapshot",
             "restore", "reset", "hide", "calls"]
        ),
        st.integers(0, 3),
    ),
    max_size=25,
)  # fmt: skip


def move(server, name, what, n):
    """One step of a test in its world, and what it sees of it."""
    admin = Admin(f"{server.admin.url}/@{name}")
    json = {"Content-Type": "application/json"}
    asked = {
        "seq": ("GET", "/seq", None),
        "charge": ("POST", "/charge", f'{{"order": {n}}}'),
        "draw": ("GET", "/draw", None),
        "user": ("POST", "/users", f'{{"id": "u{n}"}}'),
        "miss": ("GET", f"/own{n}", None),
    }
    called = {
        "state": ("PUT", f"/state/k{n}", n),
        "route": ("POST", "/routes", {"id": f"own{n}", "request": f"GET /own{n}", "reply": [201, 202]}),
        "use": ("POST", "/scenarios/use", {"names": ["shop"] if n else []}),
        "clock": ("POST", "/clock", {"at": f"2030-01-0{n + 1}T00:00:00Z"}),
        "outage": ("PUT", "/outage", {"reply": 500, "times": n + 1}),
        "up": ("DELETE", "/outage", ...),
        "snapshot": ("POST", "/snapshot", ...),
        "restore": ("POST", "/restore", ...),
        "reset": ("POST", "/reset", {"what": [["calls", "memory", "positions", "routes"][n]]}),
        "hide": ("PATCH", "/scenarios/shop", {"active": bool(n)}),
        "calls": ("DELETE", "/calls", ...),
    }
    if what in asked:
        method, path, body = asked[what]
        answer = server.ask(method, f"/@{name}{path}", body, headers=json if body else {})
        return answer.status, answer.body if answer.status < 300 else b""
    answer = admin.call(*called[what])
    return answer.status, answer.body if what in ("snapshot", "restore") else b""


def seen(server, name):
    """Everything that a test can see of its world, but for the times of day."""
    admin = Admin(f"{server.admin.url}/@{name}")
    calls = [
        (
            one["id"],
            one["namespace"],
            one["request"]["path"],
            one["route"],
            one["step"],
            one["reply"]["status"],
            len(one["effects"]),
        )
        for one in admin.get("/calls")["items"]
    ]
    routes = [(one["id"], one["calls"], one["step"]) for one in admin.get("/routes")["items"]]
    effects = [{**one, "at": ""} for one in admin.get("/effects")["items"]]
    users = admin.call("GET", "/resources/users")
    return (
        calls,
        routes,
        effects,
        users.body,
        admin.get("/state"),
        admin.get("/counts"),
        admin.get("/clock")["now"][:11],
    )


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=MOVES)
def test_two_namespaces_never_see_anything_of_each_other(server, moves):
    """The same moves with the other's between them and without: nothing that can be seen differs."""

    def play(only=None):
        for name in "ab":
            server.admin.call("DELETE", f"/namespaces/{name}")
            server.admin.post("/namespaces", {"name": name})
        told = {"a": [], "b": []}
        for name, what, n in moves:
            if only in (None, name):
                told[name].append(move(server, name, what, n))
        return {name: (told[name], seen(server, name)) for name in "ab"}

    together = play()
    assert play(only="a")["a"] == together["a"]
    assert play(only="b")["b"] == together["b"]
    assert server.admin.get("/counts")["total"] == 0
    assert server.admin.get("/calls")["items"] == []


# Of failed tests


def listed(server):
    return [one["name"] for one in server.admin.get("/namespaces")["items"]]


def test_a_kept_namespace_stays_as_it_is_for_so_long(server, world):
    admin = world("a", ttl="1s")
    server.ask("GET", "/@a/seq")
    assert server.admin.post("/namespaces/a/keep")["ttl"] == "1h"
    assert server.admin.post("/namespaces/a/keep", {"for": "10m"})["ttl"] == "10m"
    assert paths(admin) == ["/seq"]


def test_the_oldest_of_too_many_kept_ones_go_and_no_other(server, world):
    for name in "abcd":
        world(name)
    for name in "bca":
        server.admin.post(f"/namespaces/{name}/keep", {"most": 2})
    assert listed(server) == ["default", "a", "c", "d"]
    server.admin.post("/namespaces/a/keep", {"most": 1})
    assert listed(server) == ["default", "a", "d"]


def test_what_waits_in_a_kept_namespace_is_not_sent(server, world):
    admin = world("a")
    admin.post(
        "/routes",
        {"request": "POST /later", "reply": {"webhook": {"url": f"{server.url}/@a/charge", "delay": "1h"}}},
    )
    server.ask("POST", "/@a/later")
    server.admin.post("/namespaces/a/keep")
    assert [one["state"] for one in admin.get("/webhooks")["items"]] == ["dropped"]


@pytest.mark.parametrize(("path", "body", "status"), [
    ("/namespaces/nope/keep", {}, 404), ("/namespaces/default/keep", {}, 409),
    ("/namespaces/a/keep", {"for": "soon"}, 422), ("/namespaces/a/keep", {"most": -1}, 422),
])  # fmt: skip
def test_what_can_not_be_kept_is_refused(server, world, path, body, status):
    world("a")
    assert server.admin.call("POST", path, body).status == status


def test_the_failed_test_is_named_in_the_list_and_its_error_has_no_secrets(server, world):
    world("a")
    world("b")
    body = {
        "test": "tests/test_pay.py::test_it",
        "error": "E  Authorization: Bearer sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "after": "c-000003",
    }
    kept = server.admin.post("/namespaces/a/keep", body)
    server.admin.post("/namespaces/b/keep")

    assert kept["failed_test"] == body["test"]
    named = {one["name"]: one["failed_test"] for one in server.admin.get("/namespaces")["items"]}
    assert named == {"default": None, "a": body["test"], "b": None}
    told = server.admin.get("/namespaces/a/failed-test")
    assert (told["test"], told["after"]) == (body["test"], "c-000003")
    assert told["error"].startswith("E  Authorization")
    assert "4eC39HqLyjWDarjtT1zdp7dc" not in told["error"]
    assert server.admin.call("GET", "/namespaces/b/failed-test").status == 404
    server.admin.post("/namespaces/a/keep", {"for": "10m"})
    assert server.admin.get("/namespaces/a/failed-test")["test"] == body["test"], "kept for longer"


@pytest.mark.parametrize(
    "body", [{"test": ""}, {"test": "t" * 1001}, {"error": "e" * 20_001}, {"after": "17"}]
)
def test_a_failed_test_that_is_no_such_thing_is_refused(server, world, body):
    world("a")
    assert server.admin.call("POST", "/namespaces/a/keep", body).status == 422
    assert server.admin.get("/namespaces/a")["failed_test"] is None
