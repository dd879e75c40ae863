"""The GraphQL schema of a scenario, as written."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from mockserver.errors import WrongValueError, shown
from mockserver.schema.base import Spec

_HINT = "Write schema.graphql, or {schema: schema.graphql, path: /graphql}"


def _files(value: object) -> object:
    listed = [value] if isinstance(value, str) else value
    if (
        not isinstance(listed, list)
        or not listed
        or not all(isinstance(name, str) and name for name in listed)
    ):
        raise WrongValueError(f"expected a file or a list of files, got {shown(value)}", _HINT)
    return listed


def _path(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("/") or any(c in value for c in "?#{} "):
        raise WrongValueError(f"{shown(value)} is not a plain path", "Write a path such as /graphql")
    return value


class GraphQLSpec(Spec):
    """The schema of a scenario's GraphQL API, and the path below the base where it is served."""

    schema_: Annotated[
        list[str],
        BeforeValidator(_files),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
                ]
            }
        ),
    ] = Field(
        alias="schema",
        description="One file in the schema definition language or a list, in the folder of the scenario.",
    )
    path: Annotated[str, BeforeValidator(_path)] = Field(
        default="/graphql", description="The path, below the base of the scenario."
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "minLength": 1}, schema]}


def read_graphql(value: object) -> object:
    """Read `graphql` of a scenario: the name of a file stands for its mapping."""
    return {"schema": value} if isinstance(value, (str, list)) else value
