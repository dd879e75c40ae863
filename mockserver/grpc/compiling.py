"""Compiles what a scenario says about gRPC: its schema, and the replies of its routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mockserver.errors import Flaw, InvalidInputError, KeyPath, ReadFile
from mockserver.grpc.conditions import message_condition, messages_condition
from mockserver.grpc.conversations import ScriptedReply, compile_script
from mockserver.grpc.pools import GrpcMethod, GrpcSchema, schema_of
from mockserver.grpc.replies import compile_messages, compile_parts
from mockserver.responses.planner import Reply
from mockserver.scenarios.proto_files import compile_protos
from mockserver.schema.grpc import GrpcSpec
from mockserver.schema.match import MatchSpec
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec


def compile_schema(spec: GrpcSpec, read_file: ReadFile) -> GrpcSchema:
    """Return the schema that a scenario names. Raises InvalidInputError, with paths from the root of the file."""
    sets = []
    if spec.proto is not None:
        path: KeyPath = ("grpc", "proto")
        sets.append((compile_protos(spec.proto, spec.include or (), read_file, path), path))
    for name in spec.descriptor or ():
        path = ("grpc", "descriptor")
        sets.append((read_file(name, path), path))
    return schema_of(sets)


@dataclass(frozen=True, slots=True)
class GrpcTarget:
    """The method and schema of a path's routes; None if they are unknown or ambiguous."""

    method: GrpcMethod | None = None
    schema: GrpcSchema | None = None

    def compile_reply(
        self,
        spec: ReplySpec,
        defaults: ReplyDefaultsSpec,
        _read_file: ReadFile,
        names: frozenset[str] | None,
    ) -> Reply:
        """Compile a reply. Raises InvalidInputError with every flaw, with paths relative to the reply."""
        return compile_grpc_reply(spec, defaults, self, names)

    def typed_match(self, spec: MatchSpec) -> MatchSpec:
        """Return a `match` in the form of the messages of the method. Raises InvalidInputError."""
        return typed_match(spec, self.method)


def target_of(schemas: Sequence[GrpcSchema], path: str) -> GrpcTarget:
    """Return the method of a path in these schemas. Raises InvalidInputError if they have another service or method."""
    for schema in schemas:
        if path in schema.methods:
            return GrpcTarget(schema.methods[path], schema)
    if not schemas:
        return GrpcTarget()
    return GrpcTarget(None if "{" in path else schemas[0].method(path, ()), schemas[0])


def compile_grpc_reply(
    spec: ReplySpec, defaults: ReplyDefaultsSpec, target: GrpcTarget, names: frozenset[str] | None
) -> Reply:
    """Compile a reply of a gRPC route. Raises InvalidInputError with every flaw, with paths relative to the reply."""
    method = target.method
    compiled = compile_parts(spec, defaults, method, target.schema, names)
    if method is None or not method.is_bidirectional or not any(map(_receives, spec.messages or ())):
        return compile_messages(compiled, method, names)
    flaws = [
        Flaw((key,), f"`{key}` is not supported in a reply that receives", "Remove it")
        for key in ("throttle", "fault")
        if spec.has(key) and (key == "throttle" or spec.fault.after is not None)
    ]
    if flaws:
        raise InvalidInputError(flaws)
    return ScriptedReply(compiled, method, compile_script(spec, method, names))


def _receives(item: object) -> bool:
    return isinstance(item, dict) and ("receive" in item or "repeat" in item)


def typed_match(spec: MatchSpec, method: GrpcMethod | None) -> MatchSpec:
    """
    Return a `match` whose conditions on messages are checked, and have the form of the JSON of the method's messages.

    Raises InvalidInputError with every flaw, with paths relative to the mapping.
    """
    if method is None or not (spec.has("message") or spec.has("messages")):
        return spec
    update = {}
    if spec.has("message"):
        update["message"] = message_condition(method.input, spec.message, ("message",))
    if spec.has("messages"):
        update["messages"] = messages_condition(method.input, spec.messages, ("messages",))
    return spec.model_copy(update=update)
