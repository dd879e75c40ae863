"""
Steps that are answered by a function of the test, in the process of the test.

The transaction takes the step, and the call is recorded; then `http/` calls the function, and its result becomes a
reply, with `set`, `effect` and `webhook`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.compiler.routes import compile_any_reply, compile_work, set_work
from mockserver.engine.routes import Behaviour, Route
from mockserver.engine.transaction import Question, Transaction
from mockserver.errors import KeyPath, invalid
from mockserver.model.http import Request, Response
from mockserver.responses.planner import Planned
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.reply import ReplySpec


@dataclass(frozen=True, slots=True)
class Function:
    """
    `ask` takes the request and the path parameters, and returns a reply as in a scenario, or an awaitable of one.

    `label` names it for people; `blocks`: it must be called in a thread.
    """

    ask: Callable[[Request, dict[str, str]], Any]
    label: str
    blocks: bool


class Consult(Behaviour):
    """A step that is answered by a function."""

    __slots__ = ("_function", "_stand_in")

    def __init__(self, function: Function) -> None:
        self._function = function
        text = f"what the function {function.label} answers".encode()
        self._stand_in = Planned((), Response(200, [("Content-Type", "text/plain")], text))

    def works(self) -> None:
        """Return None: only the result of the function has side effects."""

    def decide(self, transaction: Transaction) -> None:
        function = self._function
        ask = functools.partial(function.ask, transaction.request, dict(transaction.params))
        transaction.planned = self._stand_in
        transaction.later = Question(ask, function.blocks, take)


def attach(route: Route, functions: Mapping[int, Function]) -> None:
    """Let functions answer these steps of a runtime route, instead of the written replies. Raises InvalidInputError."""
    if route.graphql is not None:
        raise invalid(("reply",), "a function can't answer a field", 'Write {"json": …}, with templates')
    route.answers = tuple(
        Consult(functions[i]) if i in functions else answer for i, answer in enumerate(route.answers)
    )
    route.static = None


def take(value: object, transaction: Transaction) -> None:
    """Answer with the result of a function. Raises InvalidInputError, TemplateError."""
    route = transaction.route
    spec = parse_spec(ReplySpec, value)
    if spec.choose is not None or spec.cases is not None:
        raise invalid((), "a function answers one reply", "Choose in the function, and return that")
    defaults = route.scenario.spec.defaults
    reply = compile_any_reply(spec, defaults, _no_file, route.grpc)
    set_work(reply, compile_work(spec, _no_file, value), route.work)
    transaction.take(reply)


def _no_file(name: str, path: KeyPath) -> bytes:
    raise invalid(path, f"a function has no folder to find {name!r} in", "Return its content")
