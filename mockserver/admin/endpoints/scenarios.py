"""`/scenarios`: the scenarios of a namespace. Files are never changed."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mockserver.admin.api import (
    AdminRequest,
    Answer,
    ProblemError,
    check_media_type,
    json_answer,
    listing,
    not_found,
    table,
)
from mockserver.admin.models import ScenarioList, ScenarioView
from mockserver.admin.views import scenario_view
from mockserver.compiler import editing
from mockserver.compiler.scenarios import compile_scenario
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Scenario
from mockserver.errors import InvalidInputError, invalid
from mockserver.model.http import Request
from mockserver.scenarios.flaws import MOST_FLAWS, parse_spec
from mockserver.scenarios.loader import from_bundle
from mockserver.scenarios.source import LoadError, Source
from mockserver.schema.base import Spec
from mockserver.schema.scenario import ScenarioSpec


class ActiveBody(Spec):
    """Whether a scenario is active in this namespace."""

    active: bool


class UseBody(Spec):
    """The scenarios to activate; all others are deactivated."""

    names: list[str]


class Bundle(Spec):
    """A scenario in YAML, with its files by path, in Base64."""

    yaml: str
    files: dict[str, str] = Field(default={})


class AnyScenario(BaseModel):
    """A scenario in the scenario language, or a bundle `{yaml, files}`."""

    model_config = ConfigDict(title="ScenarioOrBundle")


def named(ns: Namespace, name: str) -> Scenario:
    """Return the scenario with that name. Raises ProblemError(404)."""
    scenario = ns.scenario(name)
    if scenario is None:
        raise not_found("scenario", name, [scenario.name for scenario in ns.scenarios()])
    return scenario


@table.get("/scenarios", "All scenarios of this namespace, active or not.", answer=ScenarioList)
async def list_scenarios(request: AdminRequest[Any]) -> Answer:
    return listing([scenario_view(request.ns, scenario) for scenario in request.ns.scenarios()])


@table.get("/scenarios/{name}", "Return a scenario as it was given.", answer=ScenarioSpec, errors=(404,))
async def get_scenario(request: AdminRequest[Any]) -> Answer:
    scenario = named(request.ns, request.params["name"])
    return json_answer({"scenario": scenario.name, **scenario.source.data})


@table.post(
    "/scenarios",
    "Add a scenario to this namespace.",
    body=AnyScenario,
    raw=True,
    answer=ScenarioView,
    status=201,
    errors=(409,),
)
async def add_scenario(request: AdminRequest[Any]) -> Answer:
    source = await request.offload(read_source, request.http, None)
    _refuse_taken(request.ns, source.name)
    scenario = await _compiled(request, source)
    _refuse_taken(request.ns, source.name)  # another upload may have come first
    return json_answer(scenario_view(request.ns, editing.place_scenario(request.ns, scenario)), 201)


def _refuse_taken(ns: Namespace, name: str) -> None:
    if ns.scenario(name) is not None:
        hint = f"Replace it with PUT /scenarios/{name}"
        raise ProblemError(409, "conflict", f"There is already a scenario {name!r}", hint)


@table.put(
    "/scenarios/{name}",
    "Replace a scenario in this namespace, or add it.",
    body=AnyScenario,
    raw=True,
    answer=ScenarioView,
    also=(201,),
)
async def put_scenario(request: AdminRequest[Any]) -> Answer:
    name = request.params["name"]
    source = await request.offload(read_source, request.http, name)
    if source.name != name:
        raise invalid(
            ("scenario",),
            f"the name is {source.name!r}, and the URL says {name!r}",
            "Leave `scenario` out, or make them agree",
        )
    scenario = await _compiled(request, source)
    status = 200 if request.ns.scenario(name) is not None else 201
    return json_answer(scenario_view(request.ns, editing.place_scenario(request.ns, scenario)), status)


@table.delete(
    "/scenarios/{name}", "Remove a scenario from this namespace; its file is not changed.", errors=(404,)
)
async def delete_scenario(request: AdminRequest[Any]) -> None:
    editing.remove_scenario(request.ns, named(request.ns, request.params["name"]).name)


@table.patch(
    "/scenarios/{name}",
    "Activate or deactivate a scenario in this namespace.",
    body=ActiveBody,
    answer=ScenarioView,
    errors=(404,),
)
async def patch_scenario(request: AdminRequest[ActiveBody]) -> Answer:
    scenario = named(request.ns, request.params["name"])
    editing.switch(request.ns, scenario.name, active=request.body.active)
    return json_answer(scenario_view(request.ns, scenario))


@table.post(
    "/scenarios/use", "Activate exactly these scenarios in this namespace.", body=UseBody, answer=ScenarioList
)
async def use_scenarios(request: AdminRequest[UseBody]) -> Answer:
    editing.use(request.ns, request.body.names)
    return listing([scenario_view(request.ns, scenario) for scenario in request.ns.scenarios()])


async def _compiled(request: AdminRequest[Any], source: Source) -> Scenario:
    order = editing.order_of(request.ns, source.name)
    if source.spec.grpc is not None:
        return await asyncio.to_thread(
            _compile, source, order
        )  # it may wait for the compiler of .proto files
    return await request.offload(_compile, source, order)


def _compile(source: Source, order: tuple[int, ...]) -> Scenario:
    """Compile a scenario. Raises LoadError."""
    try:
        return compile_scenario(source, order, strict=True)
    except LoadError:
        raise
    except InvalidInputError as error:
        raise LoadError(source.located(error.flaws[:MOST_FLAWS])) from error


def read_source(request: Request, name: str | None) -> Source:
    """Return the scenario in a body: JSON, YAML, or a bundle in JSON. Raises InvalidInputError, ProblemError."""
    kind = check_media_type(request, yaml=True)
    files: dict[str, bytes] = {}
    text: str | bytes = request.decoded_body
    if not text:
        raise ProblemError(400, "bad-json", "The body is empty", 'Send a scenario, such as {"routes": []}')
    if kind == "json":
        bundle = _bundle(request)
        if bundle is not None:
            files = {path: _bytes(path, data) for path, data in bundle.files.items()}
            text, kind = bundle.yaml, "yaml"
    source = from_bundle(text, files, name or "scenario", "yaml" if kind == "yaml" else "json")
    if name is None and source.spec.scenario is None:
        raise invalid(
            ("scenario",),
            "the scenario has no name",
            "Write `scenario: NAME` at its top, or use PUT /scenarios/NAME",
        )
    return source


def _bundle(request: Request) -> Bundle | None:
    """
    Return the body as a bundle; None if it is not one.

    Invalid JSON is left to the scenario reader, whose errors have a position.
    """
    try:
        data = request.json
    except Exception:  # noqa: BLE001  (whatever is wrong with it, the reader says it better)
        return None
    if isinstance(data, dict) and "yaml" in data:
        body: Bundle = parse_spec(Bundle, data)
        return body
    return None


def _bytes(path: str, data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(("files", path), f"this is not valid Base64: {error}") from error
