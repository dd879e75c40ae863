"""
Convert predicates of mountebank (mbtest.org/docs/api/predicates).

They ignore case without `caseSensitive`; `matches` is unanchored, and an absent value equals an empty text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import re2

from mockserver.formats.mocks.conditions import (
    anywhere,
    containing,
    dollared,
    either,
    escaped,
    fits,
    ignoring_case,
    literal,
    pattern,
    printed,
    value_or_text,
)
from mockserver.formats.mocks.requests import METHODS, Alternatives, Atom, PathTest, all_of, any_of
from mockserver.formats.mocks.sources import text_of
from mockserver.formats.mocks.trees import literal_leaf, some_items, tree
from mockserver.recording.conversion import NotConvertibleError

_TEXTUAL = ("equals", "contains", "startsWith", "endsWith", "matches", "exists", "deepEquals")
_OPTIONS = {"caseSensitive", "keyCaseSensitive", "except", "jsonpath", "xpath"}
_KINDS = {"equals": "equals", "deepEquals": "equals", "contains": "contains", "startsWith": "starts", "endsWith": "ends", "matches": "search"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Test:
    """An operator and how it compares. `removed` is taken out of the request's value before the comparison."""

    operator: str
    ignore_case: bool
    removed: str | None = None

    def condition(self, expected: object) -> Any:
        """Of a text that is there. Raises NotConvertibleError."""
        if isinstance(expected, list):
            if not expected:
                raise NotConvertibleError("an empty list of values")
            parts = [self.condition(item) for item in expected]
            return parts[0] if len(parts) == 1 else {"all_of": parts}
        if self.operator == "exists":
            return {"length": {"gte": 1}} if expected else ""
        text = text_of(expected)
        if self.removed is not None:
            return {"matches": self._without(text)}
        match self.operator:
            case "equals" | "deepEquals":
                return ignoring_case(text) if self.ignore_case else literal(text)
            case "contains":
                return {"matches": containing(text)} if self.ignore_case else {"contains": text}
            case "startsWith":
                return (
                    {"matches": containing(text, start=True)} if self.ignore_case else {"starts_with": text}
                )
            case "endsWith":
                return {"matches": containing(text, end=True)} if self.ignore_case else {"ends_with": text}
        return {"matches": anywhere(text, ignore_case=self.ignore_case)}

    def _without(self, text: str) -> str:
        r"""
        Return a pattern for the text, with anything that `except` removes in between.

        It is exact if `except` is one kind of character (`\d`, `[^a-z]+`) or is anchored.
        """
        removed = pattern(self.removed or "")
        if (
            self.operator not in ("equals", "deepEquals", "contains", "startsWith", "endsWith")
            or len(text) > 200
        ):
            raise NotConvertibleError("`except` can't be converted together with this predicate")
        text = re2.sub(("(?i)" if self.ignore_case else "") + removed, "", text)
        letters = [escaped(char) for char in text]
        if removed.startswith("^"):
            inner = f"(?:{removed[1:]})?" + "".join(letters)
        elif removed.endswith("$"):
            inner = "".join(letters) + f"(?:{removed[:-1]})?"
        elif re.fullmatch(r"(\\[dDwWsS]|\[[^\]]+\]|[^\\.*+?()|{}\[\]])[+*]?", removed):
            inner = f"(?:{removed})*".join(["", *letters, ""])
        else:
            raise NotConvertibleError(
                f"what `except` removes ({removed!r}) is not a single kind of character"
            )
        before = "" if self.operator in ("equals", "deepEquals", "startsWith") else "(?s:.*)"
        after = "" if self.operator in ("equals", "deepEquals", "endsWith") else "(?s:.*)"
        return pattern(("(?i)" if self.ignore_case else "") + before + inner + after)

    def fulfilled_by_nothing(self, expected: object) -> bool:
        """Whether an empty text passes, as an absent value does."""
        if isinstance(expected, list) or self.operator == "exists":
            return self.operator == "exists" and not expected
        if self.operator == "matches":
            return fits(anywhere(text_of(expected)), "")
        return text_of(expected) == ""


def requests_of(predicates: list[Any]) -> Alternatives:
    """The requests that fulfil all of them. Raises NotConvertibleError."""
    return all_of(_read(predicate, turned=False) for predicate in predicates)


def _read(predicate: object, *, turned: bool) -> Alternatives:
    if not isinstance(predicate, dict):
        raise NotConvertibleError("a predicate is a mapping, and this is none")
    operators = [key for key in predicate if key not in _OPTIONS]
    if not operators:
        raise NotConvertibleError("a predicate without an operator")
    operator = operators[0]
    inner = predicate[operator]
    match operator:
        case "not":
            return _read(inner, turned=not turned)
        case "and" | "or":
            combine = any_of if (operator == "or") is not turned else all_of
            return combine([_read(item, turned=turned) for item in inner])
        case "inject":
            raise NotConvertibleError(
                "its `inject` is JavaScript, which does not run here", "Use match or if"
            )
    if operator not in _TEXTUAL:
        raise NotConvertibleError(f"the predicate {operator!r} is unknown")
    atoms = _atoms(operator, inner, predicate)
    if not turned:
        return [atoms]
    return any_of([[[atom.turned()]] for atom in atoms])


def _atoms(operator: str, fields: object, options: dict[str, Any]) -> list[Atom]:
    if not isinstance(fields, dict):
        raise NotConvertibleError(f"{operator} compares fields of a request, and no text")
    test = Test(operator, not options.get("caseSensitive"), options.get("except") or None)
    atoms: list[Atom] = []
    for field, expected in fields.items():
        atoms += _field(test, field, expected, options)
    return atoms


def _field(test: Test, field: str, expected: object, options: dict[str, Any]) -> list[Atom]:
    if field == "body" and ("jsonpath" in options or "xpath" in options):
        return [_selected(test, expected, options)]
    if "jsonpath" in options or "xpath" in options:
        raise NotConvertibleError(f"a selector for {field!r}, which is not a document")
    match field:
        case "method":
            return [Atom("method", _methods(test, expected))]
        case "path":
            return _path(test, expected)
        case "query" | "headers" | "form":
            return _named(test, field, expected)
        case "body":
            return [_body(test, expected)]
    raise NotConvertibleError(
        f"the field {field!r} can't be matched here", "See what else tells these requests apart"
    )


def _methods(test: Test, expected: object) -> frozenset[str]:
    if test.operator == "exists":
        return frozenset(METHODS if expected else ())
    if test.operator in ("equals", "deepEquals") and test.removed is None:
        return frozenset([str(expected).upper()])
    probe = PathTest(_KINDS[test.operator], text_of(expected), test.ignore_case)
    return frozenset(method for method in METHODS if probe.holds(method))


def _path(test: Test, expected: object) -> list[Atom]:
    if test.operator == "exists":
        return [] if expected else [Atom("method", frozenset())]
    if test.removed is not None:
        return [Atom("path", PathTest("whole", test.condition(expected)["matches"]))]
    return [Atom("path", PathTest(_KINDS[test.operator], text_of(expected), test.ignore_case))]


def _named(test: Test, field: str, expected: object) -> list[Atom]:
    if not isinstance(expected, dict):
        raise NotConvertibleError(f"{field} is matched as a whole", "Match each of its names")
    if test.operator == "deepEquals":
        return _whole(test, field, expected)
    atoms = []
    for name, value in expected.items():
        if isinstance(value, dict):
            raise NotConvertibleError(f"{field}.{name} has fields inside of it")
        if test.operator == "exists" and field == "headers":
            condition: Any = "present" if value else "absent"
        else:
            condition = test.condition(value)
            if test.fulfilled_by_nothing(value):
                condition = either(["absent", condition])
        atoms.append(Atom(field, condition, name))
    return atoms


def _whole(test: Test, field: str, expected: dict[str, Any]) -> list[Atom]:
    """`deepEquals`: these names and no others."""
    if field == "headers":
        raise NotConvertibleError("all headers are compared at once, and every client sends some of its own")
    atoms = []
    for name, value in expected.items():
        values = [test.condition(item) for item in value] if isinstance(value, list) else []
        atoms.append(Atom(field, {"unordered": values} if values else [test.condition(value)], name))
    count = f"request.{field} | length == {len(expected)}"
    return [*atoms, Atom("if", count)]


def _body(test: Test, expected: object) -> Atom:
    if not isinstance(expected, (dict, list)):
        return Atom("text", test.condition(expected))
    if test.removed is not None:
        raise NotConvertibleError("`except` can't be converted for the fields of a JSON body")
    if test.operator == "deepEquals":
        return Atom("json_exact", tree(expected, partial(_deep, ignore_case=test.ignore_case), _unordered))
    return Atom("json", tree(expected, partial(_leaf, test), some_items))


def _leaf(test: Test, expected: object) -> object:
    if test.operator == "exists":
        return "$present" if expected else "$absent"
    if test.operator == "equals" and not isinstance(expected, str):
        return expected
    return dollared(test.condition(expected))


def _deep(expected: object, *, ignore_case: bool) -> object:
    if isinstance(expected, str) and ignore_case:
        return dollared(ignoring_case(expected))
    return literal_leaf(expected)


def _unordered(items: list[Any]) -> object:
    return {"$unordered": items} if len(items) > 1 else items


def _selected(test: Test, expected: object, options: dict[str, Any]) -> Atom:
    by = "jsonpath" if "jsonpath" in options else "xpath"
    selector = options[by].get("selector") if isinstance(options[by], dict) else None
    if not isinstance(selector, str) or not selector:
        raise NotConvertibleError(f"its {by} has no selector")
    if by == "xpath":
        return Atom("xml", _selection(test, expected, texts=True), selector)
    selector = selector if selector.startswith("$") else f"$.{selector}"
    if isinstance(expected, dict):
        return Atom("json", _nested(selector, _body(test, expected).condition))
    return Atom("jsonpath", _selection(test, expected, texts=False), selector)


def _nested(selector: str, inner: object) -> object:
    names = selector.split(".")[1:]
    if not names or not all(re.fullmatch(r"\w+", name) for name in names):
        raise NotConvertibleError(
            f"fields inside of what {selector!r} finds can't be matched", "Name them in the query"
        )
    for name in reversed(names):
        inner = {name: inner}
    return inner


def _selection(test: Test, expected: object, *, texts: bool) -> object:
    """A condition on what a selector finds: of texts (XPath), or of the list of JSON values."""
    if test.operator == "exists":
        return "present" if expected else "absent"
    if texts:
        if test.operator == "deepEquals" and isinstance(expected, list):
            return {"unordered": [test.condition(item) for item in expected]}
        return [test.condition(expected)] if test.operator == "deepEquals" else test.condition(expected)
    if test.operator == "deepEquals":
        return {"unordered": expected} if isinstance(expected, list) else [expected]
    wanted = expected if isinstance(expected, list) else [expected]
    parts = [{"contains": _item(test, item)} for item in wanted]
    return parts[0] if len(parts) == 1 else {"all_of": parts}


def _item(test: Test, expected: object) -> object:
    """A number may come as text, and the other way round: mountebank prints both."""
    whole = value_or_text(text_of(expected))
    is_value = test.operator == "equals" and test.removed is None and printed(whole) is not None
    return whole if is_value else test.condition(expected)
