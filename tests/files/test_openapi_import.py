"""What becomes of a specification: routes and resources, and a word on everything that doesn't come over."""

import sys
from random import Random

import pytest
from support.openapi import answering, shop, spec, written

from mockserver.errors import InvalidInputError, MissingExtraError
from mockserver.formats.openapi.reader import read
from mockserver.scenarios.loader import from_text
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec


def imported(tmp_path, document, name="spec.yaml"):
    return read(written(tmp_path, document, name))


def scenario(tmp_path, document):
    (made,) = imported(tmp_path, document).scenarios.values()
    return made


def reply(tmp_path, responses, **more):
    return scenario(tmp_path, spec({"/x": {"get": {"responses": responses}}}, **more))["routes"][0]["reply"]


def flaws(tmp_path, document, name="spec.yaml"):
    with pytest.raises(InvalidInputError) as caught:
        imported(tmp_path, document, name)
    return [str(flaw) for flaw in caught.value.flaws]


def content(value, kind="application/json"):
    return {"description": "x", "content": {kind: value}}


def test_a_specification_becomes_one_scenario_with_a_route_for_each_operation(tmp_path):
    made = imported(tmp_path, shop())

    assert list(made.scenarios) == ["the-shop"]
    document = made.scenarios["the-shop"]
    assert document["base"] == "/v2"
    assert document["description"] == "The Shop 2"
    assert [route["request"] for route in document["routes"]] == [
        "GET /orders",
        "POST /orders",
        "GET /orders/latest",
        "GET /orders/{order-id}",
        "DELETE /orders/{order-id}",
    ]
    listed, post, latest, _, delete = document["routes"]
    assert post["reply"] == {
        "status": 201,
        "json": {"id": 7, "amount": 20, "currency": "eur", "note": None, "status": "open"},
    }
    assert listed["tags"] == ["orders"]
    assert delete == {"name": "dropOrder", "request": "DELETE /orders/{order-id}", "reply": 204}
    assert latest["reply"]["text"].startswith("o-")


def test_what_is_made_loads_as_it_is_dumped(tmp_path):
    for name, document in imported(tmp_path, shop()).scenarios.items():
        source = from_text(dump(document, ScenarioSpec), name)

        assert source.name == "the-shop"
        assert source.data == document


@pytest.mark.parametrize("name", ["spec.json", "spec.yaml", "spec.txt"])
def test_json_and_yaml_say_the_same(tmp_path, name):
    (tmp_path / "other").mkdir()
    asked = imported(tmp_path, shop(), name).scenarios

    assert asked == read(written(tmp_path / "other", shop(), "api.json")).scenarios


# The answer


@pytest.mark.parametrize(
    ("documented", "status"),
    [
        (["404", "201", "200"], 200),
        (["default", "202"], 202),
        (["2XX", "400"], 200),
        (["default", "302"], 302),
        (["default"], 200),
        (["404", "503"], 404),
        (["5XX"], 500),
    ],
)
def test_the_success_is_given_before_all_others(tmp_path, documented, status):
    assert reply(tmp_path, {one: {"description": "x"} for one in documented}) == status


def test_an_example_is_given_as_it_stands(tmp_path):
    named = content({"examples": {"one": {"$ref": "#/components/examples/One"}, "two": {"value": 2}}})

    assert reply(tmp_path, {"200": named}, components={"examples": {"One": {"value": {"a": "{{ b }}"}}}}) == {
        "json": {"a": "{{ b }}"},
        "raw": True,
    }


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("application/hal+json", {"example": 1}, {"headers": {"content-type": "application/hal+json"}, "json": 1}),
        ("text/html", {"example": "<p>"}, {"html": "<p>"}),
        ("text/csv", {"example": "a,b"}, {"headers": {"content-type": "text/csv"}, "text": "a,b"}),
        ("application/x-www-form-urlencoded", {"example": {"a": 1}}, {"form": {"a": 1}}),
        ("text/event-stream", {"schema": {"const": {"a": 1}}}, {"events": [{"data": {"a": 1}}]}),
        ("application/xml", {"schema": {"type": "object", "xml": {"name": "o"}, "properties": {
            "id": {"const": 1, "xml": {"attribute": True}},
            "tags": {"type": "array", "xml": {"wrapped": True}, "items": {"const": "a<b", "xml": {"name": "tag"}}},
            "n": {"type": "array", "items": {"const": 2}}}}}, {"xml": '<o id="1"><tags><tag>a&lt;b</tag></tags><n>2</n></o>'}),
    ],
)  # fmt: skip
def test_each_kind_of_body_is_written_as_a_person_would(tmp_path, kind, value, expected):
    assert reply(tmp_path, {"200": content(value, kind)}) == expected


def test_bytes_are_given_where_only_a_media_type_is_told(tmp_path):
    made = reply(tmp_path, {"200": content({}, "image/png")})

    assert made["headers"] == {"content-type": "image/png"}
    assert made["base64"]


def test_headers_that_must_be_there_are(tmp_path):
    headers = {
        "x-rate": {"required": True, "schema": {"const": 60}},
        "x-maybe": {"schema": {"const": 1}},
        "Location": {"example": "/x/1"},
        "Content-Type": {"required": True, "schema": {"const": "no"}},
    }
    made = imported(
        tmp_path, spec({"/x": {"get": {"responses": {"201": {"description": "x", "headers": headers}}}}})
    )

    assert made.scenarios["test"]["routes"][0]["reply"] == {
        "status": 201,
        "headers": {"x-rate": "60", "Location": "/x/1"},
    }
    assert "1 optional headers of answers are left out." in made.remarks["test"]


def test_examples_that_break_their_schema_are_given_and_told(tmp_path):
    made = imported(
        tmp_path,
        spec({"/x": {"get": {"responses": {"200": content({"schema": {"type": "string"}, "example": 5})}}}}),
    )

    assert made.scenarios["test"]["routes"][0]["reply"]["json"] == 5
    assert any(
        "1 examples" in remark and "/paths/~1x/get/responses/200" in remark for remark in made.remarks["test"]
    )


# Paths


def test_concrete_paths_are_asked_before_templated_ones(tmp_path):
    paths = {name: {"get": {"responses": {"200": {"description": "x"}}}} for name in
             ("/a/{x}/c", "/{w}/{x}/c", "/a/b/c", "/a/{x.y}", "/a/v{n}", "/a/v1", "/a")}  # fmt: skip

    assert [route["request"] for route in scenario(tmp_path, spec(paths))["routes"]] == [
        "GET /a/b/c", "GET /a/{x}/c", "GET /{w}/{x}/c", "GET /a/v1", "GET /a/v{n}", "GET /a/{x_y}", "GET /a",
    ]  # fmt: skip


def test_a_path_that_no_route_can_have_is_lost_with_its_place(tmp_path):
    operation = {"get": {"responses": {"200": {"description": "x"}}}}
    made = imported(
        tmp_path,
        spec(
            {
                "/a?b=1": operation,
                "/{a}{b}": operation,
                "/{a": operation,
                "/__admin/x": operation,
                "/ok": operation,
            }
        ),
    )

    assert [route["request"] for route in made.scenarios["test"]["routes"]] == ["GET /ok"]
    assert [lost.place for lost in made.lost] == [
        "spec.yaml: /paths/~1a?b=1/get", "spec.yaml: /paths/~1{a/get", "spec.yaml: /paths/~1{a}{b}/get",
        "spec.yaml: /paths/~1__admin~1x/get",
    ]  # fmt: skip


def test_what_has_no_counterpart_is_lost_with_its_place(tmp_path):
    operation = {
        "responses": {"200": {"description": "x", "links": {"next": {"operationId": "x"}}}},
        "callbacks": {"paid": {"{$request.body#/url}": {"post": {"responses": {}}}}},
        "servers": [{"url": "https://other.example/other"}],
    }
    document = spec({"/x": {"get": operation}}, servers=[{"url": "/v1"}, {"url": "http://{host}/v2", "variables": {"host": {"default": "a"}}}],
                    webhooks={"gone": {"post": {"responses": {}}}})  # fmt: skip

    assert {(lost.place, lost.what.split(" ")[1]) for lost in imported(tmp_path, document).lost} == {
        ("spec.yaml: /servers", "server"),
        ("spec.yaml: /paths/~1x/get/responses/200/links/next", "link"),
        ("spec.yaml: /paths/~1x/get/callbacks/paid", "callback"),
        ("spec.yaml: /webhooks/gone", "webhook"),
        ("spec.yaml: /paths/~1x/get", "own"),
    }


def test_a_pattern_that_is_none_is_lost_and_the_rest_of_its_schema_holds(tmp_path):
    made = imported(tmp_path, answering({"type": "string", "pattern": "(", "minLength": 3}))

    assert len(made.scenarios["test"]["routes"][0]["reply"]["json"]) >= 3
    assert [lost.place.rpartition("/")[2] for lost in made.lost] == ["pattern"]


# Auth


@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        ({"type": "http", "scheme": "Bearer"}, {"bearer": ["test-token"]}),
        ({"type": "http", "scheme": "basic"}, {"basic": {"test": "test"}}),
        ({"type": "oauth2", "flows": {}}, {"bearer": ["test-token"]}),
        (
            {"type": "apiKey", "in": "query", "name": "key"},
            {"api_key": {"query": "key", "values": ["test-token"]}},
        ),
    ],
)
def test_security_is_written_down_and_not_yet_asked(tmp_path, scheme, auth):
    document = spec({}, components={"securitySchemes": {"a": scheme}}, security=[{"a": []}])

    made = scenario(tmp_path, document)

    assert made["x-auth"] == auth
    asking = {("auth" if key == "x-auth" else key): value for key, value in made.items()}
    from_text(dump(asking, ScenarioSpec), "it")


def test_security_without_a_counterpart_is_lost(tmp_path):
    document = spec({}, components={"securitySchemes": {"a": {"type": "mutualTLS"}}}, security=[{"a": []}])

    assert [lost.place for lost in imported(tmp_path, document).lost] == [
        "spec.yaml: /components/securitySchemes/a"
    ]


# Resources

ITEM = {
    "type": "object",
    "required": ["id", "name", "made"],
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "made": {"type": "string", "format": "date"},
    },
}
NEW = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def crud(envelope=None, **parameters):
    item = content({"schema": {"$ref": "#/components/schemas/Item"}})
    listed = {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}
    listed = (
        {"type": "object", "properties": {**envelope, "data": listed}} if envelope is not None else listed
    )
    body = {"content": {"application/json": {"schema": NEW}}}
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in parameters.items()]
    return spec(
        {
            "/items": {
                "get": {"parameters": query, "responses": {"200": content({"schema": listed})}},
                "post": {"requestBody": body, "responses": {"201": item}},
            },
            "/items/{itemId}": {
                "get": {"responses": {"200": item, "404": {"description": "x"}}},
                "put": {"requestBody": body, "responses": {"200": item}},
                "delete": {"responses": {"204": {"description": "x"}}},
            },
        },
        components={"schemas": {"Item": ITEM}},
    )


def test_plain_crud_becomes_a_resource(tmp_path):
    made = scenario(tmp_path, crud(page={"type": "integer"}, per_page={"type": "integer", "default": 2}))

    assert made["routes"] == []
    (resource,) = made["resources"]
    assert resource["path"] == "/items"
    assert resource["update"] == ["PUT"]
    assert resource["page"] == {"number": "page", "size": "per_page", "default": 2}
    assert [one["id"] for one in resource["seed"]] == [1, 2, 3]
    assert set(resource["new"]) == {"made"}


def test_an_envelope_is_read_where_its_words_are_known(tmp_path):
    envelope = {"total": {"type": "integer"}, "hint": {"type": "string"}}

    (resource,) = scenario(tmp_path, crud(envelope, offset={"type": "integer"}, limit={"type": "integer"}))[
        "resources"
    ]

    assert resource["page"] == {
        "offset": "offset",
        "limit": "limit",
        "envelope": {"total": "total", "data": "items"},
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda paths: paths["/items"].pop("post"),
        lambda paths: paths["/items/{itemId}"].pop("delete"),
        lambda paths: paths["/items"]["post"]["responses"].update(
            {"200": {"description": "not as a resource answers"}}
        ),
        lambda paths: paths["/items/{itemId}"]["get"].update(
            responses={"200": content({"schema": {"type": "string"}})}
        ),
        lambda paths: paths["/items"].update(patch={"responses": {"200": {"description": "all at once"}}}),
    ],
)
def test_what_is_not_plainly_crud_stays_routes(tmp_path, change):
    document = crud()
    change(document["paths"])

    made = scenario(tmp_path, document)

    assert "resources" not in made
    assert len(made["routes"]) == sum(len(item) for item in document["paths"].values())


# Files beside, and what is wrong


def test_references_lead_to_files_beside_and_on_from_there(tmp_path):
    (tmp_path / "schemas").mkdir()
    written(
        tmp_path,
        {
            "Pet": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"$ref": "kind.json#/$defs/Kind"}},
            }
        },
        "schemas/pet.yaml",
    )
    written(tmp_path, {"$defs": {"Kind": {"const": "cat"}}}, "schemas/kind.json")

    made = scenario(tmp_path, answering({"$ref": "./schemas/pet.yaml#/Pet"}))

    assert made["routes"][0]["reply"]["json"] == {"kind": "cat"}


def test_a_reference_that_leads_nowhere_is_told_with_file_and_pointer(tmp_path):
    (said,) = flaws(tmp_path, answering({"$ref": "#/components/schemas/Gone"}))

    assert said.startswith(
        "spec.yaml: /paths/~1x/get/responses/200/content/application~1json/schema: the reference "
    )
    assert "is broken: there is no 'Gone'" in said


def test_every_file_that_is_not_there_is_told_at_once(tmp_path):
    document = answering({"anyOf": [{"$ref": "gone.yaml#/A"}, {"$ref": "https://example.com/a.json"}]})

    first, second = flaws(tmp_path, document)

    assert "/anyOf/0: gone.yaml: can't be read" in first
    assert "/anyOf/1: 'https://example.com/a.json' is not a local file. Remote files are not loaded" in second


def test_a_circle_of_references_is_told(tmp_path):
    (said,) = flaws(
        tmp_path,
        answering(
            {"$ref": "#/components/schemas/A"},
            A={"$ref": "#/components/schemas/B"},
            B={"$ref": "#/components/schemas/A"},
        ),
    )

    assert "is circular" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "spec.yaml:1:5: "),
        ("- 1", "spec.yaml: expected an OpenAPI document, got [1]"),
        ("a: 1", "spec.yaml: /: the key `openapi` is missing"),
        ("openapi: 4.0.0", "spec.yaml: /openapi: version '4.0.0' is not supported"),
        ("{openapi: 3.1.0, paths: []}", "spec.yaml: /paths: expected a mapping, got []"),
        ("{openapi: 3.1.0, paths: {/x: {get: 5}}}", "spec.yaml: /paths/~1x/get: expected a mapping, got 5"),
        ("{openapi: 3.1.0, paths: {/x: {get: {parameters: [{in: query}], responses: {}}}}}", "spec.yaml: /paths/~1x/get/parameters/0: expected a parameter"),
    ],
)  # fmt: skip
def test_what_is_no_specification_is_told_with_its_place(tmp_path, text, said):
    assert flaws(tmp_path, text)[0].startswith(said)


JUNK = [
    None,
    5,
    "x",
    [],
    {},
    True,
    [1],
    {"a": 1},
    {"$ref": "#/nope"},
    {"$ref": 5},
    [None],
    {"type": ["weird"]},
    {"pattern": "("},
    {"items": [{}]},
]


def places(value, path=()):
    """The paths to everything in a document."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_wrong_is_told_or_left_out(tmp_path, seed):
    chance = Random(seed)
    for _ in range(25):
        document = shop() if chance.random() < 0.5 else crud()
        *way, last = chance.choice(list(places(document))[1:])
        holder = document
        for key in way:
            holder = holder[key]
        holder[last] = chance.choice(JUNK)
        said, made = tried(tmp_path, document)
        assert all(line.startswith("spec.json: /") for line in said)
        for name, one in made.items():
            from_text(dump(one, ScenarioSpec), name)


def tried(tmp_path, document):
    """What is wrong, or else the scenarios."""
    try:
        return [], imported(tmp_path, document, "spec.json").scenarios
    except InvalidInputError as why:
        return [str(flaw) for flaw in why.flaws], {}


def test_broken_json_is_told_with_line_and_column(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text('{"openapi": "3.1.0",\n "paths": }')

    with pytest.raises(InvalidInputError, match=r"^spec\.json:2:11: a value is expected here"):
        read(path)


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)

    with pytest.raises(MissingExtraError, match=r"mockserver\[openapi\]"):
        imported(tmp_path, shop())
