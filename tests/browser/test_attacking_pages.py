"""
Web pages that attack the admin API of a mock on the visitor's machine, in a real browser: they change nothing and read nothing.

Each attack is seen to arrive, so that it is the server which refuses it.
"""

from types import SimpleNamespace
from urllib.parse import quote

import pytest
from support.server import until

from mockserver.admin.api import ProblemError
from mockserver.admin.guard import Guard

SCENARIO = """
routes:
  - {request: GET /paid, reply: 200}
  - {request: GET /attack, reply: {html: "<!doctype html><body>hello</body>"}}
  - {request: GET /echo, reply: {html: "<body>{{ request.query.q }}</body>"}}
"""
SECRET = "sk_live_51Habcdefghij4242"
CHANGE = '{"request":"GET /planted","reply":{"text":"="}}'

# Each is a function of the URL of /__admin and of a body that would add a route.
SENDING = {
    "fetch as text": "(url, body) => fetch(url + '/routes', {method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'text/plain'}, body})",
    "fetch as a form": "(url, body) => fetch(url + '/routes', {method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'application/x-www-form-urlencoded'}, body})",
    "fetch without a content type": "(url, body) => fetch(url + '/routes', {method: 'POST', mode: 'no-cors', body: new Blob([body])})",
    "fetch that outlives its page": "(url, body) => fetch(url + '/routes', {method: 'POST', mode: 'no-cors', keepalive: true, body})",
    "fetch that hides where it comes from": "(url, body) => fetch(url + '/routes', {method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer', body: new Blob([body])})",
    "beacon": "async (url, body) => { navigator.sendBeacon(url + '/routes', body) }",
    "beacon without a content type": "async (url, body) => { navigator.sendBeacon(url + '/routes', new Blob([body])) }",
    "form as text": "(url, body) => form(url, body, 'text/plain')",
    "form as text in a sandbox": "(url, body) => form(url, body, 'text/plain', 'allow-forms allow-scripts')",
    "upload": "(url, body) => { const data = new FormData(); data.append(body, ''); return fetch(url + '/routes', {method: 'POST', mode: 'no-cors', body: data}) }",
    "reset without a body": "(url) => fetch(url + '/reset', {method: 'POST', mode: 'no-cors'})",
}  # fmt: skip
ASKING_FIRST = {
    "fetch as JSON": "(url, body) => fetch(url + '/routes', {method: 'POST', headers: {'Content-Type': 'application/json'}, body})",
    "fetch as YAML": "(url, body) => fetch(url + '/routes', {method: 'POST', headers: {'Content-Type': 'application/yaml'}, body})",
    "delete": "(url) => fetch(url + '/calls', {method: 'DELETE'})",
    "put": "(url, body) => fetch(url + '/scenarios/planted', {method: 'PUT', body: '{\"routes\": [' + body + ']}'})",
    "own namespace": "(url) => fetch(url + '/calls', {headers: {'x-mockserver-namespace': 'default'}})",
}  # fmt: skip
READING = {
    "fetch": "async (url) => (await fetch(url + '/calls?reveal=true')).text()",
    "fetch with cookies": "async (url) => (await fetch(url + '/calls?reveal=true', {credentials: 'include'})).text()",
    "XMLHttpRequest": "(url) => new Promise((done) => { const x = new XMLHttpRequest(); x.open('GET', url + '/calls?reveal=true'); x.onloadend = () => done(x.responseText); x.send() })",
    "event stream": "(url) => new Promise((done) => { const s = new EventSource(url + '/calls/stream'); s.onmessage = (e) => done(e.data); s.addEventListener('call', (e) => done(e.data)); s.onerror = () => { s.close(); done('') } })",
    "script": "(url) => new Promise((done) => { const s = document.createElement('script'); s.src = url + '/calls?reveal=true'; s.onload = () => done('it ran'); s.onerror = () => done(''); document.head.append(s) })",
    "style sheet": "(url) => new Promise((done) => { const s = document.createElement('link'); s.rel = 'stylesheet'; s.href = url + '/calls?reveal=true'; s.onload = () => done('it applies'); s.onerror = () => done(''); document.head.append(s) })",
}  # fmt: skip
FRAME = "(url) => new Promise((done) => { const f = document.createElement('iframe'); f.src = url + '/calls?reveal=true'; f.onload = () => done(''); document.body.append(f) })"
FORM = """
window.form = async (url, body, enctype, sandbox) => {
  const frame = document.createElement('iframe');
  const [name, value] = body.split('=');
  if (sandbox) { frame.sandbox = sandbox }
  frame.srcdoc = `<form method=post enctype="${enctype}" action="${url}/routes"><input name='${name}' value='${value}'></form>`
    + '<script>document.forms[0].submit()</script>';
  document.body.append(frame);
}
"""
"""Sends the body as a name and a value, with the = between them: JSON for a server that doesn't look at the content type."""


@pytest.fixture(scope="module")
def seen():
    """What the guard was asked about, as (method, whether it refused it)."""
    asked = []
    check = Guard.check

    def noted(self, request, **options):
        try:
            check(self, request, **options)
        except ProblemError:
            asked.append((request.method, True))
            raise
        asked.append((request.method, False))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Guard, "check", noted)
        yield asked


@pytest.fixture
def mock(serving, seen):
    server = serving(SCENARIO)
    server.ask("GET", "/paid", headers={"Authorization": f"Bearer {SECRET}"})
    return server


@pytest.fixture(scope="module")
def visits(chromium):
    """Pages by their URL, one of each for all tests."""
    known = {}

    def visit(url):
        if url not in known:
            known[url] = chromium()
            assert known[url].opens(url) == 200
            known[url].runs(f"async () => {{ {FORM} }}")
        return known[url]

    return visit


PAGES = {
    "another site": "http://evil.example:{site}/",
    "another site that hides itself": "http://evil.example:{site}/private",
    "another port of this machine": "http://127.0.0.1:{site}/",
}


@pytest.fixture(params=PAGES, ids=lambda name: name.replace(" ", "-"))
def page(request, site, visits):
    return visits(PAGES[request.param].format(site=site))


def world(server):
    return [one["id"] for one in server.admin.get("/routes")["items"]], len(server.calls("?path=/paid"))


def attacked(visit, admin, mock, seen, attacks):
    """Of each attack its name, what the page got, and what had arrived; fails where anything was changed or read."""
    before = world(mock)
    for name, attack in attacks.items():
        seen.clear()
        got = str(visit.runs(attack, admin, CHANGE))
        until(lambda: seen)
        arrived = [method for method, _ in seen]
        # What a page of the same site embeds comes without any mark of it, changes nothing, and is shown by no browser.
        embeds = "evil.example" not in visit.page.url
        assert all(refused or (embeds and method == "GET") for method, refused in seen), (
            f"{name}: only the browser stood in its way"
        )
        assert world(mock) == before, f"{name}: it was changed"
        assert SECRET not in got, f"{name}: it was read"
        yield name, got, arrived


def test_what_a_browser_sends_without_asking_changes_nothing(page, mock, seen):
    for name, _, arrived in attacked(page, mock.admin.url, mock, seen, SENDING):
        assert arrived == ["POST"], name


def test_what_a_browser_asks_for_first_is_not_granted(page, mock, seen):
    for name, got, arrived in attacked(page, mock.admin.url, mock, seen, ASKING_FIRST):
        assert got.startswith("thrown: "), name
        assert arrived == ["OPTIONS"], name


def test_nothing_can_be_read_from_elsewhere(page, mock, seen):
    for name, got, arrived in attacked(page, mock.admin.url, mock, seen, READING):
        assert got == "" or got.startswith(("thrown: ", '{"type":')), name
        assert arrived == ["GET"], name


def test_a_frame_shows_nothing_of_it(page, mock, seen):
    list(attacked(page, mock.admin.url, mock, seen, {"frame": FRAME}))

    assert SECRET not in "".join(page.frames())
    assert '"items"' not in "".join(page.frames())


# A name that leads to the mock once its page is loaded: then the browser takes both for one site


@pytest.fixture
def rebound(mock, browser):
    """A page whose own name leads to the mock by now; mocked routes answer any Host, so the mock itself can play the page."""
    visit = browser()
    host = f"http://evil.example:{mock.address[1]}"
    assert visit.opens(f"{host}/attack") == 200
    visit.runs(f"async () => {{ {FORM} }}")
    return SimpleNamespace(visit=visit, admin=f"{host}/__admin")


def test_a_rebound_name_changes_nothing_and_reads_nothing(rebound, mock, seen):
    for name, _, arrived in attacked(
        rebound.visit, rebound.admin, mock, seen, {**SENDING, **ASKING_FIRST, **READING}
    ):
        assert arrived[0] != "OPTIONS", f"{name}: for the browser it is the same origin"


def test_a_rebound_name_is_told_why(rebound):
    said = rebound.visit.runs("async (url) => (await fetch(url + '/calls')).text()", rebound.admin)

    assert "does not answer to the host 'evil.example:" in said
    assert "--admin-host" in said


def test_a_rebound_name_that_was_allowed_still_lacks_the_token(serving, browser):
    mock = serving(SCENARIO, admin_token="s3cret", admin_hosts=("evil.example",))
    visit = browser()
    host = f"http://evil.example:{mock.address[1]}"
    visit.opens(f"{host}/attack")

    status = visit.runs("async (url) => (await fetch(url + '/calls')).status", f"{host}/__admin")

    assert status == 401


# A page that the mock itself serves: a scenario may put what was sent into HTML


THEFT = "<script>fetch('{admin}/calls?reveal=true').then(a => a.text()).then(t => document.body.innerText = t, w => document.body.innerText = 'thrown: ' + w)</script>"


def stolen(mock, browser):
    visit = browser()
    assert visit.opens(f"{mock.url}/echo?q={quote(THEFT.format(admin=mock.admin.url))}") == 200
    until(lambda: visit.text() != "")
    return visit.text()


def test_a_page_that_the_mock_serves_is_of_its_own_origin(mock, browser):
    """What no server can tell apart: SECURITY.md says so, and names the two remedies that follow."""
    assert SECRET in stolen(mock, browser)


def test_an_admin_port_of_its_own_keeps_pages_out_that_the_mock_serves(serving, browser):
    mock = serving(SCENARIO, admin_port=0)
    mock.ask("GET", "/paid", headers={"Authorization": f"Bearer {SECRET}"})

    assert stolen(mock, browser).startswith("thrown: ")


def test_a_token_keeps_pages_out_that_the_mock_serves(serving, browser):
    mock = serving(SCENARIO, admin_token="s3cret")
    mock.ask("GET", "/paid", headers={"Authorization": f"Bearer {SECRET}"})

    assert "requires a token" in stolen(mock, browser)


# Who may


def test_who_types_the_address_is_answered(mock, browser):
    visit = browser()

    for path in ("/health", "/calls", "/openapi.json"):
        assert visit.opens(mock.admin.url + path) == 200


def test_a_page_of_its_own_may_use_it(mock, browser):
    visit = browser()
    visit.opens(f"{mock.url}/attack")

    for attack in ("fetch as JSON", "delete"):
        visit.runs(ASKING_FIRST[attack], mock.admin.url, CHANGE)

    assert mock.calls("?path=/paid") == []
    assert mock.ask("GET", "/planted").body == b"="
