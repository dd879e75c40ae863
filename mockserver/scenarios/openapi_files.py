"""Detects OpenAPI documents among scenario files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from posixpath import join, normpath

from mockserver.errors import InvalidInputError
from mockserver.scenarios.source import Source


def is_contract(data: object) -> bool:
    """Whether a file is an OpenAPI or Swagger document, and not a scenario."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("info"), dict)
        and any(str(data.get(key, ""))[:1].isdigit() for key in ("openapi", "swagger"))
    )


def _beside(source: Source, name: str) -> bytes:
    return source.read_file(name, ())


def files_of_contracts(sources: Iterable[Source]) -> set[Path]:
    """Return the files of the contracts of these scenarios, as far as they can be read."""
    from mockserver.scenarios.openapi_reading import read  # few scenarios have one

    files: set[Path] = set()
    for source in sources:
        if source.spec.openapi is not None and source.folder is not None:
            try:
                spec = read(source.spec.openapi, partial(_beside, source))
            except InvalidInputError:
                continue  # told when the scenario is compiled
            files |= {
                Path(normpath(join(source.folder.as_posix(), name))).absolute() for name in spec.documents
            }
    return files
