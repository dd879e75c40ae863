"""What two clean runs of a test teach: the calls that are made, the effects, and what of them is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from mockserver.sweep.effects import Bundle, Drawn, bundles, drawn_fields, signature
from mockserver.sweep.evidence import FIRST_CALLS, SeenCalls, SweepEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRun:
    """One run of a test without trouble. `why` says why it is none: the test failed, or was skipped."""

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
    """A call of a clean run that a trouble can strike: the `number`-th of its route."""

    route: str
    name: str
    number: int
    request: str
    has_body: bool
    webhooks: int
    effects: int

    @property
    def label(self) -> str:
        """`create-charge#2`."""
        return f"{self.name}#{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What is known of a test. `why` says why it is not swept."""

    test: str
    duration_s: float
    calls: tuple[CallPlace, ...] = ()
    expected: Bundle = field(default_factory=Counter)
    together: tuple[Bundle, ...] = ()
    drawn: Drawn = field(default_factory=dict)
    most: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How often one request or key did one thing: by the kind of mark and the signature."""
    operations: Mapping[str, int] = field(default_factory=dict)
    """By route: how many operations its calls are."""
    why: str | None = None
    notes: tuple[str, ...] = ()


def learn(first: CleanRun, second: CleanRun | None) -> Lesson:
    """From the runs of one test; the second had another seed."""
    # The first may have started a server, or the application.
    shortest_s = min(run.duration_s for run in (first, second) if run is not None)
    bare = Lesson(test=first.test, duration_s=shortest_s)
    if first.why is not None:
        return _not_swept(bare, first.why)
    many = bool(first.evidence.dropped)
    places = _places(first.evidence.calls[: FIRST_CALLS if many else None])
    if not places:
        return _not_swept(bare, _no_call(first.evidence.calls))
    effects = first.evidence.effects
    drawn: Drawn = {}
    notes = [f"it makes more than {FIRST_CALLS} calls: only the first are swept"] if many else []
    if second is None or second.why is not None:
        said = "was not made" if second is None else f"failed with another seed ({second.why})"
        notes.append(f"the second clean run {said}: what is drawn is not known")
    else:
        differing = drawn_fields(effects, second.evidence.effects)
        if differing is None:
            return _not_swept(bare, "two clean runs differ in their effects: " + _counts(first, second))
        drawn = differing
        again = [place.label for place in _places(second.evidence.calls)]
        if not many and again != [place.label for place in places]:
            notes.append("two clean runs made different calls: some cells may not be reached")
    return Lesson(
        test=first.test,
        duration_s=shortest_s,
        calls=places,
        expected=Counter(signature(effect, drawn) for effect in effects),
        together=tuple(bundles(effects, drawn)),
        drawn=drawn,
        most=repeats(first.evidence.calls, drawn),
        operations=Counter(str(operation["route"]) for operation in first.evidence.operations),
        notes=tuple(notes),
    )


def _no_call(calls: Sequence[SeenCalls]) -> str:
    if not calls:
        return "it makes no call to the mock server"
    first = f"{calls[0].method} {calls[0].path}"
    return f"it makes no call that a route takes; the first of {len(calls)} was {first}"


def _not_swept(bare: Lesson, why: str) -> Lesson:
    return Lesson(test=bare.test, duration_s=bare.duration_s, why=why)


def _counts(*runs: CleanRun) -> str:
    kinds = [Counter(str(effect.get("kind", "unnamed")) for effect in run.evidence.effects) for run in runs]
    said = [
        ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())) or "none" for counts in kinds
    ]
    return "; then ".join(said)


def _places(calls: Sequence[SeenCalls]) -> tuple[CallPlace, ...]:
    """In the order of the calls. A route goes by its name where no other route of the test has it."""
    routes = {call.route for call in calls if call.route is not None}
    names = Counter(route.partition("/")[2] for route in routes)
    numbers: Counter[str] = Counter()
    made = []
    for call in calls:
        if call.route is None:
            continue
        numbers[call.route] += 1
        name = call.short_route
        made.append(
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
    return tuple(made)


def repeats(calls: Sequence[SeenCalls], drawn: Drawn) -> dict[tuple[str, str], int]:
    """The most that any one key, and any one request, did of one thing."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for call in calls:
        for effect in call.effects:
            mark = signature(effect, drawn)
            counts["request", call.likeness, mark] += 1
            if call.key is not None:
                counts["key", call.key, mark] += 1
    most: dict[tuple[str, str], int] = {}
    for (kind, _, mark), count in counts.items():
        most[kind, mark] = max(count, most.get((kind, mark), 0))
    return most
