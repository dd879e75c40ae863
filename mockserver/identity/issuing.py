"""Signed access and ID tokens (RFC 9068, OpenID Connect Core 2), with the faults that the scenario or its state selects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mockserver.identity.provider import (
    IdentityAnswer,
    IdentityRequest,
    Provider,
    StateWrites,
    json_answer,
)
from mockserver.jwt import sign
from mockserver.schema.identity import TOKEN_CHANGES, TokenChangeSpec
from mockserver.store.tokens import Grant
from mockserver.templating.templates import TemplateError

Claims = dict[str, Any]
AWAY_S = 3600
"""How far the times of an expired token, or of one that is not valid yet, are from now: more than clients tolerate."""
WRONG_AUDIENCE = "wrong-audience"
WRONG_ISSUER = "https://wrong-issuer.invalid"


def issued(
    provider: Provider,
    asked: IdentityRequest,
    grant: Grant,
    *,
    spent: str | None = None,
    is_renewable: bool = False,
) -> IdentityAnswer:
    """Return the tokens of a grant. `spent` is the code or refresh token that is used up. Raises TemplateError."""
    change, writes = _change(provider, asked)
    number = current_key(provider, asked)
    if change == "rotated":
        number += 1
        key, since = provider.state_key("key"), provider.state_key("rotated_s")
        writes = (*writes, (key, number, None), (since, asked.now_s, None))
    tokens = asked.memory.tokens
    refresh = asked.draws.text(40) if is_renewable else None
    access = _changed(_access_claims(provider, asked, grant), change)
    document: dict[str, object] = {
        "access_token": _signed(provider, access, change, number, "at+jwt"),
        "token_type": "Bearer",
        "expires_in": int(provider.spec.expires_s),
        "scope": grant["scope"],
    }
    if grant["user"] is not None and "openid" in grant["scope"].split():
        identity = _changed(_id_claims(provider, asked, grant), change)
        document["id_token"] = _signed(provider, identity, change, number, "JWT")
    commits: list[Callable[[], None]] = []
    if spent is not None:
        commits.append(partial(tokens.spend, spent))
    if isinstance(access.get("jti"), str):
        until_s = access.get("exp")
        until_s = until_s if isinstance(until_s, (int, float)) else asked.now_s + provider.spec.expires_s
        commits.append(partial(tokens.issue, access["jti"], asked.now_s, until_s))
    if refresh is not None:
        document["refresh_token"] = refresh
        kept = {key: grant.get(key) for key in ("client", "user", "scope", "audience", "auth_s")}
        commits.append(
            partial(tokens.keep, refresh, {"kind": "refresh", "provider": provider.name, **kept}, asked.now_s)
        )
    return IdentityAnswer(json_answer(200, document).response, tuple(commits), writes)


def current_key(provider: Provider, asked: IdentityRequest) -> int:
    """Return the number of the key that signs."""
    return max(1, asked.number(provider.state_key("key"), 1))


def shown_keys(provider: Provider, asked: IdentityRequest) -> list[int]:
    """Return the numbers of the keys in the key set: the current one, unless it is not shown yet, and the one before."""
    number = current_key(provider, asked)
    since_s = asked.memory.state.get(provider.state_key("rotated_s"))
    if isinstance(since_s, (int, float)) and asked.now_s < since_s + provider.spec.jwks_delay_s:
        number -= 1
    return [shown for shown in (number - 1, number) if shown > 0]


def user_claims(provider: Provider, name: str) -> Claims:
    """Return the claims about a user."""
    user = provider.spec.users.get(name)
    return {"sub": name, **(user.claims if user is not None else {})}


def _access_claims(provider: Provider, asked: IdentityRequest, grant: Grant) -> Claims:
    client = grant["client"]
    owner = {"sub": client} if grant["user"] is None else user_claims(provider, grant["user"])
    audience = grant.get("audience") or provider.spec.audience or client
    more = {"aud": audience, "client_id": client, "scope": grant["scope"], "jti": asked.draws.text(24)}
    return {**owner, **_common(provider, asked), **more}


def _id_claims(provider: Provider, asked: IdentityRequest, grant: Grant) -> Claims:
    about = {"aud": grant["client"], "auth_time": grant["auth_s"]}
    if grant.get("nonce"):
        about["nonce"] = grant["nonce"]
    return {**user_claims(provider, grant["user"]), **_common(provider, asked), **about}


def _common(provider: Provider, asked: IdentityRequest) -> Claims:
    now_s = int(asked.now_s)
    expires_s = now_s + int(provider.spec.expires_s)
    return {"iss": provider.issuer(asked.request), "iat": now_s, "nbf": now_s, "exp": expires_s}


def _signed(provider: Provider, claims: Claims, change: object, number: int, kind: str) -> str:
    text = sign(claims, provider.spec.alg, number, kind)
    if change != "bad_signature":
        return text
    body, _, signature = text.rpartition(".")
    return f"{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


# Faults


def _change(provider: Provider, asked: IdentityRequest) -> tuple[object, StateWrites]:
    """Return the fault of this answer: that of the state, else the next of the scenario. Raises TemplateError."""
    forced = asked.memory.state.get(provider.state_key("token"))
    if forced is not None:
        if forced not in TOKEN_CHANGES:
            known = ", ".join(TOKEN_CHANGES)
            raise TemplateError(
                f"{forced!r} is not a kind of token. Known here: {known}",
                place=f"state {provider.state_key('token')}",
            )
        return forced, ()
    steps = provider.spec.tokens
    if not steps:
        return "ok", ()
    key = provider.state_key("issued")
    count = max(0, asked.number(key))
    return steps[min(count, len(steps) - 1)], ((key, count + 1, None),)


def _changed(claims: Claims, change: object) -> Claims:
    if isinstance(change, TokenChangeSpec):
        merged = {**claims, **change.claims}
        return {name: value for name, value in merged.items() if value is not None}
    if change == "expired":
        return _moved(claims, claims["iat"] - claims["exp"] - AWAY_S)
    if change == "not_yet_valid":
        return _moved(claims, AWAY_S)
    if change == "wrong_audience":
        return {**claims, "aud": WRONG_AUDIENCE}
    if change == "wrong_issuer":
        return {**claims, "iss": WRONG_ISSUER}
    return claims


def _moved(claims: Claims, by_s: int) -> Claims:
    return {**claims, **{name: claims[name] + by_s for name in ("iat", "nbf", "exp")}}
