"""Reset, reload, health, and the API's description of itself."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mockserver.admin.api import Answer, Asked, Refused, Table, json_answer, no_content
from mockserver.admin.models import HealthView, ReloadView
from mockserver.engine import editing
from mockserver.errors import Flaw, InvalidInput, near
from mockserver.files.source import LoadFailed
from mockserver.model.base import Spec
from mockserver.model.http import Response
from mockserver.model.scenario import schema_document

table = Table()


class ResetBody(Spec):
    """What is put back; default: all but `seed`."""

    what: list[str] | None = Field(default=None, examples=[["calls", "positions"]])


@table.add(
    "POST",
    "/reset",
    "Restore the initial state of this namespace.",
    body=ResetBody,
    optional_body=True,
    status=204,
    errors=(422,),
)
async def reset(asked: Asked[ResetBody]) -> Answer:
    what = (
        asked.body.what
        if asked.body.what is not None
        else [part for part in editing.RESETS if part != "seed"]
    )
    flaws = [
        Flaw(("what", i), f"{part!r} can't be reset", near(part, editing.RESETS))
        for i, part in enumerate(what)
        if part not in editing.RESETS
    ]
    if flaws:
        raise InvalidInput(flaws)
    if "clock" in what:
        asked.services.courier.forget(asked.ns)
    editing.reset(asked.engine, asked.ns, what)
    if "clock" in what:
        asked.services.courier.moved(asked.ns)
    return no_content()


@table.add(
    "POST",
    "/reload",
    "Reload the scenario files; if one is invalid, nothing changes.",
    answer=ReloadView,
    errors=(422,),
    namespaced=False,
)
async def reload(asked: Asked[Any]) -> Answer:
    try:
        return json_answer(asked.services.reload())
    except LoadFailed as why:
        detail = "The old scenarios go on answering.\n" + "\n".join(why.lines)
        errors = [
            {"pointer": "", "message": line, "hint": flaw.hint}
            for line, flaw in zip(why.lines, why.flaws, strict=True)
        ]
        raise Refused(
            422, "invalid", "The files have errors, and nothing was changed", detail, errors=errors
        ) from why


@table.add(
    "GET",
    "/health",
    "200 if the server is ready. Needs no token, accepts any Host, ignores outages.",
    answer=HealthView,
    namespaced=False,
)
async def health(asked: Asked[Any]) -> Answer:
    return json_answer(asked.services.health())


@table.add(
    "GET",
    "/ca.pem",
    "The CA certificate that clients must trust.",
    content_type="application/x-pem-file",
    errors=(404,),
    namespaced=False,
)
async def ca_pem(asked: Asked[Any]) -> Answer:
    return Response(200, [("Content-Type", "application/x-pem-file")], asked.services.ca_pem())


@table.add("GET", "/schema/scenario.json", "The JSON Schema of the scenario language.", namespaced=False)
async def scenario_schema(_: Asked[Any]) -> Answer:
    return json_answer(schema_document())


@table.add("GET", "/openapi.json", "The OpenAPI document of the admin API.", namespaced=False)
async def openapi(asked: Asked[Any]) -> Answer:
    return json_answer(asked.services.openapi())
