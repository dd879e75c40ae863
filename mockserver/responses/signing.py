"""
Signatures of webhooks, over the exact bytes sent. Pure: time and id are arguments.

Stripe: docs.stripe.com/webhooks/signature; GitHub: docs.github.com/webhooks, "validating webhook deliveries"; Slack:
api.slack.com/authentication/verifying-requests-from-slack; standard: github.com/standard-webhooks, "signature scheme".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from mockserver.model.http import Pairs
from mockserver.schema.webhook import SignSpec, key_of_standard

EXPIRED_S = 3600
"""Age of an expired signature; receivers accept five minutes."""
_WRONG = "not the key of "


@dataclass(frozen=True, slots=True)
class Signed:
    """The signature headers, and the body to send: not the signed one if tampered with."""

    headers: Pairs
    body: bytes


def sign(spec: SignSpec, body: bytes, now_s: int, message_id: str) -> Signed:
    """
    Sign a body. `now_s` is real Unix time, which receivers compare with their own clock.

    `message_id` is sent as `webhook-id` in the scheme standard; it is the same for every attempt of one delivery, so
    that receivers recognise repetitions.
    """
    if spec.fault == "expired":
        now_s -= EXPIRED_S
    headers = _SCHEMES[spec.scheme](spec, body, str(int(now_s)), message_id)
    return Signed(headers, tampered(body) if spec.fault == "tampered" else body)


def tampered(body: bytes) -> bytes:
    """Return a different body; a JSON object stays one, so that only the signature reveals it."""
    text = body.rstrip()
    if text.endswith(b"}"):
        inside = text[:-1].rstrip()
        comma = b"" if inside.endswith(b"{") else b","
        return inside + comma + b'"tampered":true}'
    return body + b"&tampered=true"


def _key(spec: SignSpec) -> bytes:
    """Return the key; with `wrong_key` a random one."""
    key = key_of_standard(spec.secret) if spec.scheme == "standard" else spec.secret.encode()
    return _WRONG.encode() + key if spec.fault == "wrong_key" else key


def _mac(spec: SignSpec, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(_key(spec), message, algorithm).digest()


def _stripe(spec: SignSpec, body: bytes, stamp: str, _message_id: str) -> Pairs:
    mark = _mac(spec, stamp.encode() + b"." + body).hex()
    return (("Stripe-Signature", f"t={stamp},v1={mark}"),)


def _github(spec: SignSpec, body: bytes, _stamp: str, _message_id: str) -> Pairs:
    return (("X-Hub-Signature-256", f"sha256={_mac(spec, body).hex()}"),)


def _slack(spec: SignSpec, body: bytes, stamp: str, _message_id: str) -> Pairs:
    mark = _mac(spec, b"v0:" + stamp.encode() + b":" + body).hex()
    return (("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", f"v0={mark}"))


def _standard(spec: SignSpec, body: bytes, stamp: str, message_id: str) -> Pairs:
    mark = _mac(spec, f"{message_id}.{stamp}.".encode() + body)
    signature = "v1," + base64.b64encode(mark).decode()
    return (("webhook-id", message_id), ("webhook-timestamp", stamp), ("webhook-signature", signature))


def _plain(spec: SignSpec, body: bytes, _stamp: str, _message_id: str) -> Pairs:
    mark = _mac(spec, body, spec.algorithm)
    return ((spec.header, mark.hex() if spec.encoding == "hex" else base64.b64encode(mark).decode()),)


_SCHEMES: dict[str, Callable[[SignSpec, bytes, str, str], Pairs]] = {
    "stripe": _stripe,
    "github": _github,
    "slack": _slack,
    "standard": _standard,
    "hmac": _plain,
}
