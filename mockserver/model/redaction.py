"""
Secrets are masked wherever the house shows what came: admin API, logs, HAR, dashboard, reports.

Kept are the scheme and the last 4 characters: `Bearer ****7890`. The record itself keeps the truth.
"""

from __future__ import annotations

import re
from typing import Any

_SECRET_HEADERS = frozenset({
    "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "apikey",
    "x-auth-token", "x-access-token", "stripe-signature", "x-amz-security-token",
})  # fmt: skip
_KEYS = re.compile(
    r"\b(?:(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{8,}|whsec_[0-9A-Za-z+/=]{8,}|sk-[0-9A-Za-z_-]{16,}"
    r"|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,}|xox[abprs]-[0-9A-Za-z-]{10,}|AKIA[0-9A-Z]{16}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|AIza[\w-]{30,}|ey[JK][\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"
)
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])")


def mask(secret: str) -> str:
    """
    A secret with only its end in sight.

    >>> mask("sk_test_1234567890")
    '****7890'
    """
    return "****" + (secret[-4:] if len(secret) > 8 else "")


def is_card_number(text: str) -> bool:
    """Whether its 13 to 19 digits pass the Luhn check (ISO/IEC 7812-1)."""
    digits = [int(c) for c in text if c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [d if i % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def mask_text(text: str) -> str:
    """The text with card numbers and keys of well-known shapes masked."""
    text = _KEYS.sub(lambda found: mask(found[0]), text)
    return _CARD.sub(lambda found: mask(found[0]) if is_card_number(found[0]) else found[0], text)


def mask_header(name: str, value: str) -> str:
    """
    A header's value as it may be shown.

    >>> mask_header("Authorization", "Bearer abcdef1234567890")
    'Bearer ****7890'
    """
    name = name.lower()
    if name not in _SECRET_HEADERS:
        return mask_text(value)
    if name in ("authorization", "proxy-authorization"):
        scheme, space, secret = value.partition(" ")
        return f"{scheme} {mask(secret.strip())}" if space else mask(value)
    if name == "cookie":
        return "; ".join(_mask_cookie(piece) for piece in value.split("; "))
    if name == "set-cookie":
        first, semicolon, rest = value.partition(";")
        return _mask_cookie(first) + semicolon + rest
    return mask(value)


def _mask_cookie(piece: str) -> str:
    name, equals, value = piece.partition("=")
    return f"{name}{equals}{mask(value)}"


def mask_tree(value: Any) -> Any:
    """A JSON value with every text in it masked."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, list):
        return [mask_tree(item) for item in value]
    if isinstance(value, dict):
        return {key: mask_tree(item) for key, item in value.items()}
    return value
