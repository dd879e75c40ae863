"""Headers, query, cookies and forms as clients send them: repeated, in any case, encoded."""

import pytest
from support.matching import a_matcher, a_request, texts_of

from mockserver.errors import InvalidInputError
from mockserver.matching.matcher import compile_match
from mockserver.schema.match import MatchSpec


def test_header_names_ignore_case_and_values_dont():
    matcher = a_matcher(headers={"X-Mode": "Fast"})

    assert matcher.holds(a_request("GET /", ("x-mODE", "Fast")))
    assert not matcher.holds(a_request("GET /", ("X-Mode", "fast")))


def test_header_lines_are_values_and_commas_are_not_split():
    request = a_request("GET /", ("Accept", "text/html, application/json"), ("Accept", "image/png"))

    assert a_matcher(headers={"accept": "image/png"}).holds(request)
    assert not a_matcher(headers={"accept": "application/json"}).holds(request)
    assert a_matcher(headers={"accept": {"contains": "application/json"}}).holds(request)
    assert a_matcher(headers={"accept": ["text/html, application/json", "image/png"]}).holds(request)


def test_not_and_absent_hold_if_no_value_does_otherwise():
    request = a_request("GET /?tag=a&tag=b")

    assert a_matcher(query={"tag": {"not": "c"}}).holds(request)
    assert not a_matcher(query={"tag": {"not": "b"}}).holds(request)
    assert not a_matcher(query={"tag": "absent"}).holds(request)
    assert a_matcher(query={"other": "absent", "more": {"not": "x"}}).holds(request)


def test_a_list_asks_for_just_these_values_in_this_order():
    matcher = a_matcher(query={"tag": ["a", {"starts_with": "b"}]})

    assert matcher.holds(a_request("GET /?tag=a&x=1&tag=bc"))
    assert not matcher.holds(a_request("GET /?tag=bc&tag=a"))
    assert not matcher.holds(a_request("GET /?tag=a&tag=b&tag=c"))
    assert not matcher.holds(a_request("GET /"))


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("/?q=a%20b", "a b"),
        ("/?q=a+b", "a b"),
        ("/?q=%C3%A4", "ä"),
        ("/?q=a%2526", "a%26"),
        ("/?q=", ""),
        ("/?q", ""),
        ("/?q=a=b", "a=b"),
        ("/?x=1&&q=1", "1"),
        ("/?q=%ff", "\ufffd"),
        ("/?%71=1", "1"),
        ("/?q=a;b", "a;b"),
    ],
)
def test_query_parameters_are_decoded_once(target, value):
    assert a_matcher(query={"q": {"equals": value}}).holds(a_request("GET " + target))


def test_names_are_exact_in_query_cookies_and_forms():
    assert not a_matcher(query={"Page": "present"}).holds(a_request("GET /?page=1"))
    assert not a_matcher(cookies={"SID": "present"}).holds(a_request("GET /", ("Cookie", "sid=1")))
    assert not a_matcher(form={"Amount": "present"}).holds(a_request(form={"amount": "1"}))


def test_cookies_come_in_one_line_or_several():
    one = a_request("GET /", ("Cookie", 'sid=7; theme="dark"; flag'))
    two = a_request("GET /", ("Cookie", "sid=7"), ("cookie", "theme=dark"))

    for request in (one, two):
        assert a_matcher(cookies={"sid": 7, "theme": "dark", "flag": "absent"}).holds(request)


def test_bracketed_names_of_a_form_are_names_as_sent():
    request = a_request(form={"card[number]": "4242", "items[0][price]": "500", "metadata[order]": "7"})
    matcher = a_matcher(
        form={"card[number]": 4242, "items[0][price]": {"gte": 100}, "metadata[order]": "present"}
    )

    assert matcher.holds(request)


def test_a_repeated_field_holds_for_any_of_its_values():
    request = a_request(form=[("expand[]", "customer"), ("expand[]", "charges")])

    assert a_matcher(form={"expand[]": "charges"}).holds(request)
    assert a_matcher(form={"expand[]": {"unordered": ["charges", "customer"]}}).holds(request)


def test_a_form_needs_its_content_type():
    matcher = a_matcher(form={"a": {"not": "x"}, "b": "absent"})

    assert matcher.holds(a_request(form={"a": "1"}))
    assert not matcher.holds(a_request(body=b"a=1"))
    assert not matcher.holds(a_request("POST /", ("content-type", "text/plain"), body=b"a=1"))
    assert matcher.holds(
        a_request("POST /", ("content-type", "Application/X-WWW-Form-Urlencoded; charset=utf-8"), body=b"a=1")
    )


SAID = [
    ({"headers": {"authorization": {"starts_with": "Bearer "}}}, "headers.authorization: expected to start with 'Bearer ', got 'bearer t0ken'; only the case differs"),
    ({"headers": {"x-api-key": "present"}}, "headers.x-api-key is missing; 'api-key' came instead"),
    ({"headers": {"x-debug": 1}}, "headers.x-debug is missing: expected '1'"),
    ({"headers": {"accept": "application/json"}}, "headers.accept: expected 'application/json', got 'application/json; q=0.9'; '; q=0.9' came after it"),
    ({"query": {"page": 2}}, "query.page: expected '2', got '1'"),
    ({"query": {"Page": 1}}, "query.Page is missing: expected '1'; 'page' came instead"),
    ({"query": {"tag": ["a"]}}, "query.tag: expected 1 value, got 2: ['a', 'b']"),
    ({"query": {"tag": ["b", "a"]}}, "query.tag: expected ['b', 'a'], got ['a', 'b']; the same items in another order"),
    ({"query": {"tag": ["a", "c"]}}, "query.tag[1]: expected 'c', got 'b'"),
    ({"query": {"tag": "c"}}, "query.tag: expected 'c', got ['a', 'b']"),
    ({"query": {"tag": {"unordered": ["a", "c"]}}}, "query.tag: expected ['a', 'c'] in any order, got ['a', 'b']; no item is 'c'; 'b' is one too many"),
    ({"query": {"q": "a b"}}, "query.q: expected 'a b', got 'a%20b'; it came percent-encoded once more than needed"),
    ({"query": {"page": {"gt": 5}}}, "query.page: expected more than 5, got '1'"),
    ({"query": {"q": {"gt": 5}}}, "query.q: expected more than 5, got 'a%20b'; it is not a number"),
    ({"query": {"tag": "absent"}}, "query.tag: expected to be absent, got ['a', 'b']"),
    ({"cookies": {"sid": 8}}, "cookies.sid: expected '8', got '7'"),
    ({"form": {"a": 1}}, "body: expected a form, but the body is empty; send it as application/x-www-form-urlencoded"),
]  # fmt: skip


@pytest.mark.parametrize(("match", "said"), SAID, ids=lambda value: repr(value)[:40])
def test_a_difference_says_what_was_wanted_and_what_came(match, said):
    request = a_request(
        "GET /?page=1&tag=a&tag=b&q=a%2520b",
        ("Authorization", "bearer t0ken"),
        ("Api-Key", "k"),
        ("Accept", "application/json; q=0.9"),
        ("Cookie", "sid=7"),
    )

    assert texts_of(match, request) == [said]


def test_every_difference_is_named_in_the_order_of_the_language():
    said = texts_of({"json": {"b": 1, "a": 2}, "query": {"q": 1}, "headers": {"x": 1}}, a_request(json={}))

    assert [text.split(" ")[0] for text in said] == ["headers.x", "query.q", "json.b", "json.a"]


def test_an_empty_match_holds_for_every_request():
    matcher = compile_match(MatchSpec(), lambda name, path: b"")

    assert matcher.holds(a_request())
    assert matcher.differences(a_request()) == []


def test_every_flaw_of_every_part_is_told_at_once():
    with pytest.raises(InvalidInputError) as refused:
        a_matcher(headers={"a": None}, query={"b": {"x": 1}}, jsonpath={"$[": "present"}, xml={"//": "present"}, schema="gone.json")  # fmt: skip

    assert [flaw.path for flaw in refused.value.flaws] == [
        ("headers", "a"), ("query", "b", "x"), ("jsonpath", "$["), ("schema",), ("xml", "//"),
    ]  # fmt: skip
