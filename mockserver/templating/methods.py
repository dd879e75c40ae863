"""
Methods of values: read-only, and paid for before they create anything.

`value.name()` is always one of these, whatever keys a mapping has; `value.name` without parentheses is always a
look-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mockserver.model.http import Headers
from mockserver.templating.access import Fields
from mockserver.templating.scope import NODES_A_STEP, RenderError, Scope
from mockserver.templating.values import elements, kind_of, to_text, weigh

Method = Callable[..., Any]


def upper(scope: Scope, text: str) -> str:
    scope.take_chars(len(text))
    return text.upper()


def lower(scope: Scope, text: str) -> str:
    scope.chars -= len(text)
    if scope.chars < 0:
        scope.take_chars(0)
    return text.lower()


def title(scope: Scope, text: str) -> str:
    scope.take_chars(len(text))
    return text.title()


def capitalize(scope: Scope, text: str) -> str:
    scope.take_chars(len(text))
    return text.capitalize()


def _stripping(strip: Callable[[str, str | None], str]) -> Method:
    def stripped(scope: Scope, text: str, chars: str | None = None) -> str:
        pay_for_strip(scope, text, chars)
        return strip(text, chars)

    return stripped


def pay_for_strip(scope: Scope, text: str, chars: str | None) -> None:
    """Pay for comparing each character at an end with `chars`."""
    scope.take_chars(len(text))
    scope.take_steps(len(text) * len(chars or "") >> 12)


def split(scope: Scope, text: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    _pay_for_pieces(scope, text, sep)
    return text.split(sep, maxsplit)


def rsplit(scope: Scope, text: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    _pay_for_pieces(scope, text, sep)
    return text.rsplit(sep, maxsplit)


def _pay_for_pieces(scope: Scope, text: str, sep: str | None) -> None:
    scope.search(text, sep or "")
    scope.take_chars(len(text))
    scope.take_steps(text.count(sep) + 1 if sep else len(text) // 2 + 1)


def splitlines(scope: Scope, text: str) -> list[str]:
    scope.take_chars(len(text))
    scope.take_steps(len(text) // NODES_A_STEP)
    lines = text.splitlines()
    scope.take_steps(len(lines))
    return lines


def startswith(scope: Scope, text: str, prefix: str) -> bool:
    scope.read(len(prefix))
    return text.startswith(prefix)


def endswith(scope: Scope, text: str, suffix: str) -> bool:
    scope.read(len(suffix))
    return text.endswith(suffix)


def replace(scope: Scope, text: str, old: str, new: str, count: int = -1) -> str:
    scope.search(text, old)
    result = text.count(old)
    result = min(result, count) if count >= 0 else result
    scope.take_chars(len(text) + result * max(0, len(new) - len(old)))
    return text.replace(old, new, count)


def find(scope: Scope, text: str, part: str) -> int:
    scope.search(text, part)
    return text.find(part)


def removeprefix(scope: Scope, text: str, prefix: str) -> str:
    scope.take_chars(len(text))
    return text.removeprefix(prefix)


def removesuffix(scope: Scope, text: str, suffix: str) -> str:
    scope.take_chars(len(text))
    return text.removesuffix(suffix)


def partition(scope: Scope, text: str, sep: str) -> list[str]:
    scope.search(text, sep)
    scope.take_chars(len(text))
    return list(text.partition(sep))


def rpartition(scope: Scope, text: str, sep: str) -> list[str]:
    scope.search(text, sep)
    scope.take_chars(len(text))
    return list(text.rpartition(sep))


def _asking(ask: Callable[[str], bool]) -> Method:
    def ask_text(scope: Scope, text: str) -> bool:
        scope.read(len(text))
        return ask(text)

    return ask_text


def count_text(scope: Scope, text: str, part: str) -> int:
    scope.search(text, part)
    return text.count(part)


def join(scope: Scope, glue: str, items: object) -> str:
    return join_texts(scope, [to_text(scope, item) for item in elements(scope, items, "join")], glue)


def join_texts(scope: Scope, texts: list[str], glue: str) -> str:
    scope.take_chars(sum(map(len, texts)) + len(glue) * max(0, len(texts) - 1))
    return glue.join(texts)


def count_list(scope: Scope, items: list[Any], item: object) -> int:
    weigh(scope, items)
    return items.count(item)


def index_list(scope: Scope, items: list[Any], item: object) -> int:
    weigh(scope, items)
    try:
        return items.index(item)
    except ValueError:
        raise RenderError("the list has no such item") from None


def get(_scope: Scope, mapping: Mapping[Any, Any], key: object, default: object = None) -> object:
    return mapping.get(key, default)


def keys(scope: Scope, mapping: Mapping[Any, Any]) -> list[Any]:
    scope.take_steps(len(mapping))
    return list(mapping)


def values(scope: Scope, mapping: Mapping[Any, Any]) -> list[Any]:
    scope.take_steps(len(mapping))
    return list(mapping.values())


def items(scope: Scope, mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    scope.take_steps(len(mapping))
    return list(mapping.items())


def getlist(scope: Scope, fields: Fields | Headers, name: str) -> list[str]:
    scope.take_steps(len(fields.pairs) // NODES_A_STEP)
    result = fields.all(name) if isinstance(fields, Headers) else fields.getlist(name)
    scope.take_steps(len(result))
    return list(result)


def timestamp(_scope: Scope, moment: datetime) -> float:
    return moment.timestamp()


def isoformat(_scope: Scope, moment: datetime, sep: str = "T", timespec: str = "auto") -> str:
    return moment.isoformat(sep, timespec)


DIRECTIVES = "aAwdbBmyYHIMSfzZjpUWcxXGuVDFRTe%"
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
FORMAT_LIMIT = 200


def strftime(scope: Scope, moment: datetime, form: str) -> str:
    """Accept single letters only: some platforms read `%1000000d` as a width."""
    if len(form) > FORMAT_LIMIT:
        raise RenderError(f"a time's format has at most {FORMAT_LIMIT} characters")
    for letter in _DIRECTIVE.findall(form):
        if letter not in DIRECTIVES or not letter:
            raise RenderError(
                f"%{letter} is not known in a time's format; there are %{' %'.join(DIRECTIVES)}"
            )
    scope.take_chars(len(form) * 8)
    return moment.strftime(form)


TEXT: dict[str, Method] = {
    "upper": upper,
    "lower": lower,
    "title": title,
    "capitalize": capitalize,
    "strip": _stripping(str.strip),
    "lstrip": _stripping(str.lstrip),
    "rstrip": _stripping(str.rstrip),
    "split": split,
    "rsplit": rsplit,
    "splitlines": splitlines,
    "partition": partition,
    "rpartition": rpartition,
    "startswith": startswith,
    "endswith": endswith,
    "removeprefix": removeprefix,
    "removesuffix": removesuffix,
    "replace": replace,
    "find": find,
    "count": count_text,
    "join": join,
    "isdigit": _asking(str.isdigit),
    "isalpha": _asking(str.isalpha),
    "isalnum": _asking(str.isalnum),
    "islower": _asking(str.islower),
    "isupper": _asking(str.isupper),
    "isspace": _asking(str.isspace),
}
LIST: dict[str, Method] = {"count": count_list, "index": index_list}
MAPPING: dict[str, Method] = {"get": get, "keys": keys, "values": values, "items": items}
FIELDS: dict[str, Method] = {**MAPPING, "getlist": getlist}
TIME: dict[str, Method] = {"timestamp": timestamp, "isoformat": isoformat, "strftime": strftime}

NAMES: frozenset[str] = frozenset().union(TEXT, LIST, FIELDS, TIME)


def candidates(name: str) -> list[Method]:
    """Return every method of that name; empty if no type has one."""
    return [table[name] for table in (TEXT, LIST, FIELDS, TIME) if name in table]


def methods_of(value: object) -> dict[str, Method]:
    for kind, table in _BY_KIND:
        if isinstance(value, kind):
            return table
    return {}


BY_TYPE: dict[type, dict[str, Method]] = {
    str: TEXT,
    list: LIST,
    dict: MAPPING,
    Fields: FIELDS,
    datetime: TIME,
}
_BY_KIND: tuple[tuple[type | tuple[type, ...], dict[str, Method]], ...] = (
    (str, TEXT),
    ((list, tuple), LIST),
    (Headers, FIELDS),
    (Mapping, MAPPING),
    (datetime, TIME),
)


def call_method(name: str, scope: Scope, value: object, *args: Any, **kwargs: Any) -> object:
    table = BY_TYPE.get(type(value))
    method = (methods_of(value) if table is None else table).get(name)
    if method is None:
        raise RenderError(f"{kind_of(value)} has no method {name}()")
    try:
        return method(scope, value, *args, **kwargs)
    except (TypeError, AttributeError) as error:
        raise unfit(name, value, (*args, *kwargs.values())) from error


def unfit(name: str, value: object, args: Sequence[Any]) -> RenderError:
    """Return the error for arguments that a method does not accept."""
    return RenderError(f"{name}() of {kind_of(value)} can't take {', '.join(map(kind_of, args))}")
