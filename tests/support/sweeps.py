"""Runs of a sweep as tests write them: calls with their effects, in a few words."""

from __future__ import annotations

import itertools
from typing import Any

from mockserver.schema.trouble import SweepTroubleSpec
from mockserver.sweep.baseline import Baseline, CleanRun, learn_baseline
from mockserver.sweep.cells import Plan, all_cells
from mockserver.sweep.evidence import SweepCall, SweepEvidence
from mockserver.sweep.kinds import Kinds, TroubleKind, load_kinds
from mockserver.sweep.results import Sweep, Trial


def seen(route: str | None = "shop/pay", *effects: dict[str, Any], **more: Any) -> SweepCall:
    """One call; its id is given by `ran`."""
    known = {
        "id": "", "route": route, "routes": [] if route is None else [route], "method": "POST", "path": "/pay", "status": 201, "outcome": "done", "fault": None,
        "replayed": False, "arrived_ms": 0.0, "claimed_ms": 0.1, "first_ms": 0.2, "end_ms": 0.3, "has_body": True,
        "key": None, "likeness": "same", "effects": list(effects), "webhooks": 0,
    }  # fmt: skip
    return SweepCall(**{**known, **more})


def ran(
    *calls: SweepCall, hits: tuple[int, ...] = (), operations: list[dict[str, Any]] | None = None
) -> SweepEvidence:
    """A run of these calls. `hits` are the numbers, from 1, of those that were struck."""
    for number, call in enumerate(calls, 1):
        call.id = f"c-{number:06d}"
        call.arrived_ms = call.arrived_ms or number * 10.0
    ids = [calls[number - 1].id for number in hits]
    return SweepEvidence(calls=list(calls), operations=operations or [], hits=ids)


def did(*effects: dict[str, Any], **more: Any) -> SweepEvidence:
    """A run with a call for each effect, each another request."""
    return ran(*(seen("shop/pay", one, likeness=str(i), **more) for i, one in enumerate(effects)))


def clean(evidence: SweepEvidence, test: str = "t.py::test_pay", **more: Any) -> CleanRun:
    return CleanRun(**{"test": test, "place": 0, "duration_s": 0.01, "evidence": evidence, **more})


def baseline(
    first: SweepEvidence, second: SweepEvidence | None = None, test: str = "t.py::test_pay"
) -> Baseline:
    """What two clean runs teach; without a second it was the same again."""
    return learn_baseline(clean(first, test), clean(second if second is not None else first, test))


def tries(
    *calls: tuple[int, float | None, list[str]], route: str = "shop/pay", **more: Any
) -> dict[str, Any]:
    """An operation: number of the call, gap, and what changed, of each try; another key where that changed."""
    known: dict[str, Any] = {
        "key": None, "route": route, "statuses": [503, 201], "overlap": False, "retry_after": "none", "final": "succeeded",
    }  # fmt: skip
    listed = [
        {
            "call": f"c-{n:06d}",
            "gap_ms": gap,
            "changed": changed,
            "key": f"new-{n}" if any("idempotency" in part for part in changed) else more.get("key"),
            "step": None,
        }
        for n, gap, changed in calls
    ]
    return {**known, "tries": listed, **more}


def sweep_of(*baselines: Baseline, kinds: Kinds | None = None, **more: Any) -> Sweep:
    """A sweep of all cells, of which none has run."""
    kinds = kinds or load_kinds()
    cells = all_cells(baselines, kinds)
    possible, planned = more.pop("possible", cells), more.pop("planned", cells)
    plan = Plan(possible, planned, sum(cell.then is not None for cell in planned))
    known = {"baselines": baselines, "kinds": kinds, "plan": plan, "seed": "", "version": "1"}
    return Sweep(command=lambda cell: f"pytest --mock-server-sweep-only '{cell.id}'", **{**known, **more})


def fifteen_kinds() -> Kinds:
    """The shipped kinds and one of the user's."""
    declined = {"before": 402}
    return Kinds(
        (*load_kinds(), TroubleKind("402-declined", SweepTroubleSpec.model_validate(declined), declined))
    )


def big_sweep(rows: int = 100) -> Sweep:
    """A sweep of so many calls, five a test, with 15 troubles and every verdict somewhere."""
    charge = {"kind": "charge", "order": 7}
    calls = [seen(f"shop/{name}", webhooks=1, key="k") for name in ("price", "quote", "limits", "ship")]
    pays = seen("shop/create-charge", charge, webhooks=1)
    baselines = [
        baseline(
            ran(*calls, pays),
            test=f"tests/payments/test_{i:02}.py::TestCheckout::test_that_it_survives[card-{i}]",
        )
        for i in range(rows // 5)
    ]
    sweep = sweep_of(*baselines, kinds=fifteen_kinds())
    bad = itertools.cycle([False, True, False, False, False, False, False, True])
    for cell in sweep.planned:
        is_bad = next(bad)
        struck = seen(
            "shop/create-charge",
            charge,
            outcome="reset",
            status=None,
            first_ms=None,
            arrived_ms=10.0,
            claimed_ms=10.1,
            end_ms=12.0,
        )
        again = seen(
            "shop/create-charge",
            *([charge] if is_bad else []),
            arrived_ms=500.0,
            claimed_ms=500.2,
            end_ms=512.0,
        )
        evidence = ran(
            struck,
            again,
            hits=() if "late" in cell.trouble else (1,),
            operations=[tries((1, None, []), (2, 488.0, ["headers.idempotency-key"] if is_bad else []), route="shop/create-charge", key="k")],
        )  # fmt: skip
        passed = cell.trouble != "503-for-good"
        error = "" if passed else "E   RuntimeError: no charge"
        sweep.add(Trial(cell=cell, passed=passed, duration_s=0.5, evidence=evidence, error=error))
    return sweep
