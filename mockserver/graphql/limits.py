"""
Limits on the size of operations.

Validation compares fields with the same response name in pairs, and fragments multiply what is executed. So a
document is measured first, with its fragments spread, in time that the limits bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from mockserver.model.coding import UnreadableBodyError

MOST_TOKENS = 2_000
"""Of a document."""
MOST_SELECTIONS = 2_000
"""Fields and fragments of a document, with its fragments spread."""
DEEPEST = 40
"""Levels of fields and fragments."""
MOST_COMPARED = 4_000
"""Pairs of fields with one response name that validation compares, each weighted with its depth and arguments."""
MOST_ARGUMENTS = 50
MOST_MEMBERS = 10_000
"""Members of all variables."""
MOST_STEPS = 2_000
"""Fields that are resolved for one answer."""
MOST_INTROSPECTION_STEPS = 1_000_000
"""The same for introspection, which is answered beside the event loop, and kept."""

_Tree = dict[str, "_Selected"]


class _Selected:
    """How often a response name occurs at one place, and the names below it."""

    __slots__ = ("below", "count")

    def __init__(self) -> None:
        self.count = 0
        self.below: _Tree = {}


class Measure:
    """The size of a document as it is walked."""

    __slots__ = ("_compared", "_fragments", "_selections")

    def __init__(self, document: DocumentNode) -> None:
        """Raises UnreadableBodyError if the document is too large."""
        self._selections = 0
        self._compared = 0
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._walk(definition.selection_set, {}, 1, ())
            elif isinstance(definition, FragmentDefinitionNode):
                self._walk(definition.selection_set, {}, 1, (definition.name.value,))

    def _walk(self, selections: SelectionSetNode, tree: _Tree, depth: int, inside: tuple[str, ...]) -> None:
        if depth > DEEPEST:
            raise UnreadableBodyError(f"the operation has more than {DEEPEST} levels")
        for selection in selections.selections:
            self._selections += 1
            if self._selections > MOST_SELECTIONS:
                raise UnreadableBodyError(f"the document has more than {MOST_SELECTIONS} fields")
            for below, where, names in self._below(selection, tree, depth, inside):
                self._walk(below, where, depth + 1, names)

    def _below(
        self, selection: SelectionNode, tree: _Tree, depth: int, inside: tuple[str, ...]
    ) -> Iterator[tuple[SelectionSetNode, _Tree, tuple[str, ...]]]:
        if isinstance(selection, FieldNode):
            seen = self._counted(selection, tree, depth)
            if selection.selection_set is not None:
                yield selection.selection_set, seen.below, inside
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            fragment = self._fragments.get(name)
            if fragment is not None and name not in inside:  # validation rejects a fragment inside itself
                yield fragment.selection_set, tree, (*inside, name)
        else:
            yield selection.selection_set, tree, inside  # type: ignore[attr-defined]  # an inline fragment

    def _counted(self, field: FieldNode, tree: _Tree, depth: int) -> _Selected:
        arguments = len(field.arguments or ())
        if arguments > MOST_ARGUMENTS:
            raise UnreadableBodyError(f"a field has more than {MOST_ARGUMENTS} arguments")
        name = (field.alias or field.name).value
        seen = tree.get(name)
        if seen is None:
            seen = tree[name] = _Selected()
        self._compared += seen.count * depth * (1 + arguments)
        if self._compared > MOST_COMPARED:
            raise UnreadableBodyError(f"too many of its fields have the response name {name!r}")
        seen.count += 1
        return seen


def check_variables(variables: dict[str, Any]) -> None:
    """Raise UnreadableBodyError for variables with too many members."""
    count = 0
    pending: list[Any] = [variables]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            value = value.values()
        elif not isinstance(value, list):
            continue
        count += len(value)
        if count > MOST_MEMBERS:
            raise UnreadableBodyError(f"the variables have more than {MOST_MEMBERS} members")
        pending.extend(value)
