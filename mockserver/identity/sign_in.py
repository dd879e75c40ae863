"""Where a user signs in: the authorization endpoint (RFC 6749 4.1.1, OpenID Connect Core 3.1.2)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from mockserver.identity.issuing import own_id_token, user_of
from mockserver.identity.pages import message_page, posting_page, sign_in_page
from mockserver.identity.provider import IdentityAnswer, IdentityRequest, Parameters, Provider, refused
from mockserver.identity.redirects import may_return, redirect
from mockserver.identity.sessions import code_of, kept, opened
from mockserver.model.http import Request
from mockserver.model.written import as_text
from mockserver.schema.identity import OAuthSpec

CODE_TTL_S = 60
RESPONSE_MODES = ("query", "form_post")
_METHODS = ("S256", "plain")
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 4.2."""
_PASSED_ON = (
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "audience", "resource", "login_hint", "id_token_hint", "prompt",
)  # fmt: skip
"""The parameters that the form of the page sends again."""


def authorize(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    request, spec = asked.request, provider.spec
    fields = asked.parameters()
    client = spec.clients.get(fields.get("client_id", ""))
    if client is None or fields.repeated == "client_id":
        return message_page("Unknown client", "client_id names no client of `oauth.clients`.", 400)
    if not may_return(fields.get("redirect_uri", ""), client.redirect_uris) or (
        fields.repeated == "redirect_uri"
    ):
        text = "redirect_uri is missing, is not an absolute URI, or is not one of the client's redirect_uris."
        return message_page("Wrong redirect URI", text, 400)
    wrong = _wrong(fields, is_public=client.secret is None)
    if wrong is not None:
        return _back(provider, request, fields, {"error": wrong[0], "error_description": wrong[1]})
    denied = {"error": "access_denied", "error_description": "The user denied it"}
    decision = fields.get("decision")
    if spec.consent == "deny" or decision == "deny":
        return _back(provider, request, fields, denied)
    hint = fields.get("login_hint")
    if "id_token_hint" in fields:
        hint = user_of(provider, own_id_token(provider, asked, fields["id_token_hint"]))
    is_known = hint is not None or "id_token_hint" not in fields
    if spec.consent == "auto" and is_known:
        return _allowed(provider, asked, fields, automatic(spec, hint))
    if spec.consent == "auto" or fields.get("prompt") == "none":
        return _back(provider, request, fields, {"error": "login_required"})
    if decision == "allow" and request.method == "POST" and has_password(spec, fields):
        return _allowed(provider, asked, fields, fields["username"])
    error = "Unknown user, or wrong password" if decision == "allow" else ""
    text = f"{fields['client_id']} requests: {fields.get('scope', 'access')}"
    hidden = {name: fields[name] for name in _PASSED_ON if name in fields}
    shown = {"username": fields.get("username") or hint or ""}
    return sign_in_page("authorize", "Sign in", text, shown, hidden, error)


def _wrong(fields: Parameters, *, is_public: bool) -> tuple[str, str] | None:
    """Return the error of an authorization request, and its description; None if there is none."""
    if fields.repeated is not None:
        return "invalid_request", f"{fields.repeated} is repeated"
    if "response_type" not in fields:
        return "invalid_request", "response_type is missing"
    if fields["response_type"] != "code":
        return "unsupported_response_type", "Use response_type=code"
    if fields.get("response_mode", "query") not in RESPONSE_MODES:
        return "invalid_request", "Use response_mode=query or form_post"
    for name in ("request", "request_uri"):
        if name in fields:
            return f"{name}_not_supported", "Send the parameters in the query"
    prompt = fields.get("prompt", "").split()
    if "none" in prompt and len(prompt) > 1:
        return "invalid_request", "prompt has none and another value"
    return _wrong_challenge(fields, is_public=is_public)


def _wrong_challenge(fields: Parameters, *, is_public: bool) -> tuple[str, str] | None:
    challenge, method = fields.get("code_challenge"), fields.get("code_challenge_method")
    if challenge is None and (is_public or method is not None):
        who = "A public client needs PKCE: " if is_public else ""
        return "invalid_request", f"{who}code_challenge is missing"
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        return "invalid_request", "code_challenge does not have 43 to 128 letters, digits or -._~"
    if (method or "plain") not in _METHODS:
        return "invalid_request", "Use code_challenge_method=S256"
    return None


def automatic(spec: OAuthSpec, wanted: str | None) -> str:
    """Return the user who signs in without a page."""
    return wanted if wanted in spec.users else next(iter(spec.users))


def has_password(spec: OAuthSpec, fields: Mapping[str, str]) -> bool:
    """Whether the fields have the name of a user, and the password, if the user has one."""
    user = spec.users.get(fields.get("username", ""))
    if user is None or user.password is None:
        return user is not None
    return hmac.compare_digest(as_text(user.password).encode(), fields.get("password", "").encode())


def _allowed(
    provider: Provider, asked: IdentityRequest, fields: Mapping[str, str], user: str
) -> IdentityAnswer:
    session = {
        **opened(provider, asked, "code", fields["client_id"], fields),
        "user": user,
        "redirect_uri": fields["redirect_uri"],
        "nonce": fields.get("nonce"),
        "challenge": fields.get("code_challenge"),
        "challenge_method": fields.get("code_challenge_method", "plain"),
        "until_s": asked.now_s + CODE_TTL_S,
    }
    answer = _back(provider, asked.request, fields, {"code": code_of(session)})
    return IdentityAnswer(answer.response, kept(asked, session))


def _back(
    provider: Provider, request: Request, fields: Mapping[str, str], result: Mapping[str, str]
) -> IdentityAnswer:
    """Return the response that leads to the client, with its `state`, and the issuer (RFC 9207)."""
    state = {"state": fields["state"]} if "state" in fields else {}
    told = {**result, **state, "iss": provider.issuer(request)}
    if fields.get("response_mode") == "form_post":
        return posting_page(fields["redirect_uri"], told)
    return redirect(request, fields["redirect_uri"], told)


def no_users(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer where nobody can sign in."""
    del provider, asked
    return refused("access_denied", "The scenario has no `oauth.users`")
