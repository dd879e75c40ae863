"""Differences of paths: a slash, the case, a prefix, a typo, or several of these."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil, inf
from typing import Protocol
from urllib.parse import unquote

from mockserver.errors import InvalidInputError
from mockserver.matching.mismatch.hints import edits, typos
from mockserver.matching.paths import PathPattern, as_parameter
from mockserver.model.mismatch import Difference
from mockserver.redaction.redaction import mask_path

UNLIKE = 4.0
"""Minimum weight of a path that is not similar."""
_OTHER = 2.0
"""Weight of a different segment."""
_NEAR = 1.2
_SURPLUS = 1.5
_LITTLE = 0.25
_GENERIC = re.compile(r"v\d+|api|rest", re.IGNORECASE)
"""Common segments, which many unrelated services share."""
_PLAIN = re.compile(r"\{[\w-]+\}")
_MOST_CHARS = 1_024
_SHOWN_CHARS = 200
_MAX_SEGMENTS = 32
_MAX_PREFIX = 3
_NOTHINGS = ("undefined", "null", "None", "nil", "NaN")
_OPENERS = ("{", "$", ":", "<", "[")


class RoutePath(Protocol):
    """A compiled path; `text` is the path as written, with its base."""

    @property
    def text(self) -> str: ...
    def match(self, raw_path: str) -> dict[str, str] | None: ...


_Guess = tuple[str, float]
"""The hint, and the weight."""


def path_difference(raw_path: str, pattern: RoutePath) -> Difference | None:
    """
    Return the difference of a path; None if it matches.

    Its weight is UNLIKE or more if the paths are not similar.
    """
    if pattern.match(raw_path) is not None:
        return None
    shown = shown_path(raw_path)
    guess = next(_mended(raw_path, pattern), None) if len(raw_path) <= _MOST_CHARS else None
    hint, weight = guess or _aligned(raw_path[:_MOST_CHARS], pattern.text)
    text = f"path differs: {shown!r} is not '{pattern.text}'"
    if hint:
        text += f"; {hint}"
    return Difference("path", pattern.text, shown, "", hint, weight, text)


@lru_cache(maxsize=8)
def shown_path(raw_path: str) -> str:
    """Return a path for a text, with secrets masked before it is shortened, so that no part of one remains."""
    if len(raw_path) <= _SHOWN_CHARS:
        return raw_path
    return mask_path(raw_path[: 4 * _MOST_CHARS])[: _SHOWN_CHARS - 1] + "…"


def _mended(path: str, pattern: RoutePath) -> Iterator[_Guess]:
    """Yield single mistakes whose correction makes the path match."""
    for other, hint in _variants(path):
        if pattern.match(other) is not None:
            yield hint, 0.4
    came, wanted = path.split("/")[1:], segments_of(pattern.text)
    yield from _prefixes(path, came, wanted, pattern)
    if path == path.lower() and pattern.text == pattern.text.lower():
        return
    if any(w != c and w.lower() == c.lower() for w, c in zip(wanted, came, strict=False)):
        if _fits_in_lower_case(path, pattern):
            yield "only the case differs", 0.4
        for other, hint in _variants(path):
            if _fits_in_lower_case(other, pattern):
                yield f"the case differs; {hint}", 0.8


def _prefixes(path: str, came: Sequence[str], wanted: Sequence[str], pattern: RoutePath) -> Iterator[_Guess]:
    surplus, takes_any = len(came) - len(wanted), ":" in pattern.text
    for count in range(1, _MAX_PREFIX + 1) if takes_any or 0 < abs(surplus) <= _MAX_PREFIX else ():
        if takes_any or surplus == count:
            rest = "/".join(came[count:])
            if rest and any(map(_worth, wanted)) and pattern.match("/" + rest) is not None:
                yield f"the prefix '/{'/'.join(came[:count])}' is too much", 0.5 + 0.1 * count
        if takes_any or surplus == -count:
            prefix = "/".join(wanted[:count])
            lacks = "{" not in prefix and not f"{path}/".startswith(f"/{prefix}/")
            if lacks and any(map(_worth, wanted[count:])) and pattern.match(f"/{prefix}{path}") is not None:
                yield f"the prefix '/{prefix}' is missing", 0.5 + 0.1 * count


@lru_cache(maxsize=8)
def _variants(path: str) -> list[tuple[str, str]]:
    """Return the path without each of some mistakes, and the hint at it."""
    return list(_corrections(path))


def _corrections(path: str) -> Iterator[tuple[str, str]]:
    if path.endswith("/"):
        yield path.rstrip("/"), "leave out the trailing slash"
    else:
        yield path + "/", "add the trailing slash"
    if "//" in path:
        yield re.sub("/+", "/", path), "a slash is doubled"
    if "%2f" in path.lower():
        yield re.sub("%2[fF]", "/", path), "a slash came as %2F, which is not a separator"
    if "%3f" in path.lower():
        yield (
            re.split("%3[fF]", path, maxsplit=1)[0],
            "the question mark came as %3F, so the query is part of the path",
        )
    if "%25" in path:
        yield unquote(path), "it is percent-encoded twice"
    if "/." in path:
        yield posixpath.normpath(path), "dots have no meaning here: paths are not normalised"
    if path.rstrip(" ").endswith("%20"):
        yield path.removesuffix("%20"), "white space came at its end"


def _fits_in_lower_case(path: str, pattern: RoutePath) -> bool:
    wanted, came = segments_of(pattern.text), path.split("/")[1:]
    if len(wanted) != len(came):
        return False
    same = [w if "{" not in w and w.lower() == c.lower() else c for w, c in zip(wanted, came, strict=True)]
    return pattern.match("/" + "/".join(same)) is not None


def _aligned(path: str, text: str) -> _Guess:
    """Return the best of three comparisons: segment by segment, with a missing prefix, with an additional prefix."""
    wanted, came = segments_of(text), path.split("/")[1:][:_MAX_SEGMENTS]
    if len(came) > len(wanted) and ":" in wanted[-1]:
        rest = "/".join(came[len(wanted) - 1 :])
        if fits(wanted[-1], rest):
            came[len(wanted) - 1 :] = [rest]
    plain = _compared(wanted, came)
    lacking, other = len(wanted) - len(came), plain
    if 0 < lacking <= _MAX_PREFIX and "{" not in (prefix := "/".join(wanted[:lacking])):
        other = _compared(wanted[lacking:], came, f"the prefix '/{prefix}' is missing", 0.5 + 0.1 * lacking)
    elif 0 < -lacking <= _MAX_PREFIX:
        prefix = "/".join(came[:-lacking])
        other = _compared(wanted, came[-lacking:], f"the prefix '/{prefix}' is too much", 0.5 - 0.1 * lacking)
    return other if other[1] < plain[1] else plain


def _compared(wanted: Sequence[str], came: Sequence[str], hint: str = "", weight: float = 0.0) -> _Guess:
    """Compare segments. With a `hint`, which comes first, some of them must have something in common."""
    far = shared = strange = 0.0
    hints = [hint] if hint else []
    others: list[str] = []
    for distance, common, odd, said, other in map(_compare, wanted, came):  # ends with the shorter one
        far += distance
        shared += common
        strange += odd
        if said:
            hints.append(said)
        if other:
            others.append(other)
    if len(others) == 1 < len(wanted):
        hints += others
        far -= 0.5
    if len(wanted) != len(came):
        surplus = wanted[len(came) :] or came[len(wanted) :]
        hints.append(f"'/{'/'.join(surplus)}' is {'missing' if len(wanted) > len(came) else 'too much'}")
        far += _SURPLUS * len(surplus)
        strange += sum(map(_worth, surplus))
    if hint and not shared:
        return "", inf
    if strange > shared:
        return "", UNLIKE + (weight + far)
    return "; ".join(hints[:3]), min(weight + far, UNLIKE - 0.1)


@lru_cache(maxsize=4096)
def _compare(wanted: str, came: str) -> tuple[float, float, float, str, str]:
    """Return the weight, the worth of what is common and of what differs, the hint, and the hint at a different word."""
    if fits(wanted, came):
        return 0.0, _worth(wanted), 0.0, "", ""
    own = _worth(wanted)
    worth = max(own, _worth(came))
    if "{" in wanted:
        hint = f"{came!r} does not fit {wanted}{_unfilled(came)}" if came else f"{wanted} is empty"
        return 1.0 if came else 1.5, 0.0, 0.0, hint, ""
    if not own and (meant := as_parameter(wanted)) is not None:
        return 1.0, 0.0, 0.0, f"{wanted!r} is taken literally, a parameter is written {meant}", ""
    hint = f"{came!r} instead of {wanted!r}"
    if letters := _misspelt(wanted, came):
        return 0.5 + 0.1 * letters, worth, 0.0, f"{hint}, a typo?", ""
    hint += _unfilled(came)
    if _is_near(wanted, came):
        return _NEAR, worth / 2, worth / 2, hint, ""
    return _OTHER, 0.0, worth, "", hint


@lru_cache(maxsize=4096)
def _worth(segment: str) -> float:
    """Return how specific a segment is for a service."""
    if not segment or "{" in segment or not (segment.isalnum() or as_parameter(segment) is None):
        return 0.0
    return _LITTLE if _GENERIC.fullmatch(segment) else 1.0


def _misspelt(wanted: str, came: str) -> int:
    """Return the number of wrong letters, 0 for another word; short words may have one letter more or less."""
    if wanted.lower() == came.lower():
        return 1
    short = min(len(wanted), len(came)) >= 2 and len(wanted) != len(came) and len(wanted) <= 4
    return typos(wanted, came) or int(short and edits(wanted.lower(), came.lower(), 1) == 1)


def _is_near(wanted: str, came: str) -> bool:
    """Whether two words begin alike, or differ in one letter."""
    wanted, came = wanted.lower(), came.lower()
    longest = max(len(wanted), len(came))
    least = max(4, ceil(0.6 * longest))
    alike = least <= min(len(wanted), len(came)) and wanted[:least] == came[:least]
    return alike or (len(wanted) < 4 and longest <= 4 and edits(wanted, came, 1) == 1)


def _unfilled(came: str) -> str:
    """Return a hint at an empty variable, for what programs write in its place."""
    first = unquote(came)[:1] if came[:1] == "%" else came[:1]
    nothing = came in _NOTHINGS or first in _OPENERS
    return ", a variable that was not filled in?" if nothing else ""


def fits(wanted: str, came: str) -> bool:
    """Whether a segment as written, with its parameters, matches one that was sent."""
    if "{" not in wanted and "%" not in wanted + came:
        return wanted == came
    if _PLAIN.fullmatch(wanted):
        return bool(came)
    pattern = _pattern(wanted)
    return wanted == came if pattern is None else pattern.match("/" + came) is not None


@lru_cache(maxsize=1024)
def _pattern(segment: str) -> PathPattern | None:
    try:
        return PathPattern("/" + segment)
    except InvalidInputError:
        return None


@lru_cache(maxsize=4096)
def segments_of(text: str) -> tuple[str, ...]:
    """
    Return the segments of a path as written; slashes in braces don't separate.

    >>> segments_of("/users/{id:[a/b]+}/x")
    ('users', '{id:[a/b]+}', 'x')
    """
    parts = text[1:].split("/")
    if "{" not in text or all(part.count("{") == part.count("}") for part in parts):
        return tuple(parts)
    segments, depth = [""], 0
    for char in text[1:]:
        depth += (char == "{") - (char == "}")
        if char == "/" and not depth:
            segments.append("")
        else:
            segments[-1] += char
    return tuple(segments)
