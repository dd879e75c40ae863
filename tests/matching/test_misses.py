"""
Every file in `tests/misses` is a miss, with the explanation that a colleague would give.

A file has the keys of a scenario (`base`, `host`, `routes`), a `request` with what
it sends, the `nearest` route (null: none) and what is said of it, line by line.
To add a miss, add a file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.matching import a_request, multipart

from mockserver.matching.matcher import Matcher, compile_match
from mockserver.matching.mismatch.nearest import as_text, nearest
from mockserver.matching.paths import PathPattern
from mockserver.model.http import Request
from mockserver.scenarios.yaml.yaml12 import read
from mockserver.schema.base import parse_request_line
from mockserver.schema.scenario import RouteSpec

MISSES = sorted((Path(__file__).parents[1] / "misses").glob("*.yaml"))


@dataclass
class Shape:
    id: str
    methods: frozenset[str] | None
    pattern: PathPattern
    matcher: Matcher | None
    host: str | None


def shape_of(route: dict[str, Any], base: str, host: str | None) -> Shape:
    spec = RouteSpec.model_validate(route)
    line = parse_request_line(spec.request)
    matcher = compile_match(spec.match, lambda name, path: b"") if spec.match else None
    return Shape(spec.name or spec.request, line.methods, PathPattern(base + line.path), matcher, host)


def sent(miss: dict[str, Any]) -> Request:
    headers = list(miss.get("headers", {}).items())
    if "multipart" in miss:
        parts = [
            (f'Content-Disposition: form-data; name="{n}"', v)
            for n, v in miss["multipart"].get("fields", {}).items()
        ]
        parts += [
            (f'Content-Disposition: form-data; name="{n}"; filename="{f}"', "")
            for n, f in miss["multipart"].get("files", {}).items()
        ]
        body = multipart(*((head, value.encode()) for head, value in parts))
        return a_request(
            miss["request"], *headers, ("Content-Type", "multipart/form-data; boundary=b0undary"), body=body
        )
    kinds = {kind: miss[kind] for kind in ("json", "form") if kind in miss}
    return a_request(miss["request"], *headers, body=miss.get("text", "").encode(), **kinds)  # fmt: skip


@pytest.mark.parametrize("path", MISSES, ids=lambda path: path.stem)
def test_a_miss_is_explained_as_a_colleague_would(path: Path):
    miss = read(path.read_text("utf-8")).data
    shapes = [shape_of(route, miss.get("base", ""), miss.get("host")) for route in miss["routes"]]
    request = sent(miss)
    ranked = nearest(request, shapes)
    found, differences = ranked[0] if ranked else (None, [])

    assert (found and found.id, [one.text for one in differences]) == (miss["nearest"], miss["says"])
    text = as_text(request, ranked)
    assert text.startswith(f"No route matches {request.method} {request.path}\n")
    assert all(f"  - {line}\n" in text for line in miss["says"])


def test_there_are_a_hundred_of_them():
    assert len(MISSES) >= 100
