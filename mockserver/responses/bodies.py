"""
Bodies of replies: every kind compiled to bytes, or to a function of the call.

A body without templates is made once, at load.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import mimetypes
import zlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from mockserver.errors import ReadFile, invalid, shown
from mockserver.model.written import as_text, with_decimals, written_json
from mockserver.schema.reply import ReplySpec
from mockserver.schema.webhook import WebhookSpec
from mockserver.templating.templates import Scope, Template, TemplateError, Tree, compile_text, compile_tree

Bytes = Callable[[Scope], bytes]

_CONTENT_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "xml": "application/xml",
    "base64": "application/octet-stream",
    "form": "application/x-www-form-urlencoded",
    "events": "text/event-stream",
    "chunks": "text/plain; charset=utf-8",
}


class Body:
    """A compiled body: `static` if nothing varies, else `render` makes it. `etag` is that of a file's bytes."""

    __slots__ = ("content_type", "etag", "kind", "render", "static")

    def __init__(
        self, kind: str, content_type: str, *, static: bytes | None = None, render: Bytes | None = None
    ) -> None:
        self.kind = kind
        self.content_type = content_type
        self.static = static
        self.render = render
        self.etag: str | None = None

    def bytes_of(self, scope: Scope | None) -> bytes:
        if self.static is not None:
            return self.static
        assert self.render is not None
        assert scope is not None
        return self.render(scope)


_READABLE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=as_text)
_ESCAPED = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=as_text)


_MAKE = getattr(json.encoder, "c_make_encoder", None)
_IN_PIECES = _MAKE and _MAKE(
    None, as_text, json.encoder.encode_basestring, None, ":", ",", False, False, False
)
"""The C encoder of `_READABLE` in CPython: creating it takes longer than encoding most bodies."""


def dump_json(value: object) -> bytes:
    """Return compact JSON in UTF-8; a lone surrogate is escaped."""
    try:
        return _json_text(value).encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(value).encode()


def _json_text(value: object) -> str:
    return _READABLE.encode(value) if _IN_PIECES is None else "".join(_IN_PIECES(value, 0))


def _dump_decimals(value: object) -> bytes:
    """Like `dump_json`, for values with Decimals. Slower."""
    return written_json(value, lambda item: dump_json(item).decode()).encode()


def json_writer(value: object) -> tuple[Any, Callable[[Any], bytes]]:
    """Return a JSON value with its decimals as written, and its encoder, which also works after templates are filled in."""
    exact = with_decimals(value)
    return exact, dump_json if exact is value else _dump_decimals


def compile_body(
    spec: ReplySpec | WebhookSpec, read_file: ReadFile, names: frozenset[str] | None
) -> Body | None:
    """
    Compile the body of a reply, None for an empty one; `streams` compiles `events` and `chunks`. Raises
    InvalidInputError, paths relative to the reply.
    """
    kind = spec.body_kind
    if kind is None or kind in ("events", "chunks"):
        return None
    value = getattr(spec, "json_" if kind == "json" else kind)
    if value is None and kind != "json":
        raise invalid((kind,), f"`{kind}` has no value", "Leave the key out for an empty body")
    if kind == "file":
        return _file(value, read_file)
    body = Body(kind, _CONTENT_TYPES[kind])
    if kind in ("json", "form"):
        _compile_tree(body, value, raw=spec.raw, names=names)
    else:
        _compile_text(body, as_text(value), raw=spec.raw, names=names)
    return body


def _file(name: str, read_file: ReadFile) -> Body:
    content = read_file(name, ("file",))
    guessed, coding = mimetypes.guess_type(name)
    content_type = guessed or "application/octet-stream"
    if coding:
        content_type = "application/gzip" if coding == "gzip" else "application/octet-stream"
    elif content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    body = Body("file", content_type, static=content)
    body.etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return body


def _compile_tree(body: Body, value: object, *, raw: bool, names: frozenset[str] | None) -> None:
    write: Callable[[Any], bytes] = _dump_form
    if body.kind == "json":
        value, write = json_writer(value)
    if raw:
        body.static = write(value)
        return
    tree = compile_tree(value, (body.kind,), names=names)
    if tree.constant:
        body.static = write(value)
    else:
        body.render = (
            _rendering_json(tree) if write is dump_json else _rendering(tree, "value", write, body.kind)
        )


def _rendering(made: Template | Tree, way: str, write: Callable[[Any], bytes], place: str) -> Bytes:
    def render(scope: Scope) -> bytes:
        value = getattr(made, way)(scope)  # not before: the function is created on first use
        try:
            return write(value)
        except _UNWRITABLE as error:
            raise _unwritable(error, place) from error

    return render


def _rendering_json(tree: Tree) -> Bytes:
    make: Callable[[Scope], str] | None = None

    def render(scope: Scope) -> bytes:
        nonlocal make
        try:
            if make is None:
                make = tree.json(_json_text)
            text = make(scope)
        except _UNWRITABLE as error:
            raise _unwritable(error, "json") from error
        try:
            return text.encode()
        except UnicodeEncodeError:
            return _ESCAPED.encode(json.loads(text)).encode()

    return render


_UNWRITABLE = (TypeError, ValueError, RecursionError)


def _unwritable(error: Exception, place: str) -> TemplateError:
    return TemplateError(f"the value can't be written: {error}", place=place)


def _compile_text(body: Body, text: str, *, raw: bool, names: frozenset[str] | None) -> None:
    write = _from_base64 if body.kind == "base64" else str.encode
    template = None if raw else compile_text(text, (body.kind,), names=names)
    if template is None or template.constant:
        try:
            body.static = write(text if template is None else template.text)
        except ValueError as error:
            raise invalid((body.kind,), str(error), "Encode the bytes with standard Base64") from error
    else:
        body.render = _rendering(template, "render", write, body.kind)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"{shown(text)} is not valid Base64: {error}") from error


def _dump_form(value: object) -> bytes:
    if not isinstance(value, dict):
        raise TypeError("a form is a mapping of names")
    return urlencode(list(_form_pairs("", value))).encode()


def _form_pairs(name: str, value: object) -> list[tuple[str, str]]:
    """Return bracketed names for mappings; a list repeats its name."""
    if isinstance(value, dict):
        pairs = []
        for key, item in value.items():
            pairs += _form_pairs(f"{name}[{key}]" if name else str(key), item)
        return pairs
    if isinstance(value, list):
        return [pair for item in value for pair in _form_pairs(name, item)]
    return [(name, "" if value is None else as_text(value))]


_GZIP_WBITS = 31
CODINGS: dict[str, int | None] = {
    "gzip": _GZIP_WBITS,
    "x-gzip": _GZIP_WBITS,
    "deflate": zlib.MAX_WBITS,
    "identity": None,
}
"""Supported content codings, with zlib's window bits for each (RFC 9110 8.4.1)."""


def encoded(data: bytes, codings: str) -> bytes:
    """Apply the content codings; data that is gzip already is kept. Raises ValueError for an unknown coding."""
    return b"".join(encoded_parts([data], codings))


def encoded_parts(parts: Sequence[bytes], codings: str) -> list[bytes]:
    """
    Encode into the same number of parts (at least one), each flushed, so that a client can read it at once. Raises
    ValueError for an unknown coding.
    """
    made = list(parts) or [b""]
    for coding in codings.split(","):
        name = coding.strip().lower()
        if name not in CODINGS:
            raise ValueError(f"{coding.strip()!r} is not a supported content coding")
        wbits = CODINGS[name]
        if wbits is None or (wbits == _GZIP_WBITS and made[0][:2] == b"\x1f\x8b"):
            continue
        made = _deflated(made, wbits)
    return made


def _deflated(parts: list[bytes], wbits: int) -> list[bytes]:
    """Compress reproducibly: zlib writes no time into the gzip header."""
    machine = zlib.compressobj(6, zlib.DEFLATED, wbits)
    made = [machine.compress(part) + machine.flush(zlib.Z_SYNC_FLUSH) for part in parts[:-1]]
    return [*made, machine.compress(parts[-1]) + machine.flush()]
