"""A text with templates: compiled once, rendered for each call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import TypeVar

from jinja2 import Environment, TemplateSyntaxError, nodes

from mockserver.errors import Flaw, InvalidInputError, KeyPath, MissingExtraError, MockServerError, dotted
from mockserver.schema.base import is_template
from mockserver.templating import calls as template_calls
from mockserver.templating import generated
from mockserver.templating import lookups as template_lookups
from mockserver.templating import nodes as template_nodes
from mockserver.templating import piping as template_piping
from mockserver.templating.generated import Code, Writer
from mockserver.templating.parser import WORDS, MissingLibraryError, SyntaxRefusedError, TemplateContext
from mockserver.templating.scope import (
    NOTHING,
    PYTHON_ERRORS,
    Closure,
    RenderError,
    Scope,
    located,
)
from mockserver.templating.statements import Statement, Text, gathered, text_of, text_of_value
from mockserver.templating.values import HANDED_ON, explain, plain, refuse_large

_TABLE = {
    **template_nodes.EXPRESSIONS,
    **template_lookups.EXPRESSIONS,
    **template_calls.EXPRESSIONS,
    **template_piping.EXPRESSIONS,
}
_OPTIONAL_TABLE = {**template_nodes.OPTIONAL, **template_lookups.OPTIONAL, **template_piping.OPTIONAL}
T = TypeVar("T")
_GRAMMAR = Environment(keep_trailing_newline=True)  # noqa: S701  (only its parser is used)
_RAW_HINT = "Where braces are meant as they stand, write `raw: true` or {% raw %}…{% endraw %}"


class TemplateError(MockServerError):
    """
    Rendering a template failed; has reason, line and template.

    Its texts are created on demand: conditions that fail don't need them, and finding the nearest name takes longer
    than most renders.
    """

    def __init__(
        self, reason: str | RenderError, line: int = 1, source: str = "", place: str | KeyPath = ""
    ) -> None:
        super().__init__(reason)
        self._reason = reason
        self._place = place
        self.line = line
        self.source = source

    @property
    def reason(self) -> str:
        return self._reason if isinstance(self._reason, str) else explain(self._reason)

    @property
    def place(self) -> str:
        """The place of the template, as a key path."""
        return self._place if isinstance(self._place, str) else dotted(self._place)

    def __str__(self) -> str:
        place = self.place
        lines = "\n" in self.source.rstrip("\n")
        where = f"line {self.line} of {place or 'the template'}" if lines else place
        return f"{where}: {self.reason}" if where else self.reason


class Template:
    """
    A compiled text. `names` are the variables that it uses, `functions` the functions.

    A constant one has no syntax, or only comments and raw blocks. Its functions are created on first use: most
    templates are rendered in one way only, and many never.
    """

    __slots__ = (
        "_is_lookup",
        "_line",
        "_path",
        "_text",
        "_value",
        "_whole",
        "_written",
        "constant",
        "functions",
        "names",
        "render",
        "source",
        "value",
    )

    render: Callable[[Scope], str]
    """Return the text. Raises TemplateError."""
    value: Closure
    """
    Return plain JSON: the value of the expression if the text is one whole expression, else text.

    Looked-up values are returned without a copy: don't change them. Raises TemplateError.
    """

    def __init__(self, source: str, path: KeyPath, text: str | None = None) -> None:
        self.source = source
        self.names: frozenset[str] = frozenset()
        self.functions: frozenset[str] = frozenset()
        self.constant = True
        self._path = path
        self._text = source if text is None else text
        self._line = 1
        self._whole: Code | None = None
        self._value: Closure | None = None
        self._is_lookup = False
        self._written: Text | Statement | None = None

    def _become(
        self, reading: TemplateContext, written: Text | Statement, value: Closure | None, node: nodes.Node
    ) -> Template:
        """`written` writes its text; `value` is its one expression, which `node` is, None if there is none."""
        self.constant = False
        self.names = frozenset(reading.names)
        self.functions = frozenset(reading.functions)
        self._line = node.lineno
        self._written = written
        self._value = value
        self._whole = None if value is None else reading.code(value)
        self._is_lookup = _is_lookup(node)
        return self

    def __getattr__(self, name: str) -> Closure:
        if name not in _WAYS:
            raise AttributeError(name)
        made = self._constantly if self.constant else self._made(name)
        setattr(self, name, made)
        return made

    def _made(self, way: str) -> Closure:
        writer = Writer()
        generated.fresh_budget(writer)
        return writer.function((self.write_value if way == "value" else self.write_text)(writer))

    def _constantly(self, _scope: Scope) -> str:
        return self._text

    def write_value(self, writer: Writer) -> ast.expr:
        """Write the code for its value, within the budget of the function."""
        whole = self._whole
        if whole is None:
            return self.write_text(writer)
        if writer.is_full:
            return writer.called(self._value_by_closures)
        return writer.guarded(self._error, lambda: generated.value_of(writer, whole, self._plain))

    def write_text(self, writer: Writer) -> ast.expr:
        """Write the code for its text, within the budget of the function."""
        if self.constant:
            return writer.bind(self._text)
        written = self._written
        if not isinstance(written, tuple) or writer.is_full:
            return writer.called(self._text_by_closures)
        parts, cost, line, _ = written
        return writer.guarded(partial(self._error, line=line), lambda: generated.text_of(writer, parts, cost))

    def _value_by_closures(self, scope: Scope) -> object:
        assert self._value is not None
        try:
            result = self._value(scope)
            return result if result.__class__ in HANDED_ON else self._plain(scope, result)
        except (RenderError, *PYTHON_ERRORS) as error:
            raise self._error(error) from error

    def _text_by_closures(self, scope: Scope) -> str:
        written = self._written
        assert written is not None
        try:
            return gathered(written[3] if isinstance(written, tuple) else written, scope)
        except (RenderError, *PYTHON_ERRORS) as error:
            raise self._error(error) from error

    def _plain(self, scope: Scope, result: object) -> object:
        refuse_large(result)
        # A looked-up dict or list is plain JSON already.
        return result if self._is_lookup and type(result) in (dict, list) else plain(scope, result)

    @property
    def text(self) -> str:
        """The text of a constant template."""
        return self._text

    @property
    def place(self) -> str:
        """The place of the template, as a key path."""
        return dotted(self._path)

    def _error(self, error: Exception, line: int = 0) -> TemplateError:
        failed = located(error, line or self._line)
        return TemplateError(failed, failed.line, self.source, self._path)


_WAYS = frozenset({"render", "value"})


class Predicate:
    """A compiled condition, and the functions that it uses."""

    __slots__ = ("_code", "_lookup", "_value", "functions", "source")

    def __init__(self, source: str, code: Code, functions: Iterable[str], *, lookup: bool) -> None:
        self.source = source
        self.functions = frozenset(functions)
        self._code = code
        self._value: Closure | None = None
        self._lookup = lookup

    def holds(self, scope: Scope) -> bool:
        """Whether its value is true. False if it fails or is undefined, without creating an error."""
        value = self._value
        if value is None:
            writer = Writer()
            generated.fresh_budget(writer)
            value = self._value = writer.function(self._code(writer))
        try:
            result = value(scope)
            if result.__class__ is bool:
                return result
            if result is NOTHING:
                return False
            if result.__class__ in HANDED_ON or (self._lookup and type(result) in (dict, list)):
                return bool(result)
            return bool(plain(scope, result))
        except (TemplateError, RenderError, *PYTHON_ERRORS):
            return False


def compile_text(source: str, path: KeyPath, *, names: frozenset[str] | None = None) -> Template:
    """
    Compile a text. `names` are the variables of its place; None means all.

    Raises InvalidInputError for invalid syntax and for rejected constructs.
    """
    if not is_template(source):
        return Template(source, path)
    return _read(_compiled, source, path, names)


def compile_predicate(source: str, path: KeyPath, *, names: frozenset[str] | None = None) -> Predicate:
    """Like `compile_text`, for a condition."""
    return _read(_compiled_predicate, source, path, names)


def _read(
    compile_source: Callable[[str, KeyPath, TemplateContext], T],
    source: str,
    path: KeyPath,
    names: frozenset[str] | None,
) -> T:
    reading = TemplateContext(WORDS if names is None else names, _TABLE, _OPTIONAL_TABLE)
    try:
        return compile_source(source, path, reading)
    except MissingLibraryError as error:
        raise MissingExtraError(path, error.feature, error.extra) from error
    except SyntaxRefusedError as error:
        raise InvalidInputError(_flaw(source, path, str(error), error.hint, error.line)) from error
    except TemplateSyntaxError as error:
        message = f"the template can't be read: {error.message}"
        raise InvalidInputError(_flaw(source, path, message, _RAW_HINT, error.lineno)) from error
    except RecursionError as error:
        raise InvalidInputError(
            _flaw(source, path, "the template is nested too deeply", "Split it", 1)
        ) from error
    except ValueError as error:  # a literal of thousands of digits
        raise InvalidInputError(_flaw(source, path, f"the template can't be read: {error}", "", 1)) from error


def _flaw(source: str, path: KeyPath, message: str, hint: str, line: int) -> Flaw:
    where = f"line {line} of the template: " if "\n" in source.rstrip("\n") else ""
    return Flaw(path, where + message.rstrip("."), hint)


def _compiled(source: str, path: KeyPath, reading: TemplateContext) -> Template:
    body = _parsed(source).body
    parts = _output_only(body)
    if parts is not None and all(isinstance(part, nodes.TemplateData) for part in parts):
        return Template(
            source, path, "".join(part.data for part in parts if isinstance(part, nodes.TemplateData))
        )
    template = Template(source, path)
    whole = _whole_expression(parts)
    if whole is None:
        return template._become(reading, text_of(reading, body), None, body[0])  # noqa: SLF001  (its own module)
    value = reading.expression(whole)
    written = text_of_value(reading, value, whole.lineno) if parts == [whole] else text_of(reading, body)
    return template._become(reading, written, value, whole)  # noqa: SLF001


def _compiled_predicate(source: str, path: KeyPath, reading: TemplateContext) -> Predicate:
    whole = _whole_expression(_output_only(_parsed(source).body))
    if whole is None or isinstance(whole, nodes.TemplateData):
        return Predicate(
            source, _compiled(source, path, reading).write_value, reading.functions, lookup=False
        )
    code = reading.code(reading.optional(whole))
    return Predicate(source, code, reading.functions, lookup=_is_lookup(whole))


@lru_cache(maxsize=1000)
def _parsed(source: str) -> nodes.Template:
    """
    Parse with Jinja2, keeping carriage returns. The tree is cached and must not be changed: the same texts repeat in a
    scenario.

    Its lexer converts every line break to a line feed. Another white space character replaces the carriage return
    meanwhile.
    """
    if "\r" not in source:
        return _GRAMMAR.parse(source)
    stand_in = next((c for c in "\x1c\x1d\x1e\x1f" if c not in source), None)
    if stand_in is None:
        raise ValueError("it holds control characters")
    parsed = _GRAMMAR.parse(source.replace("\r", stand_in))
    for node in parsed.find_all(nodes.TemplateData):
        node.data = node.data.replace(stand_in, "\r")
    for const in parsed.find_all(nodes.Const):
        if isinstance(const.value, str):
            const.value = const.value.replace(stand_in, "\r")
    return parsed


def _output_only(body: list[nodes.Node]) -> list[nodes.Expr] | None:
    """Return the output nodes, if a template has no other statements."""
    parts: list[nodes.Expr] = []
    for node in body:
        if not isinstance(node, nodes.Output):
            return None
        parts += node.nodes
    return parts


def _whole_expression(parts: list[nodes.Expr] | None) -> nodes.Expr | None:
    """Return the one expression of a text, ignoring the line break at the end of a YAML block."""
    if (
        parts
        and len(parts) == 2
        and isinstance(parts[1], nodes.TemplateData)
        and parts[1].data in ("\n", "\r\n")
    ):
        parts = parts[:1]
    return parts[0] if parts is not None and len(parts) == 1 else None


def _is_lookup(node: nodes.Node) -> bool:
    """Whether an expression is a look-up, whose value is plain JSON already."""
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return isinstance(node, nodes.Name)
