"""Checks values that a scenario gives to fields, when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    is_abstract_type,
    is_leaf_type,
    is_specified_scalar_type,
)

from mockserver.errors import Flaw, KeyPath, near, shown
from mockserver.graphql.execution import fitting_types
from mockserver.schema.base import is_template


def flaws_of(
    schema: GraphQLSchema, kind: GraphQLOutputType, value: Any, path: KeyPath, *, raw: bool
) -> Iterator[Flaw]:
    """Yield what keeps a value from being one of a type. Templates are not checked, unless it is `raw`."""
    if not raw and is_template(value):
        return
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield Flaw(path, f"null is not a value of {kind}", "Write `errors` for a field that fails")
            return
        kind = kind.of_type
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        if not isinstance(value, list):
            yield Flaw(path, f"expected a list of {kind.of_type}, got {shown(value)}", "Write [ … ]")
            return
        for i, item in enumerate(value):
            yield from flaws_of(schema, kind.of_type, item, (*path, i), raw=raw)
    elif is_leaf_type(kind):
        yield from _leaf_flaws(kind, value, path)
    elif not isinstance(value, dict):
        yield Flaw(
            path, f"expected a mapping for {kind}, got {shown(value)}", "Write the fields of the object"
        )
    else:
        yield from _object_flaws(schema, kind, value, path, raw=raw)


def _leaf_flaws(kind: Any, value: Any, path: KeyPath) -> Iterator[Flaw]:
    if isinstance(kind, GraphQLEnumType):
        if not isinstance(value, str) or value not in kind.values:
            yield Flaw(path, f"{shown(value)} is not a value of {kind}", near(str(value), kind.values))
    elif is_specified_scalar_type(kind):
        try:
            kind.serialize(value)
        except GraphQLError:
            yield Flaw(path, f"{shown(value)} is not a value of {kind}", f"Write a value of {kind}")


def _object_flaws(
    schema: GraphQLSchema, kind: Any, value: dict[str, Any], path: KeyPath, *, raw: bool
) -> Iterator[Flaw]:
    if is_abstract_type(kind):
        possible = [each.name for each in schema.get_possible_types(kind)]
        named = value.get("__typename")
        if named is None:
            if not fitting_types(schema, kind, value):
                said = f"no type of {kind} has all of the fields {', '.join(map(str, value))}"
                yield Flaw(path, said, f"Write __typename: one of {', '.join(possible)}")
            return
        if not raw and is_template(named):
            return
        if named not in possible:
            yield Flaw(
                (*path, "__typename"), f"{shown(named)} is not a type of {kind}", near(str(named), possible)
            )
            return
        kind = schema.type_map[named]
    assert isinstance(kind, GraphQLObjectType)
    for name, item in value.items():
        if name == "__typename":
            continue
        if not raw and is_template(name):
            continue
        if name not in kind.fields:
            yield Flaw(
                (*path, name), f"{kind} has no field {name!r}", near(str(name), kind.fields), at_key=True
            )
            continue
        yield from flaws_of(schema, kind.fields[name].type, item, (*path, name), raw=raw)
