"""
OpenAPI validation of a scenario; the document is compiled with the scenario.

In mode `report`, violations are recorded; in `enforce`, an invalid request gets 400 and an invalid reply becomes a
500 with the reason. Responses of policies, outages and injected failures are not validated.
"""

from __future__ import annotations

from typing import Protocol

from mockserver.errors import Flaw, InvalidInputError, ReadFile
from mockserver.matching.index import Entry, Index
from mockserver.matching.paths import PathPattern
from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.model.plan import Drip
from mockserver.model.problem import PROBLEM_TYPE, problem
from mockserver.model.violation import Mode, Part, Violation, masked, text_of
from mockserver.openapi.compiled import OperationRules
from mockserver.openapi.operations import operations_of
from mockserver.openapi.validators import Validators
from mockserver.redaction.redaction import mask_text
from mockserver.responses.bodies import dump_json
from mockserver.responses.planner import Planned, sent
from mockserver.scenarios.openapi_reading import read
from mockserver.store.violations import Violations


class KeepsViolations(Protocol):
    """The part of a namespace that a contract uses."""

    @property
    def violations(self) -> Violations: ...


class Contract:
    """The document of a scenario in one mode. `doubts` are parts of it that cannot be validated."""

    __slots__ = ("_bases", "_checked_replies", "_index", "doubts", "mode")

    def __init__(
        self, index: Index[OperationRules], bases: tuple[str, ...], doubts: list[str], mode: Mode
    ) -> None:
        self._index = index
        self._bases = bases
        self._checked_replies: dict[tuple[int, str], tuple[Response, list[Violation]]] = {}
        self.doubts = doubts
        self.mode = mode

    def under(self, mode: Mode) -> Contract:
        """Return the same document in another mode."""
        return self if mode == self.mode else Contract(self._index, self._bases, self.doubts, mode)

    def operation(self, method: str, path: str) -> tuple[OperationRules, dict[str, str]] | None:
        """Return the operation of a request line and its path parameters, below the scenario's `base` or the path of a server."""
        for base in self._bases:
            if base and not path.startswith(base + "/"):
                continue
            result = self._index.candidates(method, path[len(base) :])
            if result:
                return result[0][0].target, result[0][1]
        return None

    def check_constant_reply(self, rules: OperationRules, response: Response) -> list[Violation]:
        """Validate a constant response once, so that calls need not."""
        result = rules.of_reply(response)
        self._checked_replies[id(response), rules.id] = (response, result)
        return result

    def check_request(self, ns: KeepsViolations, call: Call) -> RequestValidation:
        """Validate a request; violations are recorded."""
        request = call.request
        result = self.operation(request.method, request.path)
        if result is None:
            violations = [
                Violation(
                    "request",
                    "operation",
                    "must be one that the contract documents",
                    f"{request.method} {request.path}",
                )
            ]
            validation = RequestValidation(self, None)
        else:
            rules, params = result
            violations = rules.of_request(request, params)
            validation = RequestValidation(self, rules)
        if violations:
            self._record_violations(ns, call, validation.rules, violations)
            if self.mode == "enforce":
                validation.refusal = _rejection(400, "request", call, violations)
        return validation

    def answered(
        self, ns: KeepsViolations, call: Call, planned: Planned, rules: OperationRules | None
    ) -> Planned:
        """Validate a response; return what is sent instead if it is rejected."""
        if rules is None or planned.fault is not None:
            return planned
        response = planned.response
        checked = self._checked_replies.get((id(response), rules.id))
        if checked is not None and call.request.method != "HEAD":
            violations = checked[1]
        else:
            is_whole = not any(isinstance(step, Drip) for step in planned.plan)
            violations = rules.of_reply(response, is_whole=is_whole, is_head=call.request.method == "HEAD")
        if not violations:
            return planned
        self._record_violations(ns, call, rules, violations)
        return planned if self.mode == "report" else _rejection(500, "reply", call, violations)

    def kept(self, request: Request) -> OperationRules | None:
        """Return the rules of a valid request; None if it violates them, or is not documented. Records nothing."""
        result = self.operation(request.method, request.path)
        if result is None or result[0].of_request(request, result[1]):
            return None
        return result[0]

    def is_kept(self, rules: OperationRules, request: Request, response: Response) -> bool:
        """Return whether a complete reply is valid."""
        checked = self._checked_replies.get((id(response), rules.id))
        if checked is not None:
            return not checked[1]
        return not rules.of_reply(response, is_head=request.method == "HEAD")

    def settled(self, ns: KeepsViolations, call: Call, planned: Planned) -> Planned:
        """Validate a response that was made later, by a function."""
        result = self.operation(call.request.method, call.request.path)
        return self.answered(ns, call, planned, None if result is None else result[0])

    def _record_violations(
        self, ns: KeepsViolations, call: Call, rules: OperationRules | None, violations: list[Violation]
    ) -> None:
        about = {
            "call": call.id,
            "at_s": call.request.arrived_s,
            "route": call.route_id,
            "scenario": call.scenario,
            "operation": None if rules is None else rules.id,
            "request": f"{call.request.method} {call.request.path}",
        }
        for violation in violations:
            ns.violations.add({**about, **violation.view()})


class RequestValidation:
    """A validated request: its operation, None if undocumented, and its rejection, if any."""

    __slots__ = ("_contract", "refusal", "rules")

    def __init__(self, contract: Contract, rules: OperationRules | None) -> None:
        self._contract = contract
        self.rules = rules
        self.refusal: Planned | None = None

    def answered(self, ns: KeepsViolations, call: Call, planned: Planned) -> Planned:
        return self._contract.answered(ns, call, planned, self.rules)


def compile_contract(name: str, mode: Mode, base: str, read_file: ReadFile) -> Contract:
    """Compile the contract in the file of that name. Raises InvalidInputError, with paths from the scenario's root."""
    try:
        spec = read(name, lambda file: read_file(file, ("openapi",)))
        validators = Validators(spec)
        index: Index[OperationRules] = Index()
        doubts: list[str] = []
        for i, operation in enumerate(operations_of(spec)):
            rules = OperationRules(operation, validators)
            try:
                pattern = PathPattern(operation.route_path)
            except InvalidInputError as error:
                doubts.append(f"{operation.node.place}: {error}")
                continue
            index.add(Entry((i,), frozenset((operation.method,)), pattern, rules))
    except InvalidInputError as error:
        flaws = [Flaw(("openapi",), flaw.message, flaw.hint) for flaw in error.flaws]
        raise InvalidInputError(flaws) from None
    doubts += [f"{place}: {what}" for place, what in validators.doubts]
    bases = tuple(sorted({base, *spec.bases} if base else {"", *spec.bases}, key=len, reverse=True))
    return Contract(index, bases, doubts, mode)


_TITLES = {"request": "The request breaks the contract", "reply": "The reply breaks the contract"}


def _rejection(status: int, part: Part, call: Call, violations: list[Violation]) -> Planned:
    """Return a problem document with each violation: the expected and the actual value."""
    views = [masked(violation.view()) for violation in violations]
    texts = [text_of(view) for view in views]
    document = problem(
        status, "contract", _TITLES[part], mask_text("; ".join(texts)), route=call.route_id,
        errors=[{**view, "message": text} for view, text in zip(views, texts, strict=True)],
    )  # fmt: skip
    response = Response(status, [("Content-Type", PROBLEM_TYPE)], dump_json(document))
    return sent(response)
