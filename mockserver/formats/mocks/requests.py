"""
Conditions on requests as alternatives of single tests, and routes made of them.

An `or` of another tool becomes several routes with one reply; a `not` is moved to the single tests: the language
negates and combines only conditions on one part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from mockserver.formats.mocks.conditions import anywhere, both, either, escaped, fits, negated
from mockserver.formats.mocks.paths import ANY_PATH, literal_path, pattern_path, without_case
from mockserver.formats.mocks.queries import jsonpath, schema, xpath
from mockserver.recording.conversion import NotConvertibleError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
MOST_ALTERNATIVES = 32
_NAMED = ("headers", "query", "cookies", "form", "jsonpath", "xml")
_TREES = ("json", "json_exact")


@dataclass(frozen=True, slots=True)
class Atom:
    """
    One test of one part. `condition` is of the part's kind: of `method` a
    frozenset of those that pass, of `path` a PathTest, of `if` an expression,
    of `json` and `json_exact` a tree, else a condition.
    """

    part: str
    condition: Any
    name: str = ""

    def turned(self) -> Atom:
        """Return the negated test."""
        match self.part:
            case "method":
                return replace(self, condition=frozenset(METHODS) - self.condition)
            case "path":
                test: PathTest = self.condition
                return replace(self, condition=replace(test, turned=not test.turned))
            case "if":
                return replace(self, condition=f"not ({self.condition})")
            case "json" | "json_exact":
                return replace(self, condition={"$not": self.condition})
            case "schema":
                return replace(self, condition={"not": self.condition})
        return replace(self, condition=negated(self.condition))


@dataclass(frozen=True, slots=True)
class PathTest:
    """
    A test of the path: `kind` is equals, contains, starts, ends, search or
    whole (patterns), or route (a path as routes write it).
    """

    kind: str
    text: str
    ignore_case: bool = False
    turned: bool = False

    def route_path(self) -> str:
        """As a route's path. Raises NotConvertibleError."""
        match self.kind:
            case "equals":
                return without_case(self.text) if self.ignore_case else literal_path(self.text)
            case "route":
                return self.text
            case "search":
                return pattern_path(anywhere(self.text, ignore_case=self.ignore_case, anything=".*"))
            case "whole":
                return pattern_path(("(?i)" if self.ignore_case else "") + self.text)
        inner = escaped(self.text)
        before = "" if self.kind == "starts" else ".*"
        after = "" if self.kind == "ends" else ".*"
        return pattern_path(("(?i)" if self.ignore_case else "") + before + inner + after)

    def expression(self, subject: str) -> str:
        """As an expression of `if`. Raises NotConvertibleError for patterns."""
        text = quoted(self.text.lower() if self.ignore_case else self.text)
        if self.ignore_case:
            subject = f"({subject} | lower)"
        match self.kind:
            case "equals":
                said = f"{subject} == {text}"
            case "contains":
                said = f"{text} in {subject}"
            case "starts":
                said = f"{subject}.startswith({text})"
            case "ends":
                said = f"{subject}.endswith({text})"
            case _:
                raise NotConvertibleError(
                    f"the pattern {self.text!r} is combined with another condition on the path, or is negated",
                    "Write one pattern for both",
                )
        return f"not ({said})" if self.turned else said

    def holds(self, path: str) -> bool:
        text = self.text.lower() if self.ignore_case and self.kind not in ("search", "whole") else self.text
        path = path.lower() if self.ignore_case else path
        match self.kind:
            case "equals":
                result = path == text
            case "contains":
                result = text in path
            case "starts":
                result = path.startswith(text)
            case "ends":
                result = path.endswith(text)
            case "search":
                result = fits(anywhere(text, ignore_case=self.ignore_case), path)
            case _:
                result = fits(("(?i)" if self.ignore_case else "") + text, path)
        return result is not self.turned


def quoted(text: str) -> str:
    """A text in an expression."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    if "{{" in escaped or "}}" in escaped or "{%" in escaped or "%}" in escaped:
        raise NotConvertibleError(f"{text!r} has braces, which would end an expression")
    return f"'{escaped}'"


Alternatives = list[list[Atom]]
"""Alternatives; of each, all tests must pass."""


def all_of(parts: Iterable[Alternatives]) -> Alternatives:
    made: Alternatives = [[]]
    for part in parts:
        if len(made) * len(part) > MOST_ALTERNATIVES:
            raise NotConvertibleError(
                f"it has more than {MOST_ALTERNATIVES} alternatives", "Split it by hand"
            )
        made = [[*item, *other] for item, other in product(made, part)]
    return made


def any_of(parts: Iterable[Alternatives]) -> Alternatives:
    """Single tests of one part are put together, so that they need one route."""
    made: Alternatives = []
    for alternative in [item for part in parts for item in part]:
        if len(alternative) == 1:
            twin = next(
                (i for i, item in enumerate(made) if len(item) == 1 and _same(item[0], alternative[0])), None
            )
            if twin is not None:
                made[twin] = [_either(made[twin][0], alternative[0])]
                continue
        made.append(alternative)
    if len(made) > MOST_ALTERNATIVES:
        raise NotConvertibleError(f"it has more than {MOST_ALTERNATIVES} alternatives", "Split it by hand")
    return made


def _same(atom: Atom, other: Atom) -> bool:
    return atom.part == other.part and atom.name == other.name and atom.part not in ("path", "schema")


def _either(atom: Atom, other: Atom) -> Atom:
    match atom.part:
        case "method":
            return replace(atom, condition=atom.condition | other.condition)
        case "if":
            return replace(atom, condition=f"({atom.condition}) or ({other.condition})")
        case "json" | "json_exact":
            before = atom.condition["$any_of"] if list(atom.condition) == ["$any_of"] else [atom.condition]
            return replace(atom, condition={"$any_of": [*before, other.condition]})
    return replace(atom, condition=either([atom.condition, other.condition]))


def route_of(atoms: Iterable[Atom], base: str = "") -> dict[str, Any]:
    """Return `request`, `match` and `if` of a route for all tests. Raises NotConvertibleError."""
    methods: frozenset[str] | None = None
    paths: list[PathTest] = []
    match: dict[str, Any] = {}
    expressions: list[str] = []
    for atom in atoms:
        if atom.part == "method":
            methods = atom.condition if methods is None else methods & atom.condition
        elif atom.part == "path":
            paths.append(atom.condition)
        elif atom.part == "if":
            expressions.append(atom.condition)
        else:
            _ask(match, atom)
    path = _path(paths, expressions, base)
    route: dict[str, Any] = {"request": f"{_method(methods)} {path}"}
    if match:
        route["match"] = match
    if expressions:
        route["if"] = " and ".join(expressions) if len(expressions) > 1 else expressions[0]
    return route


def _method(methods: frozenset[str] | None) -> str:
    if methods is None or methods >= frozenset(METHODS):
        return "ANY"
    if not methods:
        raise NotConvertibleError("no method fulfils it, so it never answers")
    known = [method for method in METHODS if method in methods]
    return ",".join([*known, *sorted(methods - set(METHODS))])


def _path(tests: list[PathTest], expressions: list[str], base: str) -> str:
    exact = next((test for test in tests if test.kind == "equals" and not test.turned), None)
    if exact is not None:
        if not all(test.holds(exact.text) for test in tests):
            raise NotConvertibleError("no path fulfils it, so it never answers")
        return exact.route_path()
    patterns = [test for test in tests if not test.turned]
    first = next((test for test in patterns if test.kind in ("search", "whole")), None)
    first = first or (patterns[0] if patterns else None)
    subject = f"request.path[{len(base)}:]" if base else "request.path"
    expressions[:0] = [test.expression(subject) for test in tests if test is not first]
    return ANY_PATH if first is None else first.route_path()


def _ask(match: dict[str, Any], atom: Atom) -> None:
    part, condition, name = atom.part, atom.condition, atom.name
    if part in _NAMED:
        name = {"jsonpath": jsonpath, "xml": xpath}.get(part, str)(name)
        named = match.setdefault(part, {})
        named[name] = both(named[name], condition) if name in named else condition
    elif part not in match:
        match[part] = schema(condition) if part == "schema" else condition
    elif part in _TREES:
        match[part] = _trees(match[part], condition)
    elif part == "schema":
        match[part] = {"allOf": [match[part], condition]}
    else:
        match[part] = both(match[part], condition)


def _trees(first: Any, other: Any) -> object:
    """Both trees hold: fields beside each other where they don't meet."""
    if first == other:
        return first
    if _is_fields(first) and _is_fields(other):
        made = dict(first)
        for key, item in other.items():
            made[key] = _trees(made[key], item) if key in made else item
        return made
    parts: list[Any] = []
    for part in (first, other):
        parts += part["$all_of"] if isinstance(part, dict) and list(part) == ["$all_of"] else [part]
    return {"$all_of": parts}


def _is_fields(tree: object) -> bool:
    return isinstance(tree, dict) and not any(key.startswith("$") for key in tree)
