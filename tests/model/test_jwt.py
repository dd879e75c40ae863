"""Reading JSON Web Tokens, and the keys of the server."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import import_key

from mockserver import jwt

OBJECTS = st.dictionaries(
    st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(), max_size=5
)


INFINITE, DEEP = b'{"a": 1e999}', b"[" * 5000


def part(value: object) -> str:
    return raw(json.dumps(value).encode())


def raw(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@given(OBJECTS, OBJECTS)
def test_what_was_written_is_read(header: dict[str, object], claims: dict[str, object]) -> None:
    token = jwt.read_token(f"{part(header)}.{part(claims)}.x")

    assert (token.header, token.claims) == (header, claims)


@given(st.text() | st.from_regex(r"[\w-]{1,20}\.[\w-]{1,20}\.[\w-]{0,20}", fullmatch=True))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        token = jwt.read_token(text)
    except jwt.UnreadableTokenError:
        return
    json.dumps([token.header, token.claims], allow_nan=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("opaque", "three parts"),
        ("a.b.c", "its header"),
        (f"{part({})}.{part([])}.c", "its payload"),
        (f"{part({})}.{part({'a': float('nan')})}.c", "its payload"),
        (f"{part({})}.{raw(INFINITE)}.c", "its payload"),
        (f"{part({})}.{raw(DEEP)}.c", "its payload"),
        (f"{part({})}.{part({'a': 'x' * 20000})}.c", "longer than"),
    ],
)
def test_the_reason_is_told(text: str, said: str) -> None:
    with pytest.raises(jwt.UnreadableTokenError, match=said):
        jwt.read_token(text)


@pytest.mark.parametrize("algorithm", jwt.ALGORITHMS)
def test_a_signature_is_that_of_the_numbered_key(algorithm: str) -> None:
    text = jwt.sign({"sub": "ann"}, algorithm, 2)
    token = jwt.read_token(text)
    head, body, mark = text.split(".")

    assert jwt.is_signed(token)
    for other in (
        f"{head}.{part({'sub': 'eve'})}.{mark}",
        f"{part({**token.header, 'kid': jwt.key_id(algorithm, 1)})}.{body}.{mark}",
        f"{part({**token.header, 'alg': 'none'})}.{body}.",
        f"{part({**token.header, 'kid': 'other'})}.{body}.{mark}",
        f"{head}.{body}.",
        f"{head}.{body}.A{mark}",
    ):
        assert not jwt.is_signed(jwt.read_token(other)), other
    assert import_key(jwt.public_key(algorithm, 2)).is_private is False


def test_a_secret_can_not_be_the_public_key() -> None:
    """RFC 8725 2.1: the algorithm is that of the key, not that of the token."""
    forged = jwt.sign({"sub": "eve"}, "RS256", 1)
    _, body, mark = forged.split(".")
    header = {**jwt.read_token(forged).header, "alg": "HS256"}

    assert not jwt.is_signed(jwt.read_token(f"{part(header)}.{body}.{mark}"))


@pytest.mark.parametrize("number", range(4))
def test_the_primes_of_the_keys_are_primes(number: int) -> None:
    """Two bases are sufficient: the numbers were not chosen to deceive."""
    p, q = (jwt.prime_start(number, i) + distance for i, distance in enumerate(jwt._PRIMES[number]))

    assert p != q
    assert (p * q).bit_length() == 2048
    for prime in (p, q):
        assert pow(2, prime - 1, prime) == pow(3, prime - 1, prime) == 1


def test_keys_differ_until_they_repeat() -> None:
    keys = [jwt.public_key("RS256", number)["n"] for number in range(1, 6)]

    assert len(set(keys)) == 4
    assert keys[4] == keys[0]
