"""
The one document of a state file: a head that says what it is, and the namespaces, with a checksum over them.

    {"mockserver":"state","version":1,"saved_at":"…","bytes":N,"sha256":"…","namespaces":
    {"default":{…}}
    }

The whole is JSON. The head is a line, so that the bytes which the checksum is
over can be found without reading them as JSON first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.errors import MockServerError
from mockserver.model.written import written_float
from mockserver.persistence.encoding import json_bytes

VERSION = 1
_KIND = {"mockserver": "state"}
_REST = b'"namespaces":'
_END = b"\n}\n"
_LONGEST_HEAD = 1000


class UnreadableDocumentError(MockServerError):
    """The file can't be read. The text has the reason, without the name of the file and the fix."""


def composed(saved_at: str, namespaces: Iterable[tuple[str, list[bytes]]]) -> Iterator[bytes]:
    """Return the document, in pieces. `namespaces` are names, each with its pieces."""
    body = [b"{"]
    for i, (name, pieces) in enumerate(namespaces):
        body += [b",\n" if i else b"", json_bytes(name), b":", *pieces]
    body.append(b"}")
    digest, length = hashlib.sha256(), 0
    for piece in body:
        digest.update(piece)
        length += len(piece)
    head = {**_KIND, "version": VERSION, "saved_at": saved_at, "bytes": length, "sha256": digest.hexdigest()}
    yield json_bytes(head)[:-1] + b"," + _REST + b"\n"
    yield from body
    yield _END


def read(raw: bytes) -> dict[str, Any]:
    """Return the namespaces by name. Raises UnreadableDocumentError if the file is incomplete, damaged or foreign."""
    if not raw:
        raise UnreadableDocumentError("it is empty")
    head, newline, rest = raw.partition(b"\n")
    facts = _facts(head) if newline else None
    if facts is None:
        ours = raw.startswith(json_bytes(_KIND)[:-1])
        raise UnreadableDocumentError(
            "it is incomplete: its first line is cut" if ours else "it is not a state file of mockserver"
        )
    version = facts.get("version")
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        what = "a newer mockserver wrote it" if newer else "it is of another kind"
        raise UnreadableDocumentError(
            f"{what}: its version is {version!r}, and this one reads version {VERSION}"
        )
    length, body = facts.get("bytes"), rest.removesuffix(_END)
    if len(body) != length or body == rest:
        raise UnreadableDocumentError(
            f"it is incomplete: it has {len(rest)} bytes instead of {length} and an end"
        )
    if hashlib.sha256(body).hexdigest() != facts.get("sha256"):
        raise UnreadableDocumentError("it is damaged, or was changed by hand: its checksum differs")
    namespaces: dict[str, Any] = json.loads(body, parse_float=written_float)
    return namespaces


def _facts(head: bytes) -> dict[str, Any] | None:
    """Return the fields of the head; None if it is not one of a state file."""
    if len(head) > _LONGEST_HEAD or not head.endswith(b"," + _REST):
        return None
    try:
        facts = json.loads(head[: -len(_REST) - 1] + b"}")
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and facts.items() >= _KIND.items() else None
