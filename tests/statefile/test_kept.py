"""What a server knew before it ended, its successor on the same state file knows."""

from __future__ import annotations

import base64
import json

import pytest
from support.admin import Admin
from support.events import following
from support.wire import Wire

from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.store.counts import Counts, RouteCount
from mockserver.templating.random_values import seed_for
from statefile.conftest import save

pytestmark = pytest.mark.smoke

SHOP = """
state: {stock: 3}
oauth: {path: /token, clients: {app: s3cret}, expires: 1h}
resources:
  - {path: /orders, new: {status: open}}
routes:
  - {name: pay, request: POST /pay, reply: [503, 503, 201], effect: {kind: charge, id: "{{ random_string(8) }}"}}
  - {name: per, request: 'GET /per/{who}', per: path.who, reply: [{text: one}, {text: two}, {text: three}]}
  - {name: once, request: GET /once, reply: 200, then: stop}
  - {name: held, request: POST /held, set: {held: "yes"}, set_ttl: 1h, reply: 200}
  - {name: keyed, request: POST /keyed, idempotency: {header: key}, reply: {status: 201, text: "{{ random_string(12) }}"}}
  - {name: limited, request: GET /limited, limit: {rate: 2/h, burst: 2}, reply: 200}
  - {name: mine, request: GET /mine, auth: oauth, reply: 200}
  - {name: drawn, request: GET /drawn, reply: {text: "{{ uuid() }}"}}
"""
MORE = """
scenario: more
routes:
  - {name: extra, request: GET /extra, match: {headers: {x-version: 1.10}}, reply: [{file: body.txt}, 202]}
"""


def everything(admin: Admin):
    """All that the admin API tells of a namespace but its calls."""
    views = (
        "counts",
        "routes",
        "scenarios",
        "state",
        "effects",
        "webhooks",
        "resources/orders",
        "scenarios/more",
    )
    told = {name: admin.call("GET", f"/{name}").json() for name in views}
    told["outage"] = admin.call("GET", "/outage").json()
    told["frozen"] = admin.get("/clock")["frozen"]
    return told


def use(server, prefix=""):
    """Leaves a trace in everything that a namespace has."""
    admin = Admin(server.admin.url + prefix)
    for method, path, body in [
        ("POST", "/pay", "{}"), ("POST", "/pay", "{}"), ("GET", "/per/a", None), ("GET", "/per/a", None), ("GET", "/per/b", None),
        ("POST", "/held", "{}"), ("GET", "/nowhere", None), ("OPTIONS", "/pay", None), ("GET", "/limited", None),
        ("POST", "/orders", '{"sku": "x"}'), ("POST", "/orders", '{"sku": "y"}'), ("DELETE", "/orders/1", None), ("GET", "/once", None),
    ]:  # fmt: skip
        server.ask(method, prefix + path, body, headers={"Content-Type": "application/json"})
    admin.post(
        "/routes", {"request": "GET /new", "reply": [{"text": "first"}, {"text": "second"}], "tags": ["t"]}
    )
    admin.post(
        "/routes", yaml="{request: GET /yaml, priority: 3, match: {headers: {x-version: 1.10}}, reply: 204}"
    )
    bundle = {"yaml": MORE, "files": {"body.txt": base64.b64encode(b"from the bundle\0").decode()}}
    admin.post("/scenarios", bundle)
    admin.call("PATCH", "/routes/shop%2Fonce", {"tags": ["changed"]})
    admin.call("PUT", "/state/greeting", ["käse", 1.5, None, {"deep": True}])
    return admin


@pytest.mark.parametrize("prefix", ["", "/@checkout-42"])
def test_all_that_the_admin_api_tells_is_as_it_was(kept, prefix):
    server = kept(SHOP)
    server.admin.post("/namespaces", {"name": "checkout-42", "ttl": "2h", "seed": 7})
    admin = use(server, prefix)
    admin.call("PUT", "/outage", {"reply": 503, "routes": ["limited"], "skip": 1, "times": 5})
    server.ask("GET", f"{prefix}/limited")
    server.ask("GET", f"{prefix}/limited")
    admin.post("/clock", {"freeze": "2031-05-06T07:08:09Z"})
    before, spaces, now = everything(admin), server.admin.get("/namespaces"), admin.get("/clock")["now"]

    server = kept(server.folder)

    admin = Admin(server.admin.url + prefix)
    assert everything(admin) == before
    assert admin.get("/clock")["now"] == now
    for old, new in zip(spaces["items"], server.admin.get("/namespaces")["items"], strict=True):
        assert {**new, "url": 0, "admin_url": 0} == {**old, "url": 0, "admin_url": 0}


def test_it_is_the_same_over_a_second_restart(kept, state_file):
    server = kept(SHOP)
    use(server)
    kept(server.folder)
    first = state_file.read_bytes().partition(b"\n")[2]
    kept(server.folder)

    assert state_file.read_bytes().partition(b"\n")[2] == first


def test_sequences_go_on_where_they_stood(kept):
    server = kept(SHOP)
    use(server)

    server = kept(server.folder)

    assert server.ask("POST", "/pay").status == 201
    assert [server.ask("GET", f"/per/{who}").text for who in "abc"] == ["three", "two", "one"]
    assert server.ask("GET", "/once").status == 404


def test_a_sequence_that_was_changed_meanwhile_begins_anew_and_others_go_on(kept, write):
    server = kept(SHOP)
    for method, path in [("POST", "/pay"), ("POST", "/pay"), ("GET", "/per/a")]:
        server.ask(method, path)
    folder = write(SHOP.replace("{text: one}", "{text: uno}"))

    server = kept(folder)

    assert server.ask("GET", "/per/a").text == "uno"
    assert server.ask("POST", "/pay").status == 201


def test_routes_and_scenarios_made_at_runtime_answer_as_they_did(kept):
    server = kept(SHOP)
    use(server)
    server.ask("GET", "/new")
    wanted = {"x-version": "1.10"}
    assert server.ask("GET", "/extra", headers=wanted).body == b"from the bundle\0"

    server = kept(server.folder)

    assert server.ask("GET", "/new").text == "second"
    assert server.ask("GET", "/yaml", headers=wanted).status == 204
    assert server.ask("GET", "/yaml", headers={"x-version": "1.1"}).status == 404
    assert server.ask("GET", "/extra", headers=wanted).status == 202
    assert server.admin.post("/routes", {"request": "GET /new", "reply": 418})["id"] == "runtime/GET /new #2"
    assert server.ask("GET", "/new").status == 418  # the newest is asked first


def test_what_was_switched_and_removed_stays_so(kept):
    server = kept({"a.yaml": "routes: [{request: GET /a, reply: 200}]", "b.yaml": "routes: [{request: GET /b, reply: 200}]",
                   "c.yaml": "routes: [{request: GET /c, reply: 200}]"})  # fmt: skip
    server.admin.call("DELETE", "/scenarios/a")
    server.admin.call("PATCH", "/scenarios/b", {"active": False})
    server.admin.post("/namespaces", {"name": "x", "scenarios": ["b"]})

    server = kept(server.folder)

    assert [server.ask("GET", path).status for path in ("/a", "/b", "/c")] == [404, 404, 200]
    assert [server.ask("GET", f"/@x{path}").status for path in ("/a", "/b", "/c")] == [404, 200, 404]


def test_numbers_of_calls_and_drawn_ids_go_on(kept):
    server = kept(SHOP)
    drawn = {server.ask("GET", "/drawn").text for _ in range(3)}
    server.admin.post("/reset", {"what": ["calls"]})

    server = kept(server.folder)
    drawn.add(server.ask("GET", "/drawn").text)

    assert len(drawn) == 4
    assert [call["id"] for call in server.calls()] == ["c-000004"]


def test_an_idempotency_key_is_replayed(kept):
    server = kept(SHOP)
    first = server.ask("POST", "/keyed", "{}", headers={"key": "k"})

    server = kept(server.folder)
    again = server.ask("POST", "/keyed", "{}", headers={"key": "k"})

    assert (again.status, again.text) == (201, first.text)
    assert again.header("idempotent-replayed") == "true"
    assert server.ask("POST", "/keyed", "other", headers={"key": "k"}).status == 422
    assert server.ask("POST", "/keyed", "{}", headers={"key": "l"}).text != first.text


def test_a_token_is_good_until_its_time(kept):
    server = kept(SHOP)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = "grant_type=client_credentials&client_id=app&client_secret=s3cret"
    token = server.ask("POST", "/token", body, headers=form).json()

    server = kept(server.folder)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}

    assert server.ask("GET", "/mine", headers=bearer).status == 200
    refresh = (
        f"grant_type=refresh_token&client_id=app&client_secret=s3cret&refresh_token={token['refresh_token']}"
    )
    assert server.ask("POST", "/token", refresh, headers=form).status == 200
    server.admin.post("/clock", {"advance": "1h"})
    assert server.ask("GET", "/mine", headers=bearer).status == 401


def test_a_rate_is_not_filled_up_by_a_restart(kept):
    server = kept(SHOP)
    assert [server.ask("GET", "/limited").status for _ in range(2)] == [200, 200]

    server = kept(server.folder)

    assert server.ask("GET", "/limited").status == 429


def test_state_is_forgotten_at_its_time(kept):
    server = kept(SHOP)
    server.ask("POST", "/held")

    server = kept(server.folder)

    assert server.admin.get("/state")["held"] == "yes"
    server.admin.post("/clock", {"advance": "1h"})
    assert "held" not in server.admin.get("/state")


def test_the_clock_stays_ahead_and_runs_on(kept):
    server = kept(SHOP)
    server.admin.post("/clock", {"advance": "3d"})
    before = server.admin.get("/clock")

    server = kept(server.folder)
    after = server.admin.get("/clock")

    assert after["offset_s"] == pytest.approx(before["offset_s"], abs=0.01)
    assert after["now"] > before["now"]


def test_ids_of_resources_go_on(kept):
    server = kept(SHOP)
    use(server)

    server = kept(server.folder)
    json_body = {"Content-Type": "application/json"}

    assert server.ask("POST", "/orders", '{"sku": "z"}', headers=json_body).json()["id"] == 3
    assert [one["id"] for one in server.ask("GET", "/orders").json()] == [2, 3]


def test_a_count_that_would_need_calls_that_were_not_kept_says_so(kept, state_file):
    server = kept(SHOP)
    server.ask("POST", "/pay", '{"n": 1}', headers={"Content-Type": "application/json"})

    server.stop()
    state_file.with_name("mock.json.calls").unlink()
    server = kept(server.folder)

    assert server.calls() == []
    assert server.admin.post("/count", {"route": "pay"}) == {"count": 1, "exact": True}
    assert server.admin.post("/count", {"request": "POST /pay"}) == {"count": 1, "exact": True}
    counted = server.admin.post("/count", {"request": "POST /pay", "match": {"json": {"n": 1}}})
    assert counted == {"count": 0, "exact": False}


def test_a_call_under_way_is_counted_and_over(kept):
    server = kept("routes: [{name: hangs, request: GET /hangs, reply: {fault: hang}}]")
    with Wire(server.address) as wire:
        wire.send("GET /hangs HTTP/1.1\r\nHost: x\r\n\r\n")
        server.admin.post("/verify", {"route": "hangs", "within": "5s"})
        server = kept(server.folder)

    assert server.admin.get("/counts")["routes"]["shop/hangs"] == {
        "calls": 1, "statuses": {"hang": 1}, "in_flight": 0, "most_in_flight": 1,
    }  # fmt: skip


def test_calls_that_are_alike_on_one_connection_are_counted_to_the_last(kept, state_file):
    """Servers count such calls by shorter ways, which the file must not miss."""
    server = kept(
        "routes: [{name: a, request: GET /a, reply: [200, 201], then: cycle}, {name: b, request: GET /b, reply: 204}]"
    )
    with Wire(server.address) as wire:
        for path in ("a", "b"):
            for _ in range(101):
                wire.send(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n")
                wire.answer()
        save(server)
        assert rows(state_file, "counts") == [[202, 0, 0, 0, 0]]
        before = server.admin.get("/counts")
        server = kept(server.folder)

    assert server.admin.get("/counts") == before
    assert before["routes"]["shop/a"]["statuses"] == {"200": 51, "201": 50}
    assert server.ask("GET", "/a").status == 201
    assert [call["id"] for call in server.calls("?cursor=c-000200")] == ["c-000201", "c-000202", "c-000203"]


def test_a_seed_given_at_the_start_counts_for_namespaces_without_their_own(kept):
    server = kept(SHOP, seed="1")
    server.admin.post("/namespaces", {"name": "own", "seed": 5})
    server.admin.post("/namespaces", {"name": "plain"})

    server = kept(server.folder, seed="2")

    spaces = {one["name"]: one["seed"] for one in server.admin.get("/namespaces")["items"]}
    assert spaces == {"default": seed_for("default", "2"), "own": "5", "plain": seed_for("plain", "2")}


def test_a_scenario_file_that_is_new_answers_beside_what_was_kept(kept, write):
    server = kept(SHOP)
    use(server)
    folder = write({"later.yaml": "routes: [{request: GET /later, reply: 200}]"})

    server = kept(folder)

    assert server.ask("GET", "/later").status == 200
    assert server.ask("GET", "/new").text == "first"


def test_a_file_scenario_changed_at_runtime_keeps_its_files_and_its_environment(kept, monkeypatch):
    monkeypatch.setenv("GREETING", "hello")
    scenario = """
vars: {greeting: "${GREETING}"}
routes:
  - {name: a, request: GET /a, reply: {file: a.txt, headers: {x-greeting: "{{ vars.greeting }}"}}}
  - {name: b, request: GET /b, reply: 200}
"""
    server = kept({"shop.yaml": scenario, "a.txt": "beside it"})
    server.admin.call("PATCH", "/routes/b", {"reply": 202})

    server = kept(server.folder)

    answer = server.ask("GET", "/a")
    assert (answer.text, answer.header("x-greeting")) == ("beside it", "hello")
    assert server.ask("GET", "/b").status == 202


def test_odd_values_are_kept(kept):
    server = kept(SHOP)
    state = {"": "empty", "a.b": "😀 \x00", "big": 10**30, "small": 1e-300, "nested": [[], {}, [None]]}
    server.admin.call("PUT", "/state", state)
    server.ask("PUT", "/__admin/state/lone", b'"\\ud800"')
    before = server.ask("GET", "/__admin/state").json()

    server = kept(server.folder)

    assert server.ask("GET", "/__admin/state").json() == before == {**state, "lone": "\ud800"}


def test_nothing_of_what_is_counted_is_left_out():
    """Who adds something to counts adds it to their rows too, or says here why not."""
    assert set(Counts.__slots__) == {
        "_gone",  # what bounds `routes`
        "automatic",
        "incomplete",
        "lines",
        "lines_lost",
        "routes",
        "total",
        "unmatched",
    }
    assert set(RouteCount.__slots__) == {"calls", "in_flight", "most_in_flight", "statuses"}


# When it is written


def test_an_unchanged_server_writes_nothing(kept, state_file):
    server = kept(SHOP)
    use(server)
    save(server)
    before = state_file.stat().st_mtime_ns

    for path in ("/health", "/counts", "/routes", "/calls", "/namespaces"):
        server.admin.get(path)
    for path in ("/verify", "/webhooks", "/effects", "/clock", "/outage"):
        server.admin.call("GET", path)
    server.admin.call("POST", "/verify", {"route": "pay", "times": 2})
    server.admin.post("/explain", {"method": "GET", "path": "/new"})
    save(server)

    assert state_file.stat().st_mtime_ns == before


CHANGES = {
    "a call": lambda server: server.ask("GET", "/nowhere"),
    "a call in a namespace": lambda server: server.ask("GET", "/@x/nowhere"),
    "state": lambda server: server.admin.call("PUT", "/state/a", 1),
    "state in a namespace": lambda server: Admin(server.admin.url + "/@x").call("PUT", "/state/a", 1),
    "a route": lambda server: server.admin.post("/routes", {"request": "GET /x", "reply": 200}),
    "a scenario": lambda server: server.admin.call("PUT", "/scenarios/new", {"routes": []}),
    "a switch": lambda server: server.admin.call("PATCH", "/scenarios/shop", {"active": False}),
    "an outage": lambda server: server.admin.call("PUT", "/outage", {"reply": 503}),
    "the clock": lambda server: server.admin.post("/clock", {"freeze": True}),
    "items": lambda server: server.admin.call("PUT", "/resources/orders", [{"id": 9}]),
    "a namespace": lambda server: server.admin.post("/namespaces", {"name": "y"}),
    "the end of a namespace": lambda server: server.admin.call("DELETE", "/namespaces/x"),
    "a reset": lambda server: server.admin.post("/reset"),
    "a restore": lambda server: server.admin.post("/restore"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_written_by_itself(kept, state_file, change):
    server = kept(SHOP)
    server.admin.post("/namespaces", {"name": "x"})
    server.admin.post("/snapshot")
    server.ask("POST", "/held")
    save(server)
    before = state_file.read_bytes()

    change(server)
    save(server)

    assert state_file.read_bytes() != before


def test_a_namespace_made_again_under_the_same_name_is_not_taken_for_the_old_one(kept, state_file):
    server = kept(SHOP, namespaces="auto")
    server.ask("GET", "/@x/old")
    save(server)
    engine = server.app.engine

    async def collect():
        engine.remove_namespace(engine.namespaces["x"])

    server.loop.run(collect())
    server.ask("GET", "/@x/new")
    save(server)

    assert rows(state_file, "counts_by_line", "x") == [["GET", "/new", 1]]


def test_an_answer_kept_for_its_key_when_its_call_ends_is_written(kept, state_file):
    """Nobody asks anything between the end of the call and the look."""
    server = kept("routes: [{request: POST /pay, idempotency: {header: key}, reply: 201}]")
    engine = server.app.engine

    async def begin():
        return engine.begin(Request("POST", "/pay", [("key", "k")]), engine.default)

    async def finish(call):
        engine.finish(call, Outcome.DONE)

    call = server.loop.run(begin())
    save(server)
    assert rows(state_file, "keys") == []
    server.loop.run(finish(call))
    save(server)

    assert len(rows(state_file, "keys")) == 1


def rows(state_file, part, namespace="default"):
    return json.loads(state_file.read_bytes())["namespaces"][namespace]["parts"][part]


def test_who_resumes_the_stream_after_a_restart_is_told_how_many_calls_went(kept, state_file):
    server = kept(SHOP)
    for _ in range(5):
        server.ask("POST", "/pay")
    server.closed_call(5)

    server.stop()
    state_file.with_name("mock.json.calls").unlink()
    server = kept(SHOP)
    with following(server.admin.url, after="c-000002") as events:
        dropped = events.next()
        server.ask("POST", "/pay")
        assert events.call()["number"] == 6
    with following(server.admin.url, after="c-000006") as events:
        server.ask("POST", "/pay")
        assert events.call()["number"] == 7

    assert (dropped.kind, dropped.data) == ("dropped", {"dropped": 3})
