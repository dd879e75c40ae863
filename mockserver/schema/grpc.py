"""The gRPC schema of a scenario, as written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from mockserver.errors import WrongValueError
from mockserver.schema.base import FILE_NAMES, Spec, file_names

Files = Annotated[
    list[str],
    file_names("Write payments.proto, or [a.proto, b.proto]"),
    FILE_NAMES,
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
