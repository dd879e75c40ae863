"""Documents: parsed, measured and validated."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    validate,
)

from mockserver.graphql.limits import MOST_TOKENS, Measure
from mockserver.matching.graphql_requests import MAX_QUERY_CHARS
from mockserver.model.coding import UnreadableBodyError

_MOST_ERRORS = 10
_MOST_COMPARED = 3_000
"""Names with which unknown ones are compared: each error compares one with all that are known."""


def most_errors(schema: GraphQLSchema) -> int:
    """Return how many errors of a document are looked for: few in a large schema."""
    fields = max(len(getattr(kind, "fields", ())) for kind in schema.type_map.values())
    return max(1, min(_MOST_ERRORS, _MOST_COMPARED // max(fields, len(schema.type_map))))


@dataclass(frozen=True, slots=True)
class GraphQLDocument:
    """A document. `errors` is empty if it is valid for its schema."""

    ast: DocumentNode
    errors: tuple[GraphQLError, ...] = ()

    @property
    def operations(self) -> list[OperationDefinitionNode]:
        return [item for item in self.ast.definitions if isinstance(item, OperationDefinitionNode)]

    def root_fields(self, operation: OperationDefinitionNode) -> list[str]:
        """Return the names of the root fields of an operation, in order, whatever their directives say."""
        names: dict[str, None] = {}
        self._collect(operation.selection_set, names)
        return list(names)

    def _collect(self, selections: SelectionSetNode, names: dict[str, None]) -> None:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                names[selection.name.value] = None
            elif isinstance(selection, InlineFragmentNode):
                self._collect(selection.selection_set, names)
            elif isinstance(selection, FragmentSpreadNode):
                self._collect(self._fragment(selection.name.value).selection_set, names)

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        return next(
            item
            for item in self.ast.definitions
            if isinstance(item, FragmentDefinitionNode) and item.name.value == name
        )


def read_document(text: str, schema: GraphQLSchema, errors: int = _MOST_ERRORS) -> GraphQLDocument:
    """Return the document, with a limited number of errors. Raises UnreadableBodyError if it is too large."""
    if len(text) > MAX_QUERY_CHARS:
        raise UnreadableBodyError(f"the document is longer than {MAX_QUERY_CHARS} characters")
    try:
        ast = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        return GraphQLDocument(DocumentNode(definitions=()), (error,))
    except RecursionError:
        raise UnreadableBodyError("the document is nested too deeply") from None
    Measure(ast)
    return GraphQLDocument(ast, tuple(map(_explained, validate(schema, ast, max_errors=errors))))


def _explained(error: GraphQLError) -> GraphQLError:
    """Return an error that says so if the document asks for incremental delivery."""
    if error.message not in ("Unknown directive '@defer'.", "Unknown directive '@stream'."):
        return error
    return GraphQLError(f"{error.message} Incremental delivery is not supported", nodes=error.nodes)
