"""
Values of OpenAPI documents with their places, and the resolution of `$ref`.

The documents are plain data (see `normal`), which is not changed any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import quote, unquote

from mockserver.errors import InvalidInputError, invalid, pointer, shown

FOLDER = "contract:///"
"""Base URI of the documents of a contract."""
_FOLLOWED = 50


@dataclass(frozen=True, slots=True)
class DocumentNode:
    """The value at `path` in the document `name`; `documents` are all documents of the contract, by name."""

    documents: Mapping[str, Any]
    name: str
    path: tuple[str, ...]
    value: Any

    def __getitem__(self, key: str) -> DocumentNode:
        return DocumentNode(self.documents, self.name, (*self.path, key), self.value[key])

    def get(self, key: str) -> DocumentNode | None:
        """Return the value of a key, with references resolved; None if it is missing."""
        value = self.value
        if not isinstance(value, dict) or value.get(key) is None:
            return None
        return self[key].resolved()

    def object(self, key: str) -> DocumentNode | None:
        """
        Return the mapping at a key, with references resolved; None if it is missing.

        Raises InvalidInputError for another type.
        """
        below = self.get(key)
        return None if below is None else below.expected(dict, "a mapping")

    def mapping(self, key: str) -> Iterator[tuple[str, DocumentNode]]:
        """
        Yield the entries of the mapping at a key, each a mapping, with references resolved.

        Raises InvalidInputError.
        """
        below = self.object(key)
        for name, value in below.value.items() if below is not None else ():
            if value is not None and (isinstance(value, dict) or not name.startswith("x-")):
                yield name, below[name].resolved().expected(dict, "a mapping")  # type: ignore[index]

    def items(self, key: str) -> Iterator[DocumentNode]:
        """Yield the items of the list at a key, each a mapping, with references resolved. Raises InvalidInputError."""
        below = self.get(key)
        if below is None:
            return
        for i, value in enumerate(below.expected(list, "a list").value):
            node = DocumentNode(self.documents, below.name, (*below.path, str(i)), value)
            yield node.resolved().expected(dict, "a mapping")

    def schemas(self, key: str) -> Iterator[tuple[str, DocumentNode]]:
        """
        Yield the schemas at a key, by name or position.

        Values that are not mappings are reported when the schema is compiled.
        """
        value = self.value.get(key) if isinstance(self.value, dict) else None
        named = (
            value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
        )
        for name, schema in named:
            if isinstance(schema, dict):
                yield (
                    str(name),
                    DocumentNode(self.documents, self.name, (*self.path, key, str(name)), schema).resolved(),
                )

    def expected(self, kind: type, named: str) -> DocumentNode:
        """Return the node. Raises InvalidInputError if its value has another type."""
        if not isinstance(self.value, kind):
            raise self.wrong(f"expected {named}, got {shown(self.value)}", "Fix the specification")
        return self

    def resolved(self) -> DocumentNode:
        """Return the node, or the target of its `$ref`. Raises InvalidInputError for a broken reference."""
        node = self
        for _ in range(_FOLLOWED):
            value = node.value
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return node
            if len(value) > 1 and not _only_words(value):
                return node  # 3.1: siblings of a reference to a schema apply too
            node = node.referred(value["$ref"])
        raise self.wrong(f"the reference {shown(self.value['$ref'])} is circular", "Break it")

    def referred(self, ref: str) -> DocumentNode:
        """Return the target of a reference in this node. Raises InvalidInputError."""
        name, path = target(self.name, ref)
        if name not in self.documents or (path == () and ref.partition("#")[2]):
            raise self.wrong(f"{shown(ref)} can't be followed", "Put the file beside the specification")
        value = self.documents[name]
        for part in path:
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                raise self.wrong(f"the reference {shown(ref)} is broken: there is no {part!r}", "Mend it")
        return DocumentNode(self.documents, name, path, value)

    @property
    def uri(self) -> str:
        return f"{FOLDER}{quote(self.name)}#{quote(pointer(self.path))}"

    @property
    def place(self) -> str:
        """`pets.yaml: /paths/~1pets/get`: the file, and a JSON pointer into it."""
        return f"{self.name}: {pointer(self.path) or '/'}"

    def wrong(self, message: str, hint: str = "") -> InvalidInputError:
        return invalid((), f"{self.place}: {message}", hint)


def target(name: str, ref: str) -> tuple[str, tuple[str, ...]]:
    """Return the document and the path of a reference in the document `name`."""
    file, _, fragment = ref.partition("#")
    if file.startswith(FOLDER):
        name = unquote(file.removeprefix(FOLDER))
    elif file:
        name = normpath(join(dirname(name), unquote(file)))
    parts = unquote(fragment).split("/")[1:]
    return name, tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def absolute(name: str, ref: str) -> str:
    """Return an absolute form of a reference in the document `name`; references to other hosts are not changed."""
    if "://" in ref:
        return ref
    return f"{FOLDER}{quote(target(name, ref)[0])}#{ref.partition('#')[2]}"


def _only_words(value: dict[str, Any]) -> bool:
    return all(key in ("$ref", "summary", "description") or key.startswith("x-") for key in value)
