"""
Comparison of effects: random fields, related effects, undone effects.

A field is random if it differs between two clean runs with different seeds,
whether the service or the application generated it. Comparisons ignore random
fields, and equal random values show which effects are related.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mockserver.sweep.evidence import Effect

RandomFields = Mapping[str, frozenset[str]]
"""The paths of the random fields, by kind of effect."""

EffectGroup = Counter[str]
"""Number of effects by signature, of related effects or of a whole run."""

_MIN_ID_CHARS = 6
"""Shorter texts are not taken for generated ids."""


def kind_of(effect: Effect) -> str:
    return str(effect.get("kind", "unnamed"))


def leaves(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """
    Iterate over the scalar values of a tree, with their paths.

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


def find_random_fields(first: Sequence[Effect], second: Sequence[Effect]) -> RandomFields | None:
    """
    Return the fields that differ between two clean runs.

    None if one run has effects that the other lacks: then they can't be compared.
    """
    differing: dict[str, set[str]] = {}
    remaining = [dict(leaves(effect)) for effect in second]
    for effect in first:
        fields = dict(leaves(effect))
        candidates = [other for other in remaining if other.get("kind") == fields.get("kind")]
        if not candidates:
            return None
        nearest = min(candidates, key=lambda other: len(_differing(fields, other)))
        remaining.remove(nearest)
        differing.setdefault(kind_of(effect), set()).update(_differing(fields, nearest))
    return None if remaining else {kind: frozenset(paths) for kind, paths in differing.items()}


def _differing(fields: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    return {path for path in fields.keys() | other.keys() if _typed(fields, path) != _typed(other, path)}


def _typed(values: Mapping[str, Any], path: str) -> tuple[Any, ...]:
    """Return the value with its type, since True equals 1 in Python."""
    return (type(values[path]).__name__, values[path]) if path in values else ()


def signature(effect: Effect, random_fields: RandomFields) -> str:
    """Return an effect as text for comparison and display, without random fields: `charge amount=500 order="42"`."""
    hidden = random_fields.get(kind_of(effect), frozenset())
    fields = sorted(
        f"{path}={json.dumps(value, ensure_ascii=False)}"
        for path, value in leaves(effect)
        if path not in hidden and path != "kind"
    )
    return " ".join([kind_of(effect).replace(" ", "_"), *fields])


def kind_of_signature(effect_signature: str) -> str:
    """Return the kind in a signature, with underscores instead of spaces."""
    return effect_signature.partition(" ")[0]


def ids_of(effect: Effect, random_fields: RandomFields) -> frozenset[str]:
    """
    Return the random texts of an effect.

    For a kind of effect that is not in the clean runs, every text that may be an id.
    """
    hidden = random_fields.get(kind_of(effect))
    return frozenset(
        value
        for path, value in leaves(effect)
        if isinstance(value, str)
        and len(value) >= _MIN_ID_CHARS
        and path != "kind"
        and (hidden is None or path in hidden)
    )


def group_effects(effects: Sequence[Effect], random_fields: RandomFields) -> list[EffectGroup]:
    """
    Group related effects: those that share an id, directly or through other effects.

    An id in two effects of the same kind does not relate effects. It may be that of
    a customer with two orders, for example.
    """
    parent = list(range(len(effects)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    holders: dict[str, list[int]] = {}
    for i, effect in enumerate(effects):
        for value in ids_of(effect, random_fields):
            holders.setdefault(value, []).append(i)
    for indexes in holders.values():
        if len({kind_of(effects[i]) for i in indexes}) == len(indexes):
            for i in indexes[1:]:
                parent[root(i)] = root(indexes[0])
    groups: dict[int, EffectGroup] = {}
    for i, effect in enumerate(effects):
        groups.setdefault(root(i), Counter())[signature(effect, random_fields)] += 1
    return list(groups.values())


def without_undone(
    effects: Sequence[Effect],
    expected: EffectGroup,
    random_fields: RandomFields,
    undone_by: Mapping[str, Iterable[str]],
) -> list[Effect]:
    """
    Return the effects without undone effects and without those that undid them.

    An effect of an undoing kind that the clean run has too undoes nothing.
    """
    remaining = list(effects)
    unexpected = Counter(signature(effect, random_fields) for effect in effects)
    unexpected.subtract(expected)
    for undoing in effects:
        effect_signature = signature(undoing, random_fields)
        undoes = {kind for kind, by in undone_by.items() if kind_of(undoing) in by}
        if not undoes or unexpected[effect_signature] <= 0:
            continue
        ids = {value for _, value in leaves(undoing) if isinstance(value, str)}
        undone = next(
            (
                effect
                for effect in remaining
                if kind_of(effect) in undoes and ids_of(effect, random_fields) & ids
            ),
            None,
        )
        if undone is not None:
            unexpected[effect_signature] -= 1
            remaining = [effect for effect in remaining if effect is not undone and effect is not undoing]
    return remaining
