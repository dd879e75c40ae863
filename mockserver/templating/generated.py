"""
Code generation for the common operations of templates: look-ups, defaults, joining texts.

A function is built of `ast` nodes defined in this module. Nothing from a template becomes code: texts, keys, filters
and closures are bound to numbered names, and the code has no built-in functions. Unexpected values (a missing key,
another type) are left to the closure of the expression, which has the same result or error, and the same cost.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring
from types import CodeType, FunctionType
from typing import Any, TypeVar

from mockserver.model.http import ABSENT, Unreadable
from mockserver.templating.scope import (
    CHAR_LIMIT,
    NOTHING,
    PYTHON_ERRORS,
    STEP_LIMIT,
    UNPAID,
    Closure,
    RenderError,
    Scope,
    Step,
)
from mockserver.templating.values import HANDED_ON, printed

T = TypeVar("T", bound=ast.AST)
FILE = "<template>"
"""File name of these functions in tracebacks and profiles."""
MOST_TEMPORARIES = 500
"""Limit of statements per function, about a hundred templates. The rest uses closures: compiling more takes too long."""


def _placed(kind: type[T]) -> type[T]:
    """
    Make a node class located in the first line: positions for each node would take longer than building the function.
    (`fail` adds the template's name and line to errors.)
    """
    return type(kind.__name__, (kind,), {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0})


_Assign = _placed(ast.Assign)
_Attribute = _placed(ast.Attribute)
_AugAssign = _placed(ast.AugAssign)
_BoolOp = _placed(ast.BoolOp)
_Call = _placed(ast.Call)
_Compare = _placed(ast.Compare)
_Constant = _placed(ast.Constant)
_Dict = _placed(ast.Dict)
_ExceptHandler = _placed(ast.ExceptHandler)
_Expr = _placed(ast.Expr)
_FormattedValue = _placed(ast.FormattedValue)
_FunctionDef = _placed(ast.FunctionDef)
_If = _placed(ast.If)
_IfExp = _placed(ast.IfExp)
_JoinedStr = _placed(ast.JoinedStr)
_List = _placed(ast.List)
_Name = _placed(ast.Name)
_NamedExpr = _placed(ast.NamedExpr)
_Raise = _placed(ast.Raise)
_Return = _placed(ast.Return)
_Subscript = _placed(ast.Subscript)
_Try = _placed(ast.Try)
_Tuple = _placed(ast.Tuple)
_UnaryOp = _placed(ast.UnaryOp)
_arg = _placed(ast.arg)


class Writer:
    """A function that is being generated: the values of its names, and its statements."""

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {"__builtins__": {}}
        self.statements: list[ast.stmt] = []
        self._words: dict[str, str] = {}
        self._names: dict[int, str] = {}
        self._temporaries = 0

    def bind(self, value: object) -> ast.expr:
        """Return a name for a constant value."""
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"k{len(self._names)}"
            self.bound[name] = value
        return _name(name)

    def word(self, word: str) -> ast.expr:
        """Return a variable of the scope, NOTHING if there is none."""
        return _name(self._words.setdefault(word, f"w{len(self._words)}"))

    def temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    @property
    def is_full(self) -> bool:
        return self._temporaries > MOST_TEMPORARIES

    def add(self, *statements: ast.stmt) -> None:
        self.statements += statements

    def assign(self, value: ast.expr) -> str:
        """Assign the value to a new temporary, and return it."""
        name = self.temporary()
        self.add(_assignment(name, value))
        return name

    def called(self, function: Callable[[Scope], Any]) -> ast.expr:
        """Add the return value of a function of the scope."""
        return _name(self.assign(_called(self.bind(function))))

    def guarded(self, fail: Callable[[Exception], Exception], write: Callable[[], ast.expr]) -> ast.expr:
        """Add what `write` writes; `fail` converts its errors."""
        around, self.statements = self.statements, []
        result = self.temporary()
        self.add(_assignment(result, write()))
        inner, self.statements = self.statements, around
        error = _Call(self.bind(fail), [_name("error")], [])
        caught = _ExceptHandler(self.bind(_ERRORS), "error", [_Raise(error, _name("error"))])
        self.add(_Try(inner, [caught], [], []))
        return _name(result)

    def function(self, result: ast.expr) -> Callable[[Scope], Any]:
        """Return the function of a scope, which returns that after the statements."""
        values = _Attribute(_name("scope"), "values", _LOAD)
        words = [
            _assignment(name, _get(values, self.bind(word), self.bind(NOTHING)))
            for word, name in self._words.items()
        ]
        body = [*words, *self.statements, _Return(result)]
        arguments = ast.arguments([], [_arg("scope")], None, [], [], None, [])
        made = _FunctionDef("template", arguments, body, [])
        code = compile(ast.Module([made], []), FILE, "exec")
        inside = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
        return FunctionType(inside, self.bound)


Code = Callable[[Writer], ast.expr]
"""Writes an expression: adds statements, and returns its value. Adds none if it may not be evaluated."""

_ERRORS = (RenderError, *PYTHON_ERRORS)
_LOAD, _STORE = ast.Load(), ast.Store()


@lru_cache(maxsize=2 * MOST_TEMPORARIES)
def _name(name: str) -> ast.expr:
    """Return the shared node that reads a name."""
    return _Name(name, _LOAD)


def _assignment(name: str, value: ast.expr) -> ast.stmt:
    return _Assign([_Name(name, _STORE)], value)


def _kept(name: str, value: ast.expr) -> ast.expr:
    """Assign the value to the temporary."""
    return _NamedExpr(_Name(name, _STORE), value)


def _is(left: ast.expr, right: ast.expr) -> ast.expr:
    return _Compare(left, [ast.Is()], [right])


def _is_not(left: ast.expr, right: ast.expr) -> ast.expr:
    return _Compare(left, [ast.IsNot()], [right])


def _class_of(value: ast.expr) -> ast.expr:
    return _Attribute(value, "__class__", _LOAD)


def _get(mapping: ast.expr, *arguments: ast.expr) -> ast.expr:
    return _Call(_Attribute(mapping, "get", _LOAD), list(arguments), [])


def _all(tests: Sequence[ast.expr]) -> ast.expr:
    return tests[0] if len(tests) == 1 else _BoolOp(ast.And(), list(tests))


def _called(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return _Call(function, [_name("scope"), *arguments], [])


# Expressions


def calling(closure: Closure) -> Code:
    """Return the value of the closure."""
    return lambda writer: _called(writer.bind(closure))


@dataclass(eq=False)
class Lookup:
    """A look-up: conditions, in order, and the value if all hold. The closure may repeat one that `is_free`."""

    closure: Closure
    parts: Callable[[Writer], tuple[list[ast.expr], ast.expr]]
    is_free: bool = True

    def __call__(self, writer: Writer) -> ast.expr:
        if writer.is_full:
            return calling(self.closure)(writer)
        tests, value = self.parts(writer)
        return _IfExp(_all(tests), value, calling(self.closure)(writer)) if tests else value


def constant(value: object, closure: Closure) -> Lookup:
    return Lookup(closure, lambda writer: ([], writer.bind(value)))


def request_part(place: str, closure: Closure, *, optional: bool) -> Lookup:
    """Look up a part of the request that has been read. An optional one is NOTHING if the body does not have it."""

    def parts(writer: Writer) -> tuple[list[ast.expr], ast.expr]:
        name = writer.temporary()
        part = _get(_Attribute(_name("scope"), "parts", _LOAD), writer.bind(place), writer.bind(ABSENT))
        is_read = _is_not(_kept(name, part), writer.bind(ABSENT))
        is_readable = _is_not(_class_of(_name(name)), writer.bind(Unreadable))
        if optional:
            found = _IfExp(is_readable, _name(name), writer.bind(NOTHING))
            return [], _IfExp(is_read, found, calling(closure)(writer))
        return [], _IfExp(_all([is_read, is_readable]), _name(name), calling(closure)(writer))

    return Lookup(closure, parts)


def chain(start: str | Lookup, steps: tuple[Step, ...], closure: Closure, *, optional: bool) -> Lookup:
    """Look up keys in a variable, or in another look-up. An optional one is NOTHING if the last key is missing."""

    def parts(writer: Writer) -> tuple[list[ast.expr], ast.expr]:
        tests, value = ([], writer.word(start)) if isinstance(start, str) else start.parts(writer)
        for key, _, _ in steps:
            name = writer.temporary()
            tests.append(_Call(writer.bind(isinstance), [_kept(name, value), writer.bind(dict)], []))
            value = _get(_name(name), writer.bind(key), writer.bind(NOTHING))
        if not optional:
            name = writer.temporary()
            tests.append(_is_not(_kept(name, value), writer.bind(NOTHING)))
            value = _name(name)
        return tests, value

    return Lookup(closure, parts)


def first_defined(tries: Sequence[Lookup], otherwise: Code, closure: Closure) -> Lookup:
    """Return the first defined value, else the default. `closure` is equivalent for all inputs."""

    def parts(writer: Writer) -> tuple[list[ast.expr], ast.expr]:
        result = otherwise(writer)
        for lookup in reversed(tries):
            tests, value = lookup.parts(writer)
            name = writer.temporary()
            defined = _is_not(_kept(name, value), writer.bind(NOTHING))
            picked = _IfExp(defined, _name(name), result)
            result = _IfExp(_all(tests), picked, calling(closure)(writer)) if tests else picked
        return [], result

    return Lookup(closure, parts, is_free=isinstance(otherwise, Lookup) and otherwise.is_free)


def condition(test: Code, then: Code, otherwise: Code) -> Code:
    return lambda writer: _IfExp(test(writer), then(writer), otherwise(writer))


def joined(op: ast.boolop, left: Code, right: Code) -> Code:
    """Write `and` or `or`."""
    return lambda writer: _BoolOp(op, [left(writer), right(writer)])


def negation(value: Code) -> Code:
    """Keep NOTHING."""

    def write(writer: Writer) -> ast.expr:
        name = writer.temporary()
        is_nothing = _is(_kept(name, value(writer)), writer.bind(NOTHING))
        return _IfExp(is_nothing, _name(name), _UnaryOp(ast.Not(), _name(name)))

    return write


COMPARED: dict[str, type[ast.cmpop]] = {
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "lt": ast.Lt,
    "lteq": ast.LtE,
    "gt": ast.Gt,
    "gteq": ast.GtE,
}
"""Comparisons of two whole numbers, or two short texts, which are free."""


def comparison(value: Code, op: str, written: int | str, otherwise: Callable[[Scope, Any], Any]) -> Code:
    """Compare with a literal. `otherwise` compares all but whole numbers and short texts."""

    def write(writer: Writer) -> ast.expr:
        name = writer.temporary()
        fits: list[ast.expr] = [_is(_class_of(_kept(name, value(writer))), writer.bind(type(written)))]
        if isinstance(written, str):
            length = _Call(writer.bind(len), [_name(name)], [])
            fits.append(_Compare(length, [ast.LtE()], [writer.bind(UNPAID)]))
        compared = _Compare(_name(name), [COMPARED[op]()], [writer.bind(written)])
        return _IfExp(_all(fits), compared, _called(writer.bind(otherwise), _name(name)))

    return write


def function(function: Callable[..., Any], arguments: Sequence[Code]) -> Code:
    return lambda writer: _called(writer.bind(function), *[argument(writer) for argument in arguments])


def filtered(value: Code, function: Callable[..., Any], arguments: Sequence[Code]) -> Code:
    """Call with a value, then the arguments; NOTHING is kept."""

    def write(writer: Writer) -> ast.expr:
        name = writer.temporary()
        is_nothing = _is(_kept(name, value(writer)), writer.bind(NOTHING))
        made = _called(writer.bind(function), _name(name), *[argument(writer) for argument in arguments])
        return _IfExp(is_nothing, _name(name), made)

    return write


# Statements


def fresh_budget(writer: Writer) -> None:
    for name, limit in (("steps", STEP_LIMIT), ("chars", CHAR_LIMIT)):
        target = _Attribute(_name("scope"), name, _STORE)
        writer.add(_Assign([target], _Constant(limit)))


def value_of(writer: Writer, code: Code, plain: Callable[[Scope, Any], Any]) -> ast.expr:
    """Return plain JSON: `plain` converts the value if needed."""
    name = writer.assign(code(writer))
    handed_on = _Compare(_class_of(_name(name)), [ast.In()], [writer.bind(HANDED_ON)])
    return _IfExp(handed_on, _name(name), _called(writer.bind(plain), _name(name)))


def text_of(writer: Writer, parts: Sequence[str | Code], cost: int) -> ast.expr:
    """Join texts and expressions; each is paid for before the next is evaluated."""
    if cost:
        writer.add(_spent("steps", _Constant(cost)), _unless_spent("steps"))
    pieces: list[ast.expr] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(writer.bind(part))
            writer.add(_spent("chars", _Constant(len(part))))
            continue
        name = writer.assign(part(writer))
        is_other = _is_not(_class_of(_name(name)), writer.bind(str))
        writer.add(_If(is_other, [_assignment(name, _called(writer.bind(printed), _name(name)))], []))
        writer.add(_spent("chars", _Call(writer.bind(len), [_name(name)], [])), _unless_spent("chars"))
        pieces.append(_name(name))
    if parts and isinstance(parts[-1], str):
        writer.add(_unless_spent("chars"))
    if len(pieces) == 1:
        return pieces[0]
    return _JoinedStr([_FormattedValue(piece, -1) for piece in pieces])


def _spent(budget: str, amount: ast.expr) -> ast.stmt:
    return _AugAssign(_Attribute(_name("scope"), budget, _STORE), ast.Sub(), amount)


def _unless_spent(budget: str) -> ast.stmt:
    """Raises BudgetExceededError if the budget is spent."""
    left = _Attribute(_name("scope"), budget, _LOAD)
    take = _Attribute(_name("scope"), f"take_{budget}", _LOAD)
    is_over = _Compare(left, [ast.Lt()], [_Constant(0)])
    return _If(is_over, [_Expr(_Call(take, [_Constant(0)], []))], [])


Write = Callable[[Writer], ast.expr]
"""Writes the statements that make a value."""
Part = tuple[object, Write | None]
"""The constant value, and the writer of the value; None if nothing varies."""


def _part(writer: Writer, part: Part) -> ast.expr:
    value, write = part
    return writer.bind(value) if write is None else write(writer)


class Listed:
    """A list in which some values vary."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    def __call__(self, writer: Writer) -> ast.expr:
        return _name(writer.assign(_List([_part(writer, part) for part in self._parts], _LOAD)))

    def json(self, writer: Writer, dump: Callable[[Any], str]) -> list[str | ast.expr]:
        pieces: list[str | ast.expr] = []
        for part in self._parts:
            pieces += [",", *_json_part(writer, part, dump)]
        return ["[", *pieces[1:], "]"]


class Mapped:
    """A mapping in which some values vary, but no keys."""

    def __init__(self, whole: dict[Any, Any], writes: dict[Any, Write]) -> None:
        self._whole = whole
        self._writes = writes

    def __call__(self, writer: Writer) -> ast.expr:
        made = _name(writer.assign(_Call(_Attribute(writer.bind(self._whole), "copy", _LOAD), [], [])))
        for key, write in self._writes.items():
            _set(writer, made, key, write(writer))
        return made

    def json(self, writer: Writer, dump: Callable[[Any], str]) -> list[str | ast.expr]:
        pieces: list[str | ast.expr] = []
        for key, value in self._whole.items():
            name = dump({key: 0})[1:-2]
            pieces += [f",{name}", *_json_part(writer, (value, self._writes.get(key)), dump)]
        first = pieces[0]
        assert isinstance(first, str)
        return ["{" + first[1:], *pieces[1:], "}"]


def filling(word: str, parts: Mapping[str, Part]) -> Write:
    """Write values into a variable of the scope, in order. Each has a budget of its own, and can use those before it."""

    def write(writer: Writer) -> ast.expr:
        for name, part in parts.items():
            fresh_budget(writer)
            _set(writer, writer.word(word), name, _part(writer, part))
        return writer.word(word)

    return write


def tuple_of(values: list[ast.expr]) -> ast.expr:
    return _Tuple(values, _LOAD)


def _set(writer: Writer, mapping: ast.expr, key: object, value: ast.expr) -> None:
    writer.add(_Assign([_Subscript(mapping, writer.bind(key), _STORE)], value))


def mapping_by_keys(writer: Writer, pairs: Sequence[tuple[Part, Part]]) -> ast.expr:
    """Write a mapping in which keys vary too."""
    made = [(_part(writer, key), _part(writer, value)) for key, value in pairs]
    return _name(writer.assign(_Dict([key for key, _ in made], [value for _, value in made])))


def json_of(writer: Writer, write: Write, dump: Callable[[Any], str]) -> ast.expr:
    """Write the JSON text of a value. `dump` encodes any value; constant parts are encoded now."""
    texts: list[str | ast.expr] = []
    for piece in _json_part(writer, (None, write), dump):
        if texts and isinstance(piece, str) and isinstance(texts[-1], str):
            texts[-1] += piece
        else:
            texts.append(piece)
    parts = [writer.bind(piece) if isinstance(piece, str) else piece for piece in texts]
    return _JoinedStr([_FormattedValue(part, -1) for part in parts])


def _json_part(writer: Writer, part: Part, dump: Callable[[Any], str]) -> list[str | ast.expr]:
    value, write = part
    if write is None:
        return [dump(value)]
    if isinstance(write, (Listed, Mapped)):
        return write.json(writer, dump)
    name = writer.assign(write(writer))
    is_text = _is(_class_of(_name(name)), writer.bind(str))
    quoted = _Call(writer.bind(encode_basestring), [_name(name)], [])
    is_integer = _is(_class_of(_name(name)), writer.bind(int))
    dumped = _Call(writer.bind(dump), [_name(name)], [])
    others = _IfExp(_is(_name(name), writer.bind(None)), writer.bind("null"), dumped)
    return [_IfExp(is_text, quoted, _IfExp(is_integer, _name(name), others))]
