"""A route's `proxy`: what reaches the real service, what comes back, and what the record says of it."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
from pathlib import Path

import jsonschema_rs
import pytest
from support.papers import issue
from support.upstreams import Upstream, chunks, reply
from support.wire import Wire

from mockserver.errors import InvalidInputError, TlsSettingsError
from mockserver.scenarios.source import LoadError
from mockserver.schema.scenario import schema_document
from mockserver.settings import Settings

pytestmark = pytest.mark.smoke


@pytest.fixture
def upstream():
    made = []

    def make(*pieces, **options):
        made.append(Upstream(*pieces, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def proxied(serving, upstream):
    """A server whose one route passes everything on, and the real service."""

    def start(*pieces, route="request: 'ANY /{rest:.*}'", scenario="", settings=None, **options):
        real = upstream(*pieces, **options)
        text = f"{scenario}\nroutes:\n  - {{{route}, proxy: {real.url!r}}}\n"
        return serving(text, **(settings or {})), real

    return start


def a_closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# What reaches the real service


def test_the_request_goes_on_as_it_came_but_for_its_host(proxied):
    server, real = proxied(reply())
    server.ask(
        "POST",
        "/a%2Fb//c/?x=1&x=%20",
        b"\x00\xffhi",
        headers=[("X-Two", "1"), ("x-two", "2"), ("X-Case", "é")],
    )
    assert real.head[0] == "POST /a%2Fb//c/?x=1&x=%20 HTTP/1.1"
    assert real.sent("host") == [f"127.0.0.1:{real.port}"]
    assert real.sent("x-two") == ["1", "2"]
    assert real.sent("content-length") == ["4"]
    assert real.body == b"\x00\xffhi"
    assert [line.split(":")[0] for line in real.head[1:]] == ["Host", "X-Two", "X-Two", "X-Case", "x-mockserver-hops", "Content-Length", "Connection"]  # fmt: skip


def test_the_prefix_that_chose_a_namespace_stays_here(proxied):
    server, real = proxied(reply())
    server.admin.post("/namespaces", {"name": "a"})
    server.ask("GET", "/mock/@a/things?page=2")
    assert real.head[0] == "GET /things?page=2 HTTP/1.1"
    server.ask("GET", "/things", headers={"x-mockserver-namespace": "a"})
    assert real.sent("x-mockserver-namespace") == []


def test_a_path_in_the_url_comes_first(serving, upstream):
    real = upstream(reply())
    server = serving(f"routes: [{{request: GET /items, proxy: '{real.url}/api/v2/'}}]")
    server.ask("GET", "/items")
    assert real.head[0] == "GET /api/v2/items HTTP/1.1"


def test_what_belongs_to_one_connection_alone_is_not_passed_on(proxied):
    server, real = proxied(reply())
    headers = {
        "Keep-Alive": "timeout=5", "TE": "trailers", "Proxy-Authorization": "Basic eDp5", "Upgrade": "h2c",
        "Trailer": "x-sum", "X-Own": "1",
    }  # fmt: skip
    with Wire(server.address) as wire:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        wire.send(f"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close, X-Own\r\n{lines}\r\n".encode())
        assert wire.answer().status == 200
    names = {line.split(":")[0].lower() for line in real.head[1:]}
    assert names == {"host", "x-mockserver-hops", "connection"}


def test_a_body_in_chunks_goes_on_with_its_length_so_that_nothing_can_hide_behind_it(proxied):
    server, real = proxied(reply())
    hidden = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    with Wire(server.address) as wire:
        wire.send(b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.send(b"".join(chunks(hidden)))
        assert wire.answer().status == 200
    assert real.sent("transfer-encoding") == []
    assert real.sent("content-length") == [str(len(hidden))]
    assert real.body == hidden
    assert len(real.got) == 1


def test_two_lengths_reach_nobody(proxied):
    server, real = proxied(reply())
    with Wire(server.address) as wire:
        wire.send(
            b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        assert wire.answer().status == 400
    assert real.got == []


def test_a_header_with_a_line_break_in_it_reaches_nobody(proxied):
    server, real = proxied(reply())
    with Wire(server.address) as wire:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\rX-Injected: 1\r\nConnection: close\r\n\r\n")
        assert wire.answer().status == 400
    assert real.got == []


# What comes back


def test_the_reply_comes_back_as_it_is(proxied):
    body = gzip.compress(b'{"a": 1}')
    lines = (
        "Date: Tue, 01 Jan 2030 00:00:00 GMT", "Server: real/1.0", "X-Odd-Case: 1", "Set-Cookie: a=1", "Set-Cookie: b=2",
        "Content-Encoding: gzip", "Content-Type: application/json",
    )  # fmt: skip
    server, _ = proxied(reply(body, *lines, status="203 Sort Of"))
    with Wire(server.address) as wire:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = wire.answer()
    assert answer.start == "HTTP/1.1 203 Sort Of"
    assert answer.lines == [*lines, f"Content-Length: {len(body)}"]
    assert answer.body == body


def test_what_belongs_to_the_services_connection_is_not_passed_back(proxied):
    server, _ = proxied(reply(b"", "Connection: close, X-Own", "X-Own: 1", "Keep-Alive: 5", "Upgrade: h2c"))
    with Wire(server.address) as wire:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert set(wire.answer().names) == {"Date", "Content-Length"}


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
def test_a_redirect_is_not_followed(proxied, status):
    server, real = proxied(reply(b"", "Location: http://169.254.169.254/latest/meta-data", status=status))
    answer = server.ask("POST", "/x", b"{}")
    assert answer.status == int(status[:3])
    assert answer.header("location") == "http://169.254.169.254/latest/meta-data"
    assert len(real.got) == 1


def test_a_head_request_gets_the_head_and_keeps_the_connection(proxied):
    server, real = proxied(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.answer(head=True).header("content-length") == "1234"
    assert real.head[0].startswith("HEAD ")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_reply_without_a_body_leaves_the_connection_as_it_is(proxied, status):
    server, _ = proxied(reply(b"", status=status, length=False))
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = wire.answer()
            assert answer.status == int(status[:3])
            assert answer.body == b""


STRAY = b"0\r\n\r\n"
BEHIND_THEIR_END = {
    "204": (reply(status="204 No Content", length=False) + STRAY, b""),
    "204 in chunks": (reply(b"", "Transfer-Encoding: chunked", status="204 No Content", length=False) + STRAY, b""),
    "204 with a body": (reply(b"abc", status="204 No Content"), b""),
    "304": (reply(status="304 Not Modified", length=False) + STRAY, b""),
    "204 after a 102": (b"HTTP/1.1 102 Processing\r\n\r\n" + reply(status="204 No Content") + STRAY, b""),
    "200": (reply(b"hi") + STRAY, b"hi"),
    "200 in chunks": (reply(b"", "Transfer-Encoding: chunked", length=False) + b"".join(chunks(b"hi")) + STRAY, b"hi"),
    "200 with another reply": (reply(b"hi") + reply(b"ho"), b"hi"),
}  # fmt: skip


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("sent", "body"), BEHIND_THEIR_END.values(), ids=BEHIND_THEIR_END)
def test_what_comes_behind_the_end_of_a_reply_is_dropped(proxied, sent, body, is_torn):
    server, _ = proxied(*([sent[i : i + 1] for i in range(len(sent))] if is_torn else [sent]))
    status = int(sent.rpartition(b"HTTP/1.1 ")[2][:3])
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = wire.answer()
            assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize("body", [b"hello", STRAY])
def test_a_body_behind_the_reply_to_head_is_dropped(proxied, body):
    server, _ = proxied(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = wire.answer(head=True)
            assert (answer.status, answer.header("content-length")) == (200, "5")


def test_pieces_are_passed_back_as_they_come(proxied):
    go_on = threading.Event()

    def then(connection, _):
        assert go_on.wait(10)
        connection.sendall(b"".join(chunks(b"data: 2\n\n")))

    head = reply(b"", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", length=False)
    server, _ = proxied(head, b"9\r\ndata: 1\n\n\r\n", then=then)
    with Wire(server.address) as wire:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"data: 1\n\n" in wire.until(b"data: 1\n\n")
        go_on.set()
        assert wire.rest().endswith(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
    assert server.closed_call()["reply"]["body"]["text"] == "data: 1\n\ndata: 2\n\n"


def test_a_reply_that_ends_with_its_connection_comes_in_chunks(proxied):
    server, _ = proxied(reply(b"hello", length=False))
    answer = server.ask("GET", "/x")
    assert answer.header("transfer-encoding") == "chunked"
    assert answer.body == b"hello"


def test_for_a_client_of_http_1_0_it_ends_with_the_connection(proxied):
    head = reply(b"", "Transfer-Encoding: chunked", length=False)
    server, _ = proxied(head, *chunks(b"hel", b"lo"))
    with Wire(server.address) as wire:
        wire.send(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
        answer = wire.answer()
    assert answer.body == b"hello"
    assert answer.header("transfer-encoding") is None


def test_a_body_that_is_no_utf_8_and_a_coding_go_through_untouched(proxied):
    server, real = proxied(reply(b"\xff\x00", "Content-Type: x/y"))
    coded = gzip.compress(b"hello")
    answer = server.ask("PUT", "/x", coded, headers={"Content-Encoding": "gzip"})
    assert (real.body, real.sent("content-encoding")) == (coded, ["gzip"])
    assert answer.body == b"\xff\x00"


def test_a_large_binary_reply_comes_whole_and_the_record_keeps_its_beginning(proxied):
    body = bytes(range(256)) * 20_000
    server, _ = proxied(reply(body, "Content-Type: application/octet-stream"))
    assert hashlib.sha256(server.ask("GET", "/x").body).digest() == hashlib.sha256(body).digest()
    kept = server.closed_call()["reply"]["body"]
    assert kept["length"] == len(body)
    assert kept["truncated"]
    assert kept["sha256"] == hashlib.sha256(body).hexdigest()


def test_a_reply_whose_end_does_not_come_is_not_made_to_look_whole(proxied):
    server, _ = proxied(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    with Wire(server.address) as wire:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        data = wire.rest()
    assert data.endswith(b"3\r\nabc\r\n")
    call = server.closed_call()
    assert call["outcome"] == "close"
    assert "broke off" in call["error"]["detail"]


# The record


def test_the_record_shows_the_real_reply_and_where_it_came_from(proxied):
    server, real = proxied(reply(b'{"id": 1}', "Content-Type: application/json", status="201 Created"))
    server.ask("POST", "/things", b"{}")
    call = server.closed_call()
    assert call["forwarded"] == real.url
    assert (call["route"], call["matched"], call["outcome"]) == ("shop/ANY /{rest:.*}", True, "done")
    assert call["reply"]["status"] == 201
    assert call["reply"]["body"]["text"] == '{"id": 1}'
    counts = server.admin.get("/counts")["routes"]["shop/ANY /{rest:.*}"]
    assert counts["statuses"] == {"201": 1}
    assert counts["in_flight"] == 0


def test_a_client_that_leaves_takes_the_services_connection_with_it(proxied):
    gone = threading.Event()

    def then(connection, _):
        connection.settimeout(10)
        if not connection.recv(1):
            gone.set()

    server, _ = proxied(
        reply(b"abc", "Transfer-Encoding: chunked", length=False)[:-3], b"3\r\nabc\r\n", then=then
    )
    with Wire(server.address) as wire:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.until(b"abc")
        wire.reset()
    assert gone.wait(10)
    call = server.closed_call()
    assert call["outcome"] == "client_left"
    assert call["reply"]["body"]["text"] == "abc"


# Where it can't be asked


def test_a_service_that_is_down_is_a_502_that_says_what_where_and_how_to_mend_it(serving):
    port = a_closed_port()
    server = serving(f"routes: [{{request: GET /x, proxy: 'http://127.0.0.1:{port}'}}]")
    answer = server.ask("GET", "/x")
    assert answer.status == 502
    problem = answer.json()
    assert problem["type"] == "urn:mockserver:upstream"
    assert problem["upstream"] == f"http://127.0.0.1:{port}"
    assert "connection refused" in problem["detail"]
    assert "See that it runs" in problem["detail"]
    assert server.closed_call()["error"] == problem


def test_a_service_that_does_not_begin_to_answer_is_a_504(proxied):
    server, _ = proxied(then=lambda connection, _: connection.recv(1), settings={"upstream_timeout_s": 0.05})
    answer = server.ask("GET", "/x")
    assert answer.status == 504
    assert "--upstream-timeout" in answer.json()["detail"]


def test_what_is_no_http_is_a_502(proxied):
    server, _ = proxied(b"220 smtp ready\r\n")
    answer = server.ask("GET", "/x")
    assert answer.status == 502
    assert "not valid HTTP" in answer.json()["detail"]


def test_a_reply_with_a_line_break_in_a_header_is_not_passed_back(proxied):
    server, _ = proxied(b"HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n")
    answer = server.ask("GET", "/x")
    assert answer.status == 502
    assert answer.header("set-cookie") is None


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254", "http://[fd00:ec2::254]", "http://metadata.google.internal"]
)
def test_metadata_addresses_are_never_asked_though_they_stand_in_a_file(serving, url):
    server = serving(f"routes: [{{request: GET /x, proxy: '{url}'}}]")
    answer = server.ask("GET", "/x")
    assert answer.status == 502
    assert answer.json()["type"] == "urn:mockserver:egress"
    assert "metadata" in answer.json()["detail"]


def test_a_route_made_at_runtime_goes_nowhere_that_no_file_names(serving, upstream):
    real = upstream(reply())
    server = serving("routes: [{request: GET /other, reply: 200}]")
    server.admin.post("/routes", {"request": "GET /x", "proxy": real.url})
    answer = server.ask("GET", "/x")
    assert answer.status == 502
    assert f"--allow-egress 127.0.0.1:{real.port}" in answer.json()["detail"]
    assert real.got == []


def test_allow_egress_opens_a_host_for_routes_made_at_runtime(serving, upstream):
    real = upstream(reply(b"hi"))
    server = serving("routes: [{request: GET /other, reply: 200}]", allow_egress=(f"127.0.0.1:{real.port}",))
    server.admin.post("/routes", {"request": "GET /x", "proxy": real.url})
    assert server.ask("GET", "/x").body == b"hi"


def test_a_server_that_is_led_back_to_itself_says_so(serving):
    port = a_closed_port()
    server = serving(f"routes: [{{request: GET /x, proxy: 'http://localhost:{port}'}}]", port=port)
    answer = server.ask("GET", "/x")
    assert answer.status == 508
    assert "leads back to this server" in answer.json()["detail"]
    assert len(server.calls()) == 2


def test_a_tunnel_is_not_made(proxied):
    server, real = proxied(reply(), settings={"on_unmatched": "404"})
    with Wire(server.address) as wire:
        wire.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n")
        assert wire.answer().status >= 400
    assert real.got == []


# TLS


def _papers(folder):
    ca = issue(folder, "ca", ca=True)
    server = issue(folder, "server", by=ca, san=("localhost",))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server.cert_file, server.key_file)
    return ca, tls


def test_a_certificate_of_the_named_ca_is_trusted(serving, upstream, tmp_path: Path):
    ca, tls = _papers(tmp_path)
    real = upstream(reply(b"safe"), tls=tls)
    text = f"routes: [{{request: GET /x, proxy: '{real.url}'}}]"
    assert serving(text, upstream_ca=str(ca.cert_file)).ask("GET", "/x").body == b"safe"


def test_an_unknown_certificate_is_a_502(serving, upstream, tmp_path: Path):
    real = upstream(reply(b"safe"), tls=_papers(tmp_path)[1])
    answer = serving(f"routes: [{{request: GET /x, proxy: '{real.url}'}}]").ask("GET", "/x")
    assert answer.status == 502
    assert "certificate" in answer.json()["detail"]
    assert "--upstream-ca" in answer.json()["detail"]


def test_a_file_without_a_ca_is_told_at_the_start(serving, tmp_path: Path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(TlsSettingsError, match="--upstream-ca"):
        serving("routes: []", upstream_ca=str(tmp_path / "ca.pem"))


# With what else a route can say


def test_a_route_in_front_fails_first_and_then_lets_the_real_service_answer(serving, upstream):
    real = upstream(reply(b"real"))
    server = serving(
        "routes:\n"
        "  - {request: GET /x, reply: [503, 503], then: stop}\n"
        f"  - {{name: real, request: GET /x, proxy: '{real.url}'}}\n"
    )
    assert [server.ask("GET", "/x").status for _ in range(4)] == [503, 503, 200, 200]
    assert server.admin.get("/counts")["routes"]["shop/real"]["calls"] == 2


def test_an_outage_takes_a_real_service_down_too(proxied):
    server, real = proxied(reply(b"real"))
    server.admin.call("PUT", "/outage", {"reply": 503, "skip": 1, "times": 1})
    assert [server.ask("GET", "/x").status for _ in range(3)] == [200, 503, 200]
    assert len(real.got) == 2


def test_auth_stands_before_the_real_service(proxied):
    server, real = proxied(reply(b"real"), scenario="auth: {bearer: [let-me-in]}")
    assert server.ask("GET", "/x").status == 401
    assert real.got == []
    assert server.ask("GET", "/x", headers={"authorization": "Bearer let-me-in"}).status == 200
    assert real.sent("authorization") == ["Bearer let-me-in"]


def test_an_idempotency_key_asks_the_real_service_once(proxied):
    server, real = proxied(
        reply(b'{"id": 7}', status="201 Created"), scenario="idempotency: {header: idempotency-key}"
    )
    first, again = (server.ask("POST", "/x", b"{}", headers={"idempotency-key": "k"}) for _ in range(2))
    assert (first.body, again.body) == (b'{"id": 7}', b'{"id": 7}')
    assert again.header("idempotent-replayed") == "true"
    assert len(real.got) == 1


def test_what_the_route_does_is_done_when_the_real_service_says_yes(proxied):
    server, _ = proxied(reply(b"{}"), route="request: 'POST /x', set: {paid: 'yes'}, effect: {kind: charge}")
    server.ask("POST", "/x")
    assert server.admin.get("/state")["paid"] == "yes"
    assert [one["kind"] for one in server.admin.get("/effects")["items"]] == ["charge"]


def test_and_not_when_it_says_no(proxied):
    server, _ = proxied(
        reply(b"{}", status="402 Payment Required"),
        route="request: 'POST /x', set: {paid: 'yes'}, effect: {kind: charge}",
    )
    assert server.ask("POST", "/x").status == 402
    assert "paid" not in server.admin.get("/state")
    assert server.admin.get("/effects")["items"] == []


def test_a_webhook_knows_what_the_real_service_answered(serving, upstream):
    real = upstream(reply(b'{"id": 7}', "Content-Type: application/json"))
    hooked = upstream(reply())
    server = serving(
        "routes:\n  - request: POST /x\n"
        f"    proxy: {real.url}\n"
        f"    webhook: {{url: '{hooked.url}/hooks', json: {{got: '{{{{ reply.json.id }}}}'}}, before: true}}\n"
    )
    server.ask("POST", "/x")
    server.admin.post("/verify", {"webhooks": {"route": "POST /x"}, "times": 1, "within": "5s"})
    assert hooked.body == b'{"got":7}'


def test_a_trouble_after_the_work_strikes_once_the_real_service_has_done_it(proxied):
    server, real = proxied(reply(b"real"), route="name: r, request: ANY /x")
    server.admin.call("PUT", "/troubles", {"route": "r", "call": 1, "after": {"status": 500}})
    assert [server.ask("GET", "/x").status for _ in range(2)] == [500, 200]
    assert len(real.got) == 2


def test_cors_lines_are_added_to_what_the_real_service_says(proxied):
    server, _ = proxied(reply(b"real"), scenario="cors: true")
    answer = server.ask("GET", "/x", headers={"origin": "http://app.local"})
    assert answer.header("access-control-allow-origin") == "http://app.local"
    assert answer.body == b"real"


def test_explain_says_where_it_would_go_and_goes_nowhere(proxied):
    server, real = proxied(reply())
    view = server.admin.post("/explain", {"request": "GET /x"})
    assert view["reply"]["body"] == f"what {real.url} answers"
    assert real.got == []


# The key


def test_an_environment_variable_says_where_the_real_service_is(serving, upstream, monkeypatch):
    real = upstream(reply(b"hi"))
    monkeypatch.setenv("REAL_API", real.url)
    server = serving("routes: [{request: GET /x, proxy: '${REAL_API}'}]")
    assert server.ask("GET", "/x").body == b"hi"


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("proxy: 'ftp://x'", "not an http or https URL"),
        ("proxy: 'http://u:p@x'", "user and password"),
        ("proxy: 'http://x/?a=1'", "query or fragment"),
        ("proxy: 'http://{{ request.headers.to }}'", "expected a URL"),
        ("proxy: 'http://x', reply: 200", "not both"),
        ("proxy: null", "the key 'reply' is missing"),
    ],
)
def test_what_is_no_real_service_is_told_at_load(serving, route, said):
    with pytest.raises(LoadError, match=said):
        serving(f"routes: [{{request: GET /x, {route}}}]")


@pytest.mark.parametrize(
    ("answers", "is_right"),
    [({"proxy": "https://api.example"}, True), ({"proxy": "${API}"}, True), ({"reply": 200}, True), ({}, False),
     ({"proxy": "https://api.example", "reply": 200}, False), ({"proxy": "api.example"}, False)],
)  # fmt: skip
def test_the_json_schema_says_the_same(answers, is_right):
    document = {"routes": [{"request": "GET /x", **answers}]}
    assert jsonschema_rs.is_valid(schema_document(), document) is is_right


# What no route takes


def test_what_no_route_takes_goes_on_and_still_counts_as_unmatched(serving, upstream):
    real = upstream(reply(b"real"))
    server = serving(
        "routes: [{request: GET /mocked, reply: {text: mocked}}]", on_unmatched="forward", forward_to=real.url
    )
    assert server.ask("GET", "/mocked").body == b"mocked"
    assert server.ask("GET", "/other?x=1").body == b"real"
    assert server.ask("POST", "/mocked").body == b"real"
    assert server.admin.get("/counts")["unmatched"] == 2
    unmatched = server.admin.get("/unmatched")["items"]
    assert [one["forwarded"] for one in unmatched] == [real.url] * 2
    assert unmatched[1]["nearest"][0]["route"] == "shop/GET /mocked"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"on_unmatched": "forward"}, "--forward-to URL"),
        ({"forward_to": "http://x"}, "--on-unmatched forward"),
        ({"on_unmatched": "forward", "forward_to": "x"}, "--forward-to: 'x' is not an http or https URL"),
    ],
)
def test_flags_that_do_not_fit_are_told(settings, said):
    from mockserver.outbound.forwarding import forwarding_rules

    with pytest.raises(InvalidInputError, match=said):
        forwarding_rules(Settings(**settings))
