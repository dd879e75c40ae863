"""The reference of the scenario language: the pages of the documentation that an author needs, and the JSON Schema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from mockserver.mcp.tools import AdminSession, ToolAnswer, ToolInput, tool
from mockserver.schema.scenario import schema_document

PageName = Literal[
    "scenario-reference",
    "matching",
    "replies",
    "faults",
    "templates",
    "resources",
    "attempts",
    "load",
    "admin-api",
]
PAGES: dict[PageName, str] = {
    "scenario-reference": "Scenario file: all keys of scenarios and routes, with examples",
    "matching": "Matching: conditions and operators",
    "replies": "Replies: bodies, sequences, delays, streams, effects, webhooks",
    "faults": "Faults: broken connections and answers",
    "templates": "Templates: expressions, filters and functions",
    "resources": "Resources: collections with CRUD operations",
    "attempts": "Attempts: how calls are grouped, and the rules for retries",
    "load": "Clients under load: rules for the calls of many operations, such as circuit breakers",
    "admin-api": "Admin API: checks, and everything else that can be controlled",
}
SCHEMA_URI = "mockserver://schema/scenario.json"
_PAGE_URI = "mockserver://docs/{name}.md"


def page_uri(name: str) -> str:
    return _PAGE_URI.format(name=name)


def read_uri(uri: str) -> tuple[str, str] | None:
    """Return the media type and the text of a resource; None if there is none."""
    if uri == SCHEMA_URI:
        return "application/schema+json", json.dumps(schema_document(), indent=2)
    name = next((name for name in PAGES if page_uri(name) == uri), None)
    return None if name is None else ("text/markdown", page_text(name))


@cache
def page_text(name: PageName) -> str:
    return (_folder() / f"{name}.md").read_text("utf-8")


def _folder() -> Path:
    """Return the folder of the pages: in the installed package or, in a clone, that of the documentation."""
    package = Path(__file__).parent.parent
    installed = package / "docs"
    return installed if installed.is_dir() else package.parent / "docs"


class ReferenceInput(ToolInput):
    page: PageName = Field(
        default="scenario-reference",
        description="; ".join(f"{name}: {about.partition(': ')[2]}" for name, about in PAGES.items()),
    )


@tool(ReferenceInput, "Read the reference")
async def read_reference(_: AdminSession, spec: ReferenceInput) -> ToolAnswer:
    """Read a page of the reference of the scenario language. Read it before writing routes or scenarios."""
    return ToolAnswer(page_text(spec.page), {"page": spec.page, "uri": page_uri(spec.page)})
