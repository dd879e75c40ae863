"""
`report.html`: one file that holds all it needs, and asks no network.

What came over the wire is data in it: it stands in a block that no browser runs,
and the page's own script, which its policy knows by a hash, writes it as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_PARTS = Path(__file__).with_name("report")
_SCRIPTS = ("base.js", "around.js", "timeline.js", "grid.js", "cell.js")
"""They become one script: each may use what those before it have made, and any function once the page stands."""


def page(document: Mapping[str, Any]) -> str:
    """From what `report.json` holds."""
    script, style = "\n".join(map(_part, _SCRIPTS)), _part("report.css")
    filled = {
        "POLICY": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'",
        "STYLE": style,
        "SCRIPT": script,
        "DATA": embedded(document),
    }
    text = _part("report.html")
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
def _part(name: str) -> str:
    return (_PARTS / name).read_text("utf-8")


def _hash(text: str) -> str:
    """As Content-Security-Policy names an inline block (CSP Level 3, 6.7.3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
