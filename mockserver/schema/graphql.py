"""The GraphQL schema of a scenario, as written."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from mockserver.errors import WrongValueError, shown
from mockserver.schema.base import FILE_NAMES, Spec, file_names


def _path(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("/") or any(c in value for c in "?#{} "):
        raise WrongValueError(f"{shown(value)} is not a plain path", "Write a path such as /graphql")
    return value


class GraphQLSpec(Spec):
    """The schema of a scenario's GraphQL API, and the path below the base where it is served."""

    schema_: Annotated[
        list[str],
        file_names("Write schema.graphql, or {schema: schema.graphql, path: /graphql}"),
        FILE_NAMES,
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
