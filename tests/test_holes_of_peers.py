"""
Holes that other mock servers had, tried here. SECURITY.md says which test stands for which.

Everything is asked of a server over its own API, as an attacker would who reaches it.
"""

import base64
import json
import socket

import pytest
from support.http import ask
from support.wire import Wire

pytestmark = pytest.mark.slow

SHOP = """
routes:
  - {name: charge, request: POST /charges, reply: [503, 201]}
  - {name: order, request: POST /orders, match: {xml: {"//a": present}}, reply: 200}
  - {name: static, request: "GET /static/{rest:.+}", reply: {file: page.txt}}
"""
SECRET = "the secret beside the folder"
OUTSIDE = ["../secret.txt", "../scenarios/../secret.txt", "./../secret.txt", "sub/../../secret.txt", "link.txt", "..\\secret.txt", "/etc/passwd",
           "file:///etc/passwd", "%2e%2e/secret.txt", "..%2fsecret.txt", "page.txt/../../secret.txt", "page.txt\x00.png", "~/secret.txt", "//etc/passwd"]  # fmt: skip


@pytest.fixture
def server(serving, write, tmp_path):
    (tmp_path / "secret.txt").write_text(SECRET)
    folder = write({"shop.yaml": SHOP, "page.txt": "a page"})
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return serving(folder)


@pytest.fixture
def listener():
    """A port of this machine where nobody is to knock."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.setblocking(False)
        yield one


def nobody_came(listener):
    try:
        listener.accept()
    except BlockingIOError:
        return True
    return False


def everything(server):
    """All that the server shows, and what it answers to anybody."""
    shown = [server.admin.call("GET", path).text for path in ("/routes", "/scenarios", "/scenarios/shop", "/calls", "/unmatched")]  # fmt: skip
    answered = [server.ask("GET", path).text for path in ("/leak", "/charges", "/static/x")]
    return "\n".join([*shown, *answered])


# Files


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_body_file_leads_to_no_file_outside_the_folder(server, name):
    leak = {"request": "GET /leak", "reply": {"file": name}}

    for method, path, document in (
        ("POST", "/routes", leak),
        ("PUT", "/scenarios/shop", {"routes": [leak]}),
        ("PUT", "/scenarios/new", {"routes": [leak]}),
        ("POST", "/scenarios", {"yaml": json.dumps({"scenario": "b", "routes": [leak]}), "files": {"a": ""}}),
        ("PATCH", "/routes/charge", {"reply": {"file": name}}),
        ("PATCH", "/routes/static", {"match": {"schema": name}}),
    ):
        answer = server.admin.call(method, path, document)
        assert answer.status == 422, (method, path, answer.text)
        assert SECRET not in answer.text
    assert SECRET not in everything(server)
    assert server.ask("GET", "/leak").status == 404


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_bundle_writes_no_file_and_brings_none_but_its_own(server, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    bundle = {"yaml": "scenario: b\nroutes: [{request: GET /leak, reply: {file: page.txt}}]", "files": {name: base64.b64encode(b"planted").decode()}}  # fmt: skip

    assert server.admin.call("POST", "/scenarios", bundle).status == 422  # it brings no page.txt
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "secret.txt").read_text() == SECRET


@pytest.mark.parametrize(
    "name", ["{{ request.query.f }}", "{{ path.rest }}", "pages/{{ vars.f }}", "{{ '../secret.txt' }}"]
)
def test_a_file_name_is_no_template(server, name):
    leak = {"request": "GET /leak", "reply": {"file": name}}

    assert server.admin.call("POST", "/routes", leak).status == 422


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "..%5csecret.txt", "%00", "....//secret.txt"],
)
def test_a_path_of_a_request_chooses_no_file(server, path):
    with Wire(server.address) as wire:
        wire.send(f"GET /static/{path} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().body == b"a page"


# Code

PAYLOADS = [
    "{{ cycler.__init__.__globals__.os.system('touch CANARY') }}", "{{ lipsum.__globals__['os'].popen('touch CANARY').read() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ request.__class__ }}", "{{ request.application.__globals__ }}", "{{ self.__init__ }}",
    "{{ request | attr('__class__') }}", "{{ request['__class__'] }}", "{{ ['__cla', 'ss__'] | join }}{{ request[['__cla', 'ss__'] | join] }}", "{{ joiner }}",
    "{{ config }}", "{{ get_flashed_messages.__globals__ }}", "{% import 'os' as os %}{{ os.system('touch CANARY') }}", "{% include '/etc/passwd' %}",
    "{{ open('CANARY', 'w') }}", "{{ __import__('os').system('touch CANARY') }}", "{{ '%c' % 1.__class__ }}", "{{ ''.format_map(request) }}", "{{ '{0.__class__}'.format(request) }}",
]  # fmt: skip
OTHER_ENGINES = ["#set($x='')$x.class.forName('java.lang.Runtime')", "${7*191}", "<%= 7*191 %>", "#{7*191}", "{7*191}", "$(touch CANARY)", "`touch CANARY`", "return 7*191"]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_template_runs_no_code(server, tmp_path, monkeypatch, payload):
    monkeypatch.chdir(tmp_path)
    for reply in (
        {"text": payload},
        {"json": {"a": payload}},
        {"headers": {"x": payload}},
        {"status": payload},
    ):
        added = server.admin.call("POST", "/routes", {"request": "GET /leak", "reply": reply})
        if added.status == 201:
            answer = server.ask("GET", "/leak")
            assert answer.status in (404, 500), answer.text
        else:
            assert added.status == 422, added.text
    assert not (tmp_path / "CANARY").exists()


@pytest.mark.parametrize("payload", OTHER_ENGINES)
def test_what_runs_in_other_engines_is_plain_text(server, tmp_path, monkeypatch, payload):
    monkeypatch.chdir(tmp_path)
    assert (
        server.admin.call("POST", "/routes", {"request": "GET /leak", "reply": {"text": payload}}).status
        == 201
    )

    assert server.ask("GET", "/leak").text == payload
    assert not (tmp_path / "CANARY").exists()


@pytest.mark.parametrize(
    "yaml",
    [
        "x-a: !!python/object/apply:os.system ['touch CANARY']",
        "x-a: !!python/name:os.system",
        "x-a: !!python/object/new:subprocess.Popen [['touch', 'CANARY']]",
        "x-a: !include /etc/passwd",
        "routes: [{request: GET /leak, reply: {command: touch CANARY}}]",
        "middleware: touch CANARY",
    ],
)
def test_nothing_that_is_sent_is_run(server, tmp_path, monkeypatch, yaml):
    monkeypatch.chdir(tmp_path)

    assert server.admin.call("PUT", "/scenarios/new", yaml=yaml).status == 422
    assert not (tmp_path / "CANARY").exists()


# Requests of its own


def test_a_webhook_that_somebody_adds_goes_nowhere_that_no_file_names(server, listener):
    port = listener.getsockname()[1]
    for number, host in enumerate(
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0", "127.1"]
    ):
        hook = {"url": f"http://{host}:{port}/", "before": True}
        added = server.admin.call(
            "POST", "/routes", {"request": f"GET /hook/{number}", "reply": 200, "webhook": hook}
        )
        assert added.status == 201
        assert server.ask("GET", f"/hook/{number}").status == 200

    deliveries = server.admin.get("/webhooks")["items"]
    assert len(deliveries) == 8
    assert all(one["error"].startswith("refused by egress: ") for one in deliveries)
    for one in deliveries:
        server.admin.call("POST", f"/webhooks/{one['id']}/redeliver")
    assert nobody_came(listener)


def test_a_replaced_scenario_keeps_no_right_of_its_file(serving, listener):
    """Its file names another port's host in a way that a request can't change; what replaces it at runtime is no file."""
    server = serving('routes: [{request: GET /a, reply: 200, webhook: {url: "http://app.internal/"}}]')
    port = listener.getsockname()[1]
    changed = {"routes": [{"request": "GET /a", "reply": 200, "webhook": {"url": f"http://127.0.0.1:{port}/", "before": True}}]}  # fmt: skip

    assert server.admin.call("PUT", "/scenarios/shop", changed).status in (200, 201)
    server.ask("GET", "/a")

    (delivery,) = server.admin.get("/webhooks")["items"]
    assert "refused by egress" in delivery["error"]
    assert nobody_came(listener)


def test_no_call_of_the_admin_api_fetches_a_url(server, listener):
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    schemas = [{"$ref": url}, {"$schema": url}, {"$id": url, "$ref": "y"}, {"$dynamicRef": url}, {"properties": {"a": {"$ref": f"{url}#/a"}}}]  # fmt: skip
    for number, schema in enumerate(schemas):
        route = {"request": f"POST /schema/{number}", "match": {"schema": schema}, "reply": 200}
        server.admin.call("POST", "/routes", route)
        server.ask("POST", f"/schema/{number}", "{}", headers={"Content-Type": "application/json"})
    for document in (
        {"request": "GET /leak", "reply": {"file": url}},
        {"openapi": url},
        {"request": "GET /leak", "match": {"xml": {f"document('{url}')//a": "present"}}, "reply": 200},
    ):
        assert server.admin.call("POST", "/routes", document).status == 422
    for text in (f"x-a: !include {url}", f"vars: {{a: !url {url}}}"):
        assert server.admin.call("PUT", "/scenarios/new", yaml=text).status == 422
    server.admin.call("POST", "/scenarios", {"yaml": url})
    server.admin.call(
        "POST", "/scenarios", {"yaml": f"openapi: {url}\nroutes: [{{request: GET /held, reply: 200}}]"}
    )
    server.admin.call("POST", "/explain", {"method": "GET", "path": url})

    assert nobody_came(listener)


def test_a_proxy_or_a_recording_that_somebody_adds_goes_nowhere_that_no_file_names(server, listener):
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    assert server.admin.call("POST", "/routes", {"request": "GET /leak", "proxy": url}).status == 201
    assert server.ask("GET", "/leak").status == 502
    assert server.admin.call("POST", "/recordings", {"to": url}).status == 422

    assert nobody_came(listener)


@pytest.mark.parametrize(
    "doctype",
    ['<!DOCTYPE a [<!ENTITY e SYSTEM "{url}">]>', '<!DOCTYPE a SYSTEM "{url}">', '<!DOCTYPE a [<!ENTITY % e SYSTEM "{url}"> %e;]>'],
)  # fmt: skip
def test_xml_loads_no_file_and_no_url(server, tmp_path, listener, doctype):
    for url in (f"http://127.0.0.1:{listener.getsockname()[1]}/", f"file://{tmp_path}/secret.txt"):
        body = doctype.replace("{url}", url) + "<a>&e;</a>"
        answer = server.ask("POST", "/orders", body, headers={"Content-Type": "text/xml"})
        assert answer.status == 404
        assert SECRET not in answer.text

    assert nobody_came(listener)
    assert SECRET not in everything(server)


# Who may


@pytest.mark.parametrize(
    "path",
    ["/calls/stream", "/@default/calls/stream", "/calls", "/openapi.json", "/@nobody/calls", "/nothing"],
)
@pytest.mark.parametrize("upgrade", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}])
def test_everything_asks_for_the_token_streams_and_upgrades_too(serving, path, upgrade):
    server = serving(SHOP.replace("page.txt", "shop.yaml"), admin_token="s3cret")

    assert server.admin.call("GET", path, headers=upgrade).status == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_no_answer_of_the_admin_api_opens_it_to_another_origin(server, origin):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }

    for method, path in (("OPTIONS", "/routes"), ("GET", "/calls"), ("POST", "/routes"), ("GET", "/health")):
        answer = ask(server.admin.url, method, path, headers=asked)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
