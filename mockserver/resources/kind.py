"""The rules for the items of one resource: ids, generated fields and validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.model.http import ABSENT
from mockserver.resources.bodies import BodyMismatchError, check_size, unfit
from mockserver.resources.collection import Collection, Item
from mockserver.resources.schema import Schema
from mockserver.resources.shapes import ANY, SchemaShape
from mockserver.resources.state_machine import Machine
from mockserver.responses.planner import Reply
from mockserver.schema.resource import PageSpec
from mockserver.templating.templates import Scope, Template, TemplateError, Tree

_HALF = re.compile("[\ud800-\udfff]")
_TRIES = 10
"""Number of attempts to generate an unused id."""


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """`id_maker` is None for numbered ids. `added` are the fields of `new`."""

    path: str
    id_field: str
    id_maker: Template | None
    new: Tree | None
    always: Tree | None
    added: frozenset[str]
    schema: Schema | None
    machine: Machine | None
    page: PageSpec | None
    invalid: Reply
    missing: Reply | None
    created: Reply | None
    deleted: Reply | None
    expand: Mapping[str, str]
    """Paths of resources by the fields that have ids of their items."""

    @property
    def counted(self) -> bool:
        return self.id_maker is None

    @property
    def shape(self) -> SchemaShape:
        return ANY if self.schema is None else self.schema.shape

    @property
    def kept(self) -> frozenset[str]:
        """The fields that clients can't write freely."""
        return frozenset({self.id_field} if self.machine is None else {self.id_field, self.machine.field})

    def new_id(self, collection: Collection, scope: Scope) -> str | int:
        """Return an unused id, or the last one if all attempts were used. Raises TemplateError."""
        if self.id_maker is None:
            number = collection.next_number
            while str(number) in collection:
                number += 1
            return number
        for _ in range(_TRIES):
            value = self.id_maker.value(scope)
            text = id_text(value)
            if text is None:
                raise TemplateError(f"{value!r} is not a valid id: {ID_RULE}", place=self.id_maker.place)
            if text not in collection:
                break
        return value  # type: ignore[no-any-return]  # validated by id_text

    def made(self, sent: Item, id_value: str | int, scope: Scope) -> Item:
        """Return the item for a request. Raises TemplateError."""
        item = {self.id_field: id_value, **without(sent, self.id_field)}
        if self.new is not None:
            added = self.new.value(scope.with_("item", item))
            item = {self.id_field: id_value, **under(added, item)}
        if self.always is not None:
            item = {**item, **self.always.value(scope.with_("item", item))}
        return self.begun(item)

    def begun(self, item: Item) -> Item:
        """Return the item in its initial state."""
        return item if self.machine is None else {**item, self.machine.field: self.machine.initial}

    def check(self, item: Item, excused: frozenset[str]) -> None:
        """
        Validate a complete item. Raises BodyMismatchError.

        `excused` are fields that the client has not changed. Id and state are always allowed, even if the schema
        allows no other fields.
        """
        check_size(item)
        if self.schema is None:
            return
        errors = self.schema.errors(item, excused, self.kept)
        if errors:
            raise BodyMismatchError(errors)

    def sent_id(self, sent: Item) -> str | int | None:
        """Return the id that a client sent; None if it is missing. Raises BodyMismatchError."""
        value = sent.get(self.id_field)
        if value is not None and id_text(value) is None:
            raise unfit(self.id_field, ID_RULE)
        return value


ID_RULE = "must be a text or a whole number"


def id_text(value: object) -> str | None:
    """
    Return an id as text, for comparisons; None if it can't be in a path: clients remove dots (RFC 3986 5.2.4), and a
    lone surrogate has no bytes.

    >>> id_text(7), id_text("a/b"), id_text(True), id_text("..")
    ('7', 'a/b', None, None)
    """
    if isinstance(value, str):
        return None if value in ("", ".", "..") or _HALF.search(value) else value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**300:
        return str(int(value))
    return None


def without(item: Item, name: str) -> Item:
    return {key: value for key, value in item.items() if key != name}


def under(base: object, top: object) -> Any:
    """
    Return `base` merged below `top`: mappings by their keys; any other value is that of `top`.

    >>> under({"a": 1, "m": {"x": 1}}, {"a": None, "m": {"y": 2}})
    {'a': None, 'm': {'x': 1, 'y': 2}}
    """
    if not isinstance(base, dict) or not isinstance(top, dict):
        return top
    merged = {key: under(value, top.get(key, value)) for key, value in base.items()}
    return {**merged, **{key: value for key, value in top.items() if key not in base}}


def unchanged(sent: Item, current: Item, name: str) -> bool:
    """Whether a field was sent with its current value."""
    return name in sent and bool(sent[name] == current.get(name, ABSENT))
