"""Parses XML bodies: nothing is loaded, no entity is expanded, and the size is limited."""

from __future__ import annotations

from typing import Any

from mockserver.errors import KeyPath
from mockserver.matching.extras import library
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

MAX_BYTES = 1 << 20
MOST_ELEMENTS = 50_000
_DOCTYPE = b"<!DOCTYPE"


def lxml(feature: str, path: KeyPath) -> Any:
    """Return `lxml.etree`. Raises MissingExtraError."""
    return library("lxml.etree", feature, "xml", path)


def not_xml(request: Request, error: UnreadableBodyError, written: object) -> Difference:
    """Return the difference for a body that is not valid XML: the reason, and what it looks like."""
    hint = _instead(request)
    said = f"body: expected XML, but {error}" + (f"; {hint}" if hint else "")
    return Difference("body", written, hint=hint, weight=1.5, text=said)


def _instead(request: Request) -> str:
    if request.media_type and "xml" not in request.media_type:
        return f"its content-type is {request.media_type}"
    return "" if request.body else "send an XML body"


def root_of(etree: Any, request: Request) -> tuple[Any, int]:
    """
    Return the root of the body, which must not be changed, and the maximum number of elements.

    Raises UnreadableBodyError.
    """
    return request.once("xml", lambda: _limited(etree, request.decoded_body))


def _limited(etree: Any, data: bytes) -> tuple[Any, int]:
    elements = data.count(b"<") - data.count(b"</")
    if not data:
        raise UnreadableBodyError("the body is empty")
    if len(data) > MAX_BYTES or elements > MOST_ELEMENTS:
        raise UnreadableBodyError(f"it has more than {MAX_BYTES} bytes or {MOST_ELEMENTS} elements")
    return parse(etree, data), elements


def parse(etree: Any, data: bytes) -> Any:
    """Return the root of a document, without comments and processing instructions. Raises UnreadableBodyError."""
    if _DOCTYPE in data.replace(b"\0", b""):  # UTF-16 and UTF-32 included
        raise UnreadableBodyError("it has a document type, and those are refused")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableBodyError(f"it is not valid XML: {_said(error)}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableBodyError("it has a document type, and those are refused")
    return root


def _said(error: Exception) -> str:
    return str(error).removesuffix(" (<string>, line 1)")
