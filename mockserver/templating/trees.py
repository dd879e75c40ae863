"""JSON-like trees whose strings, keys included, may be templates: compiled once, constant parts shared."""

from __future__ import annotations

from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath
from mockserver.templating.scope import NO_LOOKUP, NOTHING, Closure, Lookup, Scope, with_budget
from mockserver.templating.texts import Template, compile_text
from mockserver.templating.values import HANDED_ON


class Tree:
    """
    A compiled tree. A string that is one whole expression becomes that expression's own value.

    Its templates share one budget. Parts without templates are the same
    objects in every value: don't change them.
    """

    __slots__ = ("_constant", "constant", "functions", "names", "value")

    def __init__(self, constant: object, make: Closure | None, templates: list[Template]) -> None:
        self._constant = constant
        self.constant = make is None
        self.value: Closure = make or self._constantly
        """The tree with its templates filled in. Raises TemplateError."""
        self.names = frozenset[str]().union(*(one.names for one in templates))
        self.functions = frozenset[str]().union(*(one.functions for one in templates))

    @property
    def written(self) -> Any:
        """What the author wrote, templates as they stand."""
        return self._constant

    @property
    def constant_value(self) -> Any:
        """The value of a constant one."""
        return self._constant

    def _constantly(self, _scope: Scope) -> object:
        return self._constant


def compile_tree(value: object, path: KeyPath, *, names: frozenset[str] | None = None) -> Tree:
    """Compiles every string in a tree. Raises InvalidInputError with the flaws of all of them."""
    growing = _Growing(names)
    try:
        make = growing.whole(value, path)
    except RecursionError as why:
        raise InvalidInputError(Flaw(path, "the value is nested too deeply", "Flatten it")) from why
    if growing.flaws:
        raise InvalidInputError(growing.flaws)
    return Tree(value, make, growing.templates)


class _Growing:
    """One tree being compiled. A part that is constant compiles to None."""

    def __init__(self, names: frozenset[str] | None) -> None:
        self.names = names
        self.templates: list[Template] = []
        self.flaws: list[Flaw] = []
        self.lookups: dict[str, Lookup] = {}

    def whole(self, value: object, path: KeyPath) -> Closure | None:
        """All of it, with a budget of its own."""
        if isinstance(value, str):
            template = self.text(value, path)
            return template.value if template else None
        make = self.node(value, path)
        return with_budget(make) if make else None

    def node(self, value: object, path: KeyPath) -> Closure | None:
        if isinstance(value, str):
            template = self.text(value, path)
            return template.value_in if template else None
        if isinstance(value, dict):
            return self.mapping(value, path)
        if isinstance(value, (list, tuple)):
            return self.listed(value, path)
        return None

    def text(self, value: str, path: KeyPath, at_key: bool = False) -> Template | None:
        try:
            template = compile_text(value, path, names=self.names)
        except InvalidInputError as why:
            self.flaws += [Flaw(flaw.path, flaw.message, flaw.hint, at_key) for flaw in why.flaws]
            return None
        if template.constant and template.text == value:
            return None
        self.templates.append(template)
        self.lookups[value] = template.lookup
        return template

    def listed(self, value: list[Any] | tuple[Any, ...], path: KeyPath) -> Closure | None:
        parts = [(item, self.node(item, (*path, index))) for index, item in enumerate(value)]
        if all(make is None for _, make in parts):
            return None
        return lambda scope: [item if make is None else make(scope) for item, make in parts]

    def mapping(self, value: dict[Any, Any], path: KeyPath) -> Closure | None:
        parts = [
            (key, self.key(key, (*path, key)), item, self.node(item, (*path, key)))
            for key, item in value.items()
        ]
        if all(name is None and make is None for _, name, _, make in parts):
            return None

        if all(name is None for _, name, _, _ in parts):
            return _filled(
                value, [(key, make, *self.lookup(item)) for key, _, item, make in parts if make is not None]
            )

        def mapped(scope: Scope) -> dict[Any, Any]:
            return {
                (key if name is None else name.render_in(scope)): (item if make is None else make(scope))
                for key, name, item, make in parts
            }

        return mapped

    def lookup(self, item: object) -> Lookup:
        """The word and the keys of a value that only looks something up; else nothing."""
        return self.lookups.get(item, NO_LOOKUP) if isinstance(item, str) else NO_LOOKUP

    def key(self, key: object, path: KeyPath) -> Template | None:
        return self.text(key, path, at_key=True) if isinstance(key, str) else None


def _filled(whole: dict[Any, Any], varying: list[tuple[Any, Closure, str, tuple[str, ...]]]) -> Closure:
    """A mapping in which only some values vary. Those that are only looked up are so here, as `looked_up` does it."""

    def filled(scope: Scope) -> dict[Any, Any]:
        found = whole.copy()
        words = scope.values
        for key, make, word, names in varying:
            value = words.get(word, NOTHING)
            for name in names:
                value = value.get(name, NOTHING) if value.__class__ is dict else NOTHING
            found[key] = value if value.__class__ in HANDED_ON else make(scope)
        return found

    return filled
