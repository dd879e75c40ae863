"""Every operator, in every dialect: what it holds for, what not, what of another type, and what is absent."""

import pytest
from support.matching import a_matcher, a_request, flaws_of

from mockserver.errors import InvalidInputError
from mockserver.matching.matcher import compile_condition
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.operators import OPERATORS
from mockserver.model.http import ABSENT
from mockserver.model.written import WrittenFloat, WrittenInt
from mockserver.schema.match import BARE_OPERATORS

# Operator, operand, values it holds for, values it fails for, values of another type (it fails for them too).
OF_JSON = [
    ("equals", 5, [5, 5.0], [6, -5, 5.1], ["5", True, None, [5], {"a": 5}]),
    ("equals", 1, [1, 1.0], [2], ["1", True]),
    ("equals", True, [True], [False], [1, 1.0, "true", None]),
    ("equals", False, [False], [True], [0, "", None, []]),
    ("equals", None, [None], [], [0, False, "", "null", [], {}]),
    ("equals", "a", ["a"], ["A", "a ", ""], [["a"], {"a": "a"}, 1]),
    ("equals", [1, {"a": True}], [[1, {"a": True}], [1.0, {"a": True}]], [[1], [1, {"a": 1}], [{"a": True}, 1]], ["x", {}]),
    ("equals", {"a": [1]}, [{"a": [1]}], [{"a": [1], "b": 1}, {"a": ["1"]}, {}], ["x", [1], None]),
    ("not", 5, [6, "5", True, None, [5]], [5, 5.0], []),
    ("not", {"contains": "a"}, ["b", 5, ["b"]], ["a", ["a"]], []),
    ("contains", "ell", ["hello", ["x", "ell"]], ["HELLO", ["hello"], [], ""], [5, None, {"ell": 1}, True]),
    ("contains", 5, [[1, 5], [5.0]], [["5"], [[5]], []], ["5", 5, {"5": 5}, None]),
    ("contains", {"type": "string"}, [["a"], [1, "a"]], [[1], []], ["a", {"a": 1}]),
    ("contains", {"gt": 5}, [[1, 6]], [[1, 5], ["6"]], [6, "6"]),
    ("starts_with", "Be", ["Bearer", "Be"], ["be", " Be", "aBe", ""], [5, None, ["Be"]]),
    ("ends_with", ".png", ["a.png", ".png"], ["a.PNG", "a.png ", ""], [5, None, [".png"]]),
    ("matches", r"\d+", ["12", "0"], ["12a", "a12", "", "1\n"], [12, None, ["12"]]),
    ("matches", "(?i)a.c", ["ABC", "a-c"], ["abcd", "a\nc"], [1]),
    ("one_of", [1, "a", None, [1]], [1, 1.0, "a", None, [1]], ["1", True, "A", [2], False], [{}]),
    ("any_of", [5, {"contains": "a"}, "absent"], [5, "cat", ["a"]], [6, "b"], [None, {}]),
    ("all_of", [{"gt": 1}, {"lt": 5}], [2, 4.9], [1, 5], ["2", None, True]),
    ("gt", 5, [5.1, 6, 10**30], [5, 5.0, 4], ["6", True, None, [6]]),
    ("gte", 5, [5, 5.0, 6], [4.999], ["5", True, None, [5]]),
    ("lt", 5, [4.9, -(10**30)], [5, 6], ["4", False, None, [4]]),
    ("lte", 5, [5, 5.0, 4], [5.001], ["5", False, None, [5]]),
    ("type", "string", ["", "5"], [], [5, None, True, [], {}]),
    ("type", "number", [5, 5.5, 5.0], [], ["5", True, None]),
    ("type", "integer", [5, 5.0], [5.5], ["5", True, None]),
    ("type", "boolean", [True, False], [], [1, 0, "true", None]),
    ("type", "array", [[], [1]], [], [{}, "[]", None]),
    ("type", "object", [{}, {"a": 1}], [], [[], "{}", None]),
    ("type", "null", [None], [], ["null", 0, False, [], {}]),
    ("length", 3, ["abc", "äöü", [1, 2, 3], {"a": 1, "b": 2, "c": 3}], ["ab", [1], {}], [3, None, True]),
    ("length", {"gte": 1, "lt": 3}, ["a", [1, 2]], ["", [1, 2, 3], {}], [2, None]),
    ("length", {"one_of": [0, 2]}, ["", [1, 2]], ["a"], [2]),
    ("present", True, [0, "", None, False, [], {}], [], []),
    ("present", False, [], [0, "", None, False], []),
    ("absent", True, [], [0, "", None, False, []], []),
    ("absent", False, [0, "", None], [], []),
    ("ignore_case", "Straße", ["STRASSE", "straße"], ["strase", ""], [5, None, ["Straße"]]),
    ("unordered", [1, "a"], [[1, "a"], ["a", 1.0]], [[1], [1, "a", "a"], ["1", "a"], [True, "a"], []], ["a", {}, None]),
    ("unordered", [], [[]], [[1]], [{}, "", None]),
]  # fmt: skip
HOLDS_FOR_ABSENT = [("not", 5), ("absent", True), ("present", False), ("any_of", ["absent", 1])]

# Operator, operand, lists of values that came under one name: it holds for these, and fails for those.
OF_TEXT = [
    ("equals", "a", [["a"], ["b", "a"]], [["A"], ["ab"], ["b", "c"]]),
    ("equals", 5, [["5"]], [["5.0"], ["05"], [" 5"]]),
    ("equals", True, [["true"]], [["True"], ["1"]]),
    ("equals", ["a", "b"], [["a", "b"]], [["b", "a"], ["a"], ["a", "b", "c"]]),
    ("not", "a", [["b"], ["b", "c"]], [["a"], ["b", "a"]]),
    ("not", {"contains": "a"}, [["b"]], [["b", "cat"]]),
    ("contains", "ell", [["hello"], ["x", "hello"]], [["HELLO"], ["el", "l"]]),
    ("contains", 5, [["x5"]], [["x"]]),
    ("starts_with", "Bearer ", [["Bearer x"], ["Basic y", "Bearer x"]], [["bearer x"], ["Bearer"]]),
    ("ends_with", ".png", [["a.png"]], [["a.PNG"]]),
    ("matches", r"\d+", [["12"], ["a", "12"]], [["12a"], [""]]),
    ("one_of", ["a", 5], [["a"], ["5"], ["x", "5"]], [["A"], ["5.0"]]),
    ("any_of", ["a", {"starts_with": "b"}], [["a"], ["bc"], ["x", "bc"]], [["c"]]),
    ("all_of", [{"contains": "a"}, {"contains": "b"}], [["ab"], ["a", "b"]], [["a"], ["b"]]),
    ("gt", 5, [["5.1"], ["6"], ["+6"], ["1e3"], ["4", "6"]], [["5"], ["4"], ["six"], [""], ["0x10"], ["1_000"], ["inf"], [" 6"]]),
    ("gt", 2**53, [[str(2**53 + 1)]], [[str(2**53)], ["9" * 500]]),
    ("gte", 5, [["5"], ["5.0"]], [["4.9"], ["five"]]),
    ("lt", 5, [["4.9"], ["-.5"], ["-1"]], [["5"], ["nan"], ["-inf"], ["four"]]),
    ("lte", 5, [["5"], ["-1e3"]], [["5.1"], ["x"]]),
    ("type", "string", [["5"], [""]], []),
    ("length", 3, [["abc"], ["a", "abc"]], [["ab"], ["abcd"]]),
    ("length", {"gte": 2}, [["ab"]], [["a"]]),
    ("present", True, [["a"], [""]], []),
    ("present", False, [], [["a"], [""]]),
    ("absent", True, [], [["a"], [""]]),
    ("absent", False, [["a"], [""]], []),
    ("ignore_case", "Gzip", [["gzip"], ["br", "GZIP"]], [["gzip, br"]]),
    ("unordered", ["a", "b"], [["a", "b"], ["b", "a"]], [["a"], ["a", "b", "b"], ["a", "c"]]),
]  # fmt: skip


def in_tree(operator, operand):
    """The same condition as a JSON tree writes it."""
    return {f"${operator}": _dollars(operand) if operator not in ("equals", "one_of", "type") else operand}


def _dollars(operand):
    if isinstance(operand, dict):
        return {f"${key}": _dollars(value) for key, value in operand.items()}
    if isinstance(operand, list):
        return [_dollars(item) for item in operand]
    return f"${operand}" if operand in ("present", "absent") else operand


def _bare(operator, operand):
    return compile_condition({operator: operand}).holds


def _tree(operator, operand):
    matcher = a_matcher(json={"field": in_tree(operator, operand)})
    return lambda value: matcher.holds(a_request(json={} if value is ABSENT else {"field": value}))


def _exact(operator, operand):
    matcher = a_matcher(json_exact={"field": in_tree(operator, operand)})
    return lambda value: matcher.holds(a_request(json={} if value is ABSENT else {"field": value}))


@pytest.mark.parametrize("dialect", [_bare, _tree, _exact])
@pytest.mark.parametrize(
    ("operator", "operand", "fits", "misfits", "others"), OF_JSON, ids=lambda value: repr(value)[:20]
)
def test_an_operator_on_json(dialect, operator, operand, fits, misfits, others):
    holds = dialect(operator, operand)

    assert [value for value in fits if not holds(value)] == []
    assert [value for value in misfits + others if holds(value)] == []
    assert holds(ABSENT) is ((operator, operand) in HOLDS_FOR_ABSENT or (operator == "not") or
                             (operator == "any_of" and "absent" in operand))  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "operand", "fits", "misfits", "others"), OF_JSON, ids=lambda value: repr(value)[:20]
)
def test_an_operator_on_json_explains_itself(operator, operand, fits, misfits, others):
    condition = compile_condition({operator: operand})
    for value in [*fits, *misfits, *others, ABSENT]:
        reasons = condition.explain(value, DifferencePlace("json", ("field",)))

        assert bool(reasons) is not condition.holds(value)
        assert all(reason.text.startswith("json.field") and 0 < reason.weight <= 1 for reason in reasons)
    assert condition.describe()


def _header(operator, operand):
    matcher = a_matcher(headers={"X-Field": {operator: operand}})
    return lambda values: matcher.holds(a_request("GET /", *[("x-field", value) for value in values]))


def _query(operator, operand):
    matcher = a_matcher(query={"field": {operator: operand}})
    return lambda values: matcher.holds(
        a_request("GET /?" + "&".join("field=" + v.replace("+", "%2B").replace(" ", "%20") for v in values))
    )


def _cookie(operator, operand):
    matcher = a_matcher(cookies={"field": {operator: operand}})
    return lambda values: matcher.holds(
        a_request("GET /", *[("cookie", f"field={value}") for value in values])
    )


def _form(operator, operand):
    matcher = a_matcher(form={"field": {operator: operand}})
    return lambda values: matcher.holds(a_request(form=[("field", value) for value in values]))


@pytest.mark.parametrize("part", [_header, _query, _cookie, _form])
@pytest.mark.parametrize(
    ("operator", "operand", "fits", "misfits"), OF_TEXT, ids=lambda value: repr(value)[:20]
)
def test_an_operator_on_texts(part, operator, operand, fits, misfits):
    holds = part(operator, operand)
    if part is _cookie:  # white space round a cookie's value is none of it
        fits = [values for values in fits if all(v == v.strip() for v in values)]
        misfits = [values for values in misfits if all(v == v.strip() for v in values)]

    assert [values for values in fits if not holds(values)] == []
    assert [values for values in misfits if holds(values)] == []
    assert holds([]) is (operator == "not" or (operator, operand) in HOLDS_FOR_ABSENT)


def test_every_operator_has_its_rows():
    assert {row[0] for row in OF_JSON} == {row[0] for row in OF_TEXT} == set(BARE_OPERATORS)
    assert set(OPERATORS) == {*BARE_OPERATORS, "fields"}


@pytest.mark.parametrize("operator", BARE_OPERATORS)
def test_several_operators_in_one_mapping_all_hold(operator):
    operand = next(row[1] for row in OF_JSON if row[0] == operator)

    assert not compile_condition({operator: operand, "one_of": ["never"]}).holds(5)


def test_short_words_and_plain_values_stand_for_operators():
    assert compile_condition("present").holds(None)
    assert compile_condition("absent").holds(ABSENT)
    assert not compile_condition("absent").holds("absent")
    assert compile_condition({"equals": "absent"}).holds("absent")
    assert compile_condition([1, {"gt": 1}]).holds([1, 2])
    assert compile_condition(5, text=True).holds("5")
    assert compile_condition("absent", text=True).holds(ABSENT)


def test_a_number_stands_for_its_text_as_written():
    assert a_matcher(query={"price": WrittenFloat(1.1, "1.10")}).holds(a_request("GET /?price=1.10"))
    assert a_matcher(headers={"x-id": WrittenInt(7, "007")}).holds(a_request("GET /", ("x-id", "007")))
    assert not a_matcher(query={"price": WrittenFloat(1.1, "1.10")}).holds(a_request("GET /?price=1.1"))
    assert a_matcher(json={"price": WrittenFloat(1.1, "1.10")}).holds(a_request(json={"price": 1.1}))
    assert a_matcher(json={"id": WrittenInt(7, "007")}).holds(a_request(json={"id": 7.0}))


def test_fields_takes_keys_that_begin_with_a_dollar():
    matcher = a_matcher(json={"$fields": {"$ref": "#/a", "plain": 1}})

    assert matcher.holds(a_request(json={"$ref": "#/a", "plain": 1, "more": 2}))
    assert not matcher.holds(a_request(json={"$ref": "#/b", "plain": 1}))
    assert not matcher.holds(a_request(json=["$ref"]))


def test_fields_and_operators_stand_side_by_side():
    matcher = a_matcher(json={"a": {"$fields": {"b": 1}, "$length": 2}})

    assert matcher.holds(a_request(json={"a": {"b": 1, "c": 2}}))
    assert not matcher.holds(a_request(json={"a": {"b": 1}}))


def test_unordered_finds_an_assignment_where_greed_would_not():
    condition = compile_condition({"unordered": [{"gte": 1}, {"gte": 2}, {"gte": 3}, "present"]})

    assert condition.holds([3, 2, 1, None])
    assert condition.holds([None, 1, 2, 3])
    assert not condition.holds([1, 1, 1, 3])
    assert not condition.holds([1, 2, 3])


def test_unordered_pairs_hundreds_of_items_without_recursion():
    conditions = [{"gte": i} for i in range(400)]

    assert compile_condition({"unordered": conditions}).holds(list(range(399, -1, -1)))
    assert not compile_condition({"unordered": conditions}).holds([0, *range(399)])


FLAWS = [
    ({"query": {"a": {"contain": "x"}}}, "query.a.contain: unknown operator 'contain'. Did you mean 'contains'?"),
    ({"query": {"a": {"$gte": 1}}}, "query.a.$gte: unknown operator '$gte'. Operators have no dollar here: write 'gte'"),
    ({"query": {"a": {}}}, "query.a: an empty condition. Write a value, `present`, `absent`, or operators such as {contains: x}"),
    ({"query": {"a": None}}, "query.a: expected a text, got null. Write absent if it must be missing, or 'null' in quotes for the text"),
    ({"query": {"a": []}}, "query.a: an empty list never matches. Write absent"),
    ({"query": {"a": {"unordered": []}}}, "query.a.unordered: an empty list never matches. Write absent"),
    ({"query": {"a": {"type": "integer"}}}, r"query.a.type: the value is a text here, never an integer. Write {matches: '\d+'}, or {gte: 0} for a number"),
    ({"headers": {"a": {"fields": {}}}}, "headers.a.fields: unknown operator 'fields'. Known here: absent, all_of, any_of, contains, ends_with, equals, gt, gte, ignore_case, length, lt, lte, matches, not, one_of, present, starts_with, type, unordered."),
    ({"headers": {"a": {"gte": "5"}}}, "headers.a.gte: expected a number, got '5'. Write {gte: 100}"),
    ({"json": {"a": {"$gte": "5"}}}, "json.a.$gte: expected a number, got '5'. Write {$gte: 100}"),
    ({"json": {"a": {"$gte": True}}}, "json.a.$gte: expected a number, got true. Write {$gte: 100}"),
    ({"json": {"a": {"$gte": float("nan")}}}, "json.a.$gte: JSON has no nan. Write a number"),
    ({"json": {"a": {"$gtee": 5}}}, "json.a.$gtee: unknown operator '$gtee'. Did you mean '$gte'?"),
    ({"json": {"a": {"$gte": 5, "lt": 9}}}, "json.a.lt: the field 'lt' is beside the operator '$gte'. Did you mean '$lt'?"),
    ({"json": {"a": {"$gte": 5, "b": 9}}}, "json.a.b: the field 'b' is beside the operator '$gte'. Put the fields under $fields, beside the operators"),
    ({"json": {"a": {"$starts_with": 5}}}, "json.a.$starts_with: expected a text, got 5. Put quotes round it: '5'"),
    ({"json": {"a": {"$matches": ["x"]}}}, r"json.a.$matches: expected a text, got ['x']. Write {$matches: '\d+'}"),
    ({"json": {"a": {"$type": "int"}}}, "json.a.$type: 'int' is not a valid type. Did you mean 'integer'?"),
    ({"json": {"a": {"$length": -1}}}, "json.a.$length: -1 is not a valid length. Write a whole number, at least 0"),
    ({"json": {"a": {"$length": "3"}}}, "json.a.$length: expected a length, got '3'. Write 3, or {$gte: 3}"),
    ({"json": {"a": {"$length": {"gte": 3}}}}, "json.a.$length: a length has no fields. Operators carry a dollar here: write {$gte: 3}"),
    ({"json": {"a": {"$present": 1}}}, "json.a.$present: expected true or false, got 1. Write true"),
    ({"json": {"a": {"$one_of": "x"}}}, "json.a.$one_of: expected a list, got 'x'. Write {$one_of: [a, b]}"),
    ({"json": {"a": {"$any_of": []}}}, "json.a.$any_of: expected a list, got []. Write {$any_of: [condition, condition]}"),
    ({"json": {"a": {"$fields": 5}}}, "json.a.$fields: expected a mapping of fields, got 5. Write {name: condition}"),
    ({"json": {"a": {1: 5}}}, "json.a[1]: a field's name is a text, this is 1. Put quotes round it"),
    ({"json": {"a": {"$equals": {1: 5}}}}, "json.a.$equals: a field's name is a text. Put quotes round it"),
    ({"json": {"a": float("inf")}}, "json.a: JSON has no inf. Write a number"),
    ({"json": {"a": {1, 2}}}, "json.a: expected a JSON value, got {1, 2}. Put quotes round it to make it a text"),
    ({"files": {"f": {"filename": "x", "contains": "y"}}}, "files.f.contains: unknown key 'contains' beside the conditions on the file. Move it below one of filename, content_type, text, length, sha256"),
    ({"files": {"f": {"filename": "x", "lenght": 5}}}, "files.f.lenght: unknown key 'lenght'. Did you mean 'length'?"),
    ({"files": {"f": {"content_typ": "x"}}}, "files.f.content_typ: unknown key 'content_typ'. Did you mean 'content_type'?"),
    ({"files": {"f": {}}}, "files.f: an empty condition. Write a value, `present`, `absent`, or operators such as {contains: x}"),
    ({"graphql": None}, "graphql: expected a mapping, got null. Write {operation: CreateCharge}"),
    ({"jsonpath": {"$.a": 5}}, "jsonpath['$.a']: a query gives the list of found values, and a list is never 5. Write [5] for just this one, or {contains: 5}"),
    ({"jsonpath": {"$.a": {"gt": 5}}}, "jsonpath['$.a'].gt: a query gives the list of found values, which 'gt' never fits. Write {contains: {gt: 5}} for one of them, or a list for all"),
    ({"jsonpath": {"$.a": {"type": "string"}}}, "jsonpath['$.a'].type: a query gives the list of found values, never a text. Write {contains: {type: string}}"),
    ({"jsonpath": {"$.a": {"one_of": ["x"]}}}, "jsonpath['$.a'].one_of: a query gives the list of found values. Write {contains: {one_of: [...]}}, or lists"),
]  # fmt: skip


@pytest.mark.parametrize(("match", "said"), FLAWS, ids=lambda value: repr(value)[:40])
def test_a_condition_that_could_never_hold_is_a_flaw(match, said):
    assert flaws_of(**match) == [said]


def test_all_flaws_come_at_once():
    assert (
        len(flaws_of(query={"a": {"x": 1}, "b": None}, json={"c": {"$y": 1, "d": {"$z": 2}}}, text=[])) == 6
    )


def test_conditions_nest_as_deep_as_the_limit_and_no_deeper():
    def nested(depth, tree=1, key="a"):
        for _ in range(depth):
            tree = {key: tree}
        return tree

    assert flaws_of(json=nested(64)) == []
    assert "nested more than 64 deep" in flaws_of(json=nested(65))[0]
    assert flaws_of(json=nested(64, "$present")) == []
    assert "nested more than 64 deep" in flaws_of(json=nested(65, "$present"))[0]
    assert flaws_of(json=nested(64, key="$not")) == []
    assert "nested more than 64 deep" in flaws_of(json=nested(65, key="$not"))[0]
    assert "nested more than 64 deep" in flaws_of(json=nested(100_000))[0]
    assert "nested more than 64 deep" in flaws_of(json={"$equals": nested(100_000)})[0]


def test_the_flaws_of_a_single_condition_stand_below_its_path():
    with pytest.raises(InvalidInputError) as refused:
        compile_condition({"gte": "x"}, ("when", "order.7"))

    assert [flaw.path for flaw in refused.value.flaws] == [("when", "order.7", "gte")]
