"""
Errors of invalid YAML and JSON, in plain words with a fix.

PyYAML's errors speak of tokens and contexts, and libyaml's differ from those of the Python parser.
"""

from __future__ import annotations

import json
import re

import yaml

from mockserver.scenarios.places import Lines, PlacedFlaw, placed
from mockserver.scenarios.yaml.hints import classic

_JSON_WORDS = [
    ("Extra data", "there is more text after the end", "A file contains one value"),
    ("',' delimiter", "a comma or a closing bracket is missing before this", ""),
    ("':' delimiter", "a colon is missing before this", ""),
    ("property name", "a key in double quotes is expected here", ""),
    ("Expecting value", "a value is expected here", ""),
    ("Invalid control character", "a text contains a line break or a control character", "Write it as \\n"),
    ("Unterminated string", "a quote is opened here and never closed", "Close it"),
    ("escape", "a backslash and what follows are not a valid JSON escape", "Double the backslash"),
]
_TRAILING_COMMA = re.compile(r",?\s*[}\]]")


def json_error(text: str, error: json.JSONDecodeError) -> PlacedFlaw:
    """Return the flaw of invalid JSON, in the same words with every Python version."""
    comma = len(text[: error.pos + 1].rstrip("}] \t\r\n")) - 1
    if text[comma : comma + 1] == "," and _TRAILING_COMMA.match(text, error.pos):
        return placed(text, comma, "there is a comma before the closing bracket", "Remove it")
    message, hint = next((words for said, *words in _JSON_WORDS if said in error.msg), [error.msg, ""])
    rest = text[error.pos :].lstrip()
    if not error.msg.startswith("Expecting"):
        return placed(text, error.pos, message, hint)
    if rest.startswith(("#", "//")):
        message, hint = "JSON has no comments", "Name the file .yaml to have them"
    elif rest[:1].isalpha() or rest.startswith("'"):
        hint = "JSON puts every key and text in double quotes; a .yaml file doesn't need them"
    return placed(text, error.pos, message, hint)


def yaml_error(text: str, error: yaml.YAMLError) -> PlacedFlaw:
    """Return the flaw of an error of the composer."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return placed(text, 0, f"no YAML: {error}")
    problem, at = error.problem or "", error.problem_mark.index
    if "unknown escape" in problem and text[at - 1] == "\\":
        at -= 1  # the Python scanner points behind the backslash
    opened = error.context_mark.index if error.context_mark else at
    return (
        classic(text, problem, at, opened)
        or _unclosed(text, problem, at, opened)
        or _plain(text, problem, at)
    )


def _unclosed(text: str, problem: str, at: int, opened: int) -> PlacedFlaw | None:
    """Return the flaw of an unclosed bracket or quote at its beginning, which can be far from the error."""
    if "unexpected end of stream" in problem:
        return placed(text, opened, "a quote is opened here and never closed", "Close it")
    what = {"[": "bracket", "{": "brace"}.get(text[opened : opened + 1])
    if what is None or not re.search(r"expected ',' or '[}\]]'", problem):
        return None
    if text[at : at + 1] == "?":
        return _question_mark(text, at)
    line, column = Lines(text).at(opened)
    hint = f"The one of line {line}, column {column} is open"
    return placed(text, at, f"a comma or a closing {what} is missing before this", hint)


_BEFORE = re.compile(r"[^,\[\]{}\n]*\Z")
_AFTER = re.compile(r"[^,\[\]{}\n]*")


def _question_mark(text: str, at: int) -> PlacedFlaw:
    """Return the flaw of a `?` in a plain text between brackets or braces, which libyaml alone accepts."""
    before = _BEFORE.search(text, max(0, at - _MOST_CHARS), at)
    after = _AFTER.match(text, at, at + _MOST_CHARS)
    word = (before[0] if before else "").rpartition(": ")[2].lstrip() + (after[0] if after else "").partition(
        ": "
    )[0].rstrip()
    return placed(
        text,
        at,
        "a text between brackets or braces can't contain '?' without quotes",
        f'Put quotes round it: "{word}"',
    )


_MOST_CHARS = 200
BAD_ESCAPE = "found invalid Unicode character escape code"
_BLOCK_TEXT = ("there is text after | or >", "Begin it on the next line, indented")
_PLAIN_WORDS = [
    (
        "mapping values are not allowed",
        "': ' is in a place without a key",
        "Put quotes round a text that contains ': ', or fix the indentation",
    ),
    ("tab character", "a tab can't indent YAML", "Use spaces"),
    (
        "another document",
        "a second document begins here",
        "A scenario file contains one: split it, or remove the '---'",
    ),
    (
        "undefined alias",
        "the anchor of this alias is not defined above",
        "Write &NAME at the value it stands for, or put quotes round a text that begins with *",
    ),
    ("second occurrence", "this anchor is a duplicate", "Use a different name for each anchor"),
    (
        "alphabetic or numeric character",
        "* and & begin an alias or an anchor",
        "Put quotes round a text that begins with them",
    ),
    (
        "unknown escape character",
        "a backslash and what follows are not a valid YAML escape",
        "Double the backslash, or use single quotes, where it has no meaning",
    ),
    (BAD_ESCAPE, "an escape that is not a character", "Write the character itself"),
    ("expected '-' indicator", "a list ends here, and this is not one of its items", "Fix the indentation"),
    ("could not find expected ':'", "a key without its colon", "Write 'key: value'"),
    ("comment or line break", *_BLOCK_TEXT),
    ("comment or a line break", *_BLOCK_TEXT),
    ("tag", "a tag that can't be read", "Remove it, or put quotes round a text that begins with !"),
]


def _plain(text: str, problem: str, at: int) -> PlacedFlaw:
    return placed(text, at, *_in_plain_words(text, problem, at))


def _in_plain_words(text: str, problem: str, at: int) -> tuple[str, str]:
    char = text[at : at + 1]
    if "cannot start any token" in problem:
        if char == "\t":
            return "a tab can't indent YAML", "Use spaces"
        return f"a value can't begin with {char!r} unquoted", "Put quotes round it"
    for said, message, hint in _PLAIN_WORDS:
        if said in problem:
            return message, hint
    if "expected key" in problem or "expected <block end>" in problem:
        return _misplaced(char)
    if "node content" in problem:
        what = "the file ends" if not char else f"{char!r} stands"
        return f"{what} where a value is expected", "Write the value, or close what was opened"
    return f"no YAML: {problem}", ""


def _misplaced(char: str) -> tuple[str, str]:
    if char in ("]", "}"):
        return f"{char!r} is not opened before", "Remove it, or open it"
    if char == ":":
        return "a key is missing before the colon", "Write it, or put quotes round a text"
    return (
        "this matches neither the text before it nor its indentation",
        "Fix the indentation, or put quotes round the whole value",
    )
