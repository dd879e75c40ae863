"""
Converts documents of Swagger 2.0 to the structure of OpenAPI 3.0.

Shared definitions, parameters and responses keep their places, so every reference stays valid: a shared body parameter
becomes a request body at its place, a shared form parameter the schema of its field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mockserver.scenarios.openapi_normal import DATA, NAMED

Node = dict[str, Any]
Find = Callable[[str, str], object]
"""Returns the value that a reference in the document of that name refers to; None if there is none."""

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_OF_PARAMETER = ("name", "in", "description", "required", "allowEmptyValue")
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_JSON = ["application/json"]
_SCHEMA_WORDS = ("type", "properties", "allOf", "enum", "items")
_STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}


def converter(first: str, root: Node, find: Find) -> Callable[[str, object], object]:
    """Return the function that converts the documents of a specification, given their names; `first` is that of `root`."""
    documents = _Documents(
        _listed(root.get("consumes")) or _JSON, _listed(root.get("produces")) or _JSON, find
    )

    def convert(name: str, document: object) -> object:
        if name == first and isinstance(document, dict):
            return {**_head(document), **documents.document(name, document)}
        return documents.fragment(name, document)

    return convert


def _head(root: Node) -> Node:
    head: Node = {"openapi": "3.0.3"}
    head |= {key: root[key] for key in ("info", "security", "tags") if key in root}
    base, host = root.get("basePath") or "", root.get("host")
    schemes = _listed(root.get("schemes")) or ["https"]
    if host:
        head["servers"] = [{"url": f"{schemes[0]}://{host}{base}"}]
    elif base:
        head["servers"] = [{"url": base}]
    if isinstance(root.get("securityDefinitions"), dict):
        schemes_of = {name: _scheme(item) for name, item in root["securityDefinitions"].items()}
        head["components"] = {"securitySchemes": schemes_of}
    return head


def _scheme(scheme: object) -> object:
    if isinstance(scheme, dict) and scheme.get("type") == "basic":
        return {**scheme, "type": "http", "scheme": "basic"}
    return scheme


class _Documents:
    """Converts the parts of documents; `consumes` and `produces` are those of the specification."""

    def __init__(self, consumes: list[str], produces: list[str], find: Find) -> None:
        self._consumes = consumes
        self._produces = produces
        self._find = find

    def document(self, name: str, written: Node) -> Node:
        """Convert the named parts of a document."""
        kinds: dict[str, Callable[[Any], object]] = {
            "paths": lambda item: self._path_item(name, item),
            "parameters": self._shared,
            "responses": lambda item: self._response(item, self._produces),
            "definitions": _schema,
        }
        return {
            key: _each(written[key], convert) if isinstance(written[key], dict) else written[key]
            for key, convert in kinds.items()
            if key in written
        }

    def fragment(self, name: str, value: object) -> object:
        """Convert a document that the first one refers to; what it is shows by its keys."""
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("name"), str) and isinstance(value.get("in"), str):
            return self._shared(value)
        if any(isinstance(value.get(method), dict) for method in _METHODS):
            return self._path_item(name, value)
        if _is_operation(value):
            return self._operation(name, value, [])
        if isinstance(value.get("schema"), dict):
            return self._response(value, self._produces)
        if any(word in value for word in _SCHEMA_WORDS):
            return _schema(value)
        parts = self.document(name, value)
        return {key: parts[key] if key in parts else self.fragment(name, item) for key, item in value.items()}

    def _path_item(self, name: str, item: Any) -> object:
        if not isinstance(item, dict):
            return item
        shared = _listed(item.get("parameters"))
        bodies = [parameter for parameter in shared if self._place(name, parameter) in ("body", "formData")]
        made = {
            key: self._operation(name, value, bodies)
            if key in _METHODS and isinstance(value, dict)
            else value
            for key, value in item.items()
        }
        if shared:
            made["parameters"] = [self._parameter(one) for one in shared if one not in bodies]
        return made

    def _operation(self, name: str, operation: Node, bodies: list[Any]) -> Node:
        """Convert an operation; `bodies` are the body and form parameters of its path."""
        dropped = ("consumes", "produces", "schemes")
        made = {key: value for key, value in operation.items() if key not in dropped}
        parameters = _listed(operation.get("parameters"))
        own = [one for one in parameters if self._place(name, one) in ("body", "formData")]
        if parameters:
            made["parameters"] = [self._parameter(one) for one in parameters if one not in own]
        consumes = _listed(operation.get("consumes")) or self._consumes
        body = self._request_body(name, own or bodies, consumes)
        if body is not None:
            made["requestBody"] = body
        produces = _listed(operation.get("produces")) or self._produces
        if isinstance(operation.get("responses"), dict):
            made["responses"] = _each(operation["responses"], lambda item: self._response(item, produces))
        return made

    # Parameters

    def _shared(self, parameter: Any) -> object:
        """Convert a parameter at the place that references name."""
        match parameter.get("in") if isinstance(parameter, dict) else None:
            case "body":
                return _body(parameter, self._consumes)
            case "formData":
                return _value_schema(parameter)
        return self._parameter(parameter)

    def _place(self, name: str, parameter: object) -> object:
        return self._resolved(name, parameter).get("in")

    def _resolved(self, name: str, parameter: object) -> Node:
        if isinstance(parameter, dict) and isinstance(parameter.get("$ref"), str):
            parameter = self._find(name, parameter["$ref"])
        return parameter if isinstance(parameter, dict) else {}

    def _parameter(self, parameter: Any) -> Any:
        if not isinstance(parameter, dict) or "$ref" in parameter or "schema" in parameter:
            return parameter
        made = {
            key: value for key, value in parameter.items() if key in _OF_PARAMETER or key.startswith("x-")
        }
        if parameter.get("type") == "array":
            form = parameter.get("collectionFormat", "csv")
            if form in _STYLES:
                made["style"] = _STYLES[form]
            made["explode"] = form == "multi"
        return {**made, "schema": _value_schema(parameter)}

    def _request_body(self, name: str, parameters: list[Any], consumes: list[str]) -> Node | None:
        if not parameters:
            return None
        if self._place(name, parameters[0]) == "body":
            ref = parameters[0].get("$ref")
            return {"$ref": ref} if ref else _body(parameters[0], consumes)
        resolved = [self._resolved(name, parameter) for parameter in parameters]
        fields = {
            str(found.get("name")): {"$ref": written["$ref"]} if "$ref" in written else _value_schema(written)
            for written, found in zip(parameters, resolved, strict=True)
        }
        required = [str(found.get("name")) for found in resolved if found.get("required") is True]
        schema = {"type": "object", "properties": fields, **({"required": required} if required else {})}
        has_file = any(found.get("type") == "file" for found in resolved)
        kinds = [kind for kind in consumes if kind in _FORMS] or [_FORMS[0 if has_file else 1]]
        return {"required": bool(required), "content": {kind: {"schema": schema} for kind in kinds}}

    # Responses

    def _response(self, response: Any, produces: list[str]) -> object:
        if not isinstance(response, dict) or "$ref" in response:
            return response
        made = {key: value for key, value in response.items() if key not in ("schema", "examples", "headers")}
        content = dict(_contents(response, produces))
        if content:
            made["content"] = content
        if isinstance(response.get("headers"), dict):
            made["headers"] = _each(response["headers"], _header)
        return made


def _contents(response: Node, produces: list[str]) -> Iterator[tuple[str, Node]]:
    """Yield the media types of a response: those that have its schema, and those of its examples."""
    written = response.get("examples")
    examples = written if isinstance(written, dict) else {}
    schema = {"schema": _schema(response["schema"])} if "schema" in response else {}
    for kind in dict.fromkeys([*(produces if schema else []), *examples]):
        yield kind, {**schema, **({"example": examples[kind]} if kind in examples else {})}


def _header(header: Any) -> object:
    if not isinstance(header, dict):
        return header
    return {
        **{key: value for key, value in header.items() if key == "description" or key.startswith("x-")},
        "schema": _value_schema(header),
    }


def _body(parameter: Node, consumes: list[str]) -> Node:
    schema = _schema(parameter.get("schema", {}))
    return {
        "required": parameter.get("required") is True,
        "content": {kind: {"schema": schema} for kind in consumes},
    }


def _value_schema(item: Node) -> object:
    """Return the schema that a parameter, a header or an item of a list has in its own keys."""
    kept = {
        key: value
        for key, value in item.items()
        if key not in (*_OF_PARAMETER, "collectionFormat")
        and (not key.startswith("x-") or key == "x-nullable")
    }
    return _schema(kept)


def _schema(value: Any) -> Any:
    if isinstance(value, list):
        return [_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    made: Node = {
        key: item if key in DATA else _each(item, _schema) if _names(key, item) else _schema(item)
        for key, item in value.items()
    }
    if made.get("type") == "file":
        made |= {"type": "string", "format": "binary"}
    if made.pop("x-nullable", None) is True:
        made["nullable"] = True
    if isinstance(made.get("discriminator"), str):
        made["discriminator"] = {"propertyName": made["discriminator"]}
    return made


def _names(key: str, item: object) -> bool:
    return key in NAMED and isinstance(item, dict)


def _is_operation(value: Node) -> bool:
    responses = value.get("responses")
    return isinstance(responses, dict) and all(
        str(status) == "default" or str(status).isdigit() for status in responses
    )


def _each(items: Any, convert: Callable[[Any], object]) -> Node:
    return {name: convert(item) for name, item in items.items()}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
