"""The fields of a log line for a completed call. Secrets are masked."""

from __future__ import annotations

from typing import Any

from mockserver.model.call import Call
from mockserver.redaction.redaction import mask_target


def call_fields(call: Call) -> dict[str, Any]:
    """
    Return the fields of a log line.

    `ms` is the time from the head of the request to the last byte of the reply, or to the end of the connection.
    `status` is None if no status line was sent.
    """
    request, ended_at_s = call.request, call.ended_at_s
    query = f"?{request.query_string}" if request.query_string else ""
    return {
        "namespace": call.namespace,
        "number": call.number,
        "method": request.method,
        "path": mask_target(request.path + query),
        "route": call.route_id,
        "status": call.shown_status,
        "outcome": call.outcome.value,
        "ms": None if ended_at_s is None else round((ended_at_s - request.arrived_at_s) * 1000, 3),
    }
