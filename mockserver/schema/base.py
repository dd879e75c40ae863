"""The base of all specs: frozen, strict, without unknown keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, core_schema

from mockserver.errors import WrongValueError, shown
from mockserver.model import durations
from mockserver.model.grpc import METHOD as GRPC
from mockserver.model.http import GRAPHQL


class Spec(BaseModel):
    """What an author writes. Field names, or their aliases, are the keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=False,
        arbitrary_types_allowed=True,
        defer_build=True,  # made at first use: a start needs few of them
    )

    def has(self, key: str) -> bool:
        """Whether the author wrote the key, even with the value null."""
        return key in self.model_fields_set


def exactly_one(spec: Spec, keys: Iterable[str], message: str, hint: str) -> str:
    """Return which of the keys has a value. Raise WrongValueError, with `{written}` filled, unless it is exactly one."""
    written = [key for key in keys if getattr(spec, key) is not None]
    if len(written) != 1:
        raise WrongValueError(message.format(written=" and ".join(written) or "none"), hint)
    return written[0]


def http_url(text: str, hint: str) -> SplitResult:
    """Return the parts of an http or https URL. Raises WrongValueError."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError if it is invalid
    except ValueError as error:
        raise WrongValueError(f"{shown(text)} is not a valid URL: {error}", hint) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongValueError(f"{shown(text)} is not an http or https URL", hint)
    return parts


def without_extensions(value: dict[Any, Any]) -> dict[Any, Any]:
    """Return the keys of a file without those that begin with `x-`."""
    return {key: item for key, item in value.items() if not str(key).startswith("x-")}


def duration_s(value: object) -> float:
    """Return the seconds of a duration as written. Raises WrongValueError."""
    try:
        seconds = durations.parse_duration_s(value)
    except ValueError as error:
        raise WrongValueError(str(error), durations.HINT) from error
    if seconds < 0:
        raise WrongValueError(f"{value!r} is negative", durations.HINT)
    if seconds > durations.LONGEST_S:
        raise WrongValueError(f"{value!r} is longer than 100 years", "Write a shorter one")
    return seconds


_PATTERN = r"^(\d+(\.\d+)?(us|ms|s|m|h|d|w))+$|^0$"

DurationS = Annotated[
    float,
    BeforeValidator(duration_s),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _PATTERN,
            "description": "A duration such as 200ms, 5s, 1m30s, 24h or 3d.",
            "examples": ["200ms", "5s", "1h"],
        }
    ),
]
"""Seconds, at least 0; written as a text with a unit."""


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        try:
            return duration_s(value)
        except WrongValueError as error:
            raise WrongValueError(str(error), SECONDS_HINT) from error
    if not 0 <= value <= durations.LONGEST_S:
        raise WrongValueError(f"{value!r} is not a valid number of seconds", SECONDS_HINT)
    return float(value)


SECONDS_HINT = "Write seconds, such as 5 or 0.2, or a number with a unit, such as 200ms or 1m30s"

Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _PATTERN}],
            "description": "Seconds, such as 5 or 0.2, or a duration such as 200ms, 5s or 1m30s.",
            "examples": [5, "200ms"],
        }
    ),
]
"""Seconds, at least 0; in checks, a plain number is a number of seconds."""

_RANGE = {"gte": "min", "lte": "max"}


def range_keys(value: dict[Any, Any]) -> dict[Any, Any]:
    """Return a range with `min` and `max` in place of `gte` and `lte`. Raises WrongValueError if both are given."""
    for key, name in _RANGE.items():
        if key in value and name in value:
            raise WrongValueError(f"`{name}` and `{key}` mean the same", "Keep one of them")
    return {_RANGE.get(key, key): item for key, item in value.items()}


def has_templates(value: object) -> bool:
    """Whether a text of a JSON value, or a key, has template syntax."""
    if isinstance(value, dict):
        return any(is_template(key) or has_templates(item) for key, item in value.items())
    return any(map(has_templates, value)) if isinstance(value, list) else is_template(value)


def is_template(value: object) -> bool:
    """Whether a string has template syntax in it."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)


def _text_like(value: object) -> object:
    if isinstance(value, (dict, list)) or value is None:
        raise WrongValueError(
            f"expected a text or a number, got {shown(value)}", "Put quotes round it to make it a text"
        )
    return value


TextLike = Annotated[
    Any, BeforeValidator(_text_like), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
"""A text; a YAML number or boolean stands for its text as written."""

UNSET: Any = None
"""The default of a key that has no null: null is an error, a missing key is not."""

Json = Annotated[Any, Field(description="Any JSON value; strings may be templates.")]


_PLAIN: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


class SpecSchema(GenerateJsonSchema):
    """JSON Schemas with defaults that can be written: no null that is not allowed, no seconds for a duration."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        document = super().default_schema(schema)
        if "default" in document and not isinstance(
            document["default"], _PLAIN.get(str(document.get("type")), ())
        ):
            del document["default"]
        return document


class SchemaOf:
    """
    The JSON Schema of a value with a custom validator: a model's, or one of `others`.

    Unlike `WithJsonSchema(model.model_json_schema())`, it includes the definitions that the model refers to.
    """

    def __init__(self, model: type[BaseModel], *others: dict[str, Any]) -> None:
        self._model = model
        self._others = others

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [*self._others, handler(self._model.__pydantic_core_schema__)]}


METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class RequestLine:
    """A parsed `METHOD[,METHOD] /path`. `methods` is None for ANY."""

    __slots__ = ("methods", "path", "text")

    def __init__(self, text: str, methods: frozenset[str] | None, path: str) -> None:
        self.text = text
        self.methods = methods
        self.path = path


_LINE_HINT = "Write a method and a path, such as 'POST /charges', 'GET,HEAD /items/{id}' or 'ANY /data'"


def _without_space(method: str, words: list[str]) -> str:
    if words[1].startswith("HTTP/"):
        return f"Write '{method} {words[0]}'"
    if words[0].count("{") > words[0].count("}"):
        return f"Leave it out of the braces: '{method} {''.join(words)}'"
    return f"Write a space as %20: '{method} {'%20'.join(words)}'"


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def _without_host(method: str, url: str) -> str:
    host, slash, path = url.partition("://")[2].partition("/")
    path = re.split("[?#]", slash + path, maxsplit=1)[0] or "/"
    return f"Write '{method} {path}', and `host: {host}` in the scenario where only that host is meant"


_GRPC_HINT = "Write 'GRPC package.Service/Method'"


def _grpc_line(text: str, methods: list[str], path: str) -> RequestLine:
    """Return the line of a gRPC method; the slash before the service may be left out."""
    if len(methods) > 1:
        raise WrongValueError(f"{','.join(methods)!r} mixes GRPC with methods of HTTP", "Write GRPC alone")
    if path.strip("/").count("/") != 1 and "{" not in path:
        raise WrongValueError(f"{path!r} does not name a service and a method", _GRPC_HINT)
    return RequestLine(text, frozenset(methods), "/" + path.removeprefix("/"))


_FIELD = re.compile(r"[_A-Za-z]\w*\.[_A-Za-z]\w*", re.ASCII)


def _graphql_line(text: str, methods: list[str], path: str) -> RequestLine:
    """Return the line of a field of a GraphQL schema."""
    hint = "Write 'GRAPHQL Query.user'"
    if len(methods) > 1:
        raise WrongValueError(
            f"{','.join(methods)!r} mixes GRAPHQL with methods of HTTP", "Write GRAPHQL alone"
        )
    if not _FIELD.fullmatch(path):
        raise WrongValueError(f"{path!r} does not name a type and its field", hint)
    return RequestLine(text, frozenset(methods), "/" + path)


def parse_request_line(text: object) -> RequestLine:
    """Parse a request line. Raises WrongValueError, with a fix."""
    if not isinstance(text, str):
        raise WrongValueError(f"expected a request line, got {shown(text)}", _LINE_HINT)
    words = text.split()
    if len(words) == 1 and text.startswith("/"):
        raise WrongValueError(
            f"{text!r} has no method", f"Write 'ANY {text}' for every method, or 'GET {text}'"
        )
    url = next((word for word in words if _URL.match(word)), None)
    if url is not None:
        method = words[0] if words[0] != url else "ANY"
        raise WrongValueError(f"{shown(url)} is a URL, and a route has a path", _without_host(method, url))
    if len(words) > 2 and words[1].startswith("/"):
        raise WrongValueError(f"{text!r} has white space in its path", _without_space(words[0], words[1:]))
    if len(words) != 2:
        raise WrongValueError(f"{text!r} is not a valid request line", _LINE_HINT)
    names, path = words
    methods = names.split(",")
    if GRPC in methods:
        return _grpc_line(text, methods, path)
    if GRAPHQL in methods:
        return _graphql_line(text, methods, path)
    for name in methods:
        if not METHOD.fullmatch(name):
            raise WrongValueError(f"{name!r} in {text!r} is not a valid method", _LINE_HINT)
        if name != name.upper():
            raise WrongValueError(
                f"{name!r} in {text!r} is not a valid method: methods are case-sensitive",
                f"Write {name.upper()!r}",
            )
    if not path.startswith("/"):
        hint = f"Write '{names} /{path}'"
        if path.startswith("^") or path.endswith("$"):
            hint = r"A path is not a regular expression: write one in a parameter, such as '/users/{id:\d+}' or '/{path:.+}'"
        raise WrongValueError(f"the path {path!r} does not begin with a slash", hint)
    bare = re.sub(r"\{[^{}]*\}", "", path)
    if "?" in bare or "#" in bare:
        raise WrongValueError(
            f"{path!r} has a query or fragment", "Ask for query parameters under match.query"
        )
    if "ANY" in methods and len(methods) > 1:
        raise WrongValueError(f"{names!r} mixes ANY with methods", "Write ANY alone")
    return RequestLine(text, None if names == "ANY" else frozenset(methods), path)


def _request_line(value: object) -> str:
    parse_request_line(value)
    return str(value)


RequestLineText = Annotated[
    str,
    BeforeValidator(_request_line),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^GRPC\s+/?[^/\s]+/[^/\s]+$|^GRAPHQL\s+[_A-Za-z]\w*\.[_A-Za-z]\w*$|^(ANY|[A-Z0-9!#$%&'*+.^_`|~-]+(,[A-Z0-9!#$%&'*+.^_`|~-]+)*)\s+/",
            "description": "METHOD[,METHOD] or ANY, then a path; parameters as {id}, {id:\\d+} or {rest:.+}.",
            "examples": ["POST /charges", "GET /users/{id}"],
        }
    ),
]


def listed(value: object) -> object:
    """Return a list of one item for anything but a list."""
    return value if isinstance(value, list) else [value]


def file_names(hint: str) -> BeforeValidator:
    """For `Annotated`: one name of a file, or a list of them."""

    def names(value: object) -> object:
        written = [value] if isinstance(value, str) else value
        if (
            not isinstance(written, list)
            or not written
            or not all(isinstance(name, str) and name for name in written)
        ):
            raise WrongValueError(f"expected a file or a list of files, got {shown(value)}", hint)
        return written

    return BeforeValidator(names)


_FILE_NAME = {"type": "string", "minLength": 1}
FILE_NAMES = WithJsonSchema({"anyOf": [_FILE_NAME, {"type": "array", "items": _FILE_NAME, "minItems": 1}]})


class OneOrList:
    """For `Annotated`: the JSON Schema of one item or a list."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        listed = handler(core)
        return {"anyOf": [listed["items"], listed]}
