"""Where a user signs out (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from mockserver.identity.issuing import own_id_token
from mockserver.identity.pages import message_page, sign_out_page
from mockserver.identity.provider import Commits, IdentityAnswer, IdentityRequest, Provider
from mockserver.identity.redirects import may_return, redirect
from mockserver.identity.sessions import ended, session_named

_PASSED_ON = ("client_id", "post_logout_redirect_uri", "state")


def sign_out(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """End the session of the ID token, and send the browser back. Without the token, `consent: page` asks first."""
    spec, fields = provider.spec, asked.parameters()
    claims = None
    if "id_token_hint" in fields:
        claims = own_id_token(provider, asked, fields["id_token_hint"])
        if claims is None:
            return message_page("Wrong token", "id_token_hint is not an ID token of this provider.", 400)
    name = fields.get("client_id") if claims is None else claims["aud"]
    client = None if name is None else spec.clients.get(name)
    if fields.repeated is not None or fields.get("client_id", name) != name or (name and client is None):
        text = "client_id is unknown, is not the client of id_token_hint, or a parameter is repeated."
        return message_page("Wrong client", text, 400)
    target = fields.get("post_logout_redirect_uri")
    if target is not None and (client is None or not may_return(target, client.post_logout_redirect_uris)):
        text = (
            "post_logout_redirect_uri needs id_token_hint or client_id, and must be an absolute URI, "
            "and one of the client's post_logout_redirect_uris."
        )
        return message_page("Wrong redirect URI", text, 400)
    is_decided = asked.request.method == "POST" and "decision" in fields
    if claims is None and spec.consent == "page" and not is_decided:
        return sign_out_page({key: fields[key] for key in _PASSED_ON if key in fields})
    answer = message_page("Signed out", "You are signed out.")
    if target is not None:
        state = {"state": fields["state"]} if "state" in fields else {}
        answer = redirect(asked.request, target, state)
    return IdentityAnswer(
        answer.response, _ends(provider, asked, None if claims is None else claims.get("sid"))
    )


def _ends(provider: Provider, asked: IdentityRequest, name: object) -> Commits:
    """End the session, unless the user allowed it to last (OpenID Connect Back-Channel Logout 2.7)."""
    session = session_named(provider, asked, name) if isinstance(name, str) else None
    if session is None or session["kind"] != "refresh" or "offline_access" in session["scope"].split():
        return ()
    return ended(asked, session)
