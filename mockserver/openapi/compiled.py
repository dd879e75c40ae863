"""The rules of an OpenAPI operation for requests and responses."""

from __future__ import annotations

from mockserver.model.framing import has_body
from mockserver.model.http import Request, Response
from mockserver.model.violation import Violation
from mockserver.openapi.bodies import ReplyRules, RequestBody
from mockserver.openapi.operations import ApiOperation
from mockserver.openapi.parameters import parameters_of
from mockserver.openapi.validators import Validators


def is_outside(status: int) -> bool:
    """Return whether a reply with that status may come from an intermediary, so that it need not be documented."""
    return status >= 500 or status in (408, 429)


class OperationRules:
    """The rules of an operation. `id` is its operationId, or its request line."""

    __slots__ = ("_body", "_parameters", "_replies", "id")

    def __init__(self, operation: ApiOperation, validators: Validators) -> None:
        """Raises InvalidInputError."""
        names = dict(zip(operation.names, operation.route_names, strict=True))
        self.id = operation.id
        self._parameters = parameters_of(operation.parameters, names, validators)
        body = operation.node.object("requestBody")
        self._body = RequestBody(body, validators) if body is not None else None
        self._replies = {
            status: ReplyRules(node, validators) for status, node in operation.responses().items()
        }

    def of_request(self, request: Request, params: dict[str, str]) -> list[Violation]:
        result: list[Violation] = []
        for parameter in self._parameters:
            result += parameter.violations(request, params)
        if self._body is not None:
            result += self._body.violations(request)
        return result

    def of_reply(
        self, response: Response, *, is_whole: bool = True, is_head: bool = False
    ) -> list[Violation]:
        """Return the violations of a reply. `is_whole`: its body is complete, and not a stream."""
        status = response.status
        rules = self._replies.get(str(status)) or self._replies.get(f"{status // 100}XX")
        if rules is None and is_outside(status):
            return []
        rules = rules or self._replies.get("DEFAULT")
        if rules is None:
            known = ", ".join(self._replies) or "nothing"
            return [Violation("reply", "status", f"must be one that {self.id} documents: {known}", status)]
        return rules.violations(response, has_body=is_whole and not is_head and has_body(status))
