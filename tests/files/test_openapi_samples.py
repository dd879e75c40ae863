"""Whatever a schema asks for, its sample gives: judged by other validators than the one that is used inside."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker
from openapi_schema_validator import OAS30ReadValidator, OAS31Validator
from support.openapi import answering, written

from mockserver.formats.openapi.reader import read

FORMATS = ["date-time", "date", "email", "uuid", "ipv4", "ipv6", "uri", "hostname", "byte", "made-up"]
PATTERNS = [r"^[A-Z]{3}-\d{2,4}$", r"^(?:a|b)+c?$", r"\d", r"^[^x-z]{2}\.\w$", r"^(a)\1$", r"^x{0,3}$"]

texts = st.one_of(
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 30), st.integers(0, 5),
    ),
    st.sampled_from(FORMATS).map(lambda name: {"type": "string", "format": name}),
    st.sampled_from(PATTERNS).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.lists(st.text("ab", min_size=1), min_size=1, unique=True).map(lambda values: {"type": "string", "enum": values}),
)  # fmt: skip
numbers = st.one_of(
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-9, 9),
        st.integers(0, 9),
    ),
    st.integers(1, 9).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": 100}),
    st.integers(-5, 5).map(lambda low: {"type": "number", "minimum": low, "maximum": low + 0.5}),
    st.sampled_from(["int32", "int64"]).map(lambda name: {"type": "integer", "format": name}),
)
leaves = st.one_of(texts, numbers, st.just({"type": "boolean"}))


def apart(schema):
    """The same object with other names: two that disagree on one name take nothing together."""
    properties = {name.upper(): one for name, one in schema["properties"].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [name.upper() for name in schema["required"]],
    }


def collections(below):
    objects = st.dictionaries(st.sampled_from("abcdef"), below, max_size=4).flatmap(
        lambda properties: st.lists(st.sampled_from([*properties, "z"]), unique=True, max_size=3).map(
            lambda required: {"type": "object", "properties": properties, "required": required}
        )
    )
    return st.one_of(
        objects,
        st.builds(lambda a, b: {"allOf": [a, apart(b)]}, objects, objects),
        below.map(lambda one: {"type": "object", "additionalProperties": one, "minProperties": 2}),
        st.builds(
            lambda one, least: {"type": "array", "items": one, "minItems": least}, below, st.integers(0, 3)
        ),
        st.just({"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "minItems": 3}),
        below.map(
            lambda one: {
                "oneOf": [
                    {"type": "array", "maxItems": 0, "items": {}},
                    {"type": "object", "required": ["k"], "properties": {"k": one}},
                ]
            }
        ),
        below.map(lambda one: {"anyOf": [one, {"type": "boolean"}]}),
    )


schemas = st.recursive(leaves, collections, max_leaves=6)
exclusive = st.integers(-5, 5)


def sampled(schema, version):
    with TemporaryDirectory() as folder:
        imported = read(written(Path(folder), answering(schema, version), "spec.json"))
    assert imported.lost == []
    (document,) = imported.scenarios.values()
    return document["routes"][0]["reply"]["json"]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(schemas)
def test_a_sample_of_3_1_is_what_its_schema_says(schema):
    value = sampled(schema, "3.1.0")

    OAS31Validator(schema, format_checker=FormatChecker()).validate(value)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(schemas, exclusive)
def test_a_sample_of_3_0_is_what_its_dialect_says(schema, low):
    strict = {"type": "integer", "minimum": low, "exclusiveMinimum": True, "maximum": low + 1}
    whole = {
        "type": "object",
        "required": ["s", "n"],
        "properties": {"s": schema, "n": strict, "m": {**schema, "nullable": True}},
    }

    value = sampled(whole, "3.0.3")

    OAS30ReadValidator(whole).validate(value)
    assert value["n"] == low + 1


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": {"a": 1}}, {"a": 1}),
        ({"type": ["null", "boolean"], "enum": [None, True]}, None),
        ({"type": "null"}, None),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "b"}], "items": False}, [1, "b"]),
        ({"type": "string", "examples": ["given"], "minLength": 2}, "given"),
        ({"type": "string", "default": "usual"}, "usual"),
        ({"type": "object", "patternProperties": {"^k1$": {"const": 5}}, "additionalProperties": False}, {"k1": 5}),
        ({"type": "string", "pattern": "^(?<all>told)$"}, "told"),
        ({"anyOf": [{"type": "null"}, {"const": "told"}]}, "told"),
    ],
)  # fmt: skip
def test_what_the_author_said_is_given(schema, expected):
    assert sampled(schema, "3.1.0") == expected


def test_an_example_that_breaks_its_schema_gives_way_to_a_sample():
    schema = {
        "type": "object",
        "required": ["n"],
        "properties": {"n": {"type": "integer", "examples": ["five"]}},
    }

    assert isinstance(sampled(schema, "3.1.0")["n"], int)


def test_a_schema_that_holds_itself_ends(tmp_path):
    node = {"type": "object", "required": ["v"], "properties": {"v": {"const": 1}, "next": {"$ref": "#/components/schemas/Node"},
            "all": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}}  # fmt: skip
    imported = read(written(tmp_path, answering({"$ref": "#/components/schemas/Node"}, Node=node)))

    assert imported.scenarios["test"]["routes"][0]["reply"]["json"] == {
        "v": 1,
        "next": {"v": 1, "all": []},
        "all": [{"v": 1, "all": []}],
    }


def test_a_schema_without_an_end_is_told_as_lost(tmp_path):
    node = {
        "type": "object",
        "required": ["next"],
        "properties": {"next": {"$ref": "#/components/schemas/Node"}},
    }
    imported = read(written(tmp_path, answering({"$ref": "#/components/schemas/Node"}, Node=node)))

    assert imported.scenarios["test"]["routes"][0]["reply"] == 200
    (lost,) = imported.lost
    assert lost.place == "spec.yaml: /paths/~1x/get/responses/200/content/application~1json"
    assert "contains itself without an end" in lost.what


def test_a_discriminator_names_the_branch_that_is_given(tmp_path):
    cat = {"type": "object", "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}}}
    pet = {"oneOf": [{"$ref": "#/components/schemas/Cat"}], "discriminator": {"propertyName": "kind", "mapping": {"felis": "#/components/schemas/Cat"}}}  # fmt: skip
    imported = read(written(tmp_path, answering(pet, Cat=cat)))

    assert imported.scenarios["test"]["routes"][0]["reply"]["json"]["kind"] == "felis"


def test_samples_are_the_same_at_every_import_and_differ_between_operations(tmp_path):
    document = answering({"type": "string", "format": "uuid"})
    document["paths"]["/y"] = document["paths"]["/x"]
    path = written(tmp_path, document)

    first, second = (json.dumps(read(path).scenarios) for _ in range(2))

    assert first == second
    values = [route["reply"]["json"] for route in read(path).scenarios["test"]["routes"]]
    assert values[0] != values[1]


def test_what_only_a_client_sends_is_in_no_answer(tmp_path):
    schema = {
        "type": "object",
        "required": ["pin"],
        "properties": {"pin": {"type": "string", "writeOnly": True}, "id": {"const": 1}},
    }
    imported = read(written(tmp_path, answering({"type": "array", "items": schema})))

    assert imported.scenarios["test"]["routes"][0]["reply"]["json"][0].get("id") == 1
