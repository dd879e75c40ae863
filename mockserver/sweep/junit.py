"""
The sweep as JUnit XML: a suite for each test, a case for each cell.

A cell that fails the sweep is a failure. A cell that failed cleanly is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from mockserver.sweep.failing import RULES

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 excludes (section 2.2)."""


def junit(document: Mapping[str, Any]) -> bytes:
    """Convert the document of `report.json`."""
    root = ET.Element("testsuites", name="mock-server-sweep")
    all_cells = [*document["cells"], *document["pairs"]]
    for test in dict.fromkeys(cell["test"] for cell in all_cells):
        cells = [cell for cell in all_cells if cell["test"] == test]
        suite = ET.SubElement(root, "testsuite", _suite_attributes(test, cells))
        for cell in cells:
            _case(suite, cell)
    _not_run(root, document)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite_attributes(test: str, cells: list[Mapping[str, Any]]) -> dict[str, str]:
    return {
        "name": _clean(test),
        "tests": str(len(cells)),
        "failures": str(sum(bool(cell["fails"]) for cell in cells)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(cell['duration_s'] for cell in cells):.3f}",
    }


def _case(suite: ET.Element, cell: Mapping[str, Any]) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(cell["test"]),
        name=_clean(_name(cell)),
        time=f"{cell['duration_s']:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    ET.SubElement(properties, "property", name="verdict", value=cell["verdict"])
    for remark in cell["remarks"]:
        ET.SubElement(properties, "property", name="remark", value=_clean(remark))
    if cell["fails"]:
        reasons = [*cell["reasons"], *(cell["broken_rules"] if RULES in cell["fails"] else ())]
        failure = ET.SubElement(case, "failure", type=cell["fails"][0], message=_clean("; ".join(reasons)))
        failure.text = _clean("\n".join([*reasons, cell["command"], cell["error"]]))
    elif cell["error"]:
        ET.SubElement(case, "system-out").text = _clean(cell["error"])


def _name(cell: Mapping[str, Any]) -> str:
    own = f"{cell['call']}/{cell['trouble']}"
    return f"{own},{_name(cell['then'])}" if "then" in cell else own


def _not_run(root: ET.Element, document: Mapping[str, Any]) -> None:
    """Add cells and tests without a verdict as skipped, with the reason."""
    skipped = [(cell["test"], _name(cell), cell["why"]) for cell in document["unreached"]]
    skipped += [(cell["test"], "clean run", cell["why"]) for cell in document["not_swept"]]
    if not skipped:
        return
    count = str(len(skipped))
    suite = ET.SubElement(
        root, "testsuite", name="without verdict", tests=count, failures="0", errors="0", skipped=count
    )
    for test, name, reason in skipped:
        case = ET.SubElement(suite, "testcase", classname=_clean(test), name=_clean(name), time="0")
        ET.SubElement(case, "skipped", message=_clean(reason))


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
