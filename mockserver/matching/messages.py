"""Conditions on the messages of WebSocket connections: those on the body of a request, for one message."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from mockserver.errors import KeyPath, invalid, shown
from mockserver.matching.matcher import compile_match
from mockserver.model.websocket import FrameKind, Message
from mockserver.schema.match import MatchSpec
from mockserver.schema.websocket import MessageMatchSpec

_OWN_KEYS = frozenset({"base64", "timeout_s"})
"""Keys that `match` does not have."""


def compile_message_match(
    spec: MessageMatchSpec, read_file: Callable[[str, KeyPath], bytes]
) -> Callable[[Message], bool]:
    """Return the test of a message. Raises InvalidInputError with every flaw, paths relative to the mapping."""
    names = spec.model_fields_set - _OWN_KEYS
    fields = {name: getattr(spec, name) for name in names}
    matcher = compile_match(MatchSpec.model_construct(set(names), **fields), read_file)
    wanted = None if spec.base64 is None else _bytes(spec.base64)
    only_text = spec.has("text")

    def holds(message: Message) -> bool:
        if wanted is not None and (message.kind is not FrameKind.BINARY or message.data != wanted):
            return False
        if only_text and message.kind is not FrameKind.TEXT:
            return False
        return matcher.holds(message.request)

    return holds


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise invalid(
            ("base64",),
            f"{shown(text)} is not valid Base64: {error}",
            "Encode the bytes with standard Base64",
        ) from error
