"""
Cassettes of VCR: version 1 of vcrpy, in YAML or JSON (https://vcrpy.readthedocs.io), and those of Ruby's VCR for reading.

A cassette plays its interactions in their order, so equal requests become a sequence.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mockserver.errors import invalid, shown
from mockserver.formats.exchanges_to_routes import fold
from mockserver.formats.mocks.sources import FAILURES
from mockserver.formats.reading import file_bytes, name_of, utf8_text
from mockserver.model.coding import UnreadableBodyError
from mockserver.model.framing import REASONS
from mockserver.model.http import grouped
from mockserver.model.written import written_float
from mockserver.recording.conversion import Document, Exported, Imported, Losses
from mockserver.recording.exchanges import Lines, RecordedExchange, without_coding


def read(source: Path) -> Imported:
    """Read a cassette. Raises InvalidInputError for any other file."""
    lost = Losses()
    imported = fold(_exchanges(_document(source), lost), name_of(source))
    imported.lost[:0] = lost
    return imported


class _Loader(yaml.SafeLoader):
    """YAML as Python's VCR and Ruby's write it: `!!binary`, texts with a tag; what looks like a date stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _tagged_text(loader: _Loader, node: yaml.Node) -> object:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


def _tagged_bytes(loader: _Loader, node: yaml.Node) -> object:
    return base64.b64decode(str(_tagged_text(loader, node)))


for _tag in ("tag:yaml.org,2002:python/unicode", "tag:yaml.org,2002:python/str", "!ruby/string"):
    _Loader.add_constructor(_tag, _tagged_text)
for _tag in ("!binary", "tag:yaml.org,2002:python/bytes"):
    _Loader.add_constructor(_tag, _tagged_bytes)


def _document(source: Path) -> object:
    raw = file_bytes(source, "a cassette")
    try:
        return (
            json.loads(raw, parse_float=written_float)
            if raw.lstrip()[:1] == b"{"
            else yaml.load(raw, _Loader)  # noqa: S506  (a safe one)
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else str(source)
        raise invalid((), f"{at}: it is not valid YAML: {error.problem}", "Name a cassette") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise invalid((), f"{source}: it is not a cassette: {error}", "Name a cassette") from error


def _exchanges(document: Any, lost: Losses) -> Iterator[RecordedExchange]:
    key = (
        "http_interactions"
        if isinstance(document, dict) and "http_interactions" in document
        else "interactions"
    )
    result = document.get(key) if isinstance(document, dict) else None
    if not isinstance(result, list):
        raise invalid((key,), f"expected a list of interactions, got {shown(result)}", "A cassette has `interactions:` and `version: 1`")  # fmt: skip
    if key == "interactions" and document.get("version", 1) != 1:
        raise invalid(("version",), f"version {shown(document['version'])} is unknown", "Record it again: vcrpy writes version 1")  # fmt: skip
    for index, interaction in enumerate(result):
        place = f"{key}[{index}]"
        try:
            yield _exchange(place, interaction, lost)
        except FAILURES as error:
            lost.add(place, f"it is not an interaction: {error!r}", "Leave it out")


def _exchange(place: str, interaction: Mapping[str, Any], lost: Losses) -> RecordedExchange:
    request, response = interaction["request"], interaction["response"]
    status = response.get("status", response.get("status_code"))
    headers = _lines(response.get("headers"))
    body = response["content"] if "body" not in response else response["body"]
    return RecordedExchange(
        place=place,
        method=str(request["method"]).upper(),
        url=str(request.get("uri", request.get("url"))),
        request_headers=_lines(request.get("headers")),
        request_body=_decoded(
            _bytes(request.get("body")), _lines(request.get("headers")), f"{place}.request", lost
        ),
        status=int(status["code"] if isinstance(status, dict) else status),
        headers=headers,
        body=_decoded(_bytes(body), headers, f"{place}.response", lost),
    )


def _lines(headers: Any) -> Lines:
    """A list of texts by name, or one text; older ones are lists of pairs."""
    pairs = headers.items() if isinstance(headers, dict) else headers or []
    return [
        (str(name), _text(item))
        for name, value in pairs
        for item in (value if isinstance(value, list) else [value])
    ]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: object) -> bytes:
    if isinstance(body, dict):
        if body.get("base64_string") is not None:
            return base64.b64decode(body["base64_string"])
        return _bytes(body.get("string"))
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    if isinstance(body, bytes):
        return body
    if body is None:
        return b""
    raise TypeError(f"a body of {type(body).__name__}")


def _decoded(body: bytes, headers: Lines, place: str, lost: Losses) -> bytes:
    try:
        return without_coding(body, headers)
    except UnreadableBodyError as error:
        # With decode_compressed_response the body has no coding any more, the header may have.
        if body[:2] == b"\x1f\x8b" or utf8_text(body) is None:
            lost.add(f"{place}.body", str(error), "The body stays as it is, without the coding")
        return body


# Out


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """A cassette for each scenario, named after it: an interaction for each answer."""
    from mockserver.formats.routes_to_exchanges import unfold

    exported = Exported()
    for name, document in scenarios.items():
        result, lost = unfold({name: document}, folder)
        exported.lost += lost
        exported.files[f"{name}.yaml"] = _cassette(result, exported.lost)
    return exported


def from_calls(archive: object) -> Exported:
    """A cassette of a server's calls, in their order."""
    from mockserver.formats.har import exchanges

    exported = Exported()
    exported.files["cassette.yaml"] = _cassette(exchanges(archive, exported.lost), exported.lost)
    return exported


def _cassette(exchanges: Iterable[RecordedExchange], lost: Losses) -> bytes:
    interactions = []
    for exchange in exchanges:
        if exchange.fault or not exchange.status:
            lost.add(exchange.place, f"a cassette holds no broken answers: {exchange.fault or 'none came'}")
        else:
            interactions.append(_interaction(exchange))
    text = yaml.dump({"interactions": interactions, "version": 1}, Dumper=yaml.SafeDumper)
    return text.encode()


def _interaction(exchange: RecordedExchange) -> dict[str, Any]:
    return {
        "request": {
            "body": _written(exchange.request_body) if exchange.request_body else None,
            "headers": _named(exchange.request_headers),
            "method": exchange.method,
            "uri": exchange.url,
        },
        "response": {
            "body": {"string": _written(exchange.body)},
            "headers": _named(exchange.headers),
            "status": {"code": exchange.status, "message": REASONS.get(exchange.status, "")},
        },
    }


def _named(lines: Lines) -> dict[str, list[str]]:
    """Without content-coding and length: the body has none, and clients would undo it."""
    left_out = ("content-encoding", "content-length", "transfer-encoding")
    return grouped((name, value) for name, value in lines if name.lower() not in left_out)


def _written(body: bytes) -> str | bytes:
    text = utf8_text(body)
    return body if text is None else text
