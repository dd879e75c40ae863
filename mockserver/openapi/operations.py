"""
Operations of an OpenAPI document in the order in which their paths are matched: concrete before templated (OpenAPI
3.1, 4.8.8), otherwise as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mockserver.scenarios.openapi_nodes import DocumentNode
from mockserver.scenarios.openapi_reading import Specification

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PARAMETER = re.compile(r"\{([^{}]*)\}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class ApiOperation:
    """
    One method of one path.

    `path` is as written in the document, `parameters` those of the path and of the
    operation, `names` the names of the path parameters in order.
    """

    node: DocumentNode
    method: str
    path: str
    parameters: tuple[DocumentNode, ...]

    @property
    def id(self) -> str:
        """Its operationId, or its request line, such as `GET /pets`."""
        written = self.node.value.get("operationId")
        return written if isinstance(written, str) and written else f"{self.method} {self.path}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.path))

    @cached_property
    def route_path(self) -> str:
        """The path in the syntax of routes; see `route_names`."""
        names = iter(self.route_names)
        return _PARAMETER.sub(lambda _: "{" + next(names) + "}", self.path)

    @cached_property
    def route_names(self) -> tuple[str, ...]:
        """The path parameters with names that are valid in routes, such as `pet_id`, and unique."""
        taken: list[str] = []
        for name in self.names:
            plain = _UNFIT.sub("_", name) or "x"
            plain = plain if plain[0].isalpha() or plain[0] == "_" else f"_{plain}"
            while plain in taken:
                plain += "_"
            taken.append(plain)
        return tuple(taken)

    def responses(self) -> dict[str, DocumentNode]:
        """Return the responses by status as written: `200`, `4XX`, `DEFAULT`."""
        return {str(status).upper(): node for status, node in self.node.mapping("responses")}


def operations_of(spec: Specification) -> Iterator[ApiOperation]:
    """Yield all operations in matching order. Raises InvalidInputError for an invalid one."""
    paths = dict(spec.root.mapping("paths"))
    for path in arranged(name for name in paths if name.startswith("/")):
        item = paths[path]
        for method in METHODS:
            node = item.object(method)
            if node is None:
                continue
            yield ApiOperation(node, method.upper(), path, tuple(_parameters(item, node)))


def _parameters(item: DocumentNode, operation: DocumentNode) -> Iterator[DocumentNode]:
    """Yield the parameters of a path, replaced by those of the operation."""
    result: dict[tuple[Any, Any], DocumentNode] = {}
    for node in (*item.items("parameters"), *operation.items("parameters")):
        value = node.value
        if not isinstance(value.get("name"), str) or not isinstance(value.get("in"), str):
            raise node.wrong(
                "expected a parameter", "It has a `name`, and `in`: path, query, header or cookie"
            )
        result[value["name"], value.get("in")] = node
    yield from result.values()


def arranged(paths: Iterable[str]) -> list[str]:
    """
    Return the paths, each before the templated ones that match everything it matches.

    >>> arranged(["/users/{id}", "/users/me", "/x"])
    ['/users/me', '/users/{id}', '/x']
    """
    order: list[str] = []
    known: dict[tuple[Mask, tuple[str, ...]], list[str]] = {}
    masks: dict[Mask, None] = {}
    for path in paths:
        segments = path.split("/")
        wider = [
            other
            for mask in masks
            if len(mask) == len(segments)
            for other in known.get((mask, _under(mask, segments)), ())
            if _narrower(path, other)
        ]
        order.insert(min(map(order.index, wider), default=len(order)), path)
        own = tuple("{" in segment for segment in segments)
        masks[own] = None
        known.setdefault((own, _under(own, segments)), []).append(path)
    return order


Mask = tuple[bool, ...]
"""Whether each segment of a path has parameters."""


def _under(mask: Mask, segments: list[str]) -> tuple[str, ...]:
    return tuple(segment for segment, has in zip(segments, mask, strict=True) if not has)


def _narrower(path: str, other: str) -> bool:
    """Return whether `other` matches everything that `path` matches, and more."""
    pairs = list(zip(path.split("/"), other.split("/"), strict=True))
    return path != other and all(_covers(b, a) for a, b in pairs) and not all(_covers(a, b) for a, b in pairs)


def _covers(wide: str, narrow: str) -> bool:
    if "{" not in wide:
        return wide == narrow
    pieces = [re.escape(piece) for piece in re.split(r"\{[^{}]*\}", wide)]
    return re.fullmatch(".+".join(pieces), _PARAMETER.sub("0", narrow)) is not None
