"""Answers to clients and requests that reach a limit."""

from __future__ import annotations

from mockserver.engine.answers import problem_response
from mockserver.http.encoder import encode_head
from mockserver.http.heads import BadHeadError
from mockserver.http.limits import WireLimits
from mockserver.model.http import Response
from mockserver.model.problem import problem

LINGER_S = 2.0
"""How long a connection that was closed is read from, so that a client that is still sending sees why."""


def too_many(limits: WireLimits) -> Response:
    detail = f"There are {limits.connections} connections already. Close some, or start the server with a larger --max-connections"
    return problem_response(problem(503, "too-many", "Too many connections", detail))


def slow_head(limits: WireLimits) -> BadHeadError:
    detail = (
        f"Its head was not received within {limits.read_timeout_s:g} s. Send it at once, or start the server with a longer "
        "--read-timeout"
    )
    return BadHeadError(problem(408, "too-slow", "The request timed out", detail), limit="read_timeout")


def slow_body(limits: WireLimits) -> Response:
    detail = (
        f"Its body was not received within {limits.read_timeout_s:g} s. Send it faster, or start the server with a longer "
        "--read-timeout"
    )
    return problem_response(problem(408, "too-slow", "The request timed out", detail))


def too_large(limit: int) -> Response:
    detail = f"The body is larger than {limit} bytes. Start the server with a larger --max-body"
    return problem_response(problem(413, "body-too-large", "The body is too large", detail))


def unreadable(reason: str) -> Response:
    return problem_response(
        problem(400, "bad-request", "The body can't be read", f"The chunked encoding is invalid: {reason}")
    )


def wrong_length(declared: int, received: int) -> Response:
    detail = f"Its content-length is {declared}, and {received} bytes came"
    return problem_response(problem(400, "bad-request", "The body can't be read", detail))


def defect() -> Response:
    detail = "This is a bug in mockserver; see its log"
    return problem_response(problem(500, "defect", "The server failed on this request", detail))


def closing(response: Response) -> bytes:
    """Encode a response after which an HTTP/1.1 connection closes."""
    return encode_head(response, length=len(response.body), keep_alive=False) + response.body
