"""The kinds of trouble that a sweep tries: the shipped ones, and what a file of the user's makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.engine.fault_injection import InjectedFault
from mockserver.errors import Flaw, InvalidInputError, near, shown
from mockserver.scenarios.troubles import read_troubles, refused
from mockserver.scenarios.yaml.yaml12 import Document
from mockserver.schema.reply import PacedSpec, ReplySpec
from mockserver.schema.trouble import (
    NAME_PATTERN,
    PlacedTroubleSpec,
    SweepTroubleSpec,
    TroubleEffectsSpec,
    TroublesFileSpec,
    troubles_schema,
)

SHIPPED = Path(__file__).with_name("troubles.yaml")
_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class TroubleKind:
    """One kind of trouble. `data` is what the admin API takes of it: without route and call."""

    name: str
    spec: SweepTroubleSpec
    data: dict[str, Any]

    @property
    def says(self) -> str:
        """What it does, in a line for people."""
        if self.spec.webhook is not None:
            parts = {"repeat": self.spec.webhook.repeat, "delay": self.data["webhook"].get("delay")}
            return "webhooks: " + ", ".join(f"{key} {value}" for key, value in parts.items() if value)
        where = "before" if self.spec.before is not None else "after"
        times = self.spec.times
        often = "" if times == 1 else f", {times}" if isinstance(times, str) else f", {times} times"
        return f"{where} the effect: {_brief(self.data[where])}{often}"

    @property
    def waits_s(self) -> float:
        """How long it lets the client wait, once for each time it strikes, as far as it says so itself."""
        webhook = self.spec.webhook
        one_s = _longest_s(self.spec.before or self.spec.after) + ((webhook and webhook.delay_s) or 0.0)
        return one_s * (self.spec.times if isinstance(self.spec.times, int) else 1)

    @property
    def retries(self) -> int:
        """How many more calls of the route a client makes that survives it; 0 where the answer is only late or slow."""
        after = self.spec.after
        if self.spec.before is None and (
            after is None or not (after.fault or after.has("status") or after.body_kind is not None)
        ):
            return 0
        return self.spec.times if isinstance(self.spec.times, int) else 0

    def is_for(self, route_id: str) -> bool:
        """Whether it is tried at that route."""
        if self.spec.routes is None:
            return True
        name = route_id.partition("/")[2]
        return any(fits(pattern, route_id) or fits(pattern, name) for pattern in self.spec.routes)


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is tried, in the order of the table's columns, and what the verdicts are to know of effects."""

    kinds: tuple[TroubleKind, ...]
    effects: TroubleEffectsSpec = field(default_factory=TroubleEffectsSpec)

    def __iter__(self) -> Iterator[TroubleKind]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.kinds)

    def named(self, name: str) -> TroubleKind:
        return next(kind for kind in self.kinds if kind.name == name)


def fits(pattern: str, text: str) -> bool:
    """
    Whether a text is as the pattern says; `*` stands for anything, nothing else is special.

    >>> fits("POST */charges", "POST /v1/charges"), fits("a[1]", "a[1]")
    (True, True)
    """
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def load_kinds(path: Path | None = None) -> Kinds:
    """The shipped kinds, as the file at `path` narrows and extends them. Raises LoadError."""
    spec, document = read_troubles(SHIPPED)
    kinds = _kinds(spec, document, SHIPPED)
    if path is None:
        return Kinds(tuple(kinds.values()))
    own, document = read_troubles(path)
    flaws = [*_unknown(own, kinds), *_misnamed(own)]
    if flaws:
        raise refused(path, document, flaws)
    made = _kinds(own, document, path)
    wanted = list(kinds) if own.shipped == "all" else own.shipped if isinstance(own.shipped, list) else []
    kept = {name: kind for name, kind in kinds.items() if name in wanted}
    dropped = {name for name, trouble in own.troubles.items() if trouble is None}
    kinds = {name: kind for name, kind in {**kept, **made}.items() if name not in dropped}
    if not kinds:
        raise refused(path, document, [Flaw((), "no trouble is left", "Keep a shipped one, or write one")])
    return Kinds(tuple(kinds.values()), own.effects)


def schema_document() -> dict[str, Any]:
    """The JSON Schema of a file of troubles; it knows the shipped ones by name."""
    return troubles_schema({kind.name: kind.says for kind in load_kinds()})


def _kinds(spec: TroublesFileSpec, document: Document, path: Path) -> dict[str, TroubleKind]:
    made: dict[str, TroubleKind] = {}
    flaws: list[Flaw] = []
    for name, trouble in spec.troubles.items():
        if trouble is None:
            continue
        written = document.data["troubles"][name]
        data = {key: value for key, value in written.items() if key != "routes"}
        try:
            _checked(data)
        except InvalidInputError as error:
            flaws += [flaw.under("troubles", name) for flaw in error.flaws]
        made[name] = TroubleKind(name, trouble, data)
    if flaws:
        raise refused(path, document, flaws)
    return made


def _checked(data: dict[str, Any]) -> None:
    """Raises InvalidInputError where the server would refuse it."""
    placed = PlacedTroubleSpec.model_validate({**data, "route": "any/route", "later": True})
    InjectedFault(placed, data, placed.route, 0.0)


def _unknown(own: TroublesFileSpec, kinds: dict[str, TroubleKind]) -> Iterator[Flaw]:
    """Names of shipped ones that are none."""
    for i, name in enumerate(own.shipped if isinstance(own.shipped, list) else ()):
        if name not in kinds:
            yield Flaw(("shipped", i), f"there is no shipped trouble {shown(name)}", near(name, kinds))
    for name, trouble in own.troubles.items():
        if trouble is None and name not in kinds:
            yield Flaw(
                ("troubles", name), f"there is no shipped trouble {shown(name)} to drop", near(name, kinds)
            )


def _misnamed(own: TroublesFileSpec) -> Iterator[Flaw]:
    for name in own.troubles:
        if not _NAME.fullmatch(name):
            hint = "It stands in the names of cells: leave out spaces, '/', '*', '#' and ','"
            yield Flaw(("troubles", name), f"{shown(name)} is no name for a trouble", hint, at_key=True)


def _longest_s(answer: ReplySpec | None) -> float:
    """What a reply says of time: its delay, a body that is paced, Retry-After in seconds."""
    if answer is None:
        return 0.0
    delay_s = answer.delay if isinstance(answer.delay, float) else 0.0
    paced_s = answer.throttle.over_s if isinstance(answer.throttle, PacedSpec) else 0.0
    waits = [str(value) for name, value in answer.headers.items() if name.lower() == "retry-after"]
    return delay_s + paced_s + sum(float(text) for text in waits if text.isdecimal())


def _brief(answer: int | str | dict[str, Any]) -> str:
    """A reply in a few words."""
    if not isinstance(answer, dict):
        return str(answer)
    words = [str(answer["status"])] if "status" in answer else []
    words += [
        f"retry-after {value}"
        for name, value in answer.get("headers", {}).items()
        if name.lower() == "retry-after"
    ]
    fault = answer.get("fault")
    words += [fault if isinstance(fault, str) else str(fault["kind"])] if fault else []
    words += ["slow body"] if "throttle" in answer else []
    words += [f"{answer['delay']} late"] if "delay" in answer else []
    body = next((kind for kind in ("json", "text", "html", "xml", "base64") if kind in answer), None)
    is_well = str(answer.get("status", "")).startswith("2")
    words += [f"another body ({body})"] if body and is_well else []
    return ", ".join(words) or "another answer"
