"""The attempts picture: what it shows of a client that retries, compared by its structure; and its export."""

from pathlib import Path

import pytest
import stripe
from support.dashboard import Dashboard
from support.http import ask
from support.server import PROJECT
from support.wire import Wire

ARTEFACTS = PROJECT / "build" / "screenshots"
NOTES = """[...document.querySelectorAll('[data-part=lane]')].map((lane) => [
    lane.dataset.certain, lane.dataset.repeats ?? null,
    [...lane.querySelectorAll('[data-part=note]')].map((one) => one.textContent).join(' '),
])"""
LABELS = "[...document.querySelectorAll('[data-part={part}]')].map((one) => one.textContent)"
INVALID = "[...document.querySelectorAll('.toolbar input')].map((one) => one.getAttribute('aria-invalid'))"
STRUCTURE = """[...document.querySelectorAll('[data-part=lane]')].map((lane) => ({
    route: lane.dataset.route, final: lane.dataset.final, retry_after: lane.dataset.retryAfter,
    tries: [...lane.querySelectorAll('[data-part=try]')].map((one) => [one.dataset.status, one.dataset.outcome]),
    gaps: [...lane.querySelectorAll('[data-part=gap]')].length,
    walls: [...lane.querySelectorAll('[data-part=retry-after]')].map((one) => one.dataset.kept),
    changed: [...lane.querySelectorAll('[data-part=changed]')].map((one) => one.dataset.what),
    effects: [...lane.querySelectorAll('[data-part=effect]')].map((one) => one.dataset.kind),
}))"""


@pytest.fixture
def open_attempts(browser):
    def opened(server):
        dashboard = Dashboard(browser(), server.admin.url).open("#/attempts")
        dashboard.run(dashboard.page.get_by_label("Show", exact=True).select_option("all"))
        dashboard.sees(".attempts-picture")
        return dashboard

    return opened


def test_stripes_retries_are_one_lane_of_three_tries_and_one_charge(serving, open_attempts, monkeypatch):
    server = serving(PROJECT / "scenarios" / "payments.yaml")
    client = stripe.RequestsClient()
    monkeypatch.setattr(stripe, "api_key", "sk_test_1234567890abcdef")
    monkeypatch.setattr(stripe, "api_base", server.url)
    monkeypatch.setattr(stripe, "max_network_retries", 3)
    monkeypatch.setattr(stripe, "default_http_client", client)
    stripe.Charge.create(amount=2000, currency="eur", source="tok_visa")
    client.close()

    dashboard = open_attempts(server)
    dashboard.picture(ARTEFACTS / "attempts-stripe.png")

    assert dashboard.asks(STRUCTURE) == [{
        "route": "payments/create-charge", "final": "succeeded", "retry_after": "none",
        "tries": [["503", "done"], ["503", "done"], ["201", "done"]], "gaps": 2, "walls": [], "changed": [], "effects": ["charge"],
    }]  # fmt: skip
    left = dashboard.asks(
        "[...document.querySelectorAll('[data-part=try] rect')].map((one) => one.x.baseVal.value)"
    )
    assert left == sorted(left)
    assert left[1] - left[0] > 50, "half a second and more is seen as a gap"


def test_a_retry_too_early_a_new_key_and_a_client_that_hung_up_are_marked(serving, open_attempts):
    server = serving("""
routes:
  - {name: pay, request: POST /pay, reply: [{status: 503, headers: {retry-after: "2"}}, {status: 201, effect: {kind: charge}}]}
  - {name: slow, request: POST /slow, reply: [{delay: 60s}, 200]}
""")  # fmt: skip
    for key in ("a", "b"):
        ask(server.url, "POST", "/pay", "x", {"Idempotency-Key": key})
    with Wire(server.address) as wire:
        wire.send("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        server.admin.post("/verify", {"route": "slow", "within": "5s"})
    server.closed_call(3)
    ask(server.url, "POST", "/slow")

    pay, slow = open_attempts(server).asks(STRUCTURE)

    assert (pay["retry_after"], pay["walls"], pay["changed"]) == (
        "broken",
        ["false"],
        ["headers.idempotency-key"],
    )
    assert pay["effects"] == ["charge"]
    assert slow["tries"] == [["", "client_left"], ["200", "done"]]


def test_a_lane_says_what_its_grouping_rests_on_or_leaves_in_doubt(serving, open_attempts):
    server = serving("routes: [{name: pay, request: POST /pay, reply: [503, 503, 503, 201]}]")
    for key in ("a", "a", "b", "c"):
        ask(
            server.url,
            "POST",
            "/pay",
            '{"n": 1, "line": 1}',
            {"Idempotency-Key": key, "Content-Type": "application/json"},
        )
    dashboard = open_attempts(server)

    kept, doubtful = dashboard.asks(NOTES)

    assert kept == ["true", None, "One operation: the calls share headers.idempotency-key"]
    assert doubtful[:2] == ["false", "1"]
    assert doubtful[2].startswith("? The grouping is uncertain: each has its own headers.idempotency-key")
    assert "“Same operation by headers.idempotency-key” settles it Repeats operation 1" in doubtful[2]
    assert dashboard.asks(LABELS.format(part="verdict"))[1].startswith("✕ 2 attempts")

    dashboard.fills("Same operation by", "headers.idempotency-key")
    dashboard.presses("Enter")
    dashboard.until("document.querySelectorAll('[data-part=lane]').length === 3")
    assert [one[0] for one in dashboard.asks(NOTES)] == ["true"] * 3


def test_fields_that_are_new_on_each_attempt_are_ignored_on_request(serving, open_attempts):
    server = serving("routes: [{name: pay, request: POST /pay, reply: [503, 201]}]")
    for line in (1, 2):
        ask(server.url, "POST", "/pay", f'{{"line": {line}}}', {"Content-Type": "application/json"})
    dashboard = open_attempts(server)
    assert len(dashboard.asks(NOTES)) == 2

    dashboard.fills("Ignore fields", "line")
    dashboard.presses("Enter")
    dashboard.sees("[role=status]", "'line' does not name a field. Write json.line")
    assert dashboard.asks(INVALID) == ["false", "true"]

    dashboard.fills("Ignore fields", "json.line")
    dashboard.presses("Enter")
    dashboard.until("document.querySelectorAll('[data-part=lane]').length === 1")
    ((_, _, text),) = dashboard.asks(NOTES)
    assert text.endswith("Not compared, different in each attempt: json.line")
    assert dashboard.asks(INVALID) == ["false", "false"]


def test_changed_fields_have_both_values_and_a_401_is_no_attempt_of_its_own(serving, open_attempts):
    server = serving("""
routes:
  - {name: pay, request: POST /pay, reply: [503, 201]}
  - {name: me, request: GET /me, reply: [401, 200]}
  - {name: old, request: GET /old, reply: {status: 302, headers: {location: /new}}}
  - {name: new, request: GET /new, reply: 200}
""")
    for amount in (5, 50):
        ask(
            server.url,
            "POST",
            "/pay",
            f'{{"amount": {amount}}}',
            {"Idempotency-Key": "k", "Content-Type": "application/json"},
        )
    for token in ("old", "new"):
        ask(server.url, "GET", "/me", headers={"Authorization": f"Bearer {token}"})
    for path in ("/old", "/new"):
        ask(server.url, "GET", path)
    dashboard = open_attempts(server)

    assert dashboard.asks(LABELS.format(part="changed")) == ["⚑ body changed: json.amount 5 → 50"]
    assert dashboard.asks(LABELS.format(part="step")) == [
        "↳ new authorization: same attempt",
        "↳ redirect followed: same attempt",
    ]
    verdicts = dashboard.asks(LABELS.format(part="verdict"))
    assert verdicts[1:] == ["1 attempt in 2 calls · succeeded"] * 2
    assert not dashboard.complaints


def test_the_picture_is_saved_as_svg_and_png(serving, open_attempts, tmp_path):
    server = serving()
    for _ in range(3):
        server.ask("POST", "/data")
    dashboard = open_attempts(server)

    async def saved(name: str, path: Path) -> None:
        async with dashboard.page.expect_download() as download:
            await dashboard.page.get_by_role("button", name=name).click()
        await (await download.value).save_as(path)

    dashboard.run(saved("Save SVG", tmp_path / "a.svg"))
    dashboard.run(saved("Save PNG", tmp_path / "a.png"))
    svg, png = (tmp_path / "a.svg").read_text("utf-8"), (tmp_path / "a.png").read_bytes()

    assert svg.startswith("<?xml")
    assert 'xmlns="http://www.w3.org/2000/svg"' in svg
    assert "style=" not in svg
    assert svg.count('data-part="try"') == 3
    assert png.startswith(b"\x89PNG")
    width = dashboard.asks("Number(document.querySelector('.attempts-picture').getAttribute('width'))")
    assert int.from_bytes(png[16:20], "big") == 2 * width
