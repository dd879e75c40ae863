"""A file of troubles for the sweep: read, and told of with file, line and near name where it is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mockserver.errors import Flaw, InvalidInputError
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.source import LoadError, located, position
from mockserver.scenarios.yaml.yaml12 import Document, read
from mockserver.schema.trouble import TroublesFileSpec


def read_troubles(path: Path) -> tuple[TroublesFileSpec, Document]:
    """What it says, and its text. Raises LoadError with every flaw."""
    try:
        raw = path.read_bytes()
    except OSError as why:
        flaw = Flaw((), f"can't be read: {why.strerror}", "See to its name and rights")
        raise refused(path, None, [flaw]) from why
    try:
        document = read(raw)
    except InvalidInputError as why:
        raise refused(path, None, why.flaws) from why
    try:
        spec = parse_spec(TroublesFileSpec, document.data)
    except InvalidInputError as why:
        raise refused(path, document, [*document.flaws, *why.flaws]) from why
    if document.flaws:
        raise refused(path, document, document.flaws)
    return spec, document


def refused(path: Path, document: Document | None, flaws: Iterable[Flaw]) -> LoadError:
    """Those flaws of that file, in the order of their lines."""
    placed = [(position(document, one) if document else (0, 0), one) for one in flaws]
    placed.sort(key=lambda one: one[0])
    return LoadError([(located(path.as_posix(), document, one), one) for _, one in placed])
