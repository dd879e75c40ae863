"""
Bodies in pieces: server-sent events and chunks, each piece with its own wait.

Events follow the HTML standard's "server-sent events": `event`, `id`, `retry`, `data` and comments, a blank line after
each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mockserver.errors import KeyPath, invalid, near, shown
from mockserver.model.durations import parse_duration_s
from mockserver.model.written import as_text
from mockserver.responses.bodies import _from_base64, json_writer
from mockserver.schema.reply import ReplySpec
from mockserver.templating.templates import Scope, TemplateError, Tree, compile_tree

Piece = tuple[float, bytes]
_EVENT_KEYS = ("event", "id", "retry", "data", "delay", "comment")
_CHUNK_KEYS = ("text", "base64", "delay")
_MOST_PIECES = 100_000


class Stream:
    """Compiled `events` or `chunks`. `pieces` returns waits and bytes for a call."""

    __slots__ = ("_items", "content_type", "static")

    def __init__(
        self, items: list[Callable[[Scope], Iterator[Piece]]], content_type: str, *, constant: bool
    ) -> None:
        self._items = items
        self.content_type = content_type
        self.static: tuple[Piece, ...] | None = None
        if constant:
            self.static = tuple(piece for item in items for piece in item(None))  # type: ignore[arg-type]

    def pieces(self, scope: Scope) -> tuple[Piece, ...]:
        if self.static is not None:
            return self.static
        made: list[Piece] = []
        for item in self._items:
            for piece in item(scope):
                made.append(piece)
                if len(made) > _MOST_PIECES:
                    raise TemplateError(f"more than {_MOST_PIECES} pieces", place="events")
        return tuple(made)


def compile_stream(spec: ReplySpec, names: frozenset[str] | None) -> Stream | None:
    """Compile the stream of a reply, if any. Raises InvalidInputError, paths relative to the reply."""
    if spec.events is not None:
        return _compile(spec.events, "events", _EVENT_KEYS, "text/event-stream", names, raw=spec.raw)
    if spec.chunks is not None:
        return _compile(spec.chunks, "chunks", _CHUNK_KEYS, "text/plain; charset=utf-8", names, raw=spec.raw)
    return None


def _compile(
    items: list[Any],
    kind: str,
    keys: tuple[str, ...],
    content_type: str,
    names: frozenset[str] | None,
    *,
    raw: bool,
) -> Stream:
    compiled = []
    constant = True
    write: Callable[[Any], bytes] = _chunk
    for i, item in enumerate(items):
        _check(item, (kind, i), keys)
        if kind == "events":
            item, write = _event_writer(item)  # noqa: PLW2901  (the same, with its decimals)
        if isinstance(item, dict) and "each" in item:
            compiled.append(_each(item, (kind, i), write, names))
            constant = False
            continue
        tree = None if raw else compile_tree(item, (kind, i), names=names)
        if tree is None or tree.constant:
            compiled.append(_fixed(_piece_at_load(item, write, (kind, i))))
        else:
            compiled.append(_rendered(tree, write, f"{kind}[{i}]"))
            constant = False
    return Stream(compiled, content_type, constant=constant)


def _check(item: object, path: KeyPath, keys: tuple[str, ...]) -> None:
    if not isinstance(item, dict):
        if keys is _CHUNK_KEYS and not isinstance(item, str):
            raise invalid(
                path, f"{shown(item)} is not a chunk", "Write a text, or {text: ...} or {base64: ...}"
            )
        return
    for key in item:
        if key not in (*keys, "each"):
            hint = near(str(key), (*keys, "each"))
            if keys is _EVENT_KEYS:
                hint += " An object that is the data goes under `data`."
            raise invalid((*path, key), "unknown key", hint.strip(), at_key=True)
    if keys is _CHUNK_KEYS and ("text" in item) == ("base64" in item):
        raise invalid(path, "a chunk has `text` or `base64`", "Write one of the two")
    if not any(key in item for key in keys if key != "delay"):
        raise invalid(path, "there is nothing to send", f"Write one of {', '.join(keys)}")


def _fixed(piece: Piece) -> Callable[[Scope], Iterator[Piece]]:
    return lambda _: iter((piece,))


def _rendered(tree: Tree, write: Callable[[Any], bytes], place: str) -> Callable[[Scope], Iterator[Piece]]:
    return lambda scope: iter((_piece_of_call(tree.value(scope), write, place),))


def _each(
    item: dict[str, Any], path: KeyPath, write: Callable[[Any], bytes], names: frozenset[str] | None
) -> Callable[[Scope], Iterator[Piece]]:
    source = compile_tree(item["each"], (*path, "each"), names=names)
    inner = None if names is None else names | {"item"}
    tree = compile_tree({key: value for key, value in item.items() if key != "each"}, path, names=inner)
    place = f"{path[0]}[{path[1]}]"

    def pieces(scope: Scope) -> Iterator[Piece]:
        result = source.value(scope)
        if not isinstance(result, (list, tuple)):
            raise TemplateError(f"`each` needs a list, got {shown(result)}", place=place)
        for element in result:
            yield _piece_of_call(tree.value(scope.with_("item", element)), write, place)

    return pieces


_UNWRITABLE = (TypeError, ValueError, RecursionError)


def _piece_at_load(item: object, write: Callable[[Any], bytes], path: KeyPath) -> Piece:
    try:
        wait_s = _wait_s(item)
    except ValueError as error:
        raise invalid((*path, "delay"), str(error), "Write 20ms or 1s") from error
    try:
        return wait_s, write(item)
    except _UNWRITABLE as error:
        raise invalid(path, f"it can't be written: {error}") from error


def _piece_of_call(item: object, write: Callable[[Any], bytes], place: str) -> Piece:
    try:
        return _wait_s(item), write(item)
    except _UNWRITABLE as error:
        raise TemplateError(f"the value can't be written: {error}", place=place) from error


def _wait_s(item: object) -> float:
    if not isinstance(item, dict) or "delay" not in item:
        return 0.0
    return max(0.0, parse_duration_s(item["delay"]))


_LINE_END = re.compile(r"\r\n|\r|\n")
"""Line ends of an event stream."""


def _event_writer(item: object) -> tuple[Any, Callable[[Any], bytes]]:
    """Return the event with the decimals of its data as written, and its encoder."""
    if not isinstance(item, dict):
        item, dump = json_writer(item)
    else:
        data, dump = json_writer(item.get("data"))
        item = {**item, "data": data} if "data" in item else item
    return item, partial(_event, dump=dump)


def _event(item: object, dump: Callable[[Any], bytes]) -> bytes:
    lines: list[str] = []
    event = item if isinstance(item, dict) else {"data": item}
    if "comment" in event:
        lines += [f": {line}" for line in _LINE_END.split(as_text(event["comment"]))]
    for key in ("event", "id", "retry"):
        if key in event:
            lines.append(f"{key}: {_one_line(key, as_text(event[key]))}")
    if "data" in event:
        data = event["data"]
        text = data if isinstance(data, str) else dump(data).decode()
        lines += [f"data: {line}" for line in _LINE_END.split(text)]
    return ("\n".join(lines) + "\n\n").encode()


def _one_line(key: str, text: str) -> str:
    if _LINE_END.search(text):
        raise ValueError(f"`{key}` can't hold a line break")
    return text


def _chunk(item: object) -> bytes:
    if isinstance(item, dict):
        return _from_base64(as_text(item["base64"])) if "base64" in item else as_text(item["text"]).encode()
    return as_text(item).encode()
