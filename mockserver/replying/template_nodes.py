"""Names, literals, look-ups and operators, from Jinja2's syntax tree to closures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from mockserver.errors import near
from mockserver.replying import template_operators as operators
from mockserver.replying.template_access import (
    REQUEST_PARTS,
    WORD_PARTS,
    attribute_closure,
    part_closure,
    slice_closure,
    subscript_closure,
)
from mockserver.replying.template_frame import Closure, Failed, Frame, Missing
from mockserver.replying.template_functions import FUNCTIONS
from mockserver.replying.template_reading import WORDS, Compile, Reading, Refused, said
from mockserver.replying.template_values import to_text


def _const(_reading: Reading, node: nodes.Const) -> Closure:
    value = node.value
    return lambda _frame: value


def _listed(reading: Reading, node: nodes.List | nodes.Tuple) -> Closure:
    parts = [reading.expression(item) for item in node.items]
    make = tuple if isinstance(node, nodes.Tuple) else list

    return lambda frame: make([part(frame) for part in parts])


def _dict(reading: Reading, node: nodes.Dict) -> Closure:
    pairs = [(reading.expression(item.key), reading.expression(item.value)) for item in node.items]

    def mapped(frame: Frame) -> Any:
        found = {}
        for key, value in pairs:
            name = key(frame)
            if isinstance(name, (list, tuple, dict)):
                raise Failed("a list or mapping is no key of a mapping")
            found[name] = value(frame)
        return found

    return mapped


def _name(reading: Reading, node: nodes.Name) -> Closure:
    name = node.name
    if name in reading.bound:
        return _local(name)
    _check_name(reading, node)
    reading.names.add(name)
    if name == "now":
        return lambda frame: frame.scope.now()

    def word(frame: Frame) -> Any:
        try:
            return frame.values[name]
        except KeyError:
            raise Missing(name) from None

    return word


def _local(name: str) -> Closure:
    def local(frame: Frame) -> Any:
        if name in frame.locals:
            return frame.locals[name]
        if name in frame.values:
            return frame.values[name]
        raise Missing(name)

    return local


def _check_name(reading: Reading, node: nodes.Name) -> None:
    name = node.name
    if name in reading.known:
        return
    if name == "fake":
        raise Refused("'fake' is no value", "Ask it for one, such as fake.name()", node.lineno)
    if name in FUNCTIONS:
        raise Refused(f"{name!r} is a function", f"Call it: {name}(…)", node.lineno)
    if name in WORDS:
        raise Refused(f"{name!r} is not known in this place", near("", reading.known), node.lineno)
    raise Refused(f"{name!r} is not known here", near(name, reading.known | FUNCTIONS.keys()), node.lineno)


# -- looking into values -----------------------------------------------------


def _getattr(reading: Reading, node: nodes.Getattr) -> Closure:
    if node.attr.startswith("__") and node.attr.endswith("__"):
        hint = f"A key of that name is asked for as {said(node.node)}[{node.attr!r}]"
        raise Refused(f"{node.attr!r} is Python's, and no part of templates", hint, node.lineno)
    word = _word(reading, node.node)
    if word in WORD_PARTS:
        _check_part(word, node.attr, node.lineno)
        if word == "request":
            reading.names.add(word)
            return part_closure(word, REQUEST_PARTS[node.attr])
    return attribute_closure(reading.expression(node.node), node.attr, said(node))


def _word(reading: Reading, node: nodes.Node) -> str:
    """The word of the scope that a node is; else nothing."""
    if isinstance(node, nodes.Name) and node.name not in reading.bound and node.name in reading.known:
        return str(node.name)
    return ""


def _check_part(word: str, part: str, line: int) -> None:
    parts = WORD_PARTS[word]
    if part not in parts:
        raise Refused(f"{word} has no {part!r}", near(part, parts), line)


def _getitem(reading: Reading, node: nodes.Getitem) -> Closure:
    get = reading.expression(node.node)
    if isinstance(node.arg, nodes.Slice):
        bounds = [node.arg.start, node.arg.stop, node.arg.step]
        return slice_closure(get, [reading.expression(one) if one is not None else None for one in bounds])
    return subscript_closure(get, reading.expression(node.arg), said(node))


# -- operators ---------------------------------------------------------------


def _binary(operate: operators.Operator) -> Callable[[Reading, nodes.BinExpr], Closure]:
    def compile_binary(reading: Reading, node: nodes.BinExpr) -> Closure:
        left, right = reading.expression(node.left), reading.expression(node.right)
        return lambda frame: operate(frame, left(frame), right(frame))

    return compile_binary


def _and(reading: Reading, node: nodes.And) -> Closure:
    left, right = reading.expression(node.left), reading.expression(node.right)
    return lambda frame: left(frame) and right(frame)


def _or(reading: Reading, node: nodes.Or) -> Closure:
    left, right = reading.expression(node.left), reading.expression(node.right)
    return lambda frame: left(frame) or right(frame)


def _not(reading: Reading, node: nodes.Not) -> Closure:
    value = reading.expression(node.node)
    return lambda frame: not value(frame)


def _unary(operate: Callable[[Frame, Any], Any]) -> Callable[[Reading, nodes.UnaryExpr], Closure]:
    def compile_unary(reading: Reading, node: nodes.UnaryExpr) -> Closure:
        value = reading.expression(node.node)
        return lambda frame: operate(frame, value(frame))

    return compile_unary


def _compare(reading: Reading, node: nodes.Compare) -> Closure:
    first = reading.expression(node.expr)
    rest = [(operators.COMPARISONS[one.op], reading.expression(one.expr)) for one in node.ops]
    if len(rest) == 1:
        holds, second = rest[0]
        return lambda frame: holds(frame, first(frame), second(frame))

    def chained(frame: Frame) -> Any:
        left = first(frame)
        for holds, get in rest:
            right = get(frame)
            if not holds(frame, left, right):
                return False
            left = right
        return True

    return chained


def _concat(reading: Reading, node: nodes.Concat) -> Closure:
    parts = [reading.expression(part) for part in node.nodes]

    def joined(frame: Frame) -> str:
        return "".join([to_text(frame, part(frame)) for part in parts])

    return joined


def _condition(reading: Reading, node: nodes.CondExpr) -> Closure:
    test, then = reading.expression(node.test), reading.expression(node.expr1)
    otherwise: Closure = _absent if node.expr2 is None else reading.expression(node.expr2)
    return lambda frame: then(frame) if test(frame) else otherwise(frame)


def _absent(_frame: Frame) -> Any:
    raise Missing("the value of an `if` without `else`", why="its condition doesn't hold")


EXPRESSIONS: dict[type[nodes.Node], Compile] = {
    nodes.Const: _const,
    nodes.List: _listed,
    nodes.Tuple: _listed,
    nodes.Dict: _dict,
    nodes.Name: _name,
    nodes.Getattr: _getattr,
    nodes.Getitem: _getitem,
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
    nodes.Compare: _compare,
    nodes.Concat: _concat,
    nodes.CondExpr: _condition,
}
