"""Encodings of bodies: content codings, charsets and media types, with limits for time and size."""

from __future__ import annotations

import codecs
import re
import zlib
from urllib.parse import unquote

from mockserver.errors import MockServerError

MAX_DECODED_BYTES = 16 << 20
"""Limit for the size of an inflated body: a few KB may hold gigabytes of zeros."""
_MAX_GZIP_MEMBERS = 16
_MAX_CODINGS = 3
_MAX_MEDIA_TYPE_CHARS = 8192

_GZIP = zlib.MAX_WBITS | 16
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS

_NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
"""Python's codecs that no HTTP client means; some are quadratic."""

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


class UnreadableBodyError(MockServerError):
    """The body can't be decoded; the text is the reason."""


def decode_content(data: bytes, codings: list[str], limit_bytes: int = MAX_DECODED_BYTES) -> bytes:
    """
    Decode the content codings of a body, which are in the order of their use.

    Raises UnreadableBodyError, also if it inflates to more than the limit.
    """
    if not data:
        return data
    if len(codings) > _MAX_CODINGS:
        raise UnreadableBodyError(f"it has more than {_MAX_CODINGS} content-codings")
    for coding in reversed([coding.strip().lower() for coding in codings]):
        try:
            data = _decode(data, coding, limit_bytes)
        except zlib.error as error:
            raise UnreadableBodyError(f"it is not {coding}: {error}") from error
    return data


def _decode(data: bytes, coding: str, limit_bytes: int) -> bytes:
    if coding in ("gzip", "x-gzip"):
        return _gunzip(data, limit_bytes)
    if coding == "deflate":
        # RFC 9110 8.4.1.2 requires zlib's wrapper; some clients send the raw stream.
        try:
            return _inflate(data, _ZLIB, limit_bytes)[0]
        except zlib.error:
            return _inflate(data, _RAW, limit_bytes)[0]
    if coding in ("identity", ""):
        return data
    raise UnreadableBodyError(f"its content-encoding {coding!r} is not one of gzip, deflate and identity")


def _gunzip(data: bytes, limit_bytes: int) -> bytes:
    """Inflate every member of a gzip stream (RFC 1952 2.2); zeros after the last one are padding."""
    out = b""
    for _ in range(_MAX_GZIP_MEMBERS):
        more, rest = _inflate(data, _GZIP, limit_bytes - len(out))
        out += more
        data = rest.lstrip(b"\0")
        if not data:
            return out
    raise UnreadableBodyError(f"it is gzip of more than {_MAX_GZIP_MEMBERS} members")


def _inflate(data: bytes, wbits: int, limit_bytes: int) -> tuple[bytes, bytes]:
    """Return the inflated bytes, and the rest after the stream."""
    engine = zlib.decompressobj(wbits)
    out = engine.decompress(data, limit_bytes + 1)
    if len(out) > limit_bytes:
        raise UnreadableBodyError(f"it inflates to more than {limit_bytes} bytes")
    if not engine.eof:
        raise UnreadableBodyError("its compressed stream ends too early")
    return out, engine.unused_data


def decode_charset(data: bytes, charset: str) -> str:
    """Decode text. Raises UnreadableBodyError for invalid bytes or an unknown charset."""
    try:
        if codecs.lookup(charset).name in _NO_CHARSETS:
            raise UnreadableBodyError(f"{charset!r} is not a known charset")
        return data.decode(charset)
    except UnicodeDecodeError as error:
        raise UnreadableBodyError(
            f"it is not valid {charset} text: {error.reason} at byte {error.start}"
        ) from error
    except (LookupError, ValueError) as error:
        raise UnreadableBodyError(f"{charset!r} is not a known charset") from error


def parse_media_type(value: str) -> tuple[str, dict[str, str]]:
    """
    Parse a Content-Type or Content-Disposition into its lower-case type and its parameters.

    A parameter in RFC 8187's notation, `filename*=UTF-8''na%C3%AFve`, takes precedence.

    >>> parse_media_type('Text/Plain; charset="utf-8"')
    ('text/plain', {'charset': 'utf-8'})
    """
    kind, semicolon, rest = value[:_MAX_MEDIA_TYPE_CHARS].partition(";")
    if not semicolon:
        return kind.strip().lower(), {}
    params: dict[str, str] = {}
    extended: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(semicolon + rest):
        text = bare.strip() or _ESCAPED.sub(r"\1", quoted)
        if name.endswith("*"):
            extended[name[:-1].lower()] = _extended(text)
        else:
            params.setdefault(name.lower(), text)
    return kind.strip().lower(), params | extended


def _extended(text: str) -> str:
    charset, quote, rest = text.partition("'")
    if not quote:
        return unquote(text)
    try:
        return unquote(rest.partition("'")[2], encoding=charset or "utf-8", errors="replace")
    except LookupError:
        return text
