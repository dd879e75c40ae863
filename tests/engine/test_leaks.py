"""`leaks`: each kind of secret, in each place where an application may send one; and what is none."""

import gzip
import json

import pytest
from support.calls import World

from mockserver.model.plan import Outcome
from mockserver.store.call_log import KEPT_BODY_BYTES, CallLogLimits
from mockserver.verification.verdict import Standing

CARD = "4242424242424242"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n\r\nghp_' + b"a1" * 18 + b"\r\n--b--\r\n"
)  # fmt: skip


@pytest.fixture
def world(write):
    return World(
        write({"pay.yaml": "base: /v1\nroutes: [{name: create-charge, request: POST /charges, reply: 200}]"})
    )


@pytest.fixture
def leaks(world):
    """What is said of one call."""

    def said(**options):
        world(0, **options)
        verdict = world.verdict({"leaks": 0})
        assert verdict.ok is (verdict.seen == 0)
        return [line.split("  ")[-1] for line in verdict.text.splitlines()[1:]]

    return said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"line": f"POST /cards/{CARD}"}, ["a card number ****4242 in path"]),
        ({"line": "POST /cards/4242%204242%204242%204242"}, ["a card number ****4242 in path"]),
        ({"line": "POST /a?password=hunter2"}, ["a password in query.password"]),
        ({"line": "POST /a?u=https%3A%2F%2Fann%3Ahunter2%40a.example"}, ["a password in a URL in query.u"]),
        ({"headers": {"X-Debug": "xoxb-123456789012-abcdef"}}, ["a live key ****cdef in headers.x-debug"]),
        ({"headers": {"X-Password": "hunter2"}}, ["a password in headers.x-password"]),
        ({"headers": {"Cookie": "password=hunter2; sid=1"}}, ["a password in cookies.password"]),
        ({"headers": {"Authorization": "Bearer sk_live_0123456789ab"}}, ["a live key ****89ab in headers.authorization"]),
        ({"json": {"cards": [{"number": CARD, "cvc": "123"}]}}, ["a card number ****4242 in json.cards[0].number", "a card's security code in json.cards[0].cvc"]),
        ({"json": {"n": int(CARD), "securityCode": 123}}, ["a card number ****4242 in json.n", "a card's security code in json.securityCode"]),
        ({"json": {"user": {"newPassword": "hunter2"}}}, ["a password in json.user.newPassword"]),
        ({"json": {"key": "-----BEGIN PRIVATE KEY-----\nMIIE"}}, ["a private key in json.key"]),
        ({"json": {"inner": '{"password": "hunter2"}'}}, ["a password in json.inner.password"]),
        ({"json": {CARD: 1}}, ["a card number ****4242 in json"]),
        ({"json": {"url": "https://a.example/?password=hunter2"}}, ["a password in json.url.password"]),
        ({"form": {"source[cvc]": "123", "note": "AKIAIOSFODNN7EXAMPLE"}}, ["a card's security code in form.source[cvc]", "a live key ****MPLE in form.note"]),
        ({"body": b'{"password": "hunter2"}', "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, ["a password in json.password"]),
        ({"body": b'{"password": "hunter2"'}, ["a password in body.password"]),
        ({"body": b"<card><cvv>123</cvv></card>", "headers": {"Content-Type": "application/xml"}}, ["a card's security code in body.cvv"]),
        ({"body": MULTIPART, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, ["a password in form.password", "a live key ****a1a1 in files.f"]),
        ({"body": gzip.compress(b'{"cvv": "123"}'), "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}}, ["a card's security code in json.cvv"]),
        ({"body": b"\xff\xfe" + CARD.encode() + b" "}, ["a card number ****4242 in body"]),
    ],
)  # fmt: skip
def test_a_secret_is_named_with_its_place(leaks, options, said):
    assert leaks(**options) == said


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Authorization": "Bearer sk_test_0123456789ab"}},
        {"headers": {"Authorization": "Bearer ghp_" + "a1" * 18}},
        {"headers": {"X-Api-Key": "sk-ant-api03-abcdefghijklmnop"}},
        {"headers": {"Cookie": "sid=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}},
        {"headers": {"Idempotency-Key": "550e8400-e29b-41d4-a716-446655440000"}},
        {"json": {"source": "tok_visa", "created": 1767225600000, "amount": 2000}},
        {"json": {"password": None, "cvc": True, "cvc_check": "pass"}},
        {"json": {"password": "****", "cvv": "***", "passwd": "[REDACTED]", "csc": "Computer Science"}},
        {"form": {"password": ""}},
        {"line": "POST /password/reset?password_hint=x"},
    ],
)  # fmt: skip
def test_what_is_no_secret_or_where_it_belongs_is_no_leak(leaks, options):
    assert leaks(**options) == []


def test_the_end_of_a_long_body_is_not_kept_and_its_beginning_still_looked_into(world):
    body = json.dumps({"password": "hunter2", "rest": "x" * KEPT_BODY_BYTES}).encode()
    call = world(0, body=body, headers={"Content-Type": "application/json"})
    world.ns.call_log.trim(call)

    verdict = world.verdict({"leaks": 0})

    assert verdict.text.splitlines() == [
        "expected no secret in what was sent, saw 1, looked for in the records and bodies that are kept",
        "  c-000001  POST /v1/charges  a password in body.password",
    ]
    assert verdict.saw.startswith("1 leak, ")


def test_calls_that_are_kept_no_more_are_spoken_of(write):
    world = World(write({}), limits=CallLogLimits(calls=2))
    for at_s in range(3):
        world(at_s, line=f"POST /cards/{CARD}")

    verdict = world.verdict({"leaks": 2})

    assert verdict.text.splitlines()[0] == (
        "expected at most 2 secrets in what was sent, saw 2, looked for in the records and bodies that are kept"
    )
    assert (verdict.ok, verdict.exact) == (False, False)
    assert world.verdict({"leaks": 1}).exact  # 2 are too many, however many more there were


def test_a_check_looks_once_at_each_call(world, monkeypatch):
    from mockserver.scenarios.flaws import parse_spec
    from mockserver.schema.verify import CheckSpec
    from mockserver.verification import verify

    looked = []
    leaks_of = verify.leaks_of
    monkeypatch.setattr(verify, "leaks_of", lambda request: looked.append(request) or leaks_of(request))
    check = verify.Check(world.ns, parse_spec(CheckSpec, {"leaks": 0}))
    world(0, json={"cvc": "123"})
    assert check.verdict(world.ns).seen == 1
    world(1, json={"cvc": "123"})

    assert check.verdict(world.ns).seen == 2
    assert check.verdict(world.ns).standing is Standing.FAILED
    assert looked == [call.request for call in world.made]


def test_what_was_made_of_a_body_to_look_into_it_is_not_kept(world):
    call = world(0, json={"a": 1})
    still_open = world(1, until_s=None, json={"a": 1})
    world.verdict({"leaks": 0})

    assert call.outcome is Outcome.DONE
    assert call.request._cache is None
    assert still_open.request._cache is not None


def test_fifty_are_listed_and_the_rest_counted(world):
    for at_s in range(52):
        world(at_s, json={"cvc": "123"})

    lines = world.verdict({"leaks": 0}).text.splitlines()
    assert (len(lines), lines[-1]) == (52, "  … and 2 more")


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"json": {"query": 'mutation { login(password: "hunter22") }'}}, "json.query.password"),
        ({"json": {"log": "user: ann, password: hunter22"}}, "json.log.password"),
    ],
)
def test_a_password_behind_its_name_in_a_text_is_a_leak_as_it_is_masked(leaks, options, place):
    assert leaks(**options) == [f"a password in {place}"]
