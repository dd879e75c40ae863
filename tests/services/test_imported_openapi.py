"""An imported specification, served over a real socket: each operation gives its documented status, and a body that fits."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from support.openapi import shop, spec, written

from mockserver.formats.openapi.reader import read
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec


@pytest.fixture
def served(tmp_path, serving):
    def serve(document):
        made = read(written(tmp_path, document))
        return serving({f"{name}.yaml": dump(one, ScenarioSpec) for name, one in made.scenarios.items()})

    return serve


def test_each_operation_gives_its_documented_status(served):
    server = served(shop())

    asked = {
        ("GET", "/v2/orders"): 200, ("POST", "/v2/orders"): 201, ("GET", "/v2/orders/7"): 200,
        ("DELETE", "/v2/orders/7"): 204, ("GET", "/v2/orders/latest"): 200,
    }  # fmt: skip
    assert {line: server.ask(*line).status for line in asked} == asked
    assert re.fullmatch(r"o-\d{4}", server.ask("GET", "/v2/orders/latest").text)


def test_a_served_sample_fits_its_schema(served):
    server = served(shop())

    order = json.loads(server.ask("GET", "/v2/orders/7").text)

    schema = shop()["components"]["schemas"]["Order"]
    schema["properties"]["amount"] = {"exclusiveMinimum": 0}
    schema["properties"]["note"]["type"] = ["string", "null"]
    schema["properties"].pop("parent")
    Draft202012Validator(schema).validate(order)


def test_hundreds_of_operations_are_read_and_each_is_answered(served):
    paths = {}
    for n in range(600):
        schema = {
            "type": "object",
            "required": ["n"],
            "properties": {"n": {"const": n}, "all": {"$ref": "#/components/schemas/Big"}},
        }
        paths[f"/a{n % 40}/{{id}}/b{n}"] = {
            "get": {
                "operationId": f"op{n}",
                "responses": {
                    "200": {"description": "x", "content": {"application/json": {"schema": schema}}}
                },
            }
        }
    big = {"type": "object", "properties": {f"p{n}": {"type": "string", "format": "uuid"} for n in range(30)}}
    server = served(json.dumps(spec(paths, components={"schemas": {"Big": big}})))

    for n in range(0, 600, 30):
        assert json.loads(server.ask("GET", f"/a{n % 40}/x/b{n}").text)["n"] == n
