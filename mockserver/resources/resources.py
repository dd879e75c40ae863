"""
Resources: collections that behave, compiled from what authors write.

A `Resource` is shared by all namespaces; each has a `Collection` of its own,
seeded at first touch. An `Operation` decides what a request gets and what
would change, without changing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockserver.errors import Flaw, InvalidInputError, KeyPath, invalid, shown
from mockserver.resources.collection import Collection, CollectionSnapshot, Item
from mockserver.resources.compiling import ResourceCompiler, Seeds
from mockserver.resources.kind import ID_RULE, ResourceKind, id_text
from mockserver.resources.operations import Decision, ResourceOperation, ScopeFor, operations_of
from mockserver.responses.bodies import ReadFile
from mockserver.schema.reply import ReplyDefaultsSpec
from mockserver.schema.resource import OnSpec, ResourceSpec
from mockserver.templating.templates import Scope, TemplateError

__all__ = [
    "Collection",
    "CollectionSnapshot",
    "Decision",
    "Resource",
    "ResourceOperation",
    "ScopeFor",
    "compile_resource",
]

MakeScope = Callable[[int], Scope]


class Resource:
    """A compiled resource. `path` is where its collection stands, base and all."""

    __slots__ = ("_operations", "_seeds", "kind", "path", "spec")

    def __init__(self, spec: ResourceSpec, path: str, kind: ResourceKind, seeds: Seeds) -> None:
        self.spec = spec
        self.path = path
        self.kind = kind
        self._seeds = seeds
        self._operations = operations_of(kind, list(spec.update))

    def operations(self) -> list[ResourceOperation]:
        return list(self._operations)

    def on(self, decision: Decision) -> tuple[str, OnSpec] | None:
        """What else is to happen: that of the most specific event which has something under `on`."""
        return next(((name, self.spec.on[name]) for name in decision.events if name in self.spec.on), None)

    def seeded(self, make_scope: MakeScope) -> Collection:
        """
        A new collection with its first items. `make_scope` gives the scope of
        the n-th, from 1; `n` is added to it. Raises TemplateError.
        """
        collection = Collection()
        for number, (path, tree) in enumerate(self._seeds, 1):
            scope = make_scope(number).with_("n", number)
            flaw = self._add(collection, tree.value(scope), scope, path)
            if flaw is not None:
                raise TemplateError(flaw.message, place=flaw.where)
        return collection

    def filled(self, items: object, make_scope: MakeScope) -> Collection:
        """
        A new collection with these items; ids and states that are missing are
        made. Raises InvalidInputError with every flaw, paths from the list.
        """
        collection = Collection()
        for _ in self.filling(collection, items, make_scope):
            pass
        return collection

    def filling(self, collection: Collection, items: object, make_scope: MakeScope) -> Iterator[None]:
        """The same into a collection that is empty, one item a step."""
        if not isinstance(items, list):
            raise invalid((), f"expected a list of items, got {shown(items)}")
        flaws = []
        for number, item in enumerate(items, 1):
            if isinstance(item, dict):
                scope = make_scope(number).with_("n", number)
                flaw = self._add(collection, item, scope, (number - 1,))
                flaws += [] if flaw is None else [flaw]
            else:
                flaws.append(Flaw((number - 1,), f"expected an item, got {shown(item)}", "Write a mapping"))
            yield
        if flaws:
            raise InvalidInputError(flaws)

    def _add(self, collection: Collection, item: Item, scope: Scope, path: KeyPath) -> Flaw | None:
        kind = self.kind
        value = item.get(kind.id_field)
        if value is None:
            value = kind.new_id(collection, scope)
            item = {kind.id_field: value, **{k: v for k, v in item.items() if k != kind.id_field}}
        text = id_text(value)
        if text is None or text in collection:
            return _bad_id(value, (*path, kind.id_field))
        if kind.machine is not None and item.get(kind.machine.field) is None:
            item = kind.begun(item)
        collection.insert(text, item, counted=kind.counted)
        return None


def _bad_id(value: object, path: KeyPath) -> Flaw:
    if id_text(value) is None:
        return Flaw(
            path, f"{shown(value)} is not a valid id: it {ID_RULE}", "Leave it out to have one generated"
        )
    return Flaw(path, f"the id {shown(id_text(value))} is that of an earlier item", "Choose another")


def compile_resource(
    spec: ResourceSpec,
    read_file: ReadFile,
    names: frozenset[str],
    *,
    base: str = "",
    defaults: ReplyDefaultsSpec | None = None,
) -> Resource:
    """
    A resource ready to be asked. `names` are the words that its templates may
    use; n, item and errors come on top where they belong. `base` stands before
    its path. Raises InvalidInputError with every flaw, paths relative to the resource.
    """
    compiler = ResourceCompiler(spec, read_file, names)
    kind = compiler.kind(base + spec.path, defaults or ReplyDefaultsSpec())
    seeds = compiler.seeds()
    compiler.check_consistency()
    compiler.check()
    return Resource(spec, base + spec.path, kind, seeds)
