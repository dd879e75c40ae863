"""Readable for everybody: axe finds nothing in any view, light and dark, wide and narrow; nothing overflows a phone."""

from pathlib import Path

import axe_playwright_python
import pytest
from support.dashboard import Dashboard
from support.server import PROJECT

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
VIEWS = (
    "calls/c-000001", "@*/calls", "@*/calls/kept:c-000001", "@kept/failure", "unmatched", "@fine/unmatched", "attempts", "@fine/attempts", "load", "@fine/load", "scenarios",
    "resources", "webhooks", "effects", "troubles", "@fine/troubles", "recordings", "namespaces", "@*/attempts", "sweeps", "replicas",
)  # fmt: skip
RUN = """async () => {
    const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
    return found.violations.map((one) => [one.id, one.nodes.map((node) => [node.html.slice(0, 200), node.failureSummary])]);
}"""


@pytest.fixture
def busy(serving):
    """A server with something to see in every view."""
    server = serving({
        "payments.yaml": (PROJECT / "scenarios" / "payments.yaml").read_bytes(),
        "shop.yaml": (PROJECT / "scenarios" / "shop.yaml").read_bytes(),
        "often.yaml": "expect: {load: {rate: {max: 1/h}}}\nroutes: [{request: GET /often, reply: 200}]",
    }, allow_egress=("127.0.0.1",))  # fmt: skip
    for _ in range(3):
        server.ask("POST", "/v1/charges", "amount=1", headers={"Idempotency-Key": "k"})
    server.ask("POST", "/v1/payment_intents", "amount=5&currency=eur&payment_method=pm_card_visa&confirm=true",
               headers={"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer sk_test_1"})  # fmt: skip
    server.ask("GET", "/often")
    server.ask("GET", "/often")
    server.ask("POST", "/v1/charge")
    for name in ("fine", "kept"):
        server.admin.post("/namespaces", {"name": name})
        for path in ("/v1/charges", "/v1/charges", "/v1/charge")[: 3 if name == "kept" else 1]:
            server.ask("POST", f"/@{name}{path}", "amount=1", headers={"Idempotency-Key": "k"})
    server.admin.post(
        "/namespaces/kept/keep",
        {"test": f"tests/test_pay.py::test_{'long_' * 20}name", "error": "E  assert 1 == 2"},
    )
    server.admin.call(
        "PUT", "/troubles", [{"route": "payments/create-charge", "before": 503, "name": "down"}]
    )
    server.admin.post("/routes", {"request": "GET /made", "reply": 200})
    server.admin.post("/recordings", {"to": "http://127.0.0.1:9", "name": "real"})
    return server


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_nothing(busy, browser, theme, width):
    visit = browser()
    dashboard = Dashboard(visit, busy.admin.url)
    dashboard.run(visit.page.set_viewport_size({"width": width, "height": 800}))
    dashboard.run(visit.page.emulate_media(color_scheme=theme))
    dashboard.open()
    dashboard.asks(AXE)

    for view in VIEWS:
        dashboard.asks(f"location.hash = '#/{view}'")
        dashboard.until("document.querySelector('main').innerText.trim().length > 20")
        dashboard.until("!document.querySelector('.pane:not([hidden])')?.innerText.includes('Loading')")
        assert dashboard.asks(RUN) == [], view
        assert dashboard.asks("document.documentElement.scrollWidth") <= width, (
            f"{view} is wider than the window"
        )
    assert dashboard.complaints == []
