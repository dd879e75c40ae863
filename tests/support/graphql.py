"""A GraphQL API in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from tests.support.engine import InMemory

SCHEMA = Path(__file__).parents[1] / "graphql_calls" / "shop.graphql"


class GraphQLInMemory(InMemory):
    """The engine of a scenario whose schema is `shop.graphql`. `scenario` is the rest of it."""

    def __init__(self, scenario: str = "", *, schema: str | None = None, **settings: Any) -> None:
        text = SCHEMA.read_text() if schema is None else schema
        super().__init__(
            f"graphql: shop.graphql\n{scenario}", files={"shop.graphql": text.encode()}, **settings
        )

    def query(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        ns: Namespace | None = None,
        operation: str | None = None,
        **headers: str,
    ) -> Call:
        """Return the call of an operation that is over."""
        body: dict[str, Any] = {"query": query}
        if variables is not None:
            body["variables"] = variables
        if operation is not None:
            body["operationName"] = operation
        return self.ask("POST /graphql", ns, json=body, **headers)

    def answer(self, query: str, variables: dict[str, Any] | None = None, **given: Any) -> Any:
        """Return the answer to an operation as JSON."""
        return answer_of(self.query(query, variables, **given))


def answer_of(call: Call) -> Any:
    """Return the response of a call as JSON."""
    assert call.response is not None
    return json.loads(call.response.body)
