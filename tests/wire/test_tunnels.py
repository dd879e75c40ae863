"""The mock port as an HTTPS proxy: what a socket sees that asks for a tunnel."""

import base64
import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.papers import names_in, trusting
from support.server import until
from support.wire import Wire, _Tls

HOST = "api.fixed.example"
SCENARIO = f"""
host: {HOST}
routes:
  - {{request: POST /data, reply: [503, 503, {{json: {{success: true}}}}]}}
  - {{request: GET /fine, reply: {{text: "fine {{{{ request.url }}}}"}}}}
  - {{request: GET /count, set: {{n: "{{{{ state.n | default(0) + 1 }}}}"}}, reply: {{text: "{{{{ state.n }}}}"}}}}
  - {{request: GET /reset, reply: {{fault: reset}}}}
  - {{request: GET /close, reply: {{fault: close}}}}
  - {{request: GET /garbage, reply: {{fault: garbage}}}}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO, tls=True)


def basic(user):
    return "Proxy-Authorization: Basic " + base64.b64encode(user.encode()).decode()


def connect(target, *lines):
    return "\r\n".join([f"CONNECT {target} HTTP/1.1", f"Host: {target}", *lines, "", ""])


def get(target, host=HOST, *lines):
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *lines, "", ""])


@contextlib.contextmanager
def tunnel(server, target=f"{HOST}:443", *lines, name=HOST, tls=True, proxy_tls=None, context=None):
    """A connection to what is behind the tunnel."""
    with Wire(server.address, tls=proxy_tls) as wire:
        wire.send(connect(target, *lines))
        assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
        if tls:
            wire._tls = _Tls(wire._tls or wire._socket, context or trusting(server.app.ca_pem), name, None)
        yield wire


def refused(server, target, *lines):
    with Wire(server.address) as wire:
        wire.send(connect(target, *lines))
        answer = wire.answer()
        assert wire.is_closed()
    return answer


# Interception


def test_a_tunnel_to_the_host_of_a_scenario_is_answered_by_it(server):
    with tunnel(server) as wire:
        wire.send(get("/fine"))
        assert wire.answer().body == f"fine https://{HOST}/fine".encode()
        assert HOST in names_in(wire.tls.getpeercert())

    (call,) = server.calls()
    assert call["route"] == "shop/GET /fine"
    assert ["Host", HOST] in call["request"]["headers"]


def test_the_seed_case_goes_through_one_tunnel(server):
    with tunnel(server) as wire:
        statuses = []
        for _ in range(3):
            wire.send(f"POST /data HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\n\r\n{{}}")
            statuses.append(wire.answer().status)

    assert statuses == [503, 503, 200]
    assert server.admin.get("/counts")["total"] == 3


def test_many_requests_go_through_one_tunnel(server):
    with tunnel(server) as wire:
        wire.send(get("/count") * 200)
        assert [wire.answer().body for _ in range(200)] == [b"%d" % n for n in range(1, 201)]


def test_a_hundred_tunnels_at_once_are_counted_exactly(server):
    def one(_):
        with tunnel(server) as wire:
            wire.send(get("/count"))
            return int(wire.answer().body)

    with ThreadPoolExecutor(100) as pool:
        assert sorted(pool.map(one, range(100))) == list(range(1, 101))


def test_the_certificate_is_that_of_the_host_without_sni_too(serving):
    server = serving("routes: []", tls=True)
    server.admin.call(
        "PUT", "/scenarios/late", {"host": "late.example", "routes": [{"request": "GET /", "reply": 200}]}
    )
    context = trusting(server.app.ca_pem)
    context.check_hostname = False
    with tunnel(server, "late.example:443", name=None, context=context) as wire:
        assert names_in(wire.tls.getpeercert()) == {"late.example"}


def test_an_address_may_be_a_host(serving):
    server = serving("host: 10.1.2.3\nroutes: [{request: GET /, reply: {text: here}}]", tls=True)
    with tunnel(server, "10.1.2.3:8443", name="10.1.2.3") as wire:
        wire.send(get("/", "10.1.2.3:8443"))
        assert wire.answer().body == b"here"


def test_what_a_client_sends_without_waiting_is_read(server):
    with Wire(server.address) as wire:
        wire.send(connect(f"{HOST}:80") + get("/fine"))
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        assert wire.answer().body == f"fine http://{HOST}/fine".encode()


def test_requests_before_a_connect_are_answered_first(server):
    with Wire(server.address) as wire:
        wire.send(get("/fine") + connect(f"{HOST}:80") + get("/count"))
        assert wire.answer().body.startswith(b"fine")
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 Connection")
        assert wire.answer().body == b"1"


def test_the_proxy_itself_may_be_asked_over_tls(server):
    with tunnel(server, proxy_tls=trusting(server.app.ca_pem)) as wire:
        wire.send(get("/fine") * 2)
        assert wire.answer().body == wire.answer().body == f"fine https://{HOST}/fine".encode()


def test_with_a_port_of_its_own_for_tls_the_mock_port_is_the_proxy(serving):
    server = serving(SCENARIO, tls=True, tls_port=0)
    with tunnel(server) as wire:
        wire.send(get("/fine"))
        assert wire.answer().status == 200


def test_a_request_in_absolute_form_needs_no_tunnel(server):
    with Wire(server.address) as wire:
        wire.send(get(f"http://{HOST}/fine"))
        assert wire.answer().body == f"fine http://{HOST}/fine".encode()


def test_the_host_of_an_absolute_target_counts_and_not_the_header_beside_it(server):
    with Wire(server.address) as wire:
        wire.send(get(f"http://user@{HOST}/fine", "other.example"))
        assert wire.answer().body == f"fine http://{HOST}/fine".encode()
        wire.send(get("http://other.example/fine", HOST))
        assert wire.answer().status == 404


# Faults


@pytest.mark.parametrize(("path", "end"), [("/reset", "RST"), ("/close", "FIN")])
def test_faults_end_the_tunnel_as_they_would_a_connection(server, path, end):
    with tunnel(server) as wire:
        wire.send(get(path))
        assert wire.bare_ending() == end


def test_garbage_is_sent_within_the_tunnel(server):
    with tunnel(server) as wire:
        wire.send(get("/garbage"))
        assert not wire.rest().startswith(b"HTTP/")


# Namespaces


def test_the_user_of_the_proxy_names_the_namespace(server):
    server.admin.post("/namespaces", {"name": "order-1"})
    for lines, counted in (([basic("order-1:any")], b"1"), ([basic("order-1:")], b"2"), ([], b"1")):
        with tunnel(server, f"{HOST}:443", *lines) as wire:
            wire.send(get("/count"))
            assert wire.answer().body == counted
    with Wire(server.address) as wire:
        wire.send(get(f"http://{HOST}/count", HOST, basic("order-1:")))
        assert wire.answer().body == b"3"


def test_a_header_in_the_tunnel_comes_before_the_user_of_the_proxy(server):
    for name in ("a", "b"):
        server.admin.post("/namespaces", {"name": name})
    with tunnel(server, f"{HOST}:443", basic("a:")) as wire:
        wire.send(get("/count", HOST, "X-Mockserver-Namespace: b") + get("/count"))
        assert [wire.answer().body, wire.answer().body] == [b"1", b"1"]


@pytest.mark.in_memory
def test_a_user_that_is_no_namespace_gets_no_tunnel(server):
    answer = refused(server, f"{HOST}:443", basic("nobody:"))
    assert answer.start == "HTTP/1.1 404 There is no namespace of that name"
    assert b"nobody" in answer.body


@pytest.mark.parametrize("value", ["Basic", "Basic !!", "Bearer x", "", "Basic gICA"])
def test_credentials_that_name_nobody_are_ignored(server, value):
    with tunnel(server, f"{HOST}:443", f"Proxy-Authorization: {value}") as wire:
        wire.send(get("/fine"))
        assert wire.answer().status == 200


# The admin API


def test_a_tunnel_to_another_host_does_not_reach_the_admin_api(serving):
    server = serving(SCENARIO, tls=True, admin_token="secret")
    with tunnel(server) as wire:
        for host in (HOST, "localhost", "127.0.0.1"):
            wire.send(get("/__admin/health", host, "Authorization: Bearer secret"))
            answer = wire.answer()
            assert answer.status == 404
            assert b"No route matches" in answer.body


# Refusals


def test_a_host_that_no_scenario_names_is_refused_with_the_reason(server):
    answer = refused(server, "other.example:443")

    assert answer.start == "HTTP/1.1 502 No scenario has the host other.example"
    assert b"NO_PROXY" in answer.body
    (call,) = server.calls()
    assert (call["request"]["method"], call["reply"]["status"], call["matched"]) == ("CONNECT", 502, False)


@pytest.mark.parametrize(
    "target", [HOST, f"{HOST}:", f"{HOST}:0", f"{HOST}:65536", f"{HOST}:x", f"{HOST}:999999", ":443", "a..b:443", "[::1:443"]
)  # fmt: skip
def test_a_target_that_is_none_is_refused(server, target):
    assert refused(server, target).status == 400


def test_garbage_in_the_tunnel_is_answered_and_ends_it(server):
    with tunnel(server, tls=False) as wire:
        wire.send(b"\x00\x01\x02 garbage\r\n\r\n")
        assert wire.answer().status == 400
        assert wire.is_closed()


def test_broken_tls_in_the_tunnel_ends_it(server):
    with tunnel(server, tls=False) as wire:
        wire.send(b"\x16\x03\x01\x00\x05hello" + b"x" * 100)
        assert b"HTTP" not in wire.rest()


def test_a_head_that_is_too_large_is_refused(server):
    with Wire(server.address) as wire:
        wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nX: {'x' * 200_000}\r\n\r\n")
        assert wire.answer().status == 431


@pytest.mark.parametrize("sent", [b"", b"\x16\x03"])
def test_a_tunnel_in_which_nothing_begins_is_ended(serving, sent):
    server = serving(SCENARIO, tls=True, read_timeout_s=0.05)
    with tunnel(server, tls=False) as wire:
        if sent:
            wire.send(sent)
        assert wire.is_closed()
    until(lambda: not _waiting(server))


def test_clients_that_leave_their_tunnels_leave_nothing_behind(server):
    for sent in ("", "\x16", "GET", get("/fine")[:-2]):
        with tunnel(server, f"{HOST}:80", tls=False) as wire:
            wire.send(sent)
            wire.reset()
    until(lambda: not _waiting(server) and not any(each.connections for each in server.app._listeners))


def _waiting(server):
    return [
        transport
        for listener in server.app._listeners
        for door in listener._doors
        for transport in door.waiting
    ]


def test_a_server_that_stops_ends_its_tunnels(server):
    with tunnel(server, tls=False) as waiting, tunnel(server) as used:
        server.stop()
        assert waiting.is_closed()
        assert used.bare_ending() in ("FIN", "RST")


# Passed on


@pytest.fixture
def echo():
    """A service behind a tunnel that speaks no HTTP: it sends back what it gets, until that ends."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                one, _ = listening.accept()
                with one:
                    while data := one.recv(65536):
                        one.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_other_hosts_are_passed_on_untouched_where_egress_allows(serving, echo):
    server = serving(SCENARIO, tls=True, on_unmatched="forward", allow_egress=(f"127.0.0.1:{echo}",))
    with tunnel(server, f"127.0.0.1:{echo}", tls=False) as wire:
        wire.send(b"\x00any bytes")
        assert wire.exactly(10) == b"\x00any bytes"
        big = b"x" * 3_000_000
        sending = threading.Thread(target=wire.send, args=(big,))
        sending.start()
        assert wire.exactly(len(big)) == big
        sending.join()
        wire.ends_sending()
        assert wire.is_closed()
    until(lambda: not server.app._listeners[0].tunnels.passed)
    with tunnel(server) as wire:
        wire.send(get("/fine"))
        assert wire.answer().status == 200
    assert [call["request"]["path"] for call in server.calls()] == ["/fine"]


def test_a_tunnel_that_is_passed_on_ends_with_the_server(serving, echo):
    server = serving(SCENARIO, tls=True, on_unmatched="forward", allow_egress=(f"127.0.0.1:{echo}",))
    with tunnel(server, f"127.0.0.1:{echo}", tls=False) as wire:
        server.stop()
        assert wire.is_closed()


@pytest.mark.parametrize("target", ["other.example:443", "169.254.169.254:80", "127.0.0.1:1"])
def test_egress_refuses_a_tunnel_to_what_is_not_allowed(serving, target):
    server = serving(SCENARIO, tls=True, on_unmatched="forward", allow_egress=("127.0.0.1:2",))
    answer = refused(server, target)
    assert answer.start == f"HTTP/1.1 502 A tunnel to {target} is not allowed"


def test_a_service_that_is_not_there_is_told(serving):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = serving(SCENARIO, tls=True, on_unmatched="forward", allow_egress=(f"127.0.0.1:{port}",))
    assert refused(server, f"127.0.0.1:{port}").start == f"HTTP/1.1 502 127.0.0.1:{port} could not be reached"
