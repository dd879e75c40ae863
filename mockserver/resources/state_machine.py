"""The state machine of items: transitions, and flaws of a machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mockserver.errors import Flaw, near, shown
from mockserver.model.http import ABSENT
from mockserver.resources.collection import Item
from mockserver.schema.resource import MachineSpec


class Machine:
    """A compiled state machine. It uses only the state field of items."""

    __slots__ = ("field", "initial", "transitions")

    def __init__(self, spec: MachineSpec) -> None:
        self.field = spec.field
        self.initial = spec.initial
        self.transitions = spec.transitions

    def state(self, item: Item) -> object:
        """Return the item's state, ABSENT if it has none."""
        return item.get(self.field, ABSENT)

    def after(self, transition: str, state: object) -> str | None:
        """Return the state after a transition; None if it is not allowed."""
        return self.transitions[transition].get(state) if isinstance(state, str) else None

    def allowed(self, state: object) -> list[str]:
        """Return the transitions that are allowed in this state."""
        return [name for name in self.transitions if self.after(name, state) is not None]

    def between(self, state: object, wanted: object) -> str | None:
        """Return the transition from one state to another."""
        return next((name for name in self.allowed(state) if self.after(name, state) == wanted), None)


def states(spec: MachineSpec) -> set[str]:
    """Return every state that an item can reach."""
    return {spec.initial, *(to for moves in spec.transitions.values() for to in moves.values())}


def machine_flaws(spec: MachineSpec, seeded: Iterable[Any] | None) -> Iterator[Flaw]:
    """
    Yield transitions that can't happen, because their start is never reached.

    `seeded` are the states of the seeds; None if they are unknown.
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
