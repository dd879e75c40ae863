"""Filters and tests, from Jinja2's syntax tree to closures; those that need more than a value stand here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from mockserver.errors import near
from mockserver.replying.template_calls import Arguments
from mockserver.replying.template_filters import FILTERS
from mockserver.replying.template_frame import Closure, Frame, Missing
from mockserver.replying.template_lists import by_attribute
from mockserver.replying.template_reading import Compile, Reading, Refused
from mockserver.replying.template_tests import TESTS
from mockserver.replying.template_values import elements

Bind = Callable[[Frame], Callable[[Any], Any]]


def _filter(reading: Reading, node: nodes.Filter) -> Closure:
    special = SPECIAL_FILTERS.get(node.name)
    if special is not None:
        return special(reading, node)
    function = _known_filter(node.name, node.lineno)
    value, arguments = reading.operand(node), Arguments(reading, node)
    arguments.check(node.name, [function], 2, node.lineno)
    return arguments.applied_to(function, value)


def _known_filter(name: str, line: int) -> Callable[..., Any]:
    if name in FILTERS:
        return FILTERS[name]
    raise Refused(f"there is no filter {name!r}", near(name, FILTERS.keys() | SPECIAL_FILTERS.keys()), line)


def _test(reading: Reading, node: nodes.Test) -> Closure:
    value = reading.expression(node.node)
    if node.name in SPECIAL_TESTS:
        return _defined(value, node.name == "defined")
    function, arguments = _known_test(node.name, node.lineno), Arguments(reading, node)
    arguments.check(node.name, [function], 2, node.lineno)
    return arguments.applied_to(function, value)


def _known_test(name: str, line: int) -> Callable[..., Any]:
    if name in TESTS:
        return TESTS[name]
    raise Refused(f"there is no test {name!r}", near(name, TESTS.keys() | SPECIAL_TESTS), line)


def _defined(value: Closure, wanted: bool) -> Closure:
    def defined(frame: Frame) -> bool:
        try:
            value(frame)
        except Missing:
            return not wanted
        return wanted

    return defined


def _default(reading: Reading, node: nodes.Filter) -> Closure:
    """
    Stands in also for what is missing halfway down a look-up.

    What stands in is looked at only where it is needed: it may be undefined itself.
    """
    value, arguments = reading.operand(node), Arguments(reading, node)
    arguments.check(node.name, [_pick], 1, node.lineno)
    also_empty = len(arguments.by_place) > 1 or "boolean" in arguments.by_name

    def defaulted(frame: Frame) -> Any:
        try:
            found = value(frame)
        except Missing:
            found = _NOTHING
        if found is not _NOTHING and (found or not also_empty):
            return found
        return _pick(found, *arguments.places(frame), **arguments.names(frame))

    return defaulted


_NOTHING = object()


def _pick(found: Any, default_value: Any = "", boolean: Any = False) -> Any:
    return default_value if found is _NOTHING or (boolean and not found) else found


def _map(reading: Reading, node: nodes.Filter) -> Closure:
    source, arguments = reading.operand(node), Arguments(reading, node)
    if not node.args and "attribute" in arguments.by_name:
        arguments.check("map", [_attribute_of], 2, node.lineno)
        bind = arguments.bound(_attribute_of)
    else:
        name = _literal(node, 0, "the name of a filter")
        del arguments.by_place[0]
        function = _known_filter(name, node.lineno)
        arguments.check(name, [function], 2, node.lineno)
        bind = arguments.bound(function)

    def mapped(frame: Frame) -> list[Any]:
        make = bind(frame)
        return [make(item) for item in elements(frame, source(frame))]

    return mapped


def _attribute_of(frame: Frame, item: Any, attribute: str | int, default: Any = _NOTHING) -> Any:
    try:
        return by_attribute(frame, item, attribute)
    except Missing:
        if default is _NOTHING:
            raise
        return default


def _selecting(by_key: bool, wanted: bool) -> Compile:
    """`select('odd')`, or by a key of each item: `selectattr('status', 'eq', 'paid')`."""

    def compile_select(reading: Reading, node: nodes.Filter) -> Closure:
        source, arguments = reading.operand(node), Arguments(reading, node)
        key = _literal(node, 0, "a key") if by_key else ""
        bind = _condition(node, arguments, 1 if by_key else 0)

        def selected(frame: Frame) -> list[Any]:
            holds = bind(frame)
            found = elements(frame, source(frame))
            return [item for item in found if bool(holds(_key_of(frame, item, key))) is wanted]

        return selected

    return compile_select


def _key_of(frame: Frame, item: Any, key: str) -> Any:
    if not key:
        return item
    try:
        return by_attribute(frame, item, key)
    except Missing:
        return _NOTHING


def _condition(node: nodes.Filter, arguments: Arguments, place: int) -> Bind:
    """The test that an item must pass; truth itself where none is named. A missing key passes `undefined` only."""
    if len(node.args) <= place:
        return lambda _frame: lambda found: found is not _NOTHING and found
    name = _literal(node, place, "the name of a test")
    del arguments.by_place[: place + 1]
    if name in SPECIAL_TESTS:
        wanted = name == "defined"
        return lambda _frame: lambda found: (found is not _NOTHING) is wanted
    function = _known_test(name, node.lineno)
    arguments.check(name, [function], 2, node.lineno)
    bind = arguments.bound(function)

    def condition(frame: Frame) -> Callable[[Any], Any]:
        test = bind(frame)
        return lambda found: found is not _NOTHING and test(found)

    return condition


def _literal(node: nodes.Filter, place: int, what: str) -> str:
    """An argument that must stand in the template itself, so that it can be checked now."""
    if len(node.args) > place:
        one = node.args[place]
        if isinstance(one, nodes.Const) and isinstance(one.value, str):
            return one.value
    raise Refused(f"{node.name} needs {what} in quotes", f"Such as {_EXAMPLES[node.name]}", node.lineno)


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
