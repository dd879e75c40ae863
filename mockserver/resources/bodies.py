"""
The body of a request as a JSON object: from JSON, or from a form, whose texts are typed by the schema.

Names with brackets are nested, as in PHP, Rails and Stripe: `card[number]`, `tags[]`, `items[0][sku]`.
"""

from __future__ import annotations

import math
import re
from typing import Any

from mockserver.errors import MockServerError, dotted
from mockserver.model.http import Pairs, Request, UnreadableBodyError
from mockserver.model.sizes import MEMBER_LIMIT, has_more_members
from mockserver.resources.schema import Errors
from mockserver.resources.shapes import SchemaShape

FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
MAX_DEPTH = 100

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_STEP = re.compile(r"\[([^\[\]]*)\]")


class BodyMismatchError(MockServerError):
    """The body is invalid; `errors` are `[{field, message}]`."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = errors


def unfit(field: str, message: str) -> BodyMismatchError:
    return BodyMismatchError([{"field": field, "message": message}])


def read_object(request: Request, shape: SchemaShape) -> dict[str, Any]:
    """
    Return the object in a body. Raises BodyMismatchError.

    An empty body is an empty object, unless its content type is JSON.
    """
    kind = request.media_type
    if not request.body and "json" not in kind:
        return {}
    try:
        value = from_form(request.form_pairs, shape) if kind in FORMS else request.json
    except UnreadableBodyError as error:
        raise unfit("", f"must be a JSON object, but {error}") from error
    if not isinstance(value, dict):
        raise unfit("", "must be a JSON object")
    _check_writable(value)
    return value


def check_size(value: object) -> None:
    """Raise BodyMismatchError if a value is too large for one item."""
    if has_more_members(value, MEMBER_LIMIT):
        raise unfit("", f"has more than {MEMBER_LIMIT:,} members; send less in one item")


def _check_writable(value: object) -> None:
    """Raise BodyMismatchError if a value can't be kept and encoded: too large, infinite, or too deep."""
    check_size(value)
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, float) and not math.isfinite(item):
                raise unfit("", "has a number that is too large")
        if not below:
            return
        level = below
    raise unfit("", f"is nested deeper than {MAX_DEPTH} levels")


class _Texts(list[str]):
    """The texts with one name."""


Grown = dict[str, Any]
"""Parts of names, and what is below them: another mapping, or texts."""


def from_form(pairs: Pairs, shape: SchemaShape) -> dict[str, object]:
    """Return the object of a form's fields, typed by the shape. Raises BodyMismatchError."""
    grown: Grown = {}
    for name, text in pairs:
        _insert(grown, _steps(name), text)
    return {name: _value(below, shape.field(name)) for name, below in grown.items()}


def _steps(name: str) -> list[str]:
    """
    Return the parts of a form field's name.

    >>> _steps("items[0][sku]"), _steps("tags[]"), _steps("odd[")
    (['items', '0', 'sku'], ['tags', ''], ['odd['])
    """
    match = _NAME.fullmatch(name)
    if not match:
        return [name]
    return [match[1], *_STEP.findall(match[2])]


def _insert(grown: Grown, steps: list[str], text: str) -> None:
    if len(steps) > MAX_DEPTH:
        raise unfit(steps[0], f"is nested deeper than {MAX_DEPTH} levels")
    at = grown
    for i, step in enumerate(steps[:-1]):
        below = at.setdefault(step, {})
        if isinstance(below, _Texts):
            raise unfit(dotted(tuple(steps[: i + 1])), "is both a text and a group of fields")
        at = below
    texts = at.setdefault(steps[-1], _Texts())
    if not isinstance(texts, _Texts):
        raise unfit(dotted(tuple(steps)), "is both a text and a group of fields")
    texts.append(text)


def _value(grown: Any, shape: SchemaShape) -> object:
    if isinstance(grown, _Texts):
        if "array" in shape.types:
            return [shape.item().typed(text) for text in grown]
        typed = [shape.typed(text) for text in grown]
        return typed if len(typed) > 1 else typed[0]
    if list(grown) == [""] and isinstance(grown[""], _Texts):
        return [shape.item().typed(text) for text in grown[""]]
    if _is_list(grown) and ("array" in shape.types or "object" not in shape.types):
        return [_value(grown[str(i)], shape.item()) for i in range(len(grown))]
    return {name: _value(below, shape.field(name)) for name, below in grown.items()}


def _is_list(grown: Grown) -> bool:
    """Whether the names are the indexes of a list."""
    return all(str(i) in grown for i in range(len(grown)))
