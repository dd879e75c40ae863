"""clients/clients.yaml: which programs there are, and against which scenario each runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One row of the gallery. `environment` is the Python environment it shares with others."""

    name: str
    program: str
    arguments: tuple[str, ...]
    does: str
    scenario: str
    environment: str

    @property
    def folder(self) -> Path:
        return CLIENTS / self.program

    @property
    def is_node(self) -> bool:
        return (self.folder / "package.json").is_file()

    @property
    def scenario_file(self) -> Path:
        return ROOT / "scenarios" / "providers" / f"{self.scenario}.yaml"


def load() -> list[Client]:
    rows = yaml.load((CLIENTS / "clients.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return [
        Client(
            name=row["name"],
            program=row.get("program", row["name"]),
            arguments=tuple(row.get("arguments", ())),
            does=row["does"],
            scenario=row["scenario"],
            environment=row.get("environment", "python"),
        )
        for row in rows
    ]


def chosen(clients: Sequence[Client], names: Sequence[str]) -> list[Client]:
    """Those of these names; a program's name means all of its rows. Raises LookupError, with the near name."""
    known = {word for one in clients for word in (one.name, one.program)}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise LookupError(f"no client {name!r} in clients/clients.yaml." + (f" Did you mean {near[0]!r}?" if near else ""))  # fmt: skip
    return [one for one in clients if not names or one.name in names or one.program in names]
