"""A condition that is a function of the test, in the process of the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mockserver.matching.checks import HEAVY, MatchCheck
from mockserver.matching.paths import PathPattern
from mockserver.model.http import Request
from mockserver.model.mismatch import Difference


@dataclass(frozen=True, slots=True)
class FunctionCondition:
    """
    `test` takes the request and the path parameters. Its result counts as true or false, an exception as false.

    `label` names it for people.
    """

    test: Callable[[Request, dict[str, str]], object]
    label: str

    def check(self, pattern: PathPattern) -> MatchCheck:
        """Return the check of a route with that path: it comes after all others."""

        def asked(request: Request) -> str:
            """Return why the function is not true; empty if it is."""
            try:
                holds = self.test(request, pattern.match(request.path) or {})
            except Exception as error:  # noqa: BLE001  (whatever the function raises)
                return f"it raised {type(error).__name__}: {error}"
            return "" if holds else "it returned false"

        def explain(request: Request) -> list[Difference]:
            said = asked(request)
            text = f"where: expected the function {self.label} to return true, but {said}"
            return [Difference("where", self.label, said, text=text)] if said else []

        return MatchCheck(HEAVY + 1, lambda request: not asked(request), explain)
