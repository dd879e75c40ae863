"""Generate texts for a schema: by format, pattern and length. Random values come from the given `Random`."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from mockserver.model.json_values import is_number

_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "garnet", "harbor", "indigo", "juniper", "kestrel", "lagoon",
    "maple", "nectar", "opal", "pepper", "quartz", "river", "saffron", "timber", "umber", "velvet", "willow", "yarrow",
)  # fmt: skip
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_LONGEST = 4096
"""Maximum length of a sample, also if `minLength` is greater."""


def word(chance: Random) -> str:
    return chance.choice(_WORDS)


def _moment(chance: Random) -> datetime:
    return _EPOCH + timedelta(seconds=chance.randrange(365 * 24 * 3600))


def _uuid(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


_FORMATS: dict[str, Callable[[Random], str]] = {
    "date-time": lambda chance: _moment(chance).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "date": lambda chance: _moment(chance).strftime("%Y-%m-%d"),
    "time": lambda chance: _moment(chance).strftime("%H:%M:%SZ"),
    "duration": lambda chance: f"PT{chance.randint(1, 59)}M",
    "email": lambda chance: f"{word(chance)}@example.com",
    "idn-email": lambda chance: f"{word(chance)}@example.com",
    "hostname": lambda chance: f"{word(chance)}.example.com",
    "idn-hostname": lambda chance: f"{word(chance)}.example.com",
    "ipv4": lambda chance: f"192.0.2.{chance.randint(1, 254)}",
    "ipv6": lambda chance: f"2001:db8::{chance.randint(1, 0xFFFF):x}",
    "uri": lambda chance: f"https://example.com/{word(chance)}",
    "url": lambda chance: f"https://example.com/{word(chance)}",
    "iri": lambda chance: f"https://example.com/{word(chance)}",
    "uri-reference": lambda chance: f"/{word(chance)}",
    "iri-reference": lambda chance: f"/{word(chance)}",
    "uri-template": lambda chance: f"https://example.com/{word(chance)}/{{id}}",
    "uuid": _uuid,
    "byte": lambda chance: base64.b64encode(word(chance).encode()).decode(),
    "json-pointer": lambda chance: f"/{word(chance)}",
    "relative-json-pointer": lambda chance: f"0/{word(chance)}",
    "regex": lambda chance: f"^{word(chance)}$",
    "decimal": lambda chance: f"{chance.randint(1, 99)}.{chance.randint(10, 99)}",
    "phone": lambda chance: f"+1555{chance.randint(1000000, 9999999)}",
}


def text(schema: dict[str, Any], chance: Random) -> str:
    """Return a text for a schema. If its conditions contradict each other, it meets only some of them."""
    least = min(_whole(schema.get("minLength"), 0), _LONGEST)
    most = max(least, min(_whole(schema.get("maxLength"), _LONGEST), _LONGEST))
    if isinstance(schema.get("pattern"), str):
        result = by_pattern(schema["pattern"], chance, least, most)
        if result is not None:
            return result
    make = _FORMATS.get(str(schema.get("format")))
    made = make(chance) if make is not None else word(chance)
    if make is None:
        while len(made) < least:
            made += f" {word(chance)}"
    return made[:most] if len(made) > most else made


def _whole(value: Any, default: int) -> int:
    return int(value) if is_number(value) else default


# Patterns


def as_python(pattern: str) -> str:
    """Convert a pattern from JavaScript (OpenAPI 3.1, 4.8.24), whose named groups have another syntax."""
    return re.sub(r"\(\?<(?![=!])", "(?P<", pattern)


def is_found(pattern: str, name: str) -> bool:
    """Return whether the pattern matches in a text. An invalid pattern never matches."""
    try:
        return re.search(as_python(pattern), name, re.ASCII) is not None
    except (re.error, OverflowError, RecursionError):
        return False


def by_pattern(pattern: str, chance: Random, least: int = 0, most: int = _LONGEST) -> str | None:
    """Return a text that matches the pattern, of that length if possible; None for an invalid pattern."""
    try:
        tree = _parsed(as_python(pattern))
        conditions = re.compile(as_python(pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None
    best: str | None = None
    for more in (0, 1, 2, 4, 8, 16, 32, 64, *(least,) * 4):
        made = "".join(_Pattern(chance, more).of(tree))[: 2 * _LONGEST]
        if not pattern.endswith("$"):
            made = made.ljust(least, "a") if conditions.search(made.ljust(least, "a")) else made
        if conditions.search(made):
            best = best if best is not None else made
            if least <= len(made) <= most:
                return made
    return best


def _parsed(pattern: str) -> object:
    from re import _parser  # type: ignore[attr-defined]  # the standard library has no public parser

    return _parser.parse(pattern)


_CLASSES = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_WORD": "abcdefghijklmnopqrstuvwxyz0123456789_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "abcdefghijklmnopqrstuvwxyz",
    "CATEGORY_NOT_WORD": "-. ",
    "CATEGORY_NOT_SPACE": "abcdefghijklmnopqrstuvwxyz0123456789",
}
_PLAIN = [
    chr(code) for code in (*range(97, 123), *range(48, 58), *range(65, 91), *range(32, 48), *range(58, 127))
]


class _Pattern:
    """Generates a text for a parsed pattern. Repeats occur up to `more` times above their minimum."""

    def __init__(self, chance: Random, more: int) -> None:
        self._chance = chance
        self._more = more
        self._groups: dict[int, str] = {}

    def of(self, tree: Any) -> list[str]:
        return [self._one(str(op), value) for op, value in tree]

    def _one(self, op: str, value: Any) -> str:
        match op:
            case "LITERAL":
                return chr(value)
            case "NOT_LITERAL":
                return next(item for item in self._shuffled() if ord(item) != value)
            case "ANY":
                return self._chance.choice(_PLAIN[:26])
            case "IN":
                return self._of_set(value)
            case "BRANCH":
                return "".join(self.of(self._chance.choice(value[1])))
            case "SUBPATTERN":
                made = "".join(self.of(value[3]))
                if value[0] is not None:
                    self._groups[value[0]] = made
                return made
            case "GROUPREF":
                return self._groups.get(value, "")
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = value
                often = min(int(most), int(least) + self._more, _LONGEST)
                return "".join("".join(self.of(inner)) for _ in range(max(int(least), often)))
            case "ATOMIC_GROUP":
                return "".join(self.of(value))
        return ""  # anchors and look-around

    def _of_set(self, items: Any) -> str:
        listed = [(str(op), value) for op, value in items]
        if listed[0][0] == "NEGATE":
            return next((item for item in self._shuffled() if not _in(item, listed[1:])), "")
        op, value = self._chance.choice(listed)
        if op == "LITERAL":
            return chr(value)
        if op == "RANGE":
            return chr(self._chance.randint(value[0], value[1]))
        return self._chance.choice(_CLASSES.get(str(value), "a"))

    def _shuffled(self) -> list[str]:
        letters = _PLAIN[:36]
        self._chance.shuffle(letters)
        return [*letters, *_PLAIN[36:]]


def _in(char: str, listed: list[tuple[str, Any]]) -> bool:
    code = ord(char)
    for op, value in listed:
        if (op == "LITERAL" and code == value) or (op == "RANGE" and value[0] <= code <= value[1]):
            return True
        if op == "CATEGORY":
            classes = {"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}
            _, _, kind = str(value).partition("CATEGORY_")
            result = re.match(classes[kind.removeprefix("NOT_")], char) is not None
            if result is not kind.startswith("NOT_"):
                return True
    return False
