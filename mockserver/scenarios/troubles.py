"""Reads a trouble file for the sweep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mockserver.errors import Flaw, InvalidInputError
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.source import LoadError, located_in
from mockserver.scenarios.yaml.yaml12 import Document, read
from mockserver.schema.trouble import TroublesFileSpec


def read_troubles(path: Path) -> tuple[TroublesFileSpec, Document]:
    """Return the content of a trouble file, and its document. Raises LoadError with every flaw."""
    try:
        raw = path.read_bytes()
    except OSError as failure:
        flaw = Flaw((), f"can't be read: {failure.strerror}", "Check its name and permissions")
        raise refused(path, None, [flaw]) from failure
    document: Document | None = None
    flaws: list[Flaw] = []
    try:
        document = read(raw)
        flaws += document.flaws
        spec = parse_spec(TroublesFileSpec, document.data)
    except InvalidInputError as error:
        raise refused(path, document, [*flaws, *error.flaws]) from error
    if flaws:
        raise refused(path, document, flaws)
    return spec, document


def refused(path: Path, document: Document | None, flaws: Iterable[Flaw]) -> LoadError:
    """Return an error with flaws of that file, in the order of their lines."""
    return LoadError(located_in(path.as_posix(), document, flaws))
