"""Which routes a miss names, in which order, how it reads, and the route that it suggests."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.matching import a_matcher, a_request, multipart

from mockserver.matching.matcher import Matcher, compile_match
from mockserver.matching.mismatch import nearest as module
from mockserver.matching.mismatch.nearest import as_text, nearest, report, suggest
from mockserver.matching.mismatch.unmatched import path_difference, segments_of
from mockserver.matching.paths import PathPattern
from mockserver.model.http import ABSENT, Request
from mockserver.schema.base import parse_request_line
from mockserver.schema.scenario import RouteSpec


@dataclass
class Shape:
    id: str
    methods: frozenset[str] | None
    pattern: PathPattern
    matcher: Matcher | None = None
    host: str | None = None


def a_shape(line: str, *, host: str | None = None, id: str | None = None, **match: Any) -> Shape:  # noqa: A002
    parsed = parse_request_line(line)
    matcher = a_matcher(**match) if match else None
    return Shape(id or line, parsed.methods, PathPattern(parsed.path), matcher, host)


def ids(ranked):
    return [shape.id for shape, _ in ranked]


def test_a_report_tells_host_method_path_and_match_in_that_order():
    shape = a_shape("POST /a", host="x.example", headers={"h": 1}, json={"b": 2})

    assert [one.where for one in report(a_request("GET /b"), shape)] == [
        "host",
        "method",
        "path",
        "headers.h",
        "body",
    ]


def test_a_report_of_a_request_that_fits_is_empty():
    fitting = a_request("HEAD /a/7", ("Host", "X.example:8080"))

    for shape in (
        a_shape("GET /a/{id}", host="x.example"),
        a_shape("ANY /a/{id}"),
        a_shape("HEAD,PUT /a/{id}"),
    ):
        assert report(fitting, shape) == []


def test_a_host_with_a_port_asks_for_that_port():
    shape = a_shape("GET /", host="x.example:8080")

    assert report(a_request("GET /", ("Host", "x.example:8080")), shape) == []
    assert report(a_request("GET /", ("Host", "x.example:9090")), shape)
    assert report(a_request("GET /", ("Host", "x.example")), shape)
    assert report(a_request("GET /", ("Host", "x.example.evil")), a_shape("GET /", host="x.example"))


def test_the_nearest_come_first_and_of_equals_the_earlier():
    shapes = [
        a_shape("GET /a", id="far"),
        a_shape("POST /orders", id="one"),
        a_shape("POST /orders", id="two"),
    ]

    assert ids(nearest(a_request("POST /order"), shapes)) == ["one", "two"]
    assert ids(nearest(a_request("POST /order"), shapes, limit=1)) == ["one"]
    assert nearest(a_request("POST /order"), []) == []


def test_a_condition_that_nearly_holds_counts_less_than_another_path():
    shapes = [a_shape("POST /v1/refunds"), a_shape("POST /v1/charges", json={"amount": 5})]

    assert ids(nearest(a_request("POST /v1/charges", json={"amount": "5"}), shapes))[0] == "POST /v1/charges"


def test_one_letter_of_the_path_weighs_less_than_another_method():
    shapes = [a_shape("GET /orders/{id}"), a_shape("PUT /pay"), a_shape("POST /pay")]

    assert ids(nearest(a_request("POST /pays"), shapes))[0] == "POST /pay"
    assert ids(nearest(a_request("POST /pays"), [shapes[0], shapes[2]])) == ["POST /pay"]
    assert ids(nearest(a_request("POST /pa"), shapes))[0] == "POST /pay"


@pytest.mark.parametrize(
    "path", ["/healthz", "/favicon.ico", "/", "/v1/healthz", "/a/b/c/d", "/index.html", "/%2f%2f"]
)
def test_no_route_is_named_where_none_is_similar(path):
    shapes = [a_shape("GET /v1/charges"), a_shape("GET /users/{id}/orders"), a_shape("POST /v1/{kind}/list")]

    assert nearest(a_request(f"GET {path}"), shapes) == []


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/customers/cus_1", "the prefix '/stripe' is missing"),
        ("/v1/customer/cus_1", "the prefix '/stripe' is missing; 'customer' instead of 'customers', a typo?"),
        ("/customers/cus_1", "the prefix '/stripe/v1' is missing"),
        ("/api/stripe/v1/customers/cus_1", "the prefix '/api' is too much"),
        (
            "/api/stripe/v1/customer/cus_1",
            "the prefix '/api' is too much; 'customer' instead of 'customers', a typo?",
        ),
        ("/stripe/v1/customers/cus_1/cards", "'/cards' is too much"),
        ("/stripe/v1/customer", "'customer' instead of 'customers', a typo?; '/{id}' is missing"),
    ],
)
def test_a_prefix_that_is_missing_or_too_much_is_said_beside_a_typo(path, hint):
    (_, (difference,)), *_ = nearest(a_request(f"GET {path}"), [a_shape("GET /stripe/v1/customers/{id}")])

    assert difference.hint == hint


def test_of_one_family_there_is_one_place():
    lines = ["GET /items", "POST /items", "GET /items/{id}", "PUT /items/{id}", "DELETE /items/{id}"]
    shapes = [*(a_shape(line) for line in lines), a_shape("GET /item")]
    family = {shape.id: "resource" for shape in shapes[:-1]}

    ranked = nearest(a_request("GET /itemz"), shapes, family=lambda shape: family.get(shape.id, shape.id))

    assert ids(ranked) == ["GET /items", "GET /item"]


def test_what_is_much_farther_off_is_left_out():
    shapes = [
        a_shape("GET /v1/charges"),
        a_shape("GET /v1/charges/{id}/refunds/{refund}"),
        a_shape("PUT /x/y/z"),
    ]

    assert ids(nearest(a_request("GET /v1/charge"), shapes)) == ["GET /v1/charges"]


def test_conditions_are_explained_only_for_the_routes_that_are_named(monkeypatch):
    shapes = [a_shape(f"GET /a/b/c{i}", id=str(i), json={"a": i}, schema={"const": i}) for i in range(50)]
    asked = []
    real = Matcher.quick_differences
    monkeypatch.setattr(
        Matcher, "quick_differences", lambda self, request, asked_=asked, **how: asked_.append(1) or real(self, request, **how)
    )  # fmt: skip

    assert len(nearest(a_request("GET /a/b/c", json={"a": "x"}), shapes)) == 3
    assert len(asked) == 3


def test_of_many_routes_on_one_path_the_one_with_the_likeliest_value_is_nearest():
    kinds = ["charge", "customer", "dispute", "payout", "refund", "transfer"]
    shapes = [a_shape("POST /rpc", id=kind, json={"kind": kind, "v": 1}) for kind in kinds]

    assert ids(nearest(a_request("POST /rpc", json={"kind": "payuot", "v": 1}), shapes))[0] == "payout"
    assert ids(nearest(a_request("POST /rpc", json={"kind": "Refund", "v": 1}), shapes))[0] == "refund"


def test_what_would_take_long_to_read_is_not_read_to_explain_another_path():
    """A route on the path itself was asked, so its part of the body has been read already."""
    body = b'{"kind": "a", "pad": "' + b"x" * module.MOST_READ_BYTES + b'"}'
    request = a_request("POST /order", body=body)
    (_, differences), *_ = nearest(request, [a_shape("POST /orders", json={"kind": "b"}, headers={"h": "1"})])

    assert [one.where for one in differences] == ["path", "headers.h"]
    (_, differences), *_ = nearest(request, [a_shape("POST /order", json={"kind": "b"})])
    assert [one.text for one in differences] == ["json.kind: expected 'b', got 'a'"]


def test_a_part_that_came_elsewhere_is_said():
    request = a_request("POST /?page=1", json={"limit": 5})
    shape = a_shape("POST /", query={"limit": 5}, json={"page": 1}, headers={"page": "present"})

    assert [one.text for one in report(request, shape)] == [
        "headers.page is missing; it came in the query",
        "query.limit is missing: expected '5'; it came in the json",
        "json.page is missing: expected 1; it came in the query",
    ]


def test_the_whole_miss_as_text():
    shapes = [a_shape("POST,PUT /v1/charges", id="pay/create", json={"amount": 5}), a_shape("ANY /v1/charge", id="pay/any", headers={"a": 1})]  # fmt: skip
    request = a_request("POST /v1/charge", json={"amount": 7})

    assert as_text(request, nearest(request, shapes)) == (
        "No route matches POST /v1/charge\n"
        "\n"
        "pay/any (ANY /v1/charge)\n"
        "  - headers.a is missing: expected '1'\n"
        "\n"
        "pay/create (POST,PUT /v1/charges)\n"
        "  - path differs: '/v1/charge' is not '/v1/charges'; 'charge' instead of 'charges', a typo?\n"
        "  - json.amount: expected 5, got 7\n"
    )
    assert as_text(request, []) == "No route matches POST /v1/charge\nNo route is similar.\n"
    assert (
        as_text(request, [], has_routes=False) == "No route matches POST /v1/charge\nThere are no routes.\n"
    )
    assert "`when`" in as_text(request, [(shapes[1], [])])


def test_what_an_explanation_shows_is_bounded():
    request = a_request("POST /" + "x" * 5_000, ("h", "y" * 8_000), json={"a": ["z" * 1_000] * 1_000})
    shape = a_shape("POST /a", headers={"h": 1}, json={"a": 5})
    differences = report(request, shape)

    assert all(len(one.text) < 6_000 for one in differences)
    assert all(one.actual is ABSENT or len(str(one.actual)) <= 5_001 for one in differences)


@pytest.mark.parametrize(
    "path", ["", "*", "/", "//", "/a//b/", "/%zz/%2f", "/{", "/é", "/" * 500, "/" + "a/" * 500]
)
@pytest.mark.parametrize("pattern", ["/", "/a/{id}", "/{rest:.*}x", "/a/b/c/d", "/%7B", "/{id:\\d+}-{x}"])
def test_any_path_is_compared_with_any_pattern(path, pattern):
    compiled = PathPattern(pattern)

    assert (path_difference(path, compiled) is None) is (compiled.match(path) is not None)


def test_segments_are_parted_outside_braces_only():
    assert segments_of("/a/{id:[a/b]{2}}/") == ("a", "{id:[a/b]{2}}", "")


SUGGESTIONS = [
    (a_request("GET /a?x=1&x=2&y"), {"query": {"x": ["1", "2"], "y": ""}}),
    (a_request("POST /a", json={"a": 1, "b": [True, None]}), {"json": {"a": 1, "b": [True, None]}}),
    (a_request("POST /a", json={"a": "$absent", "b": {"$ref": 1}}), {"json": {"a": {"$equals": "$absent"}, "b": {"$fields": {"$ref": 1}}}}),
    (a_request("POST /a", json=5), {"json": 5}),
    (a_request("POST /a", form=[("a", "1"), ("b", "absent"), ("c", "x"), ("c", "y")]), {"form": {"a": "1", "b": {"equals": "absent"}, "c": ["x", "y"]}}),
    (a_request("POST /a", ("X-Amz-Target", "SQS.Send"), ("Authorization", "Bearer secret")), {"headers": {"x-amz-target": "SQS.Send"}}),
    (a_request("POST /a", json={"query": "query Q { a }", "operationName": "Q"}), {"json": {"operationName": "Q"}}),
    (a_request("POST /a", json={"long": "x" * 1000, "deep": [[[[[[[[1]]]]]]]], "many": list(range(50)), "kept": 1}), {"json": {"kept": 1}}),
    (a_request("POST /a", body=b"\x00"), None),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "match"), SUGGESTIONS)
def test_a_suggestion_asks_for_what_tells_the_request_apart(request_, match):
    expected = {"request": f"{request_.method} /a"} | ({"match": match} if match else {})

    assert suggest(request_) == expected | {"reply": {"status": 200, "json": {}}}


def takes(route, request):
    spec = RouteSpec.model_validate(route)
    line = parse_request_line(spec.request)
    matched = spec.match is None or compile_match(spec.match, lambda name, path: b"").holds(request)
    fits = line.methods is None or request.method in line.methods
    return matched and fits and PathPattern(line.path).match(request.path) is not None


def test_a_suggestion_for_files_and_odd_request_lines():
    body = multipart(
        ('Content-Disposition: form-data; name="a"', b"5"),
        ('Content-Disposition: form-data; name="f"; filename="present"', b""),
        ('Content-Disposition: form-data; name="g"; filename=""', b""),
    )
    form = a_request("POST /up", ("content-type", "multipart/form-data; boundary=b0undary"), body=body)
    related = a_request("POST /up", ("content-type", "multipart/related; boundary=b0undary"), body=body)

    assert suggest(form)["match"]["files"] == {"f": {"filename": {"equals": "present"}}, "g": "present"}
    for request in (form, related, a_request("get /a"), a_request("PURGE /{id}/a%2Fb%20c/%7Bx%7D//"), a_request("GET /é")):  # fmt: skip
        assert takes(suggest(request), request)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
    | st.sampled_from(["$present", "$absent", "present"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3) | st.just("$gte"), below, max_size=3),
)  # fmt: skip
PAIRS = st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3) | st.just("absent")), max_size=4)


@given(VALUES, PAIRS)
def test_the_suggested_route_takes_the_request(value, pairs):
    for request in (a_request("POST /x", json=value), a_request("POST /x", form=pairs)):
        assert takes(suggest(request), request)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=10))
def test_the_suggested_route_has_the_path(path):
    request = Request("GET", "/" + path.replace(" ", "%20"))

    assert takes(suggest(request), request)
