"""
Matching written a second time, straight from the language's text and as slowly as it likes.

Shares no code with the compiled matcher. Recursion, permutations and
exceptions are welcome here.
"""

import itertools
import re


def holds(match, request):
    """`request` is a dict: headers, query, cookies (lists of pairs), json, form (or neither), text."""
    return all(PARTS[part](asked, request) for part, asked in match.items())


def _values(pairs, name, *, fold=False):
    return [value for key, value in pairs if (key.lower() == name.lower() if fold else key == name)]


def _pairs(part):
    def ask(asked, request):
        pairs = request.get(part)
        if pairs is None:
            return False
        return all(text(c, _values(pairs, name, fold=part == "headers")) for name, c in asked.items())

    return ask


def _tree(exact):
    def ask(asked, request):
        return "json" in request and tree(asked, request["json"], there=True, exact=exact)

    return ask


def _jsonpath(asked, request):
    return "json" in request and all(found(c, QUERIES[q](request["json"])) for q, c in asked.items())


PARTS = {
    "headers": _pairs("headers"),
    "query": _pairs("query"),
    "cookies": _pairs("cookies"),
    "form": _pairs("form"),
    "json": _tree(exact=False),
    "json_exact": _tree(exact=True),
    "jsonpath": _jsonpath,
    "text": lambda asked, request: text(asked, [request["text"]]),
}


def _all_below(value):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _all_below(child)


def _step(value, key):
    return [value[key]] if isinstance(value, dict) and key in value else []


QUERIES = {
    "$.a": lambda root: _step(root, "a"),
    "$.a.b": lambda root: [v for a in _step(root, "a") for v in _step(a, "b")],
    "$..a": lambda root: [v for below in _all_below(root) for v in _step(below, "a")],
    "$.a[*]": lambda root: [
        v
        for a in _step(root, "a")
        for v in (a.values() if isinstance(a, dict) else a if isinstance(a, list) else ())
    ],
    "$[?@ == 1]": lambda root: [
        v
        for v in (root.values() if isinstance(root, dict) else root if isinstance(root, list) else ())
        if same(v, 1)
    ],
}
"""The queries that specs are made of, each as Python would write it."""


def same(a, b):
    if type(a) is bool or type(b) is bool:
        return type(a) is type(b) and a == b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return set(a) == set(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def is_number(value):
    return isinstance(value, (int, float)) and type(value) is not bool


def as_text(value):
    return {True: "true", False: "false"}[value] if type(value) is bool else str(value)


# Texts that came under one name


def text(cond, values):
    if cond == "present":
        return len(values) > 0
    if cond == "absent":
        return len(values) == 0
    if isinstance(cond, dict):
        return all(_text_operator(op, operand, values) for op, operand in cond.items())
    if isinstance(cond, list):
        return len(cond) == len(values) and all(text(c, [v]) for c, v in zip(cond, values, strict=True))
    return as_text(cond) in values


def _text_operator(op, operand, values):
    match op:
        case "not":
            return not text(operand, values)
        case "any_of":
            return any(text(c, values) for c in operand)
        case "all_of":
            return all(text(c, values) for c in operand)
        case "present":
            return (len(values) > 0) == operand
        case "absent":
            return (len(values) == 0) == operand
        case "equals" if isinstance(operand, list):
            return text(operand, values)
        case "unordered":
            return len(operand) == len(values) and any(
                all(text(c, [v]) for c, v in zip(operand, order, strict=True))
                for order in itertools.permutations(values)
            )
        case _:
            return any(_one_text(op, operand, v) for v in values)


def _one_text(op, operand, value):
    match op:
        case "equals":
            return value == as_text(operand)
        case "contains":
            return as_text(operand) in value
        case "starts_with":
            return value[: len(as_text(operand))] == as_text(operand)
        case "ends_with":
            return value.endswith(as_text(operand))
        case "matches":
            return re.fullmatch(operand, value) is not None
        case "one_of":
            return value in [as_text(o) for o in operand]
        case "ignore_case":
            return value.lower() == as_text(operand).lower()
        case "length":
            return bare(operand, len(value), there=True)
        case "type":
            return operand == "string"
        case "gt" | "gte" | "lt" | "lte":
            try:
                number = float(value)
            except ValueError:
                return False
            return value.strip("0123456789.-") == "" and _compare(op, number, operand)
    raise AssertionError(op)


def _compare(op, a, b):
    return {"gt": a > b, "gte": a >= b, "lt": a < b, "lte": a <= b}[op]


# One JSON value, `there` or not


def bare(cond, value, there):
    if cond == "present":
        return there
    if cond == "absent":
        return not there
    if isinstance(cond, dict):
        return all(_operator(op, operand, value, there, bare) for op, operand in cond.items())
    if isinstance(cond, list):
        return there and _in_order(cond, value, bare)
    return there and same(cond, value)


def found(cond, values):
    """What a query found: the list, which is absent where it is empty."""
    if cond in ("present", "absent"):
        return (len(values) > 0) == (cond == "present")
    if isinstance(cond, list):
        return _in_order(cond, values, bare)
    return all(_found_operator(op, operand, values) for op, operand in cond.items())


def _found_operator(op, operand, values):
    match op:
        case "not":
            return not found(operand, values)
        case "any_of":
            return any(found(c, values) for c in operand)
        case "all_of":
            return all(found(c, values) for c in operand)
        case "present" | "absent":
            return (len(values) > 0) == (operand if op == "present" else not operand)
        case _:
            return _operator(op, operand, values, True, bare)


def tree(cond, value, there, exact=False):
    def again(c, v, there):
        return tree(c, v, there, exact)

    if cond == "$present":
        return there
    if cond == "$absent":
        return not there
    if isinstance(cond, dict):
        if any(k.startswith("$") for k in cond):
            return all(_operator(op[1:], operand, value, there, again, exact) for op, operand in cond.items())
        return _fields(cond, value, there, again, exact)
    if isinstance(cond, list):
        return there and _in_order(cond, value, again)
    return there and same(cond, value)


def _fields(cond, value, there, again, exact):
    if not there or not isinstance(value, dict):
        return False
    if exact and set(value) - set(cond):
        return False
    return all(again(c, value.get(k), there=k in value) for k, c in cond.items())


def _in_order(conds, value, again):
    return (
        isinstance(value, list)
        and len(conds) == len(value)
        and all(again(c, v, there=True) for c, v in zip(conds, value, strict=True))
    )


def _operator(op, operand, value, there, again, exact=False):
    match op:
        case "not":
            return not again(operand, value, there=there)
        case "any_of":
            return any(again(c, value, there=there) for c in operand)
        case "all_of":
            return all(again(c, value, there=there) for c in operand)
        case "present":
            return there == operand
        case "absent":
            return there != operand
        case "fields":
            return _fields(operand, value, there, again, exact)
    return there and _one(op, operand, value, again)


def _one(op, operand, value, again):
    is_text = isinstance(value, str)
    match op:
        case "equals":
            return same(operand, value)
        case "contains":
            if is_text:
                return isinstance(operand, str) and operand in value
            if isinstance(operand, str):
                return isinstance(value, list) and any(same(operand, v) for v in value)
            return isinstance(value, list) and any(again(operand, v, there=True) for v in value)
        case "starts_with":
            return is_text and value.startswith(operand)
        case "ends_with":
            return is_text and value.endswith(operand)
        case "matches":
            return is_text and re.fullmatch(operand, value) is not None
        case "one_of":
            return any(same(o, value) for o in operand)
        case "ignore_case":
            return is_text and value.lower() == operand.lower()
        case "gt" | "gte" | "lt" | "lte":
            return is_number(value) and _compare(op, value, operand)
        case "type":
            return operand in _types(value)
        case "length":
            return isinstance(value, (str, list, dict)) and again(operand, len(value), there=True)
        case "unordered":
            return (
                isinstance(value, list)
                and len(value) == len(operand)
                and any(
                    all(again(c, v, there=True) for c, v in zip(operand, order, strict=True))
                    for order in itertools.permutations(value)
                )
            )
    raise AssertionError(op)


def _types(value):
    if type(value) is bool:
        return {"boolean"}
    if value is None:
        return {"null"}
    if isinstance(value, (int, float)):
        return {"number", "integer"} if value == int(value) else {"number"}
    return {{str: "string", list: "array", dict: "object"}[type(value)]}
