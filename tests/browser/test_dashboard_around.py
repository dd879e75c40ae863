"""Around the views: the clipboard, the archive, troubles, and an admin API on a port of its own."""

import json
import re
from pathlib import Path

import pytest
from support.dashboard import Dashboard
from support.http import ask


@pytest.fixture
def open_dashboard(browser):
    def opened(server, place="#/calls"):
        return Dashboard(browser(), server.admin.url).open(place)

    return opened


def clipboard(dashboard):
    return dashboard.asks("navigator.clipboard.readText()")


def test_a_call_is_copied_as_curl_yaml_and_python(serving, open_dashboard):
    server = serving("routes: [{request: 'POST /pay', reply: {status: 201, json: {ok: true}}}]")
    server.ask("POST", "/pay?x=1", '{"order": 42}', headers={"Content-Type": "application/json"})
    dashboard = open_dashboard(server, "#/calls/c-000001")
    dashboard.run(dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))

    dashboard.clicks("Copy as curl")
    dashboard.sees(".actions", "Copied as curl.")
    curl = clipboard(dashboard)
    dashboard.clicks("Copy as YAML")
    dashboard.sees(".actions", "Copied as YAML.")
    yaml = clipboard(dashboard)
    dashboard.clicks("Copy as Python")
    dashboard.sees(".actions", "Copied as Python.")
    python = clipboard(dashboard)

    assert curl.startswith(f"curl -i -X POST --path-as-is '{server.url}/pay?x=1'")
    assert """--data-binary '{"order": 42}'""" in curl
    compile(python, "copied", "exec")
    assert "def test_post_pay" in python
    assert "request: POST /pay" in yaml
    another = serving(f"routes:\n{yaml}")
    assert ask(another.url, "POST", "/pay?x=1", b'{"order": 42}', {"Content-Type": "application/json"}).status == 201  # fmt: skip


def test_without_the_clipboard_the_text_is_shown_to_be_copied_by_hand(serving, open_dashboard):
    server = serving()
    server.ask("POST", "/data")
    dashboard = open_dashboard(server, "#/calls/c-000001")
    dashboard.asks("Object.defineProperty(navigator, 'clipboard', {value: undefined})")

    dashboard.clicks("Copy as curl")

    dashboard.sees(".actions", "The page can't access the clipboard")
    assert dashboard.asks("document.querySelector('.pane textarea').value").startswith("curl -i -X POST")


def test_the_attempts_picture_is_copied_as_png(serving, open_dashboard):
    server = serving()
    server.ask("POST", "/data")
    dashboard = open_dashboard(server, "#/attempts")
    dashboard.clicks("Show all")
    dashboard.sees(".attempts-picture")
    dashboard.run(dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))

    dashboard.clicks("Copy PNG")

    dashboard.sees(".toolbar", "Copied as PNG.")
    kinds = dashboard.asks("navigator.clipboard.read().then((items) => items.flatMap((one) => one.types))")
    assert kinds == ["image/png"]


def test_the_recorded_calls_are_saved_as_an_archive_with_the_token(serving, browser, tmp_path):
    server = serving(admin_token="s3cret")
    server.ask("POST", "/data", headers={"Authorization": "Bearer tok_1234567890"})
    dashboard = Dashboard(browser(), server.admin.url)
    dashboard.run(dashboard.page.goto(f"{server.admin.url}/ui/"))
    dashboard.fills("Token", "s3cret")
    dashboard.clicks("Open")
    dashboard.sees("[data-call=c-000001]")

    async def saved(path: Path) -> str:
        async with dashboard.page.expect_download() as download:
            await dashboard.page.get_by_role("button", name="Save HAR").click()
        await (await download.value).save_as(path)
        return (await download.value).suggested_filename

    name = dashboard.run(saved(tmp_path / "a.har"))

    assert re.fullmatch(r"calls-default-[\dT-]+\.har", name)
    text = (tmp_path / "a.har").read_text("utf-8")
    assert len(json.loads(text)["log"]["entries"]) == 1
    assert "tok_1234567890" not in text


def test_injected_failures_are_shown_with_the_calls_that_they_affected_added_and_removed(
    serving, open_dashboard
):
    server = serving("routes: [{name: pay, request: POST /pay, reply: 201}]")
    server.admin.call("PUT", "/troubles", {"route": "pay", "before": {"status": 503}})
    assert server.ask("POST", "/pay").status == 503
    dashboard = open_dashboard(server, "#/scenarios")
    dashboard.sees(".tile", "1 injected failure affected 1 call.")
    dashboard.goes("Failures")

    dashboard.sees("[data-trouble]", "before status 503")
    dashboard.sees("[data-trouble]", "1 of 1 call: c-000001")
    dashboard.fills("Answer", "429")
    dashboard.fills("First call", "2")
    dashboard.clicks("Inject")
    dashboard.sees("[data-trouble]", "before 429, times 1, from call 2 on")
    assert [server.ask("POST", "/pay").status for _ in range(3)] == [503, 429, 201]
    dashboard.fills("Answer", "boom")
    dashboard.clicks("Inject")
    dashboard.sees(".said", "boom")
    dashboard.clicks("Remove the failure of shop/pay")
    dashboard.sees(".said", "The failure was removed")
    assert [server.ask("POST", "/pay").status for _ in range(2)] == [201, 429]
    dashboard.clicks("Remove all")

    dashboard.sees(".good", "No failures are injected.")
    assert server.ask("POST", "/pay").status == 201
    assert dashboard.complaints == []


def test_the_server_says_how_it_is(serving, open_dashboard):
    server = serving()
    server.ask("GET", "/nothing")

    open_dashboard(server, "#/scenarios").sees(".tile", "1, 1 unmatched")


def test_all_of_it_works_on_a_port_of_its_own(serving, open_dashboard):
    server = serving(admin_port=0)
    assert server.admin.url.split("/")[2] != server.url.split("/")[2]
    server.ask("POST", "/data")
    dashboard = open_dashboard(server)
    dashboard.sees("[data-call=c-000001]")
    server.ask("GET", "/date")
    dashboard.sees("[data-call=c-000002] .c-status", "404")

    for view in ("Unmatched", "Attempts", "Scenarios", "Resources", "Webhooks", "Effects"):
        dashboard.goes(view)
        dashboard.until("document.querySelector('main').innerText.trim().length > 20")
    dashboard.goes("Unmatched")
    dashboard.clicks("Add this route")
    dashboard.sees(".said", "Added runtime/GET /date")
    dashboard.asks("location.hash = '#/calls/c-000001'")
    dashboard.run(dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
    dashboard.clicks("Copy as curl")

    dashboard.sees(".actions", "Copied as curl.")
    assert f"{server.url}/data" in clipboard(dashboard), "the mock's port, not the dashboard's"
    assert server.ask("GET", "/date").status == 200
    assert dashboard.complaints == []


def test_an_empty_list_says_how_to_fill_it_by_a_route_that_is_there(serving, open_dashboard):
    server = serving(
        "base: /v2\nroutes: [{request: 'GET /items/{id}', reply: 200}, {request: PUT /items, reply: 204}]"
    )

    open_dashboard(server).sees(".empty pre", f"curl -i -X PUT {server.url}/v2/items")


def test_on_a_phone_the_view_that_is_open_is_in_sight_among_the_views(serving, browser):
    visit = browser()
    dashboard = Dashboard(visit, serving().admin.url)
    dashboard.run(visit.page.set_viewport_size({"width": 390, "height": 800}))
    dashboard.open("#/effects")

    dashboard.until(
        "document.querySelector('nav a[aria-current]').getBoundingClientRect().right <= innerWidth"
    )
