"""
`report.html`: one file that holds all it needs, and asks no network.

What came over the wire is data in it: it stands in a block that no browser runs,
and the page's own script, which its policy knows by a hash, writes it as text.
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
"""They become one script: each may use what those before it have made, and any function once the page stands."""
SHARED_SCRIPTS = (_PARTS / "base.js", _PARTS / "timeline.js")
"""For other pages that draw timelines."""


def page(document: Mapping[str, Any]) -> str:
    """From what `report.json` holds."""
    return assembled(_PARTS / "report.html", [_PARTS / name for name in _SCRIPTS], document)


def assembled(html: Path, scripts: Iterable[Path], document: Mapping[str, Any]) -> str:
    """A page from its parts, with the style of the report, and its data in it."""
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
    JSON that can stand in a script block: nothing in it can end the block, or begin a comment.

    >>> embedded({"a": "</script>"})
    '{"a":"\\u003c/script>"}'
    """
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c")


@cache
def _part(path: Path) -> str:
    return path.read_text("utf-8")


def _hash(text: str) -> str:
    """As Content-Security-Policy names an inline block (CSP Level 3, 6.7.3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
