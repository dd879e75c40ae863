"""Bodies of JSON: decoded within limits of size, depth and digits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NoReturn

from mockserver.model.coding import UnreadableBodyError, decode_charset
from mockserver.model.written import written_float

MAX_JSON_MEMBERS = 100_000
"""Default limit of a JSON body: decoding more would block the event loop for longer than 50 ms."""
MAX_LARGE_JSON_DIGITS = 400
"""Limit of an integer in a JSON body of more than 1 MiB: Python's time for one grows with the square of its digits."""
_SMALL_BYTES = 1 << 20
_SPACE = " \t\n\r"
MAX_JSON_DEPTH = 200
"""Limit of nested lists and objects, which protects the stack."""


def _bounded(value: object, source: bytes) -> object:
    """Return the value, if it is nested no deeper than MAX_JSON_DEPTH. Raises UnreadableBodyError. Does not recurse."""
    if source.find(b"[") < 0 and source.find(b"{", 1) < 0:
        return value  # as below, but a search takes a fifth of the time of a count
    if source.count(b"[") + source.count(b"{") <= MAX_JSON_DEPTH:
        return value
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_JSON_DEPTH):
        level = [
            below
            for item in level
            for below in (item.values() if isinstance(item, dict) else item)
            if isinstance(below, (dict, list))
        ]
    if level:
        raise UnreadableBodyError(f"it is nested more than {MAX_JSON_DEPTH} deep")
    return value


def _no_constant(name: str) -> NoReturn:
    raise UnreadableBodyError(f"{name} is not valid JSON")


def _finite(text: str) -> float:
    """Reject infinity: it could be compared and stored, but never be written again."""
    value = float(text)
    if value - value:  # true for infinite numbers only
        raise UnreadableBodyError(f"{text[:20]} is larger than a double can be")
    return value


_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def _has_short_integers(data: bytes) -> bool:
    """Whether no number in that JSON can be too long. This check is faster than a hook for every integer."""
    return 0 not in data[:4] and b"0" * (MAX_LARGE_JSON_DIGITS + 1) not in data.translate(_AS_ZEROS)


def _of_few_digits(text: str) -> int:
    if len(text) > MAX_LARGE_JSON_DIGITS:
        raise UnreadableBodyError(
            f"it is larger than 1 MiB and has an integer of more than {MAX_LARGE_JSON_DIGITS} digits: {text[:20]}…"
        )
    return int(text)


def _as_written(text: str) -> float:
    _finite(text)
    return written_float(text)


Decoders = tuple[json.JSONDecoder, json.JSONDecoder]


def _decoders(parse_float: Callable[[str], float]) -> Decoders:
    """Decoders of small and of large bodies."""
    return (
        json.JSONDecoder(parse_constant=_no_constant, parse_float=parse_float),
        json.JSONDecoder(parse_constant=_no_constant, parse_float=parse_float, parse_int=_of_few_digits),
    )


def _decoded(decoder: json.JSONDecoder, text: str) -> object:
    """Like `decode` of the decoder, which looks for white space with a pattern, and takes longer."""
    value, end = decoder.raw_decode(text, len(text) - len(text.lstrip(_SPACE)))
    rest = text[end:].lstrip(_SPACE)
    if rest:
        raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
    return value


DECODERS = _decoders(_finite)
DECODERS_AS_WRITTEN = _decoders(_as_written)


def decode_json(data: bytes, charset: str, most_members: int, decoders: Decoders = DECODERS) -> object:
    """
    Decode a body: UTF-8 by RFC 8259 8.1, where `charset` names no other; a byte order mark, UTF-16 and UTF-32 are
    accepted. Raises UnreadableBodyError.
    """
    if not data:
        raise UnreadableBodyError("the body is empty")
    # Each member follows one of these characters, which texts may hold too. Counting is faster than decoding.
    if len(data) > most_members and sum(map(data.count, (b",", b"{", b"["))) > most_members:
        raise UnreadableBodyError(
            f"it is not decoded: it has more than {most_members:,} members; see --max-json-members"
        )
    try:
        is_utf8 = charset in ("", "utf-8", "utf8")
        if not is_utf8:
            text = decode_charset(data, charset)
        elif 0 in data[:4] or data[0] > 0xEE:
            text = data.decode(json.detect_encoding(data))
        else:
            text = data.decode()
        decoder = decoders[len(data) > _SMALL_BYTES and not (is_utf8 and _has_short_integers(data))]
        return _bounded(_decoded(decoder, text), data)
    except RecursionError as error:
        raise UnreadableBodyError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise UnreadableBodyError(
            f"it is not valid {error.encoding} text: {error.reason} at byte {error.start}"
        ) from error
    except ValueError as error:  # JSONDecodeError, or too many digits
        raise UnreadableBodyError(f"it is not valid JSON: {error}") from error
