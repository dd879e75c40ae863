"""
Values in templates: their text, their cost and their names in errors.

Text is for the wire: true, false and null, lists and mappings as JSON, times as RFC 3339.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mockserver.errors import near
from mockserver.model.http import Request
from mockserver.model.sizes import MEMBER_LIMIT, has_more_members
from mockserver.model.written import as_text
from mockserver.templating.scope import (
    NODES_A_STEP,
    UNPAID,
    BudgetExceededError,
    RenderError,
    Scope,
    UndefinedError,
)

_SCALARS = (str, int, float, bool, type(None))
HANDED_ON = frozenset(_SCALARS) - {float}
"""Types that are plain JSON; a float may be infinite."""
NEAR_LIMIT = 60


def kind_of(value: object) -> str:
    """Return the type of a value in an author's terms."""
    if value is None:
        return "null"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__.lower()}"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a text"),
    (bytes, "bytes"),
    ((list, tuple), "a list"),
    (datetime, "a time"),
    (Request, "the request"),
    (Mapping, "a mapping"),
)


def explain(failed: RenderError) -> str:
    """Return the reason of an error, as one clause without a full stop."""
    return _explain_missing(failed) if isinstance(failed, UndefinedError) else str(failed)


def _explain_missing(missing: UndefinedError) -> str:
    what = str(missing)
    if missing.why:
        return f"{what} is undefined: {missing.why}"
    owner, key = missing.owner, missing.key
    if owner is None or (isinstance(owner, Mapping) and not owner):
        return f"{what} is undefined"
    if isinstance(owner, Mapping):
        advice = near(str(key)[:NEAR_LIMIT], _short_names(owner))
        return f"{what} is undefined. {advice}" if advice else f"{what} is undefined"
    return f"{what} is undefined: {kind_of(owner)} of {len(owner)} has no position {key}"


def _short_names(owner: Mapping[Any, Any]) -> list[str]:
    """Return the keys that an error may show. Finding the nearest takes time, and the keys may come from a client."""
    if len(owner) > 200:
        return []
    return [name for name in owner if isinstance(name, str) and len(name) <= NEAR_LIMIT]


class FractionalTime(datetime):
    """A time that was written with a fraction of a second, which is kept in its text and in shifted times."""


def rfc3339(moment: datetime) -> str:
    """Format with whole seconds, unless the fraction was written; `Z` for UTC. A time without a zone is UTC."""
    digits = "seconds"
    if isinstance(moment, FractionalTime) and moment.microsecond:
        digits = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    text = moment.replace(tzinfo=moment.tzinfo or UTC).isoformat(timespec=digits)
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def to_text(scope: Scope, value: object) -> str:
    """Return the text of a value, and pay for it."""
    text = value if value.__class__ is str else printed(scope, value)
    scope.chars -= len(text)
    if scope.chars < 0:
        scope.take_chars(0)
    return text


def printed(scope: Scope, value: object) -> str:
    """Return the text of a value; the caller pays for it."""
    if isinstance(value, _SCALARS):
        return as_text(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, bytes):
        scope.take_chars(len(value))
        return value.decode("utf-8", "replace")
    return to_json(scope, value)


def to_json(scope: Scope, value: object, indent: int | None = None) -> str:
    """Return JSON text, compact unless indented. The caller pays for its characters, this function for the work."""
    refuse_large(value)
    separators = (",", ":") if indent is None else (",", ": ")
    left = scope.chars
    data = plain(scope, value)
    scope.chars = left
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)


def refuse_large(value: object) -> None:
    """Raises BudgetExceededError for a value that is too large to be stored or written in one piece."""
    if has_more_members(value, MEMBER_LIMIT):
        raise BudgetExceededError(
            f"it hands on a value of more than {MEMBER_LIMIT:,} members; name the part of it that is needed"
        )


def weigh(scope: Scope, value: object) -> None:
    """Pay for visiting a value once; stop when it is too much."""
    pending = [value]
    seen = 0
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if len(item) > UNPAID:
                scope.read(len(item))
        elif isinstance(item, (list, tuple, Mapping)):
            seen += 1 + len(item)
            if seen >= NODES_A_STEP:
                scope.take_steps(seen // NODES_A_STEP)
                seen %= NODES_A_STEP
            pending.extend(item.values() if isinstance(item, Mapping) else item)


def plain(scope: Scope, value: object) -> Any:
    """
    Return the value as plain JSON: times as text, tuples as lists, mappings as dicts.

    Every text in it is paid for: the same long text a thousand times in a list costs no memory here, but would in JSON.
    """
    if value.__class__ is str:
        scope.chars -= len(value)
        if scope.chars < 0:
            scope.take_chars(0)
        return value
    if value.__class__ is float and not math.isfinite(value):
        raise RenderError(f"{value} is not a JSON number")
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, (list, tuple)):
        scope.take_steps(1 + len(value) // NODES_A_STEP)
        return [plain(scope, item) for item in value]
    if isinstance(value, (dict, Mapping)):
        scope.take_steps(1 + len(value) // NODES_A_STEP)
        result = {}
        for key, item in value.items():
            name = key if key.__class__ is str else to_text(scope, key)
            if item.__class__ is str and len(item) <= scope.chars:
                scope.chars -= len(item)
                result[name] = item
            else:
                result[name] = plain(scope, item)
        return result
    if isinstance(value, (datetime, bytes)):
        return to_text(scope, value)
    raise RenderError(f"{kind_of(value)} is not a JSON value; name the part of it that you mean")


def elements(scope: Scope, value: object, doing: str = "go through") -> list[Any]:
    """Return the items of a loop, paid for: items of a list, keys of a mapping, characters of a text."""
    if isinstance(value, (list, tuple, str, Mapping)):
        scope.take_steps(len(value))
        return list(value)
    raise RenderError(f"can't {doing} {kind_of(value)}; it takes a list")
