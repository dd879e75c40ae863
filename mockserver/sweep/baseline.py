"""The baseline of a test, from two clean runs: its calls, its effects, and which fields of them are random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from mockserver.sweep.effects import EffectGroup, RandomFields, find_random_fields, group_effects, signature
from mockserver.sweep.evidence import FIRST_CALLS, SweepCall, SweepEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRun:
    """One run of a test without troubles. `why` is set if it is not usable: the test failed or was skipped."""

    test: str
    place: int
    duration_s: float
    evidence: SweepEvidence
    why: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "evidence": self.evidence.as_json()}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "evidence": SweepEvidence.of_json(data["evidence"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlace:
    """A call of a clean run at which a trouble can be injected: the `number`-th of its route."""

    route: str
    name: str
    number: int
    request: str
    has_body: bool
    webhooks: int
    effects: int

    @property
    def label(self) -> str:
        """Return `create-charge#2`."""
        return f"{self.name}#{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """
    The behaviour of a test without troubles. `why` is set if the test is not swept.

    `expected` are all effects, `groups` the groups of related effects.
    """

    test: str
    duration_s: float
    calls: tuple[CallPlace, ...] = ()
    expected: EffectGroup = field(default_factory=Counter)
    groups: tuple[EffectGroup, ...] = ()
    random_fields: RandomFields = field(default_factory=dict)
    max_repeats: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Maximum number of equal effects of one request or key, by `request` or `key` and the signature."""
    operations: Mapping[str, int] = field(default_factory=dict)
    """Number of operations by route."""
    why: str | None = None
    notes: tuple[str, ...] = ()


def learn_baseline(first: CleanRun, second: CleanRun | None) -> Baseline:
    """Learn the baseline from the runs of one test; the second had another seed."""
    # The first run may include the start of a server or of the application.
    shortest_s = min(run.duration_s for run in (first, second) if run is not None)
    empty = Baseline(test=first.test, duration_s=shortest_s)
    if first.why is not None:
        return _not_swept(empty, first.why)
    is_truncated = bool(first.evidence.dropped)
    places = _places(first.evidence.calls[: FIRST_CALLS if is_truncated else None])
    if not places:
        return _not_swept(empty, _no_matched_call(first.evidence.calls))
    effects = first.evidence.effects
    random_fields: RandomFields = {}
    notes = [f"it makes more than {FIRST_CALLS} calls: only the first are swept"] if is_truncated else []
    if second is None or second.why is not None:
        problem = "was not made" if second is None else f"failed with another seed ({second.why})"
        notes.append(f"the second clean run {problem}: random fields are not known")
    else:
        differing = find_random_fields(effects, second.evidence.effects)
        if differing is None:
            return _not_swept(empty, "two clean runs differ in their effects: " + _counts(first, second))
        random_fields = differing
        second_labels = [place.label for place in _places(second.evidence.calls)]
        if not is_truncated and second_labels != [place.label for place in places]:
            notes.append("two clean runs made different calls: some cells may not be reached")
    return Baseline(
        test=first.test,
        duration_s=shortest_s,
        calls=places,
        expected=Counter(signature(effect, random_fields) for effect in effects),
        groups=tuple(group_effects(effects, random_fields)),
        random_fields=random_fields,
        max_repeats=max_repeats(first.evidence.calls, random_fields),
        operations=Counter(str(operation["route"]) for operation in first.evidence.operations),
        notes=tuple(notes),
    )


def _no_matched_call(calls: Sequence[SweepCall]) -> str:
    if not calls:
        return "it makes no call to the mock server"
    first = f"{calls[0].method} {calls[0].path}"
    return f"it makes no call that a route takes; the first of {len(calls)} was {first}"


def _not_swept(empty: Baseline, why: str) -> Baseline:
    return replace(empty, why=why)


def _counts(*runs: CleanRun) -> str:
    kinds = [Counter(str(effect.get("kind", "unnamed")) for effect in run.evidence.effects) for run in runs]
    texts = [
        ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())) or "none" for counts in kinds
    ]
    return "; then ".join(texts)


def _places(calls: Sequence[SweepCall]) -> tuple[CallPlace, ...]:
    """Return the places in the order of the calls. A route is named without its scenario if that is unique in the test."""
    routes = {call.route for call in calls if call.route is not None}
    names = Counter(route.partition("/")[2] for route in routes)
    numbers: Counter[str] = Counter()
    places = []
    for call in calls:
        if call.route is None:
            continue
        numbers.update(call.routes)
        name = call.short_route
        places.append(
            CallPlace(
                route=call.route,
                name=name if names[name] == 1 else call.route,
                number=numbers[call.route],
                request=f"{call.method} {call.path}",
                has_body=call.has_body,
                webhooks=call.webhooks,
                effects=len(call.effects),
            )
        )
    return tuple(places)


def max_repeats(calls: Sequence[SweepCall], random_fields: RandomFields) -> dict[tuple[str, str], int]:
    """Return the maximum number of equal effects of any one idempotency key, and of any one request."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for call in calls:
        for effect in call.effects:
            effect_signature = signature(effect, random_fields)
            counts["request", call.likeness, effect_signature] += 1
            if call.key is not None:
                counts["key", call.key, effect_signature] += 1
    maxima: dict[tuple[str, str], int] = {}
    for (kind, _, effect_signature), count in counts.items():
        maxima[kind, effect_signature] = max(count, maxima.get((kind, effect_signature), 0))
    return maxima
