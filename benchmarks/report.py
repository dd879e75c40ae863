"""All that one run found, as one value that can be kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import rounds
from benchmarks.exactness import Exact
from benchmarks.figures import Result
from benchmarks.rounds import Samples
from benchmarks.scale import Scale


@dataclass
class PeerFound:
    """Another tool: `absent` says why it could not be measured, `skipped` why not at a work, by the work's key."""

    version: str
    absent: str = ""
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """`failures` are reasons by server and work; `load` is the load average before it began; `exact` is by server."""

    date: str
    machine: str
    versions: dict[str, str]
    load: float
    warnings: list[str]
    scale: Scale
    samples: Samples = field(default_factory=dict)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    peers: dict[str, PeerFound] = field(default_factory=dict)
    exact: dict[str, Exact] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read(path: Path) -> Report:
    found: dict[str, Any] = json.loads(path.read_text())
    return Report(
        scale=Scale(**found.pop("scale")),
        samples=rounds.from_json(found.pop("samples")),
        results=[Result(**one) for one in found.pop("results")],
        peers={name: PeerFound(**one) for name, one in found.pop("peers").items()},
        exact={name: Exact(**one) for name, one in found.pop("exact").items()},
        **found,
    )
