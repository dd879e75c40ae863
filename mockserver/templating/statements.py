"""Text, output, `if`, `for` and `set`, from Jinja2's syntax tree to closures that write into a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from mockserver.templating.access import Loop
from mockserver.templating.parser import SyntaxRefusedError, TemplateContext, refused
from mockserver.templating.scope import (
    CHAR_LIMIT,
    NO_LOCALS,
    NODES_A_STEP,
    PYTHON_ERRORS,
    STEP_LIMIT,
    Closure,
    Lookup,
    RenderError,
    Scope,
    located,
)
from mockserver.templating.values import elements, kind_of, printed, to_text

Statement = Callable[[Scope, list[str]], None]


Fail = Callable[[Exception], Exception]
"""Names an error as the template's."""
Writing = Callable[[Fail, bool], Callable[[Scope], str]]
"""Makes what writes a template, once it is told how errors are named, and whether each render has a whole budget."""
Pieces = list[tuple[Closure | None, str, int, str, tuple[str, ...]]]
"""Parts, each with the word and the keys where it only looks something up."""


def block(reading: TemplateContext, body: list[nodes.Node]) -> Statement:
    """A run of statements; what it costs is known beforehand and paid at once."""
    before = reading.count
    if len(body) == 1 and isinstance(body[0], nodes.Output):
        return _writing(*_only_output(reading, body[0]))
    steps = [(node.lineno, statement(reading, node)) for node in body]
    cost = len(steps) + (reading.count - before) // NODES_A_STEP

    def run(scope: Scope, out: list[str]) -> None:
        line = 0
        scope.take_steps(cost)
        try:
            for line, step in steps:  # noqa: B007  (the line at which it failed)
                step(scope, out)
        except (RenderError, *PYTHON_ERRORS) as why:
            raise located(why, line) from why

    return run


def _only_output(reading: TemplateContext, node: nodes.Output) -> tuple[Parts, int]:
    before = reading.count
    reading.depth += 1
    parts = _parts(reading, node)
    reading.depth -= 1
    return parts, 1 + (reading.count - before) // NODES_A_STEP


def text_of(reading: TemplateContext, body: list[nodes.Node]) -> Writing:
    """What a whole template writes."""
    if len(body) == 1 and isinstance(body[0], nodes.Output):
        parts, cost = _only_output(reading, body[0])
        pieces = [(*part, *reading.lookup(part[0])) for part in parts]
        return lambda fail, fresh: _joined(pieces, cost, fail, fresh)
    run = block(reading, body)
    return lambda fail, fresh: _gathered(run, fail, fresh)


def text_of_value(value: Closure | None, line: int, lookup: Lookup) -> Writing:
    """The text of a template that is one expression."""
    pieces: Pieces = [(value, "", line, *lookup)]
    return lambda fail, fresh: _joined(pieces, 0, fail, fresh)


def _gathered(run: Statement, fail: Fail, fresh: bool) -> Callable[[Scope], str]:
    def text(scope: Scope) -> str:
        if fresh:
            scope.steps, scope.chars = STEP_LIMIT, CHAR_LIMIT
        scope.locals = NO_LOCALS
        out: list[str] = []
        try:
            run(scope, out)
        except (RenderError, *PYTHON_ERRORS) as why:
            raise fail(why) from why
        return "".join(out)

    return text


def _joined(parts: Pieces, cost: int, fail: Fail, fresh: bool) -> Callable[[Scope], str]:
    """The same as `_writing`, for a template that is nothing else. What is only looked up is so here."""

    def text(scope: Scope) -> str:
        if fresh:
            scope.steps, scope.chars = STEP_LIMIT, CHAR_LIMIT
        line = 0
        out = []
        try:
            scope.steps -= cost
            if scope.steps < 0:
                scope.take_steps(0)
            for value, written, line, word, keys in parts:  # noqa: B007  (the line at which it failed)
                piece: Any = written
                if value is not None:
                    piece = scope.values.get(word)
                    for key in keys:
                        piece = piece.get(key) if piece.__class__ is dict else None
                    if piece.__class__ is not str:
                        piece = value(scope)
                        if piece.__class__ is not str:
                            piece = printed(scope, piece)
                scope.chars -= len(piece)
                if scope.chars < 0:
                    scope.take_chars(0)
                out.append(piece)
        except (RenderError, *PYTHON_ERRORS) as why:
            raise fail(located(why, line)) from why
        return "".join(out)

    return text


def statement(reading: TemplateContext, node: nodes.Node) -> Statement:
    compile_node = STATEMENTS.get(type(node))
    if compile_node is None:
        raise refused(node)
    reading.depth += 1
    compiled = compile_node(reading, node)
    reading.depth -= 1
    return compiled


Parts = list[tuple[Closure | None, str, int]]
"""An expression, or a text as it stands, and the line that an error names."""


def _output(reading: TemplateContext, node: nodes.Output) -> Statement:
    return _writing(_parts(reading, node), 0)


def _parts(reading: TemplateContext, node: nodes.Output) -> Parts:
    return [
        (None, part.data, node.lineno)
        if isinstance(part, nodes.TemplateData)
        else (reading.expression(part), "", part.lineno)
        for part in node.nodes
    ]


def _writing(parts: Parts, cost: int) -> Statement:
    def write(scope: Scope, out: list[str]) -> None:
        scope.take_steps(cost)
        line = 0
        try:
            for value, text, line in parts:  # noqa: B007  (the line at which it failed)
                if value is not None:
                    out.append(to_text(scope, value(scope)))
                else:
                    scope.take_chars(len(text))
                    out.append(text)
        except (RenderError, *PYTHON_ERRORS) as why:
            raise located(why, line) from why

    return write


def _if(reading: TemplateContext, node: nodes.If) -> Statement:
    branches = [(reading.expression(one.test), block(reading, one.body)) for one in (node, *node.elif_)]
    otherwise = block(reading, node.else_) if node.else_ else None

    def choose(scope: Scope, out: list[str]) -> None:
        for test, body in branches:
            if test(scope):
                body(scope, out)
                return
        if otherwise is not None:
            otherwise(scope, out)

    return choose


Assign = Callable[[dict[str, Any], Any], None]


def _target(node: nodes.Node) -> tuple[list[str], Assign]:
    """The names that `for` or `set` binds, and how."""
    if isinstance(node, nodes.Name):
        name = node.name
        return [name], lambda known, value: known.__setitem__(name, value)
    if isinstance(node, nodes.Tuple) and all(isinstance(item, nodes.Name) for item in node.items):
        names = [item.name for item in node.items if isinstance(item, nodes.Name)]
        return names, lambda known, value: known.update(
            zip(names, _taken_apart(value, len(names)), strict=True)
        )
    raise refused(node)


def _taken_apart(value: object, count: int) -> Any:
    if not isinstance(value, (list, tuple)):
        raise RenderError(f"can't take {kind_of(value)} apart into {count} names")
    if len(value) != count:
        raise RenderError(f"can't take {len(value)} values apart into {count} names")
    return value


def _set(reading: TemplateContext, node: nodes.Assign) -> Statement:
    value = reading.expression(node.node)
    names, assign = _target(node.target)
    reading.bound.update(names)

    def bind(scope: Scope, _out: list[str]) -> None:
        known = dict(scope.locals)
        scope.take_steps(len(known) // NODES_A_STEP)
        assign(known, value(scope))
        scope.locals = known

    return bind


def _for(reading: TemplateContext, node: nodes.For) -> Statement:
    if node.recursive:
        raise SyntaxRefusedError(
            "`recursive` is not part of templates here", "Write the loops out", node.lineno
        )
    source = reading.expression(node.iter)
    names, assign = _target(node.target)
    outside = set(reading.bound)
    reading.bound.update(names)
    wanted = reading.expression(node.test) if node.test is not None else None
    reading.bound.add("loop")
    body = block(reading, node.body)
    reading.bound = set(outside)
    otherwise = block(reading, node.else_) if node.else_ else None
    reading.bound = outside
    return _loop(source, assign, wanted, body, otherwise)


def _loop(
    source: Closure, assign: Assign, wanted: Closure | None, body: Statement, otherwise: Statement | None
) -> Statement:
    def loop(scope: Scope, out: list[str]) -> None:
        around = scope.locals
        found = elements(scope, source(scope), "loop over")
        if wanted is not None:
            found = [item for item in found if _holds(scope, around, assign, wanted, item)]
        for index, item in enumerate(found):
            _enter(scope, around, assign, item)["loop"] = Loop(index, len(found))
            body(scope, out)
        scope.locals = around
        if not found and otherwise is not None:
            otherwise(scope, out)
            scope.locals = around

    return loop


def _enter(scope: Scope, around: dict[str, Any], assign: Assign, item: object) -> dict[str, Any]:
    """A fresh set of variables for one turn: what a turn sets, the next doesn't see."""
    scope.take_steps(len(around) // NODES_A_STEP)
    known = dict(around)
    assign(known, item)
    scope.locals = known
    return known


def _holds(scope: Scope, around: dict[str, Any], assign: Assign, wanted: Closure, item: object) -> bool:
    _enter(scope, around, assign, item)
    return bool(wanted(scope))


STATEMENTS: dict[type[nodes.Node], Callable[[TemplateContext, Any], Statement]] = {
    nodes.Output: _output,
    nodes.If: _if,
    nodes.For: _for,
    nodes.Assign: _set,
}
