"""
Secrets in requests: card numbers, security codes, live keys, private keys, passwords.

They are reported with their location, never in full. Keys in headers for
credentials are not reported, unless they are marked as live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from mockserver.model.http import Request, UnreadableBodyError
from mockserver.redaction.redaction import mask
from mockserver.redaction.secrets import (
    KEYS_THAT_SAY_LIVE,
    LIVE_KEYS,
    NAMED_TEXT,
    NAMED_WORD,
    PRIVATE_KEYS,
    STEMS,
    USER_AND_PASSWORD,
    SecretName,
    SecretPattern,
    card_numbers,
    named,
)

_FOR_CREDENTIALS = frozenset({
    "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "apikey", "x-auth-token",
    "x-access-token", "private-token", "x-amz-security-token", "x-goog-api-key",
})  # fmt: skip
_ASSIGNED = SecretPattern(rf"""(?i)([\w.\[\]%-]*(?:{STEMS})[\w.\[\]%-]*)=([^\s&#;,"'<>\\]+)""")
_PAIRS = (
    SecretPattern(
        rf'(?i)\\*"([^"\\]*(?:{STEMS})[^"\\]*)\\*"\s*:\s*("(?:[^"\\]|\\.)*|\\+"[^"\\]*|-?[0-9][0-9.]*)'
    ),
    SecretPattern(rf"(?i)<([\w.:-]*(?:{STEMS})[\w.:-]*)(?:\s[^<>]*)?>([^<]+)"),
    SecretPattern(rf"""(?i)\s([\w.:-]*(?:{STEMS})[\w.:-]*)\s*=\s*["']([^"'<>]+)"""),
    SecretPattern(rf'(?i)\bname="?([^"\r\n;]*(?:{STEMS})[^"\r\n;]*)(?:[^\r\n]*\r?\n)+?\r?\n([^\r\n]+)'),
)
"""Names and values in the source of JSON, XML or a multipart form, which may be incomplete."""
_PLACEHOLDER = re.compile(r"[\W_]*|[xX]+|\W*(?:redacted|filtered|masked|hidden)\W*", re.IGNORECASE)
"""Text in place of a removed secret."""


def leaks_of(request: Request) -> Iterator[str]:
    """Yield a line for each secret: its kind and location."""
    yield from _in_text("path", unquote(request.path))
    for name, value in request.query_pairs:
        yield from _in_field(f"query.{name}", name, value)
    for name, value in request.headers.pairs:
        yield from _in_header(name.lower(), value)
    for name, value in request.cookie_pairs:
        yield from _by_name(f"cookies.{name}", name, value)
    if request.body:
        try:
            yield from list(_in_body(request))
        except UnreadableBodyError:  # truncated or invalid: search its source
            yield from _in_source("body", _source(request))


def _in_header(name: str, value: str) -> Iterator[str]:
    if name in _FOR_CREDENTIALS:
        yield from _keys(KEYS_THAT_SAY_LIVE, f"headers.{name}", value)
        yield from _cards(f"headers.{name}", value)
    else:
        yield from _in_field(f"headers.{name}", name, value)


def _in_body(request: Request) -> Iterator[str]:
    """Raises UnreadableBodyError."""
    kind = request.media_type
    if kind.endswith("json") or request.decoded_body.lstrip()[:1] in (b"{", b"["):
        yield from _in_tree("json", "", request.json)
    elif kind == "application/x-www-form-urlencoded":
        for name, value in request.form_pairs:
            yield from _in_field(f"form.{name}", name, value)
    elif kind == "multipart/form-data":
        for part in request.parts:
            place = f"form.{part.name}" if part.filename is None else f"files.{part.name}"
            yield from _in_field(place, part.name or "", part.text)
    else:
        yield from _in_source("body", request.text)


def _source(request: Request) -> str:
    """Return the body as text, with replacement characters for invalid UTF-8."""
    try:
        return request.decoded_body.decode("utf-8", "replace")
    except UnreadableBodyError:
        return request.body.decode("utf-8", "replace")


def _in_tree(place: str, name: str, value: object, depth: int = 0) -> Iterator[str]:
    if depth > 200:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _in_text(place, key)
            yield from _in_tree(f"{place}.{key}", key, item, depth + 1)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _in_tree(f"{place}[{i}]", name, item, depth + 1)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield from _in_field(place, name, str(value))


def _in_field(place: str, name: str, value: str) -> Iterator[str]:
    yield from _by_name(place, name, value)
    yield from _in_source(place, value) if value[:1] in ("{", "[", "<") else _in_text(place, value)


def _by_name(place: str, name: str, value: str) -> Iterator[str]:
    """Yield a line if the name is one of a password or security code."""
    kind = named(name)
    if kind not in (SecretName.PASSWORD, SecretName.SECURITY_CODE) or _PLACEHOLDER.fullmatch(value):
        return
    if kind is SecretName.PASSWORD or any(char.isdigit() for char in value):
        yield f"{kind.value} in {place}"


def _in_source(place: str, text: str) -> Iterator[str]:
    lines = [
        line
        for pattern in _PAIRS
        for match in pattern.all_in(text)
        for line in _by_name(f"{place}.{match[1]}", match[1], match[2].lstrip('\\"'))
    ]
    yield from lines
    yield from (line for line in _in_text(place, text) if line not in lines)


def _in_text(place: str, text: str) -> Iterator[str]:
    if ":" in text or "=" in text:
        for pattern in (NAMED_TEXT, NAMED_WORD):
            for match in pattern.all_in(text):
                if pattern is NAMED_TEXT or named(match[2]) is SecretName.PASSWORD:
                    yield from _by_name(f"{place}.{match[2]}", match[2], match[3].lstrip("\\\"'"))
    for match in _ASSIGNED.all_in(text):
        yield from _by_name(f"{place}.{match[1]}", match[1], match[2])
    if USER_AND_PASSWORD.found_in(text):
        yield f"a password in a URL in {place}"
    if "PRIVATE KEY-----" in text and PRIVATE_KEYS.found_in(text):
        yield f"a private key in {place}"
    yield from _keys(LIVE_KEYS, place, text)
    yield from _cards(place, text)


def _keys(pattern: SecretPattern, place: str, text: str) -> Iterator[str]:
    for match in pattern.all_in(text):
        yield f"a live key {mask(match[0])} in {place}"


def _cards(place: str, text: str) -> Iterator[str]:
    for start, end in card_numbers(text):
        yield f"a card number {mask(text[start:end])} in {place}"
