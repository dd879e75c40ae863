"""Responses of HTTP as responses of gRPC: those of policies, outages, troubles, and of calls that no route matches."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mockserver.grpc.framing import CODINGS
from mockserver.model.framing import FRAMING
from mockserver.model.grpc import (
    CONTENT_TYPE,
    PUSHBACK,
    GrpcStatus,
    encode_text,
    grpc_status_of,
    is_grpc,
    status_of,
    trailer,
)
from mockserver.model.http import Response
from mockserver.model.plan import Drip, Send, Step
from mockserver.model.problem import PROBLEM_TYPE
from mockserver.responses.planner import Planned

MOST_TEXT_CHARS = 1000
"""Limit of the text of a status: clients limit the size of all trailers, most of them to 8 KiB."""
_LEFT_OUT = FRAMING | {"content-type", "grpc-status", "grpc-message", "allow", "retry-after"}


def grpc_planned(planned: Planned) -> Planned:
    """Return the plan with a gRPC response of the same meaning; the plan itself if it has one."""
    if is_grpc(planned.response.header("content-type") or ""):
        return planned
    response = grpc_response(planned.response)
    steps: list[Step] = []
    for step in planned.plan:
        if not isinstance(step, (Send, Drip)):
            steps.append(step)
        elif planned.fault is None:  # what breaks has no part of a response: its status would end the call
            steps.append(Send(response))
    return Planned(tuple(steps), response, planned.fault)


def grpc_response(response: Response) -> Response:
    """Return a gRPC response without a message of the same meaning as a response of HTTP."""
    status = status_of(response)
    text = trailer(response, "grpc-message")
    headers = [line for line in response.headers if line[0].lower() not in _LEFT_OUT]
    wait_s = response.header("retry-after") or ""
    if (
        wait_s.isascii() and wait_s.isdigit() and int(wait_s)
    ):  # some clients never retry after a pushback of 0
        headers.append((PUSHBACK, f"{int(wait_s) * 1000}"))
    return refused(
        grpc_status_of(response.status) if status is None else status,
        _text(response) if text is None else text,
        headers,
    )


def refused(status: GrpcStatus, text: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return a response without a message (Trailers-Only)."""
    lines = [("content-type", CONTENT_TYPE), ("grpc-accept-encoding", ",".join(CODINGS)), *headers]
    lines.append(("grpc-status", str(int(status))))
    if text:
        lines.append(("grpc-message", encode_text(text[:MOST_TEXT_CHARS])))
    return Response(200, lines)


def _text(response: Response) -> str:
    """Return the text of a response: title and detail of a problem document, else its body."""
    if (response.header("content-type") or "").startswith(PROBLEM_TYPE):
        document = json.loads(response.body)
        detail = str(document.get("detail", "")).strip()
        return f"{document['title']}: {detail}" if detail else str(document["title"])
    if not response.body:
        return f"HTTP {response.status}"
    return response.body[: 4 * MOST_TEXT_CHARS].decode("utf-8", "replace").strip()
