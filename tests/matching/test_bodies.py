"""Bodies other than plain JSON: texts, codings, charsets, multipart, files, XML, GraphQL, schemas, JSONPath, hashes."""

import gzip
import hashlib
import json
import sys
import zlib
from types import SimpleNamespace

import pytest
from support.matching import a_matcher, a_request, flaws_of, multipart, texts_of

from mockserver.errors import InvalidInputError, MissingExtraError

JSON = ("Content-Type", "application/json")


# Codings and charsets


def raw_deflate(data):
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


CODINGS = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", lambda data: gzip.compress(data[:4]) + gzip.compress(data[4:])),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("identity", bytes),
    ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
]


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_a_compressed_body_is_matched_decoded(coding, encode):
    body = encode(b'{"amount": 5}')
    request = a_request("POST /", JSON, ("Content-Encoding", coding), body=body)

    assert a_matcher(json={"amount": 5}, text={"contains": "amount"}).holds(request)
    assert a_matcher(body_sha256=hashlib.sha256(body).hexdigest().upper()).holds(request)
    assert request.body == body


@pytest.mark.parametrize(
    ("coding", "body", "said"),
    [
        ("gzip", b'{"a": 1}', "it is not gzip"),
        ("gzip", gzip.compress(b'{"a": 1}', mtime=0)[:-3], "its compressed stream ends too early"),
        ("br", b"\x8b", "its content-encoding 'br' is not one of gzip, deflate and identity"),
        ("gzip", gzip.compress(b"x", mtime=0) * 100, "it is gzip of more than 16 members"),
    ],
)
def test_a_body_that_cannot_be_decoded_holds_nothing_and_is_explained(coding, body, said):
    request = a_request("POST /", JSON, ("Content-Encoding", coding), body=body)

    assert not a_matcher(json={"a": 1}).holds(request)
    assert not a_matcher(text={"not": "x"}).holds(request)
    assert said in texts_of({"json": {"a": 1}}, request)[0]


CHARSETS = [
    ("application/json", '{"name": "Zoë"}'.encode()),
    ("application/json; charset=UTF-8", b"\xef\xbb\xbf" + '{"name": "Zoë"}'.encode()),
    ("application/json; charset=iso-8859-1", '{"name": "Zoë"}'.encode("iso-8859-1")),
    ('application/json; charset="latin1"', '{"name": "Zoë"}'.encode("iso-8859-1")),
    ("application/json", '{"name": "Zoë"}'.encode("utf-16")),
    ("application/json; charset=utf-16le", '{"name": "Zoë"}'.encode("utf-16-le")),
    ("application/problem+json", b'{"name": "Zo\\u00eb"}'),
]


@pytest.mark.parametrize(("content_type", "body"), CHARSETS)
def test_json_is_read_in_its_charset(content_type, body):
    assert a_matcher(json={"name": "Zoë"}).holds(
        a_request("POST /", ("content-type", content_type), body=body)
    )


def test_a_text_and_a_form_are_read_in_their_charset():
    latin = ("content-type", "text/plain; charset=iso-8859-1")
    form = ("content-type", "application/x-www-form-urlencoded; charset=iso-8859-1")

    assert a_matcher(text="Zoë").holds(a_request("POST /", latin, body="Zoë".encode("latin1")))
    assert a_matcher(form={"n": "Zoë"}).holds(a_request("POST /", form, body="n=Zoë".encode("latin1")))
    assert a_matcher(form={"n": "Zoë"}).holds(a_request("POST /", form, body=b"n=Zo%C3%AB"))


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "no-such", "base64", "\0"])
def test_a_charset_that_is_none_reads_nothing(charset):
    request = a_request("POST /", ("content-type", f"text/plain; charset={charset}"), body=b"abc")

    assert not a_matcher(text="abc").holds(request)
    assert "is not a known charset" in texts_of({"text": "abc"}, request)[0]


NO_JSON = [
    (b"", "body: expected JSON, but the body is empty; send a JSON body"),
    (b'{"a": }', "body: expected JSON, but it is not valid JSON: Expecting value: line 1 column 7 (char 6)"),
    (b'{"a": 1,}', "body: expected JSON, but it is not valid JSON: "),
    (b'{"a": NaN}', "body: expected JSON, but NaN is not valid JSON"),
    (b"[1] [2]", "body: expected JSON, but it is not valid JSON: Extra data: line 1 column 5 (char 4)"),
    (b'"\xff"', "body: expected JSON, but it is not valid utf-8 text: invalid start byte at byte 1"),
    (b"1" * 5000, "body: expected JSON, but it is not valid JSON: Exceeds the limit"),
]


@pytest.mark.parametrize(("body", "said"), NO_JSON, ids=lambda value: repr(value)[:20])
def test_json_that_does_not_parse_says_where(body, said):
    (text,) = texts_of({"json": {"a": 1}}, a_request("POST /", JSON, body=body))

    assert text.startswith(said)


def test_a_form_sent_for_json_is_recognised_and_the_reverse():
    form, sent_json = a_request(form={"a": "1"}), a_request(json={"a": "1"})

    (said,) = texts_of({"json": {"a": 1}}, form)
    assert said.startswith("body: expected JSON, but it came as a form (application/x-www-form-urlencoded); ")
    assert said.endswith("; send JSON, with content-type: application/json")
    assert texts_of({"form": {"a": 1, "b": 2}}, sent_json) == [
        "body: expected a form, but its content-type is application/json; send it as application/x-www-form-urlencoded"
    ]


def test_text_is_the_whole_body_and_absent_is_an_empty_one():
    empty, hello = a_request(), a_request(body=b"hello")

    assert a_matcher(text="").holds(empty)
    assert a_matcher(text="absent").holds(empty)
    assert a_matcher(text={"present": False}).holds(empty)
    assert a_matcher(text={"not": "x"}).holds(empty)
    assert not a_matcher(text="present").holds(empty)
    assert a_matcher(text="present").holds(hello)
    assert a_matcher(text={"absent": False}).holds(hello)
    assert not a_matcher(text="absent").holds(hello)
    assert a_matcher(text={"contains": "ell", "length": 5}).holds(hello)
    assert texts_of({"text": "Hello"}, hello) == [
        "text: expected 'Hello', got 'hello'; only the case differs"
    ]


def test_the_hash_takes_operators_too():
    digest = hashlib.sha256(b"x").hexdigest()

    assert a_matcher(body_sha256={"starts_with": digest[:8]}).holds(a_request(body=b"x"))
    assert texts_of({"body_sha256": "00"}, a_request(body=b"x")) == [
        f"body_sha256: expected '00', got '{digest}'"
    ]


# Multipart

FORM = multipart(
    ('Content-Disposition: form-data; name="amount"', b"5"),
    ('Content-Disposition: form-data; name="upload"; filename="logo.png"\r\nContent-Type: image/png', b"\x89PNG\r\n\r\n"),
    ('Content-Disposition: form-data; name="upload"; filename="notes.txt"', "Zoë".encode()),
    ("Content-Disposition: form-data; name=note\r\nContent-Type: text/plain; charset=iso-8859-1", "Zoë".encode("latin1")),
)  # fmt: skip


def upload(body=FORM, kind="multipart/form-data; boundary=b0undary"):
    return a_request("POST /", ("content-type", kind), body=body)


def test_fields_and_files_of_a_multipart_form():
    matcher = a_matcher(
        form={"amount": {"gte": 5}, "upload": "absent", "note": "Zoë"},
        files={
            "upload": {"filename": {"ends_with": ".png"}, "content_type": "image/png", "length": 8},
            "other": "absent",
        },
    )

    assert matcher.holds(upload())


FILES = [
    {"upload": "present"},
    {"upload": "logo.png"},
    {"upload": {"matches": r".*\.png"}},
    {"upload": ["logo.png", "notes.txt"]},
    {"upload": {"filename": "notes.txt", "text": "Zoë", "length": {"lt": 5}, "content_type": "text/plain"}},
    {"upload": {"sha256": hashlib.sha256("Zoë".encode()).hexdigest()}},
    {"upload": {"length": 4}},
    {"amount": "absent"},
    {"none": {"not": "x"}},
]
NO_FILES = [
    {"upload": "absent"},
    {"upload": "LOGO.PNG"},
    {"upload": {"filename": "logo.png", "length": 4}},
    {"upload": {"filename": "logo.png", "text": "Zoë"}},
    {"amount": "present"},
    {"none": {"length": 0}},
]


@pytest.mark.parametrize("files", FILES, ids=repr)
def test_a_file_fulfils_all_that_is_asked_of_it(files):
    assert a_matcher(files=files).holds(upload())


@pytest.mark.parametrize("files", NO_FILES, ids=repr)
def test_no_file_fulfils_what_is_asked(files):
    assert not a_matcher(files=files).holds(upload())


FILES_SAID = [
    ({"upload": {"filename": "logo.png", "length": 9}}, ["files.upload.length: expected 9, got 8"]),
    ({"upload": "Logo.png"}, ["files.upload: expected 'Logo.png', got ['logo.png', 'notes.txt']; only the case differs"]),
    ({"amount": "present"}, ["files.amount is missing; it came as a field, without a file name"]),
    ({"uplaod": {"length": 8}}, ["files.uplaod is missing; 'upload' came instead"]),
]  # fmt: skip


@pytest.mark.parametrize(("files", "said"), FILES_SAID, ids=repr)
def test_a_difference_in_files_names_the_file_and_the_slip(files, said):
    assert texts_of({"files": files}, upload()) == said


def test_a_body_without_parts_is_said_once():
    said = texts_of({"files": {"a": "present", "b": {"length": 1}}}, a_request(json={}))

    assert said == ["body: expected files, but it is not a multipart body with a boundary; send the files as multipart/form-data"]  # fmt: skip


def test_the_parts_of_other_multiparts_go_by_content_id_or_place():
    body = multipart(
        ("Content-Type: application/json; charset=UTF-8", b'{"name": "a.png"}'),
        ("Content-Type: image/png\r\nContent-ID: <media>", b"PNG"),
    )
    request = upload(body, 'multipart/related; type="application/json"; boundary="b0undary"')
    asked = {"0": {"content_type": {"starts_with": "application/json"}, "text": {"contains": "a.png"}}}

    assert a_matcher(files=asked | {"media": {"length": 3}, "1": "absent"}).holds(request)
    assert not a_matcher(files={"0": {"text": "x"}}).holds(request)
    assert not a_matcher(form={"name": "present"}).holds(request)


def test_file_names_in_other_notations():
    heads = ["filename*=UTF-8''na%C3%AFve.png", 'filename="naïve.png"', "filename=naïve.png", 'filename="x"; filename*=utf-8\'en\'na%c3%afve.png']  # fmt: skip
    for head in heads:
        body = multipart((f'Content-Disposition: form-data; name="f"; {head}', b""))

        assert a_matcher(files={"f": "naïve.png"}).holds(upload(body)), head


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (FORM[:-6], "the multipart body has no closing boundary"),
        (b"", "the multipart body has no closing boundary"),
        (multipart(*[("X: y", b"")] * 1001), "the multipart body has more than 1000 parts"),
        (multipart(("X: " + "y" * 20_000, b"")), "a part's head is longer than 16384 bytes"),
    ],
)
def test_a_broken_multipart_body_is_explained(body, said):
    assert not a_matcher(files={"upload": "present"}, form={"amount": "absent"}).holds(upload(body))
    assert any(said in text for text in texts_of({"form": {"amount": 5}}, upload(body)))


def test_a_boundary_is_a_whole_line():
    body = multipart(('Content-Disposition: form-data; name="a"', b"\r\n--b0undary-not\r\nx--b0undary"))

    assert a_matcher(form={"a": "\r\n--b0undary-not\r\nx--b0undary"}).holds(upload(body))


# XML

ENVELOPE = b"""<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:shop" xmlns:k="urn:k">
  <s:Body><!-- c --><order id="42" k:kind="new"><item>a<b>1</b></item><item>b</item></order></s:Body>
</s:Envelope>"""
XML = ("content-type", "text/xml")

XPATHS = [
    {"//order/@id": "42"},
    {"//order/@id": 42},
    {"//order/@id": {"gt": 41}},
    {"//order/@kind": "new"},
    {"//o:order/@q:kind": "new"},
    {"/soap:Envelope/soap:Body/order/item": ["a1", "b"]},
    {"//item": "b"},
    {"//item": {"unordered": ["b", "a1"]}},
    {"//item[2]/text()": "b"},
    {"//none": "absent"},
    {"//order": "present"},
    {"count(//item)": 2},
    {"//item = 'b'": True},
    {"//item = 'x:b'": False},
    {"name(/*)": "Envelope"},
    {"//child::order/attribute::id": 42},
]


@pytest.mark.parametrize("query", XPATHS, ids=repr)
def test_an_xpath_asks_for_the_texts_it_finds(query):
    assert a_matcher(xml=query).holds(a_request("POST /", XML, body=ENVELOPE))


@pytest.mark.parametrize("body", [b"", b"<a>", b'{"a": 1}', b"<a/><b/>"])
def test_xml_needs_a_body_that_parses(body):
    assert not a_matcher(xml={"//a": "absent"}).holds(a_request("POST /", XML, body=body))


XML_SAID = [
    (b"<a>1</a>", XML, {"//a": 2}, "xml['//a']: expected '2', got '1'"),
    (b"<a>1</a>", XML, {"//b": "present"}, "xml['//b'] is missing"),
    (b"<a>", XML, {"//b": 1}, "body: expected XML, but it is not valid XML: Premature end of data in tag a line 1, line 1, column 4"),
    (b"{}", JSON, {"//b": 1}, "body: expected XML, but it is not valid XML: Start tag expected, '<' not found, line 1, column 1; its content-type is application/json"),
    (b"", XML, {"//b": 1}, "body: expected XML, but the body is empty; send an XML body"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "header", "xml", "said"), XML_SAID, ids=repr)
def test_a_difference_in_xml_says_where(body, header, xml, said):
    assert texts_of({"xml": xml}, a_request("POST /", header, body=body)) == [said]


DOCTYPES = [
    b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
    b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE a [+ADwAIQ-ENTITY x "y"+AD4-]+AD4-<a>&x;</a>',
]


@pytest.mark.parametrize("body", DOCTYPES)
def test_a_document_type_is_refused(body):
    request = a_request("POST /", XML, body=body)

    assert not a_matcher(xml={"//a": "present"}).holds(request)
    assert not a_matcher(xml={"//a": "absent"}).holds(request)


def test_xml_in_another_encoding():
    body = '<?xml version="1.0" encoding="iso-8859-1"?><a>Zoë</a>'.encode("latin1")

    assert a_matcher(xml={"//a": "Zoë"}).holds(a_request("POST /", XML, body=body))


@pytest.mark.parametrize(
    "query", ["//a\x00", "//", "//a[", "foo(1)", "$x", "document('x')", "re:test('a', 'b')"]
)
def test_what_is_no_xpath_is_a_flaw(query):
    (said,) = flaws_of(xml={query: "present"})

    assert "is not a valid XPath" in said


# JSONPath

STORE = {"items": [{"sku": "A1", "n": 1}, {"sku": "B2", "n": 20}], "error": None, "deep": {"items": [{"sku": "C3"}]}, "ref": "A."}  # fmt: skip
QUERIES = [
    {"$.items[*].sku": {"contains": "A1"}},
    {"$.items[*].sku": ["A1", "B2"]},
    {"$..sku": {"unordered": ["C3", "B2", "A1"]}},
    {"$..sku": ["A1", "B2", "C3"]},
    {"$..sku": {"length": 3}},
    {"$..sku": {"contains": {"starts_with": "C"}}},
    {"$.gone": "absent"},
    {"$.error": "present"},
    {"$.error": [None]},
    {"$.items[0]": [{"equals": {"sku": "A1", "n": 1}}]},
    {"$.items[-1].sku": ["B2"]},
    {"$.items[5]": "absent"},
    {"$.items[0:1].n": [1.0]},
    {"$.items[::-1].sku": ["B2", "A1"]},
    {"$.items[?@.n > 5].sku": ["B2"]},
    {"$.items[?@.n > 5 || @.sku == 'A1'].sku": ["A1", "B2"]},
    {"$.items[?!(@.n > 5)].sku": ["A1"]},
    {"$.items[?@.n == 1 && @.sku].sku": ["A1"]},
    {"$.items[?@.sku != 'A1'].n": [20]},
    {"$.items[?@.n >= 20].n": [20]},
    {"$.items[?@.n <= 1].n": [1]},
    {"$.items[?@.gone == $.gone].n": [1, 20]},
    {"$.items[?length(@.sku) == 2].n": [1, 20]},
    {"$[?count(@[*]) == 2][*].n": [1, 20]},
    {"$.items[?value(@..sku) == 'A1'].n": [1]},
    {"$.items[?match(@.sku, 'A.')].n": [1]},
    {"$.items[?match(@.sku, 'A')].n": "absent"},
    {"$.items[?search(@.sku, '1')].n": [1]},
    {"$.items[?match(@.sku, $.ref)].n": [1]},
    {"$.items[?match(@.n, '1')].n": "absent"},
    {"$.items[?match(@.sku, '(?=A)')].n": "absent"},
    {"$['items', 'error']": {"length": 2}},
    {"$": {"length": 1}},
]


@pytest.mark.parametrize("query", QUERIES, ids=repr)
def test_a_jsonpath_asks_for_the_list_of_found_values(query):
    assert a_matcher(jsonpath=query).holds(a_request(json=STORE))


def test_booleans_are_no_numbers_in_a_jsonpath_and_the_dot_is_no_line_end():
    assert a_matcher(jsonpath={"$[?@ == 1]": [1]}).holds(a_request(json=[True, 1, "1"]))
    assert a_matcher(jsonpath={"$[?match(@, 'a.')]": ["ab"]}).holds(a_request(json=["a\r", "a\n", "ab"]))
    assert a_matcher(jsonpath={"$[?@ < 'b']": ["a"]}).holds(a_request(json=["a", "b", 0, True]))


def test_a_jsonpath_needs_json_and_says_what_it_found():
    assert not a_matcher(jsonpath={"$.a": "absent"}).holds(a_request())
    assert texts_of({"jsonpath": {"$.a": {"contains": 1}}}, a_request(json={"a": 2})) == [
        "jsonpath['$.a']: expected to contain 1, got [2]"
    ]
    assert texts_of({"jsonpath": {"$.a": "present"}}, a_request(json={})) == ["jsonpath['$.a'] is missing"]
    assert texts_of({"jsonpath": {"$.a": "present", "$.b": "present"}}, a_request()) == [
        "body: expected JSON, but the body is empty; send a JSON body"
    ]


@pytest.mark.parametrize("query", ["", "a", "$[", "$.items[?@.n >]", "$.items[?nope(@)]", "$" + "[?(" * 5000])
def test_what_is_no_jsonpath_is_a_flaw(query):
    (said,) = flaws_of(jsonpath={query: "present"})

    assert "is not a valid JSONPath" in said


# Schemas

CHARGE = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "integer", "minimum": 1}},
}


def test_a_schema_inline_or_in_a_file():
    files = {"schemas/charge.json": json.dumps(CHARGE)}

    for schema in (CHARGE, "schemas/charge.json"):
        matcher = a_matcher(files, schema=schema)
        assert matcher.holds(a_request(json={"amount": 5}))
        assert not matcher.holds(a_request(json={"amount": "5"}))
        assert not matcher.holds(a_request(body=b"{"))
    assert a_matcher(schema=True).holds(a_request(json=5))
    assert not a_matcher(schema=False).holds(a_request(json=5))


def test_schemas_refer_to_each_other_within_the_folder():
    files = {
        "schemas/charge.json": json.dumps({"properties": {"card": {"$ref": "parts/card.json#/$defs/card"}}}),
        "schemas/parts/card.json": json.dumps({"$defs": {"card": {"type": "object"}}}),
    }
    matcher = a_matcher(files, schema="schemas/charge.json")

    assert matcher.holds(a_request(json={"card": {}}))
    assert not matcher.holds(a_request(json={"card": 5}))


def test_a_schema_says_what_it_refuses_and_where():
    request = a_request(json={"amount": 0, "x": "y" * 1000})
    (difference,) = a_matcher(schema=CHARGE).differences(request)

    assert difference.text == "json.amount: 0 is less than the minimum of 1"
    assert (difference.pointer, difference.actual, difference.expected) == ("/amount", 0, {"schema": "properties/amount/minimum"})  # fmt: skip
    assert len(a_matcher(schema={"type": "string"}).differences(request)[0].text) < 300


NO_SCHEMAS = [
    ({"type": "objekt"}, "schema.type: this is not a valid JSON Schema: "),
    ({"pattern": "(?=a)"}, "look-around"),
    (5, "schema: expected a JSON Schema, got 5"),
    ({"$ref": "http://example.com/x.json"}, "remote files are not loaded"),
    ({"$ref": "other.json"}, "there is no file 'other.json'"),
    ("gone.json", "schema: there is no file 'gone.json'"),
    ("broken.json", "schema: 'broken.json' is not valid JSON: "),
]


@pytest.mark.parametrize(("schema", "said"), NO_SCHEMAS, ids=repr)
def test_what_is_no_schema_is_a_flaw(schema, said):
    with pytest.raises(InvalidInputError) as refused:
        a_matcher({"broken.json": "{"}, schema=schema)

    assert said in str(refused.value)


# GraphQL

QUERY = "mutation CreateCharge($amount: Int!) { charge(amount: $amount) { id } }"
BODY = {"query": QUERY, "operationName": "CreateCharge", "variables": {"amount": 5, "card": {"type": "visa"}}}

GRAPHQL = [
    {"operation": "CreateCharge"},
    {"operation": {"starts_with": "Create"}},
    {"variables": {"amount": 5}},
    {"variables": {"amount": {"$gte": 5}, "card": {"type": "visa"}, "x": "$absent"}},
    {"type": "mutation"},
    {"type": {"not": "query"}},
    {"query": "mutation CreateCharge($amount: Int!) {\n  # comment\n  charge(amount: $amount) { id, }\n}"},
    {"query": {"contains": "charge("}},
    {},
]


@pytest.mark.parametrize("asked", GRAPHQL, ids=repr)
def test_a_graphql_request_in_a_json_body(asked):
    assert a_matcher(graphql=asked).holds(a_request(json=BODY))


@pytest.mark.parametrize(
    "asked",
    [
        {"operation": "createcharge"}, {"variables": {"amount": "5"}}, {"variables": "$absent"}, {"type": "query"},
        {"query": "{ charge { id } }"}, {"operation": "absent"},
    ],
    ids=repr,
)  # fmt: skip
def test_another_graphql_request(asked):
    assert not a_matcher(graphql=asked).holds(a_request(json=BODY))


def test_the_only_operation_gives_its_name_and_type():
    several = "query A { a } mutation B { b }"

    assert a_matcher(graphql={"operation": "CreateCharge"}).holds(a_request(json={"query": QUERY}))
    assert a_matcher(graphql={"operation": "absent", "type": "query"}).holds(
        a_request(json={"query": "{ a }"})
    )
    assert a_matcher(graphql={"operation": "absent", "type": "absent"}).holds(
        a_request(json={"query": several})
    )
    assert a_matcher(graphql={"type": "mutation"}).holds(
        a_request(json={"query": several, "operationName": "B"})
    )
    assert a_matcher(graphql={"variables": "$absent"}).holds(a_request(json={"query": QUERY}))


def test_graphql_by_get_by_upload_as_text_and_persisted():
    get = a_request("GET /graphql?query=query+Q+%7B+a+%7D&variables=%7B%22n%22%3A1%7D&operationName=Q")
    operations = multipart(('Content-Disposition: form-data; name="operations"', json.dumps(BODY).encode()))
    text = a_request("POST /", ("content-type", "application/graphql"), body=b"query Q { a }")
    persisted = a_request(json={"operationName": "Q", "extensions": {"persistedQuery": {"sha256Hash": "x"}}})

    assert a_matcher(graphql={"operation": "Q", "variables": {"n": 1}, "type": "query"}).holds(get)
    assert a_matcher(graphql={"operation": "CreateCharge", "variables": {"amount": 5}}).holds(
        upload(operations)
    )
    assert a_matcher(graphql={"operation": "Q"}).holds(text)
    assert a_matcher(graphql={"operation": "Q", "query": "absent"}).holds(persisted)


GRAPHQL_SAID = [
    ({"operation": "createCharge"}, BODY, ["graphql.operation: expected 'createCharge', got 'CreateCharge'; only the case differs"]),
    ({"variables": {"amount": "5"}}, BODY, ["graphql.variables.amount: expected '5', got 5, a number; send a text"]),
    ({"operation": "A", "type": "query"}, {"a": 1}, ["body: expected a GraphQL request, but it has neither query nor operationName"]),
    ({"operation": "A"}, [BODY], ["body: expected a GraphQL request, but it is a batch of GraphQL requests; send each as its own request"]),
    ({"type": "query"}, {"query": "{ a"}, ["graphql.type: expected 'query', but its query is not valid GraphQL: Syntax Error: Expected Name, found <EOF>."]),
    ({"type": "query"}, {"query": 5}, ["graphql.type: expected 'query', but it has no query"]),
    ({"variables": {"a": 1}}, {"b": 1}, ["body: expected a GraphQL request, but it has neither query nor operationName"]),
    ({"operation": "A"}, 5, ["body: expected a GraphQL request, but it has neither query nor operationName"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "body", "said"), GRAPHQL_SAID, ids=repr)
def test_a_difference_in_graphql(asked, body, said):
    assert texts_of({"graphql": asked}, a_request(json=body)) == said


def test_graphql_differences_point_into_the_body():
    (difference,) = a_matcher(graphql={"variables": {"amount": 6}}).differences(a_request(json=BODY))

    assert difference.pointer == "/variables/amount"


NO_GRAPHQL = [
    ({"operaton": "A"}, "graphql.operaton: unknown key 'operaton'. Did you mean 'operation'?"),
    ({"type": "mutate"}, "graphql.type: 'mutate' is not an operation type. Did you mean 'mutation'?"),
    ({"query": "{ a"}, "graphql.query: this can't be compared: its query is not valid GraphQL: Syntax Error: Expected Name, found <EOF>.. Write a GraphQL document"),
    ({"variables": {"a": {"$x": 1}}}, "graphql.variables.a.$x: unknown operator '$x'."),
    ({"operation": None}, "graphql.operation: expected a text, got null."),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "said"), NO_GRAPHQL, ids=repr)
def test_what_graphql_cannot_be_asked_is_a_flaw(asked, said):
    (flaw,) = flaws_of(graphql=asked)

    assert flaw.startswith(said)


# Extras


def test_a_jsonpath_library_of_another_version_is_named_at_once(monkeypatch):
    query = SimpleNamespace(segments=(("child", "a"),))
    other = SimpleNamespace(
        JSONPathEnvironment=lambda: SimpleNamespace(compile=lambda text: query), JSONPathError=ValueError
    )
    monkeypatch.setitem(sys.modules, "jsonpath_rfc9535", other)

    (said,) = flaws_of(jsonpath={"$.a": "present"})
    assert "the installed jsonpath-rfc9535 is not of version 1. Install the extra" in said


EXTRAS = [
    ("jsonpath_rfc9535", "jsonpath", {"jsonpath": {"$.a": "present"}}),
    ("jsonschema_rs", "schema", {"schema": {}}),
    ("lxml", "xml", {"xml": {"//a": "present"}}),
    ("graphql", "graphql", {"graphql": {"operation": "A"}}),
]


@pytest.mark.parametrize(("module", "extra", "match"), EXTRAS, ids=lambda value: str(value)[:20])
def test_a_library_that_is_not_installed_is_named_with_its_extra(module, extra, match, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingExtraError) as refused:
        a_matcher(**match)
    assert f"the extra mockserver[{extra}]" in str(refused.value)
    assert a_matcher(json={"a": 1}).holds(a_request(json={"a": 1}))

    with pytest.raises(InvalidInputError) as refused:
        a_matcher(**match, query={"a": None})
    assert len(refused.value.flaws) == 2
