"""Create the answer of an operation: its success, with the example of the document or a sample of the schema."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from random import Random
from typing import Any

from mockserver.formats.openapi.xml import as_xml, plain_text
from mockserver.model.framing import has_body
from mockserver.model.written import plain_numbers
from mockserver.openapi.operations import ApiOperation
from mockserver.openapi.samples import EndlessSchemaError, sample
from mockserver.openapi.validators import Validators
from mockserver.recording.conversion import Losses
from mockserver.scenarios.openapi_nodes import DocumentNode
from mockserver.schema.base import has_templates


class OpenApiReplies:
    """Makes replies, each example and sample held against its schema. What can't be made is added to `lost`."""

    def __init__(self, validators: Validators, lost: Losses) -> None:
        self._validators = validators
        self._lost = lost
        self._others = 0
        self._headers = 0
        self._unfit: list[str] = []
        self._left_out: dict[str, int] = {}
        """How many examples are in no reply, by the place where they would be."""

    def notes(self) -> list[str]:
        """How many examples are left out."""
        count = sum(self._left_out.values())
        if not count:
            return []
        what = f"{count} example{'s are' if count > 1 else ' is'} left out, for breaking the schema or in addition to the one that is used"
        return [f"{what}; the first at {next(iter(self._left_out))}."]

    def remarks(self) -> list[str]:
        """Return remarks on all replies."""
        said = self.notes()
        if self._others:
            said.append(
                f"{self._others} other documented answers, such as errors, are left out: the success is given."
            )
        if self._headers:
            said.append(f"{self._headers} optional headers of answers are left out.")
        if self._unfit:
            said.append(
                f"{len(self._unfit)} examples of the specification break its own schemas and are used unchanged; "
                f"the first is {self._unfit[0]}"
            )
        return said

    def reply(self, operation: ApiOperation) -> object:
        """A reply in the scenario language: a status, or a mapping."""
        result = best(operation)
        if result is None:
            self._lost.add(operation.node.place, "it documents no answer that can be given; 200 is")
            return 200
        status, response = result
        self._others += len(operation.responses()) - 1
        for name, node in response.mapping("links"):
            self._lost.add(node.place, f"the link {name!r} leads nowhere here")
        reply: dict[str, Any] = {} if status == 200 else {"status": status}
        headers = dict(self._headers_of(operation, response))
        body = self._body(operation, response, headers) if has_body(status) else {}
        if headers:
            reply["headers"] = headers
        reply |= body
        if has_templates(reply):
            reply["raw"] = True
        return reply if reply.keys() - {"status"} else status

    def value(self, operation: ApiOperation, media: DocumentNode) -> object:
        """The first example of a media type that its schema takes, else the first; or a sample of its schema. Raises EndlessSchemaError."""
        examples = examples_of(media)
        schema = media.get("schema")
        if len(examples) > 1:
            self._left_out[media.place] = len(examples) - 1
        if examples:
            fitting = [example for example in examples if schema is None or self.fits(schema, example)]
            if not fitting:
                self._unfit.append(media.place)
            return (fitting or examples)[0]
        if schema is None:
            raise EndlessSchemaError("it has neither example nor schema")
        return self.sampled(operation, schema)

    def sampled(self, operation: ApiOperation, schema: DocumentNode, more: str = "") -> Any:
        """A sample of a schema, the same at every import; others with `more`. Raises EndlessSchemaError."""
        made = sample(schema, f"{operation.method} {operation.path}{more}", self._validators)
        if made.left_out:
            self._left_out[schema.place] = made.left_out
        return made.value

    def fits(self, schema: DocumentNode, value: object) -> bool:
        return bool(self._validators.of(schema, "reply").is_valid(plain_numbers(value)))

    # Headers

    def _headers_of(self, operation: ApiOperation, response: DocumentNode) -> Iterator[tuple[str, str]]:
        """Those that must be there, and where to go next."""
        for name, node in response.mapping("headers"):
            if name.lower() == "content-type":
                continue
            if node.value.get("required") is not True and name.lower() != "location":
                self._headers += 1
                continue
            try:
                yield name, plain_text(self.value(operation, _content(node)))
            except EndlessSchemaError as error:
                self._lost.add(node.place, f"no value for the header {name!r} was found: {error}")

    # Bodies

    def _body(
        self, operation: ApiOperation, response: DocumentNode, headers: dict[str, str]
    ) -> dict[str, Any]:
        content = dict(response.mapping("content"))
        if not content:
            return {}
        kind = preferred(content)
        media = content[kind]
        try:
            return _written(kind, media, self._media_value(kind, operation, media), headers)
        except EndlessSchemaError as error:
            what = f"no sample of {kind} was found that its schema takes: {error}"
            self._lost.add(media.place, what, "Write the body by hand")
            return {}

    def _media_value(self, kind: str, operation: ApiOperation, media: DocumentNode) -> object:
        if is_structured(kind) or examples_of(media):
            return self.value(operation, media)
        schema = media.get("schema")
        if schema is not None and kind.startswith("text/"):
            return self.sampled(operation, schema)
        return Random(operation.path).randbytes(16)


def best(operation: ApiOperation) -> tuple[int, DocumentNode] | None:
    """The answer to give, with its status: a success, else a redirect, else what there is."""
    responses = operation.responses()
    fixed = sorted((int(text), node) for text, node in responses.items() if text.isdecimal())
    ranges = {text[0]: node for text, node in responses.items() if text[1:] == "XX"}
    for hundred, usual in (("2", 200), ("3", 302)):
        result = next(((status, node) for status, node in fixed if str(status)[0] == hundred), None)
        if result is not None:
            return result
        if hundred in ranges:
            return usual, ranges[hundred]
    if "DEFAULT" in responses:
        return 200, responses["DEFAULT"]
    result = next(((status, node) for status, node in fixed if 400 <= status <= 599), None)
    if result is None and ranges.keys() & {"4", "5"}:
        digit = min(ranges.keys() & {"4", "5"})
        return int(digit) * 100, ranges[digit]
    return result


def is_structured(kind: str) -> bool:
    """Whether a body of that media type is written from data."""
    kind = kind.partition(";")[0].strip().lower()
    return (
        kind.endswith(("json", "+xml", "/xml")) or kind in ("*/*", "application/*", "text/event-stream")
        or kind == "application/x-www-form-urlencoded"
    )  # fmt: skip


def preferred(content: dict[str, Any]) -> str:
    """The media type to give: JSON where it is offered, else what reads best."""

    def rank(kind: str) -> int:
        plain = kind.partition(";")[0].strip().lower()
        order = [
            plain == "application/json", plain.endswith("json"), "*" in plain, plain.startswith("text/"),
            plain.endswith("xml"),
        ]  # fmt: skip
        return order.index(True) if True in order else len(order)

    return min(content, key=rank)


def examples_of(media: DocumentNode) -> list[Any]:
    """Every example that the author gives of a media type, a parameter or a header."""
    result = [media.value["example"]] if "example" in media.value else []
    nodes = [node for _, node in media.mapping("examples")]
    return result + [
        node.value["value"] for node in nodes if isinstance(node.value, dict) and "value" in node.value
    ]


def _content(node: DocumentNode) -> DocumentNode:
    """Where a header or a parameter has its schema: itself, or its one media type."""
    return next((media for _, media in node.mapping("content")), node)


def _written(kind: str, media: DocumentNode, value: object, headers: dict[str, str]) -> dict[str, Any]:
    plain = kind.partition(";")[0].strip().lower()
    if plain.endswith("json") or "*" in plain:
        if plain.endswith("json") and plain != "application/json":
            headers["content-type"] = kind
        return {"json": value}
    usual = {"text/plain": "text", "text/html": "html", "application/xml": "xml"}
    if plain == "application/x-www-form-urlencoded" and isinstance(value, dict):
        return {"form": value}
    if plain == "text/event-stream" and not isinstance(value, str):
        return {"events": [{"data": item} for item in (value if isinstance(value, list) else [value])]}
    if plain not in usual or ";" in kind:
        headers["content-type"] = kind
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if plain.endswith("xml") and not isinstance(value, str):
        value = as_xml(value, media.get("schema"))
    return {usual.get(plain, "text"): plain_text(value)}
