"""
Convert request matchers of MockServer (mock-server.com, "Creating expectations").

Each text is a pattern for the whole value; `!` negates it, `?` before a name makes it optional.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from mockserver.formats.mocks.conditions import (
    anywhere,
    both,
    either,
    fits,
    literal,
    negated,
    pattern,
)
from mockserver.formats.mocks.paths import literal_path
from mockserver.formats.mocks.queries import xml_document
from mockserver.formats.mocks.requests import METHODS, Atom, PathTest
from mockserver.formats.mocks.sources import json_value, listed, text_of
from mockserver.formats.mocks.trees import PLACEHOLDERS, subset, tree
from mockserver.formats.path_pieces import has_pairs_of_braces
from mockserver.model.json_values import map_leaves
from mockserver.recording.conversion import Losses, NotConvertibleError

_REQUEST = {
    "method", "path", "pathParameters", "queryStringParameters", "headers", "cookies", "body", "secure", "keepAlive",
    "not",
}  # fmt: skip
_PATTERN = re.compile(r"[\\^$|?*+()\[\]{}]")
_BODIES = {
    "STRING": "string", "REGEX": "regex", "JSON": "json", "JSON_PATH": "jsonPath", "JSON_SCHEMA": "jsonSchema",
    "XPATH": "xpath", "PARAMETERS": "parameters", "BINARY": "base64Bytes", "XML": "xml", "XML_SCHEMA": "xmlSchema",
}  # fmt: skip
"""The key beside `type` that has the body itself; a body may come without its type."""


def atoms_of(request: dict[str, Any], where: str, losses: Losses) -> list[Atom]:
    """Return the tests of an expectation. Raises NotConvertibleError."""
    if "specUrlOrPayload" in request:
        raise NotConvertibleError(
            "it refers to an OpenAPI document", "Import that: mockserver import openapi"
        )
    losses.unknown(where, request, _REQUEST)
    for key in ("secure", "keepAlive"):
        if key in request:
            losses.add(f"{where}.{key}", "HTTP and HTTPS, and connections, are served alike here")
    atoms: list[Atom] = []
    if request.get("method"):
        atoms.append(Atom("method", _methods(text_of(request["method"]))))
    if request.get("path"):
        atoms.append(Atom("path", _path(request["path"], dict(pairs(request.get("pathParameters"))))))
    for part, key in (("query", "queryStringParameters"), ("headers", "headers"), ("cookies", "cookies")):
        atoms += _named(part, request.get(key))
    if request.get("body") is not None:
        atoms += _body(request["body"])
    return atoms


def _methods(text: str) -> frozenset[str]:
    turned, text = text.startswith("!"), text.removeprefix("!")
    if not _PATTERN.search(text) and not turned:
        return frozenset([text.upper()])
    whole = pattern(text)
    return frozenset(method for method in METHODS if fits(whole, method) is not turned)


def _path(written: object, parameters: dict[str, list[Any]]) -> PathTest:
    if not isinstance(written, str):
        raise NotConvertibleError("its path is a JSON Schema", "Write it as a pattern")
    turned, text = written.startswith("!"), written.removeprefix("!")
    if parameters:
        if turned:
            raise NotConvertibleError("a path with parameters is negated")
        return PathTest("route", _with_parameters(text, parameters))
    if not _PATTERN.search(text):
        return PathTest("equals", text, turned=turned)
    if re.fullmatch(r"(/(?:\{[A-Za-z_]\w*\}|[^{}\\^$|?*+()\[\]]+))+/?", text):
        return PathTest("route", _with_parameters(text, {}))
    return PathTest("whole", text, turned=turned)


def _with_parameters(text: str, parameters: dict[str, list[Any]]) -> str:
    made = ""
    for piece in re.split(r"(\{[A-Za-z_]\w*\})", text):
        if not piece.startswith("{"):
            made += literal_path("/" + piece)[1:] if piece else ""
            continue
        name = piece[1:-1]
        values = parameters.get(name, [])
        if len(values) > 1:
            raise NotConvertibleError(f"the path parameter {name!r} has several values")
        condition = _value(values[0]) if values else "present"
        if isinstance(condition, str) and condition != "present":
            made += f"{{{name}:{re.escape(condition)}}}"
        elif isinstance(condition, dict) and list(condition) == ["matches"]:
            if not has_pairs_of_braces(condition["matches"]):
                raise NotConvertibleError(f"the path parameter {name!r} has a brace without the other")
            made += f"{{{name}:{condition['matches']}}}"
        elif condition == "present":
            made += piece
        else:
            raise NotConvertibleError(f"the path parameter {name!r} is negated")
    return made


def pairs(written: object) -> Iterator[tuple[str, list[Any]]]:
    """Names with their values, in each of the spellings that MockServer takes."""
    if isinstance(written, dict):
        for name, values in written.items():
            if name != "keyMatchStyle":
                yield name, listed(values)
    for item in written if isinstance(written, list) else []:
        if isinstance(item, dict):
            yield str(item.get("name")), listed(item.get("values", item.get("value")))


def _named(part: str, written: object) -> Iterator[Atom]:
    for name, values in pairs(written):
        bare = name.removeprefix("?").removeprefix("!")
        if _PATTERN.search(bare):
            raise NotConvertibleError(f"the name {name!r} of one of the {part} is a pattern", "Name each")
        conditions = [_value(value) for value in values] or ["present"]
        condition = conditions[0]
        for more in conditions[1:]:
            condition = {"all_of": [*(condition["all_of"] if _is_all(condition) else [condition]), more]}
        if name.startswith("!"):
            yield Atom(part, "absent" if condition == "present" else negated(condition), bare)
        elif name.startswith("?"):
            yield Atom(part, _optional(condition), bare)
        else:
            yield Atom(part, condition, name)


def _is_all(condition: object) -> bool:
    return isinstance(condition, dict) and list(condition) == ["all_of"]


def _optional(condition: object) -> object:
    if isinstance(condition, dict) and condition.get("present") is True and "not" in condition:
        return {"not": condition["not"]}
    return either(["absent", condition])


def _value(value: object) -> Any:
    """A text as MockServer compares it, or a JSON Schema of one."""
    if isinstance(value, dict):
        return _by_schema(value.get("schema", value))
    text = text_of(value)
    turned, text = text.startswith("!"), text.removeprefix("!")
    if text in (".*", ".+", ""):
        condition: Any = "present" if text != ".+" else {"matches": "(?s).+"}
    else:
        condition = {"matches": pattern(text)} if _PATTERN.search(text) else literal(text)
    return both({"present": True}, {"not": condition}) if turned else condition


def _by_schema(schema: object) -> object:
    kinds = {"integer": r"-?\d+", "number": r"-?\d+(?:\.\d+)?", "boolean": "true|false"}
    known = {"type", "pattern", "enum"}
    if not isinstance(schema, dict) or set(schema) - known:
        raise NotConvertibleError("a JSON Schema of a text that needs more than type, pattern and enum")
    if "enum" in schema:
        return {"one_of": [text_of(item) for item in schema["enum"]]}
    if "pattern" in schema:
        return {"matches": anywhere(schema["pattern"])}
    kind = schema.get("type", "string")
    return "present" if kind == "string" else {"matches": kinds.get(kind, ".*")}


def _body(body: object) -> list[Atom]:
    if isinstance(body, str):
        return [Atom("text", literal(body))]
    if not isinstance(body, dict):
        return [Atom("json", subset(body))]
    kind = body.get("type") or next((kind for kind, key in _BODIES.items() if key in body), None)
    if kind not in _BODIES and not ({"type", "not"} & set(body) and kind is not None and str(kind).isupper()):
        return [Atom("json", _with_placeholders(subset(body)))]
    atoms = _typed(str(kind), body)
    if body.get("optional"):
        raise NotConvertibleError("a body that is optional")
    if not body.get("not"):
        return atoms
    if len(atoms) > 1:
        raise NotConvertibleError("several parameters of a body are negated together")
    return [atom.turned() for atom in atoms]


def _typed(kind: str, body: dict[str, Any]) -> list[Atom]:
    value = body.get(_BODIES.get(kind, ""))
    match kind:
        case "STRING":
            return [Atom("text", {"contains": value} if body.get("subString") else literal(text_of(value)))]
        case "REGEX":
            return [Atom("text", {"matches": pattern(text_of(value))})]
        case "JSON":
            expected = json_value(value)
            if body.get("matchType") == "STRICT":
                return [Atom("json_exact", _with_placeholders(tree(expected)))]
            return [Atom("json", _with_placeholders(subset(expected)))]
        case "JSON_PATH":
            return [Atom("jsonpath", "present", text_of(value))]
        case "JSON_SCHEMA":
            return [Atom("schema", json_value(value))]
        case "XPATH":
            return [Atom("xml", "present", text_of(value))]
        case "XML":
            return [Atom("xml_exact", xml_document("xml_exact", text_of(value)))]
        case "XML_SCHEMA":
            return [Atom("xml_schema", xml_document("xml_schema", text_of(value)))]
        case "PARAMETERS":
            return list(_named("form", value))
        case "BINARY":
            return [Atom("body_sha256", _hash(text_of(value)))]
    raise NotConvertibleError(f"a body of type {kind} can't be matched", "Match its parts with xml or text")


def _hash(coded: str) -> str:
    try:
        return hashlib.sha256(base64.b64decode(coded, validate=True)).hexdigest()
    except (binascii.Error, ValueError):
        raise NotConvertibleError("its base64Bytes are not Base64") from None


def _with_placeholders(condition: object) -> object:
    return map_leaves(condition, _placeholder)


def _placeholder(value: object, _: object) -> object:
    match = (
        re.fullmatch(r"[$#]\{json-unit\.([a-z-]+)\}(.*)", value, re.DOTALL)
        if isinstance(value, str)
        else None
    )
    if match is None:
        return value
    if match[1] == "regex":
        return {"$matches": pattern(match[2])}
    if match[1] not in PLACEHOLDERS:
        raise NotConvertibleError(f"the placeholder {value!r} has no counterpart")
    return PLACEHOLDERS[match[1]]
