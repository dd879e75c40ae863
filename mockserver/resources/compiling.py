"""Compiles a resource. Every mistake is found here, when it is loaded."""

from __future__ import annotations

from typing import Any

from mockserver.errors import Flaw, FlawCollector, KeyPath, ReadFile, invalid, near, shown
from mockserver.matching.schema import json_file
from mockserver.model.written import plain_numbers
from mockserver.resources.kind import ID_RULE, ResourceKind, id_text
from mockserver.resources.schema import Schema, compile_schema
from mockserver.resources.state_machine import Machine, machine_flaws, states
from mockserver.responses.planner import Reply, compile_reply
from mockserver.schema.base import is_template
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.resource import EVENTS, UPDATES, MachineSpec, ResourceSpec, SeedSpec
from mockserver.templating.templates import Template, Tree, compile_text, compile_tree

_SEED_WORDS = frozenset({"vars", "now"})
"""Variables of seeds besides `n`: there is no request."""
Seeds = tuple[tuple[KeyPath, Tree], ...]
"""Each seed, and its place."""


class ResourceCompiler(FlawCollector):
    """Compiles one resource, and collects all flaws."""

    def __init__(self, spec: ResourceSpec, read_file: ReadFile, names: frozenset[str]) -> None:
        super().__init__()
        self.spec = spec
        self.read_file = read_file
        self.names = names
        self.written: list[dict[str, Any]] = []
        """The seeds as written, with templates; one if `each` is for several."""
        self.in_file = False

    def kind(self, path: str, defaults: ReplyDefaultsSpec) -> ResourceKind:
        spec = self.spec

        def path_of(resource: str) -> str:
            return path.removesuffix(spec.path) + resource

        def reply(key: str, status: int, *more: str) -> Any:
            written: ReplySpec | None = getattr(spec, key)
            if written is None:
                return None
            if not written.has("status"):
                written = written.model_copy(update={"status": status})
            names = self.names | set(more)
            return self.attempt((key,), compile_reply, written, defaults, self.read_file, names)

        invalid: Reply = reply("invalid", 422, "errors")
        return ResourceKind(
            path=path,
            id_field=spec.id.field,
            id_maker=self.attempt((), self.id_maker),
            new=self.attempt((), self.fields, "new", spec.new),
            always=self.attempt((), self.fields, "always", spec.always),
            added=frozenset(spec.new),
            schema=self.attempt((), self.schema),
            machine=None if spec.machine is None else Machine(spec.machine),
            page=spec.page,
            invalid=invalid,
            missing=reply("missing", 404),
            created=reply("created", 201, "item"),
            deleted=reply("deleted", 200, "item"),
            expand={field: path_of(target) for field, target in spec.expand.items()},
        )

    def id_maker(self) -> Template | None:
        generate = self.spec.id.generate
        if generate == "increment":
            return None
        source = "{{ uuid() }}" if generate == "uuid" else generate
        return compile_text(source, ("id", "generate"), names=self.names | {"n"})

    def fields(self, word: str, written: dict[str, Any]) -> Tree | None:
        """Compile `new` or `always`, whose templates have the item so far, including its id, as `item`."""
        if not written:
            return None
        for field, key in self.kept():
            if field in written:
                self.flaws.append(
                    Flaw((word, field), f"the field {field!r} is set by `{key}`", "Remove it", at_key=True)
                )
        return compile_tree(plain_numbers(written), (word,), names=self.names | {"n", "item"})

    def kept(self) -> list[tuple[str, str]]:
        machine = self.spec.machine
        return [(self.spec.id.field, "id"), *([] if machine is None else [(machine.field, "machine")])]

    def schema(self) -> Schema | None:
        if self.spec.schema_ is None:
            return None
        return compile_schema(plain_numbers(self.spec.schema_), ("schema",), self.read_file)

    def seeds(self) -> Seeds:
        seed = self.spec.seed
        names = (self.names & _SEED_WORDS) | {"now", "n"}
        if isinstance(seed, SeedSpec):
            self.written = [seed.each] if seed.count else []
            tree = self.attempt((), _tree, seed.each, ("seed", "each"), names)
            return ((("seed", "each"), tree),) * seed.count
        if isinstance(seed, list):
            self.written = seed
            placed = [(("seed", i), item) for i, item in enumerate(seed)]
            return tuple((path, self.attempt((), _tree, item, path, names)) for path, item in placed)
        return self.attempt((), self.seeds_in_file, seed) or ()

    def seeds_in_file(self, name: str) -> Seeds:
        """Return the items of a file. Their braces are not templates."""
        items = json_file(name, ("seed",), self.read_file)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise invalid(("seed",), f"{shown(name)} is not a list of items", "Write [{…}, {…}]")
        self.written = items
        self.in_file = True
        return tuple((("seed",), Tree(item, None, [])) for item in items)

    def check_consistency(self) -> None:
        """Check what concerns several parts of the resource."""
        self.check_events()
        self.check_ids()
        if self.spec.machine is not None:
            self.check_machine(self.spec.machine)

    def check_events(self) -> None:
        events = self.spec.events
        for event in self.spec.on:
            if event in events:
                continue
            if event in EVENTS:
                method = {name: method for method, name in UPDATES.items()}[event]
                message, hint = (
                    f"this never happens: {method} changes no item here",
                    f"Add {method} to `update`",
                )
            else:
                message, hint = "there is no such event here", near(event, events)
            self.flaws.append(Flaw(("on", event), message, hint, at_key=True))

    def check_ids(self) -> None:
        field = self.spec.id.field
        seen: set[str] = set()
        for i, item in enumerate(self.written):
            value = item.get(field)
            if value is None or self.is_open(value):
                continue
            text = id_text(value)
            if text is None:
                self.seed_flaw(
                    i,
                    field,
                    f"{shown(value)} is not a valid id: it {ID_RULE}",
                    "Leave it out to have one generated",
                )
            elif text in seen:
                self.seed_flaw(i, field, f"the id {text!r} is that of an earlier item", "Choose another")
            elif isinstance(self.spec.seed, SeedSpec) and self.spec.seed.count > 1:
                self.seed_flaw(
                    i, field, f"all {self.spec.seed.count} items get the id {text!r}", 'Write "{{ n }}"'
                )
            else:
                seen.add(text)

    def check_machine(self, machine: MachineSpec) -> None:
        known = states(machine) | {start for moves in machine.transitions.values() for start in moves}
        written = [(i, item[machine.field]) for i, item in enumerate(self.written) if machine.field in item]
        for i, state in written:
            if state is not None and not self.is_open(state) and state not in list(known):
                hint = near(str(state), known)
                self.seed_flaw(i, machine.field, f"{shown(state)} is not a state of the machine", hint)
        is_open = any(self.is_open(state) for _, state in written)
        self.flaws += machine_flaws(machine, None if is_open else [state for _, state in written])

    def is_open(self, value: object) -> bool:
        """Whether the value is known only after rendering."""
        return not self.in_file and is_template(value)

    def seed_flaw(self, i: int, field: str, message: str, hint: str) -> None:
        if self.in_file:
            self.flaws.append(Flaw(("seed",), f"item {i + 1} of {shown(self.spec.seed)}: {message}", hint))
        elif isinstance(self.spec.seed, SeedSpec):
            self.flaws.append(Flaw(("seed", "each", field), message, hint))
        else:
            self.flaws.append(Flaw(("seed", i, field), message, hint))


def _tree(value: dict[str, Any], path: KeyPath, names: frozenset[str]) -> Tree:
    return compile_tree(plain_numbers(value), path, names=names)
