"""A closed call in a line of the log: who, what, which route, how it ended. Secrets are masked."""

from __future__ import annotations

from typing import Any

from mockserver.model.call import Call
from mockserver.redaction.redaction import mask_target


def call_fields(call: Call) -> dict[str, Any]:
    """
    What a line says, by name.

    `ms` is from the request's head to the last byte, the break or the client's leaving; `status` is None where no
    status line was sent, and `outcome` says what became of the reply.
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
