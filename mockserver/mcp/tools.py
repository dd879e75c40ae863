"""
What a tool is: a typed input, a handler that uses the admin API, and how it changes the server.

`@tool(Input, "Title")` adds a handler to the table `TOOLS` of `all_tools.py`; its name and docstring are those that assistants see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

from pydantic import Field

from mockserver.client.link import Link
from mockserver.client.sync_async import run_aside
from mockserver.errors import flaws_below, invalid
from mockserver.scenarios.yaml.yaml12 import parse
from mockserver.schema.base import UNSET, Spec, SpecSchema

Changes = Literal["nothing", "adds", "replaces"]
_PAGE = 1_000


class ToolInput(Spec):
    """The arguments of a tool."""


class NamespaceInput(ToolInput):
    """The arguments of a tool that applies to one namespace."""

    namespace: str = Field(
        default=UNSET, description="Name of a namespace. Default: the namespace of this connection."
    )


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """The result of a tool: a short text, and the same as data."""

    text: str
    data: dict[str, Any]


class AdminSession:
    """The admin API as tools use it. `sweep_report` is the default path of a report; None: no files are read."""

    def __init__(self, link: Link, sweep_report: str | None = None) -> None:
        self._link = link
        self.sweep_report = sweep_report

    @property
    def namespace(self) -> str:
        """Name of the namespace of tools that are not told another."""
        return self._link.namespace

    async def send(
        self,
        spec: ToolInput,
        method: str,
        path: str,
        document: object = ...,
        /,
        wait_s: float = 0.0,
        **query: Any,
    ) -> Any:
        """Return the answer of the namespace that the input names. Raises Refused, Unreachable."""
        name = spec.namespace if isinstance(spec, NamespaceInput) else None
        link = self._link if name is None else self._link.to(name)
        given = {key: value for key, value in query.items() if value is not None}
        target = f"{path}?{urlencode(given)}" if given else path
        return await run_aside(link.send, method, target, document, wait_s=wait_s)

    async def at_root(self, method: str, path: str, document: object = ...) -> Any:
        """Return the answer of the server, apart from any namespace."""
        return await run_aside(self._link.at_root, method, path, document)

    async def latest(
        self, spec: ToolInput, path: str, limit: int, /, **query: Any
    ) -> tuple[list[dict[str, Any]], int]:
        """Return the last items of a list, and the number of those before them."""
        items: deque[dict[str, Any]] = deque(maxlen=limit)
        count, cursor = 0, None
        while True:
            page = await self.send(spec, "GET", path, **query, cursor=cursor, limit=_PAGE)
            items += page["items"]
            count += len(page["items"])
            cursor = page["next"]
            if cursor is None:
                return list(items), count - len(items)


Handler = Callable[[AdminSession, Any], Awaitable[ToolAnswer]]


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One tool. `reads_files`: only for a server that runs as its user's own process."""

    name: str
    title: str
    description: str
    input: type[ToolInput]
    handler: Handler
    changes: Changes
    idempotent: bool
    reads_files: bool

    def input_schema(self) -> dict[str, Any]:
        schema = self.input.model_json_schema(schema_generator=_InputSchema)
        schema.pop("title", None)
        schema.pop("description", None)
        return schema


class _InputSchema(SpecSchema):
    """Without titles, which only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


REGISTERED: dict[str, ToolEntry] = {}
"""The tools of the modules imported so far; `all_tools.py` has all."""
H = TypeVar("H", bound=Handler)


def tool(
    arguments: type[ToolInput],
    title: str,
    *,
    changes: Changes = "nothing",
    idempotent: bool = False,
    reads_files: bool = False,
) -> Callable[[H], H]:
    """Add a handler to the table. `idempotent`: a second call with the same arguments changes nothing more."""

    def register(handler: H) -> H:
        name = handler.__name__
        description = " ".join((handler.__doc__ or "").split())
        REGISTERED[name] = ToolEntry(
            name, title, description, arguments, handler, changes, idempotent, reads_files
        )
        return handler

    return register


def read_yaml(text: str, name: str) -> dict[str, Any]:
    """
    Return the mapping in an argument. A list of one mapping stands for it, as suggestions are written.

    Raises InvalidInputError.
    """
    with flaws_below(name):
        data = parse(text)
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        raise invalid(
            (name,), "this is not one mapping", "Write it in YAML, such as {request: GET /x, reply: 200}"
        )
    return data
