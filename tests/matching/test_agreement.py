"""The compiled matcher and a naive one, written apart, agree on random conditions and requests."""

import json
import os
from urllib.parse import urlencode

import naive
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.matching import a_matcher

from mockserver.model.http import Request

EXAMPLES = int(os.environ.get("AGREEMENT_EXAMPLES", "500"))

# Few values, so that what is asked for often comes.
TEXTS = st.sampled_from(["", "a", "A", "ab", "b", "1", "1.0", "-2", "true", "present", "x" * 5])
NUMBERS = st.sampled_from([0, 1, 1.0, 2, -2, 2.5])
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
NAMES = st.sampled_from(["a", "b"])
PATTERNS = st.sampled_from(["a+", "[ab]*", ".", r"\d+", "(a|b)b?", ""])
VALUES = st.recursive(
    SCALARS, lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(NAMES, below, max_size=3)), max_leaves=6
)  # fmt: skip
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])


def operators(operand_of, *, dollar):
    """A mapping of one or two operators."""
    # Made once, not in a flatmap: making them anew took a sixth of the ten thousand examples.
    one = st.one_of([st.tuples(st.just(op), operand) for op, operand in sorted(operand_of.items())])
    prefix = "$" if dollar else ""
    return st.lists(one, min_size=1, max_size=2).map(
        lambda found: {prefix + op: operand for op, operand in found}
    )


def text_conditions():
    words = st.one_of(TEXTS.filter(lambda t: t != "present"), NUMBERS.map(int), st.booleans())
    flat = {
        "equals": words, "contains": words, "starts_with": words, "ends_with": words, "matches": PATTERNS,
        "one_of": st.lists(words, min_size=1, max_size=3), "ignore_case": words, "gt": NUMBERS, "gte": NUMBERS,
        "lt": NUMBERS, "lte": NUMBERS, "type": st.just("string"), "present": st.booleans(), "absent": st.booleans(),
        "length": st.one_of(st.integers(0, 3), st.fixed_dictionaries({"gte": st.integers(0, 3)})),
    }  # fmt: skip
    leaves = st.one_of(words, st.sampled_from(["present", "absent"]), operators(flat, dollar=False))

    def nested(below):
        many = st.lists(below, min_size=1, max_size=3)
        return st.one_of(
            many, operators({"not": below, "any_of": many, "all_of": many, "unordered": many}, dollar=False)
        )

    return st.recursive(leaves, nested, max_leaves=4)


def json_operands(below, lengths):
    many = st.lists(below, max_size=3)
    some = st.lists(below, min_size=1, max_size=3)
    return {
        "equals": VALUES, "contains": st.one_of(TEXTS, below.filter(lambda c: not isinstance(c, str))),
        "starts_with": TEXTS, "ends_with": TEXTS, "matches": PATTERNS, "one_of": st.lists(VALUES, min_size=1, max_size=3),
        "ignore_case": TEXTS, "gt": NUMBERS, "gte": NUMBERS, "lt": NUMBERS, "lte": NUMBERS, "type": TYPES,
        "present": st.booleans(), "absent": st.booleans(), "length": lengths, "not": below, "any_of": some,
        "all_of": some, "unordered": many,
    }  # fmt: skip


def bare_conditions():
    lengths = st.one_of(st.integers(0, 3), st.fixed_dictionaries({"lt": st.integers(0, 3)}))
    leaves = st.one_of(SCALARS, st.just("absent"))
    return st.recursive(
        leaves, lambda below: st.one_of(st.lists(below, max_size=3), operators(json_operands(below, lengths), dollar=False)), max_leaves=4
    )  # fmt: skip


def found_conditions():
    leaf = json_operands(bare_conditions(), st.integers(0, 3))
    lists = st.lists(bare_conditions(), max_size=3)
    flat = {op: leaf[op] for op in ("contains", "length", "unordered", "present", "absent")}
    flat |= {"equals": st.lists(VALUES, max_size=3), "type": st.just("array")}
    leaves = st.one_of(lists, st.sampled_from(["present", "absent"]), operators(flat, dollar=False))

    def nested(below):
        many = st.lists(below, min_size=1, max_size=3)
        return operators({"not": below, "any_of": many, "all_of": many}, dollar=False)

    return st.recursive(leaves, nested, max_leaves=3)


def trees():
    lengths = st.one_of(st.integers(0, 3), st.fixed_dictionaries({"$lte": st.integers(0, 3)}))
    leaves = st.one_of(SCALARS, st.sampled_from(["$present", "$absent"]))

    def nested(below):
        fields = st.dictionaries(NAMES, below, max_size=3)
        operands = json_operands(below, lengths) | {"fields": fields}
        return st.one_of(fields, fields, st.lists(below, max_size=3), operators(operands, dollar=True))

    return st.recursive(leaves, nested, max_leaves=5).filter(lambda c: c not in ("$present", "$absent"))


def named(condition):
    return st.dictionaries(NAMES, condition, min_size=1, max_size=1)


TREES = trees()
ASKED = {
    **{part: named(text_conditions()) for part in ("headers", "query", "cookies", "form")},
    "json": TREES,
    "json_exact": TREES,
    "jsonpath": st.dictionaries(st.sampled_from(sorted(naive.QUERIES)), found_conditions(), min_size=1, max_size=2),
    # On a body, `absent` asks for an empty one, which the model below doesn't know.
    "text": text_conditions().filter(lambda c: not _asks_presence(c)),
}  # fmt: skip
MATCHES = st.one_of(
    *[st.fixed_dictionaries({part: asked}) for part, asked in ASKED.items()],
    *[
        st.fixed_dictionaries({"headers": ASKED["headers"], "query": ASKED["query"], part: ASKED[part]})
        for part in ("json", "form", "text")
    ],
)


def _asks_presence(condition):
    return condition in ("present", "absent") or (isinstance(condition, dict) and not condition.keys().isdisjoint({"present", "absent"}))  # fmt: skip


PAIRS = st.lists(st.tuples(NAMES, TEXTS), max_size=4)
HEADS = {"headers": PAIRS, "query": PAIRS, "cookies": PAIRS}
WITH_JSON = st.fixed_dictionaries(
    HEADS | {"json": st.one_of(VALUES, st.dictionaries(NAMES, VALUES, max_size=3))}
)
WITH_FORM = st.fixed_dictionaries(HEADS | {"form": PAIRS})


MOSTLY_FORM = st.one_of(WITH_FORM, WITH_FORM, WITH_JSON)
MOSTLY_JSON = st.one_of(WITH_JSON, WITH_JSON, WITH_FORM)


def requests_for(match):
    """Mostly with the kind of body that is asked for."""
    return MOSTLY_FORM if "form" in match else MOSTLY_JSON


CASES = MATCHES.flatmap(lambda match: st.tuples(st.just(match), requests_for(match)))


def as_request(request):
    lines = [(name.upper(), value) for name, value in request["headers"]]
    lines += [("cookie", f"{name}={value}") for name, value in request["cookies"]]
    if "json" in request:
        body = json.dumps(request["json"])
    else:
        body = urlencode(request["form"])
        lines.append(("content-type", "application/x-www-form-urlencoded"))
    request["text"] = body
    return Request("POST", "/?" + urlencode(request["query"]), lines, body.encode())


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(CASES)
def test_the_compiled_matcher_agrees_with_a_naive_one(case):
    match, request = case
    real = as_request(request)
    matcher = a_matcher(**match)
    expected = naive.holds(match, request)
    event("holds" if expected else "does not hold")

    assert matcher.holds(real) is expected
    assert (matcher.differences(real) == []) is expected


@settings(max_examples=EXAMPLES // 5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_they_agree_on_requests_made_for_the_condition(data):
    """Random pairs seldom match: here the tree is grown out of the value, with one place made an operator."""
    value = data.draw(st.dictionaries(NAMES, VALUES, max_size=3))
    tree = data.draw(grown(value))
    match = {data.draw(st.sampled_from(["json", "json_exact"])): tree}
    request = {"headers": [], "query": [], "cookies": [], "json": value}
    expected = naive.holds(match, request)
    event("holds" if expected else "does not hold")

    assert a_matcher(**match).holds(as_request(request)) is expected


def grown(value):
    """Trees that mostly hold for a value."""
    if isinstance(value, dict) and value:
        whole = st.fixed_dictionaries({name: grown(item) for name, item in value.items()})
        part = st.sets(st.sampled_from(sorted(value))).flatmap(
            lambda names: st.fixed_dictionaries({name: grown(value[name]) for name in names})
        )
        return st.one_of(whole, part, part.map(lambda fields: {"$fields": fields}), TREES)
    if isinstance(value, list):
        items = st.tuples(*map(grown, value)).map(list)
        shuffled = items.flatmap(st.permutations).map(lambda found: {"$unordered": found})
        return st.one_of(items, shuffled, st.just({"$length": len(value)}), TREES)
    same = st.just({"$equals": value}) if isinstance(value, str) and value.startswith("$") else st.just(value)
    return st.one_of(same, same, st.just({"$one_of": [value, "x"]}), st.just({"$not": "zz"}), TREES)
