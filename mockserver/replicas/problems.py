"""Answers in the place of one that a scenario made: the store is away or full, or the reply is lost."""

from __future__ import annotations

from mockserver.engine.answers import problem_response
from mockserver.errors import MockServerError
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.listener import Listener
from mockserver.model.http import Response
from mockserver.model.problem import problem
from mockserver.replicas.store import StoreIsFullError


class NoAnswerError(MockServerError):
    """The request gets a response that no scenario made: `response` says why."""

    def __init__(self, response: Response) -> None:
        super().__init__("there is no answer")
        self.response = response


def away(reason: str) -> Response:
    detail = f"The shared store is not available: {reason}. Try again in a second; GET /__admin/health/ready says when"
    document = problem(503, "store", "The shared store is away", detail)
    return problem_response(document, ("Retry-After", "1"))


def failure(error: MockServerError) -> Response:
    """Return the answer to a request that the store has not taken, for that reason."""
    return full() if isinstance(error, StoreIsFullError) else away(str(error))


def full() -> Response:
    detail = "The shared store has no memory left, so nothing was done. Raise its maxmemory, or lower --calls"
    return problem_response(problem(503, "store", "The shared store is full", detail), ("Retry-After", "1"))


def lost() -> Response:
    detail = (
        "The replica that answered this request has gone, and its reply with it. The call is recorded as lost"
    )
    return problem_response(problem(503, "store", "The reply was lost", detail), ("Retry-After", "1"))


async def send_problem(response: Response, listener: Listener, wire: Http1Wire) -> None:
    """Send such an answer. Raises ConnectionError if the reply was begun."""
    if wire.has_begun:
        wire.transport.abort()
        raise ConnectionResetError("the reply was begun, and its rest is lost")
    await listener.send(response, wire)
