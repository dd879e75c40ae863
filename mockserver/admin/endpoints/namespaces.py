"""`/namespaces`, snapshot and restore: a world for each test, by base URL alone."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from mockserver.admin.api import (
    AdminRequest,
    Answer,
    ProblemError,
    json_answer,
    listing,
    not_found,
    room,
    table,
)
from mockserver.admin.models import NamespaceList, NamespaceView, SnapshotView
from mockserver.compiler import editing
from mockserver.engine.engine import IDLE_TTL_S, NamespaceExistsError
from mockserver.engine.namespace import DEFAULT, NAMESPACE_NAME, Namespace
from mockserver.errors import WrongValueError, shown
from mockserver.model.durations import format_duration
from mockserver.model.written import as_text
from mockserver.schema.base import DurationS, Spec

MOST_SNAPSHOTS = 1000


def _name(value: object) -> object:
    if value is not None and (not isinstance(value, str) or not NAMESPACE_NAME.fullmatch(value)):
        raise WrongValueError(
            f"{shown(value)} is no name of a namespace",
            "Use 1 to 100 letters, digits, dots, dashes or underscores",
        )
    return value


class NamespaceBody(Spec):
    """What a new namespace is to be like; everything may be left out."""

    name: Annotated[
        str | None,
        BeforeValidator(_name),
        WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"}),
    ] = Field(default=None, description="Made up where it is left out.")
    ttl_s: DurationS | None = Field(
        default=IDLE_TTL_S, alias="ttl", description="Collected when idle for so long; default 1h."
    )
    seed: str | int | None = Field(
        default=None, description="What its draws are made from; default: its name."
    )
    scenarios: list[str] | None = Field(default=None, description="Exactly these answer in it.")


KEPT_S, MOST_KEPT = 3600.0, 50


class KeepBody(Spec):
    """How long a failed test's namespace is kept, and how many such namespaces there may be."""

    for_s: DurationS = Field(
        default=KEPT_S, alias="for", description="Collected when idle for so long; default 1h."
    )
    most: Annotated[int, Field(ge=0)] = Field(
        default=MOST_KEPT, description="Of more kept ones the oldest are removed."
    )


class RestoreBody(Spec):
    """Which snapshot is put back; default: the latest."""

    id: str | None = None


def view(request: AdminRequest[Any], ns: Namespace) -> dict[str, Any]:
    base = request.services.public_url(request.http)
    return {
        "name": ns.name,
        "url": base if ns.name == DEFAULT else f"{base}/@{ns.name}",
        "admin_url": request.services.admin_url(request.http)
        + ("" if ns.name == DEFAULT else f"/@{ns.name}"),
        "seed": ns.seed,
        "ttl": None if ns.ttl_s is None else format_duration(ns.ttl_s),
    }


def named(request: AdminRequest[Any]) -> Namespace:
    """Raises ProblemError(404)."""
    name = request.params["name"]
    ns = request.engine.namespaces.get(name)
    if ns is None:
        raise not_found("namespace", name, hint=request.engine.near_namespace(name))
    return ns


@table.post(
    "/namespaces",
    "Create an isolated namespace.",
    body=NamespaceBody,
    optional_body=True,
    answer=NamespaceView,
    status=201,
    errors=(409, 429),
    namespaced=False,
)
async def add_namespace(request: AdminRequest[NamespaceBody]) -> Answer:
    body = request.body
    name = body.name or f"ns-{secrets.token_hex(6)}"
    if body.scenarios is not None:
        editing.check_names(request.engine.default, body.scenarios, "scenarios", files_only=True)
    there, most = len(request.engine.namespaces), request.services.settings.max_namespaces
    room(request.engine, "namespaces", there, most, "namespaces", "Delete some, let them be collected")
    try:
        ns = request.engine.make_namespace(
            name, seed=None if body.seed is None else as_text(body.seed), ttl_s=body.ttl_s
        )
    except NamespaceExistsError as error:
        raise ProblemError(
            409, "conflict", f"There is a namespace {name!r} already", "Choose another name, or leave it out"
        ) from error
    if body.scenarios is not None:
        editing.use(ns, body.scenarios)
    return json_answer(view(request, ns), 201)


@table.get("/namespaces", "All namespaces.", answer=NamespaceList, namespaced=False)
async def list_namespaces(request: AdminRequest[Any]) -> Answer:
    return listing([view(request, ns) for ns in request.engine.namespaces.values()])


@table.get("/namespaces/{name}", "One namespace.", answer=NamespaceView, errors=(404,), namespaced=False)
async def get_namespace(request: AdminRequest[Any]) -> Answer:
    return json_answer(view(request, named(request)))


@table.delete("/namespaces/{name}", "Remove a namespace and its data.", errors=(404, 409), namespaced=False)
async def delete_namespace(request: AdminRequest[Any]) -> None:
    ns = named(request)
    if ns.name == DEFAULT:
        raise ProblemError(
            409, "conflict", "The namespace 'default' always exists", "Put it back with POST /__admin/reset"
        )
    request.services.courier.forget(ns)
    request.engine.remove_namespace(ns)


@table.post(
    "/namespaces/{name}/keep",
    "Keep the namespace of a failed test, to inspect its calls.",
    body=KeepBody,
    optional_body=True,
    answer=NamespaceView,
    errors=(404, 409),
    namespaced=False,
)
async def keep_namespace(request: AdminRequest[KeepBody]) -> Answer:
    ns = named(request)
    if ns.name == DEFAULT:
        raise ProblemError(409, "conflict", "The namespace 'default' is always kept", "Keep one of a test")
    request.services.courier.forget(ns)
    for old in request.engine.keep_namespace(ns, request.body.for_s, request.body.most):
        request.services.courier.forget(old)
        request.engine.remove_namespace(old)
    return json_answer(view(request, ns))


@table.post("/snapshot", "Save memory, sequence state, routes and clock.", answer=SnapshotView, errors=(409,))
async def snapshot(request: AdminRequest[Any]) -> Answer:
    if len(request.ns.snapshots) >= MOST_SNAPSHOTS:
        raise ProblemError(
            409,
            "too-many",
            f"There are {MOST_SNAPSHOTS} snapshots already",
            "Restore an early one: that drops the later ones",
        )
    return json_answer({"id": _id(request.ns.take_snapshot())})


@table.post(
    "/restore",
    "Restore a snapshot; later snapshots are dropped.",
    body=RestoreBody,
    optional_body=True,
    answer=SnapshotView,
    errors=(404, 409),
)
async def restore(request: AdminRequest[RestoreBody]) -> Answer:
    snapshots = request.ns.snapshots
    if not snapshots:
        raise ProblemError(409, "no-snapshot", "There is no snapshot", "Take one with POST /__admin/snapshot")
    wanted = request.body.id or _id(snapshots[-1][0])
    ids = [_id(number) for number, _ in snapshots]
    if wanted not in ids:
        raise not_found("snapshot", wanted, ids)
    at = ids.index(wanted)
    kept = snapshots[at][1]
    request.services.courier.forget(request.ns)
    request.ns.put_back(kept)
    del snapshots[at + 1 :]
    request.services.courier.restored(request.ns)
    request.ns.tell()
    return json_answer({"id": wanted})


def _id(number: int) -> str:
    return f"s-{number}"
