"""
Resources: collections with operations, compiled from what authors write.

All namespaces share a `Resource`; each has its own `Collection`, which is created at its first use. An operation
decides on the answer and the change, without making it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockserver.errors import Flaw, InvalidInputError, KeyPath, ReadFile, invalid, shown
from mockserver.resources.collection import Collection, CollectionSnapshot, Item
from mockserver.resources.compiling import ResourceCompiler, Seeds
from mockserver.resources.kind import ID_RULE, ResourceKind, id_text
from mockserver.resources.operations import Decision, ResourceOperation, ScopeFor, operations_of
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
    """A compiled resource. `path` is the path of its collection, including `base`."""

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
        """Return the side effects of the most specific event that has some."""
        return next(((name, self.spec.on[name]) for name in decision.events if name in self.spec.on), None)

    def seeded(self, make_scope: MakeScope) -> Collection:
        """
        Return a new collection with the seeds.

        `make_scope` returns the scope of the n-th item, from 1; `n` is added to it. Raises TemplateError.
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
        Return a new collection with these items; missing ids and states are generated.

        Raises InvalidInputError with every flaw, with paths from the list.
        """
        collection = Collection()
        for _ in self.filling(collection, items, make_scope):
            pass
        return collection

    def filling(self, collection: Collection, items: object, make_scope: MakeScope) -> Iterator[None]:
        """Fill an empty collection, one item a step."""
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
    Compile a resource. `names` are the variables of its templates; n, item and errors are added.

    `base` is the prefix of its path. Raises InvalidInputError with every flaw, with paths relative to the resource.
    """
    compiler = ResourceCompiler(spec, read_file, names)
    kind = compiler.kind(base + spec.path, defaults or ReplyDefaultsSpec())
    seeds = compiler.seeds()
    compiler.check_consistency()
    compiler.check()
    return Resource(spec, base + spec.path, kind, seeds)
