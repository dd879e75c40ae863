"""Mask secrets in recordings, and remember their places."""

from __future__ import annotations

import json
from typing import Any

from mockserver.model.written import with_decimals, written_float, written_json
from mockserver.recording.echoes import TemplateText
from mockserver.redaction.redaction import (
    mask_body,
    mask_bytes,
    mask_field,
    mask_header,
    mask_tree,
)

MASK = "****"
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_DECODER = json.JSONDecoder(parse_float=written_float)
_DECODER.scan_once = json.scanner.py_make_scanner(_DECODER)  # type: ignore[attr-defined]
"""
Reads in Python, value by value, as `written_json` writes: files are long, and the ways in C
let no other thread run until they are done.
"""


class Hiding:
    """Masks secrets; `places` are their key paths, in order."""

    def __init__(self) -> None:
        self.places: dict[str, None] = {}

    def _told(self, place: str, before: object, after: object) -> Any:
        if before != after:
            self.places[place] = None
        return after

    def header(self, place: str, name: str, value: Any) -> object:
        if isinstance(value, list):
            return [self.header(place, name, item) for item in value]
        if isinstance(value, TemplateText):
            return str(value)
        return self._told(f"{place}.headers.{name}", value, mask_header(name, value))

    def tree(self, place: str, value: object, name: str = "") -> object:
        """Mask a JSON value; values of templates are not secret."""
        if isinstance(value, TemplateText):
            return str(value)
        if isinstance(value, dict):
            return {key: self.tree(f"{place}.{key}", item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.tree(f"{place}[{i}]", item, name) for i, item in enumerate(value)]
        return self._told(place, value, mask_tree(value, name))

    def text(self, place: str, value: str) -> str:
        return (
            str(value) if isinstance(value, TemplateText) else str(self._told(place, value, mask_body(value)))
        )

    def data(self, place: str, value: bytes, extension: str) -> bytes:
        """Mask the text of a file; other bytes stay."""
        if extension == "json":
            try:
                return self._json(place, value)
            except (ValueError, RecursionError):
                pass  # it is hidden like any other text
        if extension in ("csv", "html", "json", "txt", "xml", "svg"):
            return bytes(self._told(place, value, mask_bytes(value)))
        return value

    def _json(self, place: str, value: bytes) -> bytes:
        parsed = _DECODER.decode(value.decode(json.detect_encoding(value)))
        masked = mask_tree(parsed)
        if masked == parsed:
            return value
        text = written_json(with_decimals(masked), _ENCODER.encode)
        return bytes(self._told(place, value, text.encode("utf-8", "surrogatepass")))

    def condition(self, place: str, name: str, value: str, *, header: bool = False) -> object:
        """Return the condition for a value: the value, or the visible parts of a secret."""
        masked = mask_header(name, value) if header else mask_field(name, value)
        if masked == value:
            return value
        self._told(place, value, masked)
        before, _, end = masked.rpartition(MASK)
        conditions: dict[str, str] = {}
        if before and value.startswith(before):
            conditions["starts_with"] = before
        if end and value.endswith(end):
            conditions["ends_with"] = end
        return conditions or "present"
