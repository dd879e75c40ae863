"""Reset, reload, health, and the schemas of API and scenarios."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from mockserver.admin.api import AdminRequest, Answer, ProblemError, json_answer, table
from mockserver.admin.models import HealthView, LiveView, ReloadView, ReplicasView
from mockserver.admin.turns import Turns
from mockserver.compiler import editing
from mockserver.errors import Flaw, InvalidInputError, near
from mockserver.model.http import Response
from mockserver.scenarios.source import LoadError
from mockserver.schema.base import Spec
from mockserver.schema.scenario import schema_document


class ResetBody(Spec):
    """The parts to reset; default: all but `seed`."""

    what: list[str] | None = Field(default=None, examples=[["calls", "positions"]])


@table.post("/reset", "Restore the initial state of this namespace.", body=ResetBody, optional_body=True)
async def reset(request: AdminRequest[ResetBody]) -> None:
    what = (
        request.body.what
        if request.body.what is not None
        else [part for part in editing.RESETS if part != "seed"]
    )
    flaws = [
        Flaw(("what", i), f"{part!r} can't be reset", near(part, editing.RESETS))
        for i, part in enumerate(what)
        if part not in editing.RESETS
    ]
    if flaws:
        raise InvalidInputError(flaws)
    if "clock" in what:
        request.services.webhooks.forget(request.ns)
    overlay = request.ns.overlay if "routes" in what else None
    gone = [] if overlay is None else list(overlay.routes.values())
    del overlay
    editing.reset(request.engine, request.ns, what)
    if "clock" in what:
        request.services.webhooks.moved(request.ns)
    turns = Turns()
    while gone:
        gone.pop()  # a large route takes a while to free, and there may be many
        await turns.pause()


@table.post(
    "/reload",
    "Reload the scenario files; if one is invalid, nothing changes.",
    answer=ReloadView,
    namespaced=False,
)
async def reload(request: AdminRequest[Any]) -> Answer:
    try:
        return json_answer(request.services.reload())
    except LoadError as error:
        detail = "The old scenarios go on answering.\n" + "\n".join(error.lines)
        errors = [
            {"pointer": "", "message": line, "hint": flaw.hint}
            for line, flaw in zip(error.lines, error.flaws, strict=True)
        ]
        raise ProblemError(
            422, "invalid", "The files have errors, and nothing was changed", detail, errors=errors
        ) from error


@table.get(
    "/health",
    "200 if the server is ready. Needs no token, accepts any Host, ignores outages.",
    answer=HealthView,
    namespaced=False,
)
async def health(request: AdminRequest[Any]) -> Answer:
    return json_answer(request.services.health())


@table.get(
    "/health/live",
    "200 as long as the process answers. Needs no token, accepts any Host.",
    answer=LiveView,
    namespaced=False,
)
async def live(request: AdminRequest[Any]) -> Answer:  # noqa: ARG001
    return json_answer({"status": "ok"})


@table.get(
    "/health/ready",
    "200 if requests can be answered; 503 while a shared store can't be used. Needs no token, accepts any Host.",
    answer=LiveView,
    errors=(503,),
    namespaced=False,
)
async def ready(request: AdminRequest[Any]) -> Answer:
    reason = request.services.ready()
    if reason is not None:
        raise ProblemError(503, "store", "The server is not ready", reason, lines=(("Retry-After", "1"),))
    return json_answer({"status": "ok"})


@table.get(
    "/replicas",
    "The replicas that share a store with this one, and what they own.",
    answer=ReplicasView,
    namespaced=False,
)
async def replicas(request: AdminRequest[Any]) -> Answer:
    return json_answer(request.services.replicas())


@table.get(
    "/ca.pem",
    "The CA certificate that clients must trust.",
    content_type="application/x-pem-file",
    errors=(404,),
    namespaced=False,
)
async def ca_pem(request: AdminRequest[Any]) -> Answer:
    return Response(200, [("Content-Type", "application/x-pem-file")], request.services.ca_pem())


@table.get("/schema/scenario.json", "The JSON Schema of the scenario language.", namespaced=False)
async def scenario_schema(_: AdminRequest[Any]) -> Answer:
    return json_answer(schema_document())


@table.get("/openapi.json", "The OpenAPI document of the admin API.", namespaced=False)
async def openapi(request: AdminRequest[Any]) -> Answer:
    return json_answer(await asyncio.to_thread(request.services.openapi))  # made at the first call
