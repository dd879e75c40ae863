"""
Conditions on GraphQL requests: operation, variables, type and query.

Requests are read from a JSON body, from query parameters (GraphQL over HTTP), from the `operations` field of a
multipart form, or from an `application/graphql` body.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mockserver.errors import KeyPath, WrongValueError, near, shown
from mockserver.matching.checks import MatchCheck, readable_check, tree_equalities, value_check
from mockserver.matching.conditions import Condition
from mockserver.matching.extras import library
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.reading import NEVER, Reader, ReadingDialect
from mockserver.model.http import ABSENT, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

MAX_QUERY_CHARS = 64 << 10
MAX_QUERY_TOKENS = 5_000
TYPES = ("query", "mutation", "subscription")
KEYS = ("operation", "variables", "query", "type")


class GraphQL:
    """One GraphQL request. `name`, `query` and `variables` are ABSENT if they are missing."""

    __slots__ = ("name", "query", "variables")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.name = fields.get("operationName")
        self.query = fields.get("query", ABSENT)
        self.variables = fields.get("variables", ABSENT)


def graphql_of(request: Request) -> GraphQL:
    """Return the GraphQL request. Raises UnreadableBodyError if it is not a valid one."""
    return request.once("graphql", lambda: GraphQL(_fields(request)))


def _fields(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        fields: dict[str, Any] = {name: values[0] for name, values in request.query.items()}
        if "variables" in fields:
            fields["variables"] = _json(fields["variables"], "variables")
    elif request.media_type == "application/graphql":
        fields = {"query": request.text}
    elif request.media_type == "multipart/form-data":
        fields = _json(request.form.get("operations", [""])[0], "operations")
    else:
        fields = request.json
    if isinstance(fields, list):
        raise UnreadableBodyError("it is a batch of GraphQL requests; send each as its own request")
    if not isinstance(fields, dict) or not fields.keys() & {"query", "operationName", "extensions"}:
        raise UnreadableBodyError("it has neither query nor operationName")
    return fields


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableBodyError(f"its {name} are not valid JSON") from None


class Documents:
    """Parses GraphQL documents, once for each request. Length and number of tokens are limited."""

    __slots__ = ("_library",)

    def __init__(self, path: KeyPath) -> None:
        self._library = library("graphql", "A GraphQL condition", "graphql", path)

    def parse(self, text: object) -> object:
        """Return the document. Raises UnreadableBodyError."""
        if not isinstance(text, str):
            raise UnreadableBodyError("it has no query")
        if len(text) > MAX_QUERY_CHARS:
            raise UnreadableBodyError(f"its query is longer than {MAX_QUERY_CHARS} characters")
        try:
            return self._library.parse(text, no_location=True, max_tokens=MAX_QUERY_TOKENS)
        except self._library.GraphQLError as error:
            said = error.message
            raise UnreadableBodyError(f"its query is not valid GraphQL: {said}") from None
        except RecursionError:
            raise UnreadableBodyError("its query is nested too deeply") from None

    def of(self, request: Request) -> Any:
        return request.once("graphql document", lambda: self.parse(graphql_of(request).query))

    def normal(self, document: object) -> str:
        """Return the document in a normal form, without differences of white space, commas and comments."""
        return str(self._library.print_ast(document))

    def normal_of(self, request: Request) -> str:
        return request.once("graphql normal", lambda: self.normal(self.of(request)))

    def operation(self, request: Request) -> Any:
        """Return the operation to execute; None if it is ambiguous. Raises UnreadableBodyError."""
        name = graphql_of(request).name
        operations = [d for d in self.of(request).definitions if d.kind == "operation_definition"]
        if name is None:
            return operations[0] if len(operations) == 1 else None
        return next(
            (operation for operation in operations if operation.name and operation.name.value == name), None
        )

    def names(self, request: Request) -> list[str]:
        """Return the name that was sent, or the name of the only operation."""
        name = graphql_of(request).name
        if name is None and graphql_of(request).query is not ABSENT:
            only = self.operation(request)
            name = only.name.value if only is not None and only.name else None
        return [name] if isinstance(name, str) else []

    def types(self, request: Request) -> list[str]:
        operation = self.operation(request)
        return [] if operation is None else [operation.operation.value]


def graphql(written: object, reader: Reader) -> list[MatchCheck]:
    """Compile `graphql` of a match. Raises MissingExtraError without the library; other flaws go to the reader."""
    documents = Documents(reader.path)
    if not isinstance(written, dict):
        reader.refuse(
            WrongValueError(f"expected a mapping, got {shown(written)}", "Write {operation: CreateCharge}")
        )
        return []
    checks = [_itself(written)]
    for key, item in written.items():
        place = reader.below(key)
        if key not in KEYS:
            place.refuse(WrongValueError(f"unknown key {key!r}", near(str(key), KEYS)), at_key=True)
        elif key == "variables":
            place.dialect = ReadingDialect.TREE
            checks.append(_variables(place.read(item)))
        else:
            checks.append(_text(key, item, place, documents))
    return checks


def _text(key: str, written: object, place: Reader, documents: Documents) -> MatchCheck:
    if key == "operation":
        return _check(key, place.read(written), documents.names, 8)
    if key == "type":
        if isinstance(written, str) and written not in (*TYPES, "present", "absent"):
            place.refuse(WrongValueError(f"{written!r} is not an operation type", near(written, TYPES)))
        return _check(key, place.read(written), documents.types, 8)
    if not isinstance(written, str) or written in ("present", "absent"):
        return _check(key, place.read(written), _queries, 8)
    try:
        written = documents.normal(documents.parse(written))
    except UnreadableBodyError as error:
        place.refuse(WrongValueError(f"this can't be compared: {error}", "Write a GraphQL document"))
        return _check(key, NEVER, _queries, 8)
    return _check(key, place.read({"equals": written}), lambda request: [documents.normal_of(request)], 9)


def _queries(request: Request) -> list[str]:
    query = graphql_of(request).query
    return [query] if isinstance(query, str) else []


def _check(key: str, condition: Condition, texts: Callable[[Request], list[str]], cost: int) -> MatchCheck:
    def unreadable(request: Request, error: UnreadableBodyError) -> list[Difference]:
        try:
            graphql_of(request)
        except UnreadableBodyError:
            return []  # explained once for the whole request
        said = f"graphql.{key}: expected {condition.said}, but {error}"
        return [Difference(f"graphql.{key}", condition.written, text=said)]

    place = DifferencePlace(f"graphql.{key}", flat=True)
    return value_check(cost, condition, texts, place, unreadable=unreadable)


def _variables(condition: Condition) -> MatchCheck:
    place = DifferencePlace("graphql.variables", (), base=("variables",))
    equalities = tree_equalities("graphql.variables", condition)
    return value_check(
        7, condition, lambda request: graphql_of(request).variables, place, equalities=equalities
    )


def _itself(written: dict[str, Any]) -> MatchCheck:
    """Check that it is a GraphQL request: explained once for all keys."""

    def difference(_: Request, error: UnreadableBodyError) -> Difference:
        return Difference("body", written, weight=2.0, text=f"body: expected a GraphQL request, but {error}")

    return readable_check(6, graphql_of, difference)
