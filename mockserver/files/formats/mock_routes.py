"""What importers of mocks share about whole routes and scenarios."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from mockserver.files.formats.mock_sources import Uncarried
from mockserver.model.scenario import RouteSpec


def proxy_route(target: str) -> dict[str, Any]:
    """A route's `proxy`. Raises Uncarried for a target that is none, and where this version has no such key."""
    if not re.match(r"https?://[^/\s]+", target):
        raise Uncarried(f"{target!r} is no http or https URL to pass requests on to")
    if "proxy" not in RouteSpec.model_fields:
        raise Uncarried(f"requests go on to {target}, and this version can't proxy", "Record its answers")
    return {"proxy": target}


def unique_name(wanted: str, taken: Container[str]) -> str:
    """A scenario's name after `wanted`, unlike those that are taken."""
    name = re.sub(r"[/?#%\x00-\x1f]+", "-", wanted).strip() or "imported"
    name = "imported" if name == "runtime" else name
    number, made = 2, name
    while made in taken:
        made, number = f"{name}-{number}", number + 1
    return made
