"""Build conditions of the scenario language. Regular expressions must be valid in RE2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import re2

from mockserver.formats.mocks.sources import text_of
from mockserver.formats.mocks.trees import tree
from mockserver.formats.reading import json_of
from mockserver.model.written import as_text
from mockserver.recording.conversion import NotConvertibleError

_WORDS = ("present", "absent")
_FLAGS = re.compile(r"\(\?[is]+\)")
"""Flags at the start of a pattern."""


def literal(text: str) -> object:
    """Just that text."""
    return {"equals": text} if text in _WORDS else text


def ignoring_case(text: str) -> object:
    return literal(text) if text.lower() == text.upper() else {"ignore_case": text}


def negated(condition: object) -> object:
    if condition in _WORDS:
        return "absent" if condition == "present" else "present"
    if isinstance(condition, dict) and list(condition) == ["not"]:
        return condition["not"]
    return {"not": condition}


def value_or_text(text: str) -> object:
    """Return the condition for a JSON value that prints as this text: tools compare what they print."""
    try:
        value = json_of(text)
    except ValueError:
        return literal(text)
    is_scalar = isinstance(value, (int, float)) and text_of(value) == text
    return {"one_of": [value, text]} if is_scalar else literal(text)


def printed(condition: object) -> str | None:
    """Return the text that `value_or_text` made the condition of, if it names the value too."""
    if isinstance(condition, dict) and list(condition) == ["one_of"] and len(condition["one_of"]) == 2:
        value, text = condition["one_of"]
        return text if as_text(value) == text else None
    return None


def both(left: object, other: object) -> object:
    """Return the condition that both fulfil; different operators share a mapping."""
    if left == other:
        return left
    if isinstance(left, dict) and isinstance(other, dict) and not left.keys() & other.keys():
        return {**left, **other}
    return {"all_of": [*_parts("all_of", left), *_parts("all_of", other)]}


def either(conditions: list[Any]) -> object:
    """At least one holds."""
    parts: list[Any] = []
    for condition in conditions:
        parts += [part for part in _parts("any_of", condition) if part not in parts]
    return parts[0] if len(parts) == 1 else {"any_of": parts}


def _parts(operator: str, condition: object) -> list[Any]:
    if isinstance(condition, dict) and list(condition) == [operator]:
        return list(condition[operator])
    return [condition]


def pattern(source: str) -> str:
    """Return a regular expression in the syntax of RE2. Raises NotConvertibleError for unsupported features."""
    translated = re.sub(r"\(\?<(?![=!])", "(?P<", source)
    if compiled(translated) is None:
        raise NotConvertibleError(
            f"the regular expression {source!r} is not valid in RE2",
            "Write it without look-around and back references",
        )
    return translated


def compiled(source: object) -> re2._Regexp | None:
    """Return an expression compiled by RE2; None if RE2 rejects it."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except (re2.error, TypeError, UnicodeEncodeError):
        return None


def fits(whole: str, text: str) -> bool:
    """Whether a pattern that `pattern` gave fits the whole text."""
    return re2.fullmatch(whole, text) is not None


def anywhere(source: str, *, ignore_case: bool = False, anything: str = "(?s:.*)") -> str:
    """
    Return the pattern for a whole value that is equivalent to an unanchored one.

    `anything` matches what may precede and follow. Raises NotConvertibleError.
    """
    inner = pattern(source)
    flags = _FLAGS.match(inner)
    letters = (flags[0][2:-1] if flags else "").replace("i", "")
    ignore_case = ignore_case or (flags is not None and "i" in flags[0])
    head = f"(?{'i' if ignore_case else ''}{letters})" if ignore_case or letters else ""
    inner = inner[flags.end() :] if flags else inner
    start = end = anything
    if not has_alternatives(inner):
        if inner.startswith("^"):
            inner, start = inner[1:], ""
        if inner.endswith("$") and not _escaped(inner, len(inner) - 1):
            inner, end = inner[:-1], ""
    if not start and not end and inner.startswith("(?:") and closing(inner, 0) == len(inner) - 1:
        inner = inner[3:-1]
    if (start or end) and has_alternatives(inner):
        inner = f"(?:{inner})"
    if start and inner.startswith(".*"):
        start = ""
    if end and inner.endswith(".*") and not _escaped(inner, len(inner) - 2):
        end = ""
    return pattern(head + start + inner + end)


def _escaped(text: str, at: int) -> bool:
    backslashes = len(text[:at]) - len(text[:at].rstrip("\\"))
    return backslashes % 2 == 1


def _scanned(source: str) -> Iterator[tuple[int, str, int]]:
    """Yield each character outside of classes and escapes: its place, itself, and how many groups it is in."""
    depth, at, class_start = 0, 0, -1
    while at < len(source):
        char = source[at]
        if char == "\\":
            at += 1
        elif class_start >= 0:
            class_start = -1 if char == "]" and at != class_start else class_start
        elif char == "[":
            class_start = at + (2 if source[at + 1 : at + 2] == "^" else 1)
        else:
            depth += (char == "(") - (char == ")")
            yield at, char, depth
        at += 1


def closing(source: str, start: int) -> int:
    """Return where the group that opens at `start` closes; the pattern's length if it doesn't."""
    ends = (at for at, char, depth in _scanned(source[start:]) if char == ")" and not depth)
    return start + next(ends, len(source) - start)


def escaped(text: str) -> str:
    """Return the pattern for exactly this text, with as few escapes as possible."""
    return re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", text)


def containing(text: str, *, start: bool = False, end: bool = False) -> str:
    """A pattern, without case, for a value that has the text in it, at its start or at its end."""
    inner = escaped(text)
    return "(?is)" + ("" if start else ".*") + inner + ("" if end else ".*")


def has_alternatives(source: str) -> bool:
    """Whether `|` occurs outside of groups and classes."""
    return len(alternatives(source)) > 1


def alternatives(source: str) -> list[str]:
    """Return the parts of a pattern between `|` outside of groups and classes."""
    return split(source, "|")


def split(source: str, by: str) -> list[str]:
    """Split a pattern at a character where it is outside of all groups and classes, and not escaped."""
    places = [at for at, char, depth in _scanned(source) if char == by and not depth]
    return [source[start + 1 : end] for start, end in pairwise([-1, *places, len(source)])]


def dollared(condition: object) -> object:
    """Return a condition for a JSON tree, where operators start with a dollar."""
    if condition in _WORDS:
        return f"${condition}"
    if isinstance(condition, dict):
        return {f"${name}": _operand(name, operand) for name, operand in condition.items()}
    return tree(condition)


def _operand(name: str, operand: Any) -> object:
    if name in ("any_of", "all_of"):
        return [dollared(part) for part in operand]
    if name in ("not", "contains") and isinstance(operand, dict):
        return dollared(operand)
    return operand if name != "not" else dollared(operand)


def searching(whole: str, anything: str = "(?s:.*)") -> str:
    """Return the unanchored pattern that is equivalent to one for the whole value; the inverse of `anywhere`."""
    flags = _FLAGS.match(whole)
    head = flags[0] if flags else ""
    inner = whole[len(head) :]
    start, end = "^", "$"
    if inner.startswith(anything):
        inner, start = inner.removeprefix(anything), ""
    if inner.endswith(anything):
        inner, end = inner.removesuffix(anything), ""
    if (start or end) and has_alternatives(inner):
        inner = f"(?:{inner})"
    return head + start + inner + end
