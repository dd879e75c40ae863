"""What Python arguments become in the language."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePosixPath
from unittest.mock import ANY
from uuid import UUID

import pytest

from mockserver.client.plain import plain
from mockserver.client.writing import (
    attempts_document,
    check_document,
    request_line,
    route_document,
    steps_of,
)


class Colour(Enum):
    RED = "red"


def steps(*given, **last):
    return steps_of(given, last)[0]


# Replies


@pytest.mark.parametrize(
    ("given", "last", "expected"),
    [
        ((), {}, [{}]),
        ((503,), {}, [503]),
        ((503, 503), {"json": {"a": 1}}, [503, 503, {"json": {"a": 1}}]),
        ((), {"status": 503, "json": 1}, [{"status": 503, "json": 1}]),
        ((503, {"json": 1}), {}, [503, {"json": 1}]),
        (([503, 503, {"json": 1}],), {}, [503, 503, {"json": 1}]),
        (([503, 503],), {"text": "up"}, [503, 503, {"text": "up"}]),
        ((503,), {"status": 201, "json": 1}, [503, {"status": 201, "json": 1}]),
        (({"fault": "reset"},), {"json": 1}, [{"fault": "reset"}, {"json": 1}]),
        ((), {"status": 503, "for_": "30s"}, [{"status": 503, "for": "30s"}]),
        (({"status": 503, "for": "30s"},), {}, [{"status": 503, "for": "30s"}]),
        ((), {"delay": timedelta(milliseconds=250)}, [{"delay": "250ms"}]),
        ((), {"base64": b"\x00\xff"}, [{"base64": "AP8="}]),
    ],
)
def test_steps_are_as_in_yaml_and_keywords_make_one_more(given, last, expected):
    assert steps(*given, **last) == expected


def test_one_number_with_a_body_is_refused_with_both_spellings():
    with pytest.raises(TypeError) as caught:
        steps(503, json={"ok": True})
    assert "reply(status=503, json={'ok': True})" in str(caught.value)
    assert "reply(503, {\"json\": {'ok': True}})" in str(caught.value)


@pytest.mark.parametrize("last", [{"headers": {"retry-after": "1"}}, {"delay": "1s"}, {"fault": "reset"}])
def test_one_number_with_any_other_keyword_is_as_unclear(last):
    with pytest.raises(TypeError, match="one reply or two"):
        steps(429, **last)


@pytest.mark.parametrize("given", ["503", True, None, 5.5, object()])
def test_what_is_no_reply_is_refused(given):
    with pytest.raises(TypeError, match="is not a reply"):
        steps(given)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("stauts", "Did you mean 'status'?"),
        ("status_code", "Did you mean 'status'?"),
        ("content", "text=, json= or base64="),
        ("body", "text=, json= or base64="),
    ],
)
def test_an_unknown_keyword_of_a_reply_names_the_near_one(word, hint):
    with pytest.raises(TypeError, match=re.escape(f"reply() has no keyword '{word}'")) as caught:
        steps(**{word: 1})
    assert hint in str(caught.value)


def test_functions_keep_their_places():
    def answer(request):
        return 200

    sequence, functions = steps_of((503, answer, [404, answer]), {"json": 1})
    assert functions == {1: answer, 3: answer}
    assert sequence[0] == 503
    assert sequence[4] == {"json": 1}


def test_a_file_is_sent_with_its_bytes_and_its_type(tmp_path):
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    assert steps(file=tmp_path / "logo.png", headers={"X-A": "b"}) == [
        {"base64": "iVBORw==", "headers": {"content-type": "image/png", "x-a": "b"}}
    ]


# Routes


def test_conditions_stand_beside_the_other_keys_of_a_route():
    document = route_document(
        "POST /charges", {"json": {"amount": 5}, "headers": {"x": "present"}, "name": "charge", "if_": "true"}
    )
    assert document == {
        "request": "POST /charges",
        "match": {"json": {"amount": 5}, "headers": {"x": "present"}},
        "name": "charge",
        "if": "true",
    }


def test_match_as_a_whole_may_stand_beside_single_conditions():
    document = route_document("GET /", {"match": {"query": {"a": 1}}, "headers": {"x": "y"}})
    assert document["match"] == {"query": {"a": 1}, "headers": {"x": "y"}}


def test_an_unknown_keyword_of_a_route_names_the_near_one():
    with pytest.raises(TypeError, match=r"a route \(GET /x\) has no keyword 'jsn'\. Did you mean 'json'\?"):
        route_document("GET /x", {"jsn": 1})
    with pytest.raises(TypeError, match=re.escape("Use query=.")):
        route_document("GET /x", {"params": {}})


def test_a_schema_may_be_a_file(tmp_path):
    (tmp_path / "charge.json").write_text(json.dumps({"type": "object"}))
    assert route_document("POST /", {"schema": tmp_path / "charge.json"})["match"]["schema"] == {
        "type": "object"
    }


def test_patterns_and_any_become_operators_with_a_dollar_only_in_json():
    document = route_document(
        "POST /",
        {
            "json": {"id": ANY, "name": re.compile("a+", re.IGNORECASE)},
            "query": {"page": re.compile(r"\d+"), "q": ANY},
        },
    )
    assert document["match"] == {
        "json": {"id": "$present", "name": {"$matches": "(?i)a+"}},
        "query": {"page": {"matches": r"\d+"}, "q": "present"},
    }


# Values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PurePosixPath("a/b"), "a/b"),
        (Path("a") / "b", "a/b"),
        (timedelta(days=3), "3d"),
        (timedelta(seconds=1.5), "1500ms"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal(5), 5),
        (Decimal("5.5"), 5.5),
        (Colour.RED, "red"),
        ((1, (2, None)), [1, [2, None]]),
        ({1: True}, {"1": True}),
    ],
)
def test_python_values_have_their_json(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize("value", [b"x", {1, 2}, object(), re.compile(b"x")])
def test_what_has_no_json_is_a_type_error(value):
    with pytest.raises(TypeError):
        plain({"a": [value]})


def test_bytes_say_where_they_go():
    with pytest.raises(TypeError, match="base64="):
        plain(b"x")


# Checks


@pytest.mark.parametrize(
    ("subject", "words", "expected"),
    [
        (None, {"route": "a", "times": 2}, {"route": "a", "times": 2}),
        ("create-charge", {}, {"route": "create-charge"}),
        ("shop/GET /x", {}, {"route": "shop/GET /x"}),
        (
            "POST /x",
            {"json": {"a": 1}, "times": 0},
            {"request": "POST /x", "match": {"json": {"a": 1}}, "times": 0},
        ),
        ({"unmatched": 0}, {}, {"unmatched": 0}),
        ({"route": "a"}, {"within": timedelta(seconds=5)}, {"route": "a", "within": "5s"}),
        (
            None,
            {"in_order": ["a", "POST /x", {"route": "b", "times": 2}]},
            {"in_order": [{"route": "a"}, {"request": "POST /x"}, {"route": "b", "times": 2}]},
        ),
    ],
)
def test_checks(subject, words, expected):
    assert check_document(subject, words) == expected


def test_rules_of_attempts_stand_apart_from_when_to_ask():
    assert attempts_document({"gaps": {"gte": "400ms"}, "within": "2s"}) == {
        "within": "2s",
        "attempts": {"gaps": {"gte": "400ms"}},
    }
    assert attempts_document({}) == {}
    with pytest.raises(TypeError, match="Did you mean 'growing'"):
        attempts_document({"growin": True})


def test_a_compiled_pattern_as_a_path_says_how_to_write_it():
    with pytest.raises(TypeError, match=r"this is a compiled pattern: '/users/.*'/users/\{id:\\d\+\}'"):
        request_line("GET", re.compile(r"/users/\d+"))
    assert request_line("GET", "/users") == "GET /users"
