"""Examples of rules on a page: the rules, lists of calls, and the message of each list that breaks them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from support.calls import World
from support.pages import blocks

LINE = re.compile(
    r"(?P<at>\d+\.\d+)(?:-(?P<end>\d+\.\d+))?  (?P<line>\w+ \S+)(?: \[(?P<header>[^]]+)\])?"
    r"(?: (?P<json>\{.*\}))? → (?P<status>\d+)(?: \[(?P<answer>[^]]+)\])?"
)
SHOP = "routes: [{name: charge, request: POST /charges, reply: 201}]"


def examples(text: str, key: str) -> list[list[Any]]:
    """The rules under a key, the lists of calls that they are held against, and the message of each that breaks them."""
    found: list[list[Any]] = []
    rules = None
    for language, block in blocks(text):
        if language == "yaml" and block.startswith(f"{key}:"):
            rules = yaml.safe_load(block)[key]
        elif language == "calls":
            found.append([rules, block, None])
        elif language == "text" and found:
            found[-1][2] = block.rstrip("\n")
    return found


def judged(folder: Path, key: str, rules: dict[str, Any], calls: str) -> str | None:
    """What a check of these rules says of the calls; None where they hold."""
    world = World(folder)
    for written in calls.splitlines():
        call = LINE.fullmatch(written)
        assert call is not None, written
        world(
            float(call["at"]),
            float(call["end"] or call["at"]),
            int(call["status"]),
            line=call["line"],
            route="shop/charge",
            headers=_header(call["header"]),
            answer=_header(call["answer"]),
            **({"json": json.loads(call["json"])} if call["json"] else {}),
        )
    verdict = world.verdict({"route": "charge", key: rules})
    return None if verdict.ok else verdict.text


def _header(text: str | None) -> dict[str, str]:
    return dict([text.split(": ", 1)]) if text else {}
