"""Conditions on a request, as written. `matching/` compiles them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from mockserver.errors import WrongValueError, shown
from mockserver.schema.base import Json, Spec

BARE_OPERATORS = (
    "equals", "not", "contains", "starts_with", "ends_with", "matches", "one_of", "any_of", "all_of",
    "gt", "gte", "lt", "lte", "type", "length", "present", "absent", "ignore_case", "unordered",
)  # fmt: skip

CONDITION_SCHEMA: dict[str, Any] = {
    "description": "A value, `present`, `absent`, or a mapping of operators that must all be true.",
    "anyOf": [
        {"type": ["string", "number", "boolean", "null", "array"]},
        {
            "type": "object",
            "properties": {name: {} for name in BARE_OPERATORS},
            "additionalProperties": False,
        },
    ],
}

Condition = Annotated[Any, WithJsonSchema(CONDITION_SCHEMA)]

CERT_PARTS = ("subject", "issuer", "san", "serial", "fingerprint_sha256")

ClientCertCondition = Annotated[
    Any,
    WithJsonSchema(
        {
            "description": "`present`, `absent`, or conditions on its parts that must all hold.",
            "anyOf": [
                {"enum": ["present", "absent"]},
                {
                    "type": "object",
                    "properties": {name: {"type": "boolean"} for name in ("present", "absent")},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
                {
                    "type": "object",
                    "properties": dict.fromkeys(CERT_PARTS, CONDITION_SCHEMA),
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ],
        }
    ),
]


def _place(value: object) -> object:
    root, _, name = str(value).partition(".")
    if root not in ("headers", "cookies", "query", "form") or not name:
        raise WrongValueError(
            f"{shown(value)} is not a place of a token",
            "Write headers.NAME, cookies.NAME, query.NAME or form.NAME",
        )
    return value


class JwtMatchSpec(Spec):
    """Conditions on a JSON Web Token."""

    claims: dict[str, Condition] = Field(default={}, description="Claims of the token.")
    header: dict[str, Condition] = Field(default={}, description="Fields of its header, such as alg and kid.")
    in_: Annotated[str, BeforeValidator(_place)] = Field(
        default="headers.authorization",
        alias="in",
        description="Its place: headers.NAME, cookies.NAME, query.NAME or form.NAME; `Bearer` is removed.",
    )
    verify: bool = Field(
        default=False,
        description="Require a signature by the server (see `oauth`), and times that are valid by the virtual clock.",
    )


class MatchSpec(Spec):
    """Conditions on a request, which must all be true."""

    headers: dict[str, Condition] = Field(default={}, description="Header lines; names ignore case.")
    query: dict[str, Condition] = Field(
        default={}, description="Query parameters; a list requires exactly these values."
    )
    query_exact: dict[str, Condition] = Field(
        default={}, description="Like `query`, without other parameters; {} requires an empty query."
    )
    cookies: dict[str, Condition] = Field(default={}, description="Cookies.")
    json_: Json = Field(
        default=None, alias="json", description="A part of the JSON body; operators have a $ prefix."
    )
    json_exact: Json = Field(default=None, description="The complete JSON body.")
    jsonpath: dict[str, Condition] = Field(
        default={}, description="RFC 9535 queries; each condition applies to the list of results."
    )
    schema_: Any = Field(
        default=None,
        alias="schema",
        description="JSON Schema 2020-12: inline, or a file in the folder of the scenario.",
    )
    form: dict[str, Condition] = Field(
        default={}, description="Fields of a URL-encoded or multipart form, with the names as sent."
    )
    form_exact: dict[str, Condition] = Field(default={}, description="Like `form`, without other fields.")
    files: dict[str, Condition | dict[str, Condition]] = Field(
        default={},
        description="Files of a multipart form by field: filename, content_type, text, length, sha256.",
    )
    text: Condition = Field(default=None, description="The body as text.")
    xml: dict[str, Condition] = Field(default={}, description="XPath 1.0 queries over the XML body.")
    xml_exact: str | None = Field(
        default=None,
        description="The complete XML body, compared in its canonical form: inline, or a file in the folder of the scenario.",
    )
    xml_schema: str | None = Field(
        default=None, description="XML Schema (XSD): inline, or a file in the folder of the scenario."
    )
    graphql: dict[str, Any] | None = Field(
        default=None, description="operation, variables, query, type of a GraphQL request."
    )
    message: Json = Field(
        default=None, description="A part of the message of a gRPC call; operators have a $ prefix."
    )
    messages: Json = Field(
        default=None,
        description="All messages of a gRPC call whose client sends a stream: a list, or operators with a $.",
    )
    arguments: Json = Field(
        default=None,
        description="Arguments of the field of a GRAPHQL route; operators have a $ prefix.",
    )
    body_sha256: Condition = Field(default=None, description="SHA-256 of the raw body, in hex.")
    jwt: JwtMatchSpec | None = Field(
        default=None, description="Claims of the JSON Web Token in the Authorization header, or elsewhere."
    )
    client_cert: ClientCertCondition = Field(
        default=None,
        description="Client certificate (--tls-client-ca): subject, issuer, san, serial, fingerprint_sha256.",
    )
