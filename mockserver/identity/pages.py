"""The pages on which a user signs in. They work without scripts, and load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from mockserver.identity.provider import NO_STORE, IdentityAnswer
from mockserver.model.http import Response

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem}"
    "label{display:block;margin:1rem 0}input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}"
    "button{font:inherit;padding:.4rem 1.2rem;margin-right:.5rem}[role=alert]{color:#a00}"
)
_SUBMIT = "document.forms[0].submit()"


def sign_in_page(
    action: str, title: str, text: str, fields: Mapping[str, str], hidden: Mapping[str, str], error: str = ""
) -> IdentityAnswer:
    """Return a form with text `fields` by name, a password, and a button to allow and one to deny."""
    alert = f'<p role="alert">{escape(error)}</p>' if error else ""
    kept = _hidden(hidden)
    inputs = "".join(
        f'<label>{escape(name.replace("_", " ").capitalize())}<input id="{escape(name)}" name="{escape(name)}" '
        f'value="{escape(value)}"></label>'
        for name, value in fields.items()
    )
    form = (
        f'<form method="post" action="{escape(action)}">{kept}{inputs}'
        '<label>Password<input id="password" name="password" type="password"></label>'
        '<button id="allow" name="decision" value="allow">Allow</button>'
        '<button id="deny" name="decision" value="deny">Deny</button></form>'
    )
    return page(title, f"<p>{escape(text)}</p>{alert}{form}")


def sign_out_page(hidden: Mapping[str, str]) -> IdentityAnswer:
    """Return a form with a button to sign out."""
    button = '<button id="allow" name="decision" value="allow">Sign out</button>'
    return page("Sign out", f'<form method="post" action="logout">{_hidden(hidden)}{button}</form>')


def posting_page(target: str, fields: Mapping[str, str]) -> IdentityAnswer:
    """Return a page that posts the fields by itself, or with a button where scripts are off (form_post)."""
    form = f'<form method="post" action="{escape(target)}">{_hidden(fields)}<button>Continue</button></form>'
    return page("Signed in", f"{form}<script>{_SUBMIT}</script>", script=_SUBMIT)


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def message_page(title: str, text: str, status: int = 200) -> IdentityAnswer:
    return page(title, f"<p>{escape(text)}</p>", status)


def page(title: str, body: str, status: int = 200, script: str = "") -> IdentityAnswer:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" if script else "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {scripts}; frame-ancestors 'none'"
    document = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{body}</html>"
    )
    lines = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("Referrer-Policy", "no-referrer"),
        NO_STORE,
    ]
    return IdentityAnswer(Response(status, lines, document.encode()))
