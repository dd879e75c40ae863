"""
Masking of secrets in everything that shows requests: admin API, logs, HAR, dashboard, reports, errors.

The call log keeps the original values, and matching and checks use them. A value is
a secret by its name (of a header, cookie, parameter or field), or by its shape in
any place.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from mockserver.redaction.masking import (
    LEAST_CHARS,
    mask,
    mask_header,
    mask_named,
    mask_path,
    mask_text,
    masked_encoded,
)
from mockserver.redaction.secrets import (
    NAMED_TEXT,
    NAMED_WORD,
    STEMS,
    SecretName,
    SecretPattern,
    is_card_number,
    is_random,
    named,
)

__all__ = [
    "mask", "mask_body", "mask_bytes", "mask_field", "mask_header", "mask_part", "mask_path", "mask_shapes", "mask_target",
    "mask_text", "mask_tree", "mask_urlencoded", "mask_value",
]  # fmt: skip

_MEMBER = SecretPattern(
    rf'(?i)(\\*"([^"\\]*(?:{STEMS})[^"\\]*)\\*"\s*:\s*)'
    r'("(?:[^"\\]|\\.)*"?|\\+"[^"\\]*|-?[0-9][0-9.eE+-]*|\[[^\[\]{}]*\])'
)
_SCALAR = SecretPattern(r'"(?:[^"\\]|\\.)*"?|-?[0-9][0-9.eE+-]*')
_ELEMENT = SecretPattern(rf"(?i)(<([\w.:-]*(?:{STEMS})[\w.:-]*)(?:\s[^<>]*)?>)([^<]+)")
_ATTRIBUTE = SecretPattern(rf"""(?i)(\s([\w.:-]*(?:{STEMS})[\w.:-]*)\s*=\s*["'])([^"'<>]+)""")
_BARE = SecretPattern(r"([:\[,]\s*)(\*{4}[0-9]{4})(\s*[,}\]])")
_PART = SecretPattern(rf'(?i)(\bname="?([^"\r\n;]*(?:{STEMS})[^"\r\n;]*)(?:[^\r\n]*\r?\n)+?\r?\n)([^\r\n]+)')


def mask_target(target: str) -> str:
    """
    Return a request target, masked, in percent-encoding.

    >>> mask_target("/a?password=hunter2&n=%34242424242424242")
    '/a?password=****&n=****4242'
    """
    path, mark, query = target.partition("?")
    return mask_path(path) + mark + mask_urlencoded(query)


def mask_urlencoded(text: str) -> str:
    """Return a query or a form, masked, in percent-encoding."""
    return "&".join(_pair(piece) for piece in text.split("&")) if text else text


def _pair(piece: str) -> str:
    name, equals, value = piece.partition("=")
    if len(name) > LEAST_CHARS or not equals:
        name = masked_encoded(name, unquote_plus(name), mask_text)
    if len(value) > LEAST_CHARS or named(name):
        value = masked_encoded(value, unquote_plus(value), lambda text: mask_field(name, text))
    return name + equals + value


def _by_name(kind: SecretName | None, value: str) -> str:
    if kind is None or (kind is SecretName.CODE and not is_random(value)):
        return mask_value(value)
    return mask_named(kind, value)


def mask_field(name: str, value: str) -> str:
    """
    Return the value of a query parameter, a form field or a JSON member, masked.

    >>> mask_field("client_secret", "abcdefghijkl"), mask_field("cvc", "123"), mask_field("note", "hello")
    ('****ijkl', '****', 'hello')
    """
    return _by_name(named(name), value)


def mask_part(where: str, value: str) -> str:
    """
    Return the value of a selector such as `headers.authorization` or `json.user.password`, or of a field, masked.

    >>> mask_part("headers.authorization", "Bearer abcdef1234567890")
    'Bearer ****7890'
    """
    part, _, name = where.partition(".")
    if part == "headers":
        return mask_header(name, value)
    if part == "cookies":
        return mask(value)
    if part in ("path", "url", "base_url") and not name:
        return mask_target(value)
    return mask_field(name or part, value)


# Bodies


def mask_value(value: str) -> str:
    """Return a text that may be JSON, masked: some services expect JSON in a form field, or in another JSON."""
    return mask_body(value) if value[:1] in ("{", "[", "<") else _mask_said(value)


def mask_body(text: str, media_type: str = "") -> str:
    """
    Return a body, masked. A masked number gets quotes if it would make the JSON invalid.

    The body may be incomplete or malformed: only the beginning of a long one is recorded.

    >>> mask_body('{"user": "ann", "password": "hunter2", "cvc": 123}')
    '{"user": "ann", "password": "****", "cvc": "****"}'
    """
    if media_type == "application/x-www-form-urlencoded" and text.lstrip()[:1] not in ("{", "["):
        return mask_urlencoded(text)
    if '"' in text:
        text = _MEMBER.replaced(text, _member)
    if "<" in text:
        text = _ATTRIBUTE.replaced(_ELEMENT.replaced(text, _marked_up), _marked_up)
    if media_type.startswith("multipart/"):
        text = _PART.replaced(text, _marked_up)
    return _quoted_numbers(_mask_said(text), text)


def _mask_said(text: str) -> str:
    """Mask values after a colon, as in GraphQL and prose."""
    if ":" in text or "=" in text:
        text = NAMED_TEXT.replaced(text, _said_text)
        text = NAMED_WORD.replaced(text, _said_word)
    return mask_text(text)


def _said_text(match: Any) -> str:
    kind, value = named(match[2]), str(match[3])
    if kind is None:
        return str(match[0])
    content = value.lstrip("\\\"'")
    return f"{match[1]}{value[: len(value) - len(content)]}{_by_name(kind, content)}"


def _said_word(match: Any) -> str:
    """Mask passwords only: sentences may contain other names."""
    is_password = named(match[2]) is SecretName.PASSWORD
    return f"{match[1]}{mask_named(SecretName.PASSWORD, match[3])}" if is_password else str(match[0])


def _quoted_numbers(masked: str, text: str) -> str:
    """Put quotes around a masked card number in JSON."""
    is_json = text.lstrip()[:1] in ("{", "[")
    return (
        _BARE.replaced(masked, lambda match: f'{match[1]}"{match[2]}"{match[3]}')
        if is_json and masked != text
        else masked
    )


def _member(match: Any) -> str:
    head, name, value = str(match[1]), match[2], str(match[3])
    kind = named(name)
    if kind is None or (kind is SecretName.CODE and value[:1] not in ('"', "\\")):
        return str(match[0])
    if value[:1] == "[":
        return f"{head}{_SCALAR.replaced(value, lambda item: _scalar(kind, item[0]))}"
    return head + _scalar(kind, value)


def _scalar(kind: SecretName, value: str) -> str:
    """Mask a JSON text or number in its source; a text may be cut, or be JSON inside of JSON."""
    if value[:1] == "\\":
        quotes = value[: value.index('"') + 1]
        return quotes + _by_name(kind, value[len(quotes) :])
    if value[:1] != '"':
        return f'"{_by_name(kind, value)}"'
    end = '"' if len(value) > 1 and value.endswith('"') else ""
    return f'"{_by_name(kind, value[1 : len(value) - len(end)])}{end}'


def _marked_up(match: Any) -> str:
    kind = named(match[2])
    return str(match[0]) if kind is None else f"{match[1]}{_by_name(kind, match[3])}"


def mask_bytes(body: bytes, media_type: str = "") -> bytes:
    """Return a binary body, masked: masks are ASCII, everything else is unchanged."""
    return mask_body(body.decode("latin-1"), media_type).encode("latin-1")


def mask_shapes(value: Any) -> Any:
    """
    Return a JSON value masked by shapes only, not by names of members: for values that a test writes and reads.

    >>> mask_shapes({"token": "abc", "card": "4242424242424242"})
    {'token': 'abc', 'card': '****4242'}
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, list):
        return [mask_shapes(item) for item in value]
    if isinstance(value, dict):
        return {key: mask_shapes(item) for key, item in value.items()}
    return mask(_digits(value)) if _is_card(value) else value


def _is_card(value: object) -> bool:
    return isinstance(value, int) and abs(value) >= _LEAST_CARD and is_card_number(_digits(value))


_LEAST_CARD = 10**12
"""The smallest number with 13 digits, the length of the shortest card number."""


def _digits(number: float) -> str:
    """
    Return the digits of a number; 0 if it is too long to be a secret, because Python can't write the longest ones.
    """
    return str(number) if abs(number) < 10**19 else "0"


def mask_tree(value: object, name: str = "") -> Any:
    """
    Return a JSON value with every secret masked. `name` is the name of its member.

    >>> mask_tree({"card": {"number": 4242424242424242, "cvc": 123}, "paid": True})
    {'card': {'number': '****4242', 'cvc': '****'}, 'paid': True}
    """
    if isinstance(value, str):
        return mask_field(name, value)
    if isinstance(value, (list, tuple)):
        return [mask_tree(item, name) for item in value]
    if isinstance(value, dict):
        return {mask_text(key) if isinstance(key, str) else key: mask_tree(item, str(key)) for key, item in value.items()}  # fmt: skip
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return mask_field(name, _digits(value)) if named(name) or _is_card(value) else value
    return value
