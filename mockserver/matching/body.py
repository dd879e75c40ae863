"""Conditions on the body of a request: JSON, forms, text and hash. The body is decoded once for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from mockserver.matching import checks
from mockserver.matching.checks import MatchCheck
from mockserver.matching.conditions import Condition
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.model.http import ABSENT, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def json(condition: Condition) -> MatchCheck:
    """Check a condition on the JSON body, regardless of its Content-Type. A body that is not JSON fulfils none."""
    return checks.value_check(
        7,
        condition,
        attrgetter("json"),
        DifferencePlace("json", ()),
        unreadable=lambda request, error: [no_json(request, error, condition.written, condition.count)],
        equalities=checks.tree_equalities("json", condition),
    )


def message(condition: Condition) -> MatchCheck:
    """Check a condition on the message of a gRPC call. Any other request fulfils none."""
    return _messages(condition, "message", lambda request: request.message)


def messages(condition: Condition) -> MatchCheck:
    """Check a condition on the list of all messages of a gRPC call."""
    return _messages(condition, "messages", lambda request: request.messages)


def arguments(condition: Condition) -> MatchCheck:
    """Check a condition on the arguments of a field of a GraphQL operation. Any other request fulfils none."""

    def unreadable(_: Request, error: UnreadableBodyError) -> list[Difference]:
        text = f"arguments: expected those of a GraphQL field, but {error}"
        return [Difference("arguments", condition.written, weight=_whole(condition.count), text=text)]

    return checks.value_check(
        7,
        condition,
        lambda request: request.arguments,
        DifferencePlace("arguments", ()),
        unreadable=unreadable,
    )


def _messages(condition: Condition, part: str, read: Callable[[Request], Any]) -> MatchCheck:
    def unreadable(request: Request, error: UnreadableBodyError) -> list[Difference]:
        text = f"{part}: expected a gRPC message, but {error}"
        return [
            Difference(
                part, condition.written, _shown_body(request), weight=_whole(condition.count), text=text
            )
        ]

    return checks.value_check(
        7,
        condition,
        read,
        DifferencePlace(part, ()),
        unreadable=unreadable,
        equalities=checks.tree_equalities(part, condition) if part == "message" else None,
    )


def no_json(request: Request, error: UnreadableBodyError, written: object, count: int) -> Difference:
    """Return the difference for a body that is not valid JSON: the reason, and what it looks like."""
    kind = request.media_type
    if kind in FORMS:
        hint = "send JSON, with content-type: application/json"
        text = f"body: expected JSON, but it came as a form ({kind}); {hint}"
    else:
        hint = _instead_of_json(request)
        text = f"body: expected JSON, but {error}" + (f"; {hint}" if hint else "")
    return Difference("body", written, _shown_body(request), hint=hint, weight=_whole(count), text=text)


def _instead_of_json(request: Request) -> str:
    kind = request.media_type
    if not request.body:
        return "send a JSON body"
    if kind and "json" not in kind:
        return f"its content-type is {kind}"
    return ""


def form_itself(wanted: object) -> MatchCheck:
    """Check that the body is a form: explained once for all of its fields."""
    return checks.readable_check(
        5, lambda request: request.form, lambda request, error: _no_form(request, error, wanted)
    )


def files_itself(wanted: object) -> MatchCheck:
    """Check that the body has parts: explained once for all of its files."""
    return checks.readable_check(
        5, lambda request: request.parts, lambda request, error: _no_parts(request, error, wanted)
    )


def _no_parts(request: Request, error: UnreadableBodyError, wanted: Any) -> Difference:
    hint = f"send the files as {FORMS[1]}"
    text = f"body: expected files, but {error}; {hint}"
    return Difference("body", wanted, _shown_body(request), hint=hint, weight=_whole(len(wanted)), text=text)


def _no_form(request: Request, error: UnreadableBodyError, wanted: Any) -> Difference:
    kind = request.media_type
    hint = f"send it as {FORMS[0]}"
    if kind in FORMS:
        hint, text = "", str(error)
    elif not request.body:
        text = f"the body is empty; {hint}"
    else:
        text = f"its content-type is {kind or 'absent'}; {hint}"
    text = f"body: expected a form, but {text}"
    return Difference("body", wanted, _shown_body(request), hint=hint, weight=_whole(len(wanted)), text=text)


def emptiness(written: object) -> object:
    """
    Return the condition for `absent` (an empty body) and `present` (any other body), with operators for text.

    An empty body is an empty text, so `text: ""` is true for it too.
    """
    if written in ("absent", {"absent": True}, {"present": False}):
        return {"equals": ""}
    return {"not": ""} if written in ("present", {"present": True}, {"absent": False}) else written


def text(condition: Condition) -> MatchCheck:
    """Check a condition on the body as text, in its charset. An empty body is an empty text."""

    def unreadable(request: Request, error: UnreadableBodyError) -> list[Difference]:
        said = f"body: expected a text, but {error}"
        return [Difference("body", condition.written, _shown_body(request), weight=1.5, text=said)]

    place = DifferencePlace("text", flat=True)
    return checks.value_check(5, condition, lambda request: [request.text], place, unreadable=unreadable)


def lower(written: object) -> object:
    """Return hex in lower case."""
    return written.lower() if isinstance(written, str) else written


def sha256(condition: Condition) -> MatchCheck:
    """Check a condition on the hash of the body as sent, in lower-case hex."""

    def digest(request: Request) -> list[str]:
        return [request.once("sha256", lambda: hashlib.sha256(request.body).hexdigest())]

    return checks.value_check(9, condition, digest, DifferencePlace("body_sha256", flat=True))


def _shown_body(request: Request) -> object:
    return request.body[:200].decode("utf-8", "replace") if request.body else ABSENT


def _whole(count: int) -> float:
    """Return the weight of an unreadable body: more than that of a different field, less than that of another path."""
    return min(1.5 + 0.1 * count, 3.0)
