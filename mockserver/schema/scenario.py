"""Scenarios and routes, as written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from mockserver.errors import WrongValueError, shown
from mockserver.model.violation import Mode
from mockserver.schema.attempts import GroupingSpec
from mockserver.schema.base import (
    RequestLineText,
    Spec,
    SpecSchema,
    http_url,
    is_template,
    without_extensions,
)
from mockserver.schema.expectations import RouteExpect, ScenarioExpectSpec
from mockserver.schema.graphql import GraphQLSpec, read_graphql
from mockserver.schema.grpc import GrpcSpec
from mockserver.schema.identity import OAuthSpec
from mockserver.schema.match import Condition, MatchSpec
from mockserver.schema.policies import GuardedSpec
from mockserver.schema.reply import ReplyDefaultsSpec, Steps, WorkSpec
from mockserver.schema.resource import ResourceSpec

RUNTIME = "runtime"
"""The scenario of runtime routes."""

_NAME = re.compile(r"[^\s/?#%][^/?#%\x00-\x1f]*")


def read_scenario_name(value: object) -> object:
    """Validate the name of a scenario. Raises WrongValueError."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise WrongValueError(
            f"{shown(value)} is not a valid scenario name", "Use letters, digits, dashes, dots or underscores"
        )
    if value == RUNTIME:
        raise WrongValueError("'runtime' is the scenario of routes made at runtime", "Choose another name")
    return value


ScenarioName = Annotated[str, BeforeValidator(read_scenario_name)]


def _base(value: object) -> object:
    if value == "":
        return value
    if not isinstance(value, str) or not value.startswith("/"):
        raise WrongValueError(
            f"{shown(value)} is not a valid path prefix", "Begin it with a slash, such as /v1"
        )
    if value.endswith("/"):
        raise WrongValueError(
            f"{value!r} ends with a slash",
            f"Write {value.rstrip('/') or 'no base at all'!r}: routes begin with one",
        )
    if any(c in value for c in "?#{}"):
        raise WrongValueError(f"{value!r} is not a plain path", "Leave query, fragment and parameters out")
    return value


class CorsSpec(Spec):
    """Allowed origins of browsers; `*` allows any."""

    origins: list[str] = Field(default=["*"], min_length=1)
    credentials: bool = True
    max_age_s: int = Field(default=600, alias="max_age", ge=0)


def _cors(value: object) -> object:
    if value is True:
        return CorsSpec()
    return None if value is False else value


_PROXY_HINT = "Write the address of the real service, such as https://api.example or ${API_URL}"


def read_upstream(value: object) -> str:
    """
    Return the URL of a real service, without a slash at its end. Raises WrongValueError.

    Templates are not allowed: a request can't choose the target.
    """
    if not isinstance(value, str) or is_template(value):
        raise WrongValueError(f"expected a URL, got {shown(value)}", _PROXY_HINT)
    if _UNSAFE.search(value):
        raise WrongValueError(
            f"{shown(value)} contains a space, a control character or a backslash", _PROXY_HINT
        )
    parts = http_url(value, _PROXY_HINT)
    if parts.port == 0:
        raise WrongValueError(f"{shown(value)} is not an http or https URL", _PROXY_HINT)
    if "@" in parts.netloc:
        raise WrongValueError(
            "a URL with user and password is not called", "Let the client send them as a header"
        )
    if "?" in value or "#" in value:
        raise WrongValueError(
            f"{shown(value)} has a query or fragment", "Leave it out: path and query are the request's own"
        )
    return value.rstrip("/")


_UNSAFE = re.compile(r"[\x00-\x20\x7f\\\\]")

ProxyUrl = Annotated[
    str,
    BeforeValidator(read_upstream),
    WithJsonSchema(
        {"type": "string", "pattern": "^(https?://|.*\\$\\{)", "examples": ["https://api.example"]}
    ),
]


def _reply_or_proxy(schema: dict[str, Any]) -> None:
    schema["required"].remove("reply")
    schema["if"] = {"required": ["proxy"]}
    schema["then"] = {"not": {"required": ["reply"]}}
    schema["else"] = {"required": ["reply"]}


class RouteSpec(WorkSpec, GuardedSpec):
    """A request line with conditions, and its reply."""

    model_config = ConfigDict(json_schema_extra=_reply_or_proxy)

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Unique within the scenario."
    )
    request: RequestLineText
    match: MatchSpec | None = Field(
        default=None, description="Conditions on the request, which must all be true."
    )
    when: dict[str, Condition] | None = Field(
        default=None, description="Conditions on the state; keys may be templates."
    )
    if_: Any = Field(
        default=None,
        alias="if",
        description="An expression; if it fails or is undefined, the condition is false.",
    )
    priority: int = Field(default=0, description="Routes with a higher priority are matched first.")
    let: dict[str, Any] | None = Field(
        default=None, description="Values that are computed once per call, available as {{ let.NAME }}."
    )
    reply: Steps
    proxy: ProxyUrl | None = Field(
        default=None,
        description="Instead of `reply`: URL of the real service that requests are forwarded to.",
    )
    then: Literal["repeat", "cycle", "stop"] = Field(
        default="repeat", description="What follows the last reply of a sequence."
    )
    per: str | None = Field(
        default=None, description="A selector; each of its values has its own sequence state."
    )
    validate_: Mode | None = Field(
        default=None,
        alias="validate",
        description="Validation against the scenario's `openapi` for this route.",
    )
    expect: RouteExpect | None = Field(
        default=None,
        description="Expected number of calls at the end: 3, {min: 1}, {max: 2}; {load: …} for rules on many calls.",
    )
    attempts: GroupingSpec | None = Field(
        default=None,
        description="How calls are grouped into operations: {by: headers.x-order-id}; replaces that of the scenario.",
    )
    tags: list[str] = Field(default=[], description="Labels for filters of the admin API.")

    @model_validator(mode="before")
    @classmethod
    def _reply_or_proxy(cls, value: object) -> object:
        if not isinstance(value, dict) or value.get("proxy") is None:
            return value
        if "reply" in value:
            raise WrongValueError("a route has `reply` or `proxy`, not both", "Keep one of them")
        return {**value, "reply": 200}  # nobody asks for it; without it a route lacks a key


class ScenarioSpec(GuardedSpec):
    """A scenario file."""

    scenario: ScenarioName | None = Field(
        default=None, description="Name of the scenario; default: name of the file without suffix."
    )
    description: str | None = None
    active: bool = Field(default=True, description="false: the scenario is inactive until it is activated.")
    base: Annotated[str, BeforeValidator(_base)] = Field(
        default="", description="Prefix of the paths of all routes."
    )
    host: str | None = Field(default=None, description="Only requests with this Host header match.")
    attempts: GroupingSpec | None = Field(
        default=None,
        description="How calls are grouped into operations: {by: headers.x-order-id, ignore: [json.line]}.",
    )
    expect: ScenarioExpectSpec | None = Field(
        default=None,
        description="Rules on all calls of the scenario at the end: {load: {in_flight: {max: 10}}}.",
    )
    vars: dict[str, Any] = Field(default={}, description="Constants for templates.")
    state: dict[str, Any] = Field(default={}, description="Initial state of a namespace.")
    defaults: ReplyDefaultsSpec = Field(default=ReplyDefaultsSpec(), description="Defaults of all replies.")
    cors: Annotated[CorsSpec | None, BeforeValidator(_cors)] = Field(
        default=None, description="true, or {origins: [...]}."
    )
    oauth: OAuthSpec | None = Field(
        default=None,
        description="A token endpoint, or with oidc: true an OpenID Connect provider; tokens expire by the virtual clock.",
    )
    openapi: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="An OpenAPI document in the folder of the scenario, against which it is validated.",
    )
    graphql: Annotated[GraphQLSpec | None, BeforeValidator(read_graphql)] = Field(
        default=None,
        description="GraphQL schema in the folder of the scenario: schema.graphql, or {schema: schema.graphql, path: /graphql}.",
    )
    grpc: GrpcSpec | None = Field(
        default=None,
        description="Schema of the gRPC services: {proto: payments.proto} or {descriptor: payments.pb}.",
    )
    validate_: Mode = Field(
        default="report",
        alias="validate",
        description="Action for violations of `openapi`: off, report (record them), enforce (reject them).",
    )
    routes: list[RouteSpec] = Field(default=[])
    resources: list[ResourceSpec] = Field(default=[], description="Collections; matched after all routes.")

    @model_validator(mode="before")
    @classmethod
    def _own_keys(cls, value: object) -> object:
        if isinstance(value, dict):
            return without_extensions(value)
        if value is None:
            raise WrongValueError(
                "the file is empty", "Write at least: routes: [{request: GET /, reply: 200}]"
            )
        if isinstance(value, cls):
            return value
        raise WrongValueError(
            f"expected a mapping, got {shown(value)}", "A scenario begins with keys such as routes:"
        )

    @model_validator(mode="after")
    def _validates_something(self) -> ScenarioSpec:
        if self.has("validate_") and self.openapi is None:
            raise WrongValueError("`validate` needs `openapi`", "Name the document, or remove it")
        return self


def schema_document() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the language, for editors."""
    document = ScenarioSpec.model_json_schema(by_alias=True, schema_generator=SpecSchema)
    document["patternProperties"] = {"^x-": {}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mockserver:scenario:1",
        **document,
        "title": "mockserver scenario, version 1",
    }
