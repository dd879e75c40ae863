"""JSON-like trees whose strings, keys included, may be templates: compiled once, constant parts shared."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, invalid
from mockserver.templating import generated
from mockserver.templating.generated import Listed, Mapped, Write, Writer
from mockserver.templating.scope import Closure, Scope
from mockserver.templating.texts import Template, compile_text


class Tree:
    """
    A compiled tree. A string that is one whole expression becomes the value of the expression.

    Its templates share one budget. Parts without templates are the same objects in every value: don't change them. The
    function of its value is created on first use.
    """

    __slots__ = ("_constant", "_write", "constant", "functions", "names", "value")

    value: Closure
    """Return the tree with its templates filled in. Raises TemplateError."""

    def __init__(self, constant: object, write: Write | None, templates: list[Template]) -> None:
        self._constant = constant
        self._write = write
        self.constant = write is None
        self.names = frozenset[str]().union(*(item.names for item in templates))
        self.functions = frozenset[str]().union(*(item.functions for item in templates))

    def __getattr__(self, name: str) -> Closure:
        if name != "value":
            raise AttributeError(name)
        self.value = self._constantly if self._write is None else _function(self._write)
        return self.value

    def json(self, dump: Callable[[Any], str]) -> Callable[[Scope], str]:
        """Return the function of its JSON text, if it is not constant. `dump` encodes any value."""
        assert self._write is not None
        writer = Writer()
        generated.fresh_budget(writer)
        return writer.function(generated.json_of(writer, self._write, dump))

    @property
    def written(self) -> Any:
        """The tree as written, with its templates."""
        return self._constant

    @property
    def constant_value(self) -> Any:
        """The value of a constant tree."""
        return self._constant

    def _constantly(self, _scope: Scope) -> object:
        return self._constant


def filling(word: str, trees: Mapping[str, Tree]) -> Tree:
    """Return a tree whose value is a variable of the scope, with the values of these added, in order."""
    parts = {name: (tree._constant, tree._write) for name, tree in trees.items()}  # noqa: SLF001  (its own module)
    return Tree(trees, generated.filling(word, parts), [])


def filled(written: tuple[object, ...]) -> Callable[[Scope], Any]:
    """Return a function of a nested tuple, with its trees and templates filled in, each within its own budget."""
    writer = Writer()
    return writer.function(_filled(writer, written))


def _filled(writer: Writer, item: object) -> ast.expr:
    if isinstance(item, tuple):
        return generated.tuple_of([_filled(writer, each) for each in item])
    write = item._write if isinstance(item, Tree) else None  # noqa: SLF001  (its own module)
    if isinstance(item, Template):
        write = item.write_text
    if write is None:
        return writer.bind(item.constant_value if isinstance(item, Tree) else item)
    generated.fresh_budget(writer)
    return write(writer)


def _function(write: Write) -> Closure:
    writer = Writer()
    generated.fresh_budget(writer)
    return writer.function(write(writer))


def compile_tree(value: object, path: KeyPath, *, names: frozenset[str] | None = None) -> Tree:
    """Compile every string in a tree. Raises InvalidInputError with all flaws."""
    growing = _Growing(names)
    try:
        write = growing.node(value, path)
    except RecursionError as error:
        raise invalid(path, "the value is nested too deeply", "Flatten it") from error
    if growing.flaws:
        raise InvalidInputError(growing.flaws)
    return Tree(value, write, growing.templates)


class _Growing:
    """A tree that is compiled. Constant parts compile to None."""

    def __init__(self, names: frozenset[str] | None) -> None:
        self.names = names
        self.templates: list[Template] = []
        self.flaws: list[Flaw] = []

    def node(self, value: object, path: KeyPath) -> Write | None:
        if isinstance(value, str):
            template = self.text(value, path)
            return template.write_value if template else None
        if isinstance(value, dict):
            return self.mapping(value, path)
        if isinstance(value, (list, tuple)):
            return self.listed(value, path)
        return None

    def text(self, value: str, path: KeyPath, at_key: bool = False) -> Template | None:
        try:
            template = compile_text(value, path, names=self.names)
        except InvalidInputError as error:
            self.flaws += [Flaw(flaw.path, flaw.message, flaw.hint, at_key) for flaw in error.flaws]
            return None
        if template.constant and template.text == value:
            return None
        self.templates.append(template)
        return template

    def listed(self, value: list[Any] | tuple[Any, ...], path: KeyPath) -> Write | None:
        parts = [(item, self.node(item, (*path, index))) for index, item in enumerate(value)]
        if all(write is None for _, write in parts):
            return None
        return Listed(parts)

    def mapping(self, value: dict[Any, Any], path: KeyPath) -> Write | None:
        parts = [
            (key, self.key(key, (*path, key)), item, self.node(item, (*path, key)))
            for key, item in value.items()
        ]
        if all(name is None and write is None for _, name, _, write in parts):
            return None
        if all(name is None for _, name, _, _ in parts):
            return Mapped(value, {key: write for key, _, _, write in parts if write is not None})
        pairs = [((key, name), (item, write)) for key, name, item, write in parts]
        return lambda writer: generated.mapping_by_keys(writer, pairs)

    def key(self, key: object, path: KeyPath) -> Write | None:
        template = self.text(key, path, at_key=True) if isinstance(key, str) else None
        return template.write_text if template else None
