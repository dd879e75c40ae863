"""What is wrong in `oauth` is told when the scenario is loaded."""

from __future__ import annotations

import sys

import pytest
from support.engine import InMemory

from mockserver.scenarios.source import LoadError


@pytest.mark.parametrize(
    ("oauth", "said"),
    [
        ("{clients: {app: s}, users: {ann: {}}}", "`users` needs `oidc: true`. Add oidc: true"),
        ("{clients: {app: s}, jwks_delay: 1m}", "`jwks_delay` needs `oidc: true`"),
        ("{clients: {spa: {}}}", "the client 'spa' needs `oidc: true`"),
        ("{oidc: true, clients: {app: null}}", "expected a secret, got null"),
        ("{oidc: true, clients: {app: {secrte: x}}}", "secrte"),
        (
            "{oidc: true, clients: {app: s}, tokens: [exipred]}",
            "'exipred' is not a kind of token. Did you mean 'expired'?",
        ),
        ("{oidc: true, clients: {app: s}, tokens: [{}]}", "claims"),
        ("{oidc: true, clients: {app: s}, alg: HS256}", "alg"),
        ("{oidc: true, clients: {app: s}, issuer: idp.test}", "is not an http or https URL"),
        ("{oidc: true, clients: {app: s}, issuer: 'http://idp.test/'}", "a slash at its end"),
    ],
)
def test_a_mistake_is_told_with_its_fix(oauth: str, said: str) -> None:
    with pytest.raises(LoadError) as raised:
        InMemory(f"oauth: {oauth}")

    assert said in str(raised.value)
    assert "shop" in str(raised.value)


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joserfc", None)

    for scenario in (
        "oauth: {oidc: true, clients: {app: s}}",
        "routes: [{request: GET /, match: {jwt: {verify: true}}, reply: 200}]",
    ):
        with pytest.raises(LoadError, match=r"Install the extra mockserver\[jwt\]"):
            InMemory(scenario)
    InMemory(
        "oauth: {clients: {app: s}}\nroutes: [{request: GET /, match: {jwt: {claims: {a: 1}}}, reply: 200}]"
    )
