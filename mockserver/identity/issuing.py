"""Signed access and ID tokens (RFC 9068, OpenID Connect Core 2), with the faults that the scenario or its state selects."""

from __future__ import annotations

from functools import partial
from typing import Any

from mockserver.identity.provider import (
    Commits,
    IdentityAnswer,
    IdentityRequest,
    Provider,
    StateWrites,
    json_answer,
)
from mockserver.identity.sessions import code_of, kept, renewed
from mockserver.jwt import UnreadableTokenError, is_signed, read_token, sign
from mockserver.schema.identity import TOKEN_CHANGES, TokenChangeSpec
from mockserver.store.tokens import Grant
from mockserver.templating.templates import TemplateError

Claims = dict[str, Any]
AWAY_S = 3600
"""How far the times of an expired token, or of one that is not valid yet, are from now: more than clients tolerate."""
_ID_KIND = "JWT"
"""The type in the header of an ID token; that of an access token is `at+jwt` (RFC 9068 2.1)."""
WRONG_AUDIENCE = "wrong-audience"
WRONG_ISSUER = "https://wrong-issuer.invalid"


def issued(
    provider: Provider, asked: IdentityRequest, grant: Grant, *, scope: str | None = None
) -> IdentityAnswer:
    """
    Return the tokens of a grant: of a session, with its next refresh token, or of a client itself.

    `scope` is what the client asks for, if it is less than was granted. Raises TemplateError.
    """
    change, writes = _change(provider, asked)
    number = current_key(provider, asked)
    if change == "rotated":
        number += 1
        key, since = provider.state_key("key"), provider.state_key("rotated_s")
        writes = (*writes, (key, number, None), (since, asked.now_s, None))
    session = None if "session" not in grant else renewed(asked, grant)
    scope = grant["scope"] if scope is None else scope
    access = _changed(_access_claims(provider, asked, grant, scope), change)
    document: dict[str, object] = {
        "access_token": _signed(provider, access, change, number, "at+jwt"),
        "token_type": "Bearer",
        "expires_in": int(provider.spec.expires_s),
        "scope": scope,
    }
    if session is not None and "openid" in scope.split():
        identity = _changed(_id_claims(provider, asked, grant), change)
        document["id_token"] = _signed(provider, identity, change, number, _ID_KIND)
    commits: Commits = ()
    if session is not None:
        document["refresh_token"] = code_of(session)
        commits = kept(asked, session)
    if isinstance(access.get("jti"), str):
        until_s = access.get("exp")
        about = {
            "until_s": until_s
            if isinstance(until_s, (int, float))
            else asked.now_s + provider.spec.expires_s,
            "provider": provider.name,
            **{name: grant[name] for name in ("client", "user", "session") if grant.get(name) is not None},
        }
        commits = (*commits, partial(asked.memory.tokens.issue, access["jti"], about, asked.now_s))
    return IdentityAnswer(json_answer(200, document).response, commits, writes)


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


def own_id_token(provider: Provider, asked: IdentityRequest, text: str) -> Claims | None:
    """Return the claims of an ID token that the provider issued, also of one that has expired; None of anything else."""
    try:
        token = read_token(text)
    except UnreadableTokenError:
        return None
    claims = token.claims
    is_own = claims.get("iss") == provider.issuer(asked.request) and token.header.get("typ") == _ID_KIND
    return claims if is_own and isinstance(claims.get("aud"), str) and is_signed(token) else None


def user_of(provider: Provider, claims: Claims | None) -> str | None:
    """Return the name of the user of an ID token."""
    sub = None if claims is None else claims.get("sub")
    return next((name for name in provider.spec.users if user_claims(provider, name)["sub"] == sub), None)


def _access_claims(provider: Provider, asked: IdentityRequest, grant: Grant, scope: str) -> Claims:
    client, user = grant["client"], grant.get("user")
    owner = {"sub": client} if user is None else user_claims(provider, user)
    audience = grant.get("audience") or provider.spec.audience or client
    more = {"aud": audience, "client_id": client, "scope": scope, "jti": asked.draws.text(24)}
    return {**owner, **_common(provider, asked), **more}


def _id_claims(provider: Provider, asked: IdentityRequest, grant: Grant) -> Claims:
    about = {"aud": grant["client"], "auth_time": grant["auth_s"], "sid": grant["session"]}
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
