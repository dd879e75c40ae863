"""
Convert each reply of each route to an exchange with an example request.

For formats with examples; conditions that an example does not express are lost.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mockserver.formats.examples import NOTHING, Example, of_text, of_tree
from mockserver.formats.path_pieces import example_path
from mockserver.formats.reading import json_bytes
from mockserver.formats.steps import Step, steps_of
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Losses, Lost
from mockserver.recording.exchanges import Lines, RecordedExchange
from mockserver.recording.written_replies import CONTENT_TYPES, event_text
from mockserver.schema.base import has_templates, is_template

_SAID = {"query", "query_exact", "headers", "cookies", "json", "json_exact", "form", "form_exact", "text"}
LARGEST_TIMES = 1000
"""Maximum number of repetitions that are written."""


def unfold(scenarios: Mapping[str, Document], folder: Path | None) -> tuple[list[RecordedExchange], Losses]:
    """`folder` is where the scenarios' files lie."""
    lost = Losses()
    result: list[RecordedExchange] = []
    for step in steps_of(scenarios, lost, _CARRIED):
        exchange = exchange_of(step, folder, lost)
        times = min(step.times, LARGEST_TIMES)
        if times < step.times:
            lost.add(f"{step.place}.times", f"{step.times} are too many: {times} are written")
        result += [exchange] * times
    return result, lost


_CARRIED = frozenset({"fault"})


def exchange_of(step: Step, folder: Path | None, lost: Losses) -> RecordedExchange:
    """A step as an example of it."""
    path, names = example_path(step.path)
    if names:
        told = ", ".join(names)
        lost.add(f"{step.route_place}.request", f"an example stands for the parameters {told}")
    query, headers, body = request_parts(step, lost)
    origin = step.origin
    reply_headers, content = reply_parts(step, folder, lost, origin)
    fault = step.reply.get("fault")
    kind = fault["kind"] if isinstance(fault, dict) else fault or ""
    if isinstance(fault, dict):
        lost.add(f"{step.place}.fault.after", "a recording can't express where it broke")
    return RecordedExchange(
        place=step.place,
        method=step.method,
        url=f"{origin}{path}" + (f"?{urlencode(query)}" if query else ""),
        request_headers=headers,
        request_body=body,
        status=0 if kind else status_of(step, lost),
        headers=[] if kind else reply_headers,
        body=b"" if kind else content,
        fault=kind,
        name=step.name,
    )


# The request


def request_parts(step: Step, lost: Losses) -> tuple[Lines, Lines, bytes]:
    """Query, header lines and body that the route takes."""
    match, place = step.match, f"{step.route_place}.match"
    query = _named(match, "query", place, lost)
    headers = [
        (name.lower(), value) for name, value in _pairs(match.get("headers"), f"{place}.headers", lost)
    ]
    cookies = _pairs(match.get("cookies"), f"{place}.cookies", lost)
    if cookies:
        headers.append(("cookie", "; ".join(f"{name}={value}" for name, value in cookies)))
    body, content_type = _request_body(match, place, lost)
    if content_type and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", content_type))
    lost += [Lost(f"{place}.{key}", "an example can't express it") for key in match if key not in _SAID]
    return query, headers, body


def _named(match: Mapping[str, Any], part: str, place: str, lost: Losses) -> Lines:
    """The pairs that a part asks for, and those that it asks for and nothing else."""
    return [
        pair for key in (part, f"{part}_exact") for pair in _pairs(match.get(key), f"{place}.{key}", lost)
    ]


def _pairs(conditions: Any, place: str, lost: Losses) -> Lines:
    result: Lines = []
    for name, condition in (conditions or {}).items():
        example = of_text(condition)
        _tell(example, f"{place}.{name}", lost)
        if example.value is not NOTHING:
            some = example.value if isinstance(example.value, list) else [example.value]
            result += [(name, as_text(item)) for item in some]
    return result


def _request_body(match: Mapping[str, Any], place: str, lost: Losses) -> tuple[bytes, str]:
    for key in ("json_exact", "json"):
        if key in match:
            example = of_tree(match[key])
            _tell(example, f"{place}.{key}", lost)
            return (b"" if example.value is NOTHING else json_bytes(example.value)), "application/json"
    if "form" in match or "form_exact" in match:
        return urlencode(_named(match, "form", place, lost)).encode(), CONTENT_TYPES["form"]
    if "text" in match:
        example = of_text(match["text"])
        _tell(example, f"{place}.text", lost)
        return str(example.value).encode() if isinstance(example.value, str) else b"", "text/plain"
    return b"", ""


def _tell(example: Example, place: str, lost: Losses) -> None:
    for path, name, operand in example.rules:
        at = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        lost.add(f"{place}{at}", f"an example stands for {name}: {operand!r}")


# The answer


def status_of(step: Step, lost: Losses) -> int:
    status = step.reply.get("status", 200)
    if isinstance(status, int):
        return status
    lost.add(f"{step.place}.status", "a template makes the status: 200 stands for it")
    return 200


def reply_parts(step: Step, folder: Path | None, lost: Losses, origin: str = "") -> tuple[Lines, bytes]:
    """Return headers and body, with unchanged templates."""
    body, content_type = body_bytes(step, folder, lost)
    raw = bool(step.reply.get("raw"))
    headers: Lines = []
    for name, value in step.reply.get("headers", {}).items():
        for item in value if isinstance(value, list) else [value]:
            text = as_text(item)
            if name.lower() == "location" and not raw:
                text = text.replace("{{ request.base_url }}", origin, 1)
            if is_template(text) and not raw:
                lost.add(f"{step.place}.headers.{name}", "a template is written unchanged")
            headers.append((name.lower(), text))
    coding = [pair for pair in headers if pair[0] == "content-encoding"]
    if coding:
        lost.add(f"{step.place}.headers.content-encoding", "the body is written without its coding")
        headers = [pair for pair in headers if pair not in coding]
    if content_type and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", content_type))
    return headers, body


def body_bytes(step: Step, folder: Path | None, lost: Losses) -> tuple[bytes, str]:
    """Return the body, with unchanged templates, and its Content-Type. A missing file is lost."""
    kind = step.body_kind
    if kind is None:
        return b"", ""
    value = step.reply[kind]
    place = f"{step.place}.{kind}"
    if kind == "file":
        return _file(folder, str(value), place, lost)
    if not step.reply.get("raw") and has_templates(value):
        lost.add(place, "a template is written unchanged")
    return _written(kind, value, place, lost), CONTENT_TYPES[kind]


def _written(kind: str, value: Any, place: str, lost: Losses) -> bytes:
    match kind:
        case "json":
            return json_bytes(value)
        case "base64":
            return base64.b64decode("".join(as_text(value).split()) if not is_template(value) else "")
        case "form":
            return urlencode(list(_form(value))).encode()
        case "events":
            if any(isinstance(item, dict) and item.keys() & {"delay", "each"} for item in value):
                lost.add(place, "the events are written at once")
            return "".join(_event(item) for item in value).encode()
        case "chunks":
            lost.add(place, "the chunks are written at once")
            return b"".join(map(_chunk, value))
    return as_text(value).encode("utf-8", "replace")


def _event(event: object) -> str:
    if isinstance(event, dict):
        event = {key: item for key, item in event.items() if key not in ("delay", "each")}
        if "data" in event and not isinstance(event["data"], str):
            event["data"] = json_bytes(event["data"]).decode()
        return event_text(event)
    return event_text(event if isinstance(event, str) else json_bytes(event).decode())


def _chunk(chunk: object) -> bytes:
    if not isinstance(chunk, dict):
        return as_text(chunk).encode()
    return base64.b64decode(chunk["base64"]) if "base64" in chunk else as_text(chunk.get("text", "")).encode()


def _form(value: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, str]]:
    """Bracketed names for mappings; a list repeats its name."""
    for key, item in value.items():
        name = f"{under}[{key}]" if under else key
        if isinstance(item, dict):
            yield from _form(item, name)
        else:
            for entry in item if isinstance(item, list) else [item]:
                yield name, "" if entry is None else as_text(entry)


def _file(folder: Path | None, name: str, place: str, lost: Losses) -> tuple[bytes, str]:
    guess = mimetypes.guess_type(name)[0] or "application/octet-stream"
    try:
        return (Path() if folder is None else folder).joinpath(name).read_bytes(), guess
    except OSError as error:
        lost.add(place, f"{name!r} can't be read: {error.strerror}", "The body is empty")
        return b"", guess
