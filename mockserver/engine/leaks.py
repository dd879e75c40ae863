"""Secrets in what an application sent: card numbers, CVV fields, live keys, passwords. Named, never shown whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mockserver.model.http import Request, UnreadableBody
from mockserver.model.redaction import is_card_number, mask

_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])")
_LIVE_KEY = re.compile(
    r"\b(?:(?:sk|rk)_live_[0-9A-Za-z]{8,}|AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{20,}|xox[abprs]-[0-9A-Za-z-]{10,})"
)
_CVV = re.compile(r"(?:^|[\[._-])(?:cvv2?|cvc2?|csc|card_?code|security_?code)\]?$", re.IGNORECASE)
_PASSWORD = re.compile(r"(?:^|[\[._-])(?:password|passwd|passphrase)\]?$", re.IGNORECASE)


def leaks_of(request: Request) -> Iterator[str]:
    """A line for each secret: what it is and where it stood."""
    yield from _in_text("path", request.path)
    for name, value in request.query_pairs:
        yield from _in_field(f"query.{name}", name, value)
    for name, value in request.headers.pairs:
        if name.lower() != "authorization":
            yield from _in_text(f"headers.{name.lower()}", value)
    yield from _in_body(request)


def _in_body(request: Request) -> Iterator[str]:
    if not request.body:
        return
    try:
        if request.media_type.endswith("json"):
            yield from _in_tree("json", "", request.json)
        elif "form" in request.media_type:
            for name, value in request.form_pairs:
                yield from _in_field(f"form.{name}", name, value)
        else:
            yield from _in_text("body", request.text)
    except UnreadableBody:
        return


def _in_tree(place: str, name: str, value: Any, depth: int = 0) -> Iterator[str]:
    if depth > 100:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _in_tree(f"{place}.{key}", str(key), item, depth + 1)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _in_tree(f"{place}[{i}]", name, item, depth + 1)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield from _in_field(place, name, str(value))


def _in_field(place: str, name: str, value: str) -> Iterator[str]:
    if value and _CVV.search(name):
        yield f"a card's security code in {place}"
    elif value and _PASSWORD.search(name):
        yield f"a password in {place}"
    yield from _in_text(place, value)


def _in_text(place: str, text: str) -> Iterator[str]:
    for found in _CARD.finditer(text):
        if is_card_number(found[0]):
            yield f"a card number {mask(found[0])} in {place}"
    for found in _LIVE_KEY.finditer(text):
        yield f"a live key {mask(found[0])} in {place}"
