r"""
Paths of routes, in aiohttp's notation: `/users/{id}`, `/users/{id:\\d+}`, `/files/{rest:.+}`.

Nothing is normalised: `

`, a trailing slash, `..` and case are kept. Segments are percent-decoded once. `%2F` is not a separator: it is
represented by SLASH until the value of a parameter is returned.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Iterator
from functools import lru_cache

import re2

from mockserver.errors import InvalidInputError, invalid
from mockserver.model.http import decode_segment

SLASH = "\uf8ff"
"""A slash that was sent as %2F: a character of its segment, not a separator."""

_LONG_CHARS = 1_000
"""From this length on, a path is decoded by one pass of C code, and cached."""
_SWAPPED = str.maketrans("%=", "=%")
_OTHER = "\ud800"
_SWAPPED_BYTES = bytes.maketrans(b"%=", b"=%")
_PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_CROSSES = re.compile(r"[./]|\[\^|\\[SDWP]|\\x2[fF]|\\pZ")


def canonical(raw_path: str) -> str:
    """
    Return the path with every segment decoded; an encoded slash becomes SLASH.

    >>> canonical("/a%20b/c%2Fd").replace(SLASH, "<slash>")
    '/a b/c<slash>d'
    """
    if "%" not in raw_path:
        return raw_path
    return _by_segment(raw_path) if len(raw_path) < _LONG_CHARS else _long(raw_path)


def _by_segment(raw_path: str) -> str:
    return "/".join(decode_segment(segment).replace("/", SLASH) for segment in raw_path.split("/"))


@lru_cache(maxsize=8)
def _long(raw_path: str) -> str:
    """
    Decode a long path, several times as fast: percent-encoding is quoted-printable with another sign.

    A slash is ASCII, so no character is decoded across it.
    """
    if "\n" in raw_path or _OTHER in raw_path:  # which no request line has
        return _by_segment(raw_path)
    path = (
        raw_path.replace("%2f", "%2F").replace("%2F", "%EF%A3%BF").translate(_SWAPPED)
    )  # a lone % stays one
    path = path.replace("=25", _OTHER).replace("=3D", "=25").replace("=3d", "=25").replace(_OTHER, "=3D")
    path = path.replace("==", "=3D=").replace("==", "=3D=")  # in quoted-printable == is one =
    path = f"{path}3D" if path.endswith("=") else path
    try:
        return a2b_qp(path.encode()).translate(_SWAPPED_BYTES).decode("utf-8", "replace")
    except UnicodeEncodeError:  # a lone surrogate
        return _by_segment(raw_path)


def revealed(value: str) -> str:
    """Return the value of a parameter, with encoded slashes as slashes."""
    return value.replace(SLASH, "/")


def regex(source: str) -> re2._Regexp:
    """Compile a linear-time regular expression that logs nothing. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    return re2.compile(source, options)


_FOREIGN = re.compile(
    r":(?P<colon>[A-Za-z_]\w*)(\(.*\))?[*+]?|<((?P<kind>\w+):)?(?P<angle>[A-Za-z_]\w*)>|\[(\.\.\.)?(?P<square>[A-Za-z_]\w*)\]"
    r"|(?P<all>\*\*|\(?\.[*+]\)?)|(?P<one>\*)|(?P<digits>\(?\\d\+\)?)"
)


def as_parameter(segment: str) -> str | None:
    r"""
    Return the parameter for a literal segment in the notation of another tool; None if it is not one.

    >>> as_parameter(":id"), as_parameter("<int:id>"), as_parameter("**"), as_parameter("orders")
    ('{id}', '{id:\\d+}', '{rest:.+}', None)
    """
    match = _FOREIGN.fullmatch(segment)
    if match is None:
        return None
    if match["all"] or match["kind"] == "path":
        return f"{{{match['angle'] or 'rest'}:.+}}"
    if match["digits"] or match["kind"] == "int":
        return f"{{{match['angle'] or 'number'}:\\d+}}"
    return f"{{{match['colon'] or match['angle'] or match['square'] or 'any'}}}"


class Segment:
    """
    A segment of a path.

    It is one of: a literal (`text`), a plain parameter (one name, no `pattern`), or a regular expression with
    parameters. A `tail` may match slashes, and matches the rest of the path.
    """

    __slots__ = ("names", "pattern", "source", "tail", "text")

    def __init__(
        self,
        source: str,
        *,
        text: str | None = None,
        names: tuple[str, ...] = (),
        pattern: re2._Regexp | None = None,
        tail: bool = False,
    ) -> None:
        self.source = source
        self.text = text
        self.names = names
        self.pattern = pattern
        self.tail = tail


class PathPattern:
    """A compiled path; `text` is the path as written. Raises InvalidInputError."""

    __slots__ = ("literal", "names", "segments", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.segments = tuple(_segments(text))
        self.names = tuple(name for segment in self.segments for name in segment.names)
        for name in self.names:
            if self.names.count(name) > 1:
                raise _bad(f"the parameter {name!r} is duplicated in {text!r}", "Use different names")
        self.literal: str | None = None
        if all(segment.text is not None for segment in self.segments):
            self.literal = "/" + "/".join(segment.text or "" for segment in self.segments)

    def match(self, raw_path: str) -> dict[str, str] | None:
        """Return the decoded parameters if the raw path matches; else None."""
        path = canonical(raw_path)
        if self.literal is not None:
            return {} if path == self.literal else None
        count = len(self.segments)
        parts = path.split("/", count + 1)[1:]  # a tail takes the rest with its slashes
        if len(parts) < count or (len(parts) > count and not self.segments[-1].tail):
            return None
        values: list[str] = []
        for i, segment in enumerate(self.segments):
            if segment.tail:
                match = segment.pattern and segment.pattern.fullmatch("/".join(parts[i:]))
                if not match:
                    return None
                return self.named([*values, *match.groups()])
            if not take(segment, parts[i], values):
                return None
        return self.named(values)

    def named(self, values: list[str]) -> dict[str, str]:
        params = {}
        for name, value in zip(self.names, values, strict=True):
            params[name] = value if value and SLASH not in value else revealed(value or "")
        return params

    def __repr__(self) -> str:
        return f"PathPattern({self.text!r})"


def take(segment: Segment, part: str, values: list[str]) -> bool:
    """Whether a segment other than a tail matches a part of the path; appends the values of its parameters."""
    if segment.text is not None:
        return segment.text == part
    if segment.pattern is None:
        if part:
            values.append(part)
        return bool(part)
    match = segment.pattern.fullmatch(part)
    if match:
        values.extend(match.groups())
    return bool(match)


def _bad(message: str, hint: str) -> InvalidInputError:
    return invalid((), message, hint)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """
    Yield `("text", ...)`, `("param", ...)` and `("slash", "/")` in order; braces may be nested in a parameter's regex.
    """
    i, literal = 0, ""
    while i < len(text):
        char = text[i]
        if char in "{/":
            if literal:
                yield "text", literal
            literal = ""
        if char == "/":
            yield "slash", "/"
        elif char == "{":
            end = _closing(text, i)
            yield "param", text[i + 1 : end]
            i = end
        elif char == "}":
            raise _bad(f"a closing brace without its opening one in {text!r}", "Write parameters as {name}")
        else:
            literal += char
        i += 1
    if literal:
        yield "text", literal


def _closing(text: str, start: int) -> int:
    depth, i = 0, start
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if not depth:
                return i
        i += 1
    raise _bad(f"an opening brace without its closing one in {text!r}", "Write parameters as {name}")


def _segments(text: str) -> list[Segment]:
    groups: list[list[tuple[str, str]]] = []
    for kind, value in _pieces(text):
        if kind == "slash":
            groups.append([])
        else:
            groups[-1].append((kind, value))
    segments: list[Segment] = []
    for i, group in enumerate(groups):
        if any(kind == "param" and _CROSSES.search(_harmless(value)) for kind, value in group):
            segments.append(_tail(groups[i:]))
            break
        segments.append(_segment(group))
    return segments


def _harmless(param: str) -> str:
    """Return a parameter's regex without its escaped dots and backslashes."""
    return param.partition(":")[2].replace("\\.", "").replace("\\\\", "")


def _split(param: str) -> tuple[str, str]:
    name, colon, pattern = param.partition(":")
    name = name.strip()
    if not _PARAM_NAME.fullmatch(name):
        bare = name.strip("{}*?!.+<>: ")
        meant = bare if _PARAM_NAME.fullmatch(bare) else "order_id"
        raise _bad(
            f"{name!r} is not a valid parameter name",
            f"Use letters, digits and underscores, as in {{{meant}}}",
        )
    if colon and not pattern:
        raise _bad(f"the parameter {name!r} has an empty pattern", f"Write {{{name}}} or {{{name}:\\d+}}")
    return name, pattern or "[^/]+"


def _source_of(group: list[tuple[str, str]]) -> str:
    return "".join(value if kind == "text" else "{" + value + "}" for kind, value in group)


def _segment(group: list[tuple[str, str]]) -> Segment:
    source = _source_of(group)
    if all(kind == "text" for kind, _ in group):
        return Segment(source, text=decode_segment(source).replace("/", SLASH))
    if len(group) == 1:
        name, _ = _split(group[0][1])
        if ":" not in group[0][1]:
            return Segment(source, names=(name,))
    names, pattern = _regex_of(group)
    return Segment(source, names=names, pattern=pattern)


def _tail(groups: list[list[tuple[str, str]]]) -> Segment:
    flat: list[tuple[str, str]] = []
    for i, group in enumerate(groups):
        if i:
            flat.append(("text", "/"))
        flat.extend(group)
    names, pattern = _regex_of(flat)
    return Segment(_source_of(flat), names=names, pattern=pattern, tail=True)


def _regex_of(group: list[tuple[str, str]]) -> tuple[tuple[str, ...], re2._Regexp]:
    names, source = [], ""
    for kind, value in group:
        if kind == "text":
            source += re2.escape("/".join(decode_segment(s) for s in value.split("/")))
            continue
        name, pattern = _split(value)
        names.append(name)
        source += f"({_without_groups(pattern)})"
    try:
        return tuple(names), regex(source)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise _bad(
            f"a bad regular expression in the path: {reason}",
            "Patterns are RE2: no look-around, no back references",
        ) from None


def _without_groups(pattern: str) -> str:
    """Return the pattern with non-capturing groups, so that values keep their names."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)
