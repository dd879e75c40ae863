"""Mappings of WireMock read into an engine, without a server: which of them take a request, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.formats import wiremock
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.recording.conversion import Imported
from mockserver.scenarios.loader import from_bundle
from mockserver.scenarios.yaml.writer import dump


def folder_of(path: Path, *mappings: Any, files: dict[str, bytes] | None = None) -> Path:
    """A folder as WireMock has it, with those mappings in the order of their loading."""
    (path / "mappings").mkdir()
    for i, mapping in enumerate(mappings):
        (path / "mappings" / f"{i:03}.json").write_text(json.dumps(mapping))
    for name, data in (files or {}).items():
        (path / "__files" / name).parent.mkdir(parents=True, exist_ok=True)
        (path / "__files" / name).write_bytes(data)
    return path


def imported(path: Path, *mappings: Any, files: dict[str, bytes] | None = None) -> Imported:
    return wiremock.read(folder_of(path, *mappings, files=files))


def routes(path: Path, *mappings: Any, files: dict[str, bytes] | None = None) -> list[dict[str, Any]]:
    """The routes that they become, nothing being lost."""
    found = imported(path, *mappings, files=files)
    assert found.lost == []
    [document] = found.scenarios.values()
    return document["routes"]


def engine_of(found: Imported) -> Engine:
    """What was read, written as a person would find it, and loaded."""
    sources = [from_bundle(dump(one), found.files, name) for name, one in found.scenarios.items()]
    return Engine(build_scenario_set(sources), wall=lambda: 1_767_323_045.0, mono=lambda: 0.0)


class Asking:
    """Asks an engine one request after another."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def call(self, line: str, body: bytes | str = b"", headers: Iterable[tuple[str, str]] = ()) -> Call:
        method, _, target = line.partition(" ")
        data = body.encode() if isinstance(body, str) else body
        lines = [("Host", "localhost:8080"), *headers]
        call = self._engine.begin(Request(method, target, lines, data), self._engine.default)
        self._engine.finish(call, Outcome.DONE)
        return call

    def takes(self, line: str, body: bytes | str = b"", headers: Iterable[tuple[str, str]] = ()) -> bool:
        return self.call(line, body, headers).matched

    def status(self, line: str) -> int | None:
        return self.call(line).status

    def text(self, line: str, body: bytes | str = b"", headers: Iterable[tuple[str, str]] = ()) -> str:
        call = self.call(line, body, headers)
        assert call.response is not None
        assert call.matched, call.response.body
        return call.response.body.decode()


def asking(path: Path, *mappings: Any, files: dict[str, bytes] | None = None) -> Asking:
    """Those mappings, ready to be asked, nothing being lost."""
    found = imported(path, *mappings, files=files)
    assert found.lost == []
    return Asking(engine_of(found))
