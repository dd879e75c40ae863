"""Warnings for headers that say when to retry, if no client can read their value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from mockserver.errors import Flaw, KeyPath, shown
from mockserver.model.written import as_text
from mockserver.schema.base import Spec, is_template
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.scenario import ScenarioSpec

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_DATES = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT"
    r"|[A-Z][a-z]{5,8}, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9:]{8} GMT"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}"
)
"""The three forms of RFC 9110, 5.6.7."""
_HINTS = {
    "retry-after": "Write seconds, such as 5, or a date such as Wed, 21 Oct 2026 07:28:00 GMT",
    "retry-after-ms": "Write milliseconds, such as 500",
    "x-ratelimit-reset": "Write seconds from now, or the Unix time in seconds or milliseconds",
    "ratelimit-reset": "Write seconds from now, or the Unix time in seconds or milliseconds",
}


def invalid_retry_headers(spec: ScenarioSpec) -> Iterator[Flaw]:
    """Yield a flaw for each invalid value of such a header in a scenario. Templates are skipped."""
    return _of_spec(spec, ())


def _of_spec(spec: Spec, path: KeyPath) -> Iterator[Flaw]:
    if isinstance(spec, (ReplySpec, ReplyDefaultsSpec)):
        yield from _of_headers(spec, (*path, "headers"))
    for name, field in type(spec).model_fields.items():
        yield from _inside(getattr(spec, name), (*path, field.alias or name))


def _inside(value: object, path: KeyPath) -> Iterator[Flaw]:
    if isinstance(value, Spec):
        yield from _of_spec(value, path)
    elif isinstance(value, (list, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, Spec):
                yield from _of_spec(item, (*path, key))


def _of_headers(spec: ReplySpec | ReplyDefaultsSpec, path: KeyPath) -> Iterator[Flaw]:
    raw = isinstance(spec, ReplySpec) and spec.raw
    for name, value in spec.headers.items():
        hint = _HINTS.get(name.lower())
        if hint is None:
            continue
        for i, line in enumerate(value if isinstance(value, list) else [value]):
            text = as_text(line).strip()
            if (is_template(text) and not raw) or _is_valid(name.lower(), text):
                continue
            place = (*path, name, i) if isinstance(value, list) else (*path, name)
            yield Flaw(place, f"{shown(text)} is not a valid {name}, so clients ignore it", hint)


def _is_valid(name: str, text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) or (name == "retry-after" and _is_date(text))


def _is_date(text: str) -> bool:
    if not _DATES.fullmatch(text):
        return False
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True
