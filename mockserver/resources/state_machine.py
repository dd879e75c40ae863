"""The states of an item: which transitions lead from one to another, and what is wrong with a machine as written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.errors import Flaw, near, shown
from mockserver.model.http import ABSENT
from mockserver.resources.collection import Item
from mockserver.schema.resource import MachineSpec


class Machine:
    """A machine as compiled. It knows states, not items' other fields."""

    __slots__ = ("field", "initial", "transitions")

    def __init__(self, spec: MachineSpec) -> None:
        self.field = spec.field
        self.initial = spec.initial
        self.transitions = spec.transitions

    def state(self, item: Item) -> object:
        """The item's state, ABSENT where it has none."""
        return item.get(self.field, ABSENT)

    def after(self, transition: str, state: object) -> str | None:
        """The state that a transition leads to from this one; None where it is not allowed."""
        return self.transitions[transition].get(state) if isinstance(state, str) else None

    def allowed(self, state: object) -> list[str]:
        """The transitions that lead on from this state."""
        return [name for name in self.transitions if self.after(name, state) is not None]

    def between(self, state: object, wanted: object) -> str | None:
        """The transition that leads from one state to another."""
        return next((name for name in self.allowed(state) if self.after(name, state) == wanted), None)


def states(spec: MachineSpec) -> set[str]:
    """Every state that an item can come to be in by itself."""
    return {spec.initial, *(to for moves in spec.transitions.values() for to in moves.values())}


def machine_flaws(spec: MachineSpec, seeded: Iterable[Any] | None) -> Iterator[Flaw]:
    """
    Transitions that never happen, because nothing leads to where they start.
    `seeded` are the states that items begin with; None where that is open.
    """
    if seeded is None:
        return
    reached = {spec.initial, *(state for state in seeded if isinstance(state, str))}
    moves = [pair for move in spec.transitions.values() for pair in move.items()]
    while more := {to for start, to in moves if start in reached} - reached:
        reached |= more
    for name, move in spec.transitions.items():
        for start in move:
            if start not in reached:
                hint = near(start, reached - {start})
                yield Flaw(
                    ("machine", "transitions", name, start),
                    f"no item is ever {shown(start)}: no transition leads there from {shown(spec.initial)}",
                    hint,
                    at_key=True,
                )
