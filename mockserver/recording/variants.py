"""
Split calls of one path by the parts of the request that change the answer: query, credentials, some headers, fields
of the body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mockserver.model.volatile import changes_by_nature
from mockserver.recording.scrubbing import Hiding
from mockserver.recording.seen import SeenValues
from mockserver.redaction.redaction import mask_header, mask_tree

_SELECTING = (
    "accept",
    "accept-language",
    "if-none-match",
    "if-modified-since",
    "if-match",
    "range",
    "prefer",
)
_REFUSED = frozenset({401, 403})
_ABSENT: Any = object()


@dataclass(slots=True)
class Variant:
    """Calls with equal answers, oldest first, and their common conditions."""

    calls: list[SeenValues]
    match: dict[str, dict[str, Any]] = field(default_factory=dict)

    def narrowed(self, calls: list[SeenValues], part: str, conditions: dict[str, Any]) -> Variant:
        """Some of them, with more conditions."""
        match = {key: dict(value) for key, value in self.match.items()}
        if conditions:
            match[part] = {**match.get(part, {}), **conditions}
        return Variant(calls, match)

    @property
    def weight(self) -> int:
        """Number of conditions; more specific variants come first."""
        return sum(map(len, self.match.values()))


def variants(calls: list[SeenValues], hiding: Hiding, place: str) -> list[Variant]:
    """The calls of one method and path, apart; those that ask more come first."""
    result = [Variant(calls)]
    for split in (_by_query, _by_credentials, _by_headers, _by_body):
        result = [narrower for item in result for narrower in split(item, hiding, place)]
    return sorted(_merged(result, calls), key=lambda item: -item.weight)


def _merged(result: list[Variant], calls: list[SeenValues]) -> list[Variant]:
    """Merge variants with equal conditions, whose difference is a secret, into one sequence."""
    order = {id(call): i for i, call in enumerate(calls)}
    by_match: dict[str, Variant] = {}
    for item in result:
        known = by_match.setdefault(repr(item.match), item)
        if known is not item:
            known.calls = sorted([*known.calls, *item.calls], key=lambda call: order[id(call)])
    return list(by_match.values())


def outcome(call: SeenValues) -> Hashable:
    """Return the outcome of a call without volatile values."""
    reply = call.explained
    body = reply.body
    if isinstance(body, bytes):
        body = hashlib.sha256(body).hexdigest()
    return reply.status, reply.kind, _still(body, "")


def _still(value: object, name: str) -> Hashable:
    if isinstance(value, dict):
        return tuple((key, _still(item, key)) for key, item in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_still(item, name) for item in value)
    if changes_by_nature(value, name):
        return type(value).__name__
    return type(value).__name__ if not isinstance(value, float) else "float", value


def _grouped(
    calls: list[SeenValues], key: Callable[[SeenValues], Hashable]
) -> dict[Hashable, list[SeenValues]]:
    groups: dict[Hashable, list[SeenValues]] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    return groups


# Query


def _by_query(variant: Variant, hiding: Hiding, place: str) -> Iterator[Variant]:
    names = sorted({name for call in variant.calls for name, _ in call.query})
    for calls in _grouped(variant.calls, lambda call: call.query).values():
        conditions: dict[str, Any] = {}
        for name in names:
            values = [value for key, value in calls[0].query if key == name]
            condition = [hiding.condition(f"{place}.match.query.{name}", name, value) for value in values]
            conditions[name] = (
                "absent" if not condition else condition[0] if len(condition) == 1 else condition
            )
        yield variant.narrowed(calls, "query", conditions)


# Header lines


def _by_credentials(variant: Variant, hiding: Hiding, place: str) -> Iterator[Variant]:
    """Split by credentials if some calls were rejected."""
    if not any(call.reply.status in _REFUSED for call in variant.calls):
        yield variant
        return
    names = sorted({name for call in variant.calls for name, value in call.request.headers.items() if _is_secret(name, value)})  # fmt: skip
    yield from _by_lines(variant, names, hiding, place)


def _is_secret(name: str, value: str) -> bool:
    return name != "cookie" and mask_header(name, value) != value


def _by_headers(variant: Variant, hiding: Hiding, place: str) -> Iterator[Variant]:
    names = [
        name
        for name in _SELECTING
        if len({call.request.headers.get(name) for call in variant.calls}) > 1 and _tells(variant.calls, name)
    ]
    yield from _by_lines(variant, names, hiding, place)


def _tells(calls: list[SeenValues], name: str) -> bool:
    """Whether the answer depends on that header."""
    groups = _grouped(calls, lambda call: call.request.headers.get(name))
    outcomes = [frozenset(map(outcome, group)) for group in groups.values()]
    return len(set(outcomes)) > 1


def _by_lines(variant: Variant, names: list[str], hiding: Hiding, place: str) -> Iterator[Variant]:
    groups = _grouped(variant.calls, lambda call: tuple(call.request.headers.get(name) for name in names))
    if len(groups) == 1:
        yield variant
        return
    for calls in groups.values():
        headers = calls[0].request.headers
        conditions = {
            name: "absent" if name not in headers
            else hiding.condition(f"{place}.match.headers.{name}", name, headers[name], header=True)
            for name in names
        }  # fmt: skip
        yield variant.narrowed(calls, "headers", conditions)


# Bodies

_Path = tuple[str, ...]


def _by_body(variant: Variant, hiding: Hiding, place: str) -> Iterator[Variant]:
    kinds = {call.kind for call in variant.calls}
    if len({outcome(call) for call in variant.calls}) == 1 or not kinds <= {"json", "form", "nothing"} or kinds == {"nothing"}:  # fmt: skip
        yield variant
        return
    kind = "form" if "form" in kinds else "json"
    leaves = {id(call): _leaves(call.body) for call in variant.calls}
    marks = {id(call): _marks(leaves[id(call)]) for call in variant.calls}
    telling = _telling_paths(variant.calls, leaves, marks)
    groups = _grouped(variant.calls, lambda call: _key(marks[id(call)], telling))
    if len(groups) == 1:
        yield variant
        return
    rest = _fallback(list(groups.values()))
    for calls in groups.values():
        if rest is not None and _outcomes(calls) == rest:
            continue
        result = leaves[id(calls[0])]
        yield variant.narrowed(calls, kind, _conditions(kind, result, telling, hiding, place))
    if rest is not None:
        yield variant.narrowed([call for call in variant.calls if _outcomes(groups[_key(marks[id(call)], telling)]) == rest], kind, {})  # fmt: skip


def _outcomes(calls: list[SeenValues]) -> frozenset[Hashable]:
    return frozenset(map(outcome, calls))


def _fallback(groups: list[list[SeenValues]]) -> frozenset[Hashable] | None:
    """Return the only successful outcome, which answers all other bodies."""
    well = {_outcomes(calls) for calls in groups if all(call.reply.status < 400 for call in calls)}
    return next(iter(well)) if len(well) == 1 else None


def _leaves(body: object, path: _Path = ()) -> dict[_Path, Any]:
    """Return the values by place in nested objects; a list is one value."""
    if not isinstance(body, dict) or not all(
        isinstance(key, str) and not key.startswith("$") for key in body
    ):
        return {path: body} if path else {}
    if path and not body:
        return {path: body}
    return {key: value for name, item in body.items() for key, value in _leaves(item, (*path, name)).items()}


_Marks = dict[_Path, Hashable]
"""Visible values of a call by place."""


def _marks(leaves: dict[_Path, Any]) -> _Marks:
    """Return the visible part of each value: passwords are equal."""
    return {path: (type(value).__name__, repr(mask_tree(value, path[-1]))) for path, value in leaves.items()}


def _telling_paths(
    calls: list[SeenValues], leaves: dict[int, dict[_Path, Any]], marks: dict[int, _Marks]
) -> list[_Path]:
    """Return the fewest places that distinguish the outcomes."""
    every = dict.fromkeys(path for call in calls for path in leaves[id(call)])
    paths = [path for path in every if _differs(path, [leaves[id(call)] for call in calls], marks)]
    # Numbers in place of values: each place is tried on every call.
    numbers: dict[Hashable, int] = {_ABSENT: 0}
    columns = {
        path: [numbers.setdefault(marks[id(call)].get(path, _ABSENT), len(numbers)) for call in calls]
        for path in paths
    }
    outcomes = [numbers.setdefault(outcome(call), len(numbers)) for call in calls]
    parted = _parted(outcomes, list(columns.values()))
    for path in paths:
        fewer = [column for other, column in columns.items() if other != path]
        if _parted(outcomes, fewer) == parted:
            del columns[path]
    return list(columns)


def _differs(path: _Path, leaves: list[dict[_Path, Any]], marks: dict[int, _Marks]) -> bool:
    if all(path in leave and changes_by_nature(leave[path], path[-1]) for leave in leaves):
        return False
    return len({mark.get(path, _ABSENT) for mark in marks.values()}) > 1


def _parted(outcomes: list[int], columns: list[list[int]]) -> int:
    """Return how many outcomes are ambiguous: 0 if the places distinguish all."""
    keys = list(zip(*columns, strict=True)) or [()] * len(outcomes)
    return len(set(zip(keys, outcomes, strict=True))) - len(set(keys))


def _key(marks: _Marks, paths: list[_Path]) -> Hashable:
    return tuple(marks.get(path, _ABSENT) for path in paths)


def _conditions(
    kind: str, leaves: dict[_Path, Any], paths: list[_Path], hiding: Hiding, place: str
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for path in paths:
        value = leaves.get(path, _ABSENT)
        at = f"{place}.match.{kind}.{'.'.join(path)}"
        if kind == "form":
            made[path[0]] = _form_condition(value, at, path[0], hiding)
            continue
        inner = made
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = _json_condition(value, at, path[-1], hiding)
    return made


def _form_condition(value: Any, at: str, name: str, hiding: Hiding) -> object:
    if value is _ABSENT:
        return "absent"
    conditions = [hiding.condition(at, name, item) for item in value]
    return conditions[0] if len(conditions) == 1 else conditions


def _json_condition(value: object, at: str, name: str, hiding: Hiding) -> object:
    if value is _ABSENT:
        return "$absent"
    if isinstance(value, str):
        conditions = hiding.condition(at, name, value)
        if conditions == "present":
            return "$present"
        if isinstance(conditions, dict):
            return {f"${operator}": text for operator, text in conditions.items()}
        return {"$equals": value} if value.startswith("$") else value
    if hiding.tree(at, value, name) != value:
        return "$present"
    return {"$equals": value} if isinstance(value, dict) else value
