from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.errors import WrongValueError
from mockserver.model.written import as_text
from mockserver.scenarios.loader import from_text
from mockserver.scenarios.yaml.writer import dump
from mockserver.scenarios.yaml.yaml12 import parse
from mockserver.schema.scenario import ScenarioSpec

# fmt: off
TRICKY = [
    "yes", "no", "on", "y", "N", "12:30", "190:20:30", "1e5", "1e+5", "0x1f", "0o7", "0b1", "1_000", "007",
    "+4912", "2001-01-01", ".inf", ".nan", ".5", "~", "null", "<<", "=", "", "...", "---", "-", "- a", "?",
    "? a", ": ", ":a", "a:", "a: b", "# a", "a #b", "a#b", "|", ">", "&a", "*a", "!a", "@a", "`a", "%a",
    "[a", "a]", "{a", "a}", "a, b", "a?b", "{{ x }}", "{% if %}", "it's", 'say "x"', "\\d+", " a", "a ",
    "\ta", "a\tb", "\n", "a\n", "a\n\n", " a\nb", "\na", "a\n b\n", "a\n \nb", "a\n ", "\ta\nb", "a\n\tb",
    "a\r\nb", "a: b\n# c\n", "\x85", "\u2028", "\ufeff", "\x00", "\xe9\U0001f600", "a" * 300, "a b " * 400,
]
# fmt: on
TRICKY_NUMBERS = [1e20, 1e-7, 1.5e300, -0.0, 2**70, -1]

texts = st.one_of(
    st.text(),
    st.text(alphabet="ab \n\t:#-?{}[],'\"|>&*!%@`~=<0123456789.eEx_+yYnN\\\r\x85\u2028", max_size=12),
    st.sampled_from(TRICKY),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=25,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and true is not 1, nor 1 1.0."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    kinds = [isinstance(one, kind) == isinstance(other, kind) for kind in (bool, int, float, str)]
    return all(kinds) and one == other


@pytest.mark.parametrize("value", [*TRICKY, *TRICKY_NUMBERS])
def test_tricky_values_survive_wherever_they_stand(value: Any):
    for data in (
        value,
        [value],
        [[value, 1]],
        {"a": {"b": value}},
        {"a": [{"b": value, "c": "x" * 90}]},
        {str(value): [1]},
    ):
        assert same(parse(dump(data)), data)
        assert same(yaml.safe_load(dump(data)), data)


@given(values)
@example({"a": "a b " * 400, "a b " * 400: 1})
@example(["a\n", {"b\n\n": "\n  c\n"}])
def test_what_was_dumped_reads_as_it_was(value: Any):
    assert same(parse(dump(value)), value)


@given(values)
def test_a_reader_of_yaml_1_1_sees_the_same(value: Any):
    assert same(yaml.safe_load(dump(value)), value)


@given(st.dictionaries(st.sampled_from(["reply", "routes", "match", "scenario", "x"]), values))
def test_the_order_of_the_language_changes_nothing_else(value: Any):
    assert same(parse(dump(value, ScenarioSpec)), value)


@pytest.mark.parametrize(
    "text",
    ["hello", "GET /users/{id}", "http://app:8000/hooks", "a-b_c", "don't", "x: y".replace(" ", ""), "ünï"],
)
def test_quotes_stand_only_where_they_are_needed(text: str):
    assert dump({"a": text}) == f"a: {text}\n"


@pytest.mark.parametrize(
    "text", ["12:30", "no", "007", "1e5", "y", "null", "2026-01-01", "{{ x }}", "", " a", "a: b"]
)
def test_and_they_stand_wherever_a_reader_would_see_something_else(text: str):
    assert dump([text, "x" * 90]) == f'- "{text}"\n- {"x" * 90}\n'


def test_a_scenario_looks_as_if_a_person_had_written_it():
    data = {
        "routes": [
            {
                "reply": [503, 503, {"json": {"success": True}}],
                "name": "charge",
                "request": "POST /charges/{id}",
                "match": {"query": {"at": "12:30", "id": {"matches": r"\d+"}}},
            },
            {
                "request": "GET /",
                "reply": {
                    "text": "hello\nworld\n",
                    "json": {
                        "items": [{"id": 1, "name": "one " * 10}, {"id": 2, "name": "two " * 10}],
                        "none": [],
                    },
                },
            },
        ],
        "vars": {"callback": "http://app:8000/hooks"},
        "x-mine": 1,
        "scenario": "payments",
    }
    assert dump(data, ScenarioSpec) == (
        "scenario: payments\n"
        "vars: {callback: http://app:8000/hooks}\n"
        "routes:\n"
        "  - name: charge\n"
        "    request: POST /charges/{id}\n"
        r"""    match: {query: {at: "12:30", id: {matches: \d+}}}""" + "\n"
        "    reply: [503, 503, {json: {success: true}}]\n"
        "  - request: GET /\n"
        "    reply:\n"
        "      json:\n"
        "        items:\n"
        f'          - {{id: 1, name: "{"one " * 10}"}}\n'
        f'          - {{id: 2, name: "{"two " * 10}"}}\n'
        "        none: []\n"
        "      text: |\n"
        "        hello\n"
        "        world\n"
        "x-mine: 1\n"
    )


def test_numbers_are_written_as_they_were():
    assert dump(parse("a: [1.10, 007, 0x1F, 1e5]")) == "a: [1.10, 007, 0x1F, 1e5]\n"


def test_a_scenario_survives_being_read_and_written():
    text = "routes:\n  - request: GET /x\n    reply: {headers: {x: 1.10}, delay: 200ms}\n"
    spec = from_text(text, "s").spec
    again = from_text(dump(parse(text), ScenarioSpec), "s").spec
    assert again == spec
    assert as_text(again.routes[0].reply[0].headers["x"]) == "1.10"


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_json_cannot_hold_is_refused(value: float):
    with pytest.raises(WrongValueError):
        dump([value])


def test_space_at_the_end_of_a_line_is_shown():
    assert dump({"a": "x \ny"}) == 'a: "x \\ny"\n'


def test_several_lines_that_begin_with_space_say_how_deep_they_stand():
    assert dump({"a": "  x\n y"}) == "a: |2-\n    x\n   y\n"
