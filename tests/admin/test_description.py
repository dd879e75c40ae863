"""The API's word on itself: health, `openapi.json`, and the schema of the language."""

import re
from pathlib import Path

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.admin import described

from mockserver import __version__
from mockserver.admin import tables
from mockserver.admin.api import AdminApi
from mockserver.scenarios.yaml.yaml12 import parse

PROJECT = Path(__file__).parents[2]


def test_health_tells_what_is_served(serving):
    health = serving("routes: [{request: GET /a, reply: 200}, {request: GET /b, reply: 200}]").admin.get(
        "/health"
    )

    assert health["uptime_s"] >= 0
    assert {key: health[key] for key in ("status", "version", "scenarios", "routes")} == {
        "status": "ok", "version": __version__, "scenarios": 1, "routes": 2,
    }  # fmt: skip


@pytest.mark.slow
def test_openapi_json_is_valid_openapi_3_1(serving):
    document = serving().admin.get("/openapi.json")

    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == __version__


def test_every_served_call_stands_in_openapi_json_and_the_other_way_round(serving):
    server = serving()
    api = next(listener._admin for listener in server.app._listeners if listener._admin is not None)
    assert isinstance(api, AdminApi)
    served = {(method, path) for path, methods in api._by_path.items() for method in methods}

    paths = server.admin.get("/openapi.json")["paths"]

    plain = {path: operations for path, operations in paths.items() if "/@{namespace}" not in path}
    described_ = {(method.upper(), path) for path, operations in plain.items() for method in operations}
    of_another_protocol = {("POST", "/__admin/mcp")}
    assert described_ | of_another_protocol == {(method, f"/__admin{path}") for method, path in served}
    assert not described_ & of_another_protocol


def test_calls_of_a_namespace_stand_below_its_name_as_well(serving):
    paths = serving().admin.get("/openapi.json")["paths"]

    named = {
        (method.upper(), path.replace("/@{namespace}", ""))
        for path, operations in paths.items()
        for method in operations
        if "/@{namespace}" in path
    }
    assert named == {(one.method, f"/__admin{one.path}") for one in tables.all_endpoints() if one.namespaced}


def test_every_operation_has_an_id_of_its_own():
    ids = [
        operation["operationId"]
        for operations in described()["paths"].values()
        for operation in operations.values()
    ]

    assert len(ids) == len(set(ids))


def test_every_parameter_of_a_path_is_described():
    for path, operations in described()["paths"].items():
        for operation in operations.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), path


def test_every_reference_leads_somewhere():
    document = described()
    for name in set(re.findall(r"'#/components/schemas/([^']+)'", str(document))):
        assert name in document["components"]["schemas"]


@pytest.mark.parametrize("path", ["/nothing", "/call", "/calls/1/2", "/@default/nothing"])
def test_an_unknown_call_is_404(serving, path):
    serving().admin.refused(404, "GET", path)


def test_a_near_name_is_offered_for_an_unknown_call(serving):
    assert "'/__admin/counts'" in serving().admin.refused(404, "GET", "/coounts")["detail"]


def test_a_wrong_method_is_405_with_what_is_allowed(serving):
    answer = serving().admin.call("DELETE", "/scenarios")

    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD, POST")


def test_head_is_answered_as_get(serving):
    answer = serving().admin.call("HEAD", "/health")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.header("content-length")) > 0


def test_an_unknown_namespace_is_404_that_names_it(serving):
    assert "nobody" in serving().admin.refused(404, "GET", "/@nobody/calls")["title"]


def test_the_default_namespace_can_be_named(serving):
    server = serving()
    server.ask("POST", "/data")

    assert server.admin.get("/@default/calls")["items"] == server.calls("")


# The schema of the language


@pytest.fixture(scope="module")
def validator():
    from mockserver.schema.scenario import schema_document

    return jsonschema_rs.Draft202012Validator(schema_document())


def test_the_schema_is_served_as_it_is_printed(serving):
    from mockserver.schema.scenario import schema_document

    document = serving().admin.get("/schema/scenario.json")

    assert document == schema_document()
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert jsonschema_rs.meta.is_valid(document)


def shipped():
    return sorted((PROJECT / "scenarios").glob("**/*.yaml"))


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name)
def test_every_shipped_scenario_agrees_with_the_schema(validator, path):
    validator.validate(parse(path.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        "routes: [{request: POST /data, reply: [503, 503, {json: {success: true}}]}]",
        "routes: [{request: GET /a, reply: {headers: {a: [1, b], c: true}, delay: {min: 1ms, max: 2s}}}]",
        "routes: [{request: GET /a, reply: {fault: {kind: reset, after: 3 events}, throttle: 10KB/s}}]",
        "routes: [{request: 'GET /a/{id:\\d+}', expect: {min: 1}, reply: {status: '{{ 200 }}', times: 2}}]",
        "routes: [{request: ANY /a, match: {headers: {a: present, b: {one_of: [1, 2]}}, json: {a: {$gt: 1}}}, reply: 200}]",
        "x-own: {a: 1}\nscenario: a b\nbase: /v1\nvars: {a: 1}\ndefaults: {delay: 5ms, headers: {a: b}}\nroutes: []",
        "{}",
    ],
)
def test_what_is_right_agrees_with_the_schema(validator, text):
    from mockserver.scenarios.loader import from_text

    from_text(text, "right")
    validator.validate(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "routes: [{request: POST /data, reply: 99}]",
        "routes: [{request: POST /data}]",
        "routes: [{reply: 200}]",
        "routes: [{request: POST data, reply: 200}]",
        "routes: [{request: POST /data, reply: {stauts: 200}}]",
        "routes: [{request: POST /data, reply: 200, then: again}]",
        "routes: [{request: POST /data, reply: {headers: {a: {b: c}}}}]",
        "rotues: []",
        "routes: [{request: POST /data, reply: []}]",
        "routes: [{request: GET /a, match: {headers: {a: {matchez: b}}}, reply: 200}]",
    ],
)
def test_what_is_wrong_disagrees_with_the_schema(validator, text):
    assert not validator.is_valid(parse(text))
