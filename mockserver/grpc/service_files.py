"""The `.proto` files of health (grpc.health.v1) and reflection (v1 and v1alpha), as descriptors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_HEALTH = "grpc.health.v1"
_REFLECTIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
BUILT_IN = (f"{_HEALTH}.Health", *(f"{package}.ServerReflection" for package in _REFLECTIONS))
"""Names of the services that every schema has."""


def service_files() -> Iterator[Any]:
    """Yield the files of these services, as FileDescriptorProto."""
    from google.protobuf import text_format
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    yield text_format.Parse(_HEALTH_FILE, FileDescriptorProto())
    for package in _REFLECTIONS:
        yield text_format.Parse(_REFLECTION_FILE.replace("PACKAGE", package), FileDescriptorProto())


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
