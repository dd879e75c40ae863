"""
Parses texts to trees of nodes with positions: YAML with PyYAML's composer, JSON with a small one.

No schema is applied: nodes only know whether a scalar is plain or quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]  # it has no public name
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mockserver.errors import InvalidInputError, MockServerError
from mockserver.scenarios.places import SURROGATE, placed, refuse_surrogates, refuse_unprintable
from mockserver.scenarios.yaml.syntax import BAD_ESCAPE, json_error, yaml_error

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover  (a PyYAML built without libyaml)
    _Parser = None  # type: ignore[assignment, misc]

PLAIN = "plain"
QUOTED = "quoted"
COLLECTION = "collection"
DEEPEST = 100
"""Maximum nesting: the composers and later code are recursive."""


def _mark(index: int) -> yaml.Mark:
    return yaml.Mark("", index, 0, 0, None, 0)


class _NestingError(MockServerError):
    pass


class _Bare:
    """A minimal resolver for the composer. Its tags only show how a scalar was written."""

    depth = 0

    def resolve(self, kind: type[Node], _value: object, implicit: Sequence[bool]) -> str:
        if kind is not ScalarNode:
            return COLLECTION
        return PLAIN if implicit[0] else QUOTED

    def descend_resolver(self, _parent: object, _index: object) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _NestingError

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def check_resolver_prefix(self, *_: object) -> bool:
        return False


class PureComposer(
    _Bare, yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer
):
    """For a PyYAML without libyaml: the same trees, ten times as slow."""

    def __init__(self, text: str) -> None:
        self.text = text
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)

    def compose_scalar_node(self, anchor: Any) -> Any:
        """Reject lone surrogates, like libyaml."""
        node = super().compose_scalar_node(anchor)
        if SURROGATE.search(node.value):
            mark = _mark(self.text.index("\\u", node.start_mark.index) + 2)
            raise yaml.MarkedYAMLError(problem=BAD_ESCAPE, problem_mark=mark)
        return node


if _Parser is None:  # pragma: no cover
    Composer: Any = PureComposer
else:

    class Composer(_Bare, _Parser):  # type: ignore[no-redef]
        """The composer on libyaml."""


def compose_yaml(text: str, composer: Any = Composer) -> Node | None:
    """Return the tree of one document; None if it is empty. Raises InvalidInputError."""
    refuse_unprintable(text)
    reader = composer(text)
    try:
        root: Node | None = reader.get_single_node()
    except yaml.YAMLError as error:
        if "maximum nesting depth" in str(error):  # libyaml has a bound of its own, far above ours
            raise _too_deep(text) from None
        raise InvalidInputError(yaml_error(text, error)) from error
    except _NestingError:
        raise _too_deep(text) from None
    return root


def _too_deep(text: str) -> InvalidInputError:
    return InvalidInputError(placed(text, 0, f"nested more than {DEEPEST} levels deep"))


_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"[^\s,\]}]+")


def compose_json(text: str) -> Node:
    """
    Return the tree of a JSON text (RFC 8259), with the same nodes. Raises InvalidInputError.

    Some JSON is invalid YAML: tabs, surrogate pairs, long keys and control characters.
    """
    refuse_surrogates(text)
    try:
        json.loads(text, parse_float=_nothing, parse_int=_nothing, parse_constant=_nothing)
    except json.JSONDecodeError as error:
        raise InvalidInputError(json_error(text, error)) from error
    except RecursionError:
        raise _too_deep(text) from None
    try:
        return _json_value(text, _space(text, 0), 0)[0]
    except _NestingError:
        raise _too_deep(text) from None


def _nothing(_text: str) -> None:
    """Numbers are read from their nodes, which have their text."""


def _space(text: str, index: int) -> int:
    match = _SPACE.match(text, index)
    return match.end() if match else index


def _json_value(text: str, start: int, depth: int) -> tuple[Node, int]:
    """Return the value that begins at `start`, and its end. `text` is valid JSON."""
    if text[start] == '"':
        return _json_text(text, start)
    if text[start] in "[{":
        if depth == DEEPEST:
            raise _NestingError
        return (_json_list if text[start] == "[" else _json_mapping)(text, start, depth + 1)
    match = _WORD.match(text, start)
    end = match.end() if match else start
    if text[start:end].lstrip("-") in ("NaN", "Infinity"):
        raise InvalidInputError(placed(text, start, f"JSON has no {text[start:end]}", "Put quotes round it"))
    return ScalarNode(PLAIN, text[start:end], _mark(start), _mark(end)), end


def _json_text(text: str, start: int) -> tuple[Node, int]:
    value, end = scanstring(text, start + 1, True)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        message = f"{text[start:end][:60]} contains half a character (U+{ord(value[error.start]):04X})"
        raise InvalidInputError(placed(text, start, message, "Write the whole character")) from None
    return ScalarNode(QUOTED, value, _mark(start), _mark(end), '"'), end


def _json_list(text: str, start: int, depth: int) -> tuple[Node, int]:
    items: list[Node] = []
    index = _space(text, start + 1)
    while text[index] != "]":
        item, index = _json_value(text, index, depth)
        items.append(item)
        index = _next(text, index)
    return SequenceNode(COLLECTION, items, _mark(start), _mark(index), True), index + 1


def _json_mapping(text: str, start: int, depth: int) -> tuple[Node, int]:
    pairs: list[tuple[Node, Node]] = []
    index = _space(text, start + 1)
    while text[index] != "}":
        key, index = _json_text(text, index)
        value, index = _json_value(text, _space(text, _space(text, index) + 1), depth)
        pairs.append((key, value))
        index = _next(text, index)
    return MappingNode(COLLECTION, pairs, _mark(start), _mark(index), True), index + 1


def _next(text: str, index: int) -> int:
    """Return the index after a value: of the next one, or of the closing bracket."""
    index = _space(text, index)
    return _space(text, index + 1) if text[index] == "," else index
