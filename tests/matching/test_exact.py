"""`query_exact` and `form_exact`: these names, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.matching import a_matcher, a_request, flaws_of, texts_of

NAMES = st.sampled_from(["a", "b", "c", ""])
PAIRS = st.lists(st.tuples(NAMES, st.sampled_from(["1", "2"])), max_size=4)


def sent(part, pairs):
    if part == "form":
        return a_request("POST /", form=pairs)
    return a_request("GET /?" + "&".join(f"{name}={value}" for name, value in pairs))


@pytest.mark.parametrize("part", ["query", "form"])
def test_another_name_is_told_beside_what_differs(part):
    said = texts_of(
        {f"{part}_exact": {"a": 1}}, sent(part, [("a", "2"), ("page", "3"), ("b", "x"), ("b", "y")])
    )

    assert said == [
        f"{part}.a: expected '1', got '2'",
        f"{part}.page: not expected, got '3'",
        f"{part}.b: not expected, got ['x', 'y']",
    ]
    assert texts_of({f"{part}_exact": {"a": 1}}, sent(part, [("a", "1")])) == []


@pytest.mark.parametrize("part", ["query", "form"])
def test_an_empty_mapping_asks_for_nothing_at_all(part):
    matcher = a_matcher(**{f"{part}_exact": {}})

    assert matcher.holds(sent(part, []))
    assert not matcher.holds(sent(part, [("a", "1")]))


def test_a_body_that_is_no_form_is_refused_once():
    assert texts_of({"form_exact": {}}, a_request("POST /", json={})) == [
        "body: expected a form, but its content-type is application/json; send it as application/x-www-form-urlencoded"
    ]
    assert flaws_of(form_exact={"a": {"near": 1}})


def test_of_many_other_names_a_few_are_told():
    pairs = [(f"x{i}", "1") for i in range(1_000)]

    assert len(texts_of({"query_exact": {}}, sent("query", pairs))) == 10


@given(
    st.sampled_from(["query", "form"]),
    st.dictionaries(NAMES, st.sampled_from(["1", "present", "absent"])),
    PAIRS,
)
def test_exact_is_the_same_conditions_and_no_other_name(part, conditions, pairs):
    request = sent(part, pairs)
    names = set(request.form if part == "form" else request.query)

    exact = a_matcher(**{f"{part}_exact": conditions}).holds(request)

    assert exact is (a_matcher(**{part: conditions}).holds(request) and names <= set(conditions))
