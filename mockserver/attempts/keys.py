"""Idempotency keys: the headers and fields that usually have them, and changes of this list by a server's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mockserver.errors import KeyPath, invalid, near
from mockserver.model.grpc import GrpcRequest
from mockserver.model.http import Request, UnreadableBodyError

KEY_HEADERS = (
    "idempotency-key",
    "x-idempotency-key",
    "idempotency-token",
    "x-idempotency-token",
    "x-request-idempotency-key",
    "x-mock-idempotency-key",
    "paypal-request-id",
    "i-twilio-idempotency-token",
    "cko-idempotency-key",
    "klarna-idempotency-key",
    "x-payout-idempotency",
    "repeatability-request-id",
    "x-amz-client-token",
)
KEY_FIELDS = (
    "idempotency_key",
    "idempotencyKey",
    "idempotency_token",
    "idempotencyToken",
    "client_token",
    "clientToken",
    "ClientToken",
    "client_request_token",
    "clientRequestToken",
    "ClientRequestToken",
)

Key = tuple[str, str]
"""Where a request carries its idempotency key, as a selector, and the key."""


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Names of headers and of top-level fields of JSON, form and query, in the order of the lookup."""

    headers: tuple[str, ...] = KEY_HEADERS
    fields: tuple[str, ...] = KEY_FIELDS

    def changed(self, names: Iterable[str], path: KeyPath = ()) -> KeyNames:
        """
        Return these names, with `x-order` or `json.orderId` added and `-client_token` dropped.

        A bare name is a header if it contains a dash, else a field. Raises InvalidInputError
        if a name to drop is not known.
        """
        headers, fields = list(self.headers), list(self.fields)
        for text in names:
            name = text.strip()
            if name.startswith("-"):
                _drop(headers, fields, name[1:], path)
                continue
            root, dot, rest = name.partition(".")
            if dot and root == "headers":
                headers.insert(0, rest.lower())
            elif dot and root in ("json", "form", "query"):
                fields.insert(0, rest)
            elif "-" in name:
                headers.insert(0, name.lower())
            elif name:
                fields.insert(0, name)
        return KeyNames(tuple(headers), tuple(fields))


def _drop(headers: list[str], fields: list[str], name: str, path: KeyPath) -> None:
    if name.lower() in headers:
        headers.remove(name.lower())
    elif name in fields:
        fields.remove(name)
    else:
        hint = near(name, (*headers, *fields))
        raise invalid(path, f"{name!r} is not a known name of an idempotency key", hint)


DEFAULT_NAMES = KeyNames()


def known_key(request: Request, names: KeyNames = DEFAULT_NAMES) -> Key | None:
    """Return where the request carries an idempotency key, and the key; None without one."""
    for name in names.headers:
        value = request.headers.get(name)
        if value:
            return f"headers.{name}", value
    if request.query_string:
        key = _in_fields("query", dict(request.query_pairs).get, names)
        if key:
            return key
    if not request.body:
        return None
    try:
        if isinstance(request, GrpcRequest):
            return (
                _in_fields("message", request.message.get, names)
                if isinstance(request.message, dict)
                else None
            )
        if request.media_type.endswith("json"):
            return _in_fields("json", request.json.get, names) if isinstance(request.json, dict) else None
        if request.media_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            return _in_fields("form", dict(request.form_pairs).get, names)
    except UnreadableBodyError:
        return None
    return None


def _in_fields(root: str, get: Callable[[str], object], names: KeyNames) -> Key | None:
    for name in names.fields:
        value = get(name)
        if isinstance(value, str) and value:
            return f"{root}.{name}", value
    return None
