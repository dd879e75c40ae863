"""
Comparison of requests: whether two requests may be attempts of one operation.

A request is split into fields by path (`query.page`, `json.items[0].sku`, `form.amount`,
`headers.x-amz-target`). Requests are equal if method, path and all fields are equal, except for
volatile fields and the idempotency key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from mockserver.attempts.volatile import Reason, Volatile, reason_of
from mockserver.errors import KeyPath, invalid, shown
from mockserver.model.call import Call
from mockserver.model.grpc import GrpcRequest
from mockserver.model.http import Part, Request, UnreadableBodyError
from mockserver.model.written import WrittenFloat

COMPARED_HEADERS = (
    "content-range",
    "x-amz-target",
    "soapaction",
    "x-http-method-override",
    "stripe-account",
)
"""Headers that are compared, besides `range`, which a resumed download changes."""
MAX_FIELDS = 2000
"""Maximum number of fields of a body; one with more is compared as a whole."""
_MAX_BYTES = 1 << 20
"""Maximum size of a body that is parsed; a larger one is compared by its bytes."""

_NOT_BARE = re.compile(r"[.\[\]]")

Fields = dict[str, Any]
"""The fields of a request by path; a repeated name has a tuple of values."""


class Ignored:
    """Fields that are declared to vary between attempts: `json.line`, `json.items[*].id`, `query.rand`, `body`."""

    __slots__ = ("_pattern", "texts")

    def __init__(self, texts: Iterable[str] = (), path: KeyPath = ()) -> None:
        """Raises InvalidInputError for what does not name a field."""
        self.texts = tuple(texts)
        self._pattern = re.compile("|".join(_pattern(text, (*path, i)) for i, text in enumerate(self.texts)))

    def __add__(self, other: Ignored) -> Ignored:
        return Ignored((*self.texts, *other.texts)) if other.texts else self

    def __contains__(self, field: str) -> bool:
        return bool(self.texts) and self._pattern.fullmatch(field) is not None


def _pattern(text: str, path: KeyPath) -> str:
    if text == "body":
        return r"(?:json|message|form|files|body)\b.*"
    root, name = re.match(r"(\w*)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if root not in ("json", "message", "form", "query", "headers") or (name and name[0] not in ".["):
        raise invalid(
            path, f"{shown(text)} does not name a field", "Write json.line, form.time, query.rand or body"
        )
    if root == "headers":
        name = name.lower()
    return re.escape(root + name).replace(r"\[\*\]", r"\[\d+\]") + r"(?:[.\[].*)?"


def fields_of(call: Call) -> Fields:
    """Return the fields of the query, the body and the compared headers."""
    request = call.request
    fields: Fields = _by_name("query", request.query_pairs) if request.query_string else {}
    for name in COMPARED_HEADERS:
        value = request.headers.get(name)
        if value is not None:
            fields[f"headers.{name}"] = value
    fields.update(body_fields(call))
    return fields


def body_fields(call: Call) -> Fields:
    """Return the fields of the body; only `body` with its SHA-256 if it can't be parsed."""
    request = call.request
    if call.body_sha256:
        return {"body": f"sha256 {call.body_sha256}"}
    if not request.body:
        return {}
    try:
        return _body_fields(request)
    except UnreadableBodyError:
        return {"body": _digest(request.body)}


def _body_fields(request: Request) -> Fields:
    """Raises UnreadableBodyError."""
    body = request.decoded_body
    if len(body) > _MAX_BYTES:
        return {"body": _digest(body)}
    if isinstance(request, GrpcRequest):
        return _json_fields(request.json, "message")
    media_type = request.media_type
    if media_type == "application/x-www-form-urlencoded":
        return _by_name("form", request.form_pairs)
    if media_type.startswith("multipart/"):
        return {
            **_by_name(
                "form",
                [(part.name or "", _part_text(part)) for part in request.parts if part.filename is None],
            ),
            **_by_name(
                "files",
                [(part.name or "", _file_text(part)) for part in request.parts if part.filename is not None],
            ),
        }
    if media_type.endswith("json") or body.lstrip()[:1] in (b"{", b"["):
        try:
            return _json_fields(request.json_as_written)
        except UnreadableBodyError:
            pass
    return {"body": _digest(body)}


def _digest(data: bytes) -> str:
    """Return a digest of bytes, with a prefix since hex alone would be taken for a random value."""
    return f"sha256 {hashlib.sha256(data).hexdigest()}"


def _part_text(part: Part) -> str:
    """Return the text of a part, or the digest of binary data."""
    try:
        return part.body.decode()
    except UnicodeDecodeError:
        return f"{part.content_type} {_digest(part.body)}"


def _file_text(part: Part) -> str:
    return f"{part.filename} {part.content_type} {_digest(part.body)}"


def _by_name(root: str, pairs: Iterable[tuple[str, str]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        field = f"{root}.{name}"
        before = fields.get(field)
        fields[field] = (
            value if before is None else (*before, value) if isinstance(before, tuple) else (before, value)
        )
    return fields


def _json_fields(value: object, root: str = "json") -> Fields:
    fields: Fields = {}
    pending = [(root, value)]
    while pending:
        path, item = pending.pop()
        if isinstance(item, dict) and item:
            pending.extend((_below(path, name), item[name]) for name in reversed(item))
        elif isinstance(item, list) and item:
            pending.extend((f"{path}[{i}]", item[i]) for i in reversed(range(len(item))))
        else:
            fields[path] = item
        if len(fields) + len(pending) > MAX_FIELDS:
            whole = json.dumps(_by_value(value), sort_keys=True).encode()
            return {"body": _digest(whole)}
    return fields


def _below(path: str, name: str) -> str:
    """Return the path of a member: `json.a`, or `json['a.b']` for a name with special characters."""
    return f"{path}.{name}" if name and not _NOT_BARE.search(name) else f"{path}['{name}']"


def _by_value(value: object) -> object:
    if isinstance(value, WrittenFloat):
        return _as_decimal(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _by_value(item) for name, item in value.items()}
    return [_by_value(item) for item in value] if isinstance(value, list) else value


def _as_decimal(value: WrittenFloat) -> str | float:
    """Return a number as text if it has more digits than a double, else the number."""
    exact, rounded = Decimal(value.text), Decimal(repr(float(value)))
    if exact != rounded:
        return f"number {exact.normalize()}"
    return int(value) if value.is_integer() else float(value)


def as_text(value: object) -> str:
    """Return a value as text for comparison: the number 1 and the text "1" differ, 1 and 1.0 don't."""
    return json.dumps(_by_value(value), sort_keys=True, default=str)


def split(call: Call, fields: Fields, ignored: Ignored) -> tuple[dict[str, str], dict[str, Volatile]]:
    """Return the stable and the volatile fields, by path, with their values as text."""
    stable: dict[str, str] = {}
    volatile: dict[str, Volatile] = {}
    for field, value in fields.items():
        if field in ignored:
            volatile[field] = Volatile(as_text(value), Reason.DECLARED)
            continue
        reason = reason_of(field, value, call.request.arrived_s, fields)
        if reason:
            volatile[field] = Volatile(as_text(value), reason)
        else:
            stable[field] = as_text(value)
    return stable, volatile


def digest_of(parts: Iterable[Any]) -> bytes:
    """Return a digest of 16 bytes, equal for equal parts."""
    return hashlib.blake2b(repr(tuple(parts)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
