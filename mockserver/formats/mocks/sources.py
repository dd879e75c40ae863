"""Read files of other tools, JSON or YAML, as untrusted input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from mockserver.errors import InvalidInputError, flaws_below, invalid
from mockserver.formats.reading import json_of
from mockserver.model.written import as_text, written_float
from mockserver.recording.conversion import NotConvertibleError
from mockserver.scenarios.yaml.yaml12 import parse

LARGEST_BYTES = 64 << 20


FAILURES = (
    NotConvertibleError,
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    RecursionError,
)
"""Exceptions of reading untrusted data, which may have any shape."""


def documents(source: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield name and content of a file, or of each file below a folder, sorted by path. Raises InvalidInputError."""
    if not source.exists():
        raise refused(str(source), "there is no such file or folder", "Name an export, or a folder of them")
    if source.is_file():
        yield source.name, _content(source)
        return
    paths = [path for path in sorted(source.rglob("*")) if path.is_file() and path.name.endswith(suffixes)]
    if not paths:
        raise refused(str(source), f"no file in it ends in {' or '.join(suffixes)}", "Name another folder")
    for path in paths:
        yield path.relative_to(source).as_posix(), _content(path)


def _content(path: Path) -> object:
    if path.stat().st_size > LARGEST_BYTES:
        raise refused(str(path), "larger than 64 MiB", "Split it")
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise refused(str(path), f"can't be read: {error}", "It has to be text in UTF-8") from error
    if path.suffix in (".yaml", ".yml"):
        return _yaml(path, text)
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=written_float)
    except (ValueError, RecursionError) as error:
        raise refused(str(path), f"no JSON: {error}", "Export it again") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")


def _yaml(path: Path, text: str) -> object:
    """Parse as YAML 1.2, where `no` and `12:30` are texts."""
    with flaws_below(str(path)):
        return parse(text)


def refused(place: str, what: str, hint: str) -> InvalidInputError:
    return invalid((), f"{place}: {what}", hint)


def files_below(folder: Path) -> Callable[[str], bytes | None]:
    """Return what reads the files below a folder: their bytes, None for any other."""

    def read_file(name: str) -> bytes | None:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            return None
        return path.read_bytes()

    return read_file


def json_value(value: object) -> object:
    """Return a value that may be written as JSON text. Raises NotConvertibleError."""
    try:
        return json_of(value) if isinstance(value, str) else value
    except ValueError:
        raise NotConvertibleError("its value is not valid JSON") from None


def listed(value: object) -> list[Any]:
    """A list, or the one that stands for it; nothing gives none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text_of(value: object) -> str:
    """Return a scalar as JavaScript, Go and Java print it. Raises NotConvertibleError for a list or a mapping."""
    if isinstance(value, (list, dict)):
        raise NotConvertibleError(
            f"a {'list' if isinstance(value, list) else 'mapping'} is where a text is expected"
        )
    if value is None:
        return "null"
    if type(value) is float and value == int(value):
        return str(int(value))
    return as_text(value) if isinstance(value, (int, float)) else str(value)
