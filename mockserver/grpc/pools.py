"""
The schema of a scenario: its descriptors in a pool of their own, with services, methods and types of messages.

A type gives the JSON of its messages (`reading`), and makes messages of JSON (`writing`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.errors import InvalidInputError, KeyPath, MissingExtraError, invalid, near
from mockserver.grpc.framing import MessageError, split
from mockserver.grpc.reading import FieldBudget, JsonForms
from mockserver.grpc.service_files import service_files
from mockserver.model.coding import UnreadableBodyError
from mockserver.model.grpc import GrpcStatus
from mockserver.model.http import Request

_STANDARD = (
    "google.protobuf.any_pb2",
    "google.protobuf.api_pb2",
    "google.protobuf.descriptor_pb2",
    "google.protobuf.duration_pb2",
    "google.protobuf.empty_pb2",
    "google.protobuf.field_mask_pb2",
    "google.protobuf.source_context_pb2",
    "google.protobuf.struct_pb2",
    "google.protobuf.timestamp_pb2",
    "google.protobuf.type_pb2",
    "google.protobuf.wrappers_pb2",
    "google.rpc.status_pb2",
    "google.rpc.error_details_pb2",
)
"""Modules with the files that every schema has: the types of the language, and the details of errors."""


class MessageType:
    """A type of messages of a schema."""

    __slots__ = ("descriptor", "forms", "make")

    def __init__(self, descriptor: Any, make: Any, forms: JsonForms) -> None:
        self.descriptor = descriptor
        self.make = make
        self.forms = forms

    @property
    def name(self) -> str:
        return str(self.descriptor.full_name)

    def json(self, data: bytes, budget: FieldBudget) -> Any:
        """Return a message as JSON. Raises MessageError."""
        return self.forms.json(self.parse(data), budget)

    def parse(self, data: bytes) -> Any:
        """Return a message. Raises MessageError."""
        from google.protobuf.message import DecodeError

        try:
            return self.make.FromString(data)
        except DecodeError as error:
            reason = str(error).rstrip(".")
            raise MessageError(GrpcStatus.INTERNAL, f"it is not a valid {self.name}: {reason}") from error


class GrpcMethod:
    """A method of a service."""

    __slots__ = ("input", "is_stream", "name", "output", "path", "replies_in_stream", "service")

    def __init__(self, descriptor: Any, schema: GrpcSchema) -> None:
        self.service = str(descriptor.containing_service.full_name)
        self.name = str(descriptor.name)
        self.path = f"/{self.service}/{self.name}"
        self.input = schema.type_of(descriptor.input_type)
        self.output = schema.type_of(descriptor.output_type)
        self.is_stream = bool(descriptor.client_streaming)
        self.replies_in_stream = bool(descriptor.server_streaming)

    @property
    def is_bidirectional(self) -> bool:
        return self.is_stream and self.replies_in_stream

    def messages(self, request: Request) -> list[Any]:
        """Return the messages of a request as JSON. Raises MessageError."""
        return self.read(request.body, request)

    def read(self, body: bytes, request: Request) -> list[Any]:
        """Return the messages of a body, with the compression and the limit of that request. Raises MessageError."""
        budget = FieldBudget(request.max_json_members)
        datas = split(body, request.headers.get("grpc-encoding", "identity"))
        return [self.input.json(data, budget) for data in datas]

    def details(self, value: str) -> list[Any]:
        """Return the details of a status, from `grpc-status-details-bin`, as JSON; none if they can't be read."""
        kind = self.output.forms.schema.find_type("google.rpc.Status")
        try:
            data = base64.b64decode(value + "=" * (-len(value) % 4))
            return list(kind.json(data, FieldBudget())["details"]) if kind is not None else []
        except (binascii.Error, UnreadableBodyError):
            return []

    def replies(self, body: bytes) -> list[Any]:
        """Return the messages of a response as JSON, as far as they can be read."""
        messages: list[Any] = []
        budget = FieldBudget()
        try:
            messages.extend(self.output.json(data, budget) for data in split(body, "identity"))
        except MessageError:
            return messages
        return messages


class GrpcSchema:
    """The descriptors of one scenario."""

    __slots__ = ("_files", "_make", "_pool", "_types", "forms", "methods", "services")

    def __init__(self, files: Iterable[Any]) -> None:
        from google.protobuf import descriptor_pool, message_factory

        self._pool = descriptor_pool.DescriptorPool()
        self._make = message_factory.GetMessageClass
        self._types: dict[str, MessageType] = {}
        self._files: dict[str, bytes] = {}
        self.forms = JsonForms(self)
        self.services: list[str] = []
        self.methods: dict[str, GrpcMethod] = {}
        for file in files:
            self._add(file)

    def _add(self, file: Any) -> None:
        data = file.SerializeToString()
        self._pool.AddSerializedFile(data)
        self._files[file.name] = data
        for service in file.service:
            name = f"{file.package}.{service.name}" if file.package else service.name
            self.services.append(name)
            for descriptor in self._pool.FindServiceByName(name).methods:
                method = GrpcMethod(descriptor, self)
                self.methods[method.path] = method

    def type_of(self, descriptor: Any) -> MessageType:
        name = descriptor.full_name
        known = self._types.get(name)
        if known is None:
            known = self._types[name] = MessageType(descriptor, self._make(descriptor), self.forms)
        return known

    def type_names(self) -> list[str]:
        """Return the names of all types, without those nested in others."""
        from google.protobuf.descriptor_pb2 import FileDescriptorProto

        files = [FileDescriptorProto.FromString(data) for data in self._files.values()]
        return [
            f"{file.package}.{kind.name}" if file.package else kind.name
            for file in files
            for kind in file.message_type
        ]

    def find_type(self, name: str) -> MessageType | None:
        """Return the type of that full name."""
        try:
            return self.type_of(self._pool.FindMessageTypeByName(name))
        except KeyError:
            return None

    def method(self, path: str, where: KeyPath) -> GrpcMethod:
        """Return the method of that path. Raises InvalidInputError, with the nearest name."""
        known = self.methods.get(path)
        if known is not None:
            return known
        said, hint = self.unknown(path)
        raise invalid(where, said, hint)

    def unknown(self, path: str) -> tuple[str, str]:
        """Say that the schema has no such service or method, and what is near."""
        service, _, name = path.lstrip("/").rpartition("/")
        if service in self.services:
            prefix = f"/{service}/"
            names = [each.removeprefix(prefix) for each in self.methods if each.startswith(prefix)]
            return f"the service {service} has no method {name!r}", near(name, names)
        written = [
            each for each in self.services if not each.startswith(("grpc.health.", "grpc.reflection."))
        ]
        return f"the schema has no service {service!r}", near(service, written)

    # For reflection

    def file(self, name: str) -> bytes | None:
        """Return a file by its name, as a serialized FileDescriptorProto."""
        return self._files.get(name)

    def file_with(self, symbol: str) -> bytes | None:
        """Return the file that defines a service, a method, a type or a field."""
        try:
            return self._files.get(self._pool.FindFileContainingSymbol(symbol).name)
        except KeyError:
            return None

    def with_imports(self, file: bytes) -> Iterator[bytes]:
        """Yield a file and all that it imports, each once."""
        from google.protobuf.descriptor_pb2 import FileDescriptorProto

        todo, seen = [file], set[str]()
        while todo:
            data = todo.pop()
            parsed = FileDescriptorProto.FromString(data)
            if parsed.name in seen:
                continue
            seen.add(parsed.name)
            yield data
            todo += [self._files[name] for name in reversed(parsed.dependency)]


def schema_of(descriptor_sets: Iterable[tuple[bytes, KeyPath]]) -> GrpcSchema:
    """
    Return the schema of serialized FileDescriptorSets, each with the place where it is named.

    It has the standard types, and the services of health and reflection. Raises InvalidInputError; MissingExtraError
    without protobuf.
    """
    first: KeyPath = ()
    try:
        from google.protobuf.descriptor_pb2 import FileDescriptorSet
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingExtraError(("grpc",), "`grpc`", "grpc") from None
    files: dict[str, tuple[Any, KeyPath]] = {}
    for data, path in descriptor_sets:
        first = first or path
        try:
            parsed = FileDescriptorSet.FromString(data)
        except DecodeError as error:
            raise _not_a_set(path) from error
        if not parsed.file:
            raise _not_a_set(path)
        for file in parsed.file:
            files.setdefault(file.name, (file, path))
    for file in (*_standard_files(), *service_files()):
        files.setdefault(file.name, (file, first))
    try:
        return GrpcSchema(_in_order(files))
    except TypeError as error:
        raise invalid(first, f"the schema can't be used: {_reason(error)}", "Fix the .proto files") from error


def _reason(error: TypeError) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")


def _not_a_set(path: KeyPath) -> InvalidInputError:
    return invalid(
        path,
        "this is not a descriptor set",
        "Write it with: protoc --include_imports --descriptor_set_out=payments.pb payments.proto",
    )


def _standard_files() -> Iterator[Any]:
    from importlib import import_module

    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    for name in _STANDARD:
        try:
            module = import_module(name)
        except ImportError:
            continue  # googleapis-common-protos is not installed
        yield FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)


def _in_order(files: dict[str, tuple[Any, KeyPath]]) -> Iterator[Any]:
    """Yield the files, each after those that it imports. Raises InvalidInputError if one is missing."""
    done: set[str] = set()
    opened: set[str] = set()

    def visit(name: str) -> Iterator[Any]:
        if name in done:
            return
        file, path = files[name]
        if name in opened:
            raise invalid(path, f"{name!r} imports itself")
        opened.add(name)
        for imported in file.dependency:
            if imported not in files:
                hint = "Write the descriptor set with --include_imports"
                raise invalid(path, f"{name!r} imports {imported!r}, which is missing", hint)
            yield from visit(imported)
        done.add(name)
        yield file

    try:
        for name in files:
            yield from visit(name)
    except RecursionError:
        raise invalid(
            next(iter(files.values()))[1], "the imports of the schema are nested too deeply"
        ) from None
