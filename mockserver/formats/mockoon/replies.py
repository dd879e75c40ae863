"""Convert responses of Mockoon to replies: status, headers, delay, body, callbacks."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from mockserver.formats.mockoon import templates
from mockserver.formats.mockoon.templates import Buckets
from mockserver.formats.mocks.handlebars_writer import literal_braces
from mockserver.formats.mocks.replies import (
    Reply,
    duration,
    kept_headers,
    literal_reply,
    media_type,
    status_of,
    with_json,
    with_text,
)
from mockserver.formats.mocks.sources import FAILURES, listed, text_of
from mockserver.formats.reading import json_of, utf8_text
from mockserver.recording.conversion import Losses, NotConvertibleError
from mockserver.schema.base import has_templates

ReadFile = Callable[[str], bytes | None]
"""Returns the bytes of a file beside the environment; None if there is none."""

_RESPONSE = {
    "uuid", "body", "latency", "statusCode", "label", "headers", "bodyType", "filePath", "databucketID",
    "sendFileAsBody", "rules", "rulesOperator", "disableTemplating", "fallbackTo404", "default", "crudKey",
    "callbacks",
}  # fmt: skip
_CALLBACK = {
    "uuid", "id", "name", "documentation", "method", "uri", "headers", "body", "bodyType", "filePath",
    "databucketID", "sendFileAsBody",
}  # fmt: skip
_TEMPLATED = (
    ".html",
    ".htm",
    ".css",
    ".csv",
    ".js",
    ".json",
    ".txt",
    ".xml",
    ".xhtml",
    ".svg",
    ".md",
    ".yaml",
    ".yml",
)
"""Suffixes of files in which Mockoon looks for templates."""


class MockoonReplies:
    """Creates the replies of one environment. `files` collects the files that they send."""

    def __init__(self, environment: dict[str, Any], read_file: ReadFile, losses: Losses) -> None:
        self._latency = environment.get("latency") or 0
        self._read_file = read_file
        self._losses = losses
        self._callbacks = {item.get("uuid"): item for item in listed(environment.get("callbacks"))}
        self._bucket_texts: dict[str, str] = {}
        self.buckets = Buckets()
        self.schemas: dict[str, Any] = {}
        """Values of data buckets that are JSON, by id and by name."""
        self.files: dict[str, bytes] = {}
        for bucket in listed(environment.get("data")):
            self._add_bucket(bucket)

    def _add_bucket(self, bucket: dict[str, Any]) -> None:
        id_, name, text = (text_of(bucket.get(key) or "") for key in ("id", "name", "value"))
        self._bucket_texts[id_] = text
        if "{{" in text:
            return
        try:
            value = json_of(text)
        except (ValueError, RecursionError):
            value = text
        self.buckets.add(id_, name, value)
        self.schemas[id_] = self.schemas[name] = value

    def seed(self, bucket: str) -> list[Any]:
        """Return the items of a data bucket. Raises NotConvertibleError if it is not a list of objects."""
        value = self.buckets.values.get(bucket)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise NotConvertibleError(
                "its data bucket is not a list of objects without templates", "Write a resource with `seed`"
            )
        return value

    def reply(self, response: dict[str, Any], place: str) -> Reply:
        """Raises NotConvertibleError for a response that can't be sent."""
        self._losses.unknown(place, response, _RESPONSE)
        templated = response.get("disableTemplating") is not True
        reply: Reply = {"status": status_of(response.get("statusCode"))}
        headers = self.headers(response.get("headers"), place, templated=True)
        if headers:
            reply["headers"] = headers
        reply = self._with_body(reply, response, place, templated=templated)
        latency = self._latency + (response.get("latency") or 0)
        if latency:
            reply["delay"] = duration(latency)
        hooks = list(self._webhooks(listed(response.get("callbacks")), place, templated=templated))
        if hooks:
            reply["webhook"] = hooks[0] if len(hooks) == 1 else hooks
        return reply

    def headers(self, written: object, place: str, *, templated: bool) -> dict[str, Any]:
        """Return header lines; those without a name or a value are not sent."""
        lines: dict[str, list[str]] = {}
        for item in listed(written):
            name, value = text_of(item.get("key") or ""), text_of(item.get("value") or "")
            if name and value:
                lines.setdefault(name, []).append(value)
        if templated:
            return kept_headers(templates.header_lines(lines, self.buckets, self._losses, place))
        return kept_headers(lines)

    def _with_body(self, reply: Reply, response: dict[str, Any], place: str, *, templated: bool) -> Reply:
        kind = response.get("bodyType") or ("FILE" if response.get("filePath") else "INLINE")
        if kind == "FILE" and response.get("filePath"):
            return self._with_file(reply, response, f"{place}.filePath", templated=templated)
        if kind == "DATABUCKET" and response.get("databucketID"):
            bucket = text_of(response["databucketID"])
            if bucket not in self._bucket_texts:
                raise NotConvertibleError(f"there is no data bucket {bucket!r}")
            return self._with_text(reply, self._bucket_texts[bucket], f"{place}.databucketID", templated=True)
        return self._with_text(
            reply, text_of(response.get("body") or ""), f"{place}.body", templated=templated
        )

    def _with_text(self, reply: Reply, text: str, place: str, *, templated: bool) -> Reply:
        if not templated or "{{" not in text:
            return _with_literal(reply, text)
        value = (
            _json_with_templates(text)
            if media_type(reply.get("headers", {})) in ("", "application/json")
            else None
        )
        if value is not None:
            return with_json(reply, templates.tree(value, self.buckets, self._losses, place))
        return {**reply, "text": templates.template(text, self.buckets, self._losses, place)}

    def _with_file(self, reply: Reply, response: dict[str, Any], place: str, *, templated: bool) -> Reply:
        name = text_of(response["filePath"]).replace("\\", "/")
        if templated and "{{" in name:
            raise NotConvertibleError(
                "which file is sent depends on the request", "Write `cases`, one for each file"
            )
        data = self._read_file(name)
        if data is None:
            if response.get("fallbackTo404") is True:
                missing = text_of(response.get("body") or "")
                return self._with_text({**reply, "status": 404}, missing, place, templated=templated)
            raise NotConvertibleError(f"there is no file {name!r} beside the environment")
        path = PurePosixPath(name)
        headers = dict(reply.get("headers", {}))
        if response.get("sendFileAsBody") is not True:
            headers.setdefault("Content-Disposition", f'attachment; filename="{path.name}"')
        text = utf8_text(data)
        if templated and text is not None and "{{" in text and path.suffix in _TEMPLATED:
            if not media_type(headers) and (guessed := mimetypes.guess_type(path.name)[0]):
                headers["Content-Type"] = guessed
            text = templates.template(text, self.buckets, self._losses, place)
            return {**reply, **({"headers": headers} if headers else {}), "text": text}
        self.files[path.name] = data
        return {**reply, **({"headers": headers} if headers else {}), "file": path.name}

    def _webhooks(self, written: list[Any], place: str, *, templated: bool) -> Any:
        for number, invocation in enumerate(written):
            where = f"{place}.callbacks[{number}]"
            callback = self._callbacks.get(invocation.get("uuid"))
            if callback is None:
                self._losses.add(where, "there is no callback with this UUID")
                continue
            try:
                yield self._webhook(callback, invocation.get("latency") or 0, where, templated=templated)
            except FAILURES as error:
                self._losses.failed(where, error, ", so this callback is left out")

    def _webhook(
        self, callback: dict[str, Any], latency: float, place: str, *, templated: bool
    ) -> dict[str, Any]:
        self._losses.unknown(place, callback, _CALLBACK)
        if callback.get("bodyType") == "FILE" and callback.get("sendFileAsBody") is not True:
            raise NotConvertibleError("a webhook can't upload a file as a form")
        url = templates.template(text_of(callback.get("uri")), self.buckets, self._losses, f"{place}.uri")
        made: dict[str, Any] = {"url": url}
        method = str(callback.get("method") or "post").upper()
        if method != "POST":
            made["method"] = method
        headers = self.headers(callback.get("headers"), place, templated=True)
        if headers:
            made["headers"] = headers
        body = (
            self._with_body(made, callback, place, templated=templated)
            if method not in ("GET", "HEAD")
            else made
        )
        if body.get("raw"):
            raise NotConvertibleError("the braces of its body would be a template")
        return {**body, **({"delay": duration(latency)} if latency else {})}


def _with_literal(reply: Reply, text: str) -> Reply:
    """Return the reply with a body in which braces mean nothing; those in its headers are templates."""
    made = with_text(reply, text)
    if has_templates(made.get("headers")):
        return {**reply, "text": literal_braces(text)} if has_templates(text) else made
    return literal_reply(made)


def _json_with_templates(text: str) -> Any:
    """Return the value of a text that is JSON before its templates are replaced; None for any other text."""
    try:
        value = json_of(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None
