"""Variables and look-ups, from Jinja2's syntax tree to closures."""

from __future__ import annotations

from functools import partial

from jinja2 import nodes

from mockserver.errors import near
from mockserver.templating import generated
from mockserver.templating.access import (
    PLACES,
    WORD_PARTS,
    look,
    optional_part_closure,
    optional_path_closure,
    optional_subscript_closure,
    part_closure,
    path_closure,
    slice_closure,
    subscript,
    subscript_closure,
)
from mockserver.templating.functions import FUNCTIONS
from mockserver.templating.parser import WORDS, Compile, SyntaxRefusedError, TemplateContext, said
from mockserver.templating.scope import Closure, Scope, Start, Step, UndefinedError


def _local(name: str) -> Closure:
    def local(scope: Scope) -> object:
        if name in scope.locals:
            return scope.locals[name]
        if name in scope.values:
            return scope.values[name]
        raise UndefinedError(name)

    return local


def _check_name(reading: TemplateContext, node: nodes.Name) -> None:
    name = node.name
    if name in reading.known:
        return
    if name == "fake":
        raise SyntaxRefusedError(
            "'fake' is not a value", "Call one of its functions, such as fake.name()", node.lineno
        )
    if name in FUNCTIONS:
        raise SyntaxRefusedError(f"{name!r} is a function", f"Call it: {name}(…)", node.lineno)
    if name in WORDS:
        raise SyntaxRefusedError(f"{name!r} is not known in this place", near("", reading.known), node.lineno)
    raise SyntaxRefusedError(
        f"{name!r} is not known here", near(name, reading.known | FUNCTIONS.keys()), node.lineno
    )


def _check_part(word: str, part: str, line: int) -> None:
    parts = WORD_PARTS[word]
    if part not in parts:
        raise SyntaxRefusedError(f"{word} has no {part!r}", near(part, parts), line)


def _word(reading: TemplateContext, node: nodes.Node) -> str:
    """Return the variable of the scope that a node is, if it is one."""
    if isinstance(node, nodes.Name) and node.name not in reading.bound and node.name in reading.known:
        return str(node.name)
    return ""


def _path(reading: TemplateContext, start: Start, steps: tuple[Step, ...], *, optional: bool) -> Closure:
    closure = (optional_path_closure if optional else path_closure)(start, steps)
    reading.paths[closure] = start, steps
    get = start if isinstance(start, str) else reading.code(start)
    if isinstance(get, str) or (isinstance(get, generated.Lookup) and get.is_free):
        reading.codes[closure] = generated.chain(get, steps, closure, optional=optional)
    return closure


def _step(reading: TemplateContext, get: Closure, step: Step, *, optional: bool) -> Closure:
    """Add a key; a chain of them is one closure."""
    start, steps = reading.paths.get(get, (get, ()))
    return _path(reading, start, (*steps, step), optional=optional)


def _name(reading: TemplateContext, node: nodes.Name, *, optional: bool = False) -> Closure:
    name = node.name
    if name in reading.bound:
        return _local(name)
    _check_name(reading, node)
    reading.names.add(name)
    if name == "now":
        return lambda scope: scope.now()
    return _path(reading, name, (), optional=optional)


def _getattr(reading: TemplateContext, node: nodes.Getattr, *, optional: bool = False) -> Closure:
    if node.attr.startswith("__") and node.attr.endswith("__"):
        hint = f"A key of that name is asked for as {said(node.node)}[{node.attr!r}]"
        raise SyntaxRefusedError(f"{node.attr!r} is Python's, and no part of templates", hint, node.lineno)
    word = _word(reading, node.node)
    if word in WORD_PARTS:
        _check_part(word, node.attr, node.lineno)
        if word == "request":
            reading.names.add(word)
            closure = (optional_part_closure if optional else part_closure)(word, node.attr)
            if node.attr in PLACES:
                place = PLACES[node.attr]
                reading.codes[closure] = generated.request_part(place, closure, optional=optional)
            return closure
    get = reading.optional(node.node) if optional else reading.expression(node.node)
    return _step(reading, get, (node.attr, said(node), look), optional=optional)


def _getitem(reading: TemplateContext, node: nodes.Getitem, *, optional: bool = False) -> Closure:
    if isinstance(node.arg, nodes.Slice):
        get = reading.expression(node.node)
        bounds = [node.arg.start, node.arg.stop, node.arg.step]
        return slice_closure(get, [reading.expression(item) if item is not None else None for item in bounds])
    if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        get = reading.optional(node.node) if optional else reading.expression(node.node)
        reading.expression(node.arg)  # counted like any other
        return _step(reading, get, (node.arg.value, said(node), subscript), optional=optional)
    get = reading.optional(node.node) if optional else reading.expression(node.node)
    closure = optional_subscript_closure if optional else subscript_closure
    return closure(get, reading.expression(node.arg), said(node))


EXPRESSIONS: dict[type[nodes.Node], Compile] = {
    nodes.Name: _name,
    nodes.Getattr: _getattr,
    nodes.Getitem: _getitem,
}
OPTIONAL: dict[type[nodes.Node], Compile] = {
    nodes.Name: partial(_name, optional=True),
    nodes.Getattr: partial(_getattr, optional=True),
    nodes.Getitem: partial(_getitem, optional=True),
}
