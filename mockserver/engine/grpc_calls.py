"""gRPC calls: the schema of their method, messages that can't be read, and the reason of a call that no route matches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mockserver.engine.answers import Miss, nearest_view
from mockserver.engine.missing import has_routes, nearest_routes
from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.coding import UnreadableBodyError
from mockserver.model.grpc import HTTP_STATUS, GrpcRequest, GrpcStatus
from mockserver.model.problem import problem
from mockserver.redaction.redaction import mask_path, mask_text
from mockserver.responses.planner import Planned, sent

if TYPE_CHECKING:
    from mockserver.grpc.pools import GrpcMethod, GrpcSchema


def schemas_of(ns: Namespace) -> Iterator[GrpcSchema]:
    """Yield the schemas of the active scenarios of a namespace, in their order."""
    for scenario in ns.scenarios():
        if scenario.schemas and ns.is_active(scenario):
            yield from scenario.schemas


def method_of(ns: Namespace, path: str) -> GrpcMethod | None:
    """Return the method of that path, of the first scenario that has it."""
    for schema in schemas_of(ns):
        method = schema.methods.get(path)
        if method is not None:
            return method
    return None


def received(ns: Namespace, call: Call) -> Planned | None:
    """Find the method of a call, and read its messages. Return the response if they can't be read, recorded as its error."""
    request = call.request
    assert isinstance(request, GrpcRequest)
    method = method_of(ns, request.path)
    if method is None:
        return None
    request.reader = method
    try:
        messages = method.read(request.body, request)
    except UnreadableBodyError as error:
        return _unreadable(call, getattr(error, "status", GrpcStatus.RESOURCE_EXHAUSTED), str(error))
    if len(messages) != 1 and not method.is_stream:
        many = f"it has {len(messages)} messages" if messages else "it has no message"
        return _unreadable(call, GrpcStatus.INTERNAL, f"{many}, and {method.path[1:]} takes one")
    request.once("messages", lambda: messages)
    return None


def _unreadable(call: Call, status: GrpcStatus, reason: str) -> Planned:
    from mockserver.grpc.conversion import refused

    title = f"The request of {call.request.path[1:]} can't be read"
    call.error = problem(HTTP_STATUS[status], "grpc-message", title, mask_text(reason))
    response = refused(status, f"{title}: {mask_text(reason)}")
    return sent(response)


def missed(ns: Namespace, call: Call) -> Planned:
    """Return the response to a gRPC call that no route matches: health, reflection, or UNIMPLEMENTED with the reason."""
    from mockserver.grpc.conversion import refused

    request = call.request
    assert isinstance(request, GrpcRequest)
    if request.reader is not None:
        from mockserver.grpc.services import built_in_reply

        planned = built_in_reply(list(schemas_of(ns)), request)
        if planned is not None:
            call.automatic = True
            return planned
    call.nearest = nearest_routes(ns, request)
    miss = Miss(request, call.nearest, has_routes=has_routes(ns))
    title = f"No route matches GRPC {mask_path(request.path)[1:]}"
    reason = mask_text(_briefly(ns, miss, request))
    call.error = problem(501, "unmatched", title, reason, nearest=nearest_view(miss))
    response = refused(GrpcStatus.UNIMPLEMENTED, f"{title}. {reason}".strip())
    return sent(response)


def _briefly(ns: Namespace, miss: Miss, request: GrpcRequest) -> str:
    """Return the most likely reason, in one sentence."""
    if request.reader is None:
        for schema in schemas_of(ns):
            said, hint = schema.unknown(request.path)
            return f"{said[0].upper()}{said[1:]}. {hint}"
    if not miss.nearest:
        return "" if miss.has_routes else "There are no routes."
    route, differences = miss.nearest[0]
    reason = (
        differences[0].text if differences else "its `when`, its `if` or the end of its sequence keeps it out"
    )
    return f"The nearest is {route.id}: {reason}"
