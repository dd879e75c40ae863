"""Devices without a browser: their codes, and the page on which a user enters one (RFC 8628)."""

from __future__ import annotations

from functools import partial

from mockserver.identity.pages import message_page, sign_in_page
from mockserver.identity.provider import IdentityAnswer, IdentityRequest, Parameters, Provider, json_answer
from mockserver.identity.sessions import code_of, kept, opened, session_named
from mockserver.identity.sign_in import automatic, has_password
from mockserver.store.tokens import Grant

DEVICE_TTL_S = 600
DEVICE_INTERVAL_S = 1


def device(provider: Provider, asked: IdentityRequest, client: str, fields: Parameters) -> IdentityAnswer:
    """Answer a device with its codes."""
    spec = provider.spec
    letters = asked.draws.text(8).upper()
    user_code = f"{letters[:4]}-{letters[4:]}"
    page = provider.issuer(asked.request) + provider.folder + "/device"
    session = {
        **opened(provider, asked, "device", client, fields),
        "user": automatic(spec, None) if spec.consent == "auto" else None,
        "denied": spec.consent == "deny",
        "until_s": asked.now_s + DEVICE_TTL_S,
    }
    link: Grant = {
        "kind": "user_code",
        "provider": provider.name,
        "device": session["session"],
        "until_s": session["until_s"],
    }
    document = {
        "device_code": code_of(session),
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={user_code}",
        "expires_in": DEVICE_TTL_S,
        "interval": DEVICE_INTERVAL_S,
    }
    shown = partial(asked.memory.tokens.keep, user_code, link, asked.now_s)
    return IdentityAnswer(json_answer(200, document).response, (*kept(asked, session), shown))


def device_page(provider: Provider, asked: IdentityRequest) -> IdentityAnswer:
    """Answer the user of a device."""
    fields = asked.parameters()
    user_code = fields.get("user_code", "").strip().upper()
    decision = fields.get("decision") if asked.request.method == "POST" else None
    error = ""
    if decision is not None:
        session = _waiting(provider, asked, user_code)
        if session is None:
            error = "The code is unknown or has expired"
        elif decision == "allow" and not has_password(provider.spec, fields):
            error = "Unknown user, or wrong password"
        else:
            user = fields["username"] if decision == "allow" else None
            decided = {**session, "user": user, "denied": user is None, "auth_s": int(asked.now_s)}
            done = message_page("Allowed" if user else "Denied", "You can return to your device.")
            spent = partial(asked.memory.tokens.spend, user_code)
            return IdentityAnswer(done.response, (spent, *kept(asked, decided)))
    shown = {"user_code": user_code, "username": fields.get("username", "")}
    return sign_in_page(
        "device", "Connect a device", "Enter the code that your device shows.", shown, {}, error
    )


def _waiting(provider: Provider, asked: IdentityRequest, user_code: str) -> Grant | None:
    """Return the session of the device that shows this code."""
    link = session_named(provider, asked, user_code)
    if link is None or link["kind"] != "user_code":
        return None
    session = session_named(provider, asked, link["device"])
    return session if session is not None and session["kind"] == "device" else None
