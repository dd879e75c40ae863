"""The gRPC schema of a scenario, as written."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from mockserver.errors import WrongValueError, shown
from mockserver.schema.base import Spec


def _listed(value: object) -> object:
    listed = [value] if isinstance(value, str) else value
    if (
        not isinstance(listed, list)
        or not listed
        or not all(isinstance(name, str) and name for name in listed)
    ):
        raise WrongValueError(
            f"expected a file or a list of files, got {shown(value)}",
            "Write payments.proto, or [a.proto, b.proto]",
        )
    return listed


Files = Annotated[
    list[str],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]


class GrpcSpec(Spec):
    """The schema of a scenario's gRPC services: `.proto` files, or a descriptor set."""

    proto: Files | None = Field(
        default=None, description="One .proto file or a list, in the folder of the scenario."
    )
    include: Files | None = Field(
        default=None,
        description="Folders where imports of the .proto files are looked up, beside that of the scenario.",
    )
    descriptor: Files | None = Field(
        default=None,
        description="Descriptor sets, as protoc writes them with --include_imports --descriptor_set_out.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> GrpcSpec:
        if self.proto is None and self.descriptor is None:
            raise WrongValueError(
                "`grpc` names no schema", "Write {proto: payments.proto}, or {descriptor: payments.pb}"
            )
        if self.include is not None and self.proto is None:
            raise WrongValueError(
                "`include` goes with `proto`", "Remove it: a descriptor set has its imports inside"
            )
        return self
