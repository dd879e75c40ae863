"""What importers made, served over a socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mockserver.recording.conversion import Document, Imported
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec


def written(imported: Imported, folder: Path) -> Path:
    """The scenarios as files, with those that lie beside them."""
    for name, document in imported.scenarios.items():
        (folder / f"{name}.yaml").write_text(dump(document, ScenarioSpec), "utf-8")
    for name, content in imported.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def as_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


def routes(imported: Imported) -> list[Document]:
    """Of the one scenario that there is."""
    [document] = imported.scenarios.values()
    found: list[Document] = document["routes"]
    return found


def lost(carried: Any) -> list[str]:
    return [str(one) for one in carried.lost]
