"""Live calls: seen as they happen, filtered, opened; whatever comes over the wire stays text."""

import asyncio

import grpc
import pytest
import yaml
from support.dashboard import SCRIPTS, Dashboard
from support.websocket import Socket, close_frame
from support.wire import Wire

from mockserver.admin.endpoints import stream
from mockserver.admin.endpoints.stream import Pace

SCRIPT = "<script>document.title='run'</script>"


@pytest.fixture
def open_dashboard(browser):
    def opened(server, place="#/calls"):
        return Dashboard(browser(), server.admin.url).open(place)

    return opened


def three(server):
    return [
        server.ask("POST", "/data", '{"order": 42}', headers={"Content-Type": "application/json"}).status
        for _ in range(3)
    ]


def test_the_seed_case_is_seen_live(serving, open_dashboard):
    server = serving()
    dashboard = open_dashboard(server)
    dashboard.sees(".empty", "No calls yet")

    assert three(server) == [503, 503, 200]

    dashboard.sees(".grid-rows [data-call=c-000003]")
    assert dashboard.rows() == ["c-000001", "c-000002", "c-000003"]
    assert dashboard.texts(".grid-rows .c-status") == ["■ 503", "■ 503", "● 200"]
    assert dashboard.complaints == []


def test_a_call_opens_beside_the_list_with_all_that_is_known(serving, open_dashboard):
    server = serving(
        "routes: [{name: pay, request: POST /pay, reply: [{status: 201, effect: {kind: charge}, json: {ok: true}}, 503]}]"
    )
    server.ask(
        "POST",
        "/pay?x=1",
        '{"order":42}',
        headers={"Content-Type": "application/json", "Authorization": "Bearer tok_1234567890"},
    )
    dashboard = open_dashboard(server)

    dashboard.run(dashboard.page.locator("[data-call=c-000001]").click())
    dashboard.sees(".pane h2", "c-000001")

    text = dashboard.texts(".pane")[0]
    for part in (
        "shop/pay",
        "1 of 2",
        "Bearer ****7890",
        '"order": 42',
        '"ok": true',
        '"kind": "charge"',
        "Total",
        "x = 1",
    ):
        assert part in text
    dashboard.clicks("Hex", ".pane")
    dashboard.sees(".pane pre", "7b 22 6f 72")
    dashboard.clicks("Show secrets")
    dashboard.sees(".pane", "tok_1234567890")
    dashboard.presses("Escape")
    dashboard.sees_no(".pane")


@pytest.mark.in_memory  # replicas refuse handshakes
def test_the_frames_of_a_connection_are_shown_with_its_end(serving, open_dashboard):
    server = serving(
        "routes: [{name: feed, request: WS /feed, reply: {websocket: [{send: {json: {hello: 1}}}]}}]"
    )
    with Socket(server.address) as socket:
        assert socket.text() == '{"hello":1}'
        socket.say(SCRIPT)
        socket.send(close_frame(4000, "enough"))
        assert socket.frame().close[0] == 4000
        assert socket.is_closed()
    dashboard = open_dashboard(server)

    dashboard.run(dashboard.page.locator("[data-call=c-000001]").click())
    dashboard.sees(".pane h2", "WS /feed")

    text = dashboard.texts(".pane")[0]
    for part in (
        "1 received, 1 sent, closed by the client with 4000 (enough)",
        "sent text",
        '{"hello":1}',
        "received text",
        SCRIPT,
    ):
        assert part in text
    dashboard.run(dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
    dashboard.clicks("Copy as YAML")
    dashboard.sees(".actions", "Copied as YAML.")
    (route,) = yaml.safe_load(dashboard.asks("navigator.clipboard.readText()"))
    assert route["request"] == "WS /feed"
    assert route["reply"] == {"websocket": [{"send": {"json": {"hello": 1}}}, {"receive": {"text": SCRIPT}}]}
    assert dashboard.complaints == []


def test_the_list_is_walked_by_keys(serving, open_dashboard):
    server = serving()
    three(server)
    dashboard = open_dashboard(server)
    dashboard.sees("[data-call=c-000003]")

    dashboard.presses("j", "j")
    dashboard.sees(".pane h2", "c-000002")
    dashboard.presses("End")
    dashboard.sees(".pane h2", "c-000003")
    dashboard.presses("3")
    dashboard.sees(".attempts-picture")
    dashboard.presses("/")
    dashboard.until("document.activeElement.type === 'search'")


def test_the_list_is_filtered(serving, open_dashboard):
    server = serving()
    three(server)
    server.ask("GET", "/nothing")
    dashboard = open_dashboard(server)
    dashboard.sees("[data-call=c-000004]")

    dashboard.fills("Status", "5xx")
    dashboard.sees(".toolbar", "2 of 4 calls")
    assert dashboard.rows() == ["c-000001", "c-000002"]
    dashboard.fills("Status", "")
    dashboard.fills("Text", "get NOTHING")
    dashboard.sees(".toolbar", "1 of 4 calls")
    dashboard.fills("Text", "")
    dashboard.run(dashboard.page.get_by_label("Unmatched only").check())
    dashboard.sees(".toolbar", "1 of 4 calls")
    server.ask("POST", "/data")
    server.ask("GET", "/nothing-else")
    dashboard.sees(".toolbar", "2 of 6 calls")
    assert dashboard.rows() == ["c-000004", "c-000006"]


def test_what_came_over_the_wire_is_text_and_nothing_else(serving, open_dashboard):
    """A path, a header, a body and a reply that are script tags, in every view."""
    server = serving({"<b>shop.yaml": f"""
scenario: "<b>shop"
description: "{SCRIPT}"
resources: [{{path: /things, seed: [{{id: "1", "<img src=x onerror=alert(1)>": "{SCRIPT}"}}]}}]
routes:
  - name: "<img src=x onerror=alert(1)>"
    request: POST /evil
    reply: {{status: 201, headers: {{x-evil: "{SCRIPT}"}}, text: "{SCRIPT}", effect: {{kind: "{SCRIPT}"}}}}
"""})  # fmt: skip
    server.ask("POST", f"/{SCRIPT}", SCRIPT, headers={"X-Evil": SCRIPT, "Content-Type": "text/html"})
    server.ask("POST", "/evil?<script>=1", SCRIPT, headers={"Idempotency-Key": SCRIPT})
    dashboard = open_dashboard(server)
    own = dashboard.asks(f"document.querySelectorAll('{SCRIPTS}').length")

    for place in (
        "#/calls/c-000001",
        "#/calls/c-000002",
        "#/unmatched",
        "#/attempts",
        "#/scenarios",
        "#/resources",
        "#/effects",
        f"#/calls/{SCRIPT}",
    ):
        dashboard.run(dashboard.page.goto(f"{dashboard.url}/ui/{place}"))
        dashboard.until("document.body.innerText.includes('<') || location.hash.includes('script')")
        assert dashboard.asks(f"document.querySelectorAll('{SCRIPTS}').length") == own, place
        assert "run" not in dashboard.asks("document.title")
    assert dashboard.complaints == []


def test_what_came_too_fast_is_counted_and_fetched_once_it_is_calm(serving, open_dashboard, monkeypatch):
    monkeypatch.setattr(stream, "IN_BRIEF", Pace(rest_s=0.1, most=5, queue=5, sample=2))
    server = serving("routes: [{request: GET /fast, reply: 200}]", calls=100)
    dashboard = open_dashboard(server)
    server.ask("GET", "/fast")
    dashboard.sees("[data-call=c-000001]")
    with Wire(server.address) as wire:
        wire.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
        dashboard.sees(".missed", "not shown so far")
        dashboard.sees(".missed", "no longer in the call log")

    assert dashboard.texts(".missed")[0].startswith("200 calls arrived too fast")
    dashboard.sees(".toolbar", "101 calls")
    assert dashboard.rows()[-1] == "c-000301"
    assert dashboard.rows() == sorted(dashboard.rows())
    assert dashboard.complaints == []


def test_a_record_that_outruns_the_list_is_followed_all_the_same(serving, browser):
    """Between two pages of the list more calls come than are kept: fetching page after page would never end."""
    server = serving("routes: [{request: GET /fast, reply: 200}]", calls=20)
    dashboard = Dashboard(browser(), server.admin.url)

    async def outrun(fetched):
        await asyncio.to_thread(fast, wire, 40)
        await fetched.continue_(url=fetched.request.url.replace("limit=5000", "limit=10"))

    with Wire(server.address) as wire:
        fast(wire, 20)
        dashboard.run(dashboard.page.route("**/__admin/calls?brief=true*", outrun))
        dashboard.open()

        server.ask("GET", "/fast?last")
        dashboard.sees(".grid-rows", "/fast?last")
        assert dashboard.rows() == sorted(dashboard.rows())


def fast(wire, count):
    wire.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n" * count)
    for _ in range(count):
        wire.answer()


def test_the_list_holds_a_hundred_thousand_calls_and_no_more(serving, open_dashboard):
    """In the page alone: what the stream gives is put in by hand."""
    dashboard = open_dashboard(serving())
    kept = dashboard.asks("""async () => {
        const { Rows } = await import("./js/rows.js");
        const rows = new Rows();
        const call = (number) => ({number, arrived: "2026-01-31T12:00:00Z", duration_ms: 1, status: 200, step: 1, route: "a/b", routes: ["a/b"], method: "GET",
          outcome: "done", matched: true, complete: true, effects: 0, webhooks: 0, target: `/x/${number}`});
        for (let number = 1; number <= 250_000; number += 1) rows.put(call(number));
        const again = rows.put(call(249_999));
        return [rows.size, rows.row(rows.first).id, rows.row(rows.next - 1).target, again, rows._seqs.size];
    }""")

    assert kept == [100_000, "c-150001", "/x/250000", False, 100_000]


def test_the_token_is_asked_for_and_kept_for_the_tab(serving, browser):
    server = serving(admin_token="s3cret")
    dashboard = Dashboard(browser(), server.admin.url)
    dashboard.run(dashboard.page.goto(f"{server.admin.url}/ui/"))

    dashboard.fills("Token", "wrong")
    dashboard.clicks("Open")
    dashboard.sees("dialog", "The token is wrong")
    dashboard.fills("Token", "s3cret")
    dashboard.clicks("Open")
    dashboard.sees(".connection[data-state=live]")
    server.ask("POST", "/data")
    dashboard.sees("[data-call=c-000001]")
    dashboard.run(dashboard.page.reload())
    dashboard.sees("[data-call=c-000001]")


def test_a_grpc_call_shows_its_status_and_messages(serving, open_dashboard):
    scenario = (
        "grpc: {proto: p.proto}\n"
        "routes: [{name: say, request: GRPC p.S/Say, reply: [{status: UNAVAILABLE, text: later}, {message: {text: hi}}]}]"
    )
    proto = (
        'syntax = "proto3"; package p; message M { string text = 1; } service S { rpc Say(M) returns (M); }'
    )
    server = serving({"s.yaml": scenario, "p.proto": proto})
    with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
        for _ in range(2):
            channel.unary_unary("/p.S/Say").future(b"\x0a\x05hello", timeout=5).code()
    dashboard = open_dashboard(server)

    dashboard.sees(".grid-rows [data-call=c-000002]")
    assert dashboard.texts(".grid-rows .c-status") == ["■ UNAVAILABLE", "● OK"]
    assert dashboard.asks(
        "((cell) => cell.scrollWidth <= cell.clientWidth)(document.querySelector('.grid-rows .c-status'))"
    )
    dashboard.run(dashboard.page.get_by_label("Status").first.fill("unavailable"))
    dashboard.sees_no(".grid-rows [data-call=c-000002]")
    dashboard.run(dashboard.page.locator("[data-call=c-000001]").click())
    dashboard.sees(".pane h2", "c-000001")
    text = dashboard.texts(".pane")[0]
    for part in ("p.S/Say", "UNAVAILABLE", "later", '"text": "hello"', "deadline"):
        assert part in text
    dashboard.run(dashboard.page.context.grant_permissions(["clipboard-write"]))
    dashboard.clicks("Copy as grpcurl")
    dashboard.sees(".pane [role=status]", "grpcurl")
    dashboard.goes("Scenarios")
    dashboard.sees(".dots")
    assert [text.lstrip("▸") for text in dashboard.texts(".dots li")] == ["UNAVAILABLE", "OK"]
    assert dashboard.complaints == []


def test_a_call_of_several_routes_is_found_by_each(serving, open_dashboard):
    scenario = (
        "graphql: s.graphql\n"
        "routes: [{name: user, request: GRAPHQL Query.user, reply: 200}, {name: order, request: GRAPHQL Query.order, reply: 200}]"
    )
    server = serving({"s.yaml": scenario, "s.graphql": "type Query { user: String order: String }"})
    for query in ("{ user }", "{ user order }"):
        server.ask(
            "POST", "/graphql", f'{{"query": "{query}"}}', headers={"Content-Type": "application/json"}
        )
    dashboard = open_dashboard(server)
    dashboard.sees("[data-call=c-000002]", "s/user, s/order")

    dashboard.run(dashboard.page.get_by_label("Route").first.select_option("s/order"))
    dashboard.sees(".toolbar", "1 of 2 calls")
    dashboard.run(dashboard.page.locator("[data-call=c-000002]").first.click())
    dashboard.sees(".pane a[href*='order']", "s/order")
    dashboard.sees(".pane a[href*='user']", "s/user")
    assert dashboard.complaints == []
