"""The page of a failed test in a real browser: all of it is shown, and it asks for nothing but itself."""

import contextlib

import pytest
from support.http import ask

import mockserver
from mockserver.sessions.failures import write_failure


@pytest.fixture
def file(tmp_path):
    with mockserver.Server(allow_egress=["127.0.0.1"]) as mock:
        ns = mock.namespace("shop")
        ns.post("/pay", name="pay", effect={"kind": "charge", "order": "<b>42</b>"}).reply(
            {"status": 201, "fault": "reset"}, {"status": 201, "webhook": {"url": ns.url + "/hook"}}
        )
        hook = ns.post("/hook", name="hook").reply(status=422, text="<script>alert(1)</script>")
        for _ in range(2):
            with contextlib.suppress(OSError):
                ask(ns.url, "POST", "/pay", '{"order": 42}', [("idempotency-key", "k1")])
        ask(ns.url, "GET", "/astray")
        hook.assert_called(within="5s")
        return write_failure(ns, "test_shop.py::test_it", "E  assert <i>1</i> == 2", tmp_path)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_everything_is_shown_as_text(file, show, width, scheme):
    page = show(file.as_uri(), width=width, scheme=scheme)
    assert page.title() == "Failed: test_shop.py::test_it"
    titles = page.locator("h2").all_inner_texts()
    assert titles == [
        "Message of the test",
        "Attempts",
        "Calls",
        "Webhooks",
        "What happened at the service (effects)",
    ]
    text = page.locator("main").inner_text()
    for said in (
        "assert <i>1</i> == 2",
        "Operation 1: runtime/pay, 2 attempts",
        "/hook: refused",
        "422 <script>alert(1)</script>",
        "<b>42</b>",
    ):
        assert said in text
    assert page.locator(".timeline .mark").count() == 3, "two charges and a webhook"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_call_opens_with_its_request_its_answer_and_a_route_that_would_take_it(file, show):
    page = show(file.as_uri())
    page.locator("summary", has_text="GET /astray").click()
    opened = page.locator("details[open]").inner_text()
    assert "no route matches it" in opened
    assert "A matching route" in opened
    assert "Answer 404" in opened
