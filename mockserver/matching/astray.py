"""What is wrong with a path that a route does not take: a slash, the case, a prefix, a typo, or all of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from mockserver.errors import InvalidInput
from mockserver.matching.paths import PathPattern
from mockserver.matching.slips import typos
from mockserver.model.miss import Difference

_OTHER = 2.0
"""The weight of a segment that is simply another one."""
_MAX_SEGMENTS = 64
_MAX_PREFIX = 3
_NOTHINGS = ("undefined", "null", "None", "nil", "NaN")
_OPENERS = ("{", "$", ":", "<", "[")


class Pattern(Protocol):
    """A compiled path; `text` is the path as written, with its base."""

    @property
    def text(self) -> str: ...
    def match(self, raw_path: str) -> dict[str, str] | None: ...


class _Guess(NamedTuple):
    hint: str
    weight: float


def path_difference(raw_path: str, pattern: Pattern) -> Difference | None:
    """Why the pattern does not take the path; None where it does."""
    if pattern.match(raw_path) is not None:
        return None
    guess = next(_mended(raw_path, pattern), None) or _by_segment(raw_path, pattern.text)
    text = f"path differs: {raw_path!r} is not '{pattern.text}'"
    if guess.hint:
        text += f"; {guess.hint}"
    return Difference("path", pattern.text, raw_path, hint=guess.hint, weight=guess.weight, text=text)


def _mended(path: str, pattern: Pattern) -> Iterator[_Guess]:
    """Single slips that, mended, make the path fit."""
    for other, hint in _variants(path):
        if pattern.match(other) is not None:
            yield _Guess(hint, 0.4)
    came, wanted = path.split("/")[1:], segments_of(pattern.text)
    for count in range(1, _MAX_PREFIX + 1):
        rest, prefix = "/".join(came[count:]), "/".join(wanted[:count])
        if rest and pattern.match("/" + rest) is not None:
            yield _Guess(f"the prefix '/{'/'.join(came[:count])}' is too much", 0.5 + 0.1 * count)
        lacks = "{" not in prefix and not f"{path}/".startswith(f"/{prefix}/")
        if lacks and pattern.match(f"/{prefix}{path}") is not None:
            yield _Guess(f"the prefix '/{prefix}' is missing", 0.5 + 0.1 * count)
    if _fits_in_lower_case(path, pattern):
        yield _Guess("only the case differs", 0.4)
    for other, hint in _variants(path):
        if _fits_in_lower_case(other, pattern):
            yield _Guess(f"the case differs; {hint}", 0.8)


def _variants(path: str) -> Iterator[tuple[str, str]]:
    if path.endswith("/"):
        yield path.rstrip("/"), "leave out the trailing slash"
    else:
        yield path + "/", "add the trailing slash"
    if "//" in path:
        yield re.sub("/+", "/", path), "a slash is doubled"
    if "%2f" in path.lower():
        yield re.sub("%2[fF]", "/", path), "a slash came as %2F, which is no separator"
    if "%3f" in path.lower():
        yield (
            re.split("%3[fF]", path, maxsplit=1)[0],
            "the question mark came as %3F, so the query is part of the path",
        )
    if "%25" in path:
        yield unquote(path), "it is percent-encoded twice"
    if "/." in path:
        yield posixpath.normpath(path), "dots are no steps here: nothing is normalised"
    if path.rstrip(" ").endswith("%20"):
        yield path.removesuffix("%20"), "white space came at its end"


def _fits_in_lower_case(path: str, pattern: Pattern) -> bool:
    wanted, came = segments_of(pattern.text), path.split("/")[1:]
    if len(wanted) != len(came):
        return False
    same = [w if "{" not in w and w.lower() == c.lower() else c for w, c in zip(wanted, came, strict=True)]
    return pattern.match("/" + "/".join(same)) is not None


def _by_segment(path: str, text: str) -> _Guess:
    wanted, came = segments_of(text), path.split("/")[1:][:_MAX_SEGMENTS]
    if len(wanted) == len(came):
        return _of_same_length(wanted, came)
    common = 0
    for w, c in zip(wanted, came, strict=False):
        if not fits(w, c):
            break
        common += 1
    apart = _OTHER * abs(len(wanted) - len(came))
    if common == len(wanted):
        return _Guess(f"'/{'/'.join(came[common:])}' is too much", 0.75 * apart)
    if common == len(came):
        return _Guess(f"'/{'/'.join(wanted[common:])}' is missing", 0.75 * apart)
    return _Guess("", apart + _OTHER * (min(len(wanted), len(came)) - common))


def _of_same_length(wanted: Sequence[str], came: Sequence[str]) -> _Guess:
    hints: list[str] = []
    others: list[str] = []
    weight = 0.0
    for w, c in zip(wanted, came, strict=True):
        if fits(w, c):
            continue
        if "{" in w:
            hints.append(f"{c!r} does not fit {w}{_unfilled(c)}" if c else f"{w} is empty")
            weight += 1.0 if c else 1.5
        elif typos(w, c) or w.lower() == c.lower():
            hints.append(f"{c!r} instead of {w!r}, a typo?")
            weight += 0.5 + 0.1 * typos(w, c)
        else:
            others.append(f"{c!r} instead of {w!r}{_unfilled(c)}")
            weight += _OTHER
    if len(others) == 1 < len(wanted):
        hints += others
        weight -= 0.5
    return _Guess("; ".join(hints[:3]), weight)


def _unfilled(came: str) -> str:
    """A word on what programs write where a variable had no value."""
    nothing = came in _NOTHINGS or unquote(came)[:1] in _OPENERS
    return ", a variable that was not filled in?" if nothing else ""


def fits(wanted: str, came: str) -> bool:
    """Whether a segment as written, with its parameters, takes one that came."""
    pattern = _pattern(wanted) if "{" in wanted or "%" in wanted + came else None
    return wanted == came if pattern is None else pattern.match("/" + came) is not None


@lru_cache(maxsize=1024)
def _pattern(segment: str) -> PathPattern | None:
    try:
        return PathPattern("/" + segment)
    except InvalidInput:
        return None


@lru_cache(maxsize=4096)
def segments_of(text: str) -> tuple[str, ...]:
    """
    The segments of a path as written; slashes inside braces part nothing.

    >>> segments_of("/users/{id:[a/b]+}/x")
    ('users', '{id:[a/b]+}', 'x')
    """
    segments, depth = [""], 0
    for char in text[1:]:
        depth += (char == "{") - (char == "}")
        if char == "/" and not depth:
            segments.append("")
        else:
            segments[-1] += char
    return tuple(segments)
