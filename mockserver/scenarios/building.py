"""Nodes to plain data, by YAML 1.2's core schema. What JSON can't hold is collected."""

from __future__ import annotations

from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mockserver.errors import MockServerError, WrongValueError
from mockserver.scenarios.places import Lines, quoted
from mockserver.scenarios.yaml.nodes import COLLECTION, DEEPEST, PLAIN, QUOTED
from mockserver.scenarios.yaml.scalars import NUMBER_START, WORDS, value_of

_ROOM = 4_000_000
"""Limit of the data that aliases add: about 200,000 values; a text counts its length, and each value 20."""


class ExpansionError(MockServerError):
    """Ends the building; `found` is the node, and what is wrong with it."""

    def __init__(self, node: Node, message: str, hint: str) -> None:
        super().__init__(message)
        self.found = (node, message, hint)


class Builder:
    """
    Creates data from nodes; `found` are the invalid nodes, with message and hint.

    The data of an alias is created again at each use, so that changes at one place don't affect others.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.room = 20 * len(text) + _ROOM
        self.depth = 0
        self.found: list[tuple[Node, str, str]] = []

    def value(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self._enter(node)
        if isinstance(node, MappingNode):
            made: Any = self._mapping(node)
        else:
            made = [self.value(item) for item in node.value]
        if self.room < 0:
            message = "the aliases of this file expand to too much data"
            raise ExpansionError(node, message, "Write fewer aliases, or split the file")
        self.depth -= 1
        return made

    def _enter(self, node: Node) -> None:
        self.depth += 1
        self.room -= 20
        if node.tag != COLLECTION:
            self._tag(node)
        if self.depth > DEEPEST:
            message = "an anchor contains itself, or aliases are nested too deeply"
            raise ExpansionError(node, message, f"Keep below {DEEPEST} levels")

    def _scalar(self, node: ScalarNode) -> object:
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
        except WrongValueError as error:
            self.found.append((node, str(error), error.hint))
            return text

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merges: list[tuple[Node, Node]] = []
        again: list[ScalarNode] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._odd_key(node, key_node)
                continue
            key = key_node.value
            if key_node.tag != PLAIN:
                self._scalar(key_node)
            elif key == "<<":
                if merges:
                    again.append(key_node)
                merges.append((key_node, value_node))
                continue
            elif not key:
                self.found.append(
                    (key_node, "a key is missing before the colon", "Write it, or put quotes round a text")
                )
            if key in data:
                again.append(key_node)
                self.value(value_node)
            else:
                data[key] = self.value(value_node)
        if again:
            self._twice(node, again)
        if merges:
            merged: dict[str, Any] = {}
            for key_node, value_node in merges:
                self._merge(merged, key_node, value_node)
            # Order counts, as in `let`: what is merged stands first, as PyYAML and ruamel have it.
            data = {**merged, **data}
        return data

    def _twice(self, node: MappingNode, again: list[ScalarNode]) -> None:
        first = {key.value: key for key, _ in reversed(node.value) if isinstance(key, ScalarNode)}
        lines = Lines(self.text)
        for key in again:
            line, _ = lines.at(first[key.value].start_mark.index)
            hint = "Write one: <<: [*a, *b]" if key.value == "<<" else "Keep one of them"
            self.found.append(
                (key, f"the key {key.value!r} is a duplicate (first defined on line {line})", hint)
            )

    def _merge(self, data: dict[str, Any], key_node: Node, node: Node) -> None:
        """`<<`: own keys take precedence, then earlier mappings of a list (yaml.org/type/merge)."""
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                self.found.append(
                    (key_node, "<< merges mappings, but this is not a mapping", "Write <<: *anchor")
                )
                continue
            for key, value in self.value(source).items():
                data.setdefault(key, value)

    def _odd_key(self, node: MappingNode, key: Node) -> None:
        """Report a key that is not a scalar: nearly always a template without quotes."""
        if (
            isinstance(key, MappingNode)
            and node.flow_style
            and key.start_mark.index == node.start_mark.index + 1
        ):
            source = self._source(node)
            message = f"{source} is a template without quotes"
            self.found.append((node, message, f"Put quotes round it: {quoted(source)}"))
        else:
            self.found.append(
                (key, "a key must be a text", f"Put quotes round it: {quoted(self._source(key))}")
            )

    def _source(self, node: Node) -> str:
        return self.text[node.start_mark.index : node.end_mark.index].rstrip()

    def _tag(self, node: Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!") if node.tag != QUOTED else "!"
        tag = tag if tag[0] == "!" else f"!<{tag}>"
        self.found.append(
            (
                node,
                f"the tag {tag} has no meaning here",
                "Remove it, or put quotes round a text that begins with !",
            )
        )
