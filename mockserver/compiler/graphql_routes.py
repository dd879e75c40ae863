"""Generated routes of GraphQL: that of an API, and those of fields that are operations on resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from graphql import get_named_type, get_nullable_type, is_leaf_type, is_list_type

from mockserver.compiler.routes import generated_route
from mockserver.engine.graphql_calls import FieldPlanned, GraphQLEndpoint
from mockserver.engine.routes import Behaviour, Route, Scenario
from mockserver.engine.side_effects import NO_WORK, Work
from mockserver.engine.transaction import Transaction
from mockserver.graphql.execution import FieldAnswer
from mockserver.graphql.replies import FieldReply, compile_field_reply
from mockserver.graphql.schemas import FieldType
from mockserver.graphql.sockets import OperationsReply
from mockserver.model.http import GRAPHQL, Request, Response
from mockserver.resources.resources import Resource, ResourceOperation
from mockserver.responses.bodies import dump_json
from mockserver.schema.base import parse_request_line
from mockserver.schema.reply import ReplySpec
from mockserver.templating.variables import AFTER_CLAIM

if TYPE_CHECKING:
    from mockserver.compiler.generated_routes import ResourceAction


def graphql_routes(scenario: Scenario, routes: list[Route]) -> list[Route]:
    """Return the routes that answer operations: over HTTP and WebSocket. `routes` are the others of the scenario."""
    (api,) = scenario.apis
    plain = compile_field_reply(
        ReplySpec.known(status=200), scenario.defaults, None, scenario.source.read_file, AFTER_CLAIM
    )
    assert isinstance(plain, FieldReply)
    endpoint = GraphQLEndpoint(api, scenario, plain)
    path = api.path.removeprefix(scenario.spec.base)
    taken = {each.name for each in routes}
    last = len(scenario.spec.resources) + 1
    route = generated_route(scenario, f"POST,GET {path}", endpoint, taken, (("graphql",), (last,)))
    route.take_guards((scenario.auth, scenario.limiter, scenario.idempotency))
    route.has_effects = any(each.has_effects for each in routes if GRAPHQL in (each.methods or ()))
    route.on_begin = endpoint.begun
    made = [route]
    if find_spec("websockets") is not None:
        reply = OperationsReply()
        reply.work = reply.own_work = NO_WORK
        socket = generated_route(scenario, f"WS {path}", endpoint, taken, (("graphql",), (last, 1)))
        socket.answers = (reply,)
        made.append(socket)
    for each in made:
        each.contract = None  # OpenAPI does not describe it
    return made


class ResourceField(Behaviour):
    """A field of a GraphQL schema that is an operation on a resource."""

    __slots__ = ("_action", "_field", "_id_field", "_operation", "_path")

    def __init__(
        self, action: ResourceAction, operation: ResourceOperation, path: str, id_field: str, field: FieldType
    ) -> None:
        self._action = action
        self._operation = operation
        self._path = path
        self._id_field = id_field
        self._field = field

    def works(self) -> Iterable[Work] | None:
        return self._action.works()

    def decide(self, transaction: Transaction) -> None:
        arguments = transaction.request.arguments
        params: dict[str, str] = {}
        body = dict(arguments)
        if self._operation.suffix:
            name = self._id_argument()
            params["id"] = str(body.pop(name, ""))
        inputs = [value for value in body.values() if isinstance(value, dict)]
        if len(inputs) == 1 and len(body) == 1:
            (body,) = inputs
            if self._operation.suffix and not params["id"]:
                params["id"] = str(body.get(self._id_field, ""))
        self._action.act(transaction, self._request(params, body), params)
        assert transaction.planned is not None
        transaction.planned = FieldPlanned(self._answer(transaction.planned.response, params))

    def _id_argument(self) -> str:
        """Return the argument with the id: that of its name, or the only one of the type ID."""
        arguments = self._field.field.args
        named = [name for name, each in arguments.items() if get_named_type(each.type).name == "ID"]
        return named[0] if self._id_field not in arguments and len(named) == 1 else self._id_field

    def _request(self, params: Mapping[str, str], body: dict[str, Any]) -> Request:
        """Return the request of the operation as the resource knows it."""
        (method,) = self._operation.methods
        path = self._path + self._operation.suffix.replace("{id}", quote(params.get("id", ""), safe=""))
        if method in ("GET", "DELETE"):
            query = urlencode(
                {
                    name: str(value).lower() if isinstance(value, bool) else value
                    for name, value in body.items()
                    if isinstance(value, (str, int, float))
                }
            )
            return Request(method, f"{path}?{query}" if query else path)
        return Request(method, path, [("content-type", "application/json")], dump_json(body))

    def _answer(self, response: Response, params: Mapping[str, str]) -> FieldAnswer:
        value = json.loads(response.body) if response.body else None
        if response.status == 404 and self._operation.name == "read":
            return FieldAnswer(None)
        if response.status >= 400:
            said = value.get("detail") or value.get("title") if isinstance(value, dict) else None
            return FieldAnswer(
                errors=[
                    {
                        "message": str(said or f"The resource answered {response.status}"),
                        "extensions": {"code": _CODES.get(response.status, "BAD_USER_INPUT")},
                    }
                ]
            )
        return FieldAnswer(self._shaped(value, params))

    def _shaped(self, value: Any, params: Mapping[str, str]) -> Any:
        """Return a value in the form that the type of the field asks for."""
        kind = get_nullable_type(self._field.field.type)
        if self._operation.name == "list":
            items = (
                value
                if isinstance(value, list)
                else next((v for v in value.values() if isinstance(v, list)), [])
            )
            if is_list_type(kind):
                return items
            edges = [{"node": item} for item in items]
            return {"nodes": items, "items": items, "edges": edges, "totalCount": len(items)}
        if is_leaf_type(kind):  # such as that of a deletion
            return True if kind.name == "Boolean" else params.get("id")
        return {} if value is None else value


_CODES = {404: "NOT_FOUND", 409: "CONFLICT", 403: "FORBIDDEN", 401: "UNAUTHENTICATED"}


def resource_field(
    scenario: Scenario, action: ResourceAction, operation: ResourceOperation, resource: Resource, line: str
) -> ResourceField:
    """Return what answers a field from a resource. Raises InvalidInputError."""
    spec = parse_request_line(f"{GRAPHQL} {line}")
    field = scenario.apis[0].field(spec.path)
    return ResourceField(action, operation, resource.path, resource.kind.id_field, field)
