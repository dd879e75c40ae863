"""
Convert recorded calls to routes: calls of one path become a sequence; paths that differ only in ids become one route
if the request explains the differences of the replies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from mockserver.recording.echoes import TemplateText, explained, has_braces, has_template
from mockserver.recording.moments import tell_the_time
from mockserver.recording.scrubbing import Hiding
from mockserver.recording.seen import SeenValues
from mockserver.recording.sequences import folded
from mockserver.recording.variants import Variant, variants
from mockserver.recording.written_replies import Beside

_FEW = 3
"""Maximum number of equal statuses that are written one by one."""


@dataclass(slots=True)
class RecordedRoute:
    """One route: `path` as the language writes it, and one of the calls that it was made of."""

    method: str
    path: str
    match: dict[str, Any]
    steps: list[Any]
    example: SeenValues = field(repr=False)
    first: int
    params: int = 0

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    def document(self) -> dict[str, Any]:
        route: dict[str, Any] = {"request": self.line}
        if self.match:
            route["match"] = self.match
        route["reply"] = self.steps[0] if len(self.steps) == 1 else self.steps
        if self.params and len(self.steps) > 1:
            route["per"] = f"path.{self.path.partition('{')[2].partition('}')[0]}"
        return route


@dataclass(slots=True)
class Making:
    """The data that the routes of one recording share: URLs of the service, files, hidden secrets."""

    urls: tuple[str, ...]
    files: Beside
    hiding: Hiding


def routes_of(calls: list[SeenValues], making: Making) -> list[RecordedRoute]:
    """Return the routes in an order in which none hides another."""
    order = {id(item): i for i, item in enumerate(calls)}
    shapes: dict[Any, list[SeenValues]] = {}
    for call in calls:
        shapes.setdefault((call.request.method, call.shape), []).append(call)
    routes = [route for group in shapes.values() for route in _of_shape(group, making, order)]
    return sorted(routes, key=lambda route: (route.params, route.first))


def _of_shape(calls: list[SeenValues], making: Making, order: dict[int, int]) -> list[RecordedRoute]:
    """The routes of one method and shape of path."""
    by_ids: dict[tuple[str, ...], list[SeenValues]] = {}
    for call in calls:
        by_ids.setdefault(call.id_texts, []).append(call)
    names = parameters(calls[0])
    families: dict[str, list[list[SeenValues]]] = {}
    for group in by_ids.values():
        families.setdefault(_fingerprint(group, names, making), []).append(group)
    shared = _shared(families, names, making)
    routes: list[RecordedRoute] = []
    for fingerprint, groups in families.items():
        if fingerprint == shared:
            routes += _routes(groups[0], names, making, order)
        else:
            routes += [route for group in groups for route in _routes(group, {}, making, order)]
    return routes


def _fingerprint(calls: list[SeenValues], names: dict[int, str], making: Making) -> str:
    """Return a text that is equal for paths with equal replies, apart from their parameters."""
    result = _variants(calls, names, Making(making.urls, Beside(making.files.folder), Hiding()))
    return repr([(item.match, steps) for item, steps in result])


def _shared(families: dict[str, list[list[SeenValues]]], names: dict[int, str], making: Making) -> str | None:
    """
    Return the family that becomes a route with parameters: several paths, or one whose ids are in the reply.

    None if two families qualify, since an unknown id would be ambiguous.
    """
    if not names:
        return None
    fit = [
        fingerprint
        for fingerprint, groups in families.items()
        if groups[0][0].ids and (len(groups) > 1 or _echoes(groups[0], names, making))
    ]
    well = [item for item in fit if any(call.reply.status < 400 for call in families[item][0])]
    several = [item for item in fit if len(families[item]) > 1]
    for candidates in (well, several):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _echoes(calls: list[SeenValues], names: dict[int, str], making: Making) -> bool:
    drafts = [explained(call, names, making.urls) for call in calls]
    return any(
        "{{ path." in str(text) for draft in drafts for text in _templates([draft.headers, draft.body])
    )


def _templates(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _templates(item)]
    if isinstance(value, list):
        return [text for item in value for text in _templates(item)]
    return [value] if isinstance(value, TemplateText) else []


def parameters(call: SeenValues) -> dict[int, str]:
    """
    Return names of ids by place: `id` for a single one, otherwise after the segment before.

    `/orders/7/items/3` has `order_id` and `item_id`.
    """
    if len(call.ids) == 1:
        return {call.ids[0]: "id"}
    named: dict[int, str] = {}
    for i in call.ids:
        before = call.segments[i - 1] if i and i - 1 not in call.ids else ""
        stem = "".join(char if char.isalnum() else "_" for char in before).removesuffix("s").strip("_")
        name = f"{stem}_id" if stem and stem.isascii() and not stem[0].isdigit() else "id"
        while name in named.values():
            name += "2"
        named[i] = name
    return named


def _routes(
    calls: list[SeenValues], names: dict[int, str], making: Making, order: dict[int, int]
) -> list[RecordedRoute]:
    return [
        RecordedRoute(
            calls[0].request.method,
            _path(calls[0], names),
            variant.match,
            steps,
            variant.calls[0],
            order[id(variant.calls[0])],
            len(names),
        )
        for variant, steps in _variants(calls, names, making)
    ]


def _variants(
    calls: list[SeenValues], names: dict[int, str], making: Making
) -> list[tuple[Variant, list[Any]]]:
    place = f"{calls[0].request.method} {_path(calls[0], names)}"
    for call in calls:
        call.explained = explained(call, names, making.urls)
    result = variants(calls, making.hiding, place)
    for item in result:
        tell_the_time(item.calls)
    return [(entry, folded([_reply(call, making, place) for call in entry.calls], _FEW)) for entry in result]


def _path(call: SeenValues, names: dict[int, str]) -> str:
    segments = [
        f"{{{names[i]}}}" if i in names else _literal(segment) for i, segment in enumerate(call.segments)
    ]
    return "/" + "/".join(segments)


def _literal(segment: str) -> str:
    return "".join(quote(char) if char in "{}?# " or char.isspace() else char for char in segment)


# Replies


def _reply(call: SeenValues, making: Making, place: str) -> object:
    draft, hiding = call.explained, making.hiding
    at = f"{place} reply"
    reply: dict[str, Any] = {}
    if draft.status != 200:
        reply["status"] = draft.status
    if draft.headers:
        reply["headers"] = {name: hiding.header(at, name, value) for name, value in draft.headers.items()}
    if draft.kind == "file":
        data = hiding.data(f"{at}.file", draft.body, draft.extension)
        stem = "-".join([call.request.method, *call.segments]).lower().removesuffix(f".{draft.extension}")
        reply["file"] = making.files.put(stem, f".{draft.extension}", data)
        if not any(name == "content-type" for name in draft.headers):
            reply.setdefault("headers", {})["content-type"] = "application/octet-stream"
    elif draft.kind in ("json", "events"):
        reply[draft.kind] = hiding.tree(f"{at}.{draft.kind}", draft.body)
    elif draft.kind is not None:
        reply[draft.kind] = hiding.text(f"{at}.{draft.kind}", draft.body)
    spoken = [draft.headers, None if draft.kind == "file" else draft.body]
    if has_braces(spoken) and not has_template(spoken):
        reply["raw"] = True
    return draft.status if set(reply) <= {"status"} else reply
