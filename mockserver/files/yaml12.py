"""
Texts to plain data, by YAML 1.2's core schema or as JSON; a document knows where each value stands.

What JSON can't hold is an error: tags, keys that are no texts, infinities,
values that hold themselves. Keys are texts as written: `200:` is "200".
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mockserver.errors import InvalidInput, KeyPath, Wrong
from mockserver.files.nodes import COLLECTION, DEEPEST, PLAIN, QUOTED, compose_json, compose_yaml
from mockserver.files.scalars import NUMBER_START, WORDS, value_of
from mockserver.files.syntax import PlacedFlaw, decode, line_column, quoted

Kind = Literal["yaml", "json"]


class Document:
    """
    A text that was read. `data` is plain: dict, list, str, int, float, bool, None.

    `flaws` are those after which reading could go on. The tree of nodes is made
    anew, from the text, when a position is asked for: it is many times as large
    as the text, and most documents are right.
    """

    def __init__(self, text: str, kind: Kind = "yaml") -> None:
        """Raises InvalidInput for a text that can't be read."""
        self.text = text
        self.kind = kind
        root = self._compose()
        builder = _Builder(20 * len(text) + _ROOM)
        try:
            self.data: Any = None if root is None else builder.value(root)
        except _Exploded as why:
            raise InvalidInput(self._flaw(root, *why.found)) from None
        self.flaws = [self._flaw(root, *found) for found in builder.found]

    def _compose(self) -> Node | None:
        return compose_json(self.text) if self.kind == "json" else compose_yaml(self.text)

    @cached_property
    def root(self) -> Node | None:
        return self._compose()

    def position(self, path: KeyPath, at_key: bool = False) -> tuple[int, int]:
        """
        Line and column, from 1, of the value at `path` or of its key.

        Parts that the document doesn't have are skipped: a validator that sees
        `reply: 200` as a list of one speaks of an index that nobody wrote.
        """
        if self.root is None:
            return 1, 1
        key, node = None, self.root
        for part in path:
            if found := _child(node, part):
                key, node = found
        place = key if at_key and key is not None else node
        return line_column(self.text, place.start_mark.index)

    def _flaw(self, root: Node | None, node: Node, message: str, hint: str) -> PlacedFlaw:
        line, column = line_column(self.text, node.start_mark.index)
        path, at_key = _path_to(root, node) if root else ((), False)
        if "{source}" in message + hint:
            source = self.text[node.start_mark.index : node.end_mark.index]
            message, hint = message.replace("{source}", source), hint.replace("{source}", quoted(source))
        if isinstance(node, ScalarNode) and "{first}" in message:
            message = message.replace("{first}", str(self._first_line(root, path, node.value)))
        return PlacedFlaw(path, message, hint, at_key, line, column)

    def _first_line(self, root: Node | None, path: KeyPath, key: str) -> int:
        node = root
        for part in path[:-1]:
            if node and (found := _child(node, part)):
                node = found[1]
        first = _own_child(node, key) if node else None
        return line_column(self.text, first[0].start_mark.index)[0] if first else 1


def read(raw: bytes | str, kind: Kind = "yaml") -> Document:
    """Raises InvalidInput for bytes that are no UTF-8 and for texts that can't be read."""
    return Document(raw if isinstance(raw, str) else decode(raw), kind)


def parse(text: str, kind: Kind = "yaml") -> Any:
    """The data of a text. Raises InvalidInput with every flaw in it."""
    document = Document(text, kind)
    if document.flaws:
        raise InvalidInput(document.flaws)
    return document.data


_ROOM = 4_000_000
"""What aliases may add: about 200,000 values, a text counting for its length and each value for 20."""


class _Exploded(Exception):  # noqa: N818  (ends the walk, never seen outside)
    def __init__(self, node: Node, message: str, hint: str) -> None:
        super().__init__(message)
        self.found = (node, message, hint)


class _Builder:
    """Makes data from nodes. An alias is built anew where it stands, so nobody's change is seen elsewhere."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.depth = 0
        self.found: list[tuple[Node, str, str]] = []

    def value(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self._enter(node)
        made = (
            self._mapping(node)
            if isinstance(node, MappingNode)
            else [self.value(item) for item in node.value]
        )
        self.depth -= 1
        return made

    def _enter(self, node: Node) -> None:
        self.depth += 1
        self.room -= 20
        if node.tag != COLLECTION:
            self._tag(node)
        if self.depth > DEEPEST:
            raise _Exploded(
                node, "an anchor holds itself, or aliases nest too deep", f"Keep below {DEEPEST} levels"
            )
        if self.room < 0:
            raise _Exploded(
                node, "the aliases of this file stand for too much", "Write what differs, and fewer aliases"
            )

    def _scalar(self, node: ScalarNode) -> Any:
        text = node.value
        self.room -= 20 + len(text)
        if node.tag != PLAIN:
            if node.tag != QUOTED or not node.style:
                self._tag(node)
            return text
        if text in WORDS:
            return WORDS[text]
        if text[0] not in NUMBER_START:
            return text
        try:
            return value_of(text)
        except Wrong as why:
            self.found.append((node, str(why), why.hint))
            return text

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merges: list[Node] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._odd_key(node, key_node)
                continue
            key = key_node.value
            if key_node.tag != PLAIN:
                self._scalar(key_node)
            elif key == "<<":
                merges.append(value_node)
                if len(merges) > 1:
                    self.found.append((key_node, "a second merge key", "Write one: <<: [*a, *b]"))
                continue
            elif not key:
                self.found.append((key_node, "a key is missing before the colon", ""))
                continue
            if key in data:
                self.found.append(
                    (key_node, f"the key {key!r} stands in line {{first}} already", "Keep one of them")
                )
                self.value(value_node)
                continue
            data[key] = self.value(value_node)
        for merged in merges:
            self._merge(data, merged)
        return data

    def _merge(self, data: dict[str, Any], node: Node) -> None:
        """`<<`: own keys win, then the earlier of a list (yaml.org/type/merge)."""
        for one in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(one, MappingNode):
                self.found.append((one, "<< merges mappings, and this is none", "Write <<: *anchor"))
                continue
            for key, value in self.value(one).items():
                data.setdefault(key, value)

    def _odd_key(self, node: MappingNode, key: Node) -> None:
        """A key that is no scalar: nearly always a template whose quotes were forgotten."""
        if (
            isinstance(key, MappingNode)
            and node.flow_style
            and key.start_mark.index == node.start_mark.index + 1
        ):
            self.found.append(
                (node, "{source} without quotes is no template", "Put quotes round it: {source}")
            )
        else:
            self.found.append((key, "a key must be a text", "Put quotes round it: {source}"))

    def _tag(self, node: Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!") if node.tag != QUOTED else "!"
        self.found.append(
            (
                node,
                f"the tag {tag} has no meaning here",
                "Take it out, or put quotes round a text that begins with !",
            )
        )


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
    for one in merge[1].value if isinstance(merge[1], SequenceNode) else [merge[1]]:
        if found := _child(one, key):
            return found
    return None


def _path_to(root: Node, wanted: Node) -> tuple[KeyPath, bool]:
    """The key path of a node of the tree, and whether it is a key there."""
    seen: set[int] = set()
    waiting: list[tuple[KeyPath, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if node is wanted:
            return path, False
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            waiting.extend(((*path, index), item) for index, item in enumerate(node.value))
        elif isinstance(node, MappingNode):
            for key, value in node.value:
                if key is wanted:
                    return ((*path, key.value) if isinstance(key, ScalarNode) else path), True
                waiting.append(((*path, key.value) if isinstance(key, ScalarNode) else path, value))
    return (), False
