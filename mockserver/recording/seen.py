"""Exchanges parsed for recording: path segments, query, body, and reply."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from mockserver.model.exchange import Exchange
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.model.volatile import is_id
from mockserver.recording.replies import Draft, drafted

_DIGITS = re.compile(r"\d+")
_VERSION = re.compile(r"v\d+(\.\d+)?")
_BUSTERS = frozenset({"_", "nonce", "ts", "timestamp", "cachebuster", "rand", "random"})
Pairs = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class SeenValues:
    """
    `segments` are those of the path, `ids` the places of those that look like an id. `query` has no cache busters.
    `kind` is the type of `body`: json, form, text, bytes or nothing.
    """

    exchange: Exchange
    segments: tuple[str, ...]
    ids: tuple[int, ...]
    query: Pairs
    kind: str
    body: Any
    reply: Draft = field(repr=False)
    explained: Draft = field(repr=False)
    """The reply with templates, set by `echoes`."""

    @property
    def request(self) -> Request:
        return self.exchange.request

    @property
    def shape(self) -> tuple[str | None, ...]:
        """Its path, with None for what looks like an id."""
        return tuple(None if i in self.ids else segment for i, segment in enumerate(self.segments))

    @property
    def id_texts(self) -> tuple[str, ...]:
        return tuple(self.segments[i] for i in self.ids)


def seen(exchange: Exchange) -> SeenValues:
    """Parse an exchange. Raises UnreadableBodyError for its reply."""
    request = exchange.request
    path = request.path if request.path.startswith("/") else "/"
    segments = tuple(path[1:].split("/"))
    ids = tuple(i for i, segment in enumerate(segments) if _looks_like_an_id(segment))
    query = tuple(sorted(pair for pair in request.query_pairs if pair[0].lower() not in _BUSTERS))
    kind, body = _body(request)
    reply = drafted(exchange)
    return SeenValues(exchange, segments, ids, query, kind, body, reply, reply)


def _looks_like_an_id(segment: str) -> bool:
    text = unquote(segment)
    return bool(_DIGITS.fullmatch(text)) or (is_id(text) and not _VERSION.fullmatch(text))


def _body(request: Request) -> tuple[str, Any]:
    if not request.body:
        return "nothing", None
    try:
        if request.media_type == "application/x-www-form-urlencoded":
            return "form", dict(request.form.items())
        if request.media_type.startswith("multipart/"):
            return "bytes", request.body
        if request.media_type.endswith("json") or not request.media_type:
            return "json", request.json
        if request.media_type.startswith("text/"):
            return "text", request.text
    except UnreadableBodyError:
        pass
    return "bytes", request.body
