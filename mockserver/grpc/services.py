"""
The services that every gRPC server has: health (grpc.health.v1) and reflection (v1 and v1alpha).

They answer for the services of the schemas in use, unless a route does.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from mockserver.grpc import writing
from mockserver.grpc.conversations import dialogue
from mockserver.grpc.conversion import refused
from mockserver.grpc.framing import framed
from mockserver.grpc.pools import GrpcMethod, GrpcSchema
from mockserver.model.grpc import CONTENT_TYPE, GrpcRequest, GrpcStatus
from mockserver.model.http import Pairs, Response
from mockserver.model.plan import Drip, Hang, Send
from mockserver.responses.planner import Planned

_HEADERS: Pairs = (("content-type", CONTENT_TYPE),)
_OK: Pairs = (("grpc-status", "0"),)
_HEALTH = "grpc.health.v1"
_REFLECTIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
_NOT_FOUND = int(GrpcStatus.NOT_FOUND)
BUILT_IN = (f"{_HEALTH}.Health", *(f"{package}.ServerReflection" for package in _REFLECTIONS))


def service_files() -> Iterator[Any]:
    """Yield the files of these services, as FileDescriptorProto."""
    from google.protobuf import text_format
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    yield text_format.Parse(_HEALTH_FILE, FileDescriptorProto())
    for package in _REFLECTIONS:
        yield text_format.Parse(_REFLECTION_FILE.replace("PACKAGE", package), FileDescriptorProto())


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
    return Planned((Send(response),), response)


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


_HEALTH_FILE = """
name: "grpc/health/v1/health.proto"
package: "grpc.health.v1"
syntax: "proto3"
message_type {
  name: "HealthCheckRequest"
  field { name: "service" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "service" }
}
message_type {
  name: "HealthCheckResponse"
  field {
    name: "status" number: 1 label: LABEL_OPTIONAL type: TYPE_ENUM json_name: "status"
    type_name: ".grpc.health.v1.HealthCheckResponse.ServingStatus"
  }
  enum_type {
    name: "ServingStatus"
    value { name: "UNKNOWN" number: 0 }
    value { name: "SERVING" number: 1 }
    value { name: "NOT_SERVING" number: 2 }
    value { name: "SERVICE_UNKNOWN" number: 3 }
  }
}
service {
  name: "Health"
  method {
    name: "Check"
    input_type: ".grpc.health.v1.HealthCheckRequest" output_type: ".grpc.health.v1.HealthCheckResponse"
  }
  method {
    name: "Watch" server_streaming: true
    input_type: ".grpc.health.v1.HealthCheckRequest" output_type: ".grpc.health.v1.HealthCheckResponse"
  }
}
"""

_REFLECTION_FILE = """
name: "PACKAGE/reflection.proto"
package: "PACKAGE"
syntax: "proto3"
message_type {
  name: "ServerReflectionRequest"
  field { name: "host" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "host" }
  field {
    name: "file_by_filename" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0
    json_name: "fileByFilename"
  }
  field {
    name: "file_containing_symbol" number: 4 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0
    json_name: "fileContainingSymbol"
  }
  field {
    name: "file_containing_extension" number: 5 label: LABEL_OPTIONAL type: TYPE_MESSAGE oneof_index: 0
    type_name: ".PACKAGE.ExtensionRequest" json_name: "fileContainingExtension"
  }
  field {
    name: "all_extension_numbers_of_type" number: 6 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0
    json_name: "allExtensionNumbersOfType"
  }
  field {
    name: "list_services" number: 7 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0
    json_name: "listServices"
  }
  oneof_decl { name: "message_request" }
}
message_type {
  name: "ExtensionRequest"
  field {
    name: "containing_type" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "containingType"
  }
  field {
    name: "extension_number" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "extensionNumber"
  }
}
message_type {
  name: "ServerReflectionResponse"
  field { name: "valid_host" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "validHost" }
  field {
    name: "original_request" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE
    type_name: ".PACKAGE.ServerReflectionRequest" json_name: "originalRequest"
  }
  field {
    name: "file_descriptor_response" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE oneof_index: 0
    type_name: ".PACKAGE.FileDescriptorResponse" json_name: "fileDescriptorResponse"
  }
  field {
    name: "all_extension_numbers_response" number: 5 label: LABEL_OPTIONAL type: TYPE_MESSAGE oneof_index: 0
    type_name: ".PACKAGE.ExtensionNumberResponse" json_name: "allExtensionNumbersResponse"
  }
  field {
    name: "list_services_response" number: 6 label: LABEL_OPTIONAL type: TYPE_MESSAGE oneof_index: 0
    type_name: ".PACKAGE.ListServiceResponse" json_name: "listServicesResponse"
  }
  field {
    name: "error_response" number: 7 label: LABEL_OPTIONAL type: TYPE_MESSAGE oneof_index: 0
    type_name: ".PACKAGE.ErrorResponse" json_name: "errorResponse"
  }
  oneof_decl { name: "message_response" }
}
message_type {
  name: "FileDescriptorResponse"
  field {
    name: "file_descriptor_proto" number: 1 label: LABEL_REPEATED type: TYPE_BYTES json_name: "fileDescriptorProto"
  }
}
message_type {
  name: "ExtensionNumberResponse"
  field { name: "base_type_name" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "baseTypeName" }
  field {
    name: "extension_number" number: 2 label: LABEL_REPEATED type: TYPE_INT32 json_name: "extensionNumber"
  }
}
message_type {
  name: "ListServiceResponse"
  field {
    name: "service" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".PACKAGE.ServiceResponse"
    json_name: "service"
  }
}
message_type {
  name: "ServiceResponse"
  field { name: "name" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "name" }
}
message_type {
  name: "ErrorResponse"
  field { name: "error_code" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "errorCode" }
  field { name: "error_message" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "errorMessage" }
}
service {
  name: "ServerReflection"
  method {
    name: "ServerReflectionInfo" client_streaming: true server_streaming: true
    input_type: ".PACKAGE.ServerReflectionRequest" output_type: ".PACKAGE.ServerReflectionResponse"
  }
}
"""
