"""Literals and operators, from Jinja2's syntax tree to closures."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NoReturn

from jinja2 import nodes

from mockserver.templating import generated, operators
from mockserver.templating.parser import Compile, TemplateContext
from mockserver.templating.scope import NOTHING, Closure, RenderError, Scope, UndefinedError
from mockserver.templating.values import to_text


def literal(node: nodes.Node) -> object:
    """Return the value of a literal such as `['a', 1]`; NOTHING for other expressions."""
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, (nodes.List, nodes.Tuple)):
        items = [literal(item) for item in node.items]
        if any(item is NOTHING for item in items):
            return NOTHING
        return tuple(items) if isinstance(node, nodes.Tuple) else items
    return {} if isinstance(node, nodes.Dict) and not node.items else NOTHING


def _constantly(reading: TemplateContext, value: object) -> Closure:
    def constantly(_scope: Scope) -> object:
        return value

    reading.codes[constantly] = generated.constant(value, constantly)
    return constantly


def _const(reading: TemplateContext, node: nodes.Const) -> Closure:
    return _constantly(reading, node.value)


def _listed(reading: TemplateContext, node: nodes.List | nodes.Tuple) -> Closure:
    parts = [reading.expression(item) for item in node.items]
    written = literal(node)
    if written is not NOTHING:
        return _constantly(reading, written)
    make = tuple if isinstance(node, nodes.Tuple) else list

    return lambda scope: make([part(scope) for part in parts])


def _dict(reading: TemplateContext, node: nodes.Dict) -> Closure:
    if not node.items:
        return _constantly(reading, {})
    pairs = [(reading.expression(item.key), reading.expression(item.value)) for item in node.items]

    def mapped(scope: Scope) -> object:
        result = {}
        for key, value in pairs:
            name = key(scope)
            if isinstance(name, (list, tuple, dict)):
                raise RenderError("a list or mapping is not a valid mapping key")
            result[name] = value(scope)
        return result

    return mapped


# Operators


def _binary(operate: operators.Operator) -> Callable[[TemplateContext, nodes.BinExpr], Closure]:
    def compile_binary(reading: TemplateContext, node: nodes.BinExpr) -> Closure:
        left, right = reading.expression(node.left), reading.expression(node.right)
        return lambda scope: operate(scope, left(scope), right(scope))

    return compile_binary


def _and(reading: TemplateContext, node: nodes.And) -> Closure:
    left, right = reading.expression(node.left), reading.expression(node.right)

    def both(scope: Scope) -> object:
        return left(scope) and right(scope)

    reading.codes[both] = generated.joined(ast.And(), reading.code(left), reading.code(right))
    return both


def _or(reading: TemplateContext, node: nodes.Or) -> Closure:
    left, right = reading.expression(node.left), reading.expression(node.right)

    def either(scope: Scope) -> object:
        return left(scope) or right(scope)

    reading.codes[either] = generated.joined(ast.Or(), reading.code(left), reading.code(right))
    return either


def _not(reading: TemplateContext, node: nodes.Not) -> Closure:
    return _negated(reading, reading.expression(node.node))


def _optional_not(reading: TemplateContext, node: nodes.Not) -> Closure:
    return _negated(reading, reading.optional(node.node))


def _negated(reading: TemplateContext, value: Closure) -> Closure:
    def negated(scope: Scope) -> object:
        result = value(scope)
        return result if result is NOTHING else not result

    reading.codes[negated] = generated.negation(reading.code(value))
    return negated


def _unary(operate: Callable[[Scope, Any], Any]) -> Callable[[TemplateContext, nodes.UnaryExpr], Closure]:
    def compile_unary(reading: TemplateContext, node: nodes.UnaryExpr) -> Closure:
        value = reading.expression(node.node)
        return lambda scope: operate(scope, value(scope))

    return compile_unary


def _comparing(operand: Compile) -> Compile:
    """Return the compiler of a comparison. `operand` compiles the first operand, whose NOTHING is propagated."""

    def compile_compare(reading: TemplateContext, node: nodes.Compare) -> Closure:
        first = operand(reading, node.expr)
        rest = [(operators.COMPARISONS[item.op], reading.expression(item.expr)) for item in node.ops]
        if len(rest) == 1:
            return _compared(reading, first, node.ops[0].op, rest[0][1], literal(node.ops[0].expr))

        def chained(scope: Scope) -> object:
            left = first(scope)
            if left is NOTHING:
                return left
            for holds, get in rest:
                right = get(scope)
                if not holds(scope, left, right):
                    return False
                left = right
            return True

        return chained

    return compile_compare


def _compared(reading: TemplateContext, first: Closure, op: str, second: Closure, written: object) -> Closure:
    """`written` is the second operand if it is a literal, else NOTHING. Free comparisons use Python's operators."""
    holds = operators.COMPARISONS[op]

    def compared(scope: Scope) -> object:
        left = first(scope)
        if left is NOTHING:
            return left
        return holds(scope, left, second(scope))

    def compared_to_written(scope: Scope, left: object) -> object:
        return left if left is NOTHING else holds(scope, left, written)

    code = reading.code(first)
    if op in generated.COMPARED and isinstance(written, (int, str)):
        reading.codes[compared] = generated.comparison(code, op, written, compared_to_written)
    else:
        reading.codes[compared] = generated.filtered(code, holds, [reading.code(second)])
    return compared


def _concat(reading: TemplateContext, node: nodes.Concat) -> Closure:
    parts = [reading.expression(part) for part in node.nodes]

    def joined(scope: Scope) -> str:
        return "".join([to_text(scope, part(scope)) for part in parts])

    return joined


def _condition(reading: TemplateContext, node: nodes.CondExpr) -> Closure:
    test, then = reading.expression(node.test), reading.expression(node.expr1)
    otherwise: Closure = _absent if node.expr2 is None else reading.expression(node.expr2)

    def chosen(scope: Scope) -> object:
        return then(scope) if test(scope) else otherwise(scope)

    reading.codes[chosen] = generated.condition(*map(reading.code, (test, then, otherwise)))
    return chosen


def _absent(_scope: Scope) -> NoReturn:
    raise UndefinedError("the value of an `if` without `else`", why="its condition doesn't hold")


EXPRESSIONS: dict[type[nodes.Node], Compile] = {
    nodes.Const: _const,
    nodes.List: _listed,
    nodes.Tuple: _listed,
    nodes.Dict: _dict,
    nodes.Add: _binary(operators.add),
    nodes.Sub: _binary(operators.subtract),
    nodes.Mul: _binary(operators.multiply),
    nodes.Div: _binary(operators.divide),
    nodes.FloorDiv: _binary(operators.floor_divide),
    nodes.Mod: _binary(operators.modulo),
    nodes.Neg: _unary(operators.negative),
    nodes.Pos: _unary(operators.positive),
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: _not,
    nodes.Compare: _comparing(TemplateContext.expression),
    nodes.Concat: _concat,
    nodes.CondExpr: _condition,
}
OPTIONAL: dict[type[nodes.Node], Compile] = {
    nodes.Not: _optional_not,
    nodes.Compare: _comparing(TemplateContext.optional),
}
"""Return a closure that is NOTHING if its first operand is."""
