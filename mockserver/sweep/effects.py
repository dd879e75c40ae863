"""
Effects compared: what of them is drawn, which belong together, which were taken back.

Drawn is what differs between two clean runs with two seeds, whoever drew it:
the service or the application. It is left out where effects are compared, and
it is what shows that two of them are about one thing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mockserver.sweep.evidence import Effect

Drawn = Mapping[str, frozenset[str]]
"""By kind of effect: the paths of the fields that are drawn."""

Bundle = Counter[str]
"""Effects that belong together, by their signatures."""

_SHORTEST_ID = 6
"""Texts below that many characters are no ids that a service or an application makes up."""


def kind_of(effect: Effect) -> str:
    return str(effect.get("kind", "unnamed"))


def leaves(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """
    Every single value of a tree, with its path.

    >>> dict(leaves({"a": {"b": [1, 2]}}))
    {'a.b[0]': 1, 'a.b[1]': 2}
    """
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for i, item in enumerate(value):
            yield from leaves(item, f"{path}[{i}]")
    else:
        yield path, value


def drawn_fields(first: Sequence[Effect], second: Sequence[Effect]) -> Drawn | None:
    """
    What differs between two clean runs. None where one did something that the
    other did not: then effects say nothing.
    """
    differing: dict[str, set[str]] = {}
    left = [dict(leaves(effect)) for effect in second]
    for effect in first:
        fields = dict(leaves(effect))
        alike = [other for other in left if other.get("kind") == fields.get("kind")]
        if not alike:
            return None
        nearest = min(alike, key=lambda other: len(_differing(fields, other)))
        left.remove(nearest)
        differing.setdefault(kind_of(effect), set()).update(_differing(fields, nearest))
    return None if left else {kind: frozenset(paths) for kind, paths in differing.items()}


def _differing(fields: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    return {path for path in fields.keys() | other.keys() if _at(fields, path) != _at(other, path)}


def _at(values: Mapping[str, Any], path: str) -> tuple[Any, ...]:
    """The value with its type: true is not 1."""
    return (type(values[path]).__name__, values[path]) if path in values else ()


def signature(effect: Effect, drawn: Drawn) -> str:
    """An effect as text to compare and to show, what is drawn left out: `charge amount=500 order="42"`."""
    hidden = drawn.get(kind_of(effect), frozenset())
    fields = sorted(
        f"{path}={json.dumps(value, ensure_ascii=False)}"
        for path, value in leaves(effect)
        if path not in hidden and path != "kind"
    )
    return " ".join([kind_of(effect).replace(" ", "_"), *fields])


def kind_in(mark: str) -> str:
    """The kind in a signature, its spaces as underscores."""
    return mark.partition(" ")[0]


def ids_of(effect: Effect, drawn: Drawn) -> frozenset[str]:
    """The drawn texts of an effect; of a kind that no clean run has, every text that may be one."""
    hidden = drawn.get(kind_of(effect))
    return frozenset(
        value
        for path, value in leaves(effect)
        if isinstance(value, str)
        and len(value) >= _SHORTEST_ID
        and path != "kind"
        and (hidden is None or path in hidden)
    )


def bundles(effects: Sequence[Effect], drawn: Drawn) -> list[Bundle]:
    """
    Effects that belong together: they share an id, directly or through others.

    An id that two effects of one kind have is a customer's, say, and binds nothing:
    two of his orders are two things.
    """
    parent = list(range(len(effects)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    holders: dict[str, list[int]] = {}
    for i, effect in enumerate(effects):
        for value in ids_of(effect, drawn):
            holders.setdefault(value, []).append(i)
    for listed in holders.values():
        if len({kind_of(effects[i]) for i in listed}) == len(listed):
            for i in listed[1:]:
                parent[root(i)] = root(listed[0])
    groups: dict[int, Bundle] = {}
    for i, effect in enumerate(effects):
        groups.setdefault(root(i), Counter())[signature(effect, drawn)] += 1
    return list(groups.values())


def without_undone(
    effects: Sequence[Effect], expected: Bundle, drawn: Drawn, undone_by: Mapping[str, Iterable[str]]
) -> list[Effect]:
    """
    The effects without those that were taken back, and without what took them
    back, where the clean run has no such taking back.
    """
    left = list(effects)
    spare = Counter(signature(effect, drawn) for effect in effects)
    spare.subtract(expected)
    for undoing in effects:
        mark = signature(undoing, drawn)
        undoes = {kind for kind, by in undone_by.items() if kind_of(undoing) in by}
        if not undoes or spare[mark] <= 0:
            continue
        ids = {value for _, value in leaves(undoing) if isinstance(value, str)}
        undone = next(
            (effect for effect in left if kind_of(effect) in undoes and ids_of(effect, drawn) & ids), None
        )
        if undone is not None:
            spare[mark] -= 1
            left = [effect for effect in left if effect is not undone and effect is not undoing]
    return left
