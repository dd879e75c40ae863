"""
The verdict on a cell: survived, failed cleanly or harmed, from the test's outcome and the recorded effects.

docs/sweep.md has the rules with examples, docs/decisions/0006-resilience-sweep.md
the reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mockserver.schema.trouble import TroubleEffectsSpec
from mockserver.sweep.baseline import Baseline, max_repeats
from mockserver.sweep.effects import EffectGroup, group_effects, kind_of_signature, signature, without_undone
from mockserver.sweep.evidence import Effect, SweepEvidence

HALF_DONE = "half done"


class CellVerdict(StrEnum):
    """
    `survived`: the test passed, with the effects of the clean run.

    `failed_cleanly`: it failed, without duplicate and half done effects.
    """

    SURVIVED = "survived"
    FAILED_CLEANLY = "failed_cleanly"
    HARMED = "harmed"


@dataclass(frozen=True, slots=True)
class Assessment:
    """A verdict, and why it is not `survived`."""

    verdict: CellVerdict
    reasons: tuple[str, ...] = ()


def assess(
    baseline: Baseline, evidence: SweepEvidence, rules: TroubleEffectsSpec, *, passed: bool
) -> Assessment:
    """Compare one cell with the baseline of its test."""
    undone_by = {kind: [by] if isinstance(by, str) else by for kind, by in rules.undone_by.items()}
    effects = without_undone(evidence.effects, baseline.expected, baseline.random_fields, undone_by)
    counts = Counter(signature(effect, baseline.random_fields) for effect in effects)
    twice = [*_twice(baseline, counts), *_repeated(baseline, evidence, effects, counts)]
    if not passed:
        alone = frozenset(kind.replace(" ", "_") for kind in rules.alone)
        half = [] if twice else list(_half_done(_halves(baseline, effects), alone))
        verdict = CellVerdict.HARMED if twice or half else CellVerdict.FAILED_CLEANLY
        return Assessment(verdict, (*twice, *half))
    # With duplicate effects, ids no longer show which effects are related.
    halves = [] if twice else list(_halves(baseline, effects))
    reasons = (*twice, *_missing(baseline, halves, counts), *_new(baseline, counts))
    return Assessment(CellVerdict.HARMED if reasons else CellVerdict.SURVIVED, reasons)


def _twice(baseline: Baseline, counts: EffectGroup) -> Iterator[str]:
    for effect_signature, count in counts.items():
        wanted = baseline.expected[effect_signature]
        if 0 < wanted < count:
            yield f"{_times(count)}: {effect_signature}" + (
                f" ({wanted} in the clean run)" if wanted > 1 else ""
            )


def _repeated(
    baseline: Baseline, evidence: SweepEvidence, effects: list[Effect], counts: EffectGroup
) -> Iterator[str]:
    """Yield a reason if the totals are equal, but one request had the effect of another one too."""
    if len(effects) != len(evidence.effects):
        return  # some effects were undone, so the rest can't be assigned to requests
    for (kind, effect_signature), count in max_repeats(evidence.calls, baseline.random_fields).items():
        limit = baseline.max_repeats.get((kind, effect_signature), 0)
        if limit and count > limit and counts[effect_signature] <= baseline.expected[effect_signature]:
            what = "one idempotency key" if kind == "key" else "one request"
            yield f"{_times(count)} by {what}, while another did not: {effect_signature}"
            return


def _missing(
    baseline: Baseline, halves: list[tuple[EffectGroup, EffectGroup]], counts: EffectGroup
) -> Iterator[str]:
    """Yield the effects of the clean run that a passed test lacks."""
    reported: EffectGroup = Counter()
    for group, whole in halves:
        for effect_signature in whole - group:
            reported[effect_signature] += 1
            yield f"left open: {_kinds(group)} without {effect_signature}"
    for effect_signature, count in (baseline.expected - counts).items():
        for _ in range(count - reported[effect_signature]):
            yield f"lost: {effect_signature}"


def _new(baseline: Baseline, counts: EffectGroup) -> Iterator[str]:
    for effect_signature in counts:
        if effect_signature not in baseline.expected:
            yield f"not in the clean run: {effect_signature}"


def _half_done(halves: Iterable[tuple[EffectGroup, EffectGroup]], alone: frozenset[str]) -> Iterator[str]:
    for group, whole in halves:
        if not all(kind_of_signature(effect_signature) in alone for effect_signature in group):
            yield f"{HALF_DONE}: {_kinds(group)} without {_kinds(whole - group)}"


def _halves(baseline: Baseline, effects: list[Effect]) -> Iterator[tuple[EffectGroup, EffectGroup]]:
    """Yield each incomplete group of related effects, with the complete group of the clean run."""
    for group in group_effects(effects, baseline.random_fields):
        if group in baseline.groups:
            continue
        whole = next((other for other in baseline.groups if group < other), None)
        if whole is not None:
            yield group, whole


def _kinds(group: EffectGroup) -> str:
    return " and ".join(sorted({kind_of_signature(effect_signature) for effect_signature in group}))


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
