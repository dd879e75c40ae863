"""Where the connection to the server fails: for one request, and for a while."""

from collections import Counter

from support.dashboard import Dashboard
from support.http import ask

ADMIN = "**/__admin/**"
VIEWS = ("attempts", "load", "scenarios", "resources", "webhooks", "effects", "troubles", "recordings", "namespaces", "unmatched")  # fmt: skip


def test_a_request_that_changes_nothing_is_sent_once_more(serving, browser):
    """A browser drops all connections when the network addresses of the machine change."""
    server = serving()
    server.ask("POST", "/data")
    dashboard = Dashboard(browser(), server.admin.url).open()
    tries: Counter[tuple[str, str]] = Counter()

    async def drop_the_first(fetched):
        key = (fetched.request.method, fetched.request.url)
        tries[key] += 1
        if tries[key] % 2:
            await fetched.abort("connectionfailed")
        else:
            await fetched.continue_()

    dashboard.run(dashboard.page.route(ADMIN, drop_the_first))
    for view in VIEWS:
        dashboard.asks(f"location.hash = '#/{view}'")
        dashboard.until("document.querySelector('main').innerText.trim().length > 20")
    dashboard.asks("location.hash = '#/troubles'")
    dashboard.sees(".good", "No failures are injected")
    dashboard.clicks("Inject")
    dashboard.sees(".said", "The server can't be reached")

    assert tries["PUT", f"{server.admin.url}/troubles"] == 1
    assert server.admin.get("/troubles")["items"] == []
    assert dashboard.complaints == []


def test_a_view_is_drawn_once_the_connection_is_back(serving, browser):
    server = serving()  # without calls: a call that the stream tells of has the view drawn, too
    dashboard = Dashboard(browser(), server.admin.url).open("#/attempts")
    # Drawn when it is shown, and once more when the calls were read. Nothing else has it drawn now.
    dashboard.until(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes('/attempts?')).length === 2"
    )
    dashboard.run(dashboard.page.route(ADMIN, lambda fetched: fetched.abort("connectionfailed")))

    server.loop.run(cut_streams(server))
    dashboard.sees(".connection[data-state=lost]")
    for view in VIEWS:
        dashboard.asks(f"location.hash = '#/{view}'")
        dashboard.until("document.querySelector('main').childElementCount > 0")
    dashboard.asks("location.hash = '#/attempts'")
    dashboard.sees(".toolbar", "The server can't be reached")
    dashboard.run(dashboard.page.unroute(ADMIN))

    dashboard.until("document.querySelector('.toolbar [role=status]').innerText === ''")
    dashboard.sees(".picture", "No matched calls yet.")
    dashboard.sees(".connection[data-state=live]")
    assert dashboard.complaints == []


def test_a_dropped_connection_is_shown_and_healed(serving, browser):
    server = serving()
    dashboard = Dashboard(browser(), server.admin.url).open()
    for _ in range(3):
        server.ask("POST", "/data")
    dashboard.sees("[data-call=c-000003]")
    dashboard.asks(
        "window.heard = []; new MutationObserver(() => heard.push(document.querySelector('.connection').dataset.state))"
        ".observe(document.querySelector('.connection'), {attributes: true})"
    )

    server.loop.run(cut_streams(server))
    for _ in range(3):
        ask(server.url, "POST", "/data")

    dashboard.sees("[data-call=c-000006]")
    dashboard.sees(".connection[data-state=live]")
    assert "lost" in dashboard.asks("heard")
    assert dashboard.rows() == [f"c-00000{n}" for n in range(1, 7)]
    server.ask("POST", "/data")
    dashboard.sees("[data-call=c-000007]")
    assert len(dashboard.rows()) == 7


def test_a_server_that_began_anew_is_noticed(serving, browser):
    first = serving()
    port = first.address[1]
    dashboard = Dashboard(browser(), first.admin.url).open()
    for _ in range(3):
        first.ask("POST", "/data")
    dashboard.sees("[data-call=c-000003]")

    first.stop()
    dashboard.sees(".connection[data-state=lost]")
    second = serving(first.folder, port=port)
    second.ask("GET", "/another")

    dashboard.until("document.querySelectorAll('.grid-rows [data-call]:not([hidden])').length === 1")
    dashboard.sees(".grid-rows", "/another")


async def cut_streams(server):
    for listener in server.app._listeners:
        for connection in listener.connections:
            connection.transport.abort()
