"""A reply of ours, or a webhook, as WireMock writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mockserver.errors import shown
from mockserver.formats.reading import json_line
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.replies import FAULTS
from mockserver.formats.wiremock.writer_templates import handlebars, handlebars_tree
from mockserver.model.durations import parse_duration_s
from mockserver.model.json_values import map_leaves
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Exported
from mockserver.schema.base import has_templates

_FAULTS = {ours: theirs for theirs, ours in FAULTS.items()}
_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "xml": "application/xml",
    "form": "application/x-www-form-urlencoded",
}
_LOST = {
    "events": "server-sent events are not known there",
    "chunks": "a body in pieces is not known there",
    "choose": "a random reply is not known there",
    "cases": "a reply by cases is not known there",
    "for": "a step that ends by the clock is not known there",
    "effect": "effects are not known there",
    "set_ttl": "states don't end by the clock there",
}


_CODE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def _ms(value: object) -> int:
    return round(parse_duration_s(value) * 1000)


class WrittenReplies:
    """Makes response definitions, with a scenario's defaults in each."""

    def __init__(self, document: Document, folder: Path | None, exported: Exported) -> None:
        self._defaults = document.get("defaults") or {}
        self._folder = folder
        self._exported = exported

    def response(self, reply: Any, at: LossPlace) -> dict[str, Any]:
        written = {"status": reply} if isinstance(reply, int) else dict(reply)
        made: dict[str, Any] = {}
        self._templated = False
        for key, what in _LOST.items():
            if key in written:
                at.at(key).lost(what)
        status = written.get("status", 200)
        if isinstance(status, int):
            made["status"] = status
        else:
            at.at("status").lost("a status is a number there")
        raw = bool(written.get("raw"))
        self._body(written, made, at, raw=raw)
        self._headers(written, made, at)
        self._timing({**self._defaults, **written}, made, at)
        self._fault(written.get("fault"), made, at.at("fault"))
        if self._templated:
            made["transformers"] = ["response-template"]
        return made

    def _said(self, value: object, at: LossPlace) -> object:
        """With its templates in Handlebars; notes that there are some."""
        if not has_templates(value):
            return value
        self._templated = True
        return handlebars_tree(value, at)

    def _body(self, written: dict[str, Any], made: dict[str, Any], at: LossPlace, *, raw: bool) -> None:
        kind = next(
            (key for key in ("json", "text", "html", "xml", "form", "base64", "file") if key in written), None
        )
        if kind is None:
            return
        value = written[kind]
        if kind == "file":
            self._file(str(value), made, at.at("file"))
            return
        if kind == "form":
            value = urlencode(value, doseq=True)
        said = value if raw or kind == "base64" else self._said(value, at.at(kind))
        if kind == "json":
            made["jsonBody"] = said
        elif kind == "base64":
            made["base64Body"] = said
        else:
            made["body"] = str(said)
        if kind in _TYPES:
            made["headers"] = {"Content-Type": _TYPES[kind]}

    def _file(self, name: str, made: dict[str, Any], at: LossPlace) -> None:
        made["bodyFileName"] = name
        path = self._folder / name if self._folder is not None else None
        if path is None or not path.is_file():
            at.lost(f"the file {name!r} was not found", "Put it into __files yourself")
            return
        self._exported.files[f"__files/{name}"] = path.read_bytes()

    def _headers(self, written: dict[str, Any], made: dict[str, Any], at: LossPlace) -> None:
        lines = dict(made.get("headers") or {})
        for source in (self._defaults.get("headers") or {}, written.get("headers") or {}):
            for name, value in source.items():
                lines = {key: line for key, line in lines.items() if key.lower() != name.lower()}
                lines[name] = self._said(value, at.at("headers", name))
        if lines:
            made["headers"] = {
                name: value if isinstance(value, list) else as_text(value) for name, value in lines.items()
            }

    def _timing(self, written: dict[str, Any], made: dict[str, Any], at: LossPlace) -> None:
        delay = written.get("delay")
        if isinstance(delay, dict) and "median" in delay:
            made["delayDistribution"] = {
                "type": "lognormal",
                "median": _ms(delay["median"]),
                "sigma": delay["sigma"],
                "maxValue": max(_ms(delay["max"]), _ms(delay["median"])),
            }
            if _ms(delay["max"]) < _ms(delay["median"]):
                at.at("delay", "max").lost("a lognormal delay is not cut below its median there")
        elif isinstance(delay, dict):
            made["delayDistribution"] = {
                "type": "uniform",
                "lower": _ms(delay["min"]),
                "upper": _ms(delay["max"]),
            }
        elif has_templates(delay):
            at.at("delay").lost("a delay is a number there")
        elif delay is not None:
            made["fixedDelayMilliseconds"] = _ms(delay)
        throttle = written.get("throttle")
        if isinstance(throttle, dict):
            made["chunkedDribbleDelay"] = {
                "numberOfChunks": throttle["chunks"],
                "totalDuration": _ms(throttle["over"]),
            }
        elif throttle is not None:
            at.at("throttle").lost("a rate is not known there", "Write {chunks: 5, over: 2s}")

    def _fault(self, fault: object, made: dict[str, Any], at: LossPlace) -> None:
        if fault is None:
            return
        kind = fault.get("kind") if isinstance(fault, dict) else fault
        if kind not in _FAULTS:
            at.lost(f"the fault {kind!r} is not known there")
            return
        if isinstance(fault, dict) and fault.get("after") is not None:
            at.lost(f"a fault occurs before any byte there, not after {shown(fault['after'])}")
        made["fault"] = _FAULTS[kind]


def webhook_out(written: dict[str, Any], at: LossPlace) -> dict[str, Any]:
    """A listener that sends it."""
    parameters: dict[str, Any] = {
        "method": written.get("method", "POST"),
        "url": handlebars(str(written["url"]), at.at("url")),
    }
    for key, what in (
        ("sign", "signatures are not known there"),
        ("retry", "webhooks are sent once there"),
        ("repeat", "webhooks are sent once there"),
        ("before", "webhooks are sent after the answer there"),
    ):
        if key in written:
            at.at(key).lost(what)
    headers = {
        name: handlebars_tree(value, at.at("headers", name))
        for name, value in (written.get("headers") or {}).items()
    }
    body = next((key for key in ("json", "text", "html", "xml") if key in written), None)
    if body is not None:
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = _TYPES[body]
        value = handlebars_tree(written[body], at.at(body))
        parameters["body"] = json_line(value) if body == "json" else as_text(value)
    elif "base64" in written:
        parameters["base64Body"] = written["base64"]
    elif "form" in written or "file" in written:
        at.lost("the body of a webhook is text there")
    if headers:
        parameters["headers"] = headers
    if "delay" in written:
        parameters["delay"] = {"type": "fixed", "milliseconds": _ms(written["delay"])}
    return {"name": "webhook", "parameters": map_leaves(parameters, _of_original)}


def _of_original(value: object, _: object) -> object:
    """In a webhook, the request of a template is the one that was answered."""
    if not isinstance(value, str):
        return value
    return _CODE.sub(lambda code: re.sub(r"\brequest\.", "originalRequest.", code[0]), value)
