"""A response definition of WireMock as a reply."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from mockserver.formats.mocks.handlebars_writer import literal_braces
from mockserver.formats.reading import utf8_text
from mockserver.formats.wiremock import templates
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.model.written import as_text
from mockserver.schema.base import has_templates

ReadFile = Callable[[str], bytes | None]
"""Returns the bytes of a file of `__files`; None if there is none."""

FAULTS = {
    "EMPTY_RESPONSE": "close",
    "MALFORMED_RESPONSE_CHUNK": "malformed_chunk",
    "RANDOM_DATA_THEN_CLOSE": "garbage",
    "CONNECTION_RESET_BY_PEER": "reset",
}
_KNOWN = frozenset({
    "status", "statusMessage", "headers", "body", "jsonBody", "base64Body", "bodyFileName", "fixedDelayMilliseconds",
    "delayDistribution", "chunkedDribbleDelay", "fault", "proxyBaseUrl", "transformers", "transformerParameters",
    "additionalProxyRequestHeaders", "fromConfiguredStub", "proxyUrlPrefixToRemove",
})  # fmt: skip
_LONGEST_MS = 60_000


class WireMockReplies:
    """Creates replies. `files` collects their files; with `inline`, the bytes of a file are in the reply."""

    def __init__(self, read_file: ReadFile, *, inline: bool = False) -> None:
        self._read = read_file
        self._inline = inline
        self.files: dict[str, bytes] = {}

    def reply(self, written: object, at: LossPlace) -> object:
        """A status alone, where there is nothing else; else a mapping."""
        if not isinstance(written, dict):
            at.lost("a response is a mapping")
            return 200
        at.unknown(written, _KNOWN)
        transformers = written.get("transformers") or []
        templated = "response-template" in transformers
        for other in transformers:
            if other != "response-template":
                at.at("transformers").lost(f"the transformer {other!r} is an extension of their server")
        made: dict[str, Any] = {}
        status = _status(written.get("status", 200), at)
        if status != 200:
            made["status"] = status
        _headers(written.get("headers"), made, at.at("headers"), templated=templated)
        self._body(written, made, at, templated=templated)
        _delays(written, made, at)
        _rest(written, made, at)
        return status if set(made) <= {"status"} else made

    def _body(self, written: dict[str, Any], made: dict[str, Any], at: LossPlace, *, templated: bool) -> None:
        if written.get("bodyFileName") is not None:
            self._file(str(written["bodyFileName"]), made, at.at("bodyFileName"), templated=templated)
        elif written.get("base64Body") is not None:
            _base64(written["base64Body"], made, at.at("base64Body"))
        elif "jsonBody" in written:
            _set(made, "json", written["jsonBody"], at.at("jsonBody"), templated=templated)
        elif written.get("body") not in (None, ""):
            _set(made, "text", str(written["body"]), at.at("body"), templated=templated)

    def _file(self, name: str, made: dict[str, Any], at: LossPlace, *, templated: bool) -> None:
        if templated and "{{" in name:
            at.lost("which file is sent can't depend on the request here", "Write `cases`, one for each file")
            return
        data = self._read(name)
        if data is None:
            at.lost(f"there is no file {name!r} in __files")
            return
        text = utf8_text(data)
        if text is not None and templated and "{{" in text:
            _set(made, "text", text, at, templated=True)
        elif self._inline:
            made["base64"] = base64.b64encode(data).decode()
        else:
            made["file"] = name
            self.files[name] = data


def _status(written: Any, at: LossPlace) -> int:
    if isinstance(written, int) and 200 <= written <= 599:
        return written
    if written == 0:
        return 200  # what is sent where a fault says the rest
    at.at("status").lost(f"{written!r} is not a status that can be answered here", "Use 200 to 599")
    return 200


def _set(made: dict[str, Any], key: str, value: object, at: LossPlace, *, templated: bool) -> None:
    """Set a body with converted templates, or with literal braces."""
    if templated:
        made[key] = templates.tree(value, at)
        return
    made[key] = value
    if has_templates(value):
        made["raw"] = True


def _base64(written: Any, made: dict[str, Any], at: LossPlace) -> None:
    try:
        base64.b64decode(written, validate=True)
    except (binascii.Error, TypeError, ValueError):
        at.lost("it is not valid Base64")
        return
    made["base64"] = written


def _headers(written: Any, made: dict[str, Any], at: LossPlace, *, templated: bool) -> None:
    if not written:
        return
    lines: dict[str, Any] = {}
    for name, value in written.items():
        if name.lower() in ("content-length", "transfer-encoding", "connection"):
            at.at(name).lost("it follows from the body and the connection", soft=True)
            continue
        values = [as_text(item) for item in value] if isinstance(value, list) else as_text(value)
        if templated:
            values = templates.tree(values, at.at(name))
        elif isinstance(values, str):
            values = literal_braces(values)
        else:
            values = [literal_braces(item) for item in values]
        lines[name] = values
    if lines:
        made["headers"] = lines


def milliseconds(value: Any) -> str:
    """A number of them as a duration."""
    return f"{value:g}ms" if isinstance(value, float) else f"{int(value)}ms"


def _delays(written: dict[str, Any], made: dict[str, Any], at: LossPlace) -> None:
    fixed = written.get("fixedDelayMilliseconds")
    drawn = written.get("delayDistribution")
    if drawn is not None:
        if fixed:
            at.at("fixedDelayMilliseconds").lost("beside a distribution the fixed delay is left out")
        delay = distribution(drawn, at.at("delayDistribution"))
        if delay is not None:
            made["delay"] = delay
    elif fixed:
        made["delay"] = milliseconds(fixed)
    dribble = written.get("chunkedDribbleDelay")
    if dribble is not None:
        made["throttle"] = {
            "chunks": max(1, int(dribble.get("numberOfChunks", 1))),
            "over": milliseconds(dribble.get("totalDuration", 0)),
        }


def distribution(written: Any, at: LossPlace) -> object:
    """Return a random delay; None, with a loss, if it cannot be converted."""
    kind = written.get("type") if isinstance(written, dict) else None
    try:
        if kind == "fixed":
            return milliseconds(written["milliseconds"])
        if kind == "uniform":
            return {"min": milliseconds(written["lower"]), "max": milliseconds(written["upper"])}
        if kind == "lognormal":
            # Without a cut one in a thousand would outlive every client's timeout.
            longest = written.get("maxValue") or max(_LONGEST_MS, 10 * float(written["median"]))
            median = milliseconds(written["median"])
            return {"median": median, "sigma": written["sigma"], "max": milliseconds(longest)}
    except (KeyError, TypeError, ValueError):
        pass
    at.lost(f"the distribution {kind!r} can't be expressed here", "Use fixed, uniform or lognormal")
    return None


def upstream(written: Any, at: LossPlace) -> str | None:
    """Return the URL that a response forwards to; None if it answers itself."""
    url = written.get("proxyBaseUrl") if isinstance(written, dict) else None
    if not url:
        return None
    for key in written:
        if key not in ("proxyBaseUrl", "status", "fromConfiguredStub", "transformers"):
            at.at(key).lost("beside `proxyBaseUrl` it is left out")
    return str(url).rstrip("/")


def _rest(written: dict[str, Any], made: dict[str, Any], at: LossPlace) -> None:
    fault = written.get("fault")
    if fault in FAULTS:
        made["fault"] = FAULTS[fault]
    elif fault is not None:
        at.at("fault").lost(f"the fault {fault!r} is not known here")
    if written.get("statusMessage"):
        at.at("statusMessage").lost("the reason phrase follows from the status", soft=True)
