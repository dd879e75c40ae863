"""Calls of functions and methods, from Jinja2's syntax tree to closures; arguments are counted at load."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import nodes

from mockserver.errors import near
from mockserver.templating import generated, methods
from mockserver.templating.fake import FAKES, fake
from mockserver.templating.fake import missing as no_faker
from mockserver.templating.functions import FUNCTIONS, moved, read_shift
from mockserver.templating.parser import Compile, MissingLibraryError, SyntaxRefusedError, TemplateContext
from mockserver.templating.scope import NOTHING, Closure, RenderError, Scope


class Arguments:
    """The compiled arguments of a call, evaluated once per call."""

    __slots__ = ("by_name", "by_place")

    def __init__(self, reading: TemplateContext, node: Any, *, optional: bool = False) -> None:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise SyntaxRefusedError(
                "`*` and `**` are not part of templates here", "Write the arguments out", node.lineno
            )
        compiled = reading.optional if optional else reading.expression
        self.by_place = [compiled(item) for item in node.args]
        self.by_name = {item.key: compiled(item.value) for item in node.kwargs}

    def places(self, scope: Scope) -> list[Any]:
        return [item(scope) for item in self.by_place]

    def names(self, scope: Scope) -> dict[str, Any]:
        if not self.by_name:
            return {}
        return {name: item(scope) for name, item in self.by_name.items()}

    def check(self, title: str, takers: list[Callable[..., Any]], given: int, line: int) -> None:
        """Reject arguments that none of `takers` accepts; the first `given` positions are filled already."""
        for taker in takers:
            try:
                inspect.signature(taker).bind(
                    *[None] * (given + len(self.by_place)), **dict.fromkeys(self.by_name)
                )
            except TypeError:
                continue
            return
        hint = f"It is {usage(title, takers[0], given)}"
        raise SyntaxRefusedError(f"the arguments of {title} don't fit", hint, line)

    def bound(self, function: Callable[..., Any]) -> Callable[[Scope], Callable[[Any], Any]]:
        """For a scope, return a function of one value; the arguments are evaluated once, not for each value."""

        def bind(scope: Scope) -> Callable[[Any], Any]:
            places, names = self.places(scope), self.names(scope)
            return lambda value: function(scope, value, *places, **names)

        return bind

    def applied(self, reading: TemplateContext, function: Callable[..., Any]) -> Closure:
        """`function(scope, *arguments)`."""

        def applied(scope: Scope) -> object:
            return function(scope, *self.places(scope), **self.names(scope))

        if not self.by_name:
            arguments = [reading.code(item) for item in self.by_place]
            reading.codes[applied] = generated.function(function, arguments)
        return applied

    def applied_to(self, reading: TemplateContext, function: Callable[..., Any], value: Closure) -> Closure:
        """`function(scope, value, *arguments)`; NOTHING if the value is NOTHING."""

        def applied(scope: Scope) -> object:
            result = value(scope)
            if result is NOTHING:
                return result
            return function(scope, result, *self.places(scope), **self.names(scope))

        if not self.by_name:
            arguments = [reading.code(item) for item in self.by_place]
            reading.codes[applied] = generated.filtered(reading.code(value), function, arguments)
        return applied


def usage(title: str, taker: Callable[..., Any], given: int) -> str:
    """Return the signature of a function: `random_int(a, b)`, `date(moment, shift='', form=None)`."""
    parts = []
    for parameter in list(inspect.signature(taker).parameters.values())[given:]:
        bare = parameter.default is inspect.Parameter.empty
        parts.append(parameter.name if bare else f"{parameter.name}={parameter.default!r}")
    return f"{title}({', '.join(parts)})"


def _call(reading: TemplateContext, node: nodes.Call) -> Closure:
    target = node.node
    if isinstance(target, nodes.Name) and target.name not in reading.bound:
        return _function(reading, node, target.name)
    if isinstance(target, nodes.Getattr):
        if isinstance(target.node, nodes.Name) and target.node.name == "fake" and "fake" not in reading.bound:
            return _fake(reading, node, target.attr)
        return _method(reading, node, target)
    raise SyntaxRefusedError(
        "only functions and methods can be called", "See docs/templates.md for both", node.lineno
    )


def _function(reading: TemplateContext, node: nodes.Call, name: str) -> Closure:
    function = FUNCTIONS.get(name)
    if function is None:
        raise SyntaxRefusedError(f"there is no function {name}()", near(name, FUNCTIONS), node.lineno)
    reading.functions.add(name)
    arguments = Arguments(reading, node)
    arguments.check(name, [function], 1, node.lineno)
    if name == "jsonpath":
        _check_query(node)
    if name == "date":
        _check_date(node)
    return arguments.applied(reading, function)


def _check_date(node: nodes.Call) -> None:
    """Validate literal times and shifts, so that wrong ones fail at load."""
    named = {pair.key: pair.value for pair in node.kwargs}
    given = dict(zip(("moment", "shift"), node.args, strict=False)) | named
    moment = given.get("moment")
    try:
        for shift in _possible(given.get("shift")) if "shift" in given else [""]:
            read_shift(shift)
            if isinstance(moment, nodes.Const):
                moved(moment.value, shift)
    except RenderError as error:
        raise SyntaxRefusedError(str(error), "", node.lineno) from error


_MOST_POSSIBLE = 32


def _possible(node: nodes.Node | None) -> list[Any]:
    """Return possible values of an expression, as far as they are literals."""
    match node:
        case nodes.Const():
            return [node.value]
        case nodes.Neg() | nodes.Pos():
            return _possible(node.node)
        case nodes.CondExpr():
            return _possible(node.expr1) + _possible(node.expr2)
        case nodes.Or():
            return _possible(node.left) + _possible(node.right)
        case nodes.Filter(name="default" | "d", args=[instead, *_]):
            return _possible(node.node) + _possible(instead)
        case nodes.Concat():
            return _joined(node.nodes)
        case nodes.Add():
            return _joined([node.left, node.right])
    return []


def _joined(parts: list[nodes.Expr]) -> list[Any]:
    """Return the possible concatenations of the parts; none if a part is unknown."""
    result = [""]
    for part in parts:
        texts = [str(item) for item in _possible(part) if isinstance(item, str) or type(item) is int]
        result = [before + text for before in result for text in texts][:_MOST_POSSIBLE]
    return list(result)


def _check_query(node: nodes.Call) -> None:
    """Validate a literal query, so that a wrong one fails at load."""
    try:
        from mockserver.templating import jsonpath as template_jsonpath
    except ImportError as error:
        raise _lacking_jsonpath(node.lineno) from error
    for item in (*node.args[1:], *(pair.value for pair in node.kwargs if pair.key == "q")):
        if isinstance(item, nodes.Const) and isinstance(item.value, str):
            try:
                template_jsonpath.compile_query(item.value)
            except template_jsonpath.JsonPathError as error:
                raise SyntaxRefusedError(
                    str(error), "See RFC 9535; such as '$.items[*].sku'", node.lineno
                ) from error


def _lacking_jsonpath(line: int) -> Exception:
    try:
        import jsonpath_rfc9535  # noqa: F401  (only whether it is there)
    except ImportError:
        return MissingLibraryError("jsonpath()", "jsonpath")
    hint = "Install the one that fits with the extra mockserver[jsonpath]"
    return SyntaxRefusedError("the installed jsonpath-rfc9535 is not of version 1", hint, line)


def _fake(reading: TemplateContext, node: nodes.Call, name: str) -> Closure:
    if name not in FAKES:
        raise SyntaxRefusedError(f"there is no fake.{name}()", near(name, FAKES), node.lineno)
    if no_faker():
        raise MissingLibraryError(f"fake.{name}()", "fake")
    arguments = Arguments(reading, node)
    taken = FAKES[name]
    if len(node.args) > len(taken) or not arguments.by_name.keys() <= set(taken[len(node.args) :]):
        raise SyntaxRefusedError(
            f"the arguments of fake.{name} don't fit", f"It is fake.{name}({', '.join(taken)})", node.lineno
        )
    reading.functions.add("fake")
    return lambda scope: fake(scope, name, arguments.places(scope), arguments.names(scope))


def _method(reading: TemplateContext, node: nodes.Call, target: nodes.Getattr) -> Closure:
    name = target.attr
    result = methods.candidates(name)
    if not result:
        raise SyntaxRefusedError(f"there is no method {name}()", near(name, methods.NAMES), node.lineno)
    value, arguments = reading.expression(target.node), Arguments(reading, node)
    arguments.check(name, result, 2, node.lineno)
    method = _get if name == "get" else partial(methods.call_method, name)
    return arguments.applied_to(reading, method, value)


def _get(scope: Scope, value: object, *args: Any, **kwargs: Any) -> object:
    """Return `value.get(key, default)`, the most common method."""
    if kwargs or not isinstance(value, dict):
        return methods.call_method("get", scope, value, *args, **kwargs)
    try:
        return value.get(*args)
    except TypeError as error:
        raise methods.unfit("get", value, args) from error


EXPRESSIONS: dict[type[nodes.Node], Compile] = {nodes.Call: _call}
