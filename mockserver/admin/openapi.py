"""The OpenAPI document of the admin API, created from the table of endpoints and its models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mockserver import __version__
from mockserver.admin.api import Endpoint
from mockserver.admin.models import Problem
from mockserver.schema.base import SpecSchema

_REF = "#/components/schemas/{model}"


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document of these endpoints, once for `default` and once below `/@{namespace}`."""
    from pydantic.json_schema import models_json_schema  # only who asks for the document pays for it

    listed = [endpoint for endpoint in endpoints if endpoint.described]
    models = {
        model for endpoint in listed for model in (endpoint.body, endpoint.answer) if model is not None
    } | {Problem}
    inputs = [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)]
    refs, schemas = models_json_schema(inputs, ref_template=_REF, schema_generator=SpecSchema)  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for endpoint in listed:
        operation = _operation(endpoint, refs)
        paths.setdefault(f"/__admin{endpoint.path}", {})[endpoint.method.lower()] = operation
        if endpoint.namespaced:
            below = {**operation, "operationId": operation["operationId"] + "InNamespace"}
            below["parameters"] = [_NAMESPACE, *operation.get("parameters", [])]
            below["responses"] = {**operation["responses"], "404": _problem(refs)}
            paths.setdefault(f"/__admin/@{{namespace}}{endpoint.path}", {})[endpoint.method.lower()] = below
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mockserver admin API",
            "version": __version__,
            "description": "Controls a mock server, and inspects and verifies calls. Errors are problem documents (RFC 9457).",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


_NAMESPACE = {"name": "namespace", "in": "path", "required": True, "schema": {"type": "string"}}


def _operation(endpoint: Endpoint, refs: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": endpoint.handler.__name__.replace("_", " ").title().replace(" ", ""),
        "responses": {str(status): _answer(endpoint, refs) for status in (endpoint.success, *endpoint.also)},
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in endpoint.query.items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        content = {"application/json": {"schema": refs[(endpoint.body, "validation")]}}
        operation["requestBody"] = {"required": not endpoint.optional_body, "content": content}
    errors = {400, 415} if endpoint.body is not None else set()
    # 422: a query parameter that the call doesn't have is wrong everywhere.
    for status in sorted(errors | {401, 403, 422, *endpoint.errors}):
        operation["responses"][str(status)] = _problem(refs)
    return operation


def _problem(refs: dict[Any, Any]) -> dict[str, Any]:
    schema = refs[(Problem, "validation")]
    return {"description": "A problem document.", "content": {"application/problem+json": {"schema": schema}}}


def _answer(endpoint: Endpoint, refs: dict[Any, Any]) -> dict[str, Any]:
    if endpoint.success == 204:
        return {"description": "Done."}
    schema = refs[(endpoint.answer, "validation")] if endpoint.answer is not None else {}
    content = {kind: {"schema": schema} for kind in (endpoint.content_type, *endpoint.other_types)}
    return {"description": endpoint.summary, "content": content}
