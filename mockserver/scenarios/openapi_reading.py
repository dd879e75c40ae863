"""
Reads an OpenAPI document, and the files that it refers to.

Nothing is loaded from a network. Errors have the file and a JSON pointer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, invalid, pointer, shown
from mockserver.model.written import plain_numbers, written_float
from mockserver.scenarios.openapi_nodes import FOLDER, DocumentNode, target
from mockserver.scenarios.openapi_normal import DATA, NAMED, normal
from mockserver.scenarios.places import decode
from mockserver.scenarios.swagger import converter
from mockserver.scenarios.yaml.syntax import json_error
from mockserver.scenarios.yaml.yaml12 import parse

ReadFile = Callable[[str], bytes]
"""Returns the bytes of a file, by its name relative to the folder of the first one. Raises InvalidInputError."""

MAX_FILES = 500
_DEEPEST = 200
_EXAMPLES = ("example", "examples", "default")
SWAGGER = "2.0"


@dataclass(frozen=True)
class Specification:
    """All documents of a contract, with schemas as JSON Schema 2020-12. `name` is that of the first."""

    name: str
    version: str
    documents: dict[str, Any]

    @property
    def root(self) -> DocumentNode:
        return DocumentNode(self.documents, self.name, (), self.documents[self.name])

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """The paths of its servers, with default values of variables, without a slash at the end."""
        return tuple(dict.fromkeys(base_of(server) for server in self.root.items("servers")))


def base_of(server: DocumentNode) -> str:
    """Return the path of a server's URL; empty if it has none."""
    url = str(server.value.get("url", "")) if isinstance(server.value, dict) else ""
    for name, variable in server.mapping("variables"):
        url = url.replace("{" + name + "}", str(variable.value.get("default", "")))
    _, scheme, rest = url.rpartition("://")
    path = rest.partition("/")[2] if scheme else url.strip("/")
    return "/" + path.strip("/") if path.strip("/") else ""


def read(name: str, read_file: ReadFile) -> Specification:
    """Read a document. Raises InvalidInputError, with every broken file and reference."""
    files = _Files(read_file)
    first = files.load(name)
    version = _version(name, first)
    convert = converter(name, first, files.find) if version == SWAGGER else None
    old = version.startswith((SWAGGER, "3.0"))
    documents: dict[str, Any] = {}
    flaws: list[Flaw] = []
    waiting = [(name, first)]
    known = {name}
    while waiting:
        current, data = waiting.pop()
        plain = _plain(current, data)
        plain = plain if convert is None else convert(current, plain)
        documents[current] = normal(plain, current, old=old)
        for path, ref in _references(documents[current], ()):
            file, _ = target(current, ref)
            place = f"{current}: {pointer(path)}"
            if not ref.startswith(FOLDER) and "://" in ref:
                hint = "Remote files are not loaded: put the file beside the specification, and refer to that"
                flaws.append(Flaw((), f"{place}: {shown(ref)} is not a local file", hint))
            elif file not in known and len(known) < MAX_FILES:
                known.add(file)
                try:
                    waiting.append((file, files.load(file)))
                except InvalidInputError as error:
                    flaws += [Flaw((), f"{place}: {flaw.message}", flaw.hint) for flaw in error.flaws]
    if flaws:
        raise InvalidInputError(flaws)
    return Specification(name, version, documents)


class _Files:
    """Parsed files, each read once."""

    def __init__(self, read_file: ReadFile) -> None:
        self._read_file = read_file
        self._known: dict[str, Any] = {}

    def load(self, name: str) -> Any:
        """Return the content of a file. Raises InvalidInputError."""
        if name not in self._known:
            self._known[name] = _parsed(name, self._read_file(name))
        return self._known[name]

    def find(self, name: str, ref: str) -> object:
        """Return the target of a reference in the document `name`; None for a broken or a remote one."""
        if "://" in ref:
            return None
        file, path = target(name, ref)
        try:
            value = self.load(file)
        except InvalidInputError:
            return None
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value


def _parsed(name: str, raw: bytes) -> object:
    """Parse JSON if the file is JSON, whatever its name; else YAML. Raises InvalidInputError."""
    try:
        text = decode(raw)
        if not text.lstrip().startswith("{"):
            return parse(text)
        try:
            return json.loads(text, parse_float=written_float)
        except json.JSONDecodeError as error:
            if name.endswith(".json"):
                raise InvalidInputError(json_error(text, error)) from None
            return parse(text)  # a YAML file in one pair of braces
    except ValueError as error:  # a number that no double holds
        raise invalid((), f"{name}: {error}", "Write a smaller number") from None
    except RecursionError:
        raise invalid((), f"{name}: nested too deeply", "Use $ref") from None
    except InvalidInputError as error:
        raise InvalidInputError(_placed(name, flaw) for flaw in error.flaws) from None


def _placed(name: str, flaw: Flaw) -> Flaw:
    line = getattr(flaw, "line", 0)
    at = f":{line}:{getattr(flaw, 'column', 1)}" if line else ""
    return Flaw((), f"{name}{at}: {flaw.message}", flaw.hint)


def _version(name: str, data: object) -> str:
    """Return the version. Raises InvalidInputError for anything but OpenAPI 3.0 and 3.1, and Swagger 2.0."""
    if not isinstance(data, dict):
        raise invalid(
            (), f"{name}: expected an OpenAPI document, got {shown(data)}", "It begins: openapi: 3.1.0"
        )
    key = "swagger" if "swagger" in data else "openapi"
    version = str(data.get(key, ""))
    if version != SWAGGER and not version.startswith(("3.0", "3.1")):
        said = (
            f"/{key}: version {shown(version)} is not supported"
            if version
            else "/: the key `openapi` is missing"
        )
        raise invalid((), f"{name}: {said}", "OpenAPI 3.0 and 3.1, and Swagger 2.0 are supported")
    for key in ("paths", "components", "definitions"):
        if not isinstance(data.get(key, {}), dict):
            raise invalid(
                (), f"{name}: /{key}: expected a mapping, got {shown(data[key])}", "Fix the document"
            )
    return version


def _plain(name: str, value: object, depth: int = 0, *, named: bool = False, data: bool = False) -> object:
    """
    Return the value with plain numbers, except in examples, which replies are made of.

    `named`: its keys are names of the author.
    """
    if depth > _DEEPEST:
        raise invalid((), f"{name}: nested more than {_DEEPEST} deep", "Use $ref")
    if isinstance(value, dict):
        return {
            key: _plain(
                name, item, depth + 1,
                named=key in NAMED and not named, data=data or (key in _EXAMPLES and not named),
            )
            for key, item in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [_plain(name, item, depth + 1, data=data) for item in value]
    return value if data else plain_numbers(value)


def _references(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every `$ref` with its place, except in examples."""
    if isinstance(value, dict):
        ref = value.get("$ref")
        if isinstance(ref, str):
            yield path, ref
        named = bool(path) and path[-1] in ("properties", "patternProperties", "$defs")
        for key, item in value.items():
            if key == "examples" and isinstance(item, dict) and not named:
                shared = {
                    name: {"$ref": example["$ref"]}
                    for name, example in item.items()
                    if isinstance(example, dict) and "$ref" in example
                }
                yield from _references(shared, (*path, key))
            elif isinstance(item, (dict, list)) and (named or key not in DATA):
                yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, (dict, list)):
                yield from _references(item, (*path, str(i)))
