"""The routes that a scenario implies without writing them: its token endpoint, its resources."""

from __future__ import annotations

from functools import partial
from typing import Any

from mockserver.engine.claiming import Claim, Draw
from mockserver.engine.finding import Found
from mockserver.engine.namespace import Namespace
from mockserver.engine.oauth import grant
from mockserver.engine.routes import Behaviour, Route, Scenario, implied_route
from mockserver.model.guards import OAuthSpec
from mockserver.model.http import Request
from mockserver.model.plan import Send
from mockserver.replying.planner import Planned


class TokenEndpoint(Behaviour):
    """Gives out access and refresh tokens."""

    __slots__ = ("_spec",)

    def __init__(self, spec: OAuthSpec) -> None:
        self._spec = spec

    def decide(self, ns: Namespace, request: Request, found: Found, draw: Draw) -> Claim:  # noqa: ARG002
        tokens = ns.memory.tokens
        decided = grant(self._spec, request, tokens, draw.scope().random())
        commits: list[Any] = []
        if decided.spent is not None:
            commits.append(partial(tokens.spend, decided.spent))
        if decided.tokens is not None:
            until_s = ns.clock.now_s() + self._spec.expires_s
            commits.append(partial(tokens.issue, *decided.tokens, until_s))
        response = decided.response
        return Claim(
            None, response.status, commits=tuple(commits), planned=Planned((Send(response),), response)
        )


def oauth_route(scenario: Scenario, spec: OAuthSpec, taken: set[str]) -> Route:
    """`POST` to the token endpoint; no auth stands before it."""
    return implied_route(scenario, f"POST {spec.path}", TokenEndpoint(spec), taken, (("oauth",), (0,)))
