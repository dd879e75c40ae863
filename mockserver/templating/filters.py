"""
Filters of templates: `value | name(arguments)`.

Filters on numbers and texts. Those on lists and mappings are in `list_filters`, those without a plain value (`default`,
`map`, `select` and similar) in `piping`.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from mockserver.model.http import MAX_JSON_MEMBERS, UnreadableBodyError, decode_json
from mockserver.templating import list_filters as lists
from mockserver.templating import methods
from mockserver.templating.scope import RenderError, Scope
from mockserver.templating.values import kind_of, to_json, to_text

Filter = Callable[..., Any]


DIGITS_LIMIT = 1000
"""Limit of texts that are parsed as numbers, which takes time."""


def to_int(_scope: Scope, value: object, default: object = 0, base: int = 10) -> object:
    """Return a whole number; `default` for others. Text such as '3.9' is cut to 3."""
    try:
        if isinstance(value, str):
            if base == 10 and len(value) <= DIGITS_LIMIT and value.isdecimal():
                return int(value)
            return _int_of_text(value, base)
        return int(value) if isinstance(value, (int, float)) else default
    except (TypeError, ValueError, OverflowError):
        return default


def _int_of_text(text: str, base: int) -> int:
    if len(text) > DIGITS_LIMIT:
        raise ValueError("too many digits")
    try:
        return int(text, base)
    except ValueError:
        if base != 10:
            raise
        return int(float(text))


def to_float(_scope: Scope, value: object, default: object = 0.0) -> object:
    """Return a number; `default` for others, including infinite ones, which JSON does not have."""
    if not isinstance(value, (str, int, float)) or (isinstance(value, str) and len(value) > DIGITS_LIMIT):
        return default
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return default
    return number if math.isfinite(number) else default


def string(scope: Scope, value: object) -> str:
    return to_text(scope, value)


def _on_text(method: Callable[..., str]) -> Filter:
    def filtered(scope: Scope, value: object) -> str:
        return method(scope, to_text(scope, value))

    return filtered


_WORD_START = re.compile(r"(?:^|(?<=[-\s({\[<]))[^-\s({\[<]")


def title(scope: Scope, value: object) -> str:
    """Capitalise after each space, dash or opening bracket; unlike the method, it makes `It's` of `it's`."""
    text = to_text(scope, value)
    scope.read(len(text))
    return _WORD_START.sub(lambda result: result[0].upper(), text.lower())


def trim(scope: Scope, value: object, chars: str | None = None) -> str:
    text = to_text(scope, value)
    methods.pay_for_strip(scope, text, chars)
    return text.strip(chars)


def replace(scope: Scope, value: object, old: str, new: str, count: int | None = None) -> str:
    limit = -1 if count is None else count
    return methods.replace(scope, to_text(scope, value), to_text(scope, old), to_text(scope, new), limit)


def escape(scope: Scope, value: object) -> str:
    """Escape text for HTML and XML."""
    text = to_text(scope, value)
    specials = sum(map(text.count, "&<>\"'"))
    scope.take_chars(len(text) + 5 * specials)
    return html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def urlencode(scope: Scope, value: object) -> str:
    """Percent-encode a text for a path or query; a mapping, or list of pairs, becomes a query."""
    if isinstance(value, str) or not isinstance(value, (Mapping, list, tuple)):
        return _quoted(scope, value, quote, "/")
    pairs = value.items() if isinstance(value, Mapping) else value
    scope.take_steps(len(value))
    parts = [f"{_quoted(scope, k, quote_plus, '')}={_quoted(scope, v, quote_plus, '')}" for k, v in pairs]
    return methods.join_texts(scope, parts, "&")


def _quoted(scope: Scope, value: object, how: Callable[..., str], safe: str) -> str:
    text = to_text(scope, value)
    scope.take_chars(3 * len(text))
    return how(text, safe=safe)


def tojson(scope: Scope, value: object, indent: int | None = None) -> str:
    """Return JSON text, with minimal escapes."""
    if indent is not None and not 0 <= indent <= 8:
        raise RenderError("tojson indents by 0 to 8")
    text = to_json(scope, value, indent)
    scope.take_chars(len(text))
    return text


def fromjson(scope: Scope, value: object) -> object:
    """Return the value of JSON text."""
    text = to_text(scope, value)
    scope.take_steps(sum(map(text.count, ",[{")))  # each member follows one of them
    try:
        return decode_json(text.encode("utf-8", "surrogateescape"), "", MAX_JSON_MEMBERS)
    except UnreadableBodyError as error:
        raise RenderError(f"fromjson can't read the text: {error}") from error


def b64encode(scope: Scope, x: object) -> str:
    data = x if isinstance(x, bytes) else to_text(scope, x).encode("utf-8", "surrogateescape")
    scope.take_chars(len(data) * 4 // 3)
    return base64.b64encode(data).decode()


def rounded(_scope: Scope, value: object, precision: int = 0, method: str = "common") -> float:
    """Round a number; a whole number stays one, as in Jinja2."""
    if not isinstance(value, (int, float)):
        raise RenderError(f"can't round {kind_of(value)}; use the `float` filter")
    if not isinstance(precision, int) or not -15 <= precision <= 15:
        raise RenderError("round keeps -15 to 15 digits")
    if method == "common":
        return round(value, precision)
    if method not in ("ceil", "floor"):
        raise RenderError("round goes 'common', 'ceil' or 'floor'")
    scale: float = 10**precision
    whole = math.ceil(value * scale) if method == "ceil" else math.floor(value * scale)
    return whole / scale


def absolute(_scope: Scope, value: object) -> object:
    if not isinstance(value, (int, float)):
        raise RenderError(f"can't take the absolute value of {kind_of(value)}")
    return abs(value)


FILTERS: dict[str, Filter] = {
    "abs": absolute,
    "b64encode": b64encode,
    "batch": lists.batch,
    "capitalize": _on_text(methods.capitalize),
    "count": lists.length,
    "dictsort": lists.dictsort,
    "e": escape,
    "escape": escape,
    "first": lists.first,
    "float": to_float,
    "fromjson": fromjson,
    "int": to_int,
    "items": lists.items,
    "join": lists.join,
    "last": lists.last,
    "length": lists.length,
    "list": lists.to_list,
    "lower": _on_text(methods.lower),
    "max": lists.largest,
    "min": lists.smallest,
    "replace": replace,
    "reverse": lists.reverse,
    "round": rounded,
    "sort": lists.sort,
    "string": string,
    "sum": lists.total,
    "title": title,
    "tojson": tojson,
    "trim": trim,
    "unique": lists.unique,
    "upper": _on_text(methods.upper),
    "urlencode": urlencode,
}
