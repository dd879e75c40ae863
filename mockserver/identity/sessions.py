"""
Sessions: what a user allowed a client, from its code to its last refresh token.

A code or refresh token is the name of its session and a secret. A session has one valid secret at a time: who presents
an earlier one ends the session, with all its tokens (RFC 6749 4.1.2, RFC 9700 4.14.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mockserver.identity.provider import Commits, IdentityRequest, Provider
from mockserver.store.tokens import Grant


def opened(
    provider: Provider, asked: IdentityRequest, kind: str, client: str, fields: Mapping[str, str]
) -> Grant:
    """Return a new session of a client, before it has tokens: its `kind` is `code` or `device`."""
    return {
        "kind": kind,
        "provider": provider.name,
        "session": asked.draws.text(24),
        "secret": asked.draws.text(40),
        "client": client,
        "scope": fields.get("scope", ""),
        "audience": fields.get("audience") or fields.get("resource"),
        "auth_s": int(asked.now_s),
    }


def code_of(session: Grant) -> str:
    """Return the text of the session's code or refresh token."""
    return f"{session['session']}.{session['secret']}"


def renewed(asked: IdentityRequest, session: Grant) -> Grant:
    """Return the session with a new refresh token, which replaces its code or refresh token."""
    kept = {name: session.get(name) for name in ("provider", "client", "user", "scope", "audience", "auth_s")}
    return {**kept, "kind": "refresh", "session": session["session"], "secret": asked.draws.text(40)}


def kept(asked: IdentityRequest, session: Grant) -> Commits:
    return (partial(asked.memory.tokens.keep, session["session"], session, asked.now_s),)


def ended(asked: IdentityRequest, session: Grant) -> Commits:
    return (partial(asked.memory.tokens.spend, session["session"]),)


def session_named(provider: Provider, asked: IdentityRequest, name: str) -> Grant | None:
    """Return the session of this provider; None if it has ended or has expired."""
    session = asked.memory.tokens.grant_of(name, asked.now_s)
    is_own = session is not None and session.get("provider") == provider.name
    return {**session, "session": name} if session is not None and is_own else None


def session_of(provider: Provider, asked: IdentityRequest, kind: str, code: str) -> Grant | None:
    """Return the session whose valid code or refresh token this is."""
    name, _, secret = code.partition(".")
    session = session_named(provider, asked, name)
    is_valid = session is not None and (session["kind"], session.get("secret", "")) == (kind, secret)
    return session if is_valid else None


def replayed(provider: Provider, asked: IdentityRequest, client: str, code: str) -> Grant | None:
    """Return the session of the client whose code or refresh token this was before."""
    name, _, secret = code.partition(".")
    session = session_named(provider, asked, name)
    if session is None or (session["kind"], session["client"]) != ("refresh", client):
        return None
    return session if session.get("secret", "") != secret else None
