"""Read files of other tools, with errors that name them, and write JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from pathlib import Path

from mockserver.errors import invalid
from mockserver.model.written import as_text, json_text, written_float
from mockserver.scenarios.source import LARGEST_FILE


def file_bytes(source: Path, what: str) -> bytes:
    """Return the bytes of a file. Raises InvalidInputError."""
    if source.is_dir():
        raise invalid((), f"{source} is a folder", f"Name {what}")
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise invalid((), f"{source} can't be read: {error.strerror}", f"Name {what}") from error
    if len(raw) > 8 * LARGEST_FILE:
        raise invalid((), f"{source} is larger than 512 MiB", "Split it")
    return raw


def json_file(source: Path, what: str) -> object:
    """The JSON of a file. Raises InvalidInputError."""
    raw = file_bytes(source, what)
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_float=written_float)
    except UnicodeDecodeError as error:
        raise invalid((), f"{source} is not UTF-8: byte {error.start}", f"Name {what}") from error
    except json.JSONDecodeError as error:
        at = f"{source}:{error.lineno}:{error.colno}"
        raise invalid((), f"{at}: it is not valid JSON: {error.msg}", f"Name {what}") from error
    except (ValueError, RecursionError) as error:
        raise invalid((), f"{source} is not valid JSON: {error}", f"Name {what}") from error


def utf8_text(data: bytes) -> str | None:
    """Return the text; None for what is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def free_name(wanted: str, taken: Container[str], between: str = "", end: str = "") -> str:
    """Return a name that is not taken: `wanted`, or with a number after it, from 2."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}{between}{number}{end}", number + 1
    return name


def name_of(source: Path) -> str:
    """A scenario's name after its source."""
    stem = source.name.split(".")[0] or source.stem
    return scenario_name(stem)


def scenario_name(text: str) -> str:
    """
    The nearest name that a scenario can have.

    >>> scenario_name("Shop API / orders")
    'Shop-API-orders'
    """
    name = re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII).strip("-.")
    return {"": "imported", "runtime": "runtime-1"}.get(name, name)


_PRETTY = json.JSONEncoder(indent=2, ensure_ascii=False, default=as_text)
_LINE = json.JSONEncoder(ensure_ascii=False, default=as_text)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=as_text)


def pretty(data: object) -> bytes:
    """JSON for people, in UTF-8."""
    return (json_text(data, _PRETTY) + "\n").encode("utf-8", "surrogatepass")


def json_line(value: object) -> str:
    """JSON on one line, decimals as written."""
    return json_text(value, _LINE)


def json_bytes(value: object) -> bytes:
    """JSON without white space, as it goes over the wire."""
    return json_text(value, _COMPACT).encode("utf-8", "surrogatepass")


def json_of(text: str) -> object:
    """Parse JSON; numbers keep their decimals. Raises ValueError."""
    return json.loads(text, parse_float=written_float)
