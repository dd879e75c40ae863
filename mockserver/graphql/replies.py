"""
Compiles replies of routes for fields.

With status 200 a reply gives the value of the field; with another status it is the whole HTTP response, as that of a
gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, ReadFile, invalid, shown
from mockserver.graphql.execution import FieldAnswer
from mockserver.graphql.schemas import FieldType
from mockserver.graphql.values import flaws_of
from mockserver.model.durations import parse_duration_s
from mockserver.model.grpc import GRPC_STATUSES
from mockserver.model.http import ABSENT, Pairs, Request, Response
from mockserver.model.plan import Wait
from mockserver.responses.bodies import dump_json
from mockserver.responses.planner import (
    HeaderMakers,
    Planned,
    Reply,
    compile_delay,
    compile_headers,
    compile_reply,
)
from mockserver.responses.streams import Piece
from mockserver.schema.base import is_template
from mockserver.schema.reply import BODY_KINDS, ReplyDefaultsSpec, ReplySpec
from mockserver.templating.templates import Scope, TemplateError, Tree, compile_tree

_EVENT_KEYS = ("data", "errors", "delay", "each")
_MOST_EVENTS = 1_000


class FieldEvent:
    """An event of a subscription: what the field has in it, after a wait."""

    __slots__ = ("answer", "wait_s")

    def __init__(self, wait_s: float, answer: FieldAnswer) -> None:
        self.wait_s = wait_s
        self.answer = answer


class FieldReply(Reply):
    """A reply that gives the value of a field, or the events of a subscription."""

    __slots__ = ("_errors", "_events", "_value")

    def __init__(
        self,
        spec: ReplySpec,
        defaults: ReplyDefaultsSpec,
        *,
        headers: HeaderMakers,
        delay: Any,
        value: Tree | None,
        errors: Tree | None,
        events: Sequence[tuple[Tree | None, Tree]] | None,
    ) -> None:
        throttle = spec.throttle if spec.has("throttle") else defaults.throttle
        super().__init__(
            spec, status=200, headers=headers, body=None, stream=None, delay=delay, throttle=throttle
        )
        self.ready = None  # its body depends on the operation
        self.fails = errors is not None and value is None
        self._value = value
        self._errors = errors
        self._events = events

    def answer(self, scope: Callable[[], Scope]) -> FieldAnswer:
        """Return what the field has. Raises TemplateError."""
        value = ABSENT if self._value is None else _value_of(self._value, scope)
        return FieldAnswer(value, () if self._errors is None else _checked(_value_of(self._errors, scope)))

    def events(self, scope: Callable[[], Scope]) -> list[FieldEvent]:
        """Return the events of a subscription; without `events`, one with the value. Raises TemplateError."""
        if self._events is None:
            return [FieldEvent(0.0, self.answer(scope))]
        made: list[FieldEvent] = []
        for source, tree in self._events:
            for item in _items(source, tree, scope):
                made.append(_event_of(item))
                if len(made) > _MOST_EVENTS:
                    raise TemplateError(f"more than {_MOST_EVENTS} events", place="events")
        return made

    @property
    def has_wire(self) -> bool:
        """Whether it says how its response is sent: with a fault, or slowly."""
        return self.fault is not None or self._throttle is not None

    def lines(self, scope: Callable[[], Scope]) -> Pairs:
        """Return its header lines. Raises TemplateError."""
        return self._header_lines(scope()) if self._headers else ()

    def wait_s(self, scope: Callable[[], Scope], chance: Callable[[], Random]) -> float:
        """Return its delay. Raises TemplateError."""
        return 0.0 if self._delay is None else self._wait_s(scope(), chance)

    def planned(
        self, headers: Pairs, body: bytes, pieces: tuple[Piece, ...] | None, wait_s: float
    ) -> Planned:
        """Return the plan of a response with that body, or those pieces, sent as this reply says."""
        response = Response(200, headers, body)
        plan = self.sent(response, pieces)
        return Planned((Wait(wait_s), *plan) if wait_s else plan, response, self.fault)

    def plan(
        self,
        status: int,  # noqa: ARG002  (those of the base class)
        scope: Callable[[], Scope],
        chance: Callable[[], Random],  # noqa: ARG002
        request: Request,  # noqa: ARG002
    ) -> Planned:
        """Return the value alone, for a request that is not of an operation. Raises TemplateError."""
        return self.planned(self.lines(scope), dump_json(self.answer(scope).value), None, 0.0)


def _value_of(tree: Tree, scope: Callable[[], Scope]) -> Any:
    return tree.constant_value if tree.constant else tree.value(scope())


def _items(source: Tree | None, tree: Tree, scope: Callable[[], Scope]) -> Iterator[Any]:
    if source is None:
        yield _value_of(tree, scope)
        return
    listed = _value_of(source, scope)
    if not isinstance(listed, (list, tuple)):
        raise TemplateError(f"`each` needs a list, got {shown(listed)}", place="events")
    for item in listed:
        yield tree.value(scope().with_("item", item))


def _event_of(item: dict[str, Any]) -> FieldEvent:
    try:
        wait_s = max(0.0, parse_duration_s(item["delay"])) if "delay" in item else 0.0
    except ValueError as error:
        raise TemplateError(str(error), place="events") from None
    return FieldEvent(
        wait_s, FieldAnswer(item.get("data", ABSENT), _checked(_listed(item.get("errors", []))))
    )


def _listed(value: object) -> list[Any]:
    listed = value if isinstance(value, list) else [value]
    return [{"message": item} if isinstance(item, str) else item for item in listed]


def _checked(errors: Any) -> list[dict[str, Any]]:
    if not all(isinstance(error, dict) for error in errors):
        raise TemplateError("an error is a text, or {message, extensions, path}", place="errors")
    return list(errors)


def compile_field_reply(
    spec: ReplySpec,
    defaults: ReplyDefaultsSpec,
    target: FieldType | None,
    read_file: ReadFile,
    names: frozenset[str] | None,
) -> Reply:
    """Compile a reply of a route for a field. Raises InvalidInputError with every flaw, paths relative to the reply."""
    if is_template(spec.status):
        raise invalid(("status",), "the status of a GRAPHQL route is a number", "Write `cases` for several")
    if spec.status in GRPC_STATUSES:
        raise invalid(("status",), f"{spec.status} is a status of gRPC", "Write one of HTTP")
    if spec.status != 200:
        if spec.has("errors"):
            said = f"`errors` are those of a field, and status {spec.status} is the whole response"
            raise invalid(("errors",), said, "Leave `status` out, or write them in `json`")
        return compile_reply(spec, defaults, read_file, names)
    return _Compiler(spec, defaults, target, names).reply()


class _Compiler:
    """Compiles one reply with status 200."""

    def __init__(
        self,
        spec: ReplySpec,
        defaults: ReplyDefaultsSpec,
        target: FieldType | None,
        names: frozenset[str] | None,
    ) -> None:
        self._spec = spec
        self._defaults = defaults
        self._target = target
        self._names = names
        self._flaws: list[Flaw] = []

    def reply(self) -> FieldReply:
        spec = self._spec
        self._check_keys()
        headers = self._tried(lambda: compile_headers(spec, self._defaults, self._names))
        delay = self._tried(lambda: compile_delay(spec, self._defaults, self._names))
        value = self._value(spec.json_, ("json",)) if spec.has("json_") else None
        errors = self._tree(spec.errors, ("errors",)) if spec.has("errors") else None
        events = None
        if spec.events is not None:
            events = [self._event(item, ("events", i)) for i, item in enumerate(spec.events)]
        if self._flaws:
            raise InvalidInputError(self._flaws)
        return FieldReply(
            spec, self._defaults, headers=headers, delay=delay, value=value, errors=errors, events=events
        )

    def _check_keys(self) -> None:
        spec, target = self._spec, self._target
        is_subscription = target is not None and target.is_subscription
        allowed = ("json", "events") if is_subscription else ("json",)
        keys = [*BODY_KINDS, "message", "messages", "details", "trailers", "websocket"]
        for key in keys:
            if key not in allowed and spec.has(key):
                hint = "Write `json`, which is the value of the field"
                if key == "events":
                    hint = "Write `json`: only the field of a subscription has events"
                elif is_subscription:
                    hint = "Write `events`, each {data: …}"
                self._flaws.append(Flaw((key,), f"`{key}` is not supported in a reply of a field", hint))
        if spec.events is not None and spec.has("errors"):
            self._flaws.append(
                Flaw(("errors",), "errors of a subscription are those of its events", "Move them there")
            )
        if spec.fault is not None and spec.fault.events is not None and spec.events is None:
            said = f"{spec.fault.after!r} in a reply without `events`"
            self._flaws.append(Flaw(("fault", "after"), said, "Write headers, or a number of body bytes"))

    def _event(self, item: object, path: KeyPath) -> tuple[Tree | None, Tree]:
        empty = compile_tree({}, path)
        if (
            not isinstance(item, dict)
            or not item.keys() <= set(_EVENT_KEYS)
            or not {"data", "errors"} & item.keys()
        ):
            self._flaws.append(
                Flaw(
                    path,
                    f"{shown(item)} is not an event of a field",
                    "Write {data: …}, with delay, errors or each",
                )
            )
            return None, empty
        source = None
        names = self._names
        if "each" in item:
            source = self._tree(item["each"], (*path, "each"))
            names = None if names is None else names | {"item"}
        elif "data" in item:
            self._check_value(item["data"], (*path, "data"))
        if "delay" in item and not is_template(item["delay"]):
            try:
                parse_duration_s(item["delay"])
            except ValueError as error:
                self._flaws.append(Flaw((*path, "delay"), str(error), "Write 20ms or 1s"))
        rest = {key: value for key, value in item.items() if key != "each"}
        tree = self._tree(rest, path, names)
        return source, tree or empty

    def _value(self, value: object, path: KeyPath) -> Tree | None:
        self._check_value(value, path)
        return self._tree(value, path)

    def _check_value(self, value: object, path: KeyPath) -> None:
        if self._target is not None:
            target = self._target
            self._flaws += flaws_of(target.schema, target.field.type, value, path, raw=self._spec.raw)

    def _tree(self, value: object, path: KeyPath, names: frozenset[str] | None = None) -> Tree | None:
        if self._spec.raw:
            return Tree(value, None, [])
        tree: Tree | None = self._tried(lambda: compile_tree(value, path, names=names or self._names))
        return tree

    def _tried(self, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except InvalidInputError as error:
            self._flaws.extend(error.flaws)
            return None
