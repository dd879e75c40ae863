"""Writes the report. The only module of this package that does I/O."""

from __future__ import annotations

import json
from pathlib import Path

from mockserver.sweep.junit import junit
from mockserver.sweep.page import page
from mockserver.sweep.results import Sweep

FOLDER = "mock-server-sweep"


def write_report(sweep: Sweep, parent: Path) -> Path:
    """Write `report.json`, `junit.xml` and `report.html` to the folder `mock-server-sweep`, and return its path."""
    folder = parent / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    document = sweep.document()
    (folder / "report.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    (folder / "junit.xml").write_bytes(junit(document))
    (folder / "report.html").write_text(page(document), "utf-8")
    return folder
