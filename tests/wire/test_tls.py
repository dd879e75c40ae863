"""TLS on the mock port, beside plain HTTP or on a port of its own: what a socket sees, and who is shown which certificate."""

import contextlib
import logging
import socket
import ssl
import threading

import pytest
from support.http import ask
from support.papers import names_in, trusting
from support.server import InProcess
from support.wire import Wire

from mockserver.http.tls import certificates
from mockserver.settings import Settings
from wire import test_faults as plain

pytestmark = pytest.mark.smoke

ECHO = """
routes:
  - request: ANY /echo
    reply: {json: {url: "{{ request.url }}", base: "{{ request.base_url }}", length: "{{ request.text | length }}"}}
  - {request: GET /fine, reply: {text: fine}}
"""
PAIR = {
    "sms.yaml": "host: api.twilio.com\nroutes: [{request: GET /who, reply: {text: twilio}}]",
    "pay.yaml": "host: checkout.adyen.com\nroutes: [{request: GET /who, reply: {text: adyen}}]",
}


def get(target, host="x", *lines):
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *lines, "", ""])


def trust(server, **options):
    return trusting(server.app.ca_pem, **options)


def shown(server, name):
    """The names in the certificate that a client is shown which asks for that one."""
    context = trust(server)
    context.check_hostname = False
    with Wire(server.tls_address, tls=context, name=name) as wire:
        return names_in(wire.tls.getpeercert())


# One port or two


def test_plain_and_tls_answer_on_one_port(serving):
    server = serving(ECHO, tls=True)

    assert server.tls_address == server.address
    for tls in (None, trust(server)):
        with Wire(server.address, tls=tls) as wire:
            wire.send(get("/fine") * 2)
            assert [wire.answer().body, wire.answer().body] == [b"fine", b"fine"]


def test_a_request_knows_whether_it_came_over_tls(serving):
    """The same bytes, so that nothing which is remembered of the one may answer the other."""
    server = serving(ECHO, tls=True)
    port = server.address[1]
    for _ in range(2):
        for tls, scheme in ((None, "http"), (trust(server), "https")):
            with Wire(server.address, tls=tls) as wire:
                for _ in range(3):
                    wire.send(get("/echo?a=1", f"localhost:{port}"))
                    answer = wire.answer()
                    assert b'"url":"%s://localhost:%d/echo?a=1"' % (scheme.encode(), port) in answer.body
                    assert b'"base":"%s://localhost:%d"' % (scheme.encode(), port) in answer.body


def test_each_protocol_may_have_a_port_of_its_own(serving):
    server = serving(ECHO, tls=True, tls_port=0)

    assert server.tls_address != server.address
    with Wire(server.tls_address, tls=trust(server)) as wire:
        wire.send(get("/fine"))
        assert wire.answer().body == b"fine"
    with pytest.raises(OSError, match=r"(?i)wrong.version|eof|reset"):
        Wire(server.address, tls=trust(server))


def test_who_speaks_plainly_to_the_port_of_tls_is_told(serving):
    server = serving(ECHO, tls=True, tls_port=0)
    with Wire(server.tls_address) as wire:
        wire.send(get("/fine"))
        answer = wire.answer()

        assert answer.status == 400
        assert b"This port requires TLS" in answer.body
        assert b"https" in answer.body
        assert wire.is_closed()


def test_without_tls_nothing_of_it_is_there(serving):
    server = serving(ECHO)

    assert server.admin.get("/health")["tls_url"] is None
    assert server.admin.refused(404, "GET", "/ca.pem")["detail"] == "Start it with --tls"


def test_the_ca_is_served_for_clients_to_trust(serving):
    server = serving(ECHO, tls=True)
    answer = ask(server.admin.url, "GET", "/ca.pem")

    assert answer.media_type == "application/x-pem-file"
    assert answer.body == server.app.ca_pem
    assert server.admin.get("/health")["tls_url"] == server.app.tls_url
    with Wire(server.tls_address, tls=trusting(answer.body)) as wire:
        wire.send(get("/__admin/ca.pem", "localhost"))
        assert wire.answer().body == answer.body


# What is agreed on


@pytest.mark.in_memory  # with a store, only HTTP/1.1 is offered
@pytest.mark.parametrize(
    ("offered", "agreed"),
    [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), (["h3"], None)],
)
def test_the_newest_http_is_agreed_on_and_the_newest_tls(serving, offered, agreed):
    server = serving(ECHO, tls=True)
    context = trust(server)
    context.set_alpn_protocols(offered)
    with Wire(server.address, tls=context) as wire:
        assert wire.tls.selected_alpn_protocol() == agreed
        assert wire.tls.version() == "TLSv1.3"


def test_tls_1_2_is_taken(serving):
    server = serving(ECHO, tls=True)
    context = trust(server)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Wire(server.address, tls=context) as wire:
        wire.send(get("/fine"))
        assert wire.answer().body == b"fine"
        assert wire.tls.version() == "TLSv1.2"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_older_tls_is_refused_with_a_word_in_the_log(serving, caplog):
    server = serving(ECHO, tls=True)
    context = trust(server)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with caplog.at_level(logging.WARNING, "mockserver"), pytest.raises(OSError):
        Wire(server.address, tls=context)

    server.admin.get("/health")  # by now it has been said
    assert "1.2 is the least" in caplog.text


def test_a_client_that_does_not_know_the_ca_is_helped_by_the_log(serving, caplog):
    server = serving(ECHO, tls=True)
    with caplog.at_level(logging.WARNING, "mockserver"), pytest.raises(ssl.SSLCertVerificationError):
        Wire(server.address, tls=ssl.create_default_context())

    server.admin.get("/health")
    assert "no TLS with 127.0.0.1" in caplog.text
    assert "give it the CA, see GET /__admin/ca.pem" in caplog.text


def test_a_session_is_taken_up_again(serving):
    server = serving(ECHO, tls=True)
    context = trust(server)
    with Wire(server.address, tls=context) as wire:
        wire.send(get("/fine"))
        wire.answer()
        session = wire.tls.session
    with Wire(server.address, tls=context, session=session) as wire:
        assert wire.tls.session_reused


# What comes and goes


def test_a_handshake_may_come_byte_by_byte(serving):
    server = serving(ECHO, tls=True)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trust(server).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(server.address, 5) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    raw.sendall(bytes([byte]))
                incoming.write(raw.recv(65536))
        tls.write(get("/fine").encode())
        for byte in outgoing.read():
            raw.sendall(bytes([byte]))
        answer = b""
        while not answer.endswith(b"fine"):
            incoming.write(raw.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                answer += tls.read(65536)
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_large_bodies_go_both_ways(serving):
    size = 3_000_000
    server = serving(
        {"shop.yaml": ECHO + "  - {request: GET /big, reply: {file: a.bin}}", "a.bin": bytes(size)}, tls=True
    )
    with Wire(server.address, tls=trust(server)) as wire:
        wire.send(f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n" + "a" * size)
        assert b'"length":%d' % size in wire.answer().body
        wire.send(get("/big"))
        assert wire.answer().body == bytes(size)


def test_many_requests_in_one_record_are_all_answered_in_their_order(serving):
    server = serving(ECHO, tls=True)
    with Wire(server.address, tls=trust(server)) as wire:
        wire.send("".join(get(f"/echo?n={i}") for i in range(50)))
        assert all(b"?n=%d" % i in wire.answer().body for i in range(50))


def test_a_call_is_over_only_when_all_of_its_answer_has_left(serving):
    """Also where megabytes of it wait, encrypted already."""
    server = serving(
        {"shop.yaml": "routes: [{request: GET /x, reply: {file: a.bin}}]", "a.bin": bytes(16_000_000)},
        tls=True,
    )
    wire = Wire(server.address, tls=trust(server), receive_buffer=4096)
    wire.send(get("/x"))
    wire.until(b"\r\n\r\n")
    assert server.admin.get("/calls")["items"][0]["outcome"] == "open"

    wire.reset()

    assert server.closed_call()["outcome"] == "client_left"


def test_a_client_that_says_goodbye_gets_one(serving):
    server = serving(ECHO, tls=True)
    with Wire(server.address, tls=trust(server)) as wire:
        wire.send(get("/fine"))
        wire.answer()
        wire.says_goodbye()
        assert wire.ending() == (b"", "FIN")


def test_what_is_no_tls_after_the_handshake_ends_the_connection(serving, caplog):
    server = serving(ECHO, tls=True)
    with caplog.at_level(logging.WARNING, "mockserver"), Wire(server.address, tls=trust(server)) as wire:
        wire.send_bare(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(OSError, match=r"(?i)bad.record.mac"):  # the server's alert
            wire.ending()
        assert wire.bare_ending() in ("FIN", "RST")
    assert "broken TLS from 127.0.0.1" in caplog.text


@pytest.mark.parametrize(
    "sent", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "a byte", "a part"]
)
def test_a_stopping_server_cuts_who_has_not_said_what_he_wants(server_loop, write, sent):
    folder = write(ECHO)
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0, tls=True), folder)
    with Wire(server.address) as wire:
        wire.send(sent)
        server.admin.get("/health")  # by now it has the bytes
        server.stop()
        assert wire.is_closed()


# Limits


def test_a_handshake_that_does_not_come_to_its_end_is_cut_and_counted(serving):
    server = serving(ECHO, tls=True, read_timeout_s=0.05)
    with Wire(server.address) as wire:
        wire.send(b"\x16\x03\x01\x02\x00\x01")
        assert wire.is_closed()

    assert server.admin.get("/health")["refused"] == {"read_timeout": 1}


def test_a_connection_too_many_is_told_so_over_tls_too(serving, caplog):
    server = serving(ECHO, tls=True, max_connections=1)
    with Wire(server.address, tls=trust(server)) as first:
        with Wire(server.address, tls=trust(server)) as second:
            answer = second.answer()
            assert (answer.status, b"--max-connections" in answer.body) == (503, True)
            assert second.ending() == (b"", "FIN")
        first.send(get("/fine"))
        assert first.answer().body == b"fine"
    assert not caplog.text


def test_silent_connections_are_bounded_too(serving):
    server = serving(ECHO, tls=True, max_connections=2)
    with Wire(server.address) as one, Wire(server.address) as other:
        with Wire(server.address) as third:
            assert third.is_closed()
        one.close()
        other.send(get("/fine"))
        assert other.answer().body == b"fine"
        assert server.app.engine.shared.refused["connections"] == 1


# Faults


@pytest.fixture(scope="module")
def broken_server(server_loop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    (folder / "shop.yaml").write_text(plain.SCENARIO)
    settings = Settings(paths=(str(folder),), port=0, hang_limit_s=0.02, tls=True)
    server = InProcess(server_loop, settings, folder)
    yield server
    server.stop()


@pytest.mark.parametrize(("fault", "place", "reply"), plain.CASES, ids=plain.NAMES)
def test_every_fault_at_every_place(broken_server, fault, place, reply):
    """As without TLS, to the byte; what ends with FIN says goodbye before it, and a reset is one."""
    with Wire(broken_server.address, tls=trust(broken_server)) as wire:
        wire.send(plain.get("/fine"))
        assert wire.answer().body == b"fine"
        wire.send(plain.get(f"/{fault}-{place}-{reply}"))
        plain.broken(wire, fault, place, reply)


def test_a_reset_throws_nothing_away_of_what_was_sent_before_it(serving):
    server = serving(
        {
            "shop.yaml": "routes: [{request: GET /x, reply: {file: a.bin, fault: {kind: reset, after: 100000}}}]",
            "a.bin": bytes(4_000_000),
        },
        tls=True,
    )
    with Wire(server.address, tls=trust(server), receive_buffer=4096) as wire:
        wire.send(get("/x"))
        data, end = wire.ending()

    assert len(data.partition(b"\r\n\r\n")[2]) == 100_000
    assert end == "RST"


# Names


def test_services_with_fixed_hosts_are_kept_apart_on_one_port(serving):
    server = serving(PAIR, tls=True)
    for name, said in (("api.twilio.com", b"twilio"), ("checkout.adyen.com", b"adyen")):
        with Wire(server.address, tls=trust(server), name=name) as wire:
            wire.send(get("/who", name))
            assert wire.answer().body == said
    with Wire(server.address, tls=trust(server)) as wire:
        wire.send(get("/who", "localhost"))
        assert wire.answer().status == 404


def test_the_certificate_has_this_machine_and_every_host_of_the_files(serving):
    server = serving(PAIR, tls=True, public_url="https://mock.example:8443/")

    assert shown(server, None) == {
        "localhost", "127.0.0.1", "0:0:0:0:0:0:0:1", "mock.example", "api.twilio.com", "checkout.adyen.com",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_this_machine_is_trusted_by_name_and_by_address(serving, name):
    server = serving(ECHO, tls=True)
    with Wire(server.address, tls=trust(server), name=name) as wire:
        wire.send(get("/fine"))
        assert wire.answer().body == b"fine"


def test_a_reload_brings_the_certificate_of_a_new_host(serving):
    server = serving(ECHO, tls=True)
    (server.folder / "new.yaml").write_text(
        "host: api.sendgrid.com\nroutes: [{request: GET /who, reply: 200}]"
    )
    assert "api.sendgrid.com" not in shown(server, "api.sendgrid.com")

    server.admin.post("/reload")

    assert "api.sendgrid.com" in shown(server, "api.sendgrid.com")
    assert "api.sendgrid.com" in shown(server, None)


def test_a_scenario_added_at_runtime_brings_its_host_in_any_namespace(serving):
    server = serving(ECHO, tls=True)
    server.admin.post("/namespaces", {"name": "a"})
    server.admin.call(
        "PUT",
        "/@a/scenarios/new",
        {"host": "API.Paddle.com:8443", "routes": [{"request": "GET /who", "reply": 200}]},
    )

    assert shown(server, "api.paddle.com") == {"api.paddle.com"}
    with Wire(server.address, tls=trust(server), name="api.paddle.com") as wire:
        wire.send(get("/@a/who", "api.paddle.com:8443"))
        assert wire.answer().status == 200


def test_a_name_is_looked_for_in_all_namespaces_only_once(serving, monkeypatch):
    server = serving(ECHO, tls=True)
    server.admin.call("PUT", "/scenarios/new", {"host": "api.paddle.com", "routes": []})
    assert shown(server, "api.paddle.com") == {"api.paddle.com"}
    monkeypatch.setattr(certificates.Certificates, "_deserves", None)

    assert shown(server, "api.paddle.com") == {"api.paddle.com"}


def test_a_name_that_nobody_named_is_shown_the_certificate_for_all(serving):
    server = serving(PAIR, tls=True)

    assert "evil.example" not in shown(server, "evil.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        Wire(server.address, tls=trust(server), name="evil.example")


def test_every_name_below_localhost_is_this_machine(serving):
    server = serving(ECHO, tls=True)

    assert shown(server, "Shop.localhost") == {"shop.localhost"}


def test_of_very_many_hosts_each_has_a_certificate_of_its_own(serving, monkeypatch):
    monkeypatch.setattr(certificates, "MOST_TOGETHER", 4)
    server = serving(
        {f"s{i}.yaml": f"host: h{i}.example\nroutes: [{{request: GET /, reply: 200}}]" for i in range(3)},
        tls=True,
    )

    assert shown(server, None) == {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1", "h0.example"}
    assert shown(server, "h2.example") == {"h2.example"}


def test_certificates_are_kept_and_renewed_before_they_expire(serving, monkeypatch):
    server = serving(ECHO, tls=True)

    def serial(name):
        context = trust(server)
        with Wire(server.address, tls=context, name=name) as wire:
            return wire.tls.getpeercert()["serialNumber"]

    names = ["localhost", "a.localhost"]
    first = [serial(name) for name in names]
    assert [serial(name) for name in names] == first

    monkeypatch.setattr(certificates, "_RENEW_AFTER_S", -1)
    assert not {serial(name) for name in names} & set(first)


def test_a_host_that_is_no_host_name_hurts_nobody(serving):
    server = serving({"a.yaml": "host: 'what is this ☃..'\nroutes: [{request: GET /, reply: 200}]"}, tls=True)

    assert shown(server, None) == {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"}


def test_many_at_once(serving):
    server = serving(ECHO, tls=True)
    context = trust(server)
    bodies = []

    def one():
        with Wire(server.address, tls=context) as wire:
            for _ in range(5):
                wire.send(get("/fine"))
                bodies.append(wire.answer().body)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [b"fine"] * 100
