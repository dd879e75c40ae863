"""Text, output, `if`, `for` and `set`, from Jinja2's syntax tree to closures that write into a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from mockserver.templating.access import Loop
from mockserver.templating.generated import Code
from mockserver.templating.parser import SyntaxRefusedError, TemplateContext, refused
from mockserver.templating.scope import (
    NO_LOCALS,
    NODES_A_STEP,
    PYTHON_ERRORS,
    Closure,
    RenderError,
    Scope,
    located,
)
from mockserver.templating.values import elements, kind_of, to_text

Statement = Callable[[Scope, list[str]], None]


Text = tuple[list[str | Code], int, int, Statement]
"""Parts on one line, the steps to join them, the line, and the equivalent closures."""


def block(reading: TemplateContext, body: list[nodes.Node]) -> Statement:
    """A run of statements, whose known cost is paid at once."""
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
        except (RenderError, *PYTHON_ERRORS) as error:
            raise located(error, line) from error

    return run


def _only_output(reading: TemplateContext, node: nodes.Output) -> tuple[Parts, int]:
    before = reading.count
    reading.depth += 1
    parts = _parts(reading, node)
    reading.depth -= 1
    return parts, 1 + (reading.count - before) // NODES_A_STEP


def text_of(reading: TemplateContext, body: list[nodes.Node]) -> Text | Statement:
    """Return the code that writes a whole template."""
    if len(body) == 1 and isinstance(body[0], nodes.Output):
        parts, cost = _only_output(reading, body[0])
        lines = {line for _, _, line in parts}
        if len(lines) == 1:
            codes = [text if value is None else reading.code(value) for value, text, _ in parts]
            return codes, cost, lines.pop(), _writing(parts, cost)
        return _writing(parts, cost)
    return block(reading, body)


def text_of_value(reading: TemplateContext, value: Closure, line: int) -> Text:
    """Return the code for a template that is one expression."""
    return [reading.code(value)], 0, line, _writing([(value, "", line)], 0)


def gathered(run: Statement, scope: Scope) -> str:
    """Return the text of a whole template's statements."""
    scope.locals = NO_LOCALS
    out: list[str] = []
    run(scope, out)
    return "".join(out)


def statement(reading: TemplateContext, node: nodes.Node) -> Statement:
    compile_node = STATEMENTS.get(type(node))
    if compile_node is None:
        raise refused(node)
    reading.depth += 1
    compiled = compile_node(reading, node)
    reading.depth -= 1
    return compiled


Parts = list[tuple[Closure | None, str, int]]
"""An expression, or a literal text, and the line for errors."""


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
        except (RenderError, *PYTHON_ERRORS) as error:
            raise located(error, line) from error

    return write


def _if(reading: TemplateContext, node: nodes.If) -> Statement:
    branches = [(reading.expression(item.test), block(reading, item.body)) for item in (node, *node.elif_)]
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
    """Return the names that `for` or `set` assigns, and a function that assigns them."""
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
        result = elements(scope, source(scope), "loop over")
        if wanted is not None:
            result = [item for item in result if _holds(scope, around, assign, wanted, item)]
        for index, item in enumerate(result):
            _enter(scope, around, assign, item)["loop"] = Loop(index, len(result))
            body(scope, out)
        scope.locals = around
        if not result and otherwise is not None:
            otherwise(scope, out)
            scope.locals = around

    return loop


def _enter(scope: Scope, around: dict[str, Any], assign: Assign, item: object) -> dict[str, Any]:
    """Create new variables for an iteration, which the next one does not see."""
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
