"""Examples of an OpenAPI document: each is given where it can be, and those that are left out are told."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from support.recordings import Played

from mockserver.formats.openapi.reader import read
from mockserver.openapi.operations import operations_of
from mockserver.openapi.validators import Validators
from mockserver.scenarios.openapi_reading import read as read_specification

TEXT = {"type": "string"}
CAT = {
    "type": "object",
    "required": ["pet"],
    "properties": {"pet": TEXT, "meows": {"type": "string", "example": "loud"}},
}
DOG = {
    "type": "object",
    "required": ["pet"],
    "properties": {"pet": TEXT, "barks": {"type": "string", "example": "often"}},
}
EITHER = [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]
MAPPING = {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}


def document(schema, schemas=None, media=None, version="3.1.0"):
    content = {"application/json": {"schema": schema, **(media or {})}}
    return {
        "openapi": version, "info": {"title": "api", "version": "1"},
        "paths": {"/a": {"get": {"responses": {"200": {"description": "x", "content": content}}}}},
        "components": {"schemas": schemas or {"Cat": CAT, "Dog": DOG}},
    }  # fmt: skip


@pytest.fixture
def imported(tmp_path):
    """The body of the one reply, what is told on stderr, and what stands above the scenario about examples."""

    def make(*arguments, **options):
        source = tmp_path / "spec.json"
        source.write_text(json.dumps(document(*arguments, **options)))
        made = read(source)
        (route,) = made.scenarios["api"]["routes"]
        assert made.lost == []
        return (
            route["reply"]["json"],
            made.notes,
            [line for line in made.remarks["api"] if "left out" in line],
        )

    return make


def members(**properties):
    return {"type": "object", "properties": properties}


def test_an_example_of_a_wrong_type_is_left_out_and_the_others_stay(imported):
    body, notes, remarks = imported(
        members(
            count={"type": "integer", "example": "many"},
            name={"type": "string", "example": "saw"},
            tags={"type": "array", "items": {"type": "string", "example": "sharp"}},
            size={
                "type": "object",
                "properties": {
                    "cm": {"type": "number", "example": 12.5},
                    "kg": {"type": "number", "example": "x"},
                },
            },
        ),
        version="3.0.3",
    )
    assert (body["name"], body["tags"], body["size"]["cm"]) == ("saw", ["sharp"], 12.5)
    assert (type(body["count"]), type(body["size"]["kg"])) == (int, float)
    place = "spec.json: /paths/~1a/get/responses/200/content/application~1json/schema"
    assert notes == [
        f"2 examples are left out, for breaking the schema or in addition to the one that is used; the first at {place}."
    ]
    assert remarks == notes


def test_a_wrong_example_of_a_whole_object_gives_way_to_those_of_its_properties(imported):
    body, notes, _ = imported({**members(a={"type": "string", "example": "good"}), "example": {"a": 7}})
    assert body == {"a": "good"}
    assert notes[0].startswith("1 example is left out")


def test_of_several_examples_the_first_that_fits_is_given_and_a_default_after_them(imported):
    assert imported(members(a={"type": "string", "examples": [1, "two", "three"]}))[0] == {"a": "two"}
    assert imported(members(a={"type": "string", "examples": [1, 2], "default": "x"}))[0] == {"a": "x"}


def test_a_wrong_example_behind_a_reference_that_may_be_null_is_left_out_alone(imported):
    schemas = {"Sub": members(a={"type": "integer", "example": "x"}, b={"type": "string", "example": "good"})}
    body, notes, _ = imported(
        members(sub={"nullable": True, "allOf": [{"$ref": "#/components/schemas/Sub"}]}),
        schemas,
        version="3.0.3",
    )
    assert body["sub"]["b"] == "good"
    assert isinstance(body["sub"]["a"], int)
    assert len(notes) == 1


def test_a_default_of_null_counts_where_null_may_stand(imported):
    body, notes, _ = imported(
        members(a={"type": ["string", "null"], "default": None}, b={"type": "string", "default": None})
    )
    assert body["a"] is None
    assert isinstance(body["b"], str)
    assert notes == []


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ({"oneOf": EITHER, "discriminator": {"propertyName": "pet"}}, {"pet": "Cat", "meows": "loud"}),
        ({"oneOf": EITHER[::-1], "discriminator": {"propertyName": "pet", "mapping": MAPPING}}, {"pet": "dog", "barks": "often"}),
        ({**members(pet={**TEXT, "default": "dog"}), "oneOf": EITHER, "discriminator": {"propertyName": "pet", "mapping": MAPPING}}, {"pet": "dog", "barks": "often"}),
        ({**members(pet={"const": "Dog"}), "oneOf": EITHER, "discriminator": {"propertyName": "pet"}}, {"pet": "Dog", "barks": "often"}),
    ],
)  # fmt: skip
def test_one_of_several_with_a_discriminator_is_the_branch_that_it_names(imported, schema, body):
    assert imported(schema)[0] == body


def test_a_discriminator_that_lists_the_names_of_all_branches_gets_that_of_its_own(imported):
    named = {"type": "string", "enum": ["dog", "cat"]}
    schemas = {
        name: {**one, "properties": {**one["properties"], "pet": named}}
        for name, one in (("Cat", CAT), ("Dog", DOG))
    }
    body, _, _ = imported(
        {"oneOf": EITHER, "discriminator": {"propertyName": "pet", "mapping": MAPPING}}, schemas
    )
    assert body == {"pet": "cat", "meows": "loud"}


def test_a_value_that_fits_two_branches_is_judged_by_the_one_that_its_discriminator_names():
    schemas = {"Cat": CAT, "Dog": {**DOG, "required": ["pet", "barks"]}}
    data = json.dumps(document({"oneOf": EITHER, "discriminator": {"propertyName": "pet"}}, schemas)).encode()
    spec = read_specification("spec.json", lambda _name: data)
    (operation,) = operations_of(spec)
    (media,) = (node for _, node in operation.responses()["200"].mapping("content"))
    fits = Validators(spec).of(media.get("schema"), "reply").is_valid
    assert fits({"pet": "Dog", "barks": "x"})
    assert fits({"pet": "Cat", "barks": "x"})
    assert not fits({"pet": 7, "barks": "x"})
    assert not fits({"barks": "x"})


def test_examples_beside_the_one_that_is_given_are_counted(imported):
    values = {name: {"value": {"a": name}} for name in ("one", "two", "three")}
    body, notes, _ = imported(members(a=TEXT), media={"examples": values})
    assert body == {"a": "one"}
    assert notes[0].startswith("2 examples are left out")


WRITTEN = """
openapi: 3.1.0
info: {title: api, version: "1"}
paths:
  /whole: {get: {responses: {"200": {description: x, headers: {X-Fee: {required: true, example: 0.50, schema: {type: number}}},
    content: {application/json: {schema: {type: object, properties: {example: {type: number, minimum: 1.50}}}, example: {example: 10.50}}}}}}}
  /parts: {get: {responses: {"200": {description: x, content: {application/json: {schema: {type: object, properties: {
    a: {type: number, example: 1.10, maximum: 2.00}, b: {type: number, default: 0.00}, c: {type: number, examples: [3.30]}}}}}}}}}
"""


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_a_decimal_of_an_example_is_sent_as_written(tmp_path, kind):
    source = tmp_path / f"spec.{kind}"
    source.write_text(WRITTEN if kind == "yaml" else _as_json(yaml.safe_load(WRITTEN)))
    played = Played(read(source))
    whole = played.ask("GET /whole")
    assert whole.body == b'{"example":10.50}'
    assert whole.header("x-fee") == "0.50"
    assert played.ask("GET /parts").body == b'{"a":1.10,"b":0.00,"c":3.30}'


def _as_json(value):
    return re.sub(r"\b(\d+\.\d)\b", lambda found: f"{found[1]}0", json.dumps(value)).replace(
        "3.1.00", "3.1.0"
    )


def test_of_several_examples_the_first_that_the_schema_takes_is_given(imported):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    values = {"bad": {"value": {"n": "no"}}, "good": {"value": {"n": 7}}, "other": {"value": {"n": 8}}}

    body, _, above = imported(schema, media={"examples": values})

    assert body == {"n": 7}
    assert "2 examples are left out" in str(above)
    body, _, _ = imported(schema, media={"examples": {"bad": values["bad"]}})
    assert body == {"n": "no"}
