"""Pagination by number, offset or cursor, with an envelope and Link headers (RFC 8288)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_plus

from mockserver.model.http import Pairs, Request
from mockserver.resources.bodies import BodyMismatchError
from mockserver.resources.collection import Collection
from mockserver.resources.schema import Errors
from mockserver.schema.resource import PageSpec

_HUGE = 10**15
"""Used for numbers with more digits: all of them are past the end."""
URL_CHARS = "%:/?#@!$&'()*+,;=-._~[]"
"""Characters that are not encoded when a URL is written into a header."""


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page.

    `facts` are the fields that an envelope can have; `links` are relations with the query of their page.
    """

    facts: dict[str, Any]
    links: tuple[tuple[str, str | None], ...] = ()


@dataclass(slots=True)
class _Asked:
    """Reads the parameters of a list, and collects all errors."""

    request: Request
    errors: Errors = field(default_factory=list)

    def number(self, name: str | None, default: int, least: int) -> int:
        text = default if name is None else self.request.query.get(name, [default])[0]
        if isinstance(text, int):
            return text
        if text.isascii() and text.isdecimal():
            number = int(text) if len(text) <= 15 else _HUGE
            if number >= least:
                return number
        self.errors.append({"field": str(name), "message": f"must be a whole number, {least} or more"})
        return default

    def size(self, spec: PageSpec) -> int:
        size = self.number(spec.size_name, spec.default_size, 1)
        return min(size, spec.max) if spec.max is not None else size


def list_page(spec: PageSpec | None, collection: Collection, request: Request) -> Page:
    """Return the requested page; past the end, it is empty. Raises BodyMismatchError for invalid parameters."""
    if spec is None or not spec.style:
        newest = spec is not None and spec.newest_first
        return Page(
            {"items": collection.slice(0, len(collection), newest_first=newest), "total": len(collection)}
        )
    parameters = _Asked(request)
    size = parameters.size(spec)
    cut = {"number": _by_number, "offset": _by_offset, "cursor": _by_cursor}[spec.style]
    page = cut(spec, collection, parameters, size)
    if parameters.errors:
        raise BodyMismatchError(parameters.errors)
    return page


def _by_number(spec: PageSpec, collection: Collection, parameters: _Asked, size: int) -> Page:
    number, total = parameters.number(spec.number, 1, 1), len(collection)
    pages = -(-total // size)
    facts = {
        "items": collection.slice((number - 1) * size, size, newest_first=spec.newest_first),
        "total": total,
        "page": number,
        "pages": pages,
        "has_next": number < pages,
    }
    links: list[tuple[str, str | None]] = [("first", "1")]
    if number > 1:
        links.append(("prev", str(max(1, min(number - 1, pages)))))
    if number < pages:
        links.append(("next", str(number + 1)))
    return Page(facts, (*links, ("last", str(max(1, pages)))))


def _by_offset(spec: PageSpec, collection: Collection, parameters: _Asked, size: int) -> Page:
    offset, total = parameters.number(spec.offset, 0, 0), len(collection)
    last = max(0, (total - 1) // size * size)
    facts = {
        "items": collection.slice(offset, size, newest_first=spec.newest_first),
        "total": total,
        "page": offset // size + 1,
        "pages": -(-total // size),
        "has_next": offset + size < total,
    }
    links: list[tuple[str, str | None]] = [("first", "0")]
    if offset > 0:
        links.append(("prev", str(max(0, min(offset - size, last)))))
    if offset + size < total:
        links.append(("next", str(offset + size)))
    return Page(facts, (*links, ("last", str(last))))


def _by_cursor(spec: PageSpec, collection: Collection, parameters: _Asked, size: int) -> Page:
    after = _place(spec.cursor, collection, parameters)
    before = _place(spec.before, collection, parameters)
    newest = spec.newest_first
    if before is not None:
        if after is not None:
            parameters.errors.append(
                {"field": str(spec.before), "message": f"can't be used with {spec.cursor}"}
            )
        entries = collection.before(before, size + 1, newest_first=newest)
        has_next, entries = len(entries) > size, entries[-size:]
        cursor = _cursor(entries[-1][0]) if entries else None
    else:
        start = (_HUGE if newest else -1) if after is None else after
        entries = collection.after(start, size + 1, newest_first=newest)
        has_next, entries = len(entries) > size, entries[:size]
        cursor = _cursor(entries[-1][0]) if has_next else None
    facts: dict[str, Any] = {
        "items": [item for _, item in entries],
        "total": len(collection),
        "has_next": has_next,
        "next_cursor": cursor,
    }
    links: list[tuple[str, str | None]] = [("first", None)]
    return Page(facts, (*links, ("next", cursor)) if cursor else tuple(links))


def _cursor(place: int) -> str:
    """Return a place as an opaque cursor."""
    return base64.urlsafe_b64encode(b"after:%d" % place).rstrip(b"=").decode()


def _place(name: str | None, collection: Collection, parameters: _Asked) -> int | None:
    """Return the place in a parameter: that of a cursor, or of an item's id, even if it was removed. None: it has none."""
    text = "" if name is None else parameters.request.query.get(name, [""])[0]
    if not text:
        return None
    place = collection.place_of(text)
    if place is None:
        place = _read_cursor(text)
    if place is None:
        parameters.errors.append({"field": str(name), "message": "is not a valid cursor"})
    return place


def _read_cursor(text: str) -> int | None:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    word, _, digits = raw.partition(b":")
    return int(digits) if word == b"after" and digits.isdigit() and len(digits) <= 15 else None


def in_envelope(spec: PageSpec | None, page: Page) -> object:
    """Return the JSON of the answer: the list, or the envelope."""
    if spec is None or spec.envelope is None:
        return page.facts["items"]
    return {
        key: page.facts[word] if isinstance(word, str) else word.value for key, word in spec.envelope.items()
    }


def link_header(spec: PageSpec | None, page: Page, request: Request) -> Pairs:
    """Return the Link header with the other pages, if it is enabled; other parameters are kept."""
    if spec is None or not spec.link:
        return ()
    name = spec.number or spec.offset or spec.cursor
    assert name is not None
    links = [f'<{_url(request, name, value)}>; rel="{relation}"' for relation, value in page.links]
    return (("Link", ", ".join(links)),)


def _url(request: Request, name: str, value: str | None) -> str:
    pieces = [piece for piece in request.query_string.split("&") if piece]
    kept = [piece for piece in pieces if unquote_plus(piece.partition("=")[0]) != name]
    if value is not None:
        kept.append(f"{quote(name, safe='')}={value}")
    query = "?" + "&".join(kept) if kept else ""
    return quote(f"{request.base_url}{request.path}{query}", safe=URL_CHARS, errors="replace")
