"""Responses of the WireMock API: JSON, empty, and errors."""

from __future__ import annotations

import json
import re
from typing import Any

from mockserver.errors import InvalidInputError, MockServerError
from mockserver.model.http import Request, Response, UnreadableBodyError
from mockserver.recording.conversion import Losses
from mockserver.responses.bodies import dump_json

_PARSING, _TAKEN = 10, 109
_UNDONE = "This can't be done here, and nothing was changed"
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class WireMockError(MockServerError):
    """A request that failed: becomes a response with `errors`, or an empty one."""

    def __init__(self, status: int, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(str(errors))
        self.status = status
        self.errors = errors


def answer(document: object, status: int = 200) -> Response:
    return Response(status, [("Content-Type", "application/json")], dump_json(document))


def refusal(exception: WireMockError) -> Response:
    return (
        Response(exception.status)
        if exception.errors is None
        else answer({"errors": exception.errors}, exception.status)
    )


def error(
    title: str, detail: str = "", *, code: int = _PARSING, pointer: str | None = None
) -> dict[str, Any]:
    """One error."""
    result: dict[str, Any] = {"code": code}
    if pointer is not None:
        result["source"] = {"pointer": pointer}
    result["title"] = title
    if detail:
        result["detail"] = detail
    return result


def not_found() -> WireMockError:
    return WireMockError(404)


def taken(stub_id: str) -> WireMockError:
    detail = f"ID of the provided stub mapping '{stub_id}' is already taken by another stub mapping"
    return WireMockError(422, [error("Duplicate stub mapping ID", detail, code=_TAKEN)])


def of_losses(lost: Losses) -> WireMockError:
    """Return the error for unsupported features; nothing was changed."""
    return WireMockError(422, [error(_UNDONE, str(item), pointer=pointer_of(item.place)) for item in lost])


def of_flaws(exception: InvalidInputError) -> WireMockError:
    """Return the error for an invalid route of a stub."""
    return WireMockError(422, [error(_UNDONE, str(flaw)) for flaw in exception.flaws])


def pointer_of(place: str) -> str:
    """
    A key path as a JSON pointer.

    >>> pointer_of("request.bodyPatterns[1].equalToJson")
    '/request/bodyPatterns/1/equalToJson'
    """
    return "/" + "/".join(name or number for name, number in _STEP.findall(place))


def unreadable(detail: str, pointer: str = "/") -> WireMockError:
    """The body, or a part of it, has not the shape that the API has."""
    return WireMockError(422, [error("Error parsing JSON", detail, pointer=pointer)])


def read_json(request: Request) -> object:
    """The body as JSON, whatever its content type. Raises WireMockError."""
    try:
        is_empty, result = not request.decoded_body.strip(), None
        if not is_empty:
            result = request.json
    except UnreadableBodyError as exception:
        raise unreadable(str(exception)) from exception
    if is_empty:
        raise unreadable("The body is empty")
    return result


def read_object(request: Request) -> dict[str, Any]:
    """Read the body as an object. Raises WireMockError."""
    result = read_json(request)
    if not isinstance(result, dict):
        raise unreadable(f"Expected an object, got {json.dumps(result)[:80]}")
    return result
