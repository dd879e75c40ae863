"""
Parses YAML 1.2 (core schema) and JSON to plain data, in a document that knows the position of each value.

What JSON can't hold is an error: tags, keys that are not texts, infinities, circular values. Keys are texts as
written: `200:` is "200".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mockserver.errors import InvalidInputError, KeyPath
from mockserver.scenarios.building import Builder, ExpansionError
from mockserver.scenarios.places import Lines, PlacedFlaw, decode
from mockserver.scenarios.yaml.nodes import PLAIN, compose_json, compose_yaml

Kind = Literal["yaml", "json"]


class Document:
    """
    A parsed text. `data` is plain: dict, list, str, int, float, bool, None.

    `flaws` are those that did not stop the reading. The tree of nodes is created again when a position is needed: it
    is much larger than the text, and most documents are valid.
    """

    def __init__(self, text: str, kind: Kind = "yaml") -> None:
        """Parse a text. Raises InvalidInputError if it can't be read."""
        self.text = text
        self.kind = kind
        root = self._compose()
        builder = Builder(text)
        try:
            self.data: Any = None if root is None else builder.value(root)
        except ExpansionError as error:
            raise InvalidInputError(self._placed(root, [error.found])) from None
        self.flaws = self._placed(root, builder.found)

    def _compose(self) -> Node | None:
        return compose_json(self.text) if self.kind == "json" else compose_yaml(self.text)

    @cached_property
    def root(self) -> Node | None:
        return self._compose()

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.text)

    def position(self, path: KeyPath, at_key: bool = False) -> tuple[int, int]:
        """
        Return line and column, from 1, of the value at `path` or of its key.

        Parts that the document doesn't have are skipped: for a validator, `reply: 200` is a list of one.
        """
        if self.root is None:
            return 1, 1
        key, node = None, self.root
        for part in path:
            if child := _child(node, part):
                key, node = child
        place = key if at_key and key is not None else node
        return self.lines.at(place.start_mark.index)

    def _placed(self, root: Node | None, problems: list[tuple[Node, str, str]]) -> list[PlacedFlaw]:
        paths = _paths_to([node for node, _, _ in problems], root) if root and problems else {}
        flaws: dict[tuple[int, str], PlacedFlaw] = {}
        for node, message, hint in problems:
            path, at_key = paths.get(id(node), ((), False))
            line, column = self.lines.at(node.start_mark.index)
            flaws[id(node), message] = PlacedFlaw(path, message, hint, at_key, line, column)
        return list(flaws.values())


def read(raw: bytes | str, kind: Kind = "yaml") -> Document:
    """Parse bytes or text. Raises InvalidInputError for invalid UTF-8, and for texts that can't be read."""
    return Document(raw if isinstance(raw, str) else decode(raw), kind)


def parse(text: str, kind: Kind = "yaml") -> Any:
    """Return the data of a text. Raises InvalidInputError with every flaw."""
    document = Document(text, kind)
    if document.flaws:
        raise InvalidInputError(document.flaws)
    return document.data


def _child(node: Node, part: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(part, int):
        return (None, node.value[part]) if 0 <= part < len(node.value) else None
    if not isinstance(node, MappingNode) or not isinstance(part, str):
        return None
    return _own_child(node, part) or _merged_child(node, part)


def _own_child(node: Node, key: str) -> tuple[Node, Node] | None:
    pairs: list[tuple[Node, Node]] = node.value if isinstance(node, MappingNode) else []
    return next((pair for pair in pairs if pair[0].value == key), None)


def _merged_child(node: MappingNode, key: str) -> tuple[Node | None, Node] | None:
    merge = _own_child(node, "<<")
    if merge is None or merge[0].tag != PLAIN:
        return None
    for source in merge[1].value if isinstance(merge[1], SequenceNode) else [merge[1]]:
        if child := _child(source, key):
            return child
    return None


def _paths_to(wanted: list[Node], root: Node) -> dict[int, tuple[KeyPath, bool]]:
    """Return the shortest key path by id of the node, and whether it is a key."""
    wanted_ids = {id(node) for node in wanted}
    paths: dict[int, tuple[KeyPath, bool]] = {}
    seen: set[int] = set()
    waiting: deque[tuple[KeyPath, bool, Node]] = deque([((), False, root)])
    while waiting:
        path, at_key, node = waiting.popleft()
        if id(node) in wanted_ids:
            paths.setdefault(id(node), (path, at_key))
        if id(node) not in seen:
            seen.add(id(node))
            waiting.extend(_inside(path, node))
    return paths


def _inside(path: KeyPath, node: Node) -> Iterator[tuple[KeyPath, bool, Node]]:
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), False, item
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            below = (*path, key.value) if isinstance(key, ScalarNode) else path
            yield below, True, key
            yield below, False, value
