"""Explain, outage, state, clock and effects: the service as one namespace sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, RootModel, model_validator

from mockserver.admin.api import (
    AdminRequest,
    Answer,
    EndpointTable,
    ProblemError,
    json_answer,
    listing,
    no_content,
    sent_json,
)
from mockserver.admin.calls import REVEAL, may_reveal
from mockserver.admin.models import (
    ClockView,
    EffectList,
    ExplainView,
    ItemList,
    OutageAnswer,
    OutageView,
    StateView,
)
from mockserver.admin.turns import Turns, aside
from mockserver.engine.answers import explained_full
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.engine.outage import Outage, OutageSpec
from mockserver.errors import WrongValueError, invalid, near
from mockserver.model.durations import HINT, LONGEST_S, parse_duration_s
from mockserver.model.http import ABSENT, Request, Response, UnreadableBodyError
from mockserver.model.instants import instant
from mockserver.model.merge_patch import merge_patch
from mockserver.redaction.redaction import mask_shapes, mask_tree
from mockserver.resources.collection import Collection
from mockserver.responses.bodies import dump_json
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.base import Spec
from mockserver.store.bounds import StoreFullError
from mockserver.store.state import sizes_of
from mockserver.verification.explain import ExplainSpec, as_request, explain

table = EndpointTable()


@table.post(
    "/explain",
    "Dry run: which route would answer, and why the others don't match.",
    body=ExplainSpec,
    answer=ExplainView,
)
async def explain_request(asked: AdminRequest[ExplainSpec]) -> Answer:
    try:
        request = await aside(len(asked.request.body), _read, asked.body, asked.ns)
    except WrongValueError as why:
        raise invalid(("base64",), str(why), why.hint) from why
    return json_answer(explain(asked.ns, request))


def _read(spec: ExplainSpec, ns: Namespace) -> Request:
    """The request, its JSON read already. Raises WrongValueError."""
    request = as_request(spec, ns)
    with suppress(UnreadableBodyError):
        _ = request.json
    return request


# Outage


@table.put(
    "/outage",
    "Take the service, or some routes, down. Admin API and health are not affected.",
    body=OutageSpec,
    raw=True,
    answer=OutageView,
)
async def put_outage(asked: AdminRequest[Any]) -> Answer:
    data = await sent_json(asked.request)
    spec: OutageSpec = parse_spec(OutageSpec, data)
    routes = None
    if spec.routes is not None:
        routes = frozenset(
            route_named(asked.ns, name, ("routes", i)).id for i, name in enumerate(spec.routes)
        )
    outage = Outage(spec, data, routes, asked.ns.clock.now_s())
    asked.ns.set_outage(outage)
    return json_answer(outage.view())


@table.get("/outage", "The current outage, or null.", answer=OutageAnswer)
async def get_outage(asked: AdminRequest[Any]) -> Answer:
    outage = asked.ns.downtime
    if outage is None or outage.is_over(asked.ns.clock.now_s()):
        return json_answer(None)
    return json_answer(outage.view())


@table.delete("/outage", "End the outage.")
async def delete_outage(asked: AdminRequest[Any]) -> Answer:
    asked.ns.set_outage(None)
    return no_content()


# State


class StateBody(RootModel[dict[str, Any]]):
    """Values by key; null removes."""


class AnyValue(RootModel[Any]):
    """Any JSON value."""


async def _mapping(asked: AdminRequest[Any]) -> dict[str, Any]:
    data = await sent_json(asked.request)
    if not isinstance(data, dict):
        raise invalid((), "state is an object of values by key", 'Send {"order.7": "pending"}')
    return data


def _shown(value: object, *, reveal: bool = False) -> Answer:
    return json_answer(value if reveal else mask_shapes(value))


def _values_shown(values: dict[str, Any], *, reveal: bool) -> Answer:
    """Written value by value: on a thread, others have their turn between them."""
    members = [
        b"%b:%b" % (dump_json(key), dump_json(value if reveal else mask_shapes(value)))
        for key, value in values.items()
    ]
    return Response(200, [("Content-Type", "application/json")], b"{%b}" % b",".join(members))


async def _all_shown(asked: AdminRequest[Any], *, reveal: bool = False) -> Answer:
    """All of the state. Values that are written later take the place of these, which stay as they are."""
    state = asked.ns.memory.state
    return await aside(state.size_bytes, _values_shown, state.plain(), reveal=reveal)


@table.get("/state", "All keys and values.", answer=StateView, query=REVEAL)
async def get_state(asked: AdminRequest[Any]) -> Answer:
    return await _all_shown(asked, reveal=may_reveal(asked))


@table.put("/state", "Replace the complete state.", body=StateBody, raw=True, answer=StateView, errors=(507,))
async def put_state(asked: AdminRequest[Any]) -> Answer:
    await _write(asked, await _mapping(asked), replaces=True)
    return await _all_shown(asked)


@table.patch(
    "/state",
    "Write some keys; null removes a key.",
    body=StateBody,
    raw=True,
    answer=StateView,
    errors=(507,),
)
async def patch_state(asked: AdminRequest[Any]) -> Answer:
    await _write(asked, await _mapping(asked))
    return await _all_shown(asked)


async def _write(asked: AdminRequest[Any], data: dict[str, Any], *, replaces: bool = False) -> None:
    """All of it or nothing; `replaces` removes every other key. Raises ProblemError(507)."""
    sizes = await aside(len(asked.request.body), sizes_of, data)
    state = asked.ns.memory.state
    if replaces:
        gone = [key for key in state if key not in data]
        data, sizes = {**data, **dict.fromkeys(gone)}, {**sizes, **dict.fromkeys(gone, 0)}
    with _room(asked):
        state.check_sizes(sizes)
    state.write_sized(data, sizes)
    asked.ns.tell()


@contextmanager
def _room(asked: AdminRequest[Any]) -> Iterator[None]:
    """Raises ProblemError(507) where there is no room."""
    try:
        yield
    except StoreFullError as error:
        document = explained_full(asked.ns, error)
        members = {name: document[name] for name in ("full", "max_entries", "max_bytes")}
        raise ProblemError(507, "full", document["title"], document["detail"], **members) from error


@table.delete("/state", "Delete all keys.")
async def delete_state(asked: AdminRequest[Any]) -> Answer:
    asked.ns.memory.state.clear()
    return no_content()


@table.get("/state/{key}", "One value.", answer=AnyValue, query=REVEAL, errors=(404,))
async def get_key(asked: AdminRequest[Any]) -> Answer:
    reveal = may_reveal(asked)
    state = asked.ns.memory.state
    value = state.read(asked.params["key"])
    if value is ABSENT:
        raise ProblemError(404, "no-such-key", f"The state has no key {asked.params['key']!r}")
    return await aside(state.size_bytes, _shown, value, reveal=reveal)


@table.put(
    "/state/{key}",
    "Write one value; null removes it.",
    body=AnyValue,
    raw=True,
    answer=AnyValue,
    errors=(507,),
)
async def put_key(asked: AdminRequest[Any]) -> Answer:
    value = await sent_json(asked.request)
    await _write(asked, {asked.params["key"]: value})
    return await aside(len(asked.request.body), _shown, value)


@table.patch(
    "/state/{key}",
    "Merge an object into one value (RFC 7396); any other value replaces it.",
    body=AnyValue,
    raw=True,
    answer=AnyValue,
    errors=(507,),
)
async def patch_key(asked: AdminRequest[Any]) -> Answer:
    key, state = asked.params["key"], asked.ns.memory.state
    patch = await sent_json(asked.request)
    old = state.read(key)
    size_bytes = state.size_bytes + len(asked.request.body)
    value = await aside(size_bytes, merge_patch, None if old is ABSENT else old, patch)
    await _write(asked, {key: value})
    return await aside(size_bytes, _shown, value)


@table.delete("/state/{key}", "Delete one key.")
async def delete_key(asked: AdminRequest[Any]) -> Answer:
    asked.ns.memory.state.write(asked.params["key"], None)
    return no_content()


# Clock


class ClockBody(Spec):
    """One move of the virtual clock."""

    advance: str | None = Field(default=None, description="So far ahead: 3d, 90s.")
    freeze: Any = Field(default=None, description="true, or the instant to stand at.")
    at: str | None = Field(default=None, description="The instant to run on from.")
    resume: bool = Field(default=False, description="Runs on from where it stands.")
    reset: bool = Field(default=False, description="Real time again.")
    wait: bool = Field(default=True, description="Answer only when what has come due was fired.")

    @model_validator(mode="after")
    def _one_move(self) -> ClockBody:
        written = self.model_fields_set - {"wait"}
        if len(written) != 1:
            raise WrongValueError(
                "the clock takes one move", 'Send {"advance": "3d"}, or freeze, at, resume or reset'
            )
        for name in ("resume", "reset"):
            if self.has(name) and not getattr(self, name):
                raise WrongValueError(f"{name} is false", f'Send {{"{name}": true}}')
        return self


def clock_view(asked: AdminRequest[Any]) -> Answer:
    clock = asked.ns.clock
    return json_answer(
        {"now": instant(clock.now_s()), "frozen": clock.frozen, "offset_s": round(clock.offset_s, 6)}
    )


@table.get("/clock", "The virtual clock of this namespace.", answer=ClockView)
async def get_clock(asked: AdminRequest[Any]) -> Answer:
    return clock_view(asked)


@table.post(
    "/clock",
    "Move the virtual clock; due webhooks are sent, in order, before the answer.",
    body=ClockBody,
    answer=ClockView,
)
async def move_clock(asked: AdminRequest[ClockBody]) -> Answer:
    body, ns, courier = asked.body, asked.ns, asked.services.courier
    if body.advance is not None:
        await courier.advance_by(ns, _ahead_s(body.advance, ns.clock.now_s()), wait=body.wait)
    elif body.at is not None:
        to_s = _instant_s(body.at, "at")
        await courier.change(ns, lambda clock: clock.resume())
        await courier.advance(ns, to_s, wait=body.wait)
    elif body.resume:
        await courier.change(ns, lambda clock: clock.resume())
    elif body.reset:
        await courier.change(ns, lambda clock: clock.reset())
    elif body.freeze is True:
        await courier.change(ns, lambda clock: clock.freeze())
    else:
        to_s = _instant_s(body.freeze, "freeze")
        await courier.change(ns, lambda clock: clock.freeze())
        await courier.advance(ns, to_s, wait=body.wait)
    courier.moved(ns)
    ns.tell()
    return clock_view(asked)


_LAST_YEAR = 9000
_LAST_S = datetime(_LAST_YEAR, 12, 31, tzinfo=UTC).timestamp()


def _ahead_s(text: str, now_s: float) -> float:
    try:
        seconds = parse_duration_s(text)
    except ValueError as why:
        raise invalid(("advance",), str(why), HINT) from why
    if not 0 <= seconds <= LONGEST_S:
        raise invalid(("advance",), f"{text!r} is not between 0 and 100 years", "Use `at` to go back")
    if now_s + seconds > _LAST_S:
        raise invalid(
            ("advance",), f"{text!r} leads past the year {_LAST_YEAR}", 'Send {"reset": true} first'
        )
    return seconds


def _instant_s(value: Any, name: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise invalid((name,), f"{value!r} is no instant", "Write 2026-01-31T12:00:00Z") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if not 1971 <= moment.year <= _LAST_YEAR:
        raise invalid((name,), f"{value!r} is out of range", "Use a year from 1971 to 9000")
    return moment.timestamp()


# Resources


def _place(asked: AdminRequest[Any]) -> Any:
    """The resource of that path, in the first active scenario that has one. Raises ProblemError(404)."""
    wanted = "/" + asked.params["path"].strip("/")
    places = [
        place
        for scenario in asked.ns.scenarios()
        if asked.ns.is_active(scenario)
        for place in scenario.places
    ]
    for place in places:
        if place.resource.path == wanted:
            return place
    for place in places:
        if place.resource.spec.path == wanted:
            return place
    known = [place.resource.path for place in places]
    raise ProblemError(
        404, "no-such-resource", f"There is no resource {wanted!r}", near(wanted, known) or "There are none"
    )


class Items(RootModel[list[dict[str, Any]]]):
    """The items of a resource."""


@table.get("/resources/{path}", "Items of a resource.", answer=ItemList, query=REVEAL, errors=(404,))
async def get_resource(asked: AdminRequest[Any]) -> Answer:
    reveal = may_reveal(asked)
    collection = _place(asked).collection(asked.ns)
    return await aside(collection.size_bytes, _items_shown, collection.items, reveal=reveal)


def _items_shown(items: list[dict[str, Any]], *, reveal: bool = False) -> Answer:
    return listing(items if reveal else mask_shapes(items))


@table.put(
    "/resources/{path}",
    "Replace the items of a resource; missing ids are generated.",
    body=Items,
    raw=True,
    answer=ItemList,
    errors=(404, 507),
)
async def put_resource(asked: AdminRequest[Any]) -> Answer:
    place = _place(asked)
    data = await sent_json(asked.request)
    items = data.get("items") if isinstance(data, dict) and set(data) <= {"items", "next"} else data
    filled = Collection()
    await Turns().all_of(place.resource.filling(filled, items, place.scopes(asked.ns)))
    replaced = place.collection(asked.ns)
    with _room(asked):
        asked.ns.memory.check_resources(len(filled) - len(replaced), filled.size_bytes - replaced.size_bytes)
    asked.ns.memory.resources[place.id] = filled
    return await aside(filled.size_bytes, _items_shown, filled.items)


@table.delete("/resources/{path}", "Delete all items of a resource.", errors=(404,))
async def delete_resource(asked: AdminRequest[Any]) -> Answer:
    place = _place(asked)
    asked.ns.memory.resources[place.id] = place.resource.filled([], place.scopes(asked.ns))
    return no_content()


# Effects


@table.get(
    "/effects",
    "Effects: what really happened at the service, oldest first.",
    answer=EffectList,
    query={"kind": "Only effects of this kind.", **REVEAL},
)
async def list_effects(asked: AdminRequest[Any]) -> Answer:
    reveal = may_reveal(asked)
    kind = asked.query.get("kind")
    found = [effect for effect in asked.ns.effects if kind is None or effect.get("kind") == kind]
    return await asyncio.to_thread(lambda: listing(found if reveal else mask_tree(found)))
