"""Where a user signs in: the authorization endpoint (RFC 6749 4.1.1), and devices (RFC 8628)."""

from __future__ import annotations

import hmac
import re
from functools import partial
from urllib.parse import quote, urlencode, urlsplit

from mockserver.identity.pages import message_page, posting_page, sign_in_page
from mockserver.identity.provider import (
    NO_STORE,
    Fields,
    IdentityAnswer,
    IdentityRequest,
    Provider,
    for_clients,
    json_answer,
    kept_grant,
    parameters_of,
    refused,
)
from mockserver.model.http import Request, Response
from mockserver.model.written import as_text
from mockserver.schema.identity import OAuthSpec
from mockserver.store.tokens import Grant

CODE_TTL_S = 60
DEVICE_TTL_S = 600
DEVICE_INTERVAL_S = 1
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
RESPONSE_MODES = ("query", "form_post")
_METHODS = ("S256", "plain")
_NO_TARGETS = ("data", "javascript", "vbscript")
_PASSED_ON = (
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "audience", "resource", "login_hint", "prompt",
)  # fmt: skip
"""The parameters that the form of the page sends again."""


def authorize(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    request, spec = asked.request, provider.spec
    fields = parameters_of(request)
    client = spec.clients.get(fields.get("client_id", ""))
    if client is None:
        return message_page("Unknown client", "client_id names no client of `oauth.clients`.", 400)
    target = fields.get("redirect_uri", "")
    if not _is_usable(target) or target not in (client.redirect_uris or (target,)):
        text = "redirect_uri is missing, is not an absolute URI, or is not one of the client's redirect_uris."
        return message_page("Wrong redirect URI", text, 400)
    wrong = _wrong(fields, is_public=client.secret is None)
    if wrong is not None:
        return _back(provider, request, fields, {"error": wrong[0], "error_description": wrong[1]})
    denied = {"error": "access_denied", "error_description": "The user denied it"}
    decision = fields.get("decision")
    if spec.consent == "deny" or decision == "deny":
        return _back(provider, request, fields, denied)
    if spec.consent == "auto":
        return _allowed(provider, asked, fields, _automatic(spec, fields.get("login_hint")))
    if fields.get("prompt") == "none":
        return _back(provider, request, fields, {"error": "login_required"})
    if decision == "allow" and request.method == "POST" and has_password(spec, fields):
        return _allowed(provider, asked, fields, fields["username"])
    error = "Unknown user, or wrong password" if decision == "allow" else ""
    text = f"{fields['client_id']} requests: {fields.get('scope', '') or 'access'}"
    hidden = {name: fields[name] for name in _PASSED_ON if name in fields}
    shown = {"username": fields.get("username") or fields.get("login_hint", "")}
    return sign_in_page("authorize", "Sign in", text, shown, hidden, error)


def _wrong(fields: Fields, *, is_public: bool) -> tuple[str, str] | None:
    """Return the error of an authorization request, and its description; None if there is none."""
    if fields.get("response_type") != "code":
        return "unsupported_response_type", "Use response_type=code"
    if fields.get("response_mode", "query") not in RESPONSE_MODES:
        return "invalid_request", "Use response_mode=query or form_post"
    if "request" in fields or "request_uri" in fields:
        return "request_not_supported", "Send the parameters in the query"
    if is_public and not fields.get("code_challenge"):
        return "invalid_request", "A public client needs PKCE: code_challenge is missing"
    if fields.get("code_challenge_method", "plain") not in _METHODS:
        return "invalid_request", "Use code_challenge_method=S256"
    return None


def _is_usable(target: str) -> bool:
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return (
        bool(parts.scheme)
        and parts.scheme not in _NO_TARGETS
        and "#" not in target
        and not _UNSAFE.search(target)
    )


def _automatic(spec: OAuthSpec, wanted: str | None) -> str:
    """Return the user who signs in without a page."""
    return wanted if wanted in spec.users else next(iter(spec.users))


def has_password(spec: OAuthSpec, fields: Fields) -> bool:
    """Whether the fields have the name of a user, and the password, if the user has one."""
    user = spec.users.get(fields.get("username", ""))
    if user is None or user.password is None:
        return user is not None
    return hmac.compare_digest(as_text(user.password).encode(), fields.get("password", "").encode())


def _allowed(provider: Provider, asked: IdentityRequest, fields: Fields, user: str) -> IdentityAnswer:
    code = asked.draws.text(40)
    grant: Grant = {
        "kind": "code",
        "provider": provider.name,
        "client": fields["client_id"],
        "user": user,
        "scope": fields.get("scope", ""),
        "audience": fields.get("audience") or fields.get("resource"),
        "redirect_uri": fields["redirect_uri"],
        "nonce": fields.get("nonce"),
        "challenge": fields.get("code_challenge") or None,
        "challenge_method": fields.get("code_challenge_method", "plain"),
        "auth_s": int(asked.now_s),
        "until_s": asked.now_s + CODE_TTL_S,
    }
    answer = _back(provider, asked.request, fields, {"code": code})
    return IdentityAnswer(answer.response, (partial(asked.memory.tokens.keep, code, grant, asked.now_s),))


def _back(provider: Provider, request: Request, fields: Fields, result: Fields) -> IdentityAnswer:
    """Return the response that leads to the client, with its `state`, and the issuer (RFC 9207)."""
    state = {"state": fields["state"]} if "state" in fields else {}
    told = {**result, **state, "iss": provider.issuer(request)}
    if fields.get("response_mode") == "form_post":
        return posting_page(fields["redirect_uri"], told)
    query = urlencode(told, quote_via=quote)
    target = quote(fields["redirect_uri"], safe="!#$%&'()*+,/:;=?@[]~")
    location = f"{target}{'&' if '?' in target else '?'}{query}"
    status = 303 if request.method == "POST" else 302
    return IdentityAnswer(Response(status, [("Location", location), NO_STORE]))


# Devices


@for_clients
def device(provider: Provider, asked: IdentityRequest, client: str, fields: Fields) -> IdentityAnswer:
    """Answer a device with its codes."""
    spec = provider.spec
    code, letters = asked.draws.text(40), asked.draws.text(8).upper()
    user_code = f"{letters[:4]}-{letters[4:]}"
    page = provider.issuer(asked.request) + provider.folder + "/device"
    grant: Grant = {
        "kind": "device",
        "provider": provider.name,
        "client": client,
        "user": _automatic(spec, None) if spec.consent == "auto" else None,
        "denied": spec.consent == "deny",
        "scope": fields.get("scope", ""),
        "audience": fields.get("audience") or fields.get("resource"),
        "auth_s": int(asked.now_s),
        "until_s": asked.now_s + DEVICE_TTL_S,
    }
    link: Grant = {
        "kind": "user_code",
        "provider": provider.name,
        "device_code": code,
        "until_s": grant["until_s"],
    }
    document = {
        "device_code": code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={user_code}",
        "expires_in": DEVICE_TTL_S,
        "interval": DEVICE_INTERVAL_S,
    }
    tokens = asked.memory.tokens
    commits = (
        partial(tokens.keep, code, grant, asked.now_s),
        partial(tokens.keep, user_code, link, asked.now_s),
    )
    return IdentityAnswer(json_answer(200, document).response, commits)


def device_page(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer the user of a device."""
    request, spec, tokens = asked.request, provider.spec, asked.memory.tokens
    fields = parameters_of(request)
    user_code = fields.get("user_code", "").strip().upper()
    decision = fields.get("decision") if request.method == "POST" else None
    error = ""
    if decision is not None:
        link = kept_grant(provider, asked, "user_code", user_code)
        grant = None if link is None else kept_grant(provider, asked, "device", link["device_code"])
        if link is None or grant is None:
            error = "The code is unknown or has expired"
        elif decision == "allow" and not has_password(spec, fields):
            error = "Unknown user, or wrong password"
        else:
            user = fields["username"] if decision == "allow" else None
            decided = {**grant, "user": user, "denied": user is None, "auth_s": int(asked.now_s)}
            done = message_page("Allowed" if user else "Denied", "You can return to your device.")
            commits = (
                partial(tokens.spend, user_code),
                partial(tokens.keep, link["device_code"], decided, asked.now_s),
            )
            return IdentityAnswer(done.response, commits)
    shown = {"user_code": user_code, "username": fields.get("username", "")}
    return sign_in_page(
        "device", "Connect a device", "Enter the code that your device shows.", shown, {}, error
    )


def no_users(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer where nobody can sign in."""
    del provider, asked
    return refused("access_denied", "The scenario has no `oauth.users`")
