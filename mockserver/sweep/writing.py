"""Writes the report: the only I/O of this room."""

from __future__ import annotations

import json
from pathlib import Path

from mockserver.sweep.junit import junit
from mockserver.sweep.page import page
from mockserver.sweep.results import Sweep

FOLDER = "mock-server-sweep"


def write_report(sweep: Sweep, below: Path) -> Path:
    """`report.json`, `junit.xml` and `report.html` in the folder `mock-server-sweep`. That folder."""
    folder = below / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    document = sweep.document()
    (folder / "report.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    (folder / "junit.xml").write_bytes(junit(document))
    (folder / "report.html").write_text(page(document), "utf-8")
    return folder
