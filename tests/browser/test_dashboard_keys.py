"""By keyboard alone: every view is reached, everything in it takes the focus and shows it, and what it does can be done."""

import pytest
from support.dashboard import Dashboard
from support.server import PROJECT

VIEWS = (
    "Calls",
    "Unmatched",
    "Attempts",
    "Load",
    "Scenarios",
    "Resources",
    "Webhooks",
    "Effects",
    "Failures",
    "Recordings",
)
NAMED = """void (window.named = (one) => one.tagName + ' ' + (one.getAttribute('aria-label') ?? one.id ?? '') + ' ' + one.textContent.slice(0, 40))"""
FOCUSABLE = """(() => {
    const all = [...document.querySelectorAll('main a[href], main button, main input, main select, main textarea, main summary, main [tabindex="0"]')];
    return all.filter((one) => !one.disabled && one.checkVisibility()).map(named);
})()"""
LISTEN = """(() => {
    window.focused = []; window.unseen = [];
    window.heard?.abort();
    window.heard = new AbortController();
    document.addEventListener('focusin', ({ target }) => {
        focused.push(named(target));
        const { outlineStyle, boxShadow } = getComputedStyle(target);
        const [head, code, bar] = [target.querySelector('.grid-head'), target.closest('.code-place'), target.querySelector('rect')];
        const marked = outlineStyle !== 'none' || boxShadow !== 'none' || (head && getComputedStyle(head).boxShadow !== 'none') || code || bar;
        if (!marked) unseen.push(named(target));
    }, { signal: heard.signal });
})()"""


@pytest.fixture
def busy(serving):
    server = serving({
        "payments.yaml": (PROJECT / "scenarios" / "payments.yaml").read_bytes(),
        "orders.yaml": "resources: [{path: /orders, seed: [{id: '1'}], machine: {field: status, initial: new, transitions: {pay: {new: paid}}}}]",
        "hooks.yaml": "routes: [{name: notify, request: POST /notify, reply: 201, webhook: {url: 'http://127.0.0.1:9/', delay: 1h}}]",
    })  # fmt: skip
    for _ in range(3):
        server.ask("POST", "/v1/charges", "amount=1", headers={"Idempotency-Key": "k"})
    server.ask("POST", "/notify")
    server.ask("POST", "/v1/charge")
    return server


def test_every_view_is_walked_through_by_keys(busy, browser):
    dashboard = Dashboard(browser(), busy.admin.url).open()
    dashboard.asks(NAMED)

    for number, view in enumerate(VIEWS, 1):
        dashboard.presses(str(number % 10))
        dashboard.sees("nav a[aria-current]", view)
        dashboard.until("document.querySelector('main').innerText.trim().length > 20")
        if view == "Attempts":
            dashboard.sees(".attempts-picture")
        if view == "Load":
            dashboard.sees(".load-picture")
        dashboard.run(dashboard.page.get_by_role("navigation").get_by_role("link").first.focus())
        dashboard.asks(LISTEN)
        there = dashboard.asks(FOCUSABLE)
        dashboard.presses(*["Tab"] * (len(there) + 20))

        assert [one for one in there if one not in dashboard.asks("focused")] == [], view
        assert dashboard.asks("unseen") == [], view
        dashboard.asks("document.activeElement.blur()")
    assert dashboard.complaints == []


def test_a_miss_becomes_a_route_and_an_outage_begins_without_a_mouse(busy, browser):
    dashboard = Dashboard(browser(), busy.admin.url).open()
    dashboard.presses("2")
    dashboard.sees(".card", "payments/create-charge")
    dashboard.run(dashboard.page.get_by_role("button", name="Add this route").focus())
    dashboard.presses("Enter")
    dashboard.sees(".said", "Added runtime/POST /v1/charge")

    dashboard.presses("5")
    dashboard.sees(".tile", "The service is up.")
    dashboard.run(dashboard.page.get_by_label("Answer", exact=True).focus())
    dashboard.presses("Control+A", "5", "0", "2", "Tab", "Tab", "Tab", "Space")
    dashboard.sees(".alarm", "Outage")
    assert busy.ask("POST", "/v1/charge").status == 502


def test_dialogs_keep_the_keys_to_themselves_and_give_the_focus_back(busy, browser):
    dashboard = Dashboard(browser(), busy.admin.url).open("#/scenarios")
    dashboard.sees(".card")
    dashboard.run(dashboard.page.get_by_role("button", name="Edit payments/create-charge").focus())
    dashboard.presses("Enter")
    dashboard.sees("dialog.editor")
    dashboard.presses("1", "?")
    assert dashboard.asks("document.querySelectorAll('dialog').length") == 1

    dashboard.presses("Escape")
    dashboard.sees_no("dialog.editor")

    dashboard.until("document.activeElement.getAttribute('aria-label') === 'Edit payments/create-charge'")
    dashboard.presses("?")
    dashboard.sees("dialog", "filter the calls")
