"""What a schema says of a body, in plain words, and how it types the texts of a form."""

import json
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.resources import FORM, World

from mockserver.resources.schema import compile_schema
from mockserver.resources.shapes import SchemaShape


def said(schema, value):
    errors = compile_schema(schema, ("schema",), None).errors(value)
    return {error["field"]: error["message"] for error in errors}


def of(schema):
    return {"properties": {"a": schema}}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 1, "must be a text"),
        ({"type": "integer"}, "1", "must be a whole number"),
        ({"type": "integer"}, 1.5, "must be a whole number"),
        ({"type": "number"}, None, "must be a number"),
        ({"type": "boolean"}, 0, "must be true or false"),
        ({"type": "array"}, {}, "must be a list"),
        ({"type": "object"}, [], "must be an object"),
        ({"type": "null"}, 0, "must be null"),
        ({"type": ["null", "string"]}, 1, "must be a text or null"),
        ({"enum": ["usd", "eur", 1]}, "chf", 'must be one of "usd", "eur", 1'),
        ({"const": "card"}, "cash", 'must be "card"'),
        ({"minimum": 1}, 0, "must be at least 1"),
        ({"maximum": 5.5}, 6, "must be at most 5.5"),
        ({"exclusiveMinimum": 0}, 0, "must be more than 0"),
        ({"exclusiveMaximum": 9}, 9, "must be less than 9"),
        ({"multipleOf": 5}, 7, "must be a multiple of 5"),
        ({"minLength": 1}, "", "must not be empty"),
        ({"minLength": 3}, "ab", "must have at least 3 characters"),
        ({"maxLength": 1}, "ab", "must have at most 1 character"),
        ({"pattern": "^[a-z]+$"}, "A", "must match ^[a-z]+$"),
        ({"pattern": "^(?!test_).*$"}, "test_x", "must match ^(?!test_).*$"),
        ({"format": "email"}, "x", "must be an e-mail address"),
        ({"format": "date-time"}, "x", "must be a date and time such as 2026-01-31T12:00:00Z"),
        ({"format": "json-pointer"}, "x", "must be a valid json-pointer"),
        ({"minItems": 1}, [], "must have at least 1 item"),
        ({"maxItems": 1}, [1, 2], "must have at most 1 item"),
        ({"uniqueItems": True}, [1, 1], "must not have duplicate items"),
        ({"contains": {"const": 1}}, [2], "lacks a required item"),
        ({"minProperties": 1}, {}, "must have at least 1 field"),
        ({"maxProperties": 0}, {"b": 1}, "must have at most 0 fields"),
        (False, 1, "is not allowed"),
        ({"unevaluatedItems": False}, [1], "has an item that is not allowed"),
        ({"not": {"type": "string"}}, "x", "must not be like this"),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, 0, "must be at least 1"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "x", "must be a whole number or null"),
        ({"anyOf": [{"minimum": 5}, {"multipleOf": 2}]}, 3, "matches none of the allowed forms"),
        (
            {"anyOf": [{"type": "object"}, {"minimum": 5}, {"multipleOf": 2}]},
            3,
            "matches none of the allowed forms",
        ),
        ({"oneOf": [{"minimum": 5}, {"multipleOf": 2}]}, 6, "matches more than one of the allowed forms"),
    ],
)
def test_each_keyword_has_its_words(schema, value, message):
    assert said(of(schema), {"a": value}) == {"a": message}
    assert said(schema, value) == {"": message}


@pytest.mark.parametrize(
    ("schema", "value", "field", "message"),
    [
        ({"required": ["amount"]}, {}, "amount", "is required"),
        (of({"required": ["b"]}), {"a": {}}, "a.b", "is required"),
        (of({"items": {"required": ["sku"]}}), {"a": [{"sku": 1}, {}]}, "a[1].sku", "is required"),
        (of({"items": {"type": "string"}}), {"a": ["x", 1]}, "a[1]", "must be a text"),
        ({"properties": {"odd name": {"type": "string"}}}, {"odd name": 1}, "['odd name']", "must be a text"),
        ({"additionalProperties": False}, {"b": 1}, "b", "is unknown"),
        ({"unevaluatedProperties": False}, {"b": 1}, "b", "is unknown"),
        (of({"additionalProperties": False}), {"a": {"b": 1}}, "a.b", "is unknown"),
        ({**of({}), "additionalProperties": False}, {"a": 1, "b": 1}, "b", "is unknown"),
        (
            {"patternProperties": {"^a": {}}, "additionalProperties": False},
            {"a": 1, "b": 1},
            "b",
            "is unknown",
        ),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "b", "is required"),
        ({"propertyNames": {"pattern": "^[a-z]+$"}}, {"A": 1}, "A", "is not an allowed name"),
        ({"$ref": "#/$defs/x", "$defs": {"x": of({"type": "string"})}}, {"a": 1}, "a", "must be a text"),
        (
            {
                "oneOf": [
                    {"properties": {"kind": {"const": "card"}, "number": {"type": "string"}}},
                    {"properties": {"kind": {"const": "cash"}}},
                ]
            },
            {"kind": "card", "number": 4},
            "number",
            "must be a text",
        ),
    ],
)
def test_the_field_is_the_one_to_mend(schema, value, field, message):
    assert said(schema, value) == {field: message}


def test_all_errors_are_told_at_once_each_once():
    schema = {
        "allOf": [{"required": ["a", "b"]}, {"required": ["a"]}],
        "properties": {"c": {"type": "string", "minLength": 3}},
    }
    assert said(schema, {"c": "x"}) == {
        "a": "is required",
        "b": "is required",
        "c": "must have at least 3 characters",
    }
    assert len(compile_schema(schema, (), None).errors({"c": "x"})) == 3


def test_errors_come_in_the_order_of_their_fields():
    schema = {"required": ["c", "a"], "properties": {"b": {"type": "string"}}, "additionalProperties": False}
    errors = compile_schema(schema, (), None).errors({"d": 1, "b": 1})
    assert [error["field"] for error in errors] == ["a", "b", "c", "d"]


def test_no_more_than_100_errors_are_told():
    assert len(said({"items": {"type": "string"}}, list(range(5000)))) == 100


def test_each_unknown_field_is_named_where_the_schema_names_none():
    assert said(of({"additionalProperties": False}), {"a": {"b": 1, "c": 2}}) == {
        "a.b": "is unknown",
        "a.c": "is unknown",
    }


def test_a_pattern_that_backtracks_gives_up():
    assert said(of({"pattern": "^(?=(a+)+$)(a|a)*c$"}), {"a": "a" * 5000 + "b"})["a"]


def test_a_lone_surrogate_is_no_text():
    assert said(of({"type": "integer"}), {"a": "\ud800"}) == {
        "": "must contain only Unicode texts, without lone surrogates"
    }


def test_numbers_of_any_size_are_judged():
    assert said(of({"maximum": 10}), {"a": 10**400}) == {"a": "must be at most 10"}


@pytest.mark.slow
def test_without_its_library_a_schema_names_the_extra():
    script = """
        import sys
        sys.modules["jsonschema_rs"] = None
        from mockserver.errors import MissingExtraError
        from mockserver.resources.schema import compile_schema
        try:
            compile_schema({}, ("schema",), None)
        except MissingExtraError as why:
            print(why)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert (
        done.stdout.strip()
        == "schema: `schema` needs a library that is not installed. Install the extra mockserver[schema]"
    )


# Forms

CHARGE = {
    "properties": {
        "amount": {"type": "integer"},
        "rate": {"type": "number"},
        "paid": {"type": "boolean"},
        "note": {"type": ["string", "null"]},
        "count": {"type": ["integer", "null"]},
        "level": {"enum": [1, 2]},
        "card": {"type": "object", "properties": {"exp": {"type": "integer"}, "ids": {"type": "object"}}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "meta": {"additionalProperties": {"type": "integer"}},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "$defs": {"line": {"properties": {"n": {"type": "integer"}, "again": {"$ref": "#/$defs/line"}}}},
}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("amount=3", {"amount": 3}),
        ("amount=-3", {"amount": -3}),
        ("rate=1.5&rate2=1.5", {"rate": 1.5, "rate2": "1.5"}),
        ("rate=3", {"rate": 3}),
        ("rate=1e3", {"rate": 1000.0}),
        ("paid=true", {"paid": True}),
        ("paid=false", {"paid": False}),
        ("note=3", {"note": "3"}),
        ("note=", {"note": ""}),
        ("count=", {"count": None}),
        ("count=null", {"count": None}),
        ("level=2", {"level": 2}),
        ("either=2", {"either": 2}),
        ("card[exp]=12&card[name]=Zo%C3%AB", {"card": {"exp": 12, "name": "Zoë"}}),
        ("card[a][b][c]=1", {"card": {"a": {"b": {"c": "1"}}}}),
        ("tags=a", {"tags": ["a"]}),
        ("tags=a&tags=b", {"tags": ["a", "b"]}),
        ("tags[]=a&tags[]=b", {"tags": ["a", "b"]}),
        ("sizes[0]=1&sizes[1]=2", {"sizes": [1, 2]}),
        ("sizes[1]=1&sizes[0]=2", {"sizes": [2, 1]}),
        (
            "lines[0][n]=1&lines[1][n]=2&lines[1][again][n]=3",
            {"lines": [{"n": 1}, {"n": 2, "again": {"n": 3}}]},
        ),
        ("meta[a]=1&meta[b]=2", {"meta": {"a": 1, "b": 2}}),
        ("rate=1e200", {"rate": 1e200}),
        ("card[ids][0]=a&card[ids][1]=b", {"card": {"ids": {"0": "a", "1": "b"}}}),
        ("free=1&free=2", {"free": ["1", "2"]}),
        ("free[0]=a", {"free": ["a"]}),
        ("free[1]=a", {"free": {"1": "a"}}),
        ("odd[=1&]=2&=3", {"odd[": "1", "]": "2", "": "3"}),
    ],
)
def test_a_form_is_typed_and_nested(form, expected):
    made = World({"schema": CHARGE, "id": "x{{ n }}"}).ask("POST", "/items", form.encode(), content_type=FORM)
    assert made.json == {"id": "x1", **expected}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("amount=x", "must be a whole number"),
        ("amount=1.5", "must be a whole number"),
        ("amount=", "must be a whole number"),
    ],
)
def test_what_is_not_of_its_type_stays_a_text_and_is_invalid(form, message):
    refused = World({"schema": CHARGE}).ask("POST", "/items", form.encode(), content_type=FORM)
    assert refused.json == {"errors": [{"field": "amount", "message": message}]}


def test_a_number_beyond_all_is_no_number():
    refused = World({"schema": CHARGE}).ask("POST", "/items", b"rate=1e999", content_type=FORM)
    assert refused.json == {"errors": [{"field": "rate", "message": "must be a number"}]}


def test_without_a_schema_every_text_stays_one():
    made = World({}).ask("POST", "/items", b"amount=3&paid=true&card[exp]=1&tags[]=a", content_type=FORM)
    assert made.json == {"id": 1, "amount": "3", "paid": "true", "card": {"exp": "1"}, "tags": ["a"]}


def test_a_multipart_form_is_read_like_any_other():
    body = b'--x\r\nContent-Disposition: form-data; name="card[exp]"\r\n\r\n12\r\n--x--\r\n'
    made = World({"schema": CHARGE}).ask(
        "POST", "/items", body, content_type="multipart/form-data; boundary=x"
    )
    assert made.json == {"id": 1, "card": {"exp": 12}}


@pytest.mark.parametrize(
    ("form", "field"),
    [("a=1&a[b]=2", "a"), ("a[b]=2&a=1", "a"), ("a[b]=1&a[b][c]=1", "a.b"), ("a[b][c]=1&a[b]=1", "a.b")],
)
def test_a_name_is_a_text_or_a_group(form, field):
    refused = World({}).ask("POST", "/items", form.encode(), content_type=FORM)
    assert refused.json == {"errors": [{"field": field, "message": "is both a text and a group of fields"}]}


def test_a_form_can_not_nest_without_end():
    refused = World({}).ask("POST", "/items", b"a" + b"[b]" * 101 + b"=1", content_type=FORM)
    assert refused.json == {"errors": [{"field": "a", "message": "is nested deeper than 100 levels"}]}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("#/$defs/a", 1),
        ("#/$defs/odd~1name", 1),
        ("#/anyOf/0", 1),
        ("#/%24defs/a", 1),
        ("#/anyOf/9", "1"),
        ("#/anyOf/x", "1"),
        ("#/$defs/a/type/x", "1"),
        ("#anchor", "1"),
        ("other.json", "1"),
    ],
)
def test_a_reference_within_the_document_is_followed(reference, value):
    whole = {"type": "integer"}
    document = {
        "$defs": {"a": whole, "odd/name": whole},
        "properties": {"n": {"$ref": reference}},
        "anyOf": [whole],
    }
    assert SchemaShape.of(document).field("n").typed("1") == value


SCALARS = st.one_of(
    st.integers(-(10**20), 10**20), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)


def type_of(value):
    return {bool: "boolean", int: "integer", float: "number", str: "string"}[type(value)]


@given(SCALARS)
def test_a_text_is_typed_back_into_the_value_that_it_was_written_from(value):
    text = value if isinstance(value, str) else json.dumps(value)
    assert SchemaShape.of({"type": type_of(value)}).typed(text) == value


@given(
    st.recursive(
        st.booleans()
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "$ref", "anyOf", "a"]),
            st.sampled_from(["string", "#", "#/a", "#/items/x", "#/anyOf/3"]),
        ),
        lambda below: st.dictionaries(
            st.sampled_from(["properties", "items", "anyOf", "a", "$ref"]),
            below | st.lists(below, max_size=3),
            max_size=4,
        ),
        max_leaves=8,
    )
)
def test_a_shape_reads_any_document_without_failing(document):
    shape = SchemaShape.of(document)
    assert shape.field("a").item().field("b").typed("x") == "x"
