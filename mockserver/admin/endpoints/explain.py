"""`/explain`: a dry run of a request."""

from __future__ import annotations

from contextlib import suppress

from mockserver.admin.api import AdminRequest, Answer, json_answer, table
from mockserver.admin.models import ExplainView
from mockserver.engine.namespace import Namespace
from mockserver.errors import WrongValueError, invalid
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.verification.explain import ExplainSpec, as_request, explain


@table.post(
    "/explain",
    "Dry run: which route would answer, and why the others don't match.",
    body=ExplainSpec,
    answer=ExplainView,
)
async def explain_request(request: AdminRequest[ExplainSpec]) -> Answer:
    try:
        explained = await request.offload(_read, request.body, request.ns)
    except WrongValueError as error:
        raise invalid(("base64",), str(error), error.hint) from error
    return json_answer(explain(request.ns, explained))


def _read(spec: ExplainSpec, ns: Namespace) -> Request:
    """Return the request with its JSON decoded. Raises WrongValueError."""
    request = as_request(spec, ns)
    with suppress(UnreadableBodyError):
        _ = request.json
    return request
