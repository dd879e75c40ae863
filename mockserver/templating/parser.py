"""
Context of a template that is compiled, and its errors.

An allow-list: a node, name, filter, test or method that is not listed is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes

from mockserver.errors import MockServerError
from mockserver.templating.generated import Code, calling
from mockserver.templating.scope import Closure, Start, Step

MAX_DEPTH = 100
WORDS = frozenset(
    {"request", "path", "vars", "state", "call", "let", "reply", "now", "n", "item", "errors", "message"}
)
"""All variables of all places."""

Compile = Callable[["TemplateContext", Any], Closure]
Table = Mapping[type[nodes.Node], Compile]


class SyntaxRefusedError(MockServerError):
    """The template can't be compiled; becomes a Flaw."""

    def __init__(self, message: str, hint: str, line: int) -> None:
        super().__init__(message)
        self.hint = hint
        self.line = line


class MissingLibraryError(MockServerError):
    """The template needs a library that is not installed; becomes a MissingExtraError."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(feature)
        self.feature = feature
        self.extra = extra


class TemplateContext:
    """A template that is compiled: its allowed, used and assigned variables."""

    __slots__ = (
        "bound",
        "codes",
        "count",
        "depth",
        "functions",
        "known",
        "names",
        "optional_table",
        "paths",
        "table",
        "tries",
    )

    def __init__(self, known: frozenset[str], table: Table, optional_table: Table) -> None:
        self.known = known
        self.table = table
        self.optional_table = optional_table
        self.names: set[str] = set()
        self.functions: set[str] = set()
        self.bound: set[str] = set()
        self.paths: dict[Closure, tuple[Start, tuple[Step, ...]]] = {}
        """Chains of keys: the start of each, and its keys."""
        self.tries: dict[Closure, tuple[Closure, ...]] = {}
        """Defaults: the alternatives in order."""
        self.codes: dict[Closure, Code] = {}
        """A faster equivalent of calling the closure."""
        self.depth = 0
        self.count = 0

    def code(self, closure: Closure) -> Code:
        """Return the code that writes the expression into a function."""
        return self.codes.get(closure) or calling(closure)

    def expression(self, node: nodes.Node) -> Closure:
        return self._compiled(node, self.table.get(type(node)))

    def optional(self, node: nodes.Node) -> Closure:
        """Compile an expression that may return NOTHING instead of raising UndefinedError, which is slower."""
        kind = type(node)
        return self._compiled(node, self.optional_table.get(kind) or self.table.get(kind))

    def _compiled(self, node: nodes.Node, compile_node: Compile | None) -> Closure:
        if compile_node is None:
            raise refused(node)
        self.count += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SyntaxRefusedError(
                "it is nested too deeply", "Split it with {% set %} or `let`", node.lineno
            )
        closure = compile_node(self, node)
        self.depth -= 1
        return closure


_ELSEWHERE = "Use `let`, or a YAML anchor, for what repeats"
_REFUSED = {
    "pow": ("`**`", "Write the number out, or multiply"),
    "macro": ("`macro`", _ELSEWHERE),
    "callblock": ("`call`", _ELSEWHERE),
    "include": ("`include`", "Use a YAML anchor, or `file` for a whole body"),
    "import": ("`import`", _ELSEWHERE),
    "fromimport": ("`import`", _ELSEWHERE),
    "extends": ("`extends`", "Use a YAML anchor, or `file` for a whole body"),
    "filterblock": ("`filter` as a block", "Write {{ value | filter }}"),
    "assignblock": ("`set` as a block", "Write {% set name = value %}; `~` joins texts"),
    "with": ("`with`", "Use {% set name = value %}"),
    "nsref": ("`namespace`", "Gather values with filters such as map, sum and join"),
}


def refused(node: nodes.Node) -> SyntaxRefusedError:
    word = type(node).__name__.lower()
    name, hint = _REFUSED.get(word, (f"`{word}`", "docs/templates.md lists what there is"))
    return SyntaxRefusedError(f"{name} is not part of templates here", hint, node.lineno)


def said(node: nodes.Node) -> str:
    """Return an expression as its author would write it, for errors."""
    match node:
        case nodes.Name():
            return str(node.name)
        case nodes.Getattr():
            return f"{said(node.node)}.{node.attr}"
        case nodes.Getitem(arg=nodes.Const(value=key)):
            return f"{said(node.node)}[{key!r}]"
        case nodes.Getitem():
            return f"{said(node.node)}[{said(node.arg)}]"
        case nodes.Call():
            return f"{said(node.node)}()"
        case nodes.Filter() if node.node is not None:
            return f"({said(node.node)} | {node.name})"
    return "it"
