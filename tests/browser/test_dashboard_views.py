"""Sorting, pausing and searching; and the views of recordings and sweeps."""

import json
from pathlib import Path

import pytest
from support.dashboard import Dashboard
from support.sweeps import big_sweep

ROUTES = """
routes:
  - {name: small, request: GET /small, reply: {text: a}, tags: [quick]}
  - {name: large, request: GET /large, reply: {delay: 20ms, text: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}
  - {name: broken, request: POST /broken, reply: 503}
"""


ORDER = (
    "[...document.querySelectorAll('.grid-rows [data-call]:not([hidden])')].sort((a, b) => a.dataset.index - b.dataset.index)"
    ".map((one) => Number(one.dataset.call.slice(2))).join() === given[0]"
)
"""Whether the numbers of the calls in sight are these, from top to bottom."""


@pytest.fixture
def open_dashboard(browser):
    def opened(server, place="#/calls"):
        return Dashboard(browser(), server.admin.url).open(place)

    return opened


def downloaded(dashboard, path: Path, button: str) -> str:
    async def saved() -> str:
        async with dashboard.page.expect_download() as download:
            await dashboard.page.get_by_role("button", name=button).click()
        await (await download.value).save_as(path)
        return (await download.value).suggested_filename

    return dashboard.run(saved())


def sorted_by(dashboard, column):
    dashboard.run(dashboard.page.get_by_role("columnheader").get_by_role("button", name=column).click())


def test_the_list_is_sorted_by_a_column_also_while_calls_come(serving, open_dashboard):
    server = serving(ROUTES)
    for method, path in (("GET", "/small"), ("GET", "/large"), ("POST", "/broken")):
        server.ask(method, path)
    dashboard = open_dashboard(server)
    dashboard.sees("[data-call=c-000003]")
    bars = "[...document.querySelectorAll('.grid-row:not([hidden]) .fall-bar')].map((one) => one.getBoundingClientRect().left)"
    dashboard.until(f"{bars}.length === 3")
    lefts = dashboard.asks(bars)
    assert lefts == sorted(lefts)
    assert lefts[0] < lefts[-1]

    sorted_by(dashboard, "Size")
    dashboard.until(ORDER, "2,1,3")
    assert dashboard.asks("document.querySelector('[aria-sort]').textContent") == "Size"
    assert dashboard.asks("document.querySelector('[aria-sort]').ariaSort") == "descending"
    server.ask("GET", "/nothing")
    dashboard.until(ORDER, "4,2,1,3")
    sorted_by(dashboard, "Route")
    dashboard.until(ORDER, "4,3,2,1")
    sorted_by(dashboard, "Route")
    dashboard.until(ORDER, "1,2,3,4")
    sorted_by(dashboard, "Step")
    sorted_by(dashboard, "Step")
    sorted_by(dashboard, "Step")

    dashboard.until(ORDER, "1,2,3,4")
    dashboard.sees_no("[aria-sort]")
    assert dashboard.complaints == []


def test_a_paused_list_stays_and_goes_on_without_a_gap(serving, open_dashboard):
    server = serving(ROUTES)
    server.ask("GET", "/small")
    dashboard = open_dashboard(server)
    dashboard.sees("[data-call=c-000001]")

    dashboard.presses("p")
    dashboard.sees(".toolbar", "Paused at 1 call, 0 more")
    for _ in range(3):
        server.ask("GET", "/small")
    dashboard.sees(".toolbar", "Paused at 1 call, 3 more")
    assert dashboard.rows() == ["c-000001"]
    dashboard.clicks("Resume")

    dashboard.sees("[data-call=c-000004]")
    assert dashboard.rows() == [f"c-00000{n}" for n in range(1, 5)]
    dashboard.presses("l")
    dashboard.sees("dialog", "≠")


def test_routes_are_searched_and_those_made_here_become_a_file(serving, open_dashboard, tmp_path):
    server = serving(ROUTES)
    server.admin.post("/routes", {"request": "GET /made", "reply": {"json": {"ok": True}}})
    dashboard = open_dashboard(server, "#/scenarios")
    dashboard.sees("[data-route='shop/small']")

    shown = "[...document.querySelectorAll('[data-route]')].filter((one) => one.checkVisibility()).map((one) => one.dataset.route).join()"
    for words, found in (("post 503", "shop/broken"), ("QUICK", "shop/small"), ("made", "runtime/GET /made")):
        dashboard.fills("Search routes", words)
        dashboard.until(f"{shown} === given[0]", found)
    dashboard.sees(".toolbar", "1 of 4 routes")
    dashboard.fills("Search routes", "")
    file = tmp_path / "made.yaml"
    name = downloaded(dashboard, file, "Save as file")

    assert name == "routes-default.yaml"
    assert serving({"made.yaml": file.read_bytes()}).ask("GET", "/made").body == b'{"ok":true}'
    assert dashboard.complaints == []


def test_a_recording_is_made_saved_and_used(serving, open_dashboard, tmp_path):
    real = serving("routes: [{name: hello, request: GET /hello, reply: {text: real}}]")
    server = serving(ROUTES, allow_egress=("127.0.0.1",))
    dashboard = open_dashboard(server, "#/recordings")
    dashboard.sees(".empty", "No recordings")

    dashboard.fills("Real service", "no url")
    dashboard.clicks("Start recording")
    dashboard.sees(".said", "no url")
    dashboard.fills("Real service", real.url)
    dashboard.fills("Name", "real")
    dashboard.clicks("Start recording")
    dashboard.sees("[data-recording=r-1]", "◉ recording")
    assert server.ask("GET", "/hello").body == b"real"
    dashboard.sees("[data-recording=r-1]", "1 call")
    dashboard.clicks("Stop r-1")
    dashboard.sees("[data-recording=r-1]", "✓ stopped")
    assert downloaded(dashboard, tmp_path / "real.yaml", "Save r-1") == "real.yaml"
    assert server.ask("GET", "/hello").status == 404
    dashboard.clicks("Use r-1")
    dashboard.sees(".said", "The scenario real answers")
    assert server.ask("GET", "/hello").body == b"real"
    dashboard.clicks("Delete r-1")

    dashboard.sees(".empty", "No recordings")
    assert b"GET /hello" in (tmp_path / "real.yaml").read_bytes()
    assert dashboard.complaints == []


def test_the_report_of_a_sweep_is_opened_from_a_file(serving, open_dashboard, tmp_path):
    report = big_sweep().document()
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report))
    (tmp_path / "other.json").write_text("{}")
    dashboard = open_dashboard(serving(ROUTES), "#/sweeps")

    chooser = dashboard.page.get_by_label("Report (report.json)")
    dashboard.run(chooser.set_input_files(tmp_path / "other.json"))
    dashboard.sees(".said", "other.json is not the report of a sweep")
    dashboard.run(chooser.set_input_files(file))
    harmed = [cell for cell in report["cells"] if cell["verdict"] == "harmed"]
    dashboard.sees(".chip", f"■ harmed: {len(harmed)}")
    dashboard.run(dashboard.page.get_by_label("Show", exact=True).select_option("harmed"))

    dashboard.until("document.querySelectorAll('[data-cell]').length === given[0]", len(harmed))
    assert harmed[0]["reasons"][0] in dashboard.texts("[data-cell]")[0]
    dashboard.run(dashboard.page.get_by_label("Show", exact=True).select_option("all"))
    dashboard.until("document.querySelectorAll('[data-cell]').length === given[0]", len(report["cells"]))
    assert dashboard.complaints == []


def test_good_states_say_so(serving, open_dashboard):
    server = serving(ROUTES)
    server.ask("GET", "/small")
    server.ask("GET", "/large")
    dashboard = open_dashboard(server, "#/unmatched")

    dashboard.sees(".good", "All 2 calls matched a route.")
    dashboard.goes("Attempts")
    dashboard.sees(".good", "2 operations, each with a single attempt.")
    dashboard.clicks("Show all")
    dashboard.sees(".attempts-picture")
    assert not dashboard.asks("Boolean(document.querySelector('.good')?.checkVisibility())")


def test_the_keys_of_the_views_lead_through_all_of_them(serving, open_dashboard):
    dashboard = open_dashboard(serving(ROUTES))
    shown = dashboard.texts("nav a:not([hidden])")

    for name in (*shown[1:], shown[0]):
        dashboard.presses(".")
        dashboard.sees("nav a[aria-current]", name)
    dashboard.presses(",")
    dashboard.sees("nav a[aria-current]", shown[-1])
