"""Read files of other tools, JSON or YAML, as untrusted input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mockserver.errors import Flaw, InvalidInputError, MockServerError
from mockserver.formats.reading import json_of
from mockserver.model.written import as_text, written_float
from mockserver.recording.conversion import Lost
from mockserver.scenarios.yaml.yaml12 import parse

LARGEST_BYTES = 64 << 20


class NotConvertibleError(MockServerError):
    """A condition or reply cannot be converted. The text becomes `Lost.what`."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


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


@dataclass(slots=True)
class Losses:
    """Collects losses; `place` is the file, and keys are added to it."""

    place: str
    entries: list[Lost] = field(default_factory=list)

    def add(self, where: str, what: str, hint: str = "") -> None:
        place = f"{self.place}: {where}" if self.place and where else self.place or where
        self.entries.append(Lost(place, what, hint))

    def failed(self, where: str, error: Exception, then: str = "") -> None:
        """Add the loss for one of FAILURES."""
        if isinstance(error, NotConvertibleError):
            self.add(where, f"{error.what}{then}", error.hint)
        else:
            self.add(where, f"it is not of the shape that such a file has{then}")

    def unknown(self, where: str, written: object, known: set[str]) -> None:
        """Add each unknown key, so that no key is dropped silently."""
        if not isinstance(written, dict):
            return
        for key in written:
            if key not in known:
                self.add(f"{where}.{key}" if where else str(key), "this key has no counterpart here")


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
    try:
        return parse(text)
    except InvalidInputError as error:
        raise InvalidInputError([flaw.under(str(path)) for flaw in error.flaws]) from error


def refused(place: str, what: str, hint: str) -> InvalidInputError:
    return InvalidInputError(Flaw((), f"{place}: {what}", hint))


def mapping(value: object, place: str) -> dict[str, Any]:
    """A value that has to be a mapping. Raises NotConvertibleError."""
    if not isinstance(value, dict):
        raise NotConvertibleError(f"expected a mapping, got {type(value).__name__}", place and "")
    return value


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
