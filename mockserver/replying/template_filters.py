"""
The filters of templates: `value | name(arguments)`.

Those that take no plain value (`default`, `map`, `select` and their kin) are
in `template_piping`.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from mockserver.replying import template_methods as methods
from mockserver.replying.template_access import subscript
from mockserver.replying.template_frame import Failed, Frame, Missing
from mockserver.replying.template_operators import add, check_ordered
from mockserver.replying.template_values import elements, kind_of, to_json, to_text

Filter = Callable[..., Any]


def to_int(_frame: Frame, value: Any, default: Any = 0, base: int = 10) -> Any:
    """A whole number; what is none gives `default`. Text like '3.9' is cut to 3."""
    try:
        if isinstance(value, str):
            return _int_of_text(value, base)
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _int_of_text(text: str, base: int) -> int:
    if len(text) > 1000:
        raise ValueError("too many digits")
    try:
        return int(text, base)
    except ValueError:
        if base != 10:
            raise
        return int(float(text))


def to_float(_frame: Frame, value: Any, default: Any = 0.0) -> Any:
    """A number; what is none gives `default`, and so do the infinite ones, which JSON hasn't."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return number if math.isfinite(number) else default


def string(frame: Frame, value: Any) -> str:
    return to_text(frame, value)


def _on_text(method: Callable[..., str]) -> Filter:
    def filtered(frame: Frame, value: Any) -> str:
        return method(frame, to_text(frame, value))

    return filtered


_WORD_START = re.compile(r"(?:^|(?<=[-\s({\[<]))[^-\s({\[<]")


def title(frame: Frame, value: Any) -> str:
    """A capital after each space, dash or opening bracket; unlike the method, it makes `It's` of `it's`."""
    text = to_text(frame, value)
    frame.read(len(text))
    return _WORD_START.sub(lambda found: found[0].upper(), text.lower())


def trim(frame: Frame, value: Any, chars: str | None = None) -> str:
    text = to_text(frame, value)
    frame.search(text, chars or "")
    return text.strip(chars)


def replace(frame: Frame, value: Any, old: str, new: str, count: int | None = None) -> str:
    limit = -1 if count is None else count
    return methods.replace(frame, to_text(frame, value), to_text(frame, old), to_text(frame, new), limit)


def escape(frame: Frame, value: Any) -> str:
    """Text made safe for HTML and XML."""
    text = to_text(frame, value)
    specials = sum(map(text.count, "&<>\"'"))
    frame.take_chars(len(text) + 5 * specials)
    return html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def urlencode(frame: Frame, value: Any) -> str:
    """A text percent-encoded for a path or query; a mapping, or list of pairs, as a query."""
    if isinstance(value, str) or not isinstance(value, (Mapping, list, tuple)):
        return _quoted(frame, value, quote, "/")
    pairs = value.items() if isinstance(value, Mapping) else value
    frame.take_steps(len(value))
    parts = [f"{_quoted(frame, k, quote_plus, '')}={_quoted(frame, v, quote_plus, '')}" for k, v in pairs]
    return methods.join_texts(frame, parts, "&")


def _quoted(frame: Frame, value: Any, how: Callable[..., str], safe: str) -> str:
    text = to_text(frame, value)
    frame.take_chars(3 * len(text))
    return how(text, safe=safe)


def tojson(frame: Frame, value: Any, indent: int | None = None) -> str:
    """JSON text, nothing escaped that JSON doesn't ask for."""
    if indent is not None and not 0 <= indent <= 8:
        raise Failed("tojson indents by 0 to 8")
    text = to_json(frame, value, indent)
    frame.take_chars(len(text))
    return text


def b64encode(frame: Frame, x: Any) -> str:
    data = x if isinstance(x, bytes) else to_text(frame, x).encode("utf-8", "surrogateescape")
    frame.take_chars(len(data) * 4 // 3)
    return base64.b64encode(data).decode()


def length(_frame: Frame, value: Any) -> int:
    if isinstance(value, (str, bytes, list, tuple, Mapping)):
        return len(value)
    raise Failed(f"{kind_of(value)} has no length")


def first(_frame: Frame, value: Any) -> Any:
    if isinstance(value, Mapping):
        value = list(value)[:1]
    return _at(value, 0, "first")


def last(_frame: Frame, value: Any) -> Any:
    if isinstance(value, Mapping):
        value = list(value)[-1:]
    return _at(value, -1, "last")


def _at(value: Any, index: int, word: str) -> Any:
    if not isinstance(value, (list, tuple, str)):
        raise Failed(f"{kind_of(value)} has no {word} item")
    if not value:
        raise Missing(f"the {word} item", why="there are none")
    return value[index]


def join(frame: Frame, value: Any, d: str = "", attribute: str | int | None = None) -> str:
    found = elements(frame, value, "join")
    if attribute is not None:
        found = [by_attribute(item, attribute) for item in found]
    return methods.join_texts(frame, [to_text(frame, item) for item in found], to_text(frame, d))


def by_attribute(value: Any, attribute: str | int) -> Any:
    """`attribute` is a key, a position, or several of them with dots between."""
    if isinstance(attribute, int):
        return subscript(value, attribute, str(attribute))
    for part in str(attribute).split("."):
        value = subscript(value, int(part) if part.isdecimal() and len(part) < 9 else part, str(attribute))
    return value


def to_list(frame: Frame, value: Any) -> list[Any]:
    return elements(frame, value, "make a list of")


def _sort_key(frame: Frame, value: Any, case_sensitive: bool) -> Any:
    if isinstance(value, str):
        frame.read(len(value))
        return value if case_sensitive else methods.lower(frame, value)
    return value


def _ordered(frame: Frame, found: list[Any], reverse: bool) -> list[int]:
    """The positions of `found` in their order; equal ones keep theirs."""
    for one in found[1:]:
        check_ordered(frame, found[0], one)
    longest = max((len(one) for one in found if isinstance(one, str)), default=0)
    frame.take_steps(len(found) * (1 + len(found).bit_length() * longest // 4096))
    return sorted(range(len(found)), key=found.__getitem__, reverse=reverse)


def sort(
    frame: Frame,
    value: Any,
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> list[Any]:
    """In order; `attribute` may name several, with commas between."""
    found = elements(frame, value, "sort")
    names = str(attribute).split(",") if attribute is not None else [None]
    frame.take_steps(len(found) * (len(names) - 1))
    for name in reversed(names):
        keys = [
            _sort_key(frame, item if name is None else by_attribute(item, name), case_sensitive)
            for item in found
        ]
        found = [found[index] for index in _ordered(frame, keys, reverse)]
    return found


def dictsort(
    frame: Frame, value: Any, case_sensitive: bool = False, by: str = "key", reverse: bool = False
) -> list[Any]:
    """Pairs of a mapping in the order of their keys, or `by='value'`."""
    if not isinstance(value, Mapping):
        raise Failed(f"dictsort takes a mapping, not {kind_of(value)}")
    if by not in ("key", "value"):
        raise Failed("dictsort goes by 'key' or by 'value'")
    pairs = methods.items(frame, value)
    keys = [_sort_key(frame, pair[by == "value"], case_sensitive) for pair in pairs]
    return [pairs[index] for index in _ordered(frame, keys, reverse)]


def items(frame: Frame, value: Any) -> list[Any]:
    if not isinstance(value, Mapping):
        raise Failed(f"items takes a mapping, not {kind_of(value)}")
    return methods.items(frame, value)


def unique(
    frame: Frame, value: Any, case_sensitive: bool = False, attribute: str | int | None = None
) -> list[Any]:
    """Each value once, the first of its kind."""
    seen: dict[Any, Any] = {}
    for item in elements(frame, value, "go through"):
        key = item if attribute is None else by_attribute(item, attribute)
        if isinstance(key, (list, tuple, dict)):
            raise Failed(f"unique can't tell {kind_of(key)} from another; give it an attribute")
        seen.setdefault(_sort_key(frame, key, case_sensitive), item)
    return list(seen.values())


def reverse(frame: Frame, value: Any) -> Any:
    if isinstance(value, str):
        frame.take_chars(len(value))
        return value[::-1]
    return elements(frame, value, "reverse")[::-1]


def total(frame: Frame, value: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    result = start
    for item in elements(frame, value, "sum"):
        result = add(frame, result, item if attribute is None else by_attribute(item, attribute))
    return result


def smallest(
    frame: Frame, value: Any, case_sensitive: bool = False, attribute: str | int | None = None
) -> Any:
    return _extreme(frame, value, case_sensitive, attribute, False)


def largest(
    frame: Frame, value: Any, case_sensitive: bool = False, attribute: str | int | None = None
) -> Any:
    return _extreme(frame, value, case_sensitive, attribute, True)


def _extreme(frame: Frame, value: Any, case_sensitive: bool, attribute: str | int | None, most: bool) -> Any:
    found = elements(frame, value, "compare the items of")
    if not found:
        raise Missing("the largest item" if most else "the smallest item", why="there are none")
    keys = [
        _sort_key(frame, item if attribute is None else by_attribute(item, attribute), case_sensitive)
        for item in found
    ]
    return found[_ordered(frame, keys, most)[0]]


def rounded(_frame: Frame, value: Any, precision: int = 0, method: str = "common") -> float:
    """A whole number stays one, as in Jinja2; of a float `| int` makes one."""
    if not isinstance(value, (int, float)):
        raise Failed(f"can't round {kind_of(value)}; use the `float` filter")
    if not isinstance(precision, int) or not -15 <= precision <= 15:
        raise Failed("round keeps -15 to 15 digits")
    if method == "common":
        return round(value, precision)
    if method not in ("ceil", "floor"):
        raise Failed("round goes 'common', 'ceil' or 'floor'")
    scale: float = 10**precision
    whole = math.ceil(value * scale) if method == "ceil" else math.floor(value * scale)
    return whole / scale


def absolute(_frame: Frame, value: Any) -> Any:
    if not isinstance(value, (int, float)):
        raise Failed(f"can't take the absolute value of {kind_of(value)}")
    return abs(value)


def batch(frame: Frame, value: Any, linecount: int, fill_with: Any = None) -> list[list[Any]]:
    """Lists of `linecount` items each; the last is filled up where `fill_with` is given."""
    found = elements(frame, value, "batch")
    if not isinstance(linecount, int) or linecount < 1:
        raise Failed("batch makes lists of 1 item or more")
    rows = [found[at : at + linecount] for at in range(0, len(found), linecount)]
    if rows and fill_with is not None:
        lacking = linecount - len(rows[-1])
        frame.take_steps(lacking)
        rows[-1] += [fill_with] * lacking
    return rows


FILTERS: dict[str, Filter] = {
    "abs": absolute,
    "b64encode": b64encode,
    "batch": batch,
    "capitalize": _on_text(methods.capitalize),
    "count": length,
    "dictsort": dictsort,
    "e": escape,
    "escape": escape,
    "first": first,
    "float": to_float,
    "int": to_int,
    "items": items,
    "join": join,
    "last": last,
    "length": length,
    "list": to_list,
    "lower": _on_text(methods.lower),
    "max": largest,
    "min": smallest,
    "replace": replace,
    "reverse": reverse,
    "round": rounded,
    "sort": sort,
    "string": string,
    "sum": total,
    "title": title,
    "tojson": tojson,
    "trim": trim,
    "unique": unique,
    "upper": _on_text(methods.upper),
    "urlencode": urlencode,
}
