"""
JSON Web Tokens (RFC 7519): reading them, and signatures by keys of the server.

A key is derived from its number, so it is the same in every namespace, replica and run, and a restart keeps its tokens
valid. The keys are public: they protect nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.errors import KeyPath, MissingExtraError, MockServerError

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("RS256", "ES256")
MAX_TOKEN_CHARS = 16 << 10
_MAX_DEPTH = 100
_KEY_ID = re.compile(r"(rs256|es256)-([1-9][0-9]{0,8})")
_PRIME_BYTES = 128
_EXPONENT = 65537
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_PRIMES = ((376, 204), (518, 612), (704, 1688), (1224, 880))
"""
The distances of the two primes of each RSA key from the numbers that their names give: searching for them takes long.
Keys with higher numbers repeat these.
"""


class UnreadableTokenError(MockServerError):
    """The text is not a JSON Web Token. The message continues "but"."""


@dataclass(frozen=True, slots=True)
class WebToken:
    """A token that was read. Its signature was not verified."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]


def read_token(text: str) -> WebToken:
    """Return the parts of a signed token. Raises UnreadableTokenError."""
    parts = text.split(".")
    if len(text) > MAX_TOKEN_CHARS:
        raise UnreadableTokenError(f"it is longer than {MAX_TOKEN_CHARS:,} characters")
    if len(parts) != 3:
        raise UnreadableTokenError("it is not a JSON Web Token: it does not have three parts")
    return WebToken(text, _part("header", parts[0]), _part("payload", parts[1]))


def _number(text: str) -> float:
    """Return a number that can be written again."""
    value = float(text)
    if value - value:  # true for infinite numbers and NaN
        raise ValueError(text)
    return value


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_number)


def _part(name: str, text: str) -> dict[str, Any]:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        value = _DECODER.decode(data.decode()) if data.count(b"[") + data.count(b"{") <= _MAX_DEPTH else None
    except (binascii.Error, ValueError):
        value = None
    if not isinstance(value, dict):
        raise UnreadableTokenError(
            f"it is not a JSON Web Token: its {name} is not a JSON object in base64url"
        )
    return value


def bearer_token(text: str) -> str:
    """Return the value of a header without `Bearer`."""
    scheme, _, token = text.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else text.strip()


# Keys


def require_jwt(path: KeyPath, feature: str) -> None:
    """Import what signs tokens, when a scenario is loaded. Raises MissingExtraError."""
    try:
        import joserfc.jwt  # noqa: F401
    except ImportError:
        raise MissingExtraError(path, feature, "jwt") from None


def key_id(algorithm: str, number: int) -> str:
    return f"{algorithm.lower()}-{number}"


def public_key(algorithm: str, number: int) -> dict[str, Any]:
    """Return the public key as a JSON Web Key (RFC 7517)."""
    jwk = signing_key(algorithm, number).as_dict(private=False)
    return {**jwk, "use": "sig", "alg": algorithm, "kid": key_id(algorithm, number)}


def sign(claims: Mapping[str, Any], algorithm: str, number: int, kind: str = "JWT") -> str:
    """Return a token signed with that key: the same for the same arguments, also with ES256 (RFC 6979)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    header = {"typ": kind, "alg": algorithm, "kid": key_id(algorithm, number)}
    body = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    key = signing_key(algorithm, number).private_key
    assert key is not None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        der = key.sign(body.encode(), ec.ECDSA(SHA256(), deterministic_signing=True))
        mark = b"".join(each.to_bytes(32) for each in decode_dss_signature(der))
    else:
        mark = key.sign(body.encode(), PKCS1v15(), SHA256())
    return f"{body}.{_base64url(mark)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_signed(token: WebToken) -> bool:
    """Whether a key of the server signed the token."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    known = _KEY_ID.fullmatch(str(token.header.get("kid")))
    if known is None:
        return False
    algorithm = known[1].upper()
    try:
        jwt.decode(token.text, signing_key(algorithm, int(known[2])), algorithms=[algorithm])
    except (JoseError, ValueError):
        return False
    return True


@lru_cache(maxsize=32)
def signing_key(algorithm: str, number: int) -> RSAKey | ECKey:
    """Return the private key with that number, from 1. Numbers above that of the last known key repeat the first ones."""
    number = (number - 1) % len(_PRIMES)
    if algorithm == "RS256":
        return _rsa_key(number)
    from cryptography.hazmat.primitives.asymmetric import ec
    from joserfc.jwk import ECKey

    secret = int.from_bytes(_derived(f"ES256 {number}", 40)) % (_P256_ORDER - 1) + 1
    return ECKey.import_key(ec.derive_private_key(secret, ec.SECP256R1()))


def _rsa_key(number: int) -> RSAKey:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from joserfc.jwk import RSAKey

    p, q = (prime_start(number, i) + distance for i, distance in enumerate(_PRIMES[number]))
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    private = rsa.RSAPrivateNumbers(p, q, d, *crt, public)
    return RSAKey.import_key(private.private_key(unsafe_skip_rsa_key_validation=True))


def prime_start(number: int, i: int) -> int:
    """Return the odd number from which the i-th prime of an RSA key is searched; its two highest bits are set."""
    start = int.from_bytes(_derived(f"RS256 {number} {i}", _PRIME_BYTES))
    return start | (3 << (8 * _PRIME_BYTES - 2)) | 1


def _derived(name: str, length: int) -> bytes:
    return hashlib.shake_256(f"mockserver {name}".encode()).digest(length)
