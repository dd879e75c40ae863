"""Whether two requests ask the same: method, path, query, body by value, and the headers that say what is asked."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import Calls
from support.recordings import JSON

from mockserver.attempts import Grouping, Ignored, operations
from mockserver.model.plan import Outcome


def alike(first, second, *, ignore=()):
    """Whether the second request is the next attempt of the first, which failed."""
    call = Calls()
    call(0, status=503, **first)
    call(1, **second)
    return len(operations(call.made, Grouping(ignored=Ignored(ignore)))) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"line": "PUT /v1/charges"}, {"line": "POST /v1/charge"}, {"json": {"amount": 6}}, {"json": {"amount": "5"}},
        {"json": {}}, {"json": ...}, {"line": "POST /v1/charges?page=2"}, {"headers": {"stripe-account": "a"}},
        {"headers": {"x-amz-target": "a"}}, {"headers": {"soapaction": "a"}}, {"headers": {"content-range": "bytes 0-1/9"}},
        {"headers": {"x-http-method-override": "PUT"}}, {"headers": {"range": "bytes=0-1"}},
    ],
)  # fmt: skip
def test_what_asks_something_else_is_no_retry(other):
    assert not alike({"json": {"amount": 5}}, {"json": {"amount": 5}, **other})


@pytest.mark.parametrize(
    "name", ["x-attempt", "user-agent", "traceparent", "x-request-id", "date", "accept", "cookie", "if-match"]
)
def test_no_other_header_parts(name):
    assert alike({"headers": {name: "1"}}, {"headers": {name: "2"}})


def test_another_route_on_the_same_address_does_not_part():
    assert alike({"json": {"amount": 5}}, {"json": {"amount": 5}, "route": "pay/other"})


def raw(body, kind="application/json", **headers):
    return {"body": body, "headers": {"Content-Type": kind, **headers}}


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (raw(b'{"a":1,"b":[2]}'), raw(b' {"b": [2.0], "a": 1.0}'), True),
        (raw(b'{"a":1}'), raw(b'{"a":true}'), False),
        (raw(b'{"a":[1,2]}'), raw(b'{"a":[2,1]}'), False),
        (raw(b'{"a":{}}'), raw(b'{"a":[]}'), False),
        (raw(b'{"a":null}'), raw(b"{}"), False),
        (raw(b'{"a.b":1}'), raw(b'{"a":{"b":1}}'), False),
        (raw(b'{"a[0]":1}'), raw(b'{"a":[1]}'), False),
        (raw(b'{"a":1}', "text/plain"), raw(b'{"a": 1}', "application/vnd.api+json"), True),
        (raw(b"a=1&b=2", FORM), raw(b"b=2&a=1", FORM), True),
        (raw(b"a=1&a=2", FORM), raw(b"a=2&a=1", FORM), False),
        (raw(b"a=%31", FORM), raw(b"a=1", FORM), True),
        (raw(b"a=1", FORM), raw(b"a=1&b=", FORM), False),
        (raw(b"<a>1</a>", "application/xml"), raw(b"<a>2</a>", "application/xml"), False),
        (raw(b"<a>1</a>", "application/xml"), raw(b"<a>1</a>", "application/xml"), True),
        (raw(b"\xff\x00", "application/json"), raw(b"\xff\x01", "application/json"), False),
        (raw(b'{"a":1}'), raw(gzip.compress(b'{"a":1}'), **{"Content-Encoding": "gzip"}), True),
        (raw(b'{"a":1}'), raw(zlib.compress(b'{"a": 1}'), **{"Content-Encoding": "deflate"}), True),
        (raw(b'{"a":1}'), raw(gzip.compress(b'{"a":2}'), **{"Content-Encoding": "gzip"}), False),
        (raw(b'{"a":1}'), raw(b"no gzip", **{"Content-Encoding": "gzip"}), False),
    ],
)
def test_bodies_are_compared_by_value(first, second, expected):
    assert alike(first, second) == expected


def multipart(boundary, *parts, kind="form-data"):
    body = b"".join(
        b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts
    )
    return raw(body + b"--" + boundary + b"--\r\n", f"multipart/{kind}; boundary={boundary.decode()}")


FILE = b'Content-Disposition: form-data; name="f"; filename="%s"'
TEXT = b'Content-Disposition: form-data; name="t"'


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([(TEXT, b"1"), (FILE % b"a", b"x")], [(TEXT, b"1"), (FILE % b"a", b"x")], True),
        ([(TEXT, b"1")], [(TEXT, b"2")], False),
        ([(FILE % b"a", b"x")], [(FILE % b"a", b"y")], False),
        ([(FILE % b"a", b"x")], [(FILE % b"b", b"x")], False),
        ([(FILE % b"a", b"x"), (FILE % b"b", b"z")], [(FILE % b"a", b"y"), (FILE % b"b", b"z")], False),
        ([(TEXT, b"\xff\x00")], [(TEXT, b"\xfe\x00")], False),
        ([(b"Content-Type: text/plain", b"1")], [(b"Content-Type: text/plain", b"1")], True),
    ],
)
def test_multipart_is_compared_by_parts_under_any_boundary(first, second, expected):
    assert alike(multipart(b"one", *first), multipart(b"two", *second)) == expected


def test_a_body_that_was_cut_in_the_record_is_told_by_its_sum():
    cut = {"body": b"x" * 10}
    assert alike({**cut, "body_sha256": "a" * 64}, {**cut, "body_sha256": "a" * 64})
    assert not alike({**cut, "body_sha256": "a" * 64}, {**cut, "body_sha256": "b" * 64})


def test_a_large_body_is_compared_as_a_whole():
    many = {f"n{i}": i for i in range(3000)}
    assert alike(
        {"json": many},
        {"body": json.dumps(many, indent=1).encode(), "headers": {"Content-Type": "application/json"}},
    )
    assert not alike({"json": many}, {"json": {**many, "n7": 8}})


@given(first=JSON, second=JSON)
def test_json_that_is_equal_by_value_is_alike(first, second):
    assert alike(
        {"json": first},
        {"body": json.dumps(first, indent=2).encode(), "headers": {"Content-Type": "application/json"}},
    )
    if json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True):
        assert alike({"json": first}, {"json": second})


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b", "a[0]", ""]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(first=PLAIN, second=PLAIN)
def test_json_that_differs_in_a_value_is_not_alike(first, second):
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    assert alike({"json": first}, {"json": second}) == same


# Ranges


@pytest.mark.parametrize(
    ("sent", "second", "expected"),
    [
        (4, "bytes=4-", True), (4, "bytes=3-", True), (4, "bytes=5-", False), (4, "bytes=0-", True), (4, None, True),
        (4, "bytes=4-9", False), (4, "items=4-", False),
    ],
)  # fmt: skip
def test_a_range_that_begins_where_a_cut_answer_ended_is_the_same_request(call, sent, second, expected):
    call(0, status=200, line="GET /f", outcome=Outcome.TRUNCATE, first_byte_at_s=0.0, reply_length=sent)
    call(1, line="GET /f", headers={} if second is None else {"Range": second})

    assert (len(operations(call.made)) == 1) == expected


def test_a_range_is_resumed_within_its_end(call):
    call(
        0,
        status=206,
        line="GET /f",
        headers={"Range": "bytes=10-19"},
        outcome=Outcome.RESET,
        first_byte_at_s=0.0,
        reply_length=3,
    )
    call(
        1,
        status=206,
        line="GET /f",
        headers={"Range": "bytes=13-19"},
        outcome=Outcome.RESET,
        first_byte_at_s=1.0,
        reply_length=2,
    )
    call(2, status=206, line="GET /f", headers={"Range": "bytes=15-19"})
    call(3, status=206, line="GET /f", headers={"Range": "bytes=20-29"})

    assert [operation.size for operation in operations(call.made)] == [3, 1]


# ignore


@pytest.mark.parametrize(
    ("ignore", "first", "second", "expected"),
    [
        (["json.line"], {"json": {"a": 1, "line": 1}}, {"json": {"a": 1, "line": 2}}, True),
        (["json.line"], {"json": {"a": 1, "line": 1}}, {"json": {"a": 1}}, True),
        (["json.line"], {"json": {"a": 1, "line": 1}}, {"json": {"a": 2, "line": 2}}, False),
        (["json.lin"], {"json": {"line": 1}}, {"json": {"line": 2}}, False),
        (["json.meta"], {"json": {"meta": {"n": 1}}}, {"json": {"meta": {"n": 2}}}, True),
        (["json.items[*].id"], {"json": {"items": [{"id": 1}, {"id": 2}]}}, {"json": {"items": [{"id": 3}, {"id": 4}]}}, True),
        (["json.items[0].id"], {"json": {"items": [{"id": 1}, {"id": 2}]}}, {"json": {"items": [{"id": 3}, {"id": 4}]}}, False),
        (["query.rand"], {"line": "GET /a?rand=1"}, {"line": "GET /a?rand=2"}, True),
        (["form.n"], {"form": {"n": 1}}, {"form": {"n": 2}}, True),
        (["headers.SOAPAction"], {"headers": {"soapaction": "a"}}, {"headers": {"soapaction": "b"}}, True),
        (["body"], {"json": {"a": 1}}, {"body": b"<b/>"}, True),
        (["body"], {"line": "GET /a?x=1"}, {"line": "GET /a?x=2"}, False),
    ],
)  # fmt: skip
def test_ignore_leaves_fields_out(ignore, first, second, expected):
    assert alike(first, second, ignore=ignore) == expected


def test_what_is_ignored_is_certain_and_listed(call):
    call(0, status=503, json={"line": 1})
    call(1, json={"line": 2})

    (operation,) = operations(call.made, Grouping(ignored=Ignored(["json.line"])))
    assert operation.certain
    assert operation.left_out == ("json.line",)


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        (b'{"n": 1.10}', b'{"n": 1.1}', True),
        (b'{"n": 1e3}', b'{"n": 1000}', True),
        (b'{"n": 10.0}', b'{"n": 10}', True),
        (b'{"n": 12345678901234567890.1}', b'{"n": 12345678901234567890.2}', False),
        (b'{"n": 0.10000000000000000001}', b'{"n": 0.1}', False),
        (b'{"n": 12345678901234567890.10}', b'{"n": 12345678901234567890.1}', True),
    ],
)
def test_numbers_are_compared_by_value_with_all_of_their_digits(first, second, alike):
    calls = Calls()
    calls(0, status=503, body=first, headers={"Content-Type": "application/json"})
    calls(1, body=second, headers={"Content-Type": "application/json"})

    assert (len(operations(calls.made)) == 1) is alike
