"""
Secrets in what an application sent: card numbers, security codes, live keys, private keys, passwords.

Named with their place, never shown whole. In a header that is there for
credentials a key is where it belongs, unless it says that it is live.
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
"""Names and values in a source that is JSON, XML or a multipart form, whole or not."""
_PLACEHOLDER = re.compile(r"[\W_]*|[xX]+|\W*(?:redacted|filtered|masked|hidden)\W*", re.IGNORECASE)
"""What stands where a secret was taken out."""


def leaks_of(request: Request) -> Iterator[str]:
    """A line for each secret: what it is and where it stood."""
    yield from _in_text("path", unquote(request.path))
    for name, value in request.query_pairs:
        yield from _in_field(f"query.{name}", name, value)
    for name, value in request.headers.pairs:
        yield from _in_header(name.lower(), value)
    for name, value in request.cookie_pairs:
        yield from _told(f"cookies.{name}", name, value)
    if request.body:
        try:
            yield from list(_in_body(request))
        except UnreadableBodyError:  # cut off, or never whole: then its source is read
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
    """The body as far as it is there; bytes that are no UTF-8 become characters that are in no secret."""
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
    yield from _told(place, name, value)
    yield from _in_source(place, value) if value[:1] in ("{", "[", "<") else _in_text(place, value)


def _told(place: str, name: str, value: str) -> Iterator[str]:
    """What the name says."""
    kind = named(name)
    if kind not in (SecretName.PASSWORD, SecretName.SECURITY_CODE) or _PLACEHOLDER.fullmatch(value):
        return
    if kind is SecretName.PASSWORD or any(char.isdigit() for char in value):
        yield f"{kind.value} in {place}"


def _in_source(place: str, text: str) -> Iterator[str]:
    lines = [
        line
        for pattern in _PAIRS
        for found in pattern.all_in(text)
        for line in _told(f"{place}.{found[1]}", found[1], found[2].lstrip('\\"'))
    ]
    yield from lines
    yield from (line for line in _in_text(place, text) if line not in lines)


def _in_text(place: str, text: str) -> Iterator[str]:
    if ":" in text or "=" in text:
        for pattern in (NAMED_TEXT, NAMED_WORD):
            for found in pattern.all_in(text):
                if pattern is NAMED_TEXT or named(found[2]) is SecretName.PASSWORD:
                    yield from _told(f"{place}.{found[2]}", found[2], found[3].lstrip("\\\"'"))
    for found in _ASSIGNED.all_in(text):
        yield from _told(f"{place}.{found[1]}", found[1], found[2])
    if USER_AND_PASSWORD.found_in(text):
        yield f"a password in a URL in {place}"
    if "PRIVATE KEY-----" in text and PRIVATE_KEYS.found_in(text):
        yield f"a private key in {place}"
    yield from _keys(LIVE_KEYS, place, text)
    yield from _cards(place, text)


def _keys(pattern: SecretPattern, place: str, text: str) -> Iterator[str]:
    for found in pattern.all_in(text):
        yield f"a live key {mask(found[0])} in {place}"


def _cards(place: str, text: str) -> Iterator[str]:
    for start, end in card_numbers(text):
        yield f"a card number {mask(text[start:end])} in {place}"
