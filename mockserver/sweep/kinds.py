"""The kinds of trouble of a sweep: the shipped ones, as restricted and extended by the user's trouble file."""

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
    """One kind of trouble. `data` is its document for the admin API, without route and call."""

    name: str
    spec: SweepTroubleSpec
    data: dict[str, Any]

    @property
    def description(self) -> str:
        """Describe the trouble in one line."""
        if self.spec.webhook is not None:
            parts = {"repeat": self.spec.webhook.repeat, "delay": self.data["webhook"].get("delay")}
            return "webhooks: " + ", ".join(f"{key} {value}" for key, value in parts.items() if value)
        where = "before" if self.spec.before is not None else "after"
        times = self.spec.times
        often = "" if times == 1 else f", {times}" if isinstance(times, str) else f", {times} times"
        return f"{where} the effect: {_brief(self.data[where])}{often}"

    @property
    def max_wait_s(self) -> float:
        """Return how long it delays the client in total, as far as the spec says."""
        webhook = self.spec.webhook
        delay_s = _longest_s(self.spec.before or self.spec.after) + ((webhook and webhook.delay_s) or 0.0)
        return delay_s * (self.spec.times if isinstance(self.spec.times, int) else 1)

    @property
    def retries(self) -> int:
        """Return how many additional calls of the route a client needs to survive; 0 if the reply is only late or slow."""
        after = self.spec.after
        if self.spec.before is None and (
            after is None or not (after.fault or after.has("status") or after.body_kind is not None)
        ):
            return 0
        return self.spec.times if isinstance(self.spec.times, int) else 0

    def is_for(self, route_id: str) -> bool:
        """Return whether the trouble applies to that route."""
        if self.spec.routes is None:
            return True
        name = route_id.partition("/")[2]
        return any(
            matches_pattern(pattern, route_id) or matches_pattern(pattern, name)
            for pattern in self.spec.routes
        )


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of a sweep, in the order of the table's columns, and the rules for effects."""

    kinds: tuple[TroubleKind, ...]
    effects: TroubleEffectsSpec = field(default_factory=TroubleEffectsSpec)

    def __iter__(self) -> Iterator[TroubleKind]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.kinds)

    def named(self, name: str) -> TroubleKind:
        return next(kind for kind in self.kinds if kind.name == name)


def matches_pattern(pattern: str, text: str) -> bool:
    """
    Return whether the whole text matches the pattern; `*` matches anything, no other character is special.

    >>> fits("POST */charges", "POST /v1/charges"), fits("a[1]", "a[1]")
    (True, True)
    """
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def load_kinds(path: Path | None = None) -> Kinds:
    """Load the shipped kinds, as restricted and extended by the file at `path`. Raises LoadError."""
    spec, document = read_troubles(SHIPPED)
    kinds = _kinds(spec, document, SHIPPED)
    if path is None:
        return Kinds(tuple(kinds.values()))
    own, document = read_troubles(path)
    flaws = [*_unknown_names(own, kinds), *_invalid_names(own)]
    if flaws:
        raise refused(path, document, flaws)
    own_kinds = _kinds(own, document, path)
    wanted = list(kinds) if own.shipped == "all" else own.shipped if isinstance(own.shipped, list) else []
    kept = {name: kind for name, kind in kinds.items() if name in wanted}
    dropped = {name for name, trouble in own.troubles.items() if trouble is None}
    kinds = {name: kind for name, kind in {**kept, **own_kinds}.items() if name not in dropped}
    if not kinds:
        raise refused(path, document, [Flaw((), "no trouble is left", "Keep a shipped one, or write one")])
    return Kinds(tuple(kinds.values()), own.effects)


def schema_document() -> dict[str, Any]:
    """Return the JSON Schema of trouble files, with the names of the shipped troubles."""
    return troubles_schema({kind.name: kind.description for kind in load_kinds()})


def _kinds(spec: TroublesFileSpec, document: Document, path: Path) -> dict[str, TroubleKind]:
    kinds: dict[str, TroubleKind] = {}
    flaws: list[Flaw] = []
    for name, trouble in spec.troubles.items():
        if trouble is None:
            continue
        written = document.data["troubles"][name]
        data = {key: value for key, value in written.items() if key != "routes"}
        try:
            _check(data)
        except InvalidInputError as error:
            flaws += [flaw.under("troubles", name) for flaw in error.flaws]
        kinds[name] = TroubleKind(name, trouble, data)
    if flaws:
        raise refused(path, document, flaws)
    return kinds


def _check(data: dict[str, Any]) -> None:
    """Raise InvalidInputError if the server would reject the trouble."""
    placed = PlacedTroubleSpec.model_validate({**data, "route": "any/route", "later": True})
    InjectedFault(placed, data, placed.route, 0.0)


def _unknown_names(own: TroublesFileSpec, kinds: dict[str, TroubleKind]) -> Iterator[Flaw]:
    """Yield a flaw for each name that is not one of a shipped trouble."""
    for i, name in enumerate(own.shipped if isinstance(own.shipped, list) else ()):
        if name not in kinds:
            yield Flaw(("shipped", i), f"there is no shipped trouble {shown(name)}", near(name, kinds))
    for name, trouble in own.troubles.items():
        if trouble is None and name not in kinds:
            yield Flaw(
                ("troubles", name), f"there is no shipped trouble {shown(name)} to drop", near(name, kinds)
            )


def _invalid_names(own: TroublesFileSpec) -> Iterator[Flaw]:
    for name in own.troubles:
        if not _NAME.fullmatch(name):
            hint = "It stands in the names of cells: leave out spaces, '/', '*', '#' and ','"
            yield Flaw(("troubles", name), f"{shown(name)} is no name for a trouble", hint, at_key=True)


def _longest_s(answer: ReplySpec | None) -> float:
    """Return the total time of a reply: its delay, the duration of a throttled body, and Retry-After in seconds."""
    if answer is None:
        return 0.0
    delay_s = answer.delay if isinstance(answer.delay, float) else 0.0
    paced_s = answer.throttle.over_s if isinstance(answer.throttle, PacedSpec) else 0.0
    waits = [str(value) for name, value in answer.headers.items() if name.lower() == "retry-after"]
    return delay_s + paced_s + sum(float(text) for text in waits if text.isdecimal())


def _brief(answer: int | str | dict[str, Any]) -> str:
    """Describe a reply in a few words."""
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
    is_success = str(answer.get("status", "")).startswith("2")
    words += [f"another body ({body})"] if body and is_success else []
    return ", ".join(words) or "another answer"
