"""
GraphQL over HTTP: the operation of a request, and the form of its answer.

https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, OperationType

from mockserver.errors import MockServerError
from mockserver.graphql.documents import GraphQLDocument
from mockserver.graphql.limits import check_variables
from mockserver.graphql.schemas import GraphQLApi
from mockserver.matching.graphql_requests import MAX_QUERY_CHARS, graphql_of
from mockserver.model.coding import UnreadableBodyError
from mockserver.model.http import ABSENT, Request
from mockserver.responses.bodies import dump_json

RESPONSE_TYPE = "application/graphql-response+json"
JSON_TYPE = "application/json"
EVENTS_TYPE = "text/event-stream"
SOCKET_PROTOCOL = "graphql-transport-ws"
"""The protocol of operations over WebSocket."""


MOST_BATCHED = 10
"""Operations of a batch, as Apollo's `BatchHttpLink` sends by default."""


class GraphQLRequestError(MockServerError):
    """A request that is not executed. `status`: that of its response where the specification asks for one, else None."""

    def __init__(self, errors: Sequence[GraphQLError], status: int | None = None) -> None:
        super().__init__(errors[0].message)
        self.errors = list(errors)
        self.status = status


@dataclass(frozen=True, slots=True)
class GraphQLOperation:
    """The operation of a request that is executed."""

    document: GraphQLDocument
    node: OperationDefinitionNode
    name: str | None
    variables: dict[str, Any]
    text: str

    @property
    def is_subscription(self) -> bool:
        return self.node.operation is OperationType.SUBSCRIPTION

    @property
    def is_introspection(self) -> bool:
        """Whether it asks for nothing but the schema."""
        return set(self.document.root_fields(self.node)) <= {"__schema", "__type", "__typename"}


def batched(request: Request) -> list[Request] | None:
    """
    Return the requests of a batch, each as if it had been sent alone; None for a request that is not a batch.

    Raises GraphQLRequestError.
    """
    if request.method != "POST" or request.media_type in ("application/graphql", "multipart/form-data"):
        return None
    try:
        listed = request.json
    except UnreadableBodyError:
        return None
    if not isinstance(listed, list):
        return None
    if not listed:
        raise _refused("The batch is empty", 400)
    if len(listed) > MOST_BATCHED:
        raise _refused(f"The batch has {len(listed)} operations; the limit is {MOST_BATCHED}", 400)
    queries = [item.get("query") for item in listed if isinstance(item, dict)]
    if sum(len(query) for query in queries if isinstance(query, str)) > MAX_QUERY_CHARS:
        raise _refused(
            f"The documents of the batch are longer than {MAX_QUERY_CHARS} characters together", 400
        )
    return [_part(request, item) for item in listed]


def _part(request: Request, document: object) -> Request:
    lines = [line for line in request.headers.pairs if not line[0].lower().startswith("content-")]
    return Request(
        "POST", request.target, [*lines, ("content-type", JSON_TYPE)], dump_json(document), path=request.path,
        prefix=request.prefix, namespace=request.namespace, client=request.client, scheme=request.scheme,
        client_cert=request.client_cert, arrived_s=request.arrived_s, arrived_at_s=request.arrived_at_s,
        version=request.version, max_json_members=request.max_json_members,
    )  # fmt: skip


def read_operation(api: GraphQLApi, request: Request) -> GraphQLOperation:
    """Return the operation of a request. Raises GraphQLRequestError."""
    if request.media_type == "multipart/form-data":
        raise _refused(
            f"Uploads (multipart/form-data) are not supported; a route POST {api.path} can answer them", 400
        )
    try:
        sent = graphql_of(request)
        query, name, variables = sent.query, sent.name, sent.variables
    except UnreadableBodyError as error:
        raise _refused(f"The request is not a GraphQL request: {error}", 400) from None
    if not isinstance(query, str):
        if query is ABSENT:
            raise GraphQLRequestError(
                [GraphQLError("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})]
            )
        raise _refused("The query is not a text", 400)
    operation = operation_of(api, query, name, variables)
    if request.method == "GET" and operation.node.operation is OperationType.MUTATION:
        raise _refused("GET changes nothing; send a mutation with POST", 405)
    return operation


def operation_of(api: GraphQLApi, query: str, name: object, variables: object) -> GraphQLOperation:
    """Return the operation of a document. Raises GraphQLRequestError."""
    if name is not None and not isinstance(name, str):
        raise _refused("operationName is not a text", 400)
    if variables is ABSENT or variables is None:
        variables = {}
    if not isinstance(variables, dict):
        raise _refused("The variables are not a mapping", 400)
    try:
        check_variables(variables)
        document = api.document(query)
    except UnreadableBodyError as error:
        raise _refused(f"The operation is too large: {error}") from None
    if document.errors:
        raise GraphQLRequestError(document.errors)
    return GraphQLOperation(document, _named(document, name), name or None, variables, query)


def _named(document: GraphQLDocument, name: str | None) -> OperationDefinitionNode:
    operations = document.operations
    if not operations:
        raise _refused("The document has no operation")
    if not name:
        if len(operations) > 1:
            raise _refused("The document has several operations; name one in operationName")
        return operations[0]
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise _refused(f"The document has no operation {name!r}")


def _refused(message: str, status: int | None = None) -> GraphQLRequestError:
    return GraphQLRequestError([GraphQLError(message)], status)


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The media type that an Accept header asks for. `is_stream`: events are accepted; `only_stream`: nothing else; `is_socket`: it came over a WebSocket."""

    media_type: str
    is_stream: bool
    only_stream: bool
    is_socket: bool = False

    def refused_status(self, error: GraphQLRequestError) -> int:
        """Return the status of a request that is not executed: clients of application/json expect 200."""
        if error.status is not None:
            return error.status
        return 400 if self.media_type == RESPONSE_TYPE or self.only_stream else 200


def form_of(request: Request) -> AnswerForm:
    """Return the form of the answer to a request."""
    if SOCKET_PROTOCOL in request.headers.all("sec-websocket-protocol"):
        return AnswerForm(RESPONSE_TYPE, is_stream=True, only_stream=False, is_socket=True)
    accepted = [
        item.partition(";")[0].strip().lower()
        for line in request.headers.all("accept")
        for item in line.split(",")
    ]
    media_type = RESPONSE_TYPE if RESPONSE_TYPE in accepted else JSON_TYPE
    is_stream = EVENTS_TYPE in accepted
    others = {RESPONSE_TYPE, JSON_TYPE, "*/*", "application/*", "application/graphql+json"}
    return AnswerForm(media_type, is_stream, is_stream and not others.intersection(accepted))


def result_document(data: object, errors: Sequence[GraphQLError]) -> dict[str, Any]:
    """Return a response in its specified form: errors first; without `data` (ABSENT) nothing was executed."""
    document: dict[str, Any] = {}
    if errors:
        document["errors"] = [error.formatted for error in errors]
    if data is not ABSENT:
        document["data"] = data
    return document


def event(name: str, document: dict[str, Any] | None, dump: Any) -> bytes:
    """Return an event of GraphQL over SSE."""
    data = b"" if document is None else dump(document)
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def variables_text(operation: GraphQLOperation) -> str:
    """Return the variables as a text that distinguishes them."""
    return json.dumps([operation.name, operation.variables], sort_keys=True, default=str)
