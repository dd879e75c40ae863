"""
What is sent may be deep, huge or made to explode: matching neither stalls nor crashes.

Bounds are counted where they can be; where only time tells (inside RE2, libxml2)
it is processor time, with so much room that a slow machine passes and an
explosion does not.
"""

import gc
import gzip
import json
import weakref
import zlib

import pytest
from support.cost import cheap
from support.matching import a_matcher, a_request, multipart, texts_of

from mockserver.errors import InvalidInputError
from mockserver.matching import jsonpath, patterns
from mockserver.matching.jsonpath import compile_query
from mockserver.matching.mismatch.nearest import suggest
from mockserver.matching.xml import xpath
from mockserver.matching.xml.xpath import order
from mockserver.model import coding, http
from mockserver.model.http import Request, UnreadableBodyError

SOON_S = 1.0


# Regular expressions


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a*)*b", "(.*a){20}", "(a|aa)+$"])
@pytest.mark.parametrize("tail", ["", "!"])
def test_a_pattern_that_explodes_elsewhere_is_instant(pattern, tail):
    matcher = a_matcher(text={"matches": pattern})
    request = a_request(body=b"a" * 50_000 + tail.encode())

    cheap(SOON_S, lambda: matcher.holds(request))


def test_a_pattern_is_bounded_in_memory_and_size():
    with pytest.raises(InvalidInputError, match="too large"):
        a_matcher(text={"matches": r"[\p{L}\p{N}]{1,500}x"})
    with pytest.raises(InvalidInputError, match="at most 10000"):
        a_matcher(text={"matches": r"\pL{1,100}"})
    with pytest.raises(InvalidInputError, match="A repetition goes up to 1000"):
        a_matcher(text={"matches": "a{1001}"})


def test_a_large_pattern_is_not_tried_on_a_huge_text():
    matcher = a_matcher(text={"matches": ".*a.{200}"})
    long = a_request(body=b"a" * 400_000)

    assert matcher.holds(a_request(body=b"a" * 20_000))
    assert not matcher.holds(long)
    assert texts_of({"text": {"matches": ".*a.{200}"}}, long)[0].endswith("; the text is too long for a pattern of this size")  # fmt: skip
    assert a_matcher(text={"matches": "[ab]*"}).holds(a_request(body=b"ab" * 2_000_000))


CONSTRUCTS = [
    (r"(?=a)b", "look-around"), ("(?!a)b", "look-around"), ("(?<=a)b", "look-around"), ("(?<!a)b", "look-around"),
    (r"(a)\1", "back references"), (r"(?P<n>a)(?P=n)", "back references"), (r"(?<n>a)\k<n>", "back references"),
    ("(?>a)", "atomic groups"), ("a++", "possessive"), ("a*+", "possessive"), ("a?+", "possessive"),
    ("(a)(?(1)b)", "conditions"), ("(?#x)a", "comments"), ("(?x) a", "verbose"), ("(?ix) a", "verbose"),
    ("a(?R)", "recursion"), (r"a\Z", r"\Z"), (r"\Ga", r"\G"), (r"\u00e9", r"\uXXXX"), (r"\h", r"\h"), (r"\R", r"\R"),
    (r"\Ka", r"\K"), (r"\X", r"\K"), (r"\N{DIGIT}", r"\K"), (r"\e", r"\K"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "construct"), CONSTRUCTS)
def test_a_construct_that_re2_lacks_is_named_with_a_remedy(pattern, construct, capfd):
    with pytest.raises(InvalidInputError) as refused:
        a_matcher(query={"q": {"matches": pattern}})

    (flaw,) = refused.value.flaws
    assert construct in flaw.message
    assert "RE2 does not support" in flaw.message
    assert flaw.hint
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "pattern", ["(a", "[a", "a)", "*a", "[z-a]", "a{2,1}", "\\", r"\p{Foo}", "[[:foo:]]", r"\8"]
)
def test_what_is_no_pattern_says_why(pattern, capfd):
    with pytest.raises(InvalidInputError) as refused:
        a_matcher(query={"q": {"matches": pattern}})

    assert refused.value.flaws[0].path == ("query", "q", "matches")
    assert capfd.readouterr().err == ""


def test_a_lone_surrogate_is_compared_and_never_raises():
    request = a_request(body=b'{"a": "\\ud800"}')

    assert not a_matcher(json={"a": {"$matches": "a"}}).holds(request)
    assert a_matcher(json={"a": {"$matches": "."}}).holds(request)
    assert a_matcher(json={"a": {"$length": 1}}).holds(request)
    assert texts_of({"json": {"a": "x"}}, request) == [r"json.a: expected 'x', got '\ud800'"]
    with pytest.raises(InvalidInputError, match="lone surrogate"):
        a_matcher(json={"a": {"$matches": "\ud800"}})


# JSON


def deep(depth):
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_deep_json_is_no_json(opening):
    request = a_request(body=opening * 1_000_000)

    assert not a_matcher(json={"a": 1}).holds(request)
    assert texts_of({"json": {"a": 1}}, request)


def test_the_depth_of_json_has_a_limit():
    assert a_matcher(json=[]).differences(a_request(body=deep(http.MAX_JSON_DEPTH)))[0].where == "json"
    assert a_matcher(json="$present").holds(a_request(body=deep(http.MAX_JSON_DEPTH)))
    said = texts_of({"json": []}, a_request(body=deep(http.MAX_JSON_DEPTH + 1)))
    assert said == ["body: expected JSON, but it is nested more than 200 deep"]
    assert a_matcher(json="$present").holds(a_request(body=b'"' + b"[" * 1000 + b'"'))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400 + ".0", "1e309"])
def test_a_number_larger_than_a_double_is_no_json(number):
    """Kept as infinity it would fail later, in every answer that shows it."""
    request = a_request(body=b'{"a": %s}' % number.encode())

    assert not a_matcher(json={"a": {"$type": "number"}}).holds(request)
    with pytest.raises(UnreadableBodyError, match="is larger than a double can be"):
        _ = request.json
    assert a_request(body=b'{"a": 1e308}').json == {"a": 1e308}
    assert a_request(body=b'{"a": -1.5e-400}').json == {"a": 0}


def test_every_kind_of_condition_takes_json_at_the_limit_of_depth():
    value = json.loads(deep(http.MAX_JSON_DEPTH - 1))
    request = a_request(json={"a": value})
    for match in (
        {"json": {"a": {"$not": []}}},
        {"json_exact": {"a": {"$length": 1}}},
        {"json": {"a": {"$contains": {"$type": "array"}}}},
        {"json": {"a": {"$unordered": ["$present"]}}},
        {"jsonpath": {"$..[0]": {"length": http.MAX_JSON_DEPTH - 2}}},
        {"schema": {"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "additionalProperties": {"$ref": "#/$defs/n"}}},
    ):  # fmt: skip
        assert a_matcher(**match).holds(request), match
    assert texts_of({"json": {"a": {"$equals": 1}}}, request) == [
        "json.a: expected 1, got [[[[[…]]]]], a list; send a number"
    ]
    suggest(request)


def test_large_json_is_read_up_to_a_number_of_values():
    within = b"[" + b",".join([b"1"] * http.MAX_JSON_MEMBERS) + b"]"
    beyond = b"[" + b",".join([b"1"] * (http.MAX_JSON_MEMBERS + 1)) + b"]"

    assert a_matcher(json={"$length": http.MAX_JSON_MEMBERS}).holds(a_request(body=within))
    assert texts_of({"json": "$present"}, a_request(body=beyond)) == [
        "body: expected JSON, but it is not decoded: it has more than 100,000 members; see --max-json-members"
    ]
    assert a_matcher(json={"$length": 16_000_000}).holds(a_request(body=b'"' + b"x" * 16_000_000 + b'"'))


def test_large_json_has_no_integers_of_thousands_of_digits():
    integer = b"7" * (http.MAX_LARGE_JSON_DIGITS + 1)

    assert a_matcher(json={"$length": 1}).holds(a_request(body=b"[%b]" % integer))
    (text,) = texts_of({"json": "$present"}, a_request(body=b"[%b%b]" % (b" " * 2**20, integer)))
    assert text.startswith(
        "body: expected JSON, but it is larger than 1 MiB and has an integer of more than 400"
    )
    assert a_matcher(json={"$length": 1}).holds(a_request(body=b"[%b%b]" % (b" " * 2**20, integer[1:])))


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n" + b"a:b\r\n" * 2_000_000 + b"\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"\r\n--bx" * 2_000_000 + b"\r\n--b--\r\n",
        b"--b\r\n\r\n\r\n" * 1_000_000 + b"--b--\r\n",
        b"--b\r\n\r\n" + b"\r" * 16_000_000,
    ],
    ids=["header lines", "marks that are none", "parts", "line ends"],
)
def test_a_multipart_body_takes_no_longer_than_looking_through_it(body):
    request = Request("POST", "/", [("Content-Type", "multipart/form-data; boundary=b")], body)

    def read():
        with pytest.raises(UnreadableBodyError):
            request.parts  # noqa: B018

    cheap(SOON_S, read)


def test_a_body_that_cannot_be_read_is_tried_once(monkeypatch):
    reads = []
    monkeypatch.setattr(Request, "_read_json", lambda self: reads.append(1) or self._fail())
    monkeypatch.setattr(
        Request, "_fail", lambda self: (_ for _ in ()).throw(UnreadableBodyError("no")), raising=False
    )
    request = a_request(body=b"{")
    for _ in range(1000):
        a_matcher(json={"a": 1}).holds(request)

    assert len(reads) == 1


def test_a_body_that_cannot_be_read_is_freed_with_its_request():
    """Without the collector: an exception that is kept holds its traceback, and that whoever asked."""

    class Watched(Request):
        __slots__ = ("__weakref__",)

    request = Watched("POST", "/", [], b"{")
    ended = weakref.ref(request)
    gc.disable()
    try:
        for _ in range(2):
            a_matcher(json={"a": 1}).holds(request)
            texts_of({"json": {"a": 1}}, request)
        del request
        assert ended() is None
    finally:
        gc.enable()


# JSONPath


def test_a_jsonpath_looks_at_no_more_than_its_budget():
    wide = list(range(jsonpath.MAX_VISITED * 4))

    assert compile_query("$[5]", ())(wide) == [5]
    with pytest.raises(UnreadableBodyError, match="looks at more than 50000"):
        compile_query("$[*]", ())(wide)
    with pytest.raises(UnreadableBodyError):
        compile_query("$[?@ == -1]", ())(wide)
    with pytest.raises(UnreadableBodyError):
        compile_query("$[::2]", ())(wide)


@pytest.mark.parametrize("query", ["$..[*]..[*]..[*]", "$..[?@..[?@..x]]", "$..[?count(@..*) > 5]", "$..[?match(@, '(a+)+$')]"])  # fmt: skip
def test_a_jsonpath_of_many_descents_ends(query):
    value = [[[[i] * 5] * 5] * 5 for i in range(200)]
    for _ in range(100):
        value = [value, "a" * 50]

    def ask():
        with pytest.raises(UnreadableBodyError):
            compile_query(query, ())(value)

    cheap(SOON_S, ask)


def test_past_the_budget_nothing_holds_and_the_difference_says_why():
    request = a_request(json=list(range(60_000)))

    assert not a_matcher(jsonpath={"$[?@ == -1]": "absent"}).holds(request)
    assert "looks at more than 50000 of its values" in texts_of({"jsonpath": {"$[*]": "absent"}}, request)[0]


def test_one_query_is_asked_once_however_many_routes_ask_it(monkeypatch):
    asked = []
    real = jsonpath.compile_query
    monkeypatch.setattr(
        jsonpath,
        "compile_query",
        lambda text, path: lambda value: asked.append(text) or real(text, path)(value),
    )
    request = a_request(json={"a": 1})
    for i in range(50):
        a_matcher(jsonpath={"$..a": {"contains": i}}).holds(request)

    assert asked == ["$..a"]


# Schemas


def test_a_schema_takes_hostile_values():
    matcher = a_matcher(schema={"uniqueItems": True, "items": {"pattern": "^(a+)+$"}})

    cheap(SOON_S, lambda: matcher.holds(a_request(json=["a" * 50_000 + "!"])))
    assert not matcher.holds(a_request(body=b'["\\ud800"]'))
    assert a_matcher(schema={"type": "number"}).holds(a_request(body=b"1" * 400))


# XML

PROLOGUE = b'<?xml version="1.0"?>'


def xml_request(body):
    return a_request("POST /", ("content-type", "text/xml"), body=body)


HOSTILE_XML = [
    b"<a>" * 100_000,
    b"<a " + b" ".join(b'x%d="1"' % i for i in range(50_000)) + b"/>",
    b"<!DOCTYPE l [<!ENTITY a 'x'>" + b"".join(b"<!ENTITY a%d '&a%d;&a%d;'>" % (i + 1, i, i) for i in range(50)) + b"]><l>&a50;</l>",
    b"<r>" + b"<a/>" * 200_000 + b"</r>",
    b"<a>" + b"x" * (2 << 20) + b"</a>",
    b"<" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE_XML, ids=lambda body: body[:20])
def test_hostile_xml_is_refused_soon(body):
    matcher = a_matcher(xml={"//a": {"contains": "never"}})

    cheap(SOON_S, lambda: matcher.holds(xml_request(PROLOGUE + body)))
    assert not matcher.holds(xml_request(PROLOGUE + body))


def test_documents_are_smaller_for_queries_that_cost_more():
    body = b"<r>" + b"<a>1</a>" * 1000 + b"</r>"

    assert a_matcher(xml={"count(//a)": 1000}).holds(xml_request(body))
    assert texts_of({"xml": {"//a[../a]": "present"}}, xml_request(body)) == [
        "body: expected XML, but it has more than 1000 elements for the query '//a[../a]'"
    ]
    assert texts_of({"xml": {"//a//b//c": "present"}}, xml_request(body)) == [
        "body: expected XML, but it has more than 300 elements for the query '//a//b//c'"
    ]


ORDERS = [
    (1, ["//a", "/a/b/c", "//a[@x='..']/b", "//a[b='//c//d | e']", "count(//a)", "child::a/@b", "descendant::a"]),
    (2, ["//a//b", "//a[../b]", "/a/ancestor::b", "/a/..", "//a | //b", "//a[following-sibling::b]", "//a/preceding::b"]),
    (3, ["//a//b//c", "//a//b[../c]", "descendant::a/descendant::b/descendant-or-self::c", "//a//b//c//d//e"]),
]  # fmt: skip


@pytest.mark.parametrize(("power", "queries"), ORDERS)
def test_the_order_of_a_query_is_read_off_its_axes(power, queries):
    assert [query for query in queries if order(query) != power] == []


@pytest.mark.parametrize(
    "query",
    [
        "//*[local-name()='a']//*[local-name()='b']",
        "//a[count(following::b) > 5]",
        "//a//a//a//a//a",
        "//a[//a[//a]]",
        "//a[.=//a]",
    ],
)
def test_the_costliest_queries_over_the_largest_documents_end_soon(query):
    elements = xpath.MAX_ELEMENTS[order(query)]
    flat = b"<r>" + b"<a/>" * (elements - 1) + b"</r>"
    nested = b"<r>" + (b"<a>" * 200 + b"</a>" * 200) * ((elements - 1) // 200) + b"</r>"
    matcher = a_matcher(xml={query: {"contains": "never"}})
    for body in (flat, nested):
        request = xml_request(body)

        cheap(SOON_S, lambda r=request: matcher.holds(r))
        assert "for the query" not in texts_of({"xml": {query: {"contains": "never"}}}, request)[0]


def test_what_an_xpath_finds_is_bounded():
    many = b"<r>" + b"<a/>" * 1001 + b"</r>"
    nested = b"<a>" * 200 + b"x" * 100_000 + b"</a>" * 200

    assert "finds more than 1000 places" in texts_of({"xml": {"//a": "present"}}, xml_request(many))[0]
    assert (
        "finds more than 4194304 characters" in texts_of({"xml": {"//a": "present"}}, xml_request(nested))[0]
    )


# GraphQL

HOSTILE_QUERIES = [
    "{" * 50_000,
    "{a" * 1_200 + "}" * 1_200,
    "{ " + "a " * 10_000 + "}",
    "{ a(b: " + "[" * 1_200 + "]" * 1_200 + ") }",
    "#" * 1_000_000,
    '"""' + "x" * 1_000_000,
]


@pytest.mark.parametrize("query", HOSTILE_QUERIES, ids=lambda query: query[:10])
def test_a_hostile_graphql_query_is_refused_soon(query):
    matcher = a_matcher(graphql={"type": "query", "query": "{ a }"})
    request = a_request(json={"query": query})

    cheap(SOON_S, lambda: matcher.holds(request))
    assert not matcher.holds(request)
    assert matcher.differences(request)


def test_variables_of_a_get_may_be_deep():
    request = a_request("GET /?query=%7Ba%7D&variables=" + "[" * 5_000)

    assert not a_matcher(graphql={"variables": {"a": 1}}).holds(request)


# Forms, multipart, codings


def form_request(body):
    return a_request("POST /", ("content-type", "application/x-www-form-urlencoded"), body=body)


def test_a_form_is_bounded_in_fields_and_bytes():
    fields = form_request(b"a&" * 10_001)
    size = form_request(b"a=" + b"%41" * 400_000)

    assert texts_of({"form": {"a": 1}}, fields) == [
        "body: expected a form, but the form has more than 10000 fields"
    ]
    assert texts_of({"form": {"a": 1}}, size) == [
        "body: expected a form, but the form is longer than 1048576 bytes"
    ]
    assert a_matcher(form={"a": {"length": 2}}).holds(form_request(b"a=xx" + b"&b" * 9_990))


def test_multipart_bodies_end_soon():
    head = "Content-Disposition: form-data; " + 'a="\\' * 3_000
    bodies = [
        multipart((head, b"x")),
        multipart(*[("A: b", b"")] * 100_000),
        b"\r\n--b0undary" * 200_000,
        b"--b0undary" + b" " * 1_000_000,
    ]
    for body in bodies:
        request = a_request("POST /", ("content-type", "multipart/form-data; boundary=b0undary"), body=body)
        cheap(SOON_S, lambda r=request: a_matcher(form={"a": 1}).holds(r))


@pytest.mark.parametrize("coding_name", ["gzip", "deflate"])
def test_a_bomb_is_not_inflated_past_the_limit(coding_name):
    zeros = b"\0" * (coding.MAX_DECODED_BYTES + 1)
    body = gzip.compress(zeros) if coding_name == "gzip" else zlib.compress(zeros)
    within = gzip.compress(zeros[:-1]) if coding_name == "gzip" else zlib.compress(zeros[:-1])

    assert texts_of({"text": "x"}, a_request("POST /", ("content-encoding", coding_name), body=body)) == [
        "body: expected a text, but it inflates to more than 16777216 bytes"
    ]
    assert len(a_request("POST /", ("content-encoding", coding_name), body=within).decoded_body) == coding.MAX_DECODED_BYTES  # fmt: skip


def test_bombs_inside_bombs_and_long_content_types_end_soon():
    body = zlib.compress(zlib.compress(b"\0" * (15 << 20)))
    lines = [
        ("content-encoding", ", ".join(["deflate"] * 50)),
        ("content-type", "text/plain" + ';a="' * 2_000),
    ]
    request = a_request("POST /", *lines, body=body)

    cheap(SOON_S, lambda: a_matcher(text="x").holds(request))


def test_the_bounds_of_patterns_are_what_the_documentation_says():
    assert (patterns.MAX_MEMORY_BYTES, patterns.MAX_PROGRAM, patterns.MAX_STEPS) == (
        8 << 20,
        10_000,
        200_000_000,
    )
