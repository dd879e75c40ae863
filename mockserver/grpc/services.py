"""
The services that every gRPC server has: health (grpc.health.v1) and reflection (v1 and v1alpha).

They answer for the services of the schemas in use, unless a route does.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from mockserver.grpc import writing
from mockserver.grpc.conversations import dialogue
from mockserver.grpc.conversion import refused
from mockserver.grpc.framing import framed
from mockserver.grpc.pools import GrpcMethod, GrpcSchema
from mockserver.grpc.service_files import BUILT_IN
from mockserver.model.grpc import CONTENT_TYPE, GrpcRequest, GrpcStatus
from mockserver.model.http import Pairs, Response
from mockserver.model.plan import Drip, Hang
from mockserver.responses.planner import Planned, sent

_HEADERS: Pairs = (("content-type", CONTENT_TYPE),)
_OK: Pairs = (("grpc-status", "0"),)
_NOT_FOUND = int(GrpcStatus.NOT_FOUND)


def built_in_reply(schemas: Sequence[GrpcSchema], request: GrpcRequest) -> Planned | None:
    """Return the reply of one of these services; None if the request is for another."""
    method = request.reader
    if not isinstance(method, GrpcMethod) or method.service not in BUILT_IN:
        return None
    if method.service.endswith("ServerReflection"):
        reflection = Reflection(schemas)
        return dialogue(_HEADERS, method, lambda message: iter((reflection.answer(method, message),)))
    return _health(schemas, method, request)


def _health(schemas: Sequence[GrpcSchema], method: GrpcMethod, request: GrpcRequest) -> Planned | None:
    name = str(request.message.get("service", ""))
    is_known = not name or any(name in schema.services for schema in schemas)
    if method.name == "Check":
        if not is_known:
            return _sent(refused(GrpcStatus.NOT_FOUND, f"No scenario has a service {name!r}"))
        data = framed(writing.make(method.output, {"status": "SERVING"}))
        return _sent(Response(200, _HEADERS, data, trailers=_OK))
    status = "SERVING" if is_known else "SERVICE_UNKNOWN"
    data = framed(writing.make(method.output, {"status": status}))
    response = Response(200, _HEADERS, data, trailers=_OK)
    return Planned((Drip(response, ((0.0, data),), chunked=True, ended=False), Hang()), response)


def _sent(response: Response) -> Planned:
    return sent(response)


class Reflection:
    """Answers questions about the files, services and types of several schemas; the first that knows a name answers."""

    __slots__ = ("_schemas",)

    def __init__(self, schemas: Sequence[GrpcSchema]) -> None:
        self._schemas = schemas

    def answer(self, method: GrpcMethod, asked: dict[str, Any]) -> bytes:
        """Return the response to one request."""
        found = self._found(asked)
        reply = {"valid_host": asked.get("host", ""), "original_request": dict(asked), **found}
        return writing.make(method.output, reply)

    def _found(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "list_services" in asked:
            names = dict.fromkeys(name for schema in self._schemas for name in schema.services)
            return {"list_services_response": {"service": [{"name": name} for name in sorted(names)]}}
        if "file_by_filename" in asked:
            return self._files(asked["file_by_filename"], by_symbol=False)
        if "file_containing_symbol" in asked:
            return self._files(asked["file_containing_symbol"], by_symbol=True)
        if "all_extension_numbers_of_type" in asked:
            name = asked["all_extension_numbers_of_type"]
            if any(schema.find_type(name) is not None for schema in self._schemas):
                return {"all_extension_numbers_response": {"base_type_name": name}}
            return _missing(name)
        if "file_containing_extension" in asked:
            return _missing(
                f"{asked['file_containing_extension'].get('containing_type', '')} with that extension"
            )
        return {
            "error_response": {
                "error_code": int(GrpcStatus.INVALID_ARGUMENT),
                "error_message": "the request asks for nothing",
            }
        }

    def _files(self, name: str, *, by_symbol: bool) -> dict[str, Any]:
        for schema in self._schemas:
            file = schema.file_with(name) if by_symbol else schema.file(name)
            if file is not None:
                files = [base64.b64encode(each).decode() for each in schema.with_imports(file)]
                return {"file_descriptor_response": {"file_descriptor_proto": files}}
        return _missing(name)


def _missing(name: str) -> dict[str, Any]:
    return {"error_response": {"error_code": _NOT_FOUND, "error_message": f"No scenario has {name}"}}
