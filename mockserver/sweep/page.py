"""
`report.html`: one self-contained file without network access.

Recorded data is embedded as JSON in a block that browsers don't execute. The
script of the page, which the Content-Security-Policy allows by its hash,
inserts it as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_PARTS = Path(__file__).with_name("report")
_SCRIPTS = ("base.js", "around.js", "timeline.js", "grid.js", "cell.js")
"""Concatenated to one script: top-level code may use earlier files only, functions may use all."""
SHARED_SCRIPTS = (_PARTS / "base.js", _PARTS / "timeline.js")
"""For other pages with timelines."""


def page(document: Mapping[str, Any]) -> str:
    """Create the page from the document of `report.json`."""
    return assembled(_PARTS / "report.html", [_PARTS / name for name in _SCRIPTS], document)


def assembled(html: Path, scripts: Iterable[Path], document: Mapping[str, Any]) -> str:
    """Return a page with its scripts, the style of the report, and the document as its data."""
    script, style = "\n".join(map(_part, scripts)), _part(_PARTS / "report.css")
    filled = {
        "POLICY": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'",
        "STYLE": style,
        "SCRIPT": script,
        "DATA": embedded(document),
    }
    text = _part(html)
    for name, value in filled.items():
        before, mark, after = text.partition(f"<!--{name}-->")
        assert mark, name
        text = before + value + after
    return text


def embedded(document: Mapping[str, Any]) -> str:
    r"""
    Return JSON for a script block: it can't end the block or begin a comment.

    >>> embedded({"a": "</script>"})
    '{"a":"\\u003c/script>"}'
    """
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c")


@cache
def _part(path: Path) -> str:
    return path.read_text("utf-8")


def _hash(text: str) -> str:
    """Return the hash source of an inline block for Content-Security-Policy (CSP Level 3, 6.7.3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
