import pytest

from mockserver.scenarios.loader import from_text
from mockserver.scenarios.warnings import warnings_of


def doubts(text: str, kind: str = "yaml") -> list[str]:
    source = from_text(text, "s", kind)
    return [source.locate(flaw) for flaw in warnings_of(source)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("+4912345678", "looks like a phone number, and is read as 4912345678."),
        ("007", "has leading zeros, and is read as 7."),
        ("-01", "has leading zeros, and is read as -1."),
        ("4000000000000002", "is read as a number, not as a text."),
        ("123456789012", "is read as a number, not as a text."),
        ("99999999999999999999999", "is read as a number, with more digits than most clients keep."),
        ("12e5", "looks like an id, and is read as the number 1200000."),
    ],
)
def test_a_number_that_looks_like_a_text_is_doubted_with_place_and_remedy(written: str, said: str):
    assert doubts(f"vars:\n  a: [x, {written}]\n") == [
        f's:2:10: vars.a[1]: {written} {said} Put quotes round it if it is a text: "{written}".'
    ]


@pytest.mark.parametrize(
    "written",
    [
        "7",
        "0",
        "-5",
        "+5",
        "1.10",
        "1.5e3",
        "0x1F",
        "1735689600",
        "1735689600000",
        "1735689600000000",
        "12345678901",
        '"007"',
        "'+4912345678'",
        "12:30",
        "1e",
        "007a",
    ],
)
def test_a_number_that_looks_like_one_is_not(written: str):
    assert doubts(f"vars: {{a: {written}}}") == []


def test_where_a_number_stands_for_its_text_nothing_is_lost():
    text = """
routes:
  - request: GET /x
    match: {headers: {a: 007}, query: {b: {equals: 007}}, cookies: {c: 007}, form: {d: 007}}
    reply: {headers: {a: [007]}, text: 007}
"""
    assert doubts(text) == []


def test_json_converts_nothing_whatever_its_fields_are_called():
    text = (
        "routes:\n- request: GET /x\n  match: {json: {headers: {form: 007}}}\n  reply: {json: {text: 008}}\n"
    )
    assert [line.split(": ")[1] for line in doubts(text)] == [
        "routes[0].match.json.headers.form",
        "routes[0].reply.json.text",
    ]


def test_behind_an_anchor_it_is_said_once_where_it_is_written():
    assert len(doubts("x-a: &a {n: 007}\nvars: {b: *a, c: *a}")) == 1


def test_json_files_and_empty_ones_say_nothing():
    assert doubts('{"vars": {"a": 4000000000000002}}', "json") == []
