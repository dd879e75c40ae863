"""Paging: by number, offset, cursor and Link header; each item once, whoever walks."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.resources import World

NUMBER = {
    "number": "page",
    "size": "per_page",
    "default": 10,
    "envelope": {"data": "items", "total": "total", "page": "page", "pages": "pages", "has_next": "has_next"},
}
OFFSET = {"offset": "offset", "limit": "limit", "envelope": {**NUMBER["envelope"]}}
CURSOR = {
    "cursor": "after",
    "limit": "limit",
    "envelope": {"data": "items", "more": "has_next", "next": "next_cursor"},
}


def world(page, count=25):
    return World({"seed": {"count": count, "each": {"id": "{{ n }}"}}, "page": page})


def ids(items):
    return [item["id"] for item in items]


def links(answer):
    return {relation: url for url, relation in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["Link"])}


@pytest.mark.parametrize(
    ("query", "first", "count", "page", "has_next"),
    [
        ("", 1, 10, 1, True),
        ("?page=1", 1, 10, 1, True),
        ("?page=2", 11, 10, 2, True),
        ("?page=3", 21, 5, 3, False),
        ("?page=4", None, 0, 4, False),
        ("?page=99999999999999999999999999", None, 0, 10**15, False),
        ("?page=2&page=3", 11, 10, 2, True),
        ("?page=007", None, 0, 7, False),
        ("?per_page=25", 1, 25, 1, False),
        ("?per_page=24&page=2", 25, 1, 2, False),
        ("?other=x", 1, 10, 1, True),
    ],
)
def test_25_items_by_number(query, first, count, page, has_next):
    answer = world(NUMBER).ask("GET", f"/items{query}")
    assert answer.status == 200
    assert ids(answer.json["data"]) == (list(range(first, first + count)) if first else [])
    assert (answer.json["page"], answer.json["has_next"], answer.json["total"]) == (page, has_next, 25)


@pytest.mark.parametrize(("count", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_the_number_of_pages(count, pages):
    answer = world(NUMBER, count).ask("GET", f"/items?page={max(1, pages)}")
    assert (answer.json["pages"], answer.json["has_next"]) == (pages, False)


@pytest.mark.parametrize(
    ("query", "first", "count", "page", "has_next"),
    [
        ("", 1, 10, 1, True),
        ("?offset=10", 11, 10, 2, True),
        ("?offset=15", 16, 10, 2, False),
        ("?offset=14", 15, 10, 2, True),
        ("?offset=20&limit=3", 21, 3, 7, True),
        ("?offset=25", None, 0, 3, False),
        ("?offset=0&limit=1", 1, 1, 1, True),
    ],
)
def test_25_items_by_offset(query, first, count, page, has_next):
    answer = world(OFFSET).ask("GET", f"/items{query}").json
    assert ids(answer["data"]) == (list(range(first, first + count)) if first else [])
    assert (answer["page"], answer["has_next"], answer["pages"]) == (
        page,
        has_next,
        3 if "limit" not in query else answer["pages"],
    )


@pytest.mark.parametrize("size", [8, 9, 1000, 10**30])
def test_a_size_above_max_is_cut_down_to_it(size):
    assert (
        len(world({**NUMBER, "max": 8, "default": 5}).ask("GET", f"/items?per_page={size}").json["data"]) == 8
    )


def test_a_max_below_the_usual_size_is_the_size():
    assert len(world({"number": "page", "max": 3}).ask("GET", "/items").json) == 3


@pytest.mark.parametrize("page", [NUMBER, OFFSET, CURSOR])
@pytest.mark.parametrize("text", ["0", "-1", "abc", "", "1.5", "1e1", "+3", "%20", "٣", "0x1"])
def test_a_bad_size_is_invalid_and_named(page, text):
    name = page.get("size") or page["limit"]
    refused = world(page).ask("GET", f"/items?{name}={text if text.startswith('%') else quote(text)}")
    assert refused.status == 422
    assert refused.json == {"errors": [{"field": name, "message": "must be a whole number, 1 or more"}]}


@pytest.mark.parametrize("text", ["0", "-1", "abc"])
def test_a_bad_page_is_invalid_and_named(text):
    refused = world(NUMBER).ask("GET", f"/items?page={text}")
    assert refused.json == {"errors": [{"field": "page", "message": "must be a whole number, 1 or more"}]}


def test_a_bad_offset_is_invalid_but_0_is_none():
    refused = world(OFFSET).ask("GET", "/items?offset=-1")
    assert refused.json == {"errors": [{"field": "offset", "message": "must be a whole number, 0 or more"}]}


def test_every_bad_parameter_is_named_at_once():
    refused = world(NUMBER).ask("GET", "/items?page=x&per_page=0")
    assert {error["field"] for error in refused.json["errors"]} == {"page", "per_page"}


def test_a_fixed_size_needs_no_parameter():
    fixed = world({"number": "p", "default": 4})
    assert ids(fixed.ask("GET", "/items?p=2&per_page=9&size=9&limit=9").json) == [5, 6, 7, 8]


# Envelopes


def test_an_envelope_without_pages_holds_items_and_total():
    answer = world({"envelope": {"results": "items", "count": "total"}}, 2).ask("GET", "/items")
    assert answer.json == {"results": [{"id": 1}, {"id": 2}], "count": 2}


def test_an_envelope_keeps_the_order_in_which_it_is_written():
    assert list(world(NUMBER).ask("GET", "/items").json) == ["data", "total", "page", "pages", "has_next"]


# Cursors


def test_a_cursor_leads_through_all_pages_and_ends_as_null():
    one = world(CURSOR)
    first = one.ask("GET", "/items").json
    second = one.ask("GET", f"/items?after={first['next']}").json
    third = one.ask("GET", f"/items?after={second['next']}").json
    assert [ids(page["data"]) for page in (first, second, third)] == [
        list(range(1, 11)),
        list(range(11, 21)),
        list(range(21, 26)),
    ]
    assert [page["more"] for page in (first, second, third)] == [True, True, False]
    assert third["next"] is None


def test_the_last_page_by_cursor_may_be_full():
    assert world(CURSOR, 10).ask("GET", "/items").json["more"] is False
    assert world(CURSOR, 0).ask("GET", "/items").json == {"data": [], "more": False, "next": None}


def test_a_cursor_needs_no_quoting_and_does_not_show_the_id():
    cursor = world(CURSOR).ask("GET", "/items").json["next"]
    assert quote(cursor) == cursor
    assert cursor != "10"


def test_an_items_own_id_is_a_cursor_too():
    assert ids(world(CURSOR).ask("GET", "/items?after=3&limit=2").json["data"]) == [4, 5]


def test_a_cursor_outlives_its_item():
    one = world(CURSOR)
    cursor = one.ask("GET", "/items?limit=3").json["next"]
    for gone in (2, 3, 4):
        one.ask("DELETE", f"/items/{gone}")
    assert ids(one.ask("GET", f"/items?limit=2&after={cursor}").json["data"]) == [5, 6]
    assert ids(one.ask("GET", "/items?limit=2&after=3").json["data"]) == [5, 6]


def test_what_is_made_meanwhile_comes_at_the_end_once():
    one = world(CURSOR, 3)
    cursor = one.ask("GET", "/items?limit=2").json["next"]
    one.ask("DELETE", "/items/1")
    one.ask("POST", "/items", {"id": 1})
    assert ids(one.ask("GET", f"/items?after={cursor}").json["data"]) == [3, 1]


@pytest.mark.parametrize("text", ["nonsense", "99", "YWZ0ZXI6", "YWZ0ZXI6LTE", "%FF", "a" * 5000])
def test_what_was_never_given_out_is_no_cursor(text):
    refused = world(CURSOR).ask("GET", f"/items?after={text}")
    assert refused.status == 422
    assert refused.json == {"errors": [{"field": "after", "message": "is not a valid cursor"}]}


def test_an_empty_cursor_is_the_beginning():
    assert ids(world(CURSOR).ask("GET", "/items?after=&limit=1").json["data"]) == [1]


# Link headers


def test_link_alone_pages_by_page_and_per_page():
    answer = world({"link": True}).ask("GET", "/items?per_page=10&page=2", prefix="/@ns")
    assert ids(answer.json) == list(range(11, 21))
    base = "http://api.example/@ns/items?per_page=10&page="
    assert links(answer) == {"first": base + "1", "prev": base + "1", "next": base + "3", "last": base + "3"}


@pytest.mark.parametrize(
    ("query", "relations"),
    [
        ("", "first next last"),
        ("?page=3", "first prev last"),
        ("?page=9", "first prev last"),
        ("?per_page=30", "first last"),
    ],
)
def test_links_are_only_to_pages_that_are_there(query, relations):
    answer = world({"link": True}).ask("GET", f"/items{query}")
    assert list(links(answer)) == relations.split()


def test_the_page_before_one_past_the_end_is_the_last():
    assert links(world({"link": True}).ask("GET", "/items?page=9"))["prev"].endswith("page=3")


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("q=a%20b&page=2&x=%26", "q=a%20b&x=%26&page=3"),
        ("%70age=2&q", "q&page=3"),
        ("page=2&&a=1&page=7", "a=1&page=3"),
        ('page=2&q=">;rel=x<ü', "q=%22%3E;rel=x%3C%C3%BC&page=3"),
    ],
)
def test_links_keep_the_other_parameters(query, kept):
    answer = world({"link": True}).ask("GET", f"/items?{query}")
    assert links(answer)["next"] == f"http://api.example/items?{kept}"
    assert answer.headers["Link"].isascii()


def test_links_by_offset_and_by_cursor():
    by_offset = world({"offset": "skip", "limit": "take", "link": True}).ask("GET", "/items?take=10&skip=12")
    assert [(one, url.partition("skip=")[2]) for one, url in links(by_offset).items()] == [
        ("first", "0"),
        ("prev", "2"),
        ("next", "22"),
        ("last", "20"),
    ]
    by_cursor = world({"cursor": "after", "limit": "limit", "link": True}).ask("GET", "/items?limit=20&x=1")
    assert list(links(by_cursor)) == ["first", "next"]
    assert links(by_cursor)["first"] == "http://api.example/items?limit=20&x=1"


def test_without_link_there_is_no_header():
    assert "Link" not in world(NUMBER).ask("GET", "/items").headers


# Walking


def walk_numbers(one, size):
    page, seen = 1, []
    while True:
        answer = one.ask("GET", f"/items?page={page}&per_page={size}").json
        seen += ids(answer["data"])
        if not answer["has_next"]:
            return seen
        page += 1


def walk_offsets(one, size):
    offset, seen = 0, []
    while True:
        answer = one.ask("GET", f"/items?offset={offset}&limit={size}").json
        seen += ids(answer["data"])
        if not answer["has_next"]:
            return seen
        offset += size


def walk_cursors(one, size):
    cursor, seen = "", []
    while cursor is not None:
        answer = one.ask("GET", f"/items?after={cursor}&limit={size}").json
        assert answer["more"] == (answer["next"] is not None)
        seen += ids(answer["data"])
        cursor = answer["next"]
    return seen


def walk_links(one, size):
    target, seen = f"/items?per_page={size}", []
    while target:
        answer = one.ask("GET", target)
        seen += ids(answer.json)
        target = links(answer).get("next", "").removeprefix("http://api.example")
    return seen


WALKS = [(NUMBER, walk_numbers), (OFFSET, walk_offsets), (CURSOR, walk_cursors), ({"link": True}, walk_links)]


@pytest.mark.parametrize(("page", "walk"), WALKS)
@given(count=st.integers(0, 30), size=st.integers(1, 12))
def test_walking_gives_each_item_once_and_in_order(page, walk, count, size):
    assert walk(world(page, count), size) == list(range(1, count + 1))


@given(count=st.integers(0, 30), size=st.integers(1, 12), page=st.integers(1, 40))
def test_every_link_leads_to_a_page_that_says_the_same_of_first_and_last(count, size, page):
    one = world({"link": True}, count)
    answer = one.ask("GET", f"/items?per_page={size}&page={page}")
    found = links(answer)
    for url in found.values():
        there = links(one.ask("GET", url.removeprefix("http://api.example")))
        assert (there["first"], there["last"]) == (found["first"], found["last"])


@given(
    count=st.integers(1, 20),
    size=st.integers(1, 5),
    deleted=st.lists(st.integers(1, 20), max_size=10),
    every=st.integers(1, 3),
)
def test_a_walk_by_cursor_meets_all_that_stays_whatever_is_deleted_meanwhile(count, size, deleted, every):
    one = world(CURSOR, count)
    cursor, seen, step = "", [], 0
    waiting = [number for number in deleted if number <= count]
    while cursor is not None:
        answer = one.ask("GET", f"/items?after={cursor}&limit={size}").json
        seen += ids(answer["data"])
        cursor = answer["next"]
        step += 1
        if waiting and step % every == 0:
            one.ask("DELETE", f"/items/{waiting.pop()}")
    assert len(seen) == len(set(seen))
    assert set(ids(one.collection.items)) <= set(seen)
