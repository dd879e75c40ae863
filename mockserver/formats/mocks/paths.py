"""
Convert paths of other tools, literal or as regular expressions, to paths of routes and back.

The path of a route starts with a slash, followed by its parameters, so a pattern for a whole path loses its first
slash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from mockserver.formats.mocks.conditions import (
    alternatives,
    closing,
    escaped,
    fits,
    has_alternatives,
    pattern,
    split,
)
from mockserver.formats.path_pieces import PLAIN, has_pairs_of_braces, pieces
from mockserver.formats.reading import free_name
from mockserver.recording.conversion import NotConvertibleError

ANY_PATH = "/{path:.*}"
"""Every path there is."""
_CROSSING = re.compile(r"[./]|\[\^|\\[SDWP]|\\x2[fF]")
_GROUP_NAME = re.compile(r"\(\?P<([A-Za-z_]\w*)>")
_META = re.compile(r"[\\^$.|?*+()\[\]{}]")


def literal_path(text: str) -> str:
    """Return a literal path. Raises NotConvertibleError if it does not start with a slash."""
    if not text.startswith("/"):
        raise NotConvertibleError(f"the path {text!r} does not begin with a slash, so no request has it")
    return re.sub(r"[\s{}?#]", lambda match: f"%{ord(match[0]):02X}", text)


def without_case(text: str) -> str:
    """A path that is compared without case."""
    if text.lower() == text.upper():
        return literal_path(text)
    literal_path(text)
    return "/{path:(?i)" + _guarded(escaped(unquote(text[1:]))) + "}"


def pattern_path(whole: str) -> str:
    """
    The route's path for a pattern that fits whole paths: by segments where it
    can be seen, with the pattern's own group names, else as one parameter.
    Raises NotConvertibleError.
    """
    whole = pattern(whole)
    if whole in ("(?s:.*)", ".*", "/.*", "/(?s:.*)"):
        return ANY_PATH
    return _by_segments(whole) or "/{path:" + _guarded(_after_slash(whole)) + "}"


def _guarded(source: str) -> str:
    """Return a pattern that can be between braces. Raises NotConvertibleError."""
    if not has_pairs_of_braces(source) or re.search(r"\s", source):
        raise NotConvertibleError(
            f"the pattern {source!r} can't be part of a path: its braces or spaces would end it"
        )
    return pattern(source)


def _by_segments(whole: str) -> str | None:
    grouped = whole.startswith("/(") and not whole.startswith("/(?P<")
    if not whole.startswith("/") or has_alternatives(whole) or grouped:
        return None
    made: list[str] = []
    parts = split(whole[1:], "/")
    names: set[str] = set()
    for i, part in enumerate(parts):
        segment = _segment(part, names, last=i + 1 == len(parts))
        if segment is None:
            return None
        made.append(segment)
    return "/" + "/".join(made)


def _segment(part: str, names: set[str], *, last: bool) -> str | None:
    plain = _plain(part)
    if plain is not None:
        return literal_path("/" + plain)[1:]
    name, inner = "", part
    named = _GROUP_NAME.match(part)
    if named and part.endswith(")") and _one_group(part):
        name, inner = named[1], part[named.end() : -1]
    elif _GROUP_NAME.search(part):
        return None
    if name in names:
        return None
    crossing = _CROSSING.search(inner.replace("\\.", "").replace("\\\\", ""))
    plain_parameter = inner in ("[^/]+", "([^/]+)")
    name = name or free_name("rest" if crossing and not plain_parameter else "id", names)
    names.add(name)
    if plain_parameter:
        return "{" + name + "}"
    if crossing and not last:
        return None
    try:
        return "{" + name + ":" + _guarded(inner) + "}"
    except NotConvertibleError:
        return None


def _one_group(part: str) -> bool:
    """Whether the first bracket closes at the end."""
    return closing(part, 0) == len(part) - 1


def _plain(part: str) -> str | None:
    """Return the text of a pattern that matches only this text."""
    text, i = "", 0
    while i < len(part):
        char = part[i]
        if char == "\\" and i + 1 < len(part) and not part[i + 1].isalnum():
            i += 1
            text += part[i]
        elif _META.match(char):
            return None
        else:
            text += char
        i += 1
    return text


def _after_slash(whole: str) -> str:
    """The pattern for what may follow a path's first slash (its derivative). Raises NotConvertibleError."""
    result = [alternative for alternative in map(_after, alternatives(whole)) if alternative is not None]
    if not result:
        raise NotConvertibleError(f"the pattern {whole!r} fits no path, since none begins so")
    return result[0] if len(result) == 1 else "(?:" + "|".join(result) + ")"


_FLAGS = re.compile(r"\(\?([a-z]+)\)")
_ANYTHING = ("(?s:.*)", ".*", "(.*)", "(?:.*)", "[\\s\\S]*")


def _after(source: str) -> str | None:
    if flags := _FLAGS.match(source):
        return flags[0] + _after_slash(source[flags.end() :])
    if source.startswith("^"):
        return _after(source[1:])
    for head in ("/", "\\/", "[/]"):
        if source.startswith(head) and source[len(head) : len(head) + 1] not in ("*", "+", "?", "{"):
            return source[len(head) :]
    for anything in _ANYTHING:
        if source.startswith(anything):
            rest = source[len(anything) :]
            more = _after(rest) if rest else None
            return source if more is None else f"(?:{source}|{more})"
    if source.startswith(".+"):
        return ".*" + source[2:]
    if source.startswith("("):
        return _after_group(source)
    atom = _atom(source)
    if atom and not fits(pattern(atom), "/"):
        return None
    if atom and source[len(atom) : len(atom) + 1] in ("+", "*"):
        return atom + "*" + source[len(atom) + 1 :]
    if atom and source[len(atom) : len(atom) + 1] not in ("?", "{"):
        return source[len(atom) :]
    raise NotConvertibleError(f"the pattern {source!r} can't be put behind a path's first slash")


def _atom(source: str) -> str:
    """What a quantifier at its place would repeat: a character, an escape, a class."""
    if source.startswith("["):
        end = 2 if source[1:2] == "^" else 1
        while end < len(source) and (source[end] != "]" or end in (1, 2 if source[1:2] == "^" else 1)):
            end += 2 if source[end] == "\\" else 1
        return source[: end + 1]
    return source[:2] if source.startswith("\\") else source[:1]


def _after_group(source: str) -> str | None:
    end = closing(source, 0)
    head = re.match(r"\((\?(?:P<\w+>|[a-z]*:))?", source)
    inner, rest = source[head.end() if head else 1 : end], source[end + 1 :]
    if rest[:1] in ("*", "+", "{"):
        raise NotConvertibleError(f"the pattern {source!r} can't be put behind a path's first slash")
    optional = rest[:1] == "?"
    rest = rest[1:] if optional else rest
    flags = head[1][1:-1] if head and head[1] and not head[1].startswith("?P") else ""
    result = [alternative for alternative in map(_after, alternatives(inner)) if alternative is not None]
    ways = [f"(?{flags}:{'|'.join(result)}){rest}"] if result else []
    if optional and (more := _after(rest)) is not None:
        ways.append(more)
    if not ways:
        return None
    return ways[0] if len(ways) == 1 else "(?:" + "|".join(ways) + ")"


@dataclass(frozen=True, slots=True)
class Path:
    """
    A path of a route for other tools: `literal`, or a pattern for whole paths with a named group for each parameter.

    `caseless` is the text if the pattern only ignores case.
    """

    literal: str | None
    regex: str
    ignore_case: bool = False
    caseless: str | None = None

    @property
    def is_any(self) -> bool:
        return self.literal is None and self.regex in ("/.*", "/(?s:.*)")


def outgoing_path(path: str) -> Path:
    """Return a route's path, with its base before it, as other tools take it."""
    parts = pieces(path)
    if all(isinstance(part, str) for part in parts):
        return Path(unquote(path), escaped(unquote(path)))
    match parts:
        case ["/", ("path", whole)] if whole != PLAIN:
            return _caseless(whole)
    return Path(
        None, "".join(escaped(unquote(part)) if isinstance(part, str) else _group(*part) for part in parts)
    )


def _group(name: str, pattern: str) -> str:
    return f"(?<{name.replace('-', '_')}>{pattern})"


def _caseless(whole: str) -> Path:
    """Return the path for the one parameter that `pattern_path` makes."""
    flags = re.match(r"\(\?([is]+)\)", whole)
    ignore_case = flags is not None and "i" in flags[1]
    inner = whole[flags.end() :] if flags else whole
    inner = f"(?:{inner})" if has_alternatives(inner) else inner
    return Path(None, f"/{inner}", ignore_case, _plain("/" + inner) if ignore_case else None)
