"""Filters and tests, from Jinja2's syntax tree to closures; those that need more than a value are defined here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import nodes

from mockserver.errors import near
from mockserver.templating import generated
from mockserver.templating.access import first_defined
from mockserver.templating.calls import Arguments
from mockserver.templating.filters import FILTERS
from mockserver.templating.list_filters import by_attribute
from mockserver.templating.parser import Compile, SyntaxRefusedError, TemplateContext
from mockserver.templating.scope import NOTHING, Closure, Scope, UndefinedError
from mockserver.templating.tests import TESTS
from mockserver.templating.values import elements

Bind = Callable[[Scope], Callable[[Any], Any]]


def _filter(reading: TemplateContext, node: nodes.Filter, *, optional: bool = False) -> Closure:
    if node.name in ("default", "d"):
        return _default(reading, node, optional=optional)
    special = SPECIAL_FILTERS.get(node.name)
    if special is not None:
        return special(reading, node)
    function = _known_filter(node.name, node.lineno)
    value, arguments = _operand(reading, node, optional=optional), Arguments(reading, node)
    arguments.check(node.name, [function], 2, node.lineno)
    return arguments.applied_to(reading, function, value)


def _operand(reading: TemplateContext, node: nodes.Filter, *, optional: bool = False) -> Closure:
    """Compile the operand of a filter."""
    assert node.node is not None  # only a filter block has none, and that is rejected
    return reading.optional(node.node) if optional else reading.expression(node.node)


def _known_filter(name: str, line: int) -> Callable[..., Any]:
    if name in FILTERS:
        return FILTERS[name]
    raise SyntaxRefusedError(
        f"there is no filter {name!r}", near(name, FILTERS.keys() | SPECIAL_FILTERS.keys()), line
    )


def _test(reading: TemplateContext, node: nodes.Test, *, optional: bool = False) -> Closure:
    if node.name in SPECIAL_TESTS:
        return _defined(reading.optional(node.node), node.name == "defined")
    value = reading.optional(node.node) if optional else reading.expression(node.node)
    function, arguments = _known_test(node.name, node.lineno), Arguments(reading, node)
    arguments.check(node.name, [function], 2, node.lineno)
    return arguments.applied_to(reading, function, value)


def _known_test(name: str, line: int) -> Callable[..., Any]:
    if name in TESTS:
        return TESTS[name]
    raise SyntaxRefusedError(f"there is no test {name!r}", near(name, TESTS.keys() | SPECIAL_TESTS), line)


def _defined(value: Closure, wanted: bool) -> Closure:
    def defined(scope: Scope) -> bool:
        try:
            return (value(scope) is not NOTHING) is wanted
        except UndefinedError:
            return not wanted

    return defined


def _default(reading: TemplateContext, node: nodes.Filter, *, optional: bool = False) -> Closure:
    """
    Replace an undefined value, also in the middle of a look-up.

    The default is evaluated only if needed: it may be undefined itself.
    """
    value = _operand(reading, node, optional=True)
    is_plain = len(node.args) == 1 and not node.kwargs
    arguments = Arguments(reading, node, optional=optional and is_plain)
    arguments.check(node.name, [_pick], 1, node.lineno)
    if is_plain:
        return _first_defined(reading, value, arguments.by_place[0])
    also_empty = len(arguments.by_place) > 1 or "boolean" in arguments.by_name

    def defaulted(scope: Scope) -> object:
        try:
            result = value(scope)
        except UndefinedError:
            result = NOTHING
        if result is not NOTHING and (not also_empty or result):
            return result
        return _pick(result, *arguments.places(scope), **arguments.names(scope))

    return defaulted


def _first_defined(reading: TemplateContext, value: Closure, otherwise: Closure) -> Closure:
    """Combine a chain of defaults into one closure."""
    tries = reading.tries.get(value, (value,))
    result = first_defined(tries, otherwise)
    lookups = [code for code in map(reading.code, tries) if isinstance(code, generated.Lookup)]
    if len(lookups) == len(tries):
        reading.codes[result] = generated.first_defined(lookups, reading.code(otherwise), result)
    reading.tries[result] = (*tries, otherwise)
    return result


def _pick(result: object, default_value: object = "", boolean: object = False) -> object:
    return default_value if result is NOTHING or (boolean and not result) else result


def _map(reading: TemplateContext, node: nodes.Filter) -> Closure:
    source, arguments = _operand(reading, node), Arguments(reading, node)
    if not node.args and "attribute" in arguments.by_name:
        arguments.check("map", [_attribute_of], 2, node.lineno)
        bind = arguments.bound(_attribute_of)
    else:
        name = _literal(node, 0, "the name of a filter")
        del arguments.by_place[0]
        function = _known_filter(name, node.lineno)
        arguments.check(name, [function], 2, node.lineno)
        bind = arguments.bound(function)

    def mapped(scope: Scope) -> list[Any]:
        make = bind(scope)
        return [make(item) for item in elements(scope, source(scope))]

    return mapped


def _attribute_of(_scope: Scope, item: object, attribute: str | int, default: object = NOTHING) -> object:
    try:
        return by_attribute(item, attribute)
    except UndefinedError:
        if default is NOTHING:
            raise
        return default


def _selecting(by_key: bool, wanted: bool) -> Compile:
    """Compile `select('odd')`, or by a key of each item: `selectattr('status', 'eq', 'paid')`."""

    def compile_select(reading: TemplateContext, node: nodes.Filter) -> Closure:
        source, arguments = _operand(reading, node), Arguments(reading, node)
        key = _literal(node, 0, "a key") if by_key else ""
        bind = _condition(node, arguments, 1 if by_key else 0)

        def selected(scope: Scope) -> list[Any]:
            holds = bind(scope)
            result = elements(scope, source(scope))
            return [item for item in result if bool(holds(_key_of(item, key))) is wanted]

        return selected

    return compile_select


def _key_of(item: object, key: str) -> object:
    if not key:
        return item
    try:
        return by_attribute(item, key)
    except UndefinedError:
        return NOTHING


def _condition(node: nodes.Filter, arguments: Arguments, place: int) -> Bind:
    """Return the test of an item; by default its truth. A missing key passes only `undefined`."""
    if len(node.args) <= place:
        return lambda _scope: lambda result: result is not NOTHING and result
    name = _literal(node, place, "the name of a test")
    del arguments.by_place[: place + 1]
    if name in SPECIAL_TESTS:
        wanted = name == "defined"
        return lambda _scope: lambda result: (result is not NOTHING) is wanted
    function = _known_test(name, node.lineno)
    arguments.check(name, [function], 2, node.lineno)
    bind = arguments.bound(function)

    def condition(scope: Scope) -> Callable[[Any], Any]:
        test = bind(scope)
        return lambda result: result is not NOTHING and test(result)

    return condition


def _literal(node: nodes.Filter, place: int, what: str) -> str:
    """Return an argument that must be a literal, so that it can be checked now."""
    if len(node.args) > place:
        item = node.args[place]
        if isinstance(item, nodes.Const) and isinstance(item.value, str):
            return item.value
    raise SyntaxRefusedError(
        f"{node.name} needs {what} in quotes", f"Such as {_EXAMPLES[node.name]}", node.lineno
    )


_EXAMPLES = {
    "map": "map('upper') or map(attribute='name')",
    "select": "select('odd')",
    "reject": "reject('none')",
    "selectattr": "selectattr('status', 'eq', 'paid')",
    "rejectattr": "rejectattr('deleted')",
}

SPECIAL_TESTS = frozenset({"defined", "undefined"})
SPECIAL_FILTERS: dict[str, Compile] = {
    "default": _default,
    "d": _default,
    "map": _map,
    "select": _selecting(False, True),
    "reject": _selecting(False, False),
    "selectattr": _selecting(True, True),
    "rejectattr": _selecting(True, False),
}
EXPRESSIONS: dict[type[nodes.Node], Compile] = {nodes.Filter: _filter, nodes.Test: _test}
OPTIONAL: dict[type[nodes.Node], Compile] = {
    nodes.Filter: partial(_filter, optional=True),
    nodes.Test: partial(_test, optional=True),
}
"""Return a closure in which a filter or test of NOTHING is NOTHING."""
