"""The `.proto` files of health (grpc.health.v1) and reflection (v1 and v1alpha), as descriptors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_HEALTH = "grpc.health.v1"
_REFLECTIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
BUILT_IN = (f"{_HEALTH}.Health", *(f"{package}.ServerReflection" for package in _REFLECTIONS))
"""Names of the services that every schema has."""

_HEALTH_MESSAGES = {
    "HealthCheckRequest": ("string service = 1",),
    "HealthCheckResponse": ("enum HealthCheckResponse.ServingStatus status = 1",),
}
"""The fields of each message, as `[oneof NAME] [repeated] TYPE NAME = NUMBER`."""
_REFLECTION_MESSAGES = {
    "ServerReflectionRequest": (
        "string host = 1",
        "oneof message_request string file_by_filename = 3",
        "oneof message_request string file_containing_symbol = 4",
        "oneof message_request message ExtensionRequest file_containing_extension = 5",
        "oneof message_request string all_extension_numbers_of_type = 6",
        "oneof message_request string list_services = 7",
    ),
    "ExtensionRequest": ("string containing_type = 1", "int32 extension_number = 2"),
    "ServerReflectionResponse": (
        "string valid_host = 1",
        "message ServerReflectionRequest original_request = 2",
        "oneof message_response message FileDescriptorResponse file_descriptor_response = 4",
        "oneof message_response message ExtensionNumberResponse all_extension_numbers_response = 5",
        "oneof message_response message ListServiceResponse list_services_response = 6",
        "oneof message_response message ErrorResponse error_response = 7",
    ),
    "FileDescriptorResponse": ("repeated bytes file_descriptor_proto = 1",),
    "ExtensionNumberResponse": ("string base_type_name = 1", "repeated int32 extension_number = 2"),
    "ListServiceResponse": ("repeated message ServiceResponse service = 1",),
    "ServiceResponse": ("string name = 1",),
    "ErrorResponse": ("int32 error_code = 1", "string error_message = 2"),
}
_FIELD = re.compile(r"(?:oneof (\w+) )?(repeated )?(?:(message|enum) )?([\w.]+) (\w+) = (\d+)")


def service_files() -> Iterator[Any]:
    """Yield the files of these services, as FileDescriptorProto."""
    file = _file("grpc/health/v1/health.proto", _HEALTH, _HEALTH_MESSAGES)
    statuses = file.message_type[1].enum_type.add(name="ServingStatus")
    for number, name in enumerate(("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")):
        statuses.value.add(name=name, number=number)
    types = {"input_type": f".{_HEALTH}.HealthCheckRequest", "output_type": f".{_HEALTH}.HealthCheckResponse"}
    health = file.service.add(name="Health")
    health.method.add(name="Check", **types)
    health.method.add(name="Watch", server_streaming=True, **types)
    yield file
    for package in _REFLECTIONS:
        file = _file(f"{package}/reflection.proto", package, _REFLECTION_MESSAGES)
        file.service.add(name="ServerReflection").method.add(
            name="ServerReflectionInfo",
            input_type=f".{package}.ServerReflectionRequest",
            output_type=f".{package}.ServerReflectionResponse",
            client_streaming=True,
            server_streaming=True,
        )
        yield file


def _file(name: str, package: str, messages: Mapping[str, tuple[str, ...]]) -> Any:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

    file = FileDescriptorProto(name=name, package=package, syntax="proto3")
    for message_name, fields in messages.items():
        message = file.message_type.add(name=message_name)
        for oneof, repeated, kind, type_name, field_name, number in _FIELD.findall("\n".join(fields)):
            field = message.field.add(name=field_name, number=int(number))
            field.label = FieldDescriptorProto.Label.Value(f"LABEL_{'REPEATED' if repeated else 'OPTIONAL'}")
            field.type = FieldDescriptorProto.Type.Value(f"TYPE_{(kind or type_name).upper()}")
            field.json_name = re.sub(r"_(\w)", lambda letter: letter[1].upper(), field_name)
            if kind:
                field.type_name = f".{package}.{type_name}"
            if oneof:
                field.oneof_index = 0
                if not message.oneof_decl:
                    message.oneof_decl.add(name=oneof)
    return file
