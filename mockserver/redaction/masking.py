"""
Masks secrets in texts: `Bearer ****7890`.

The scheme and the last 4 characters are kept; passwords and security codes are masked completely. Values with named
parts (bodies, queries) are masked by `redaction`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from mockserver.redaction.secrets import (
    DIGITS,
    KEYS,
    MAYBE,
    PRIVATE_KEYS,
    STEMS,
    USER_AND_PASSWORD,
    SecretName,
    SecretPattern,
    card_numbers,
    is_random,
    named,
)

MASK = "****"
_SECRET_HEADERS = frozenset({"stripe-signature", "x-amz-security-token", "x-functions-key"})
_TOKEN_HEADER = re.compile(r".*(?<!page)(?<!next)[-_]token")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,23}")
_CREDENTIALS = SecretPattern(r"(?i)\b(bearer|basic)([ +]|%20)([0-9A-Za-z._~+/=-]{8,})")
_ASSIGNED = SecretPattern(rf"""(?i)([\w.\[\]%-]*(?:{STEMS})[\w.\[\]%-]*=)([^\s&#;,"'<>\\]+)""")
_HINT = SecretPattern(
    rf"(?i:(?:{STEMS})[\w.\[\]%-]*=|\b(?:bearer|basic)[ +%])|://[^/\s]*@|PRIVATE KEY-----"
    rf"|{KEYS.source}|{DIGITS}"
)
"""Matches every text with a key, a password or a card number, so that most texts need no further search."""
LEAST_CHARS = 5
"""A shorter text is not a secret, and can't contain a name and a secret."""
_SHORT_CHARS = 24


def mask(secret: str) -> str:
    """
    Return a secret with only its last characters; none of a short one. A masked value is not changed.

    >>> mask("sk_test_1234567890"), mask("hunter2"), mask("****7890")
    ('****7890', '****', '****7890')
    """
    if len(secret) > 8:
        return MASK + secret[-4:]
    return secret if secret.startswith(MASK) else MASK


def mask_text(text: str) -> str:
    """
    Return a text without secrets of known shape, or after a known name with `=`.

    >>> mask_text("GET /pay?api_key=abcdefghijkl&card=4242424242424242")
    'GET /pay?api_key=****ijkl&card=****4242'
    """
    if len(text) < LEAST_CHARS or (len(text) <= _SHORT_CHARS and not MAYBE.search(text)):
        return text
    return _without_cards(_without_keys(text)) if _HINT.found_in(text) else text


def _without_keys(text: str) -> str:
    text = _ASSIGNED.replaced(text, _assigned)
    if "://" in text:
        text = USER_AND_PASSWORD.replaced(text, lambda match: f"{match[1]}{MASK}@")
    if "PRIVATE KEY-----" in text:
        text = PRIVATE_KEYS.replaced(text, lambda match: f"{match[1]}{MASK}{match[3]}")
    text = _CREDENTIALS.replaced(text, _credentials)
    return KEYS.replaced(text, lambda match: mask(match[0]))


def _assigned(match: Any) -> str:
    name, value = match[1], match[2]
    kind = named(name[:-1])
    return str(match[0]) if kind is None else f"{name}{mask_named(kind, value)}"


def _credentials(match: Any) -> str:
    scheme, blank, secret = match[1], match[2], match[3]
    is_word = len(secret) < 20 and not any(char.isdigit() for char in secret)  # "basic authentication"
    return match[0] if is_word else f"{scheme}{blank}{mask(secret)}"


def _without_cards(text: str) -> str:
    pieces, end = [], 0
    for start, stop in card_numbers(text):
        pieces += [text[end:start], mask(text[start:stop])]
        end = stop
    return "".join([*pieces, text[end:]]) if pieces else text


def mask_named(kind: SecretName, value: str) -> str:
    """Return a value masked according to its name."""
    if kind in (SecretName.PASSWORD, SecretName.SECURITY_CODE):
        return MASK if value else value
    if kind is SecretName.CODE and not is_random(value):
        return mask_text(value)
    return _mask_credentials(value) if kind is SecretName.CREDENTIALS else mask(value)


def mask_header(name: str, value: str) -> str:
    """
    Return the value of a header, masked.

    >>> mask_header("Authorization", "Bearer abcdef1234567890")
    'Bearer ****7890'
    """
    name = name.lower()
    if name == "cookie":
        return "; ".join(_mask_cookie(piece.strip()) for piece in value.split(";"))
    if name == "set-cookie":
        first, semicolon, rest = value.partition(";")
        return _mask_cookie(first) + semicolon + rest
    kind = named(name)
    if kind is not None:
        return mask_named(kind, value)
    if name in _SECRET_HEADERS or _TOKEN_HEADER.fullmatch(name):
        return mask(value)
    return mask_text(value)


def _mask_credentials(value: str) -> str:
    """Mask credentials (RFC 9110 11.4): a scheme, a blank and a secret; without a scheme, the complete value."""
    scheme, blank, secret = value.partition(" ")
    return f"{scheme} {mask(secret.strip())}" if blank and _SCHEME.fullmatch(scheme) else mask(value)


def _mask_cookie(piece: str) -> str:
    name, equals, value = piece.partition("=")
    return f"{name}={mask(value)}" if equals else mask(piece)


def mask_path(path: str) -> str:
    """Return a raw path, masked. A segment with a percent-encoded secret is shown decoded."""
    if "%" not in path:
        return mask_text(path)
    return "/".join(masked_encoded(segment, unquote(segment), mask_text) for segment in path.split("/"))


def masked_encoded(raw: str, text: str, masked: Callable[[str], str]) -> str:
    """Return `raw`, which is `text` in percent-encoding, with `text` masked."""
    shown = masked(text)
    return raw if shown == text else quote(shown, safe="*:@!$'()+,;=~/?{}[]\"")
