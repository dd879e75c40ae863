"""All namespaces at once, and the one that a failed test kept."""

import pytest
from support.dashboard import Dashboard

SHOP = """
routes:
  - {name: pay, request: POST /pay, reply: [503, {status: 201, effect: {kind: charge}}]}
  - {name: fine, request: GET /fine, reply: {text: hello}}
"""
SEEN = "[...document.querySelectorAll('.grid-rows [data-call]:not([hidden])')].map((one) => one.querySelector('.c-namespace').textContent).sort().join()"


@pytest.fixture
def server(serving):
    server = serving(SHOP)
    for name in ("one", "two"):
        server.admin.post("/namespaces", {"name": name})
        server.ask("GET", f"/@{name}/fine")
    return server


def test_the_calls_of_all_namespaces_are_in_one_list(server, browser):
    server.ask("GET", "/fine")
    dashboard = Dashboard(browser(), server.admin.url).open("#/calls")
    dashboard.sees("[data-call=c-000001]")
    assert not dashboard.asks("document.querySelector('.grid-rows .c-namespace').checkVisibility()")
    dashboard.run(dashboard.page.get_by_label("Namespace", exact=True).select_option("*"))
    dashboard.until(f"{SEEN} === 'default,one,two'")

    server.admin.post("/namespaces", {"name": "three"})
    server.ask("GET", "/@three/fine?x=1")
    dashboard.until(f"{SEEN} === 'default,one,three,two'")
    dashboard.fills("Text", "three")
    dashboard.until(f"{SEEN} === 'three'")
    assert dashboard.texts(".grid-rows .grid-row:not([hidden]) .c-target") == ["/fine?x=1"]
    dashboard.run(dashboard.page.locator(".grid-rows [data-call=c-000001]:not([hidden])").click())

    dashboard.sees(".pane", "x = 1")
    assert dashboard.asks("location.hash") == "#/@*/calls/three%3Ac-000001"
    dashboard.run(dashboard.page.locator(".pane").get_by_role("link", name="three").click())
    dashboard.sees("[data-call=c-000001][aria-selected=true]")
    assert dashboard.asks("location.hash") == "#/@three/calls/c-000001"
    assert dashboard.complaints == []


def test_a_view_of_one_namespace_asks_which_one(server, browser):
    dashboard = Dashboard(browser(), server.admin.url).open("#/@*/calls")
    dashboard.goes("Effects")
    dashboard.sees(".view", "This view shows one namespace.")
    dashboard.run(dashboard.page.get_by_role("link", name="two", exact=True).click())

    dashboard.sees(".empty", "No effects yet")
    assert dashboard.asks("location.hash") == "#/@two/effects"


def test_a_namespace_says_first_what_failed_in_it(server, browser):
    server.ask("GET", "/@one/fine")
    for key in ("a", "b"):
        server.ask("POST", "/@one/pay", '{"order": 42}', headers={"Idempotency-Key": key})
    server.ask("POST", "/@one/pey")
    server.admin.post("/@one/routes", {"name": "never", "request": "GET /never", "reply": 200, "expect": 1})
    failed = {"test": "test_pay.py::test_it", "error": "E  assert <i>1</i> == 2", "after": "c-000002"}
    server.admin.post("/namespaces/one/keep", failed)
    dashboard = Dashboard(browser(), server.admin.url).open("#/namespaces")
    assert not dashboard.asks("document.querySelector('nav a.special').checkVisibility()")
    dashboard.sees("[data-namespace]:first-child", "one")

    dashboard.run(dashboard.page.get_by_role("link", name="✕ test_pay.py::test_it").click())

    dashboard.sees(".failure h2", "test_pay.py::test_it")
    dashboard.sees("nav a.special[aria-current]", "Failed test")
    text = dashboard.texts(".failure")[0]
    for part in (
        "assert <i>1</i> == 2",
        "3 calls, 1 operation, 1 unmatched",
        "runtime/never",
        "/@one/pey",
        "shop/pay",
        "✕ 2 attempts",
    ):
        assert part in text, part
    assert dashboard.asks("document.querySelector('.failure i')") is None
    assert len(dashboard.texts(".failure [data-part=try]")) == 2, "what came before the test is not its own"
    dashboard.clicks("Add this route")
    dashboard.sees(".said", "Added runtime/POST /pey")
    assert server.ask("POST", "/@one/pey").status == 200
    dashboard.asks("location.hash = '#/@two/failure'")
    dashboard.sees(".empty", "was not kept for a failed test")
    assert dashboard.complaints == []
