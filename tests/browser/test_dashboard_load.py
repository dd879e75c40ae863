"""The chart of calls over time: its bars, outages and windows, compared by their structure; the same as a table; and its export."""

import pytest
from support.dashboard import Dashboard
from support.http import ask

SCENARIO = """
expect: {load: {rate: {max: 3/m}}}
routes:
  - {name: pay, request: POST /pay, reply: 201}
  - {name: cut, request: GET /cut, reply: {fault: reset}}
"""
SEGMENTS = """[...document.querySelectorAll('[data-part=interval]')].map((one) =>
    [...one.querySelectorAll('[data-part=answer]')].map((each) => each.dataset.answer))"""
AREAS = """[...document.querySelectorAll('[data-part={part}]')].map((one) => [one.x.baseVal.value, one.x.baseVal.value + one.width.baseVal.value])"""
LABELS = "[...document.querySelectorAll('[data-part={part}]')].map((one) => one.textContent)"


@pytest.fixture
def open_load(browser):
    def opened(server, width=1280):
        visit = browser()
        dashboard = Dashboard(visit, server.admin.url)
        dashboard.run(visit.page.set_viewport_size({"width": width, "height": 800}))
        return dashboard.open("#/load")

    return opened


def plain(texts):
    return [text.replace("\N{MULTIPLICATION SIGN}", "x") for text in texts]


def pay(server, *keys):
    for key in keys:
        ask(server.url, "POST", "/pay", "x", {"Idempotency-Key": key})


@pytest.fixture
def server(serving):
    server = serving(SCENARIO)
    pay(server, "a")
    server.admin.call("PUT", "/outage", {"reply": 503})
    pay(server, "b", "b")
    server.admin.call("DELETE", "/outage")
    pay(server, "b", "c")
    return server


def test_calls_outages_and_windows_are_drawn(server, open_load):
    dashboard = open_load(server)
    dashboard.sees(".load-picture")
    dashboard.fills("Interval", "1ms")
    dashboard.presses("Enter")
    dashboard.until("document.querySelectorAll('[data-part=interval]').length > 1")

    bars = [answer for bar in dashboard.asks(SEGMENTS) for answer in bar]
    assert set(bars) == {"201", "503"}
    ((began, ended),) = dashboard.asks(AREAS.format(part="outage"))
    failed = dashboard.asks(
        "[...document.querySelectorAll('[data-answer=\"503\"]')].map((one) => [one.x.baseVal.value, one.width.baseVal.value])"
    )
    # A bar is an interval, in which the outage may have begun or ended.
    assert all(began <= x + width + 2 and x - 2 <= ended for x, width in failed)
    ((first, last),) = dashboard.asks(AREAS.format(part="window"))
    assert first <= began < ended <= last
    assert dashboard.asks(LABELS.format(part="mark")) == ["O1 outage 503", "✕ R1"]
    assert plain(dashboard.asks(LABELS.format(part="legend"))) == [
        "● 201 x 3", "■ 503 x 2", "retries x 2", "outage or injected failure", "window of a broken rule",
    ]  # fmt: skip
    assert dashboard.texts(".marks li")[1].startswith(
        "✕ R1 shop: rate: 5 calls within 60s, at most 3 allowed, from +"
    )
    assert dashboard.complaints == []


def test_the_table_has_what_the_chart_shows(server, open_load):
    dashboard = open_load(server)
    dashboard.sees(".load-picture")
    assert "5 calls for 3 operations, 2 of them retries" in dashboard.asks(
        "document.querySelector('.load-picture').getAttribute('aria-label')"
    )
    dashboard.fills("Interval", "1h")
    dashboard.presses("Enter")
    dashboard.until("document.querySelectorAll('[data-part=interval]').length === 1")

    dashboard.run(dashboard.page.get_by_text("As a table").click())

    rows = dashboard.texts(".as-text tbody tr")
    assert [row.split() for row in plain(rows)] == [
        ["+0", "ms", "5", "2", "1", "201", "x", "3,", "503", "x", "2", "O1", "R1"]
    ]


def test_rules_are_tried_and_a_refused_one_is_marked(server, open_load):
    dashboard = open_load(server)
    dashboard.sees(".marks", "✕ R1 shop: rate")

    dashboard.fills("Rules", "{rate: {max: 5/m}}")
    dashboard.presses("Enter")
    dashboard.sees(".marks", "✓ all calls: no rule is broken")
    assert dashboard.asks(AREAS.format(part="window")) == []

    dashboard.fills("Rules", "{rat: {max: 9/m}}")
    dashboard.presses("Enter")
    dashboard.sees("[role=status]", "Did you mean 'rate'?")
    assert dashboard.asks("document.activeElement.getAttribute('aria-invalid')") == "true"


def test_the_chart_follows_calls_and_outages(server, open_load):
    dashboard = open_load(server)
    dashboard.sees("[data-part=legend]", "201")

    server.admin.call("PUT", "/outage", {"reply": 500})
    ask(server.url, "POST", "/pay", "x", {"Idempotency-Key": "z"})
    dashboard.sees(".marks", "O2 outage 500, since +")
    server.admin.call("DELETE", "/outage")
    dashboard.sees(".marks", "O2 outage 500, from +")

    assert dashboard.complaints == []


def test_it_fits_a_phone_and_an_empty_namespace_says_what_comes(serving, open_load, server):
    dashboard = open_load(server, width=390)
    dashboard.sees(".load-picture")
    assert dashboard.asks("document.querySelector('.picture').scrollWidth") <= 390
    assert dashboard.asks("document.documentElement.scrollWidth") == 390

    server.admin.post("/reset")
    dashboard.sees(".empty", "No matched calls yet.")
    assert dashboard.complaints == []


def test_it_is_saved_as_a_picture_of_its_own(server, open_load, tmp_path):
    dashboard = open_load(server)
    dashboard.sees(".load-picture")

    async def saved(name, path):
        async with dashboard.page.expect_download() as download:
            await dashboard.page.get_by_role("button", name=name).click()
        await (await download.value).save_as(path)

    dashboard.run(saved("Save SVG", tmp_path / "a.svg"))

    svg = (tmp_path / "a.svg").read_text("utf-8")
    assert 'xmlns="http://www.w3.org/2000/svg"' in svg
    assert "style=" not in svg
    assert svg.count('data-part="outage"') == 1
