"""What is shown of what came: secrets masked, all else to the letter."""

import doctest
import json
import re
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cost import cheap

from mockserver.redaction import masking, redaction, secrets
from mockserver.redaction.redaction import (
    mask_body,
    mask_bytes,
    mask_header,
    mask_part,
    mask_path,
    mask_shapes,
    mask_target,
    mask_text,
    mask_tree,
    mask_urlencoded,
)

FORM = "application/x-www-form-urlencoded"
CARD, KEY = "4242424242424242", "sk_live_abcdefgh12345678"


@pytest.mark.parametrize("module", [masking, redaction, secrets], ids=lambda module: module.__name__)
def test_the_examples_in_the_code_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer tok_1234567890", "Bearer ****7890"),
        ("authorization", "Basic dXNlcjpwYXNzd29yZA==", "Basic ****ZA=="),
        ("Proxy-Authorization", 'Digest username="a", response="abcdef"', 'Digest ****def"'),
        ("Authorization", "sk_test_1234567890", "****7890"),
        ("Authorization", "my_own_key_in_two parts", "****arts"),
        ("Authorization", "Bearer short", "Bearer ****"),
        ("Authorization", "", "****"),
        ("Cookie", "sid=abcdefghijkl; theme=dark;x=zyxwvutsrqpo", "sid=****ijkl; theme=****; x=****rqpo"),
        ("Cookie", "abcdefghijkl", "****ijkl"),
        ("Set-Cookie", "sid=abcdefghijkl; Path=/; HttpOnly", "sid=****ijkl; Path=/; HttpOnly"),
        ("X-Api-Key", "key-0123456789", "****6789"),
        ("PRIVATE-TOKEN", "abcdefghijkl", "****ijkl"),
        ("X-Vault-Token", "abcdefghijkl", "****ijkl"),
        ("X-Client-Secret", "abcdefghijkl", "****ijkl"),
        ("X-Password", "hunter2hunter2", "****"),
        ("Idempotency-Key", "4f1c-aaaa-bbbb", "4f1c-aaaa-bbbb"),
        ("X-Next-Page-Token", "abcdefghijkl", "abcdefghijkl"),
        ("Location", "https://a.example/cb?code=1&access_token=abcdefghijkl#x", "https://a.example/cb?code=1&access_token=****ijkl#x"),
        ("Location", "https://a.example/cb?code=zyoHdBAQaT7IMuoWpqyDPMHV&state=s", "https://a.example/cb?code=****PMHV&state=s"),
        ("Referer", "https://ann:hunter2@a.example/", "https://ann:****@a.example/"),
        ("WWW-Authenticate", 'Bearer realm="all", error="invalid_token"', 'Bearer realm="all", error="invalid_token"'),
        ("X-Note", f"uses {KEY}, {CARD}", "uses ****5678, ****4242"),
    ],
)  # fmt: skip
def test_headers(name, value, shown):
    assert mask_header(name, value) == shown


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/v1/charges?limit=10&expand[]=data%2Ex", "/v1/charges?limit=10&expand[]=data%2Ex"),
        ("/a?api_key=abcdefghijkl&x=1", "/a?api_key=****ijkl&x=1"),
        ("/a?access%5Ftoken=abcdefghijkl", "/a?access%5Ftoken=****ijkl"),
        ("/a?n=4242+4242+4242+4242&m=%34242424242424242", "/a?n=****4242&m=****4242"),
        ("/a?password=%68unter2", "/a?password=****"),
        (f"/cards/{CARD}/x%20y", "/cards/****4242/x%20y"),
        ("/cards/4242%204242%204242%204242/x%2Fy", "/cards/****4242/x%2Fy"),
        ("/a;jsessionid=abcdefghijkl", "/a;jsessionid=****ijkl"),
        (f"/{KEY}?", "/****5678?"),
        ("/a?=&&=x&b", "/a?=&&=x&b"),
        (f"/a?{CARD}", "/a?****4242"),
        (f"/a?{CARD}=x", "/a?****4242=x"),
        ("/bot123456789:" + "Aa1-_" * 7 + "/send", "/****a1-_/send"),
        ("/%zz?%zz=%", "/%zz?%zz=%"),
    ],
)
def test_targets_keep_their_encoding(target, shown):
    assert mask_target(target) == shown
    assert mask_path(target.partition("?")[0]) == shown.partition("?")[0]


@pytest.mark.parametrize(
    ("body", "media_type", "shown"),
    [
        ('{"user": "ann",\n "password" : "hun\\"ter2"}', "application/json", '{"user": "ann",\n "password" : "****"}'),
        ('{"cvc":123,"number":4242424242424242,"paid":true}', "application/json", '{"cvc":"****","number":"****4242","paid":true}'),
        ('{"client_secret": "abcdefghijkl", "secret": null, "token": true}', "", '{"client_secret": "****ijkl", "secret": null, "token": true}'),
        ('{"secrets": ["a"], "secret": ["abcdefghijkl", 5]}', "", '{"secrets": ["a"], "secret": ["****ijkl", "****"]}'),
        ('{"secret": {"name": "x", "token": "abcdefghijkl"}}', "", '{"secret": {"name": "x", "token": "****ijkl"}}'),
        ('{"inner": "{\\"password\\": \\"hunter2\\"}"}', "", '{"inner": "{\\"password\\": \\"****\\"}"}'),
        ('{"password": "cut of', "application/json", '{"password": "****'),
        ('{"a": "Authorization: Bearer tok_1234567890"}', "", '{"a": "Authorization: Bearer ****7890"}'),
        ('{"authorization": "Bearer tok_1234567890"}', "", '{"authorization": "Bearer ****7890"}'),
        ('{"password": "hunter2"}', FORM, '{"password": "****"}'),
        ("user=ann&password=hunter2&client%5Fsecret=abcdefghijkl", FORM, "user=ann&password=****&client%5Fsecret=****ijkl"),
        ("source[cvc]=123&source[number]=4242424242424242", FORM, "source[cvc]=****&source[number]=****4242"),
        ("payload=%7B%22password%22%3A%22x%22%7D", FORM, 'payload={"password":"****"}'),
        ("<a pwd='x' n='1'><ns:cvv>123</ns:cvv><password type='t'>x y</password></a>", "application/xml", "<a pwd='****' n='1'><ns:cvv>****</ns:cvv><password type='t'>****</password></a>"),
        ('data: {"token": "abcdefghijkl"}\n\n', "text/event-stream", 'data: {"token": "****ijkl"}\n\n'),
        ("level=info password=hunter2 ok", "text/plain", "level=info password=**** ok"),
        ("basic authentication and bearer instruments", "text/plain", "basic authentication and bearer instruments"),
        ("postgres://app:hunter2@db/x", "", "postgres://app:****@db/x"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx", "", "-----BEGIN RSA PRIVATE KEY-----****-----END RSA PRIVATE KEY-----\nx"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut", "", "-----BEGIN PRIVATE KEY-----****"),
        ("", "application/json", ""),
    ],
)  # fmt: skip
def test_bodies_keep_their_form(body, media_type, shown):
    assert mask_body(body, media_type) == shown
    assert mask_body(shown, media_type) == shown


def test_a_multipart_form():
    body = (
        '--b\r\nContent-Disposition: form-data; name="password"\r\nContent-Type: text/plain\r\n\r\nhunter2\r\n'
        '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\npassword\r\n--b--\r\n'
    )

    assert mask_body(body, "multipart/form-data") == body.replace("hunter2", "****")


def test_bytes_that_are_no_text_stay_but_for_the_secret():
    body = b"\xff\x00\x80{" + CARD.encode() + b"}\xfe"

    assert mask_bytes(body) == b"\xff\x00\x80{****4242}\xfe"


@pytest.mark.parametrize(
    ("where", "value", "shown"),
    [
        ("headers.authorization", "Bearer tok_1234567890", "Bearer ****7890"),
        ("headers.idempotency-key", "4f1c-aaaa-bbbb", "4f1c-aaaa-bbbb"),
        ("cookies.theme", "abcdefghijkl", "****ijkl"),
        ("query.api_key", "abcdefghijkl", "****ijkl"),
        ("json.user.password", "hunter2", "****"),
        ("form.amount", "5", "5"),
        ("path", "/a/4242%204242%204242%204242", "/a/****4242"),
        ("body", '{"cvc": 123}', '{"cvc": "****"}'),
        ("", KEY, "****5678"),
    ],
)
def test_a_selector_says_what_its_value_is(where, value, shown):
    assert mask_part(where, value) == shown


def test_trees_are_masked_by_names_and_shapes():
    tree = {
        "items": [{"password": 1234, "cvc": 5, "ok": True, "none": None}],
        "token": ["abcdefghijkl", True],
        "n": -1.5,
        CARD: int(CARD),
        "long": 10**5000,
        "pin": 10**5000,
    }

    assert mask_tree(tree) == {
        "items": [{"password": "****", "cvc": "****", "ok": True, "none": None}],
        "token": ["****ijkl", True],
        "n": -1.5,
        "****4242": "****4242",
        "long": 10**5000,
        "pin": "****",
    }


def test_where_only_shapes_count_names_say_nothing():
    tree = {"token": "abcdefghijkl", "pin": 10**5000, "list": [KEY, int(CARD), True]}

    assert mask_shapes(tree) == {
        "token": "abcdefghijkl",
        "pin": 10**5000,
        "list": ["****5678", "****4242", True],
    }


# For any text

plain = st.text(alphabet="abcdefgh ÄÖ€\"'{}[]<>:,.&=\\\n-_5", max_size=60)


@given(plain, plain, st.sampled_from(["application/json", FORM, "text/xml", "multipart/form-data", ""]))
def test_a_key_is_masked_wherever_it_stands(before, after, media_type):
    text = f"{before} {KEY} {after}"

    for masked in (mask_body(text, media_type), mask_text(text), mask_header("x-note", text)):
        assert "abcdefgh1234" not in masked


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=30) | st.integers(0, 10**6)),
    st.text(min_size=1, max_size=30),
)
def test_json_stays_json_and_what_is_no_secret_stays_as_it_was(rest, secret):
    rest = {name: value for name, value in rest.items() if mask_tree({name: value}) == {name: value}}
    body = json.dumps({**rest, "password": secret}, ensure_ascii=False)

    assert json.loads(mask_body(body, "application/json")) == {**rest, "password": "****"}


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20))))
def test_a_form_without_secrets_stays_to_the_letter(pairs):
    pairs = [(name, value) for name, value in pairs if mask_tree({name: value}) == {name: value}]
    body = urlencode(pairs)

    assert mask_urlencoded(body) == body
    assert mask_body(body + "&password=x+y", FORM) == body + "&password=****"


@given(st.text(max_size=200))
def test_no_text_breaks_it(text):
    for media_type in ("application/json", FORM, "text/xml", "multipart/form-data"):
        mask_body(text, media_type)
    mask_target(text)
    mask_header("cookie", text)
    parse_qsl(mask_urlencoded(text))


def test_half_a_character_breaks_nothing():
    for text in ("\ud800", f"\udcff {KEY} {CARD}", f'{{"\udcff": "{KEY}", "password": "\ud800"}}'):
        for shown in (
            mask_body(text),
            mask_text(text),
            mask_target(f"/a?x={text}"),
            mask_header("x", text),
            str(mask_tree([text])),
        ):
            assert "abcdefgh1234" not in shown
            assert CARD not in shown
    assert mask_tree({"\ud800": "\udcff ok"}) == {"\ud800": "\udcff ok"}


@pytest.mark.parametrize(
    "piece",
    ["eyJaaaaaaaa-", "1 ", "4242 ", '"', '\\"key', 'name="key\r\n', "-----BEGIN PRIVATE KEY-----", "://a:", "token=", "<token ", "bearer ", "SG.a", "&a=b"],
)  # fmt: skip
def test_nothing_that_comes_makes_it_slow(piece):
    """Each of these took minutes, or would, by a pattern that tries again from every place."""
    text = piece * (65536 // len(piece))

    for media_type in ("application/json", FORM, "multipart/form-data"):
        assert len(re.sub(r"\*", "", mask_body(text, media_type))) <= len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            'mutation { login(user: "ann", password: "hunter22") }',
            'mutation { login(user: "ann", password: "****") }',
        ),
        ('{ login(input: {password:"hunter22"}) }', '{ login(input: {password:"****"}) }'),
        ('{ login(password: """a "b" c""") }', '{ login(password: """****""") }'),
        ('query($password: String! = "hunter22") { a }', 'query($password: String! = "****") { a }'),
        (
            json.dumps({"query": 'mutation { login(password: "hunter22") }'}),
            json.dumps({"query": 'mutation { login(password: "****") }'}),
        ),
        (
            json.dumps({"payload": json.dumps({"q": '{ login(password: "hunter22") }'})}),
            json.dumps({"payload": json.dumps({"q": '{ login(password: "****") }'})}),
        ),
        (
            json.dumps({"payload": json.dumps({"deep": json.dumps({"password": "hunter22"})})}),
            json.dumps({"payload": json.dumps({"deep": json.dumps({"password": "****"})})}),
        ),
        ('{"log": "password: hunter22, retried"}', '{"log": "password: ****, retried"}'),
        ("{'user': 'ann', 'password': 'hunter22'}", "{'user': 'ann', 'password': '****'}"),
        ("user: ann\npassword: hunter22\n", "user: ann\npassword: ****\n"),
        ('login with password = "hunter22" failed', 'login with password = "****" failed'),
        ("password=hunter22", "password=****"),
    ],
)
def test_a_password_is_masked_wherever_its_name_stands_before_it(text, shown):
    assert mask_body(text) == shown
    assert mask_body(shown) == shown
    assert mask_tree({"note": text}) == {"note": shown}


@pytest.mark.parametrize(
    "text",
    [
        'json.password: expected "a", got "b"',
        "mutation($password: String!) { a }",
        "the token: a text, the key: another",
        'query { user(name: "ann", first: 10) { key: name } }',
        "passwords are long: 12 characters",
    ],
)
def test_a_name_that_has_no_value_behind_it_hides_nothing(text):
    assert mask_body(text) == text


def test_masking_a_large_text_takes_linear_time():
    for text in ('password: "' * 100_000, "password:" * 100_000, "p" * 1_000_000 + ":", '\\"' * 500_000):
        cheap(5, lambda text=text: mask_body(text))


CODE = "4/0AX4XfWh-zyoHdBAQaT7IMuoWpq"


@pytest.mark.parametrize(
    ("text", "media_type", "shown"),
    [
        (f"grant_type=authorization_code&code={CODE}", "application/x-www-form-urlencoded", "grant_type=authorization_code&code=****oWpq"),
        (f'{{"code": "{CODE}"}}', "application/json", '{"code": "****oWpq"}'),
        ('{"code": 400, "error": {"code": "rate_limit_exceeded_for_this_key", "codes": [1]}}', "application/json", None),
        ('{"code": [400, 401], "country": {"code": "DE"}}', "application/json", None),
        ("code=NL1012AB&x=1", "application/x-www-form-urlencoded", None),
        ('{"code": "sk_test_1234567890abc"}', "application/json", '{"code": "****0abc"}'),
        ('{"code": "{\\"password\\": \\"hunter2\\"}"}', "application/json", '{"code": "{\\"password\\": \\"****\\"}"}'),
        ("code=sk_test_1234567890abc", "application/x-www-form-urlencoded", "code=****0abc"),
    ],
)  # fmt: skip
def test_a_code_is_masked_if_it_is_random(text, media_type, shown):
    assert mask_body(text, media_type) == (shown or text)
