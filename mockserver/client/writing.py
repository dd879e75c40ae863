"""Convert Python arguments to routes, replies and checks of the scenario language."""

from __future__ import annotations

import base64
import inspect
import json
import mimetypes
import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from mockserver.client.plain import NamedValue, plain, with_units
from mockserver.client.words import (
    ATTEMPTS,
    BODIES,
    CHECK,
    LOAD,
    MATCH,
    MESSAGE,
    REPLY,
    ROUTE,
    check_words,
    key_of,
)
from mockserver.errors import shown
from mockserver.model.grpc import GRPC_STATUSES

_LINE = re.compile(r"[A-Z]+(,[A-Z]+)*\s+/|(GRPC|GRAPHQL)\s")
_JSON_TREES = frozenset({"json", "json_exact", "graphql", "message", "messages", "arguments"})
Functions = dict[int, Callable[[Any], Any]]
"""Functions that answer, by the place of their step."""
Condition = Callable[[Any], object]
"""A function that decides whether a request matches."""


def request_line(method: str, path: object) -> str:
    """Return a request line. Raises TypeError for a compiled pattern."""
    __tracebackhide__ = True
    if isinstance(path, re.Pattern):
        raise TypeError(
            f"a path is a text, and this is a compiled pattern: {shown(path.pattern)}. "
            r"Write the pattern inside a parameter: '/users/{id:\d+}', or '/{path:.+}' for any path"
        )
    return f"{method} {path}"


def route_document(line: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """Return a route without a reply. Raises TypeError for unknown keywords."""
    __tracebackhide__ = True
    check_words(f"a route ({line})", words, ROUTE | MATCH)
    document: dict[str, Any] = {"request": line}
    match = match_document(words)
    if match:
        document["match"] = match
    for word, value in words.items():
        if word in ROUTE and word not in ("match", "where"):
            document[key_of(word)] = with_units(plain(value), key_of(word))
    return document


def function_of(words: Mapping[str, Any]) -> Condition | None:
    """Return the function under `where`. Raises TypeError for anything but a plain function."""
    __tracebackhide__ = True
    function: Condition | None = words.get("where")
    if function is None:
        return None
    if not callable(function):
        raise TypeError(
            f"where={shown(function)} is not a function: write conditions by their keys, such as json="
        )
    if inspect.iscoroutinefunction(function):
        raise TypeError("where= takes a plain function: a request is matched before anything can be awaited")
    return function


def match_document(words: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions among keywords, and those under `match`."""
    given = {**(words.get("match") or {}), **{word: words[word] for word in words if word in MATCH}}
    return {word: _condition(word, value) for word, value in given.items()}


def _condition(word: str, value: object) -> Any:
    if word == "schema" and isinstance(value, Path):
        return json.loads(value.read_text("utf-8"))
    return plain(value, dollar=word in _JSON_TREES)


# Replies


def steps_of(given: tuple[Any, ...], last: Mapping[str, Any]) -> tuple[list[Any], Functions]:
    """
    The sequence that `reply(*steps, **last)` asks for, and the functions in it.

    Raises TypeError, with both spellings, where one number and keywords may
    mean one reply or two.
    """
    __tracebackhide__ = True
    check_words("reply()", last, REPLY)
    _check_clear(given, last)
    steps: list[Any] = []
    functions: Functions = {}
    for item in _spliced(given):
        if callable(item) and not _is_exception(item):
            functions[len(steps)] = item
        steps.append(_step(item))
    if last or not steps:
        steps.append(_step(dict(last)))
    return steps, functions


def _check_clear(given: tuple[Any, ...], last: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    if len(given) != 1 or not _is_number(given[0]) or not last or "status" in last:
        return
    word = next((word for word in last if word in BODIES), next(iter(last)))
    value = shown(last[word], 40)
    raise TypeError(
        f"reply({given[0]}, {word}=…) may mean one reply or two. "
        f"Write reply(status={given[0]}, {word}={value}) for one, "
        f'or reply({given[0]}, {{"{key_of(word)}": {value}}}) for {given[0]} and then the other'
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _spliced(given: tuple[Any, ...]) -> list[Any]:
    """A list among the steps is a sequence itself, as in YAML."""
    steps: list[Any] = []
    for item in given:
        steps += item if isinstance(item, (list, tuple)) else [item]
    return steps


def _step(value: Any) -> Any:
    __tracebackhide__ = True
    if _is_number(value):
        return int(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    name = value.name if isinstance(value, Enum) else value
    if isinstance(name, str) and name in GRPC_STATUSES:
        return name
    if _is_exception(value):
        return {"fault": _fault_of(value)}
    if callable(value):
        return {"text": f"answered by the function {getattr(value, '__qualname__', value)!s}"}
    hint = f" Write text={shown(value, 40)} for a body." if isinstance(value, (str, bytes)) else ""
    raise TypeError(
        f'{shown(value)} is not a reply.{hint} A reply is a status, a mapping such as {{"json": …}}, '
        "a list of them, an exception such as ConnectionError, or a function of the request"
    )


_FAULTS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "hang"),
    (ConnectionAbortedError, "close"),
    (EOFError, "close"),
    (ConnectionError, "reset"),
)
"""The fault that raises each exception in a client."""


def _is_exception(value: object) -> bool:
    kind = value if isinstance(value, type) else type(value)
    return issubclass(kind, BaseException)


def _fault_of(value: object) -> str:
    """Return the fault behind an exception, or its class. Raises TypeError for other exceptions."""
    __tracebackhide__ = True
    kind = value if isinstance(value, type) else type(value)
    for exception, fault in _FAULTS:
        if issubclass(kind, exception):
            return fault
    raise TypeError(
        f"{kind.__name__} can't be raised in the client: a reply is what the service sends. "
        'Write {"fault": "reset"} for a broken connection, {"fault": "hang"} for a timeout, or a status'
    )


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    __tracebackhide__ = True
    step = {key_of(word) if word in REPLY else word: item for word, item in value.items()}
    for word in ("text", "html", "xml"):
        if isinstance(step.get(word), (bytes, bytearray)):
            step |= {word: _decoded(word, step[word]), "raw": True}
    chunks = step.get("chunks")
    if isinstance(chunks, (list, tuple)) and chunks and all(isinstance(chunk, bytes) for chunk in chunks):
        step |= {"chunks": [_decoded("chunks", chunk) for chunk in chunks], "raw": True}
    if isinstance(step.get("base64"), (bytes, bytearray)):
        step["base64"] = base64.b64encode(step["base64"]).decode()
    if "file" in step:
        step = _with_file(step)
    return dict(with_units({str(key): plain(item) for key, item in step.items()}))


def _decoded(word: str, data: bytes | bytearray) -> str:
    __tracebackhide__ = True
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TypeError(
            f"{word}={shown(data, 40)} is not UTF-8 at byte {error.start}. Write base64= for bytes of any kind"
        ) from None


def _with_file(step: dict[str, Any]) -> dict[str, Any]:
    """The step with the file's bytes in it: a route made at runtime has no folder to look in."""
    path = Path(step["file"])
    data = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    rest = {key: item for key, item in step.items() if key != "file"}
    headers = {"content-type": kind, **{key.lower(): item for key, item in rest.get("headers", {}).items()}}
    return {**rest, "base64": base64.b64encode(data).decode(), "headers": headers}


def answer_document(value: object) -> Any:
    """Convert the result of a function to a reply. Raises TypeError for anything else."""
    if _is_number(value) or isinstance(value, (Mapping, Enum)) or value in GRPC_STATUSES:
        return _step(value)
    raise TypeError(
        f"a function answered {shown(value)}, which is not a reply. "
        'Return a status, or a mapping such as {"status": 201, "json": …}'
    )


# Checks


def check_document(subject: object, words: Mapping[str, Any]) -> dict[str, Any]:
    """A check of `verify`. `subject` is a mapping, a request line, a route or its name, or None."""
    __tracebackhide__ = True
    if isinstance(subject, Mapping):
        return check_document(None, {**subject, **words})
    check_words("verify()", words, CHECK | MATCH)
    check = {word: plain(value) for word, value in words.items() if word in CHECK and word != "match"}
    if subject is not None:
        name = plain(subject)
        check["request" if not isinstance(subject, NamedValue) and _LINE.match(name) else "route"] = name
    if isinstance(check.get("effects"), dict):
        check["effects"] = _effects(check["effects"])
    if "received" in check:
        check["received"] = message_document(words["received"])
    if "in_order" in check:
        check["in_order"] = [_link(item) for item in words["in_order"]]
    match = match_document(words)
    return {**check, "match": match} if match else check


def message_document(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return conditions on a WebSocket message. Raises TypeError for unknown keywords."""
    __tracebackhide__ = True
    check_words("a message", words, MESSAGE)
    document = {word: _condition(word, value) for word, value in words.items()}
    return document if "base64" not in words else {**document, "base64": base64_text(words["base64"])}


def pushed_document(text: str | None, json_: object, data: str | bytes | None) -> dict[str, Any]:
    """Return a message to send. Raises TypeError unless it is exactly one."""
    __tracebackhide__ = True
    given = {"text": text, "base64": None if data is None else base64_text(data)}
    document = {name: value for name, value in given.items() if value is not None}
    if json_ is not ...:
        document["json"] = plain(json_)
    if len(document) != 1:
        raise TypeError("send() takes one of text=, json= and base64=")
    return document


def base64_text(data: str | bytes) -> str:
    """Return bytes in Base64; a text is Base64 already."""
    return data if isinstance(data, str) else base64.b64encode(data).decode()


def _effects(given: dict[str, Any]) -> dict[str, Any]:
    """Move the fields besides `kind` to `where`."""
    beside = {name: value for name, value in given.items() if name not in ("kind", "where")}
    if not beside:
        return given
    return {
        **{name: given[name] for name in ("kind",) if name in given},
        "where": {**(given.get("where") or {}), **beside},
    }


def _link(value: object) -> dict[str, Any]:
    """One of `in_order`: a check in short, or a route or request line alone."""
    if isinstance(value, Mapping):
        return check_document(None, value)
    return check_document(value, {})


def attempts_document(words: Mapping[str, Any]) -> dict[str, Any]:
    """`within`, `quiet` and the rules of `assert_attempts` as parts of a check."""
    __tracebackhide__ = True
    return _rules_document("attempts", ATTEMPTS, words)


def load_document(words: Mapping[str, Any]) -> dict[str, Any]:
    """`within`, `quiet` and the rules of `assert_load` as parts of a check. Raises TypeError without a rule."""
    __tracebackhide__ = True
    document = _rules_document("load", LOAD, words)
    if "load" not in document:
        raise TypeError('assert_load() has no rule: give one, such as in_flight={"max": 10}')
    return document


def _rules_document(name: str, known: frozenset[str], words: Mapping[str, Any]) -> dict[str, Any]:
    __tracebackhide__ = True
    check_words(f"assert_{name}()", words, known)
    beside = {word: plain(words[word]) for word in words if word in ("within", "quiet")}
    rules = {word: plain(value) for word, value in words.items() if word not in beside}
    return {**beside, name: rules} if rules else beside
