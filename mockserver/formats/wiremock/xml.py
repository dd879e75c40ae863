"""WireMock's patterns for XML bodies as XPath queries: `equalToXml` by every text, attribute and count of it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

from mockserver.formats.mocks.conditions import literal
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.values import queried, text_condition

_EQUALITY = frozenset({"equalToXml"})


def equal_to_xml(pattern: dict[str, Any], at: LossPlace) -> dict[str, Any]:
    """Conditions by query that an equal document fulfils, and hardly another; empty, and noted, for invalid XML."""
    at.unknown(pattern, _EQUALITY)
    text = pattern["equalToXml"]
    if not isinstance(text, str) or "<!DOCTYPE" in text or "<!ENTITY" in text:
        at.at("equalToXml").lost("it is not valid XML without a document type")
        return {}
    try:
        root = ET.fromstring(text)  # noqa: S314  (no document type, so no entities)
    except ET.ParseError as error:
        at.at("equalToXml").lost(f"it is not valid XML: {error}")
        return {}
    result: dict[str, Any] = {}
    _gather(root, f"/{_name(root)}", result)
    return {**result, "count(//*)": str(sum(1 for _ in root.iter())), "count(//@*)": str(_attributes(root))}


def _attributes(root: ET.Element) -> int:
    return sum(len(item.attrib) for item in root.iter())


def _gather(element: ET.Element, path: str, result: dict[str, Any]) -> None:
    for name, value in element.attrib.items():
        result[f"{path}/@{_bare(name)}"] = literal(value)
    text = (element.text or "").strip()
    if text or not len(element):
        result[f"normalize-space({path})" if text else path] = literal(" ".join(text.split()))
    totals = Counter(_name(child) for child in element)
    seen: Counter[str] = Counter()
    for child in element:
        name = _name(child)
        seen[name] += 1
        place = f"{path}/{name}" if totals[name] == 1 else f"{path}/{name}[{seen[name]}]"
        _gather(child, place, result)


def _name(element: ET.Element) -> str:
    return _bare(str(element.tag))


def _bare(name: str) -> str:
    """The name without its namespace, which counts for nothing here."""
    return name.rpartition("}")[2]


def x_path(pattern: dict[str, Any], at: LossPlace) -> dict[str, Any]:
    """Return the condition by its query; empty, and noted, if there is none."""
    if isinstance(pattern["matchesXPath"], str):
        return {pattern["matchesXPath"]: "present"}
    return queried(pattern, "matchesXPath", at, text_condition)
