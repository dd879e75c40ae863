"""
A `match` mapping compiled: yes or no in a few comparisons, and a field-by-field report on demand.

Everything that can be found wrong is found here, when a scenario loads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mockserver.errors import Flaw, InvalidInput, KeyPath
from mockserver.matching import body, checks, operators
from mockserver.matching.checks import Check, Equalities
from mockserver.matching.conditions import Condition
from mockserver.matching.reading import Dialect, Reader
from mockserver.model.http import ABSENT, Request
from mockserver.model.match import MatchSpec
from mockserver.model.miss import Difference

ReadFile = Callable[[str, KeyPath], bytes]
"""The bytes of a file beside the scenario. Raises InvalidInput, at the key path, where there is none."""


class Matcher:
    """
    Compiled conditions on a request; without any, every request fulfils them.

    `equalities` are scalars that a request must have at a place, such as
    `{("json", ("order", "id")): 42, ("headers", ("x-amz-target",)): "SQS.Send"}`:
    necessary, so an index may group routes by them, and never enough by themselves.
    """

    __slots__ = ("_checks", "conditions", "equalities", "holds")

    def __init__(self, found: list[Check]) -> None:
        self._checks = tuple(found)
        self.conditions = sum(check.count for check in found)
        self.equalities: Equalities = {}
        for check in found:
            self.equalities.update(check.equalities)
        self.holds = _all([check.holds for check in sorted(found, key=lambda check: check.cost)])

    def differences(self, request: Request) -> list[Difference]:
        """Everything that keeps the request out, in the order of the keys; empty where the matcher holds."""
        return [difference for check in self._checks for difference in check.explain(request)]


def _all(tests: list[Callable[[Request], bool]]) -> Callable[[Request], bool]:
    if not tests:
        return lambda _: True
    if len(tests) == 1:
        return tests[0]
    in_order = tuple(tests)

    def holds(request: Request) -> bool:
        for test in in_order:  # noqa: SIM110  (a generator costs more than the tests)
            if not test(request):
                return False
        return True

    return holds


def compile_match(spec: MatchSpec, read_file: ReadFile) -> Matcher:
    """Raises InvalidInput with every flaw, paths relative to the mapping. `read_file` is read for schemas."""
    flaws: list[Flaw] = []
    found = list(_checks(spec, flaws, read_file))
    if flaws:
        raise InvalidInput(flaws)
    return Matcher(found)


def _checks(spec: MatchSpec, flaws: list[Flaw], read_file: ReadFile) -> Iterator[Check]:
    for part, make in (("headers", checks.header), ("query", checks.query), ("cookies", checks.cookie)):
        for name, written in getattr(spec, part).items():
            yield make(name, _condition(written, (part, name), flaws, Dialect.TEXT))
    if spec.form:
        yield body.form_itself(spec.form, len(spec.form))
    for name, written in spec.form.items():
        yield checks.form(name, _condition(written, ("form", name), flaws, Dialect.TEXT))
    if spec.has("json_"):
        yield body.json(_condition(spec.json_, ("json",), flaws, Dialect.TREE))
    if spec.has("json_exact"):
        yield body.json(_condition(spec.json_exact, ("json_exact",), flaws, Dialect.EXACT))
    if spec.has("text"):
        yield body.text(_condition(spec.text, ("text",), flaws, Dialect.TEXT))
    if spec.has("body_sha256"):
        yield body.sha256(_condition(spec.body_sha256, ("body_sha256",), flaws, Dialect.TEXT))


def _condition(written: Any, path: KeyPath, flaws: list[Flaw], dialect: Dialect) -> Condition:
    return operators.read(written, Reader(dialect, path, flaws))


def compile_condition(value: Any, path: KeyPath = (), *, text: bool = False) -> Condition:
    """
    A condition on one value, or ABSENT, with bare operators: `.holds(value)`, `.describe()`.

    `text`: the value is a text and numbers stand for theirs, as in headers;
    else it is JSON, where nothing is converted. Raises InvalidInput with every
    flaw, below `path`.
    """
    flaws: list[Flaw] = []
    condition = _condition(value, path, flaws, Dialect.TEXT if text else Dialect.BARE)
    if flaws:
        raise InvalidInput(flaws)
    if not text:
        return condition
    test = condition.holds
    return Condition(
        lambda one: test([] if one is ABSENT else [one]),
        condition.said,
        condition.written,
        count=condition.count,
    )
