"""`/state`: the values that a namespace keeps by key."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from mockserver.admin.api import AdminRequest, Answer, ProblemError, json_answer, table, within_limits
from mockserver.admin.endpoints.calls import REVEAL
from mockserver.admin.models import StateView
from mockserver.admin.turns import offload
from mockserver.errors import invalid
from mockserver.model.http import ABSENT, Response
from mockserver.model.merge_patch import merge_patch
from mockserver.redaction.redaction import mask_shapes
from mockserver.responses.bodies import dump_json
from mockserver.store.state import sizes_of


class StateBody(RootModel[dict[str, Any]]):
    """Values by key; null removes."""


class AnyValue(RootModel[Any]):
    """Any JSON value."""


async def _mapping(request: AdminRequest[Any]) -> dict[str, Any]:
    data = await request.json()
    if not isinstance(data, dict):
        raise invalid((), "state is an object of values by key", 'Send {"order.7": "pending"}')
    return data


def _shown(value: object, *, reveal: bool = False) -> Answer:
    return json_answer(value if reveal else mask_shapes(value))


def _values_shown(values: dict[str, Any], *, reveal: bool) -> Answer:
    """Encode value by value, so that other threads can run in between."""
    members = [
        b"%b:%b" % (dump_json(key), dump_json(value if reveal else mask_shapes(value)))
        for key, value in values.items()
    ]
    return Response(200, [("Content-Type", "application/json")], b"{%b}" % b",".join(members))


async def _all_shown(request: AdminRequest[Any], *, reveal: bool = False) -> Answer:
    """Return the complete state. Values that are written later don't change this answer."""
    state = request.ns.memory.state
    return await offload(state.size_bytes, _values_shown, state.plain(), reveal=reveal)


@table.get("/state", "All keys and values.", answer=StateView, query=REVEAL)
async def get_state(request: AdminRequest[Any]) -> Answer:
    return await _all_shown(request, reveal=request.reveal)


@table.put("/state", "Replace the complete state.", body=StateBody, raw=True, answer=StateView, errors=(507,))
async def put_state(request: AdminRequest[Any]) -> Answer:
    await _write(request, await _mapping(request), replaces=True)
    return await _all_shown(request)


@table.patch(
    "/state",
    "Write some keys; null removes a key.",
    body=StateBody,
    raw=True,
    answer=StateView,
    errors=(507,),
)
async def patch_state(request: AdminRequest[Any]) -> Answer:
    await _write(request, await _mapping(request))
    return await _all_shown(request)


async def _write(request: AdminRequest[Any], data: dict[str, Any], *, replaces: bool = False) -> None:
    """Write all values or none; `replaces` removes all other keys. Raises ProblemError(507)."""
    sizes = await request.offload(sizes_of, data)
    state = request.ns.memory.state
    if replaces:
        gone = [key for key in state if key not in data]
        data, sizes = {**data, **dict.fromkeys(gone)}, {**sizes, **dict.fromkeys(gone, 0)}
    with within_limits(request.ns):
        state.check_sizes(sizes)
    state.write_sized(data, sizes)
    request.ns.tell()


@table.delete("/state", "Delete all keys.")
async def delete_state(request: AdminRequest[Any]) -> None:
    request.ns.memory.state.clear()


@table.get("/state/{key}", "One value.", answer=AnyValue, query=REVEAL, errors=(404,))
async def get_key(request: AdminRequest[Any]) -> Answer:
    reveal = request.reveal
    state = request.ns.memory.state
    value = state.read(request.params["key"])
    if value is ABSENT:
        raise ProblemError(404, "no-such-key", f"The state has no key {request.params['key']!r}")
    return await offload(state.size_bytes, _shown, value, reveal=reveal)


@table.put(
    "/state/{key}",
    "Write one value; null removes it.",
    body=AnyValue,
    raw=True,
    answer=AnyValue,
    errors=(507,),
)
async def put_key(request: AdminRequest[Any]) -> Answer:
    value = await request.json()
    await _write(request, {request.params["key"]: value})
    return await request.offload(_shown, value)


@table.patch(
    "/state/{key}",
    "Merge an object into one value (RFC 7396); any other value replaces it.",
    body=AnyValue,
    raw=True,
    answer=AnyValue,
    errors=(507,),
)
async def patch_key(request: AdminRequest[Any]) -> Answer:
    key, state = request.params["key"], request.ns.memory.state
    patch = await request.json()
    old = state.read(key)
    size_bytes = state.size_bytes + len(request.http.body)
    value = await offload(size_bytes, merge_patch, None if old is ABSENT else old, patch)
    await _write(request, {key: value})
    return await offload(size_bytes, _shown, value)


@table.delete("/state/{key}", "Delete one key.")
async def delete_key(request: AdminRequest[Any]) -> None:
    request.ns.memory.state.write(request.params["key"], None)
