"""
What is wrong with a text that is no YAML or JSON, said so that its author can mend it.

PyYAML speaks of tokens and contexts, libyaml in other words than the Python
parser. Here both become one sentence and a remedy.
"""

from __future__ import annotations

import json

import yaml

from mockserver.files.classics import classic
from mockserver.files.places import PlacedFlaw, placed


def json_error(text: str, why: json.JSONDecodeError) -> PlacedFlaw:
    """Python's message, with the remedy for what people who write YAML do in JSON."""
    rest = text[why.pos :].lstrip()
    hint = ""
    if rest.startswith(("#", "//")):
        hint = "JSON has no comments: name the file .yaml to have them"
    elif rest.startswith(("}", "]")):
        hint = "Take the comma before it away"
    elif rest.startswith("'") or "property name" in why.msg:
        hint = "JSON puts every key and text in double quotes; a .yaml file doesn't need them"
    message = why.msg[0].lower() + why.msg[1:]
    return placed(text, why.pos, f"no JSON: {message}", hint)


def yaml_error(text: str, why: yaml.YAMLError) -> PlacedFlaw:
    """A sentence and a remedy for what the composer says."""
    if not isinstance(why, yaml.MarkedYAMLError) or why.problem_mark is None:
        return placed(text, 0, f"no YAML: {why}")
    problem, at = why.problem or "", why.problem_mark.index
    opened = why.context_mark.index if why.context_mark else at
    return classic(text, problem, at, opened) or placed(text, at, *_in_plain_words(text, problem, at))


_BLOCK_TEXT = ("text stands behind | or >", "Begin it on the next line, indented")
_PLAIN_WORDS = [
    (
        "mapping values are not allowed",
        "': ' stands where no key can be",
        "Put quotes round a text that holds ': ', or mend the indentation",
    ),
    ("tab character", "a tab can't indent YAML", "Use spaces"),
    (
        "another document",
        "a second document begins here",
        "A scenario file holds one: split it, or take the '---' out",
    ),
    (
        "undefined alias",
        "nothing above has the anchor of this alias",
        "Write &NAME at the value it stands for, or put quotes round a text that begins with *",
    ),
    ("second occurrence", "this anchor stands twice", "Give each anchor a name of its own"),
    (
        "alphabetic or numeric character",
        "* and & begin an alias or an anchor",
        "Put quotes round a text that begins with them",
    ),
    (
        "unknown escape character",
        "a backslash and what follows are no escape that YAML knows",
        "Double the backslash, or use single quotes, where it means nothing",
    ),
    ("invalid Unicode character escape", "an escape that is no character", "Write the character itself"),
    ("unexpected end of stream", "a quote that was opened is never closed", "Close it"),
    ("expected ',' or '}'", "a comma or a closing brace is missing before this", ""),
    ("expected ',' or ']'", "a comma or a closing bracket is missing before this", ""),
    ("expected '-' indicator", "a list ends here, and this is none of its items", "Mend the indentation"),
    ("could not find expected ':'", "a key without its colon", "Write 'key: value'"),
    ("comment or line break", *_BLOCK_TEXT),
    ("comment or a line break", *_BLOCK_TEXT),
    ("tag", "a tag that can't be read", "Take it out, or put quotes round a text that begins with !"),
]


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
        return f"{char!r} closes what was never opened", "Take it away, or open it"
    return (
        "this fits neither what stands before it nor its indentation",
        "Mend the indentation, or put quotes round the whole value",
    )
