"""Scenario files for upload, with the files that they refer to."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    import yaml

_REFERENCE = re.compile(rb"""\$ref["']?\s*:\s*["']?([^"'#\s{},:]+)""")
"""The file in a reference, in JSON and YAML; what has a colon lies elsewhere."""
_SCHEMA_LOCATION = re.compile(rb"""\bschemaLocation\s*=\s*["']([^"']+)["']""")
_IMPORT = re.compile(rb'\bimport\s+(?:\w+\s+)?"([^"]+)"\s*;')
_SUFFIXES = (".scenario.json", ".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A scenario file as it is uploaded: its name, and the document to send."""

    name: str
    document: dict[str, Any]


def read_scenario(path: str | os.PathLike[str]) -> ScenarioFile:
    """
    Read a scenario file and the files in its folder that it refers to, by name, `$ref` or `schemaLocation`.

    Raises FileNotFoundError. Invalid YAML is sent unchanged: the server reports the error.
    """
    file = Path(path)
    text = file.read_text("utf-8")
    named, texts = _texts(text)
    files: dict[str, str] = {}
    waiting = [*texts, *(name for text in texts for name in _referred("", text.encode(errors="replace")))]
    while waiting:
        item = waiting.pop()
        beside = None if item in files else _beside(file, item)
        if beside is not None:
            content = beside.read_bytes()
            files[item] = base64.b64encode(content).decode()
            waiting += (
                _imported(file, item, content, texts) if item.endswith(".proto") else _referred(item, content)
            )
    return ScenarioFile(named or _stem(file.name), {"yaml": text, "files": files})


def _stem(name: str) -> str:
    suffix = next((item for item in _SUFFIXES if name.endswith(item)), "")
    return name.removesuffix(suffix)


def _beside(file: Path, name: str) -> Path | None:
    """Return the file of that name in the folder of the scenario or below; None if there is none."""
    if not name or len(name) > 500 or "\n" in name or "\0" in name or "{{" in name:
        return None
    folder = file.parent.resolve()
    try:
        result = (folder / name).resolve()
        inside = result.is_relative_to(folder) and result != file.resolve()
        return result if inside and result.is_file() else None
    except (OSError, ValueError):
        return None


def _referred(name: str, content: bytes) -> list[str]:
    """The files that a schema or an OpenAPI document of that name refers to, as seen from the scenario."""
    if name.endswith((".json", ".yaml", ".yml")):
        reference = _REFERENCE
    elif content[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):  # an XML Schema
        reference = _SCHEMA_LOCATION
    else:
        return []
    named = {match[1].decode("utf-8", "replace") for match in reference.finditer(content)}
    return [normpath(join(dirname(name), unquote(item))) for item in named]


def _imported(file: Path, name: str, content: bytes, texts: set[str]) -> list[str]:
    """The files that a .proto file imports: beside the scenario or the file, or in a folder that the scenario names."""
    folders = [
        text for text in texts if 0 < len(text) < 500 and "\0" not in text and (file.parent / text).is_dir()
    ]
    names = [match[1].decode("utf-8", "replace") for match in _IMPORT.finditer(content)]
    return [normpath(join(folder, item)) for item in names for folder in ("", dirname(name), *folders)]


def _texts(text: str) -> tuple[str, set[str]]:
    """The scenario's written name, and every scalar of the document."""
    import yaml  # here, since most tests load no file

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return "", set()
    name = ""
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "scenario" and isinstance(value, yaml.ScalarNode):
            name = value.value
    return name, set(_scalars(root))


def _scalars(root: yaml.Node | None) -> Iterator[str]:
    """Each node once, though anchors may lead to it from many places."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.value, str):
            yield node.value
            continue
        for item in node.value:
            waiting += item if isinstance(item, tuple) else [item]
