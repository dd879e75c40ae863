"""Parts of a pact, and how versions 3 and 4 write them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from mockserver.formats.reading import utf8_text
from mockserver.recording.conversion import Losses


@dataclass(slots=True)
class PactPart:
    """A request or a response as a pact has it, whatever the version."""

    headers: dict[str, list[str]] = field(default_factory=dict)
    body: Any = ...
    content_type: str = ""
    rules: dict[str, Any] = field(default_factory=dict)
    generators: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    """`method`, `path` and `query`, or `status`."""


@dataclass(slots=True)
class Interaction:
    description: str
    given: list[str]
    request: PactPart
    response: PactPart


def file_name(consumer: str, provider: str) -> str:
    return "".join(c if c.isalnum() or c in "-_. " else "_" for c in f"{consumer}-{provider}") + ".json"


def pact_of(
    consumer: str, provider: str, result: list[Interaction], version: int, lost: Losses
) -> dict[str, Any]:
    part = _part_of_4 if version == 4 else _part_of_3
    interactions = []
    for item in result:
        written: dict[str, Any] = {"description": item.description}
        if version == 4:
            written = {"type": "Synchronous/HTTP", **written, "pending": False}
        if item.given:
            written["providerStates"] = [{"name": state} for state in item.given]
        written["request"] = part(item.request, f"{item.description}: request", lost)
        written["response"] = part(item.response, f"{item.description}: response", lost)
        interactions.append(written)
    return {
        "consumer": {"name": consumer},
        "provider": {"name": provider},
        "interactions": interactions,
        "metadata": {"pactSpecification": {"version": "4.0" if version == 4 else "3.0.0"}},
    }


def _part_of_4(part: PactPart, place: str, lost: Losses) -> dict[str, Any]:
    del place, lost  # version 4 can say it all
    result = dict(part.more)
    if part.headers:
        result["headers"] = part.headers
    if part.body is not ...:
        content: Any = part.body
        encoded: str | bool = False
        if isinstance(content, bytes):
            text = utf8_text(content)
            content = text if text is not None else base64.b64encode(content).decode()
            encoded = "base64" if text is None else False
        kind = part.content_type or "application/octet-stream"
        result["body"] = {"content": content, "contentType": kind, "encoded": encoded}
    return result | _rules_and_generators(part)


def _part_of_3(part: PactPart, place: str, lost: Losses) -> dict[str, Any]:
    result = dict(part.more)
    if part.headers:
        result["headers"] = {name: ", ".join(some) for name, some in part.headers.items()}
    if (
        part.content_type
        and part.body is not ...
        and not any(name.lower() == "content-type" for name in part.headers)
    ):
        result.setdefault("headers", {})["content-type"] = part.content_type
    if isinstance(part.body, bytes):
        text = utf8_text(part.body)
        if text is None:
            lost.add(f"{place}.body", "version 3 has no binary bodies", "Write version 4")
        else:
            result["body"] = text
    elif part.body is not ...:
        result["body"] = part.body
    return result | _rules_and_generators(part)


def _rules_and_generators(part: PactPart) -> dict[str, Any]:
    result = {"matchingRules": part.rules, "generators": part.generators}
    return {key: value for key, value in result.items() if value}
