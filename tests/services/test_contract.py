"""A scenario that is held to an OpenAPI document: what breaks it is told, or refused."""

import base64
import json
import sys
from http.client import HTTPConnection, IncompleteRead

import pytest
import yaml
from support.http import ask
from support.openapi import answering, shop, spec

from mockserver import Server
from mockserver.scenarios.source import LoadError
from mockserver.verification.checking import check_paths

SCENARIO = """
base: /v2
openapi: spec.yaml
routes:
  - {name: list, request: GET /orders, reply: {json: []}}
  - name: make
    request: POST /orders
    effect: {kind: order}
    reply: {status: 201, json: {id: 1, amount: "{{ request.json.amount }}", currency: eur, status: open}}
  - {name: latest, request: GET /orders/latest, reply: {text: o-1234}}
  - {name: read, request: "GET /orders/{id}", reply: {json: {id: 1, amount: 2, currency: eur, status: open}}}
  - {name: drop, request: "DELETE /orders/{id}", reply: 204}
"""
GOOD = {"amount": 5, "currency": "eur"}


@pytest.fixture
def held(serving):
    def serve(scenario=SCENARIO, document=None, **changes):
        written = yaml.safe_load(scenario) | changes
        return serving(
            {"shop.yaml": yaml.safe_dump(written), "spec.yaml": yaml.safe_dump(document or shop())}
        )

    return serve


@pytest.fixture
def server(held):
    return held()


def violations(server, query=""):
    return server.admin.get(f"/violations{query}")["items"]


def told(server):
    return [one["text"] for one in violations(server)]


def make(server, body=GOOD, key="key-1", **headers):
    lines = {"content-type": "application/json", **({"idempotency-key": key} if key else {}), **headers}
    return server.ask(
        "POST", "/v2/orders", json.dumps(body) if not isinstance(body, str) else body, headers=lines
    )


def test_what_keeps_the_contract_is_answered_and_nothing_is_told(server):
    assert make(server).status == 201
    assert server.ask("GET", "/v2/orders?limit=5&tag=a&tag=b").status == 200
    assert server.ask("GET", "/v2/orders/12").status == 200
    assert server.ask("GET", "/v2/orders/latest").text == "o-1234"
    assert server.ask("HEAD", "/v2/orders/12").status == 200
    assert told(server) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"amount": 0, "currency": "eur"}, "request body /amount: must be more than 0, got 0"),
        ({"amount": 5, "currency": "gbp"}, "request body /currency: must be one of \"eur\", \"usd\", got 'gbp'"),
        ({"amount": 5}, "request body /currency: is required"),
        ({**GOOD, "id": 7, "more": 1}, "request body /more: is unknown, got 1"),
        ({**GOOD, "note": "x" * 21}, f"request body /note: must have at most 20 characters, got {'x' * 21!r}"),
        ([], "request body: must be an object, got 'a list with 0 items'"),
    ],
)  # fmt: skip
def test_a_bad_body_is_told_with_its_pointer_and_answered_all_the_same(server, body, expected):
    make(server, body)

    (said,) = [one for one in told(server) if one.startswith("request")]
    assert said == expected


def test_null_is_taken_where_it_is_allowed(server):
    make(server, {**GOOD, "note": None})

    assert told(server) == []


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v2/orders?limit=0", "request query.limit: must be at least 1, got 0"),
        ("/v2/orders?limit=ten", "request query.limit: must be a whole number, got 'ten'"),
        (
            "/v2/orders?tag=ok&tag=toolong",
            "request query.tag /1: must have at most 5 characters, got 'toolong'",
        ),
        ("/v2/orders/zero", "request path.order-id: must be a whole number, got 'zero'"),
    ],
)
def test_parameters_are_read_as_they_are_documented(server, target, expected):
    server.ask("GET", target)

    assert told(server) == [expected]


def test_a_header_that_must_be_there_is_missed(server):
    make(server, key=None)
    make(server, key="abc")

    assert told(server) == [
        "request headers.Idempotency-Key: is required",
        "request headers.Idempotency-Key: must have at least 4 characters, got 'abc'",
    ]


def test_forms_are_typed_by_their_schema(server):
    form = {"content-type": "application/x-www-form-urlencoded"}

    make(server, "amount=5&currency=eur", **form)
    make(server, "amount=-5&currency=eur", **form)

    assert [one for one in told(server) if "request" in one] == [
        "request body /amount: must be more than 0, got -5"
    ]


def test_a_body_of_an_undocumented_kind_or_none_is_told(server):
    make(server, "x", **{"content-type": "text/plain"})
    make(server, "")
    make(server, "{")

    first, second, third = (one for one in told(server) if one.startswith("request"))
    assert first == (
        "request headers.content-type: must be application/json or application/x-www-form-urlencoded, got 'text/plain'"
    )
    assert second == "request body: is required"
    assert third.startswith("request body: must be readable, but it is not valid JSON")


# Parameters of every style

STYLES = [
    ("query", {"schema": {"type": "array", "items": {"type": "integer"}}, "explode": False}, "?p=1,2", None),
    ("query", {"schema": {"type": "array", "items": {"type": "integer"}}, "explode": False}, "?p=1,x", "/1"),
    ("query", {"schema": {"type": "array", "items": {"type": "integer"}}, "style": "pipeDelimited", "explode": False}, "?p=1%7C2", None),
    ("query", {"schema": {"type": "object", "properties": {"gte": {"type": "integer"}}, "additionalProperties": False}, "style": "deepObject"}, "?p%5Bgte%5D=3", None),
    ("query", {"schema": {"type": "object", "properties": {"gte": {"type": "integer"}}, "additionalProperties": False}, "style": "deepObject"}, "?p%5Blte%5D=3", "/lte"),
    ("query", {"schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}, "?a=1", None),
    ("query", {"schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}, "?a=x", "/a"),
    ("query", {"content": {"application/json": {"schema": {"type": "object", "required": ["a"]}}}}, "?p=%7B%22a%22:1%7D", None),
    ("query", {"content": {"application/json": {"schema": {"type": "object", "required": ["a"]}}}}, "?p=%7B%7D", "/a"),
    ("query", {"schema": {"type": "boolean"}}, "?p=true", None),
    ("query", {"schema": {"type": "boolean"}}, "?p=yes", ""),
    ("query", {"schema": {"type": "integer"}}, "?p=1&p=2", ""),
    ("header", {"schema": {"type": "array", "items": {"type": "integer"}}}, {"p": "1, 2"}, None),
    ("header", {"schema": {"type": "array", "items": {"type": "integer"}}}, {"p": "1, x"}, "/1"),
    ("cookie", {"schema": {"type": "integer"}}, {"cookie": "p=1"}, None),
    ("cookie", {"schema": {"type": "integer"}}, {"cookie": "p=x"}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("where", "parameter", "sent", "pointer"), STYLES)
def test_every_style_of_parameter_is_read(held, where, parameter, sent, pointer):
    operation = {
        "parameters": [{"name": "p", "in": where, **parameter}],
        "responses": {"200": {"description": "x"}},
    }
    server = held(
        "{openapi: spec.yaml, routes: [{request: GET /x, reply: 200}]}", spec({"/x": {"get": operation}})
    )

    server.ask(
        "GET", "/x" + (sent if isinstance(sent, str) else ""), headers=sent if isinstance(sent, dict) else {}
    )

    assert [one["pointer"] for one in violations(server)] == ([] if pointer is None else [pointer])


# Replies


def test_a_reply_is_held_to_its_schema_each_time_it_is_made(server):
    make(server, {"amount": "five", "currency": "eur"})

    assert [one["part"] for one in violations(server)] == ["request", "reply"]
    (reply,) = violations(server, "?part=reply")
    assert (reply["where"], reply["pointer"], reply["got"]) == ("body", "/amount", "five")
    assert (reply["operation"], reply["route"], reply["request"]) == (
        "makeOrder",
        "shop/make",
        "POST /v2/orders",
    )


def test_an_undocumented_status_is_told_unless_it_may_come_from_in_between(held):
    server = held(routes=[{"request": "DELETE /orders/{id}", "reply": [204, 503, 404]}])

    for _ in range(3):
        server.ask("DELETE", "/v2/orders/1")

    assert told(server) == ["reply status: must be one that dropOrder documents: 204, got 404"]


def test_a_fixed_reply_is_looked_at_once_and_told_at_each_call(held):
    server = held(routes=[{"request": "GET /orders/latest", "reply": {"json": {}}}])

    for _ in range(3):
        server.ask("GET", "/v2/orders/latest")

    assert told(server) == ["reply headers.content-type: must be text/plain, got 'application/json'"] * 3


def test_headers_of_a_reply_are_held_to_it_too(held):
    response = {"description": "x", "headers": {"x-n": {"required": True, "schema": {"type": "integer"}}}}
    document = spec({"/x": {"get": {"responses": {"200": response}}}})
    routes = [
        {
            "request": "GET /x",
            "reply": [
                200,
                {"status": 200, "headers": {"x-n": "no"}},
                {"status": 200, "headers": {"x-n": "5"}},
            ],
        }
    ]
    server = held("{openapi: spec.yaml}", document, routes=routes)

    for _ in range(3):
        server.ask("GET", "/x")

    assert told(server) == [
        "reply headers.x-n: is required",
        "reply headers.x-n: must be a whole number, got 'no'",
    ]


def test_what_stands_before_the_work_is_no_reply_of_the_contract(held):
    server = held(auth={"bearer": ["token"]}, limit={"rate": "1/h"})
    server.admin.call("PUT", "/outage", {"reply": {"status": 400, "text": "down"}, "times": 1})

    statuses = [server.ask("GET", "/v2/orders", headers=lines).status for lines in
                ({}, {}, {"authorization": "Bearer token"}, {"authorization": "Bearer token"})]  # fmt: skip

    assert statuses == [400, 401, 200, 429]
    assert told(server) == []


def test_a_broken_reply_is_broken_on_purpose(held):
    server = held(routes=[{"request": "GET /orders", "reply": {"json": {"no": "list"}, "fault": "truncate"}}])

    with pytest.raises(IncompleteRead):
        server.ask("GET", "/v2/orders")

    assert told(server) == []


def test_resources_are_held_to_it(held):
    item = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
    }
    content = {"application/json": {"schema": item}}
    document = spec({
        "/items": {"post": {"requestBody": {"content": content}, "responses": {"201": {"description": "x", "content": content}}}},
    })  # fmt: skip
    server = held("{openapi: spec.yaml, resources: [{path: /items}]}", document)

    server.ask("POST", "/items", '{"name": 5}', headers={"content-type": "application/json"})

    assert [(one["part"], one["pointer"]) for one in violations(server)] == [
        ("request", "/id"), ("request", "/name"), ("reply", "/name"),
    ]  # fmt: skip


# Modes


def test_enforced_a_bad_request_is_refused_and_nothing_happens(held):
    server = held(validate="enforce")

    answer = make(server, {"amount": 0, "currency": "eur"})

    assert answer.status == 400
    assert dict(answer.headers)["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:mockserver:contract"
    assert problem["detail"] == "request body /amount: must be more than 0, got 0"
    (error,) = problem["errors"]
    assert (error["where"], error["pointer"], error["expected"], error["got"]) == (
        "body",
        "/amount",
        "must be more than 0",
        0,
    )
    assert server.admin.get("/effects")["items"] == []
    assert len(violations(server)) == 1


def test_enforced_a_bad_reply_becomes_a_500_that_says_why(held):
    routes = [{"request": "GET /orders/latest", "reply": {"status": "{{ 200 }}", "json": {}}}]
    server = held(validate="enforce", routes=routes)

    answer = server.ask("GET", "/v2/orders/latest")

    assert answer.status == 500
    assert "must be text/plain, got 'application/json'" in answer.json()["detail"]


def test_enforced_auth_is_asked_before_the_contract(held):
    server = held(validate="enforce", auth={"bearer": ["token"]})

    assert make(server, {"amount": 0}).status == 401
    assert make(server, {"amount": 0}, authorization="Bearer token").status == 400


def test_enforced_a_refused_request_takes_no_step(held):
    routes = [{"request": "GET /orders", "reply": [{"json": []}, 503, {"json": []}]}]
    server = held(validate="enforce", routes=routes)

    statuses = [server.ask("GET", f"/v2/orders?limit={n}").status for n in (1, 0, 1, 0, 1, 1)]

    assert statuses == [200, 400, 503, 400, 200, 200]


def test_what_the_state_lets_answer_is_held_to_it_too(held):
    routes = [
        {"request": "GET /orders", "when": {"open": "yes"}, "set": {"open": "no"}, "reply": {"json": []}},
        {"request": "GET /orders", "set": {"open": "yes"}, "reply": {"json": {}}},
    ]
    server = held(routes=routes, state={"open": "yes"})

    for _ in range(4):
        server.ask("GET", "/v2/orders")

    assert [one["call"] for one in violations(server)] == ["c-000002", "c-000004"]


@pytest.mark.parametrize("target", ["/v2/orders?limit=0", "/v2/orders?limit=5"])
@pytest.mark.parametrize("reply", [{"json": []}, {"json": "{{ [] }}"}, {"json": "{{ {} }}"}])
def test_on_one_connection_every_call_is_looked_at(held, target, reply):
    server = held(routes=[{"request": "GET /orders", "reply": reply}])
    connection = HTTPConnection(*server.address)

    for _ in range(6):
        connection.request("GET", target)
        connection.getresponse().read()

    connection.close()
    bad = ("limit=0" in target) + (reply["json"] == "{{ {} }}")
    assert len(violations(server)) == 6 * bad
    assert server.admin.get("/counts")["total"] == 6


def test_enforced_a_refused_request_takes_no_idempotency_key(held):
    server = held(validate="enforce", idempotency={"header": "idempotency-key"})

    assert make(server, {"amount": 0, "currency": "eur"}).status == 400
    assert make(server, GOOD).status == 201


def test_a_request_that_the_contract_does_not_know_is_told(held):
    routes = [{"request": "GET /{rest:.+}", "reply": 200}]
    server = held(routes=routes, validate="enforce")

    assert server.ask("GET", "/v2/health").status == 400
    assert told(server) == [
        "request operation: must be one that the contract documents, got 'GET /v2/health'"
    ]


def test_a_route_may_take_it_otherwise_than_its_scenario(held):
    routes = [
        {"request": "GET /health", "validate": "off", "reply": 200},
        {"request": "GET /orders", "validate": "enforce", "reply": {"json": []}},
        {"request": "GET /orders/{id}", "reply": 404},
    ]
    server = held(routes=routes)

    assert server.ask("GET", "/v2/health").status == 200
    assert server.ask("GET", "/v2/orders?limit=0").status == 400
    assert server.ask("GET", "/v2/orders/1").status == 404
    assert len(violations(server)) == 2


def test_switched_off_nothing_is_looked_at(held):
    server = held(validate="off")

    make(server, [])

    assert told(server) == []


def test_what_a_function_answers_is_held_to_it(tmp_path):
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(answering({"type": "integer"})))
    (tmp_path / "it.yaml").write_text(
        "{openapi: spec.yaml, validate: enforce, routes: [{name: x, request: GET /x, reply: {json: 1}}]}"
    )
    with Server(tmp_path) as server:
        server.route("x").reply(lambda _: {"json": "no"})

        answer = ask(server.url, "GET", "/x")

        assert answer.status == 500
        assert [one["text"] for one in server.violations] == ["reply body: must be a whole number, got 'no'"]


def test_the_python_face_shows_them(tmp_path):
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(answering({"type": "integer"})))
    (tmp_path / "it.yaml").write_text(
        "{openapi: spec.yaml, routes: [{name: x, request: GET /x, reply: 200}]}"
    )
    with Server(tmp_path) as server:
        assert ask(server.url, "GET", "/x").status == 200

        assert [one["text"] for one in server.violations] == ["reply body: must be there"]


# What is kept, and asked of it


def test_violations_are_paged_and_filtered(server):
    for target in ("/v2/orders?limit=0", "/v2/orders/x", "/v2/orders?limit=0"):
        server.ask("GET", target)

    first = server.admin.get("/violations?limit=2")
    assert [one["id"] for one in first["items"]] == ["v-000001", "v-000002"]
    rest = server.admin.get(f"/violations?cursor={first['next']}")
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["v-000003"], None)
    assert len(violations(server, "?operation=listOrders")) == 2
    assert len(violations(server, "?route=read")) == 1
    assert len(violations(server, "?call=c-000002")) == 1
    for query in ("part=body", "cursor=x", "route=none", "limit=0"):
        assert server.admin.call("GET", f"/violations?{query}").status == 422


def test_secrets_in_what_came_are_masked(server):
    make(server, {**GOOD, "password": "hunter2hunter2"})

    (masked,) = violations(server)
    (revealed,) = violations(server, "?reveal=true")

    assert "hunter2" not in json.dumps(masked)
    assert revealed["got"] == "hunter2hunter2"


def test_each_namespace_has_its_own_and_a_reset_of_calls_forgets_them(server):
    server.admin.call("POST", "/namespaces", {"name": "other"})
    server.ask("GET", "/@other/v2/orders?limit=0")

    assert told(server) == []
    other = server.admin.get("/@other/violations")["items"]
    assert len(other) == 1
    server.admin.call("POST", "/@other/reset", {"what": ["memory"]})
    assert len(server.admin.get("/@other/violations")["items"]) == 1
    server.admin.call("POST", "/@other/reset", {"what": ["calls"]})
    assert server.admin.get("/@other/violations")["items"] == []


def test_verify_counts_them_exactly_and_names_them(server):
    check = {"violations": 0}
    assert server.admin.call("POST", "/verify", check).status == 200

    server.ask("GET", "/v2/orders?limit=0")

    answer = server.admin.call("POST", "/verify", check)
    assert answer.status == 409
    assert answer.json()["detail"] == (
        "expected nothing that breaks its contract, saw 1 violation\n"
        "  c-000001  GET /v2/orders  request query.limit: must be at least 1, got 0"
    )
    assert server.admin.call("POST", "/verify", {"violations": 1}).status == 200


def test_what_is_kept_no_longer_is_counted(write, serving):
    server = serving(write({"shop.yaml": SCENARIO, "spec.yaml": yaml.safe_dump(shop())}), max_entries=3)
    for _ in range(5):
        server.ask("GET", "/v2/orders?limit=0")

    assert [one["id"] for one in violations(server)] == ["v-000003", "v-000004", "v-000005"]
    assert server.admin.call("POST", "/verify", {"violations": 4}).status == 409
    assert server.admin.call("POST", "/verify", {"violations": 5}).status == 200


def test_a_state_file_keeps_them(tmp_path, write, serving):
    folder = write({"shop.yaml": SCENARIO, "spec.yaml": yaml.safe_dump(shop())})
    settings = {"state_file": str(tmp_path / "state.json")}
    server = serving(folder, **settings)
    server.ask("GET", "/v2/orders?limit=0")
    before = violations(server)
    server.stop()

    assert violations(serving(folder, **settings)) == before != []


# Loading


def load_error(serving, scenario, document=None):
    with pytest.raises(Exception) as caught:
        serving(
            {
                "shop.yaml": yaml.safe_dump(scenario, sort_keys=False),
                "spec.yaml": yaml.safe_dump(document or shop()),
            }
        )
    return str(caught.value)


def test_enforced_a_fixed_reply_that_breaks_the_contract_is_an_error_with_its_place(serving):
    scenario = {"base": "/v2", "openapi": "spec.yaml", "validate": "enforce",
                "routes": [{"request": "GET /orders/{id}", "reply": [503, {"choose": [{"json": {}}]}]}]}  # fmt: skip

    said = load_error(serving, scenario)

    assert "shop.yaml:" in said
    assert (
        "routes[0].reply[1].choose[0]: breaks the contract of readOrder: reply body /amount: is required"
        in said
    )


def test_reported_it_is_a_warning_of_the_start_of_reload_and_of_check(held, caplog, write):
    server = held(routes=[{"request": "GET /orders", "reply": {"json": {}}}])

    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 1
    assert "routes[0].reply: breaks the contract of listOrders: reply body: must be a list" in warned[0]
    assert server.admin.call("POST", "/reload").json()["warnings"] == warned
    assert check_paths([str(server.folder)])[1] == warned


def test_a_route_that_the_contract_does_not_know_is_told_at_load(serving):
    scenario = {
        "openapi": "spec.yaml",
        "validate": "enforce",
        "routes": [{"request": "GET /health", "reply": 200}],
    }

    assert "routes[0].request: the contract documents no GET /health" in load_error(serving, scenario)


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ({"openapi": "gone.yaml"}, "openapi: there is no file 'gone.yaml' beside this scenario"),
        ({"openapi": "../spec.yaml"}, "openapi: '../spec.yaml' is outside of the scenario's folder"),
        ({"openapi": "shop.yaml"}, "openapi: shop.yaml: /openapi: version 'shop.yaml' is not supported"),
        ({"validate": "enforce"}, "`validate` needs `openapi`"),
        ({"openapi": "spec.yaml", "validate": "loud"}, "validate"),
        ({"routes": [{"request": "GET /x", "reply": 200, "validate": "off"}]}, "routes[0].validate: the scenario has no `openapi`"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_keys_is_told_with_its_place(serving, scenario, said):
    assert said in load_error(serving, scenario)


def test_a_broken_document_is_told_with_its_own_pointer(serving):
    document = answering({"$ref": "#/components/schemas/None"})

    said = load_error(serving, {"openapi": "spec.yaml", "routes": []}, document)

    assert (
        "shop.yaml:1:10: openapi: spec.yaml: /paths/~1x/get/responses/200/content/application~1json/schema: "
        in said
    )


def test_a_bundle_brings_its_document_with_it(server):
    files = {"api/spec.yaml": base64.b64encode(yaml.safe_dump(answering({"$ref": "n.json"})).encode()).decode(),
             "api/n.json": base64.b64encode(b'{"type": "integer"}').decode()}  # fmt: skip
    text = "{scenario: up, openapi: api/spec.yaml, routes: [{request: GET /x, reply: {json: five}}]}"

    assert server.admin.call("POST", "/scenarios", {"yaml": text, "files": files}).status == 201
    server.ask("GET", "/x")

    assert told(server) == ["reply body: must be a whole number, got 'five'"]


def test_schemas_that_all_hold_each_other_are_judged_all_the_same(held):
    count = 30
    schemas = {
        f"T{n}": {"type": "object", "required": ["id"], "properties": {
            "id": {"type": "integer"},
            **{f"o{k}": {"anyOf": [{"type": "string"}, {"$ref": f"#/components/schemas/T{(7 * n + k) % count}"}]} for k in range(6)},
            "far": {"$ref": f"#/components/schemas/T{(n + 1) % count}"},
        }}
        for n in range(count)
    }  # fmt: skip
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/T0"}}}}
    document = spec(
        {"/x": {"post": {"requestBody": body, "responses": {"200": {"description": "x"}}}}},
        components={"schemas": schemas},
    )
    server = held("{openapi: spec.yaml, routes: [{request: POST /x, reply: 200}]}", document)

    for sent in (
        {"id": 1, "o1": "an id", "far": {"id": 2, "o2": {"id": 3}}},
        {"id": 1, "far": {"id": 2, "far": {"id": "3"}}},
    ):
        server.ask("POST", "/x", json.dumps(sent), headers={"content-type": "application/json"})

    (violation,) = violations(server)
    assert violation["pointer"] == "/far"
    assert '/far: /id: "3" is not of type "integer"' in violation["expected"]


def test_files_of_a_contract_among_the_scenarios_are_none_themselves(serving):
    server = serving({
        "shop.yaml": "{openapi: spec.yaml, routes: [{request: GET /x, reply: {json: 5}}]}",
        "spec.yaml": yaml.safe_dump(answering({"$ref": "parts/n.yaml#/N"})),
        "parts/n.yaml": "N: {type: string}",
        "unused.yml": yaml.safe_dump(spec({})),
    })  # fmt: skip

    server.ask("GET", "/x")

    assert [one["name"] for one in server.admin.get("/scenarios")["items"]] == ["shop"]
    assert told(server) == ["reply body: must be a text, got 5"]


def test_a_specification_served_as_a_scenario_is_told_what_to_do(serving, write):
    path = write({"api.yaml": yaml.safe_dump(spec({}))}) / "api.yaml"

    with pytest.raises(
        LoadError,
        match=r"this is an OpenAPI document, and no scenario\. Make a scenario of it: mockserver import openapi",
    ):
        serving(path)


def test_without_the_library_the_extra_is_named(serving, monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)

    assert "the extra mockserver[openapi]" in load_error(serving, {"openapi": "spec.yaml"}, spec({}))
