"""Conditions on a client's certificate: what holds, what doesn't, why not, and what can't be asked."""

import pytest
from jsonschema_rs import validator_for
from support.matching import a_matcher, flaws_of

from mockserver.matching.client_certs import ASKED
from mockserver.model.client_cert import ClientCert
from mockserver.model.http import Request
from mockserver.schema.match import CERT_PARTS
from mockserver.schema.scenario import schema_document

CERT = ClientCert(
    subject="CN=app,O=Shop,C=DE",
    issuer="CN=Shop CA",
    san=("app.internal", "spiffe://shop/app"),
    serial="0A1B",
    fingerprint_sha256="ab" * 32,
)


def certified(cert=CERT):
    return Request("GET", "/", client_cert=cert, scheme="https")


def texts_of(written, request):
    return [one.text for one in a_matcher(client_cert=written).differences(request)]


@pytest.mark.parametrize(
    "written",
    [
        "present",
        {"present": True},
        {"absent": False},
        {"subject": {"contains": "CN=app"}},
        {"subject": "CN=app,O=Shop,C=DE", "issuer": {"starts_with": "CN=Shop"}},
        {"san": "spiffe://shop/app"},
        {"san": ["app.internal", "spiffe://shop/app"]},
        {"san": {"not": "other.internal"}},
        {"serial": "0a:1b"},
        {"serial": {"matches": "[0-9A-F]+"}},
        {"fingerprint_sha256": ":".join(["AB"] * 32)},
    ],
)
def test_it_holds_for_a_certificate_that_is_as_asked(written):
    assert a_matcher(client_cert=written).holds(certified())
    assert texts_of(written, certified()) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("absent", ["client_cert: expected to be absent, got 'CN=app,O=Shop,C=DE'"]),
        (
            {"subject": {"contains": "CN=web"}, "serial": "01"},
            [
                "client_cert.subject: expected to contain 'CN=web', got 'CN=app,O=Shop,C=DE'",
                "client_cert.serial: expected '01', got '0A1B'",
            ],
        ),
        (
            {"san": "other.internal"},
            [
                "client_cert.san: expected 'other.internal', got ['app.internal', 'spiffe://shop/app']",
            ],
        ),
        (
            {"san": {"not": "app.internal"}},
            [
                "client_cert.san: expected not 'app.internal', got ['app.internal', 'spiffe://shop/app']",
            ],
        ),
    ],
)
def test_a_miss_says_what_is_different(written, said):
    assert not a_matcher(client_cert=written).holds(certified())
    assert texts_of(written, certified()) == said


@pytest.mark.parametrize("written", ["absent", {"absent": True}, {"present": False}])
def test_without_a_certificate_absent_holds(written):
    assert a_matcher(client_cert=written).holds(Request("GET", "/"))


@pytest.mark.parametrize(
    "written", ["present", {"subject": "CN=app"}, {"subject": {"not": "CN=app"}}, {"san": "absent"}]
)
def test_without_a_certificate_nothing_else_holds(written):
    assert not a_matcher(client_cert=written).holds(Request("GET", "/", scheme="https"))
    assert texts_of(written, Request("GET", "/", scheme="https")) == [
        "client_cert is missing; the client presented none"
    ]


def test_a_miss_over_plain_http_says_what_is_needed():
    assert texts_of("present", Request("GET", "/")) == [
        "client_cert is missing; the request came without TLS: use https, and start the server with --tls-client-ca"
    ]


def test_a_certificate_without_a_subject_is_one_all_the_same():
    nameless = certified(ClientCert("", "CN=Shop CA", (), "01", "ab" * 32))

    assert a_matcher(client_cert="present").holds(nameless)
    assert a_matcher(client_cert={"subject": "absent", "san": "absent"}).holds(nameless)
    assert not a_matcher(client_cert={"subject": {"contains": "CN="}}).holds(nameless)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("CN=app", "client_cert: expected conditions on the certificate, got 'CN=app'"),
        (3, "client_cert: expected conditions on the certificate, got 3"),
        (["present"], "client_cert: expected conditions on the certificate"),
        ({}, "client_cert: there is no condition on the certificate"),
        ({"subjct": "CN=app"}, "client_cert.subjct: unknown key 'subjct'. Did you mean 'subject'?"),
        (
            {"contains": "CN=app"},
            "client_cert.contains: the operator 'contains' is in the place of a part. Move it below one of subject, issuer",
        ),
        ({"subject": {"contain": "x"}}, "client_cert.subject.contain: unknown operator 'contain'"),
        ({"subject": None}, "client_cert.subject: expected a text, got null"),
    ],
)
def test_what_could_never_hold_is_an_error_when_it_is_loaded(written, said):
    (flaw,) = flaws_of(client_cert=written)
    assert flaw.startswith(said)


def test_the_flaws_of_other_keys_are_told_too():
    assert len(flaws_of(client_cert="CN=app", headers={"a": {"nope": 1}})) == 2


def test_the_json_schema_takes_what_the_loader_takes():
    validator = validator_for(schema_document())

    def is_valid(written):
        match = {"client_cert": written}
        return validator.is_valid({"routes": [{"request": "GET /", "match": match, "reply": 200}]})

    assert tuple(ASKED) == CERT_PARTS
    assert is_valid({"subject": {"contains": "CN=app"}, "san": ["a", "b"]})
    assert is_valid("present")
    assert not is_valid("CN=app")
    assert not is_valid({"subjct": "x"})
    assert not is_valid({"subject": {"contain": "x"}})
