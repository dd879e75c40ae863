"""
Execution of operations: fields have the values of routes, of the objects that contain them, or sampled ones.

graphql-core completes values: types, null propagation, fragments, directives and introspection are its work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    MiddlewareManager,
    execute_sync,
    get_named_type,
    is_abstract_type,
    is_input_object_type,
    is_leaf_type,
)

from mockserver.errors import MockServerError, shown
from mockserver.graphql.limits import MOST_STEPS
from mockserver.graphql.operations import GraphQLOperation
from mockserver.graphql.samples import LISTED, number_of, sample_leaf
from mockserver.model.http import ABSENT

_RUN_STEPS = 10
"""What an execution costs, beside its fields."""
_ROUTE_STEPS = 5
"""What the answer of a route costs."""
Echo = dict[str, tuple[str, Any]]
"""Values of arguments, with the names of their types."""


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """What a route says about one field. Without a value, it has the one that it would have without the route."""

    value: Any = ABSENT
    errors: Sequence[dict[str, Any]] = ()


AskRoutes = Callable[[str, str, dict[str, Any], list[str | int]], FieldAnswer | None]
"""Return the answer of a route for a type, its field, the arguments and the place in the response; None for none."""


class ObjectValue:
    """The known fields of an object; the others are sampled."""

    __slots__ = ("echo", "key", "typename", "values")

    def __init__(self, key: str, typename: str, values: dict[str, Any], echo: Echo) -> None:
        self.key = key
        self.typename = typename
        self.values = values
        self.echo = echo


@dataclass(slots=True)
class ExecutionAnswer:
    """What an execution gives. `is_refused`: the variables don't fit, and nothing was executed."""

    data: Any
    errors: list[GraphQLError] = field(default_factory=list)
    is_refused: bool = False


class StepsSpentError(MockServerError):
    """An operation resolves more fields than allowed."""


class Execution:
    """One execution of an operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: GraphQLOperation,
        seed: str,
        ask: AskRoutes,
        *,
        most_steps: int = MOST_STEPS,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._seed = seed
        self._ask = ask
        self.steps_left = most_steps
        self._more: list[GraphQLError] = []
        self._failure: Exception | None = None

    def run(self, event: int = 0) -> ExecutionAnswer:
        """Execute the operation, for a subscription its n-th event. Raises StepsSpentError, and what `ask` raises."""
        self.take(_RUN_STEPS)
        self._more = []
        root = ObjectValue(f"{self._seed}\n{event}", "", {}, {})
        result = execute_sync(
            self._schema,
            self._operation.document.ast,
            root_value=root,
            context_value=self,
            variable_values=self._operation.variables,
            operation_name=self._operation.name,
            field_resolver=_resolve,
            type_resolver=_type_of,
            middleware=_COUNTED,
        )
        if self._failure is not None:
            raise self._failure
        errors = [*(result.errors or ()), *self._more]
        is_refused = result.data is None and bool(errors) and all(error.path is None for error in errors)
        return ExecutionAnswer(result.data, errors, is_refused)

    def resolved(self, resolve: Callable[[], object]) -> object:
        """
        Return the value of one field. After a failure, which `run` raises, there are no values any more: graphql-core
        would make an error of the field of it, also of a mistake in this package.
        """
        if self._failure is not None:
            return None
        try:
            self.take(1)
            return resolve()
        except Exception as error:  # noqa: BLE001  (`run` raises it)
            self._failure = error
            return None

    def take(self, steps: int) -> None:
        """Count resolved fields and items. Raises StepsSpentError."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise StepsSpentError

    def resolve(
        self, source: ObjectValue, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]
    ) -> object:
        """Return the value of a field, with ObjectValues in place of mappings."""
        name = info.field_name
        key = f"{source.key}.{name}"
        if arguments:
            key += json.dumps(arguments, sort_keys=True, default=str)
        value = source.values.get(name, ABSENT)
        answer = self._ask(info.parent_type.name, name, arguments, info.path.as_list())
        if answer is not None:
            self.take(_ROUTE_STEPS)
            value = value if answer.value is ABSENT else answer.value
            for error in answer.errors:
                value = self._spoilt(value, error, info)
        kind = info.return_type
        if value is ABSENT:
            named = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
            known = source.echo.get(name)
            if known is not None and is_leaf_type(named) and known[0] == named.name:
                return known[1]
        echo = _echo(info.parent_type.fields[name], arguments) if arguments else {}
        return self._shaped(kind, value, key, name, echo)

    def _shaped(self, kind: GraphQLOutputType, value: Any, key: str, name: str, echo: Echo) -> object:
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if value is None or isinstance(value, Exception):
            return value
        if isinstance(kind, GraphQLList):
            if value is ABSENT:
                value = [ABSENT] * LISTED
            if not isinstance(value, (list, tuple)):
                return GraphQLError(f"{name}: expected a list, got {shown(value)}")
            self.take(len(value))
            return [self._shaped(kind.of_type, item, f"{key}[{i}]", name, {}) for i, item in enumerate(value)]
        if is_leaf_type(kind):
            return sample_leaf(kind, name, key) if value is ABSENT else value
        if value is ABSENT:
            value = {}
        elif not isinstance(value, dict):
            return GraphQLError(f"{name}: expected an object, got {shown(value)}")
        if isinstance(kind, GraphQLObjectType):
            return ObjectValue(key, kind.name, value, echo)
        assert is_abstract_type(kind)
        return ObjectValue(key, self._typename(kind, value, key), value, echo)

    def _typename(self, kind: GraphQLAbstractType, value: dict[str, Any], key: str) -> str:
        written = value.get("__typename")
        if isinstance(written, str):
            return written
        possible = fitting_types(self._schema, kind, value)
        return possible[number_of(key) % len(possible)] if possible else ""

    def _spoilt(self, value: Any, error: dict[str, Any], info: GraphQLResolveInfo[Any]) -> object:
        """Return the value with an error at its place."""
        extensions = error.get("extensions")
        made = GraphQLError(
            str(error.get("message", "")), extensions=extensions if isinstance(extensions, dict) else None
        )
        place = error.get("path") or []
        below = value
        for step in place:
            below = below.get(step, ABSENT) if isinstance(below, dict) else ABSENT
        if isinstance(value, Exception) or isinstance(below, Exception):
            path = [*info.path.as_list(), *place]
            self._more.append(
                GraphQLError(made.message, nodes=info.field_nodes, path=path, extensions=made.extensions)
            )
            return value
        return _placed(value, list(place), made)


def fitting_types(schema: GraphQLSchema, kind: GraphQLAbstractType, value: dict[str, Any]) -> list[str]:
    """Return the names of the object types of an interface or union that have all fields of a value."""
    return [each.name for each in schema.get_possible_types(kind) if each.fields.keys() >= value.keys()]


def _placed(value: Any, place: list[str | int], error: GraphQLError) -> object:
    """Return a copy of the value with an error at a place below it; what is missing on the way is sampled."""
    if not place:
        return error
    step, *rest = place
    if isinstance(step, int):
        items = list(value) if isinstance(value, (list, tuple)) else [ABSENT] * max(LISTED, step + 1)
        if not 0 <= step < len(items):
            return error
        items[step] = _placed(items[step], rest, error)
        return items
    fields = dict(value) if isinstance(value, dict) else {}
    fields[step] = _placed(fields.get(step, ABSENT), rest, error)
    return fields


def _echo(definition: GraphQLField, arguments: dict[str, Any]) -> Echo:
    """Return the scalars among the arguments, and among the fields of input objects: what is sent is often returned."""
    echo: Echo = {}
    for name, value in arguments.items():
        kind = definition.args[name].type
        named = get_named_type(kind)
        if is_input_object_type(named) and isinstance(value, dict):
            for inner, item in value.items():
                known = named.fields.get(inner)
                if known is not None and not isinstance(item, (dict, list)):
                    echo.setdefault(inner, (get_named_type(known.type).name, item))
        elif not isinstance(value, (dict, list)):
            echo[name] = (named.name, value)
    return echo


def _resolve(source: ObjectValue, info: GraphQLResolveInfo[Any], /, **arguments: Any) -> object:
    run: Execution = info.context
    return run.resolve(source, info, arguments)


def _type_of(value: ObjectValue, _info: GraphQLResolveInfo[Any], _kind: GraphQLAbstractType) -> str:
    return value.typename


def _counted(
    next_: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], /, **arguments: Any
) -> object:
    run: Execution = info.context
    return run.resolved(lambda: next_(source, info, **arguments))


_COUNTED = MiddlewareManager(_counted)
