"""
Volatile fields: values that a client generates for each attempt, such as a timestamp or a signature.

A field is volatile by its name or by its shape. If both agree, it is left out of comparisons. If only one does,
two requests that differ only in this field may be one operation or two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Flag, auto
from typing import Any

VOLATILE_NAMES = frozenset({
    "_", "cachebuster", "cb", "clienttime", "cnonce", "datetime", "epoch", "expires", "hmac", "mac", "nonce", "noncestr",
    "oauthnonce", "oauthsignature", "oauthtimestamp", "rand", "random", "requestdate", "requesttime", "salt",
    "sentat", "sig", "sign", "signature", "timestamp", "timestampms", "ts", "xamzcredential", "xamzdate",
    "xamzsecuritytoken", "xamzsignature", "xgoogcredential", "xgoogdate", "xgoogsignature",
})  # fmt: skip
"""Names in lower case, without dashes, dots and underscores (`_` alone is a name)."""

_DAY_S = 86_400.0
_EPOCH_SCALES = (1.0, 1e3, 1e6, 1e9)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{22,}|[A-Za-z0-9_-]{22,})={0,2}")
_TYPED_ID = re.compile(r"[a-z]{2,8}_")
"""The prefix of object ids of Stripe and others, such as `cus_…`. These ids are not volatile."""
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_MAX_CHARS = 20_000


class Reason(Flag):
    """Why a field is volatile."""

    NONE = 0
    NAME = auto()
    SHAPE = auto()
    RANDOM = auto()
    """The shape is that of random bytes or of a counter: only retries repeat such a value."""
    DECLARED = auto()
    """The field is in `ignore`."""

    @property
    def certain(self) -> bool:
        return Reason.DECLARED in self or Reason.NAME | Reason.SHAPE in self

    @property
    def is_stable_if_repeated(self) -> bool:
        """Whether a value in two requests shows that the field does not vary between attempts."""
        return Reason.RANDOM in self and not self.certain


def reason_of(field: str, value: object, sent_s: float, siblings: dict[str, Any]) -> Reason:
    """
    Return why this field is volatile.

    `field` is a path such as `json.meta.ts`, `sent_s` the Unix time of the call,
    `siblings` all fields of the request by path.
    """
    reason = Reason.NONE
    if is_volatile_name(_last_name(field)):
        reason |= Reason.NAME
    if is_volatile_shape(value, sent_s):
        reason |= Reason.SHAPE
        if isinstance(value, str) and (_HEX.fullmatch(value) or _BASE64.fullmatch(value)):
            reason |= Reason.RANDOM
    elif _is_rpc_id(field, siblings):
        reason |= Reason.SHAPE | Reason.RANDOM
    return reason


def _last_name(field: str) -> str:
    return re.sub(r"\[\d+\]", "", field).rpartition(".")[2]


def is_volatile_name(name: str) -> bool:
    """Return whether fields of that name usually vary between attempts."""
    folded = name.lower()
    return folded in VOLATILE_NAMES or re.sub(r"[-_.]", "", folded) in VOLATILE_NAMES


def is_volatile_shape(value: object, sent_s: float) -> bool:
    """Return whether it is a time within a day of the call, at least 16 bytes in hex or base64, or a JWT."""
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, float)):
        return _is_epoch(value, sent_s)
    if not isinstance(value, str) or not 9 < len(value) < _MAX_CHARS:
        return False
    return _is_time(value, sent_s) or _is_random(value)


def _is_epoch(number: float, sent_s: float) -> bool:
    return any(abs(number / scale - sent_s) <= _DAY_S for scale in _EPOCH_SCALES)


def _is_time(text: str, sent_s: float) -> bool:
    if re.fullmatch(r"\d{10,19}(\.\d{1,9})?", text, re.ASCII):
        return _is_epoch(float(text), sent_s)
    if len(text) > 40 or not any(char in text for char in ":T"):
        return False
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            time = read(text)
            # A time without a zone may be in any zone.
            margin_s = _DAY_S if time.tzinfo is not None else 2 * _DAY_S
            return abs(time.timestamp() - sent_s) <= margin_s
        except (ValueError, TypeError, OverflowError, OSError):
            continue
    return False


def _is_random(text: str) -> bool:
    if _HEX.fullmatch(text) or _JWT.fullmatch(text):
        return True
    if not _BASE64.fullmatch(text) or _TYPED_ID.match(text):
        return False
    kinds = (str.isupper, str.islower, str.isdigit)
    return all(any(kind(char) for char in text) for kind in kinds)


def _is_rpc_id(field: str, siblings: dict[str, Any]) -> bool:
    """Return whether it is the `id` of a JSON-RPC 2.0 request, alone or in a batch."""
    parent, _, name = field.rpartition(".")
    return name == "id" and parent.partition("[")[0] == "json" and f"{parent}.jsonrpc" in siblings


@dataclass(frozen=True, slots=True)
class Volatile:
    """A volatile field: its value as text, and why it is volatile."""

    value: str
    reason: Reason
