"""What the dashboard changes: a route from a miss, an outage, the clock, scenarios, namespaces, a route as YAML."""

import pytest
from support.dashboard import Dashboard
from support.server import Loop

HOOKS = """
routes:
  - name: pay
    request: POST /pay
    reply: [503, {status: 201}]
    webhook: {url: "http://127.0.0.1:PORT/hooks", json: {paid: true}, delay: 1h}
"""


@pytest.fixture
def open_dashboard(browser):
    def opened(server, place="#/scenarios"):
        return Dashboard(browser(), server.admin.url).open(place)

    return opened


def test_an_unmatched_call_becomes_a_route_by_the_button(serving, open_dashboard):
    server = serving()
    assert (
        server.ask("POST", "/dat", '{"order": 42}', headers={"Content-Type": "application/json"}).status
        == 404
    )
    dashboard = open_dashboard(server, "#/unmatched")
    dashboard.sees(".card", "shop/POST /data")
    assert dashboard.texts(".card del") == ["/dat"]
    assert dashboard.texts(".card ins") == ["/data"]

    dashboard.clicks("Add this route")
    dashboard.sees(".said", "Added runtime/POST /dat")

    assert (
        server.ask("POST", "/dat", '{"order": 42}', headers={"Content-Type": "application/json"}).status
        == 200
    )
    dashboard.goes("Calls")
    dashboard.sees("[data-call=c-000002] .c-route", "runtime/POST /dat")


def test_an_outage_is_started_and_ended(serving, open_dashboard):
    server = serving("routes: [{request: POST /data, reply: 200}]")
    dashboard = open_dashboard(server)

    dashboard.fills("Answer", "502")
    dashboard.clicks("Start an outage")
    dashboard.sees(".alarm", "Outage")
    assert server.ask("POST", "/data").status == 502
    dashboard.clicks("End the outage")
    dashboard.sees(".tile", "The service is up.")
    dashboard.sees_no(".alarm")
    assert server.ask("POST", "/data").status == 200


def test_the_clock_is_moved_and_a_webhook_arrives(serving, open_dashboard, hook):
    server = serving(HOOKS.replace("PORT", str(hook.port)))
    for _ in range(2):
        server.ask("POST", "/pay")
    dashboard = open_dashboard(server, "#/webhooks")
    dashboard.sees("[data-state=waiting]")
    assert hook.got == []

    dashboard.goes("Scenarios")
    dashboard.fills("Ahead by", "1h")
    dashboard.clicks("Advance")
    dashboard.sees(".said", "The clock was moved by 1h")
    assert hook.got == [b'{"paid":true}']
    dashboard.goes("Webhooks")
    dashboard.sees("[data-webhook=w-000001][data-state=delivered]")
    dashboard.clicks("Redeliver w-000001")
    dashboard.sees(".said", "w-000001 was sent again: 200")
    assert len(hook.got) == 2


def test_a_sequence_shows_its_next_step_and_a_scenario_is_switched(serving, open_dashboard):
    server = serving()
    server.ask("POST", "/data")
    dashboard = open_dashboard(server)
    dashboard.sees(".dots .next", "▸503")
    assert dashboard.texts(".dots li") == ["503", "▸503", "200"]
    server.ask("POST", "/data")
    dashboard.sees(".dots .next", "▸200")

    dashboard.run(dashboard.page.get_by_role("switch", name="shop answers").click())
    dashboard.sees(".card.off")
    assert server.ask("POST", "/data").status == 404
    dashboard.run(dashboard.page.get_by_role("switch", name="shop answers").click())
    dashboard.sees("[role=switch][aria-checked=true]")
    assert server.ask("POST", "/data").status == 200


def test_a_route_is_edited_as_yaml_with_its_errors_in_place(serving, open_dashboard):
    server = serving()
    dashboard = open_dashboard(server)
    dashboard.clicks("Add a route…")
    text = dashboard.page.get_by_label("Route as YAML")
    dashboard.run(text.fill("request: GET /new\nreply:\n  stauts: 201\n"))
    dashboard.presses("Control+Enter")

    dashboard.sees(".gutter .wrong", "✕ 3")
    dashboard.sees(".errors", "Did you mean 'status'?")
    assert server.ask("GET", "/new").status == 404

    dashboard.run(text.fill("request: GET /new\nreply:\n  "))
    dashboard.run(text.press("End"))
    dashboard.run(text.press_sequentially("stat"))
    dashboard.sees(".completions", "status")
    dashboard.presses("Tab")
    dashboard.run(text.press_sequentially("201"))
    dashboard.presses("Control+Enter")
    dashboard.sees("[data-route='runtime/GET /new']")
    assert server.ask("GET", "/new").status == 201


def test_state_machines_are_drawn_with_the_state_they_are_in(serving, open_dashboard):
    server = serving("""
resources:
  - path: /orders
    seed: [{id: "1"}, {id: "2"}]
    machine: {field: status, initial: pending, transitions: {approve: {pending: approved}, ship: {approved: shipped}}}
""")  # fmt: skip
    server.ask("POST", "/orders/1/approve")
    dashboard = open_dashboard(server)
    dashboard.sees(".machine")

    states = dashboard.asks(
        "[...document.querySelectorAll('[data-state][data-count]')].map((one) => [one.dataset.state, one.dataset.count])"
    )
    assert dict(states) == {"pending": "1", "approved": "1", "shipped": "0"}
    assert dashboard.asks("document.querySelectorAll('.machine-edge').length") == 2


def test_a_namespace_is_made_and_has_its_own_calls(serving, open_dashboard):
    server = serving()
    server.ask("POST", "/data")
    dashboard = open_dashboard(server)
    dashboard.fills("New", "checkout-42")
    dashboard.clicks("Create")
    dashboard.until("location.hash.startsWith('#/@checkout-42')")
    dashboard.goes("Calls")
    dashboard.sees(".empty", "No calls yet")

    server.ask("POST", "/@checkout-42/data")
    dashboard.sees("[data-call=c-000001]")
    dashboard.run(dashboard.page.get_by_label("Namespace").select_option("default"))
    dashboard.until("!location.hash.includes('@')")
    dashboard.sees("[data-call=c-000001]")


@pytest.fixture
def hook(browser):
    """A receiver of webhooks; `got` are the bodies."""
    from aiohttp import web

    class Hook:
        got: list[bytes]
        port: int

    hook = Hook()
    hook.got = []
    loop = Loop()

    async def take(request):
        hook.got.append(await request.read())
        return web.Response(text="thanks")

    async def start():
        server = web.Server(take)
        runner = web.ServerRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        hook.port = site._server.sockets[0].getsockname()[1]
        return runner

    runner = loop.run(start())
    yield hook
    loop.run(runner.cleanup())
    loop.close()
