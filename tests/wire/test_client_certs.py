"""Clients that prove who they are: taken, refused, matched, and told in the record."""

import hashlib
import logging
import ssl

import pytest
from support.papers import issue, trusting
from support.wire import Wire

SCENARIO = """
routes:
  - {request: GET /who, match: {client_cert: {subject: {contains: CN=app}}}, reply: {text: the app}}
  - {request: GET /who, match: {client_cert: {san: "spiffe://shop/web"}}, reply: {text: the web}}
  - {request: GET /who, match: {client_cert: absent}, reply: {status: 401, text: nobody}}
"""


@pytest.fixture
def ca(tmp_path):
    return issue(tmp_path, "shop-ca", ca=True)


@pytest.fixture
def server(serving, ca):
    return serving(SCENARIO, tls=True, tls_client_ca=str(ca.cert_file))


def connected(server, client=None):
    return Wire(server.address, tls=trusting(server.app.ca_pem, client))


def asked(wire, times=1):
    wire.send("GET /who HTTP/1.1\r\nHost: x\r\n\r\n" * times)
    return [wire.answer().body for _ in range(times)]


def test_a_certificate_chooses_the_route(server, ca, tmp_path):
    app = issue(tmp_path, "app", by=ca, subject="CN=app,O=Shop")
    web = issue(tmp_path, "web", by=ca, san=("web.internal", "spiffe://shop/web"))
    for client, said in ((app, b"the app"), (web, b"the web"), (None, b"nobody")):
        with connected(server, client) as wire:
            assert asked(wire, 3) == [said] * 3


def test_the_same_bytes_are_told_apart_by_their_certificate_again_and_again(server, ca, tmp_path):
    app = issue(tmp_path, "app", by=ca)
    for _ in range(3):
        with connected(server) as nobody, connected(server, app) as somebody, Wire(server.address) as plain:
            for _ in range(3):
                assert asked(nobody) == [b"nobody"]
                assert asked(somebody) == [b"the app"]
                assert asked(plain) == [b"nobody"]


def test_a_certificate_stays_with_a_session_that_is_taken_up_again(server, ca, tmp_path):
    context = trusting(server.app.ca_pem, issue(tmp_path, "app", by=ca))
    with Wire(server.address, tls=context) as wire:
        assert asked(wire) == [b"the app"]
        session = wire.tls.session
    with Wire(server.address, tls=context, session=session) as wire:
        assert wire.tls.session_reused
        assert asked(wire) == [b"the app"]


def test_it_is_matched_whichever_name_is_asked_for(serving, ca, tmp_path):
    """Another certificate is shown by SNI, and the client is asked for its own all the same."""
    server = serving(f"host: pay.example\n{SCENARIO}", tls=True, tls_client_ca=str(ca.cert_file))
    context = trusting(server.app.ca_pem, issue(tmp_path, "app", by=ca))
    for name in ("pay.example", "a.localhost"):
        with Wire(server.address, tls=context, name=name) as wire:
            wire.send("GET /who HTTP/1.1\r\nHost: pay.example\r\n\r\n")
            assert wire.answer().body == b"the app"


def test_the_record_tells_who_it_was(server, ca, tmp_path):
    app = issue(
        tmp_path, "app", by=ca, subject="CN=app,O=Shop,C=DE", san=("app.internal", "10.0.0.7"), serial=10
    )
    with connected(server, app) as wire:
        asked(wire)
    with connected(server) as wire:
        asked(wire)

    first, second = (call["request"]["client_cert"] for call in server.calls())
    assert first == {
        "subject": "CN=app,O=Shop,C=DE",
        "issuer": "CN=shop-ca",
        "san": ["app.internal", "10.0.0.7"],
        "serial": "0A",
        "fingerprint_sha256": hashlib.sha256(ssl.PEM_cert_to_DER_cert(app.pem.decode())).hexdigest(),
    }
    assert second is None


def test_calls_are_counted_and_verified_by_certificate(server, ca, tmp_path):
    with connected(server, issue(tmp_path, "app", by=ca)) as wire:
        asked(wire, 2)
    with connected(server) as wire:
        asked(wire)

    check = {"request": "GET /who", "match": {"client_cert": {"subject": "CN=app"}}}
    assert server.admin.post("/count", check)["count"] == 2


def test_a_miss_tells_the_difference(serving, ca, tmp_path):
    server = serving(
        "routes: [{request: GET /who, match: {client_cert: {subject: CN=app}}, reply: 200}]",
        tls=True, tls_client_ca=str(ca.cert_file),
    )  # fmt: skip
    with connected(server, issue(tmp_path, "web", by=ca)) as wire:
        assert b"client_cert.subject: expected 'CN=app', got 'CN=web'" in asked(wire)[0]
    with connected(server) as wire:
        assert b"client_cert is missing; the client presented none" in asked(wire)[0]
    with Wire(server.address) as wire:
        assert b"start the server with --tls-client-ca" in asked(wire)[0]


WRONG = {
    "of another CA": lambda folder, ca: issue(folder, "app", by=issue(folder, "other-ca", ca=True)),
    "signed by itself": lambda folder, ca: issue(folder, "app"),
    "expired": lambda folder, ca: issue(folder, "app", by=ca, days=(-9, -1)),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_a_certificate_that_is_not_trusted_gets_no_connection(server, ca, tmp_path, caplog, make):
    client = make(tmp_path, ca)
    caplog.set_level(logging.WARNING, "mockserver")
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"), connected(server, client) as wire:
        wire.ending()

    assert "the client's certificate is not of --tls-client-ca" in caplog.text


def test_without_a_client_ca_none_is_asked_for(serving, ca, tmp_path):
    server = serving(SCENARIO, tls=True)
    with connected(server, issue(tmp_path, "app", by=ca)) as wire:
        assert asked(wire) == [b"nobody"]


def test_an_issuing_ca_may_stand_for_its_root(serving, ca, tmp_path):
    issuing = issue(tmp_path, "issuing-ca", by=ca, ca=True)
    server = serving(SCENARIO, tls=True, tls_client_ca=str(issuing.cert_file))
    with connected(server, issue(tmp_path, "app", by=issuing)) as wire:
        assert asked(wire) == [b"the app"]


def test_with_tls_1_2_it_is_the_same(server, ca, tmp_path):
    context = trusting(server.app.ca_pem, issue(tmp_path, "app", by=ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Wire(server.address, tls=context) as wire:
        assert asked(wire) == [b"the app"]
