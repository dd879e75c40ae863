"""
Warnings for valid values that are probably mistakes: texts that YAML reads as numbers.

In headers, query, cookies, form and text, a number stands for its text as written, so there is no warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mockserver.errors import Flaw, KeyPath
from mockserver.scenarios.source import Source
from mockserver.scenarios.yaml.nodes import PLAIN

_TEXTS_AS_WRITTEN = frozenset(("headers", "query", "query_exact", "cookies", "form", "form_exact", "text"))
_VALUES = frozenset(("json", "json_exact", "graphql", "vars", "schema"))

_SHAPES = [
    (re.compile(r"\+[0-9]{5,}"), "looks like a phone number, and is read as {value}"),
    (re.compile(r"[-+]?0[0-9]+"), "has leading zeros, and is read as {value}"),
    (
        re.compile(r"(?!1[0-9]{12}$|1[0-9]{15}$|1[0-9]{18}$)[0-9]{12,19}"),
        "is read as a number, not as a text",
    ),
    (re.compile(r"[0-9]{20,}"), "is read as a number, with more digits than most clients keep"),
    (re.compile(r"[0-9]+[eE][0-9]+"), "looks like an id, and is read as the number {value}"),
]
"""Numbers with 13, 16 and 19 digits that begin with 1 are milli-, micro- and nanoseconds since 1970."""


def warnings_of(source: Source) -> list[Flaw]:
    """Return the warnings of `mockserver check` for one scenario."""
    root = source.document.root
    if root is None or source.document.kind == "json":
        return []
    return [flaw for path, node in _scalars(root) if (flaw := _doubt(path, node))]


def _doubt(path: KeyPath, node: ScalarNode) -> Flaw | None:
    if node.tag != PLAIN or not node.value or node.value[0] not in "+-0123456789" or _keeps_text(path):
        return None
    for shape, what in _SHAPES:
        if shape.fullmatch(node.value):
            value = float(node.value) if "e" in node.value.lower() else int(node.value)
            said = what.format(value=f"{value:.0f}" if len(node.value) < 20 else value)
            return Flaw(path, f"{node.value} {said}", f'Put quotes round it if it is a text: "{node.value}"')
    return None


def _keeps_text(path: KeyPath) -> bool:
    """Whether numbers at this path stand for their text."""
    telling = next((part for part in path if part in _TEXTS_AS_WRITTEN or part in _VALUES), None)
    return telling in _TEXTS_AS_WRITTEN


def _scalars(root: Node) -> Iterator[tuple[KeyPath, ScalarNode]]:
    """Yield every scalar value once, in the order of the text; one with several aliases at its definition."""
    seen: set[int] = set()
    waiting: list[tuple[KeyPath, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode):
            yield path, node
        elif isinstance(node, SequenceNode):
            waiting.extend(reversed([((*path, index), item) for index, item in enumerate(node.value)]))
        elif isinstance(node, MappingNode):
            pairs = [((*path, key.value), item) for key, item in node.value if isinstance(key, ScalarNode)]
            waiting.extend(reversed(pairs))
