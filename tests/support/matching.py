"""Requests and matchers in one line."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from mockserver.errors import Flaw, InvalidInputError, KeyPath
from mockserver.matching.matcher import Matcher, compile_match
from mockserver.model.http import Request
from mockserver.schema.match import MatchSpec

Lines = Iterable[tuple[str, str]]
NOTHING = object()


def a_request(
    line: str = "POST /",
    *headers: tuple[str, str],
    json: Any = NOTHING,
    form: Any = None,
    body: bytes = b"",
) -> Request:
    """A request by its line; `json` and `form` bring their content-type."""
    method, _, target = line.partition(" ")
    lines = list(headers)
    if json is not NOTHING:
        lines.append(("Content-Type", "application/json"))
        body = jsonlib.dumps(json).encode()
    if form is not None:
        lines.append(("Content-Type", "application/x-www-form-urlencoded"))
        body = urlencode(form).encode()
    return Request(method, target, lines, body)


def read_from(files: dict[str, str]) -> Callable[[str, KeyPath], bytes]:
    """Reads from a folder that holds just these files."""

    def read(name: str, path: KeyPath) -> bytes:
        if name not in files:
            raise InvalidInputError(Flaw(path, f"there is no file {name!r}"))
        return files[name].encode()

    return read


def a_matcher(folder: dict[str, str] | None = None, /, **match: Any) -> Matcher:
    """The compiled conditions; `folder` has the files beside the scenario."""
    return compile_match(MatchSpec.model_validate(match), read_from(folder or {}))


def flaws_of(**match: Any) -> list[str]:
    """What is wrong with a `match`, as it is said."""
    try:
        a_matcher(**match)
    except InvalidInputError as why:
        return [str(flaw) for flaw in why.flaws]
    return []


def texts_of(match: dict[str, Any], request: Request) -> list[str]:
    """What keeps the request out, as it is said."""
    return [difference.text for difference in a_matcher(**match).differences(request)]


def multipart(*parts: tuple[str, bytes], boundary: str = "b0undary") -> bytes:
    """A multipart body of (head lines, content)."""
    mark = f"--{boundary}"
    sections = [f"{mark}\r\n{head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts]
    return b"".join(sections) + f"{mark}--\r\n".encode()
