"""Filters, tests and methods, one row each."""

import re

import pytest
from support.cost import cheap
from template_scope import a_scope, value

from mockserver.templating.filters import FILTERS
from mockserver.templating.methods import FIELDS, LIST, TEXT, TIME
from mockserver.templating.piping import SPECIAL_FILTERS, SPECIAL_TESTS
from mockserver.templating.templates import TemplateError
from mockserver.templating.tests import TESTS

FILTERED = [
    ("{{ -3 | abs }}", 3),
    ("{{ (-3) | abs }}", 3),
    ("{{ 'a' | b64encode }}", "YQ=="),
    ("{{ request.body | b64encode }}", None),
    ("{{ [1, 2, 3] | batch(2) }}", [[1, 2], [3]]),
    ("{{ [1, 2, 3] | batch(2, 0) }}", [[1, 2], [3, 0]]),
    ("{{ [] | batch(2, 0) }}", []),
    ("{{ 'aBC' | capitalize }}", "Abc"),
    ("{{ [1, 2] | count }}", 2),
    ("{{ state.nope | default(3) }}", 3),
    ("{{ state.nope | d(3) }}", 3),
    ("{{ {'b': 1, 'A': 2} | dictsort }}", [["A", 2], ["b", 1]]),
    ("{{ {'b': 1, 'A': 2, 'C': 3} | dictsort }}", [["A", 2], ["b", 1], ["C", 3]]),
    ("{{ {'b': 1, 'A': 2, 'C': 3} | dictsort(true) }}", [["A", 2], ["C", 3], ["b", 1]]),
    ("{{ {'b': 1, 'A': 2} | dictsort(by='value') }}", [["b", 1], ["A", 2]]),
    ("{{ {'b': 1, 'A': 2} | dictsort(reverse=true) }}", [["b", 1], ["A", 2]]),
    ("{{ '<a b=\"1\">&\\'' | e }}", "&lt;a b=&#34;1&#34;&gt;&amp;&#39;"),
    ("{{ '<' | escape }}", "&lt;"),
    ("{{ [3, 1] | first }}", 3),
    ("{{ 'ab' | first }}", "a"),
    ("{{ {'a': 1, 'b': 2} | first }}", "a"),
    ("{{ '1.5' | float }}", 1.5),
    ("{{ 'x' | float }}", 0.0),
    ("{{ 'x' | float(2.5) }}", 2.5),
    ("{{ 'inf' | float }}", 0.0),
    ("{{ none | float(default=1) }}", 1),
    ("{{ '42' | int }}", 42),
    ("{{ ' 42 ' | int }}", 42),
    ("{{ '42.9' | int }}", 42),
    ("{{ 42.9 | int }}", 42),
    ("{{ true | int }}", 1),
    ("{{ 'x' | int }}", 0),
    ("{{ 'x' | int(7) }}", 7),
    ("{{ 'ff' | int(base=16) }}", 255),
    ("{{ 'x' | int(-1, 16) }}", -1),
    ("{{ 'nan' | int(3) }}", 3),
    ("{{ none | int }}", 0),
    ("{{ ('9' * 1001) | int }}", 0),
    ("{{ {'a': 1} | items }}", [["a", 1]]),
    ("{{ [1, none, 'a', 1.5] | join }}", "1nulla1.5"),
    ("{{ [1, 2] | join(', ') }}", "1, 2"),
    ("{{ request.json['items'] | join('+', attribute='sku') }}", "A1+B2"),
    ("{{ 'ab' | join('-') }}", "a-b"),
    ("{{ [3, 1] | last }}", 1),
    ("{{ {'a': 1, 'b': 2} | last }}", "b"),
    ("{{ 'abc' | length }}", 3),
    ("{{ request.body[0] | default(0) }}", 0),
    ("{{ request.query | length }}", 2),
    ("{{ 'abc' | list }}", ["a", "b", "c"]),
    ("{{ {'a': 1} | list }}", ["a"]),
    ("{{ 'ABC' | lower }}", "abc"),
    ("{{ 5 | lower }}", "5"),
    ("{{ request.json['items'] | map(attribute='sku') }}", ["A1", "B2"]),
    ("{{ request.json['items'] | map(attribute='x', default=0) }}", [0, 0]),
    ("{{ [{'a': {'b': [7]}}] | map(attribute='a.b.0') }}", [7]),
    ("{{ [[1, 2], [3, 4]] | map(attribute=1) }}", [2, 4]),
    ("{{ ['a', 'b'] | map('upper') }}", ["A", "B"]),
    ("{{ ['1', 'x'] | map('int', 9) }}", [1, 9]),
    ("{{ [3, 1, 2] | max }}", 3),
    ("{{ ['b', 'A', 'C'] | max }}", "C"),
    ("{{ ['b', 'A', 'C'] | max(true) }}", "b"),
    ("{{ [3, 1, 2] | min }}", 1),
    ("{{ (request.json['items'] | min(attribute='price')).sku }}", "A1"),
    ("{{ [1, 2, 3] | reject('odd') }}", [2]),
    ("{{ [0, 1, '', 'a'] | reject }}", [0, ""]),
    ("{{ [{'d': 1, 'n': 1}, {'n': 2}] | rejectattr('d') | map(attribute='n') }}", [2]),
    ("{{ [{'d': 1, 'n': 1}, {'n': 2}] | rejectattr('d', 'defined') | map(attribute='n') }}", [2]),
    ("{{ 'aXbX' | replace('X', '-') }}", "a-b-"),
    ("{{ 'aXbX' | replace('X', '-', 1) }}", "a-bX"),
    ("{{ 505 | replace(5, 1) }}", "101"),
    ("{{ [1, 2] | reverse }}", [2, 1]),
    ("{{ 'ab' | reverse }}", "ba"),
    ("{{ 2.567 | round }}", 3.0),
    ("{{ 2.567 | round(2) }}", 2.57),
    ("{{ 2.1 | round(method='ceil') }}", 3.0),
    ("{{ 2.99 | round(1, 'floor') }}", 2.9),
    ("{{ 42.5 | round | int }}", 42),
    ("{{ [1, 2, 3] | select('odd') }}", [1, 3]),
    ("{{ [1, 5, 9] | select('gt', 4) }}", [5, 9]),
    ("{{ [0, 1] | select }}", [1]),
    ("{{ request.json['items'] | selectattr('sku', 'eq', 'B2') | map(attribute='n') }}", [1]),
    ("{{ [{'a': 1}, {'a': 0}, {}] | selectattr('a') }}", [{"a": 1}]),
    ("{{ [{'a': 1}, {}] | selectattr('a', 'ne', 5) }}", [{"a": 1}]),
    ("{{ [{'a': 1}, {}] | selectattr('a', 'undefined') }}", [{}]),
    ("{{ [3, 1, 2] | sort }}", [1, 2, 3]),
    ("{{ [3, 1, 2] | sort(true) }}", [3, 2, 1]),
    ("{{ ['b', 'A', 'c'] | sort }}", ["A", "b", "c"]),
    ("{{ ['b', 'A', 'c'] | sort(case_sensitive=true) }}", ["A", "b", "c"]),
    ("{{ ['B', 'a'] | sort(case_sensitive=true) }}", ["B", "a"]),
    (
        "{{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 1, 'b': 1}] | sort(attribute='a,b') | map(attribute='b') }}",
        [1, 2, 1],
    ),
    ("{{ [] | sort }}", []),
    ("{{ 5 | string }}", "5"),
    ("{{ [1, 2.5] | sum }}", 3.5),
    ("{{ request.json['items'] | sum(attribute='n') }}", 3),
    ("{{ ['a', 'b'] | sum(start='') }}", "ab"),
    ("{{ [[1], [2]] | sum(start=[]) }}", [1, 2]),
    ("{{ 'a bc' | title }}", "A Bc"),
    ("{{ {'b': '<ë>', 'a': [1, none, true]} | tojson }}", '{"b":"<ë>","a":[1,null,true]}'),
    ("{{ {'a': 1} | tojson(2) }}", '{\n  "a": 1\n}'),
    ("{{ [1] | tojson(0) }}", "[\n1\n]"),
    ("{{ [1] | tojson(8) }}", "[\n        1\n]"),
    ("{{ '{\"a\": [1, null]}' | fromjson }}", {"a": [1, None]}),
    ("{{ '1.5' | fromjson }}", 1.5),
    ("{{ 1.5 | round(-15) }}", 0.0),
    ("{{ 1.5 | round(15) }}", 1.5),
    ("{{ ' a ' | trim }}", "a"),
    ("{{ 'xax' | trim('x') }}", "a"),
    ("{{ ['a', 'A', 'b', 'a'] | unique }}", ["a", "b"]),
    ("{{ ['a', 'A'] | unique(true) }}", ["a", "A"]),
    ("{{ request.json['items'] | unique(attribute='sku') | length }}", 2),
    ("{{ 'ß' | upper }}", "SS"),
    ("{{ 'a b/ë' | urlencode }}", "a%20b/%C3%AB"),
    ("{{ {'a': 'b c', 'd': 'é&'} | urlencode }}", "a=b+c&d=%C3%A9%26"),
    ("{{ [['a', 1], ['a', 2]] | urlencode }}", "a=1&a=2"),
]
FAILING = [
    ("{{ 'a' | abs }}", "can't take the absolute value of a text"),
    ("{{ 'a' | round }}", "can't round a text; use the `float` filter"),
    ("{{ 1 | round(99) }}", "round keeps -15 to 15 digits"),
    ("{{ 1 | round(1, 'up') }}", "round goes 'common', 'ceil' or 'floor'"),
    ("{{ 1 | length }}", "a number has no length"),
    ("{{ 1 | first }}", "a number has no first item"),
    ("{{ 1 | join }}", "can't join a number; it takes a list"),
    ("{{ 1 | list }}", "can't make a list of a number"),
    ("{{ [1, 'a'] | sort }}", "can't compare a number and a text"),
    ("{{ [[1], [2]] | sort }}", "can't compare a list and a list"),
    ("{{ [1, none] | max }}", "can't compare a number and null"),
    ("{{ [1, 'a'] | sum }}", "can't add a number and a text"),
    ("{{ [[1]] | unique }}", "unique can't tell a list from another; give it an attribute"),
    ("{{ [1] | dictsort }}", "dictsort takes a mapping, not a list"),
    ("{{ {} | dictsort(by='x') }}", "dictsort goes by 'key' or by 'value'"),
    ("{{ [1] | map(attribute='a' * 201) }}", "an attribute has at most 200 characters"),
    ("{{ 5 | items }}", "items takes a mapping, not a number"),
    ("{{ [1] | batch(0) }}", "batch makes lists of 1 item or more"),
    ("{{ 1 | round(16) }}", "round keeps -15 to 15 digits"),
    ("{{ 1 | round(-16) }}", "round keeps -15 to 15 digits"),
    ("{{ 1 | tojson(-1) }}", "tojson indents by 0 to 8"),
    ("{{ 1 | tojson(9) }}", "tojson indents by 0 to 8"),
    (
        "{{ 'a' | fromjson }}",
        "fromjson can't read the text: it is not valid JSON: Expecting value: line 1 column 1 (char 0)",
    ),
    ("{{ '[NaN]' | fromjson }}", "fromjson can't read the text: NaN is not valid JSON"),
    (
        "{{ ('[' * 201 ~ ']' * 201) | fromjson }}",
        "fromjson can't read the text: it is nested more than 200 deep",
    ),
    ("{{ 'a' is odd }}", "a text is neither odd nor even"),
    ("{{ [5].index(6) }}", "the list has no such item"),
    ("{{ now.strftime('%Q') }}", "%Q is not known in a time's format"),
    ("{{ now.strftime('%') }}", "% is not known in a time's format"),
    ("{{ 5 | map('upper') }}", "can't go through a number"),
]
TESTED = [
    ("none is none", True),
    ("1 is boolean", False),
    ("true is boolean", True),
    ("true is true", True),
    ("1 is true", False),
    ("false is false", True),
    ("1 is integer", True),
    ("true is integer", False),
    ("1.0 is integer", False),
    ("1.0 is float", True),
    ("1 is number", True),
    ("'1' is number", False),
    ("'a' is string", True),
    ("{} is mapping", True),
    ("request.headers is mapping", True),
    ("[] is mapping", False),
    ("[] is sequence", True),
    ("'a' is iterable", True),
    ("5 is iterable", False),
    ("3 is odd", True),
    ("3 is even", False),
    ("6 is divisibleby 3", True),
    ("'a' is lower", True),
    ("'A' is upper", True),
    ("5 is lower", False),
    ("5 is upper", False),
    ("1 is in [1, 2]", True),
    ("3 is not in [1, 2]", True),
    ("1 is eq 1", True),
    ("1 is equalto 2", False),
    ("1 is ne 1", False),
    ("1 is lt 2", True),
    ("1 is lessthan 2", True),
    ("2 is le 2", True),
    ("1 is gt 2", False),
    ("3 is greaterthan 2", True),
    ("2 is ge 3", False),
    ("n is defined", True),
    ("state.nope is undefined", True),
    ("[1] | select('==', 1) | length == 1", True),
    ("[1] | select('!=', 1) | length == 1", False),
    ("[1] | select('<', 1) | length == 1", False),
    ("[1] | select('<=', 1) | length == 1", True),
    ("[1] | select('>', 1) | length == 1", False),
    ("[1] | select('>=', 1) | length == 1", True),
]
CALLED = [
    ("'aB'.upper()", "AB"),
    ("'aB'.lower()", "ab"),
    ("'a b'.title()", "A B"),
    ("'aB'.capitalize()", "Ab"),
    ("' a '.strip()", "a"),
    ("'xax'.strip('x')", "a"),
    ("' a '.lstrip()", "a "),
    ("' a '.rstrip()", " a"),
    ("'Hello there you'.split()", ["Hello", "there", "you"]),
    ("'a,b,c'.split(',', 1)", ["a", "b,c"]),
    ("'a,b,c'.rsplit(',', 1)", ["a,b", "c"]),
    ("'a\\nb'.splitlines()", ["a", "b"]),
    ("'a=b=c'.partition('=')", ["a", "=", "b=c"]),
    ("'a=b=c'.rpartition('=')", ["a=b", "=", "c"]),
    ("'abc'.startswith('ab')", True),
    ("'abc'.endswith('ab')", False),
    ("'Bearer x'.removeprefix('Bearer ')", "x"),
    ("'a.png'.removesuffix('.png')", "a"),
    ("'aXbX'.replace('X', '')", "ab"),
    ("'aXbX'.replace('X', '', 1)", "abX"),
    ("'abc'.find('c')", 2),
    ("'abca'.count('a')", 2),
    ("'a b c'.split(maxsplit=1)", ["a", "b c"]),
    ("', '.join([1, 'a'])", "1, a"),
    ("'1'.isdigit()", True),
    ("'a'.isalpha()", True),
    ("'a1'.isalnum()", True),
    ("'a'.islower()", True),
    ("'a'.isupper()", False),
    ("' '.isspace()", True),
    ("[1, 2, 1].count(1)", 2),
    ("[5, 6].index(6)", 1),
    ("{'a': 1}.get('a')", 1),
    ("{'a': 1}.get('b')", None),
    ("{'a': 1}.get('b', 2)", 2),
    ("{'a': 1}.keys()", ["a"]),
    ("{'a': 1}.values()", [1]),
    ("{'a': 1}.items()", [["a", 1]]),
    ("{'items': 1}.items()", [["items", 1]]),
    ("{'items': 1}.items", 1),
    ("request.query.items()", [["a", "1"], ["b", "x y"]]),
    ("request.query.getlist('a')", ["1", "2"]),
    ("request.headers.get('X-Id')", "7"),
    ("now.timestamp()", 1767323045.678901),
    ("now.isoformat()", "2026-01-02T03:04:05.678901+00:00"),
    ("now.isoformat(' ', 'minutes')", "2026-01-02 03:04+00:00"),
    ("now.strftime('%d.%m.%Y %H:%M %% %F')", "02.01.2026 03:04 % 2026-01-02"),
]


@pytest.mark.parametrize(("source", "expected"), [row for row in FILTERED if row[1] is not None])
def test_a_filter_gives_its_value(source, expected):
    found = value(source)

    assert (found, type(found)) == (expected, type(expected))


def test_bytes_can_be_encoded():
    assert value("{{ request.body | b64encode }}").startswith("eyJhbW91bnQi")


@pytest.mark.parametrize(("source", "reason"), FAILING)
def test_a_filter_test_or_method_says_what_it_can_not_take(source, reason):
    with pytest.raises(TemplateError) as caught:
        value(source)

    assert reason in caught.value.reason


@pytest.mark.parametrize(("source", "expected"), TESTED)
def test_a_test_holds_or_not(source, expected):
    assert value("{{ " + source + " }}") is expected


@pytest.mark.parametrize(("source", "expected"), CALLED)
def test_a_method_gives_its_value(source, expected):
    found = value("{{ " + source + " }}")

    assert (found, type(found)) == (expected, type(expected))


def test_every_filter_test_and_method_has_a_row_here():
    filtered = {word for source, _ in FILTERED for word in re.findall(r"\| (\w+)", source)}
    missing = sorted((FILTERS.keys() | SPECIAL_FILTERS.keys()) - filtered)
    tested = " ".join(source for source, _ in TESTED) + " "
    missing += [
        name
        for name in TESTS.keys() | SPECIAL_TESTS
        if f"is {name} " not in tested and f"'{name}'" not in tested
    ]
    called = " ".join(source for source, _ in CALLED)
    missing += [name for name in {*TEXT, *LIST, *FIELDS, *TIME} if f".{name}(" not in called]

    assert missing == []


def test_times_can_be_compared_and_sorted():
    scope = a_scope()

    assert value("{{ [date(now, '+1d'), now] | sort | first == now }}", scope) is True
    assert value("{{ date(now, '-1s') < now }}", scope) is True


def test_unique_tells_numbers_apart_that_python_hashes_alike():
    modulus = 2**61 - 1
    numbers = [n * modulus + 7 for n in range(20_000)]
    assert len({hash(number) for number in numbers}) == 1

    assert cheap(2, lambda: value("{{ item | unique | length }}", item=numbers)) == len(numbers)


def test_unique_knows_equal_numbers_of_any_size():
    numbers = [2**70, float(2**70), 1, 1.0, 0, "1", 1.5, -(2**70), 1.5]

    assert value("{{ item | unique }}", item=numbers) == [2**70, 1, 0, "1", 1.5, -(2**70)]
