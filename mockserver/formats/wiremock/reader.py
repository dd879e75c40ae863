"""
Read and write WireMock: a folder with `mappings/` and `__files/`, one mapping, or `{"mappings": [...]}`.

In WireMock, priority 1 is the highest and 5 the default; of equals, the newest stub wins. Priorities and order are
inverted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockserver.errors import invalid
from mockserver.formats.mocks.sources import files_below
from mockserver.formats.reading import pretty
from mockserver.formats.wiremock.chains import folded
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.replies import ReadFile, WireMockReplies
from mockserver.formats.wiremock.routes import route
from mockserver.formats.wiremock.writer import Out
from mockserver.model.written import written_float
from mockserver.recording.conversion import Document, Exported, Imported

QUERY_REMARK = (
    "A `url` of WireMock refuses every parameter that it does not name; these routes let others be there."
)
_HINT = 'Give a folder with mappings/ and __files/, a mapping as JSON, or {"mappings": [...]}'


def read(source: Path) -> Imported:
    """
    Return one scenario, named after the folder or file. Raises InvalidInputError for invalid sources, OSError if they
    cannot be read.
    """
    root = source.parent if source.is_file() else source
    top = LossPlace()
    mappings = [item for path in _files_of(source) for item in _mappings(path, _shown(path, root), top)]
    if not mappings:
        raise invalid((), f"{source} holds no mappings of WireMock", _HINT)
    replies = WireMockReplies(_reader(root))
    routes, seen = [], set[str]()
    for mapping, place in reversed(mappings):
        made = route(mapping, replies, place)
        if made is not None:
            routes.append((mapping, _named(mapping, made, seen)))
    name = _scenario_name(source)
    result = Imported({name: {"scenario": name, "routes": folded(routes)}}, replies.files, top.entries)
    if any("url" in (mapping.get("request") or {}) for mapping, _ in routes):
        result.remarks[name] = [QUERY_REMARK]
    return result


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """
    `mappings/NAME.json` for each scenario, and `__files/` of what they answer
    with, which is looked for in `folder`.
    """
    out = Out(folder)
    for name, document in scenarios.items():
        mappings = out.mappings(name, document)
        # Of equals the last one loaded is asked first there.
        out.exported.files[f"mappings/{name}.json"] = pretty({"mappings": mappings[::-1]})
    return out.exported


def _files_of(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    below = source / "mappings" if (source / "mappings").is_dir() else source
    return [
        path
        for path in sorted(below.rglob("*.json"))
        if path.is_file() and "__files" not in path.relative_to(below).parts
    ]


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _mappings(path: Path, shown: str, top: LossPlace) -> list[tuple[dict[str, Any], LossPlace]]:
    """Return each mapping of a file, with its place. Raises InvalidInputError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=written_float)
    except ValueError as error:
        raise invalid((), f"{path} is not valid JSON: {error}", _HINT) from error
    listed = data.get("mappings") if isinstance(data, dict) else None
    if listed is not None and not isinstance(listed, list):
        raise invalid(("mappings",), f"{path}: expected a list, got {type(listed).__name__}", _HINT)
    if listed is None:
        several = [(data, top.at(f"{shown}: "))]
    else:
        several = [(item, top.at(f"{shown}: mappings", i)) for i, item in enumerate(listed)]
    return [(item, place) for item, place in several if _is_mapping(item, place)]


def _is_mapping(data: object, place: LossPlace) -> bool:
    if isinstance(data, dict) and ("request" in data or "response" in data):
        return True
    place.lost("it is not a mapping: it has neither `request` nor `response`")
    return False


def _reader(root: Path) -> ReadFile:
    """Reads files of `__files`, and none above it."""
    files = root.parent / "__files" if root.name == "mappings" else root / "__files"
    if not files.is_dir() and (root.parent / "__files").is_dir():
        files = root.parent / "__files"
    return files_below(files)


def _named(mapping: dict[str, Any], made: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """The route with the mapping's own name, where it has one that no other has."""
    name = mapping.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 200 or name in seen:
        return made
    seen.add(name)
    return {"name": name, **made}


def _scenario_name(source: Path) -> str:
    stem = source.resolve().name if source.is_dir() else source.stem
    if stem in ("mappings", "") and source.is_dir():
        stem = source.resolve().parent.name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "wiremock"
