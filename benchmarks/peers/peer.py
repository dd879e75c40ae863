"""What every other tool has to be told: the works in plain words, and how a tool is described."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import traffic
from benchmarks.scale import Scale

OK = {"ok": True}


@dataclass(frozen=True)
class Rule:
    """
    What is asked, and what is answered: one status with its JSON after the other, from the
    start again after the last. With `kind`, only requests whose JSON body has that in its field
    `kind`. With `amount`, the field of that name of the form that was sent is in the answer, too, as a number.
    """

    method: str
    path: str
    answers: tuple[tuple[int, Any], ...] = ((200, OK),)
    kind: str | None = None
    amount: bool = False


def rules(key: str, scale: Scale) -> list[Rule]:
    """Of the work with this key in `works.py`: the same, in no tool's language."""
    match key:
        case "get":
            return [Rule("GET", "/one")]
        case "some" | "many":
            return [
                Rule("GET", f"/r{i}") for i in range(1, (scale.some if key == "some" else scale.many) + 1)
            ]
        case "sdk" | "template":
            return [Rule("POST", traffic.SDK.path, ((201, {"id": "ch_1"}),), amount=key == "template")]
        case "bodies":
            return [
                Rule("POST", traffic.DOCUMENT.path, ((200, {"kind": i}),), f"k{i}")
                for i in range(1, scale.told + 1)
            ]
        case "sequence":
            return [Rule("GET", "/one", ((503, None), (503, None), (200, OK)))]
    raise ValueError(key)


@dataclass(frozen=True)
class Job:
    """One start of a tool: `folder` is empty and goes afterwards."""

    folder: Path
    port: int
    spare_port: int
    rules: list[Rule]

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def plain(self) -> Path:
        """The rules as JSON, for a script of our own."""
        return self.file("rules.json", json.dumps([asdict(rule) for rule in self.rules]))


@dataclass(frozen=True)
class Peer:
    """
    `packages` are pinned, the tool itself first. `command` is asked with the folder into
    which they were installed. `cannot` are reasons by the work's key. `needs` are programs.
    """

    name: str
    title: str
    kind: str
    packages: tuple[str, ...]
    command: Callable[[Path, Job], list[str]]
    needs: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)
    warm_up_s: int = 1

    @property
    def version(self) -> str:
        return self.packages[0].replace("==", "@").rpartition("@")[2]


def text(answer: Any, amount: str = "") -> str:
    """The body of an answer; `amount` is how a tool writes the number that was sent."""
    if amount:
        # Apart from the brace that follows, which some would take for a third one of theirs.
        return json.dumps({**answer, "amount": "AMOUNT"}).replace('"AMOUNT"', f"{amount} ")
    return "" if answer is None else json.dumps(answer)


JSON = {"Content-Type": "application/json"}
HERE = Path(__file__).parent
