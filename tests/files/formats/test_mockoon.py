import json

import pytest
from support.importing import as_json, lost, routes, written

from mockserver.errors import InvalidInputError
from mockserver.formats import mockoon
from mockserver.formats.mockoon.helpers import FAKER, HELPERS
from mockserver.formats.mockoon.templates import Buckets, template
from mockserver.recording.conversion import Losses
from mockserver.templating.texts import compile_text


def response(**changes):
    return {
        "uuid": "r", "body": "", "latency": 0, "statusCode": 200, "label": "", "headers": [], "bodyType": "INLINE",
        "filePath": "", "databucketID": "", "sendFileAsBody": False, "rules": [], "rulesOperator": "OR",
        "disableTemplating": False, "fallbackTo404": False, "default": False, "crudKey": "id", "callbacks": [],
        **changes,
    }  # fmt: skip


def route(endpoint, *responses, method="get", **changes):
    return {
        "uuid": endpoint, "type": "http", "documentation": "", "method": method, "endpoint": endpoint,
        "responses": list(responses) or [response(default=True)], "responseMode": None, "streamingMode": None,
        "streamingInterval": 0, **changes,
    }  # fmt: skip


def environment(*some, **changes):
    return {
        "uuid": "e", "lastMigration": 33, "name": "shop", "endpointPrefix": "", "latency": 0, "port": 3000,
        "hostname": "", "folders": [], "routes": list(some), "rootChildren": [], "proxyMode": False, "proxyHost": "",
        "proxyRemovePrefix": False, "tlsOptions": {"enabled": False}, "cors": False, "headers": [],
        "proxyReqHeaders": [{"key": "", "value": ""}], "proxyResHeaders": [], "data": [], "callbacks": [], **changes,
    }  # fmt: skip


def rule(target, modifier="", value="", operator="equals", invert=False):
    return {"target": target, "modifier": modifier, "value": value, "operator": operator, "invert": invert}


def ruled(*rules, body="ruled", **changes):
    return response(body=body, rules=list(rules), **changes)


OTHER = response(body="other", default=True)


def read(tmp_path, *some, **changes):
    return mockoon.read(as_json(tmp_path / "shop.json", environment(*some, **changes)))


@pytest.fixture
def served(tmp_path, serving):
    def serve(*some, lossless=True, **changes):
        imported = read(tmp_path, *some, **changes)
        assert not lossless or lost(imported) == []
        folder = tmp_path / "scenarios"
        folder.mkdir()
        return serving(written(imported, folder))

    return serve


# Routes


def test_an_environment_becomes_a_scenario(tmp_path):
    headers = [{"key": "X-From", "value": "shop"}, {"key": "", "value": ""}]
    body = response(
        body='{"id": 7}', headers=[{"key": "Content-Type", "value": "application/json"}], default=True
    )

    imported = read(
        tmp_path, route("users/:id", body), endpointPrefix="v1", cors=True, headers=headers, latency=20
    )

    assert imported.scenarios["shop"] == {
        "scenario": "shop",
        "base": "/v1",
        "cors": True,
        "defaults": {"headers": {"X-From": "shop"}},
        "routes": [{"request": "GET /users/{id}", "reply": {"json": {"id": 7}, "delay": "20ms"}}],
    }
    assert lost(imported) == []


def test_routes_are_matched_in_the_order_of_the_tree_of_folders(tmp_path):
    tree = [{"type": "route", "uuid": "c"}, {"type": "folder", "uuid": "f"}]
    folders = [
        {
            "uuid": "f",
            "name": "f",
            "children": [{"type": "folder", "uuid": "g"}, {"type": "route", "uuid": "a"}],
        },
        {
            "uuid": "g",
            "name": "g",
            "children": [{"type": "route", "uuid": "b"}, {"type": "folder", "uuid": "f"}],
        },
    ]

    imported = read(tmp_path, *map(route, "abcd"), rootChildren=tree, folders=folders)

    assert [one["request"] for one in routes(imported)] == ["GET /c", "GET /b", "GET /a", "GET /d"]


PATHS = [
    ("a/:id/b", ["/a/1/b"], ["/a/1", "/a/1/2/b"]),
    (":from-:to.json", ["/a-b.json"], ["/a.json"]),
    ("files/*", ["/files/a/b"], ["/other"]),
    ("files/*rest/x", ["/files/a/b/x"], ["/files/a/b"]),
    ("a b", ["/a%20b"], ["/ab"]),
    ("", ["/"], ["/a"]),
]


OLDER_PATHS = [("a/:id([0-9]+)", ["/a/12"], ["/a/x", "/a/1x"])]
"""Patterns of parameters, which Mockoon no longer has."""


@pytest.mark.parametrize(("endpoint", "fits", "not_"), PATHS + OLDER_PATHS)
def test_paths_are_matched_as_express_does(served, endpoint, fits, not_):
    server = served(route(endpoint, method="all"))

    assert [path for path in fits if server.ask("PUT", path).status != 200] == []
    assert [path for path in not_ if server.ask("GET", path).status != 404] == []


# Rules

RULES = [
    (rule("query", "a", "1"), [("GET", "/x?a=1")], [("GET", "/x?a=2"), ("GET", "/x")]),
    (rule("query", "a.b", "1"), [("GET", "/x?a[b]=1")], [("GET", "/x?a=1")]),
    (rule("query", "a", operator="null"), [("GET", "/x")], [("GET", "/x?a=1")]),
    (rule("query", "a", "1", invert=True), [("GET", "/x?a=2"), ("GET", "/x")], [("GET", "/x?a=1")]),
    (rule("query", "a", "^x|y$", "regex"), [("GET", "/x?a=xa"), ("GET", "/x?a=ay")], [("GET", "/x?a=ax")]),
    (rule("query", "a", "X", "regex_i"), [("GET", "/x?a=axa")], [("GET", "/x?a=y")]),
    (rule("header", "X-A", "1"), [("GET", "/x", None, {"x-a": "1"})], [("GET", "/x")]),
    (rule("cookie", "c", "1"), [("GET", "/x", None, {"cookie": "c=1"})], [("GET", "/x")]),
    (rule("method", value="post"), [("POST", "/x")], [("GET", "/x")]),
    (rule("method", value="p", operator="regex"), [("POST", "/x"), ("PUT", "/x")], [("GET", "/x")]),
    (rule("body", value="a"), [("POST", "/x", "a")], [("POST", "/x", "b")]),
    (rule("body", "a.b", "7"), [("POST", "/x", '{"a": {"b": 7}}'), ("POST", "/x", '{"a": {"b": "7"}}')], [("POST", "/x", '{"a": {"b": 8}}'), ("POST", "/x", "{}")]),
    (rule("body", "a\\.b", "true"), [("POST", "/x", '{"a.b": true}'), ("POST", "/x", '{"a.b": "true"}')], [("POST", "/x", '{"a.b": 1}')]),
    (rule("body", "a.1.b", "7"), [("POST", "/x", '{"a": [0, {"b": 7}]}')], [("POST", "/x", '{"a": [{"b": 7}]}')]),
    (rule("body", "$.a[*].b", "7"), [("POST", "/x", '{"a": [0, {"b": 7}]}')], [("POST", "/x", '{"a": [{"b": 8}]}')]),
    (rule("body", "a", operator="null"), [("POST", "/x", '{"a": null}'), ("POST", "/x", "{}")], [("POST", "/x", '{"a": 0}')]),
    (rule("body", "a", operator="null", invert=True), [("POST", "/x", '{"a": 0}')], [("POST", "/x", '{"a": null}')]),
    (rule("body", "a", operator="empty_array"), [("POST", "/x", '{"a": []}')], [("POST", "/x", '{"a": [1]}'), ("POST", "/x", '{"a": ""}')]),
    (rule("body", "a", "1", "array_includes"), [("POST", "/x", '{"a": [2, 1]}')], [("POST", "/x", '{"a": [2]}')]),
    (rule("body", "a", "^x", "regex"), [("POST", "/x", '{"a": "xy"}')], [("POST", "/x", '{"a": "yx"}')]),
    (rule("body", "", "schema", "valid_json_schema"), [("POST", "/x", '{"a": 1}')], [("POST", "/x", "{}")]),
    (rule("params", "p", "x"), [("GET", "/x")], [("GET", "/y")]),
    (rule("params", "p", "x", invert=True), [("GET", "/y")], [("GET", "/x")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "fits", "not_"), RULES, ids=[f"{one['target']}-{one['operator']}" for one, *_ in RULES]
)
def test_a_rule_selects_the_requests_that_mockoon_selects(served, one, fits, not_):
    schema = {"uuid": "s", "id": "s1", "name": "schema", "documentation": "", "value": '{"required": ["a"]}'}
    server = served(route(":p", OTHER, ruled(one), method="all"), data=[schema])

    def answer(method, path, body=None, headers=None):
        kind = {"content-type": "application/json"} if body else {}
        return server.ask(method, path, body, headers={**kind, **(headers or {})}).text

    assert [request for request in fits if answer(*request) != "ruled"] == []
    assert [request for request in not_ if answer(*request) != "other"] == []


def test_rules_are_combined_and_the_first_response_that_fits_answers(served):
    a, b = rule("query", "a", "1"), rule("header", "b", "1")
    server = served(
        route(
            "x",
            OTHER,
            ruled(a, b, body="and", rulesOperator="AND"),
            ruled(a, b, body="or", rulesOperator="OR"),
        )
    )

    assert server.ask("GET", "/x?a=1", headers={"b": "1"}).text == "and"
    assert server.ask("GET", "/x?a=1").text == server.ask("GET", "/x", headers={"b": "1"}).text == "or"
    assert server.ask("GET", "/x").text == "other"


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (rule("global_var", "a", "1"), "a rule on 'global_var' can't be converted"),
        (rule("query", "a", "{{body 'x'}}"), "a rule with a template can't be converted"),
        (rule("query", "a", "(?=x)", "regex"), "the regular expression '(?=x)' is not valid in RE2"),
        (rule("params", "p", "x", "regex"), "a path parameter can't be compared by 'regex'"),
        (rule("body", "", "gone", "valid_json_schema"), "the data bucket 'gone' is not a JSON Schema"),
        (rule("query", "a.0", "x"), "'a.0' names no query"),
    ],
)
def test_a_response_whose_rule_is_lost_would_match_too_much_and_is_left_out(tmp_path, one, what):
    kept = rule("query", "b", "1")
    imported = read(
        tmp_path, route(":p", ruled(one), ruled(one, kept, rulesOperator="AND"), ruled(one, kept), OTHER)
    )

    assert [one.split(": ")[1] for one in lost(imported)] == [
        "routes[0].responses[0].rules[0]", "routes[0].responses[0]", "routes[0].responses[1]",
        "routes[0].responses[2].rules[0]",
    ]  # fmt: skip
    assert what in lost(imported)[0]
    assert [(one.get("match"), one["reply"]) for one in routes(imported)] == [
        ({"query": {"b": "1"}}, {"text": "ruled"}),
        (None, {"text": "other"}),
    ]


def test_rules_on_the_number_of_the_call_become_a_sequence(served):
    first, third = (
        ruled(rule("request_number", value="1"), statusCode=503),
        ruled(rule("request_number", value="3")),
    )
    server = served(route("x", OTHER, third, first))

    assert [server.ask("GET", "/x").text for _ in range(5)] == ["ruled", "other", "ruled", "other", "other"]


MODES = [("SEQUENTIAL", [503, 200, 503]), ("DISABLE_RULES", [200, 200, 200]), ("FALLBACK", [404, 404, 404])]


@pytest.mark.parametrize(("mode", "statuses"), MODES)
def test_the_mode_selects_the_response(served, mode, statuses):
    never = ruled(rule("query", "a", "1"), statusCode=503)
    server = served(route("x", never, OTHER, responseMode=mode))

    assert [server.ask("GET", "/x").status for _ in range(3)] == statuses


def test_without_a_rule_that_fits_the_mode_fallback_asks_the_next_route(served):
    never = ruled(rule("query", "a", "1"))
    server = served(route("x", never, OTHER, responseMode="FALLBACK"), route("*", response(body="next")))

    assert [server.ask("GET", path).text for path in ("/x?a=1", "/x")] == ["ruled", "next"]


def test_a_random_response_is_a_choice(tmp_path):
    imported = read(tmp_path, route("x", OTHER, response(statusCode=503), responseMode="RANDOM"))

    assert routes(imported) == [{"request": "GET /x", "reply": {"choose": [{"text": "other"}, 503]}}]


# Answers


def test_bodies_headers_and_delays(served, tmp_path):
    (tmp_path / "a.txt").write_text("Hello {{urlParam 'id'}}")
    (tmp_path / "b.bin").write_bytes(b"\0{{x}}")
    bucket = {"uuid": "b", "id": "b1", "name": "users", "documentation": "", "value": '[{"n": 1.10}]'}
    json_type = [{"key": "Content-Type", "value": "application/json"}]
    cookies = [{"key": "Set-Cookie", "value": "a=1"}, {"key": "Set-Cookie", "value": "b={{method}}"}]
    server = served(
        route("json", response(body='{"id": "{{queryParam \'id\'}}"}', headers=json_type)),
        route("almost", response(body="{\"id\": {{queryParam 'id' 7}}}", headers=json_type)),
        route("raw", response(body="{{x}}", disableTemplating=True)),
        route("bucket", response(bodyType="DATABUCKET", databucketID="b1")),
        route("file/:id", response(bodyType="FILE", filePath="./a.txt")),
        route("binary", response(bodyType="FILE", filePath=".\\b.bin", sendFileAsBody=True)),
        route("gone", response(bodyType="FILE", filePath="c", fallbackTo404=True, body="gone")),
        route("late", response(statusCode=204, headers=cookies, latency=5)),
        data=[bucket],
    )

    assert server.ask("GET", "/json?id=7").json() == {"id": "7"}
    assert server.ask("GET", "/almost?id=8").json() == {"id": 8}
    assert server.ask("GET", "/almost").json() == {"id": 7}
    assert server.ask("GET", "/raw").text == "{{x}}"
    assert server.ask("GET", "/bucket").text == '[{"n":1.10}]'
    file = server.ask("GET", "/file/9")
    assert (file.text, file.header("content-disposition")) == ("Hello 9", 'attachment; filename="a.txt"')
    binary = server.ask("GET", "/binary")
    assert (binary.body, binary.header("content-disposition")) == (b"\0{{x}}", None)
    assert (server.ask("GET", "/gone").status, server.ask("GET", "/gone").text) == (404, "gone")
    late = server.ask("GET", "/late")
    assert [value for name, value in late.headers if name == "Set-Cookie"] == ["a=1", "b=GET"]


def test_a_callback_becomes_a_webhook(tmp_path):
    callback = {
        "uuid": "c", "id": "c1", "name": "paid", "documentation": "", "method": "put", "bodyType": "INLINE",
        "uri": "http://app:8000/{{urlParam 'id'}}", "headers": [{"key": "X-A", "value": "1"}], "filePath": "",
        "databucketID": "", "sendFileAsBody": True, "body": '{"id": "{{urlParam \'id\'}}"}',
    }  # fmt: skip
    answer = response(statusCode=500, callbacks=[{"uuid": "c", "latency": 50}, {"uuid": "gone"}])

    imported = read(tmp_path, route("pay/:id", answer), callbacks=[callback])

    assert routes(imported)[0]["reply"] == {
        "status": 500,
        "webhook": {
            "url": "http://app:8000/{{ path.id | default('') }}",
            "method": "PUT",
            "headers": {"X-A": "1"},
            "json": {"id": "{{ (path.id | default('')) | string }}"},
            "delay": "50ms",
        },
    }
    assert [one.split(": ")[1] for one in lost(imported)] == ["routes[0].responses[0].callbacks[1]"]


def test_a_crud_route_becomes_a_resource(served):
    users = {
        "uuid": "u",
        "id": "u1",
        "name": "u",
        "documentation": "",
        "value": '[{"id": 4, "n": "{%"}, {"id": 5}]',
    }
    slow = ruled(rule("header", "X-Fail", "1"), statusCode=503)
    crud = route(
        "users",
        response(bodyType="DATABUCKET", databucketID="u1", default=True),
        slow,
        method="",
        type="crud",
    )
    server = served(crud, data=[users])

    assert server.ask("GET", "/users").json() == [{"id": 4, "n": "{%"}, {"id": 5}]
    created = server.ask("POST", "/users", '{"n": 1}', headers={"content-type": "application/json"})
    assert (created.status, created.json()) == (201, {"id": 6, "n": 1})
    assert server.ask("GET", "/users/6", headers={"x-fail": "1"}).status == 503
    assert (server.ask("DELETE", "/users/6").status, server.ask("GET", "/users/6").status) == (200, 404)


def test_the_proxy_is_the_last_route(tmp_path):
    imported = read(tmp_path, route("a"), proxyMode=True, proxyHost="https://api.example")

    assert routes(imported)[-1] == {
        "name": "proxy",
        "request": "ANY /{path:.*}",
        "proxy": "https://api.example",
    }
    assert lost(imported) == []


# Templates

REQUEST_HELPERS = [
    ("{{body 'a.b'}}", "{{ request.json.a.b | default('') }}"),
    ("{{body 'a.0.b c' 'x'}}", "{{ request.json.a[0]['b c'] | default('x') }}"),
    ("{{body}}", "{{ request.text }}"),
    ("{{body '$.a[*]'}}", "{{ jsonpath(request.json, '$.a[*]') | first | default('') }}"),
    ("{{queryParam 'items'}}", "{{ request.query['items'] | default('') }}"),
    ("{{header 'X-A' 'none'}}", "{{ request.headers['X-A'] | default('none') }}"),
    ("{{urlParam 'id'}}", "{{ path.id | default('') }}"),
    ("{{faker 'person.firstName'}}", "{{ fake.first_name() }}"),
    ("{{faker 'name.firstName'}}", "{{ fake.first_name() }}"),
    ("{{faker 'number.int' min=1 max=6}}", "{{ random_int(1, 6) }}"),
    ("{{int 1 6}}", "{{ random_int(1, 6) }}"),
    ("{{add 1 2 3}}", "{{ decimal(decimal(1, '+', 2), '+', 3) }}"),
    ("{{now}}", "{{ now }}"),
    ("{{now 'yyyy-MM-dd'}}", "{{ now.strftime('%Y-%m-%d') }}"),
    ("{{dateTimeShift days=2 hours=3 format='yyyy'}}", "{{ date(now, '+2d3h').strftime('%Y') }}"),
    ("{{oneOf (array 'a' 'b')}}", "{{ ['a', 'b'][random_int(0, 1)] }}"),
    ("{{uppercase (concat 'a' (urlParam 'id'))}}", "{{ ('a' ~ (path.id | default(''))) | upper }}"),
    ("{{#if (eq (body 'a') 1)}}x{{else}}y{{/if}}", "{% if ((request.json.a | default('')) == 1) %}x{% else %}y{% endif %}"),
    ("{{#each (bodyRaw 'l')}}{{this.a}}{{@index}}{{/each}}", "{% for item in (request.json.l | default('')) %}{{ item['a'] | default('') }}{{ loop.index0 | default('') }}{% endfor %}"),
    ("{{setVar 'x' (urlParam 'id')}}{{@x}}{{getVar 'x'}}", "{% set x = (path.id | default('')) %}{{ x | default('') }}{{ x }}"),
    ("{% {{method}}", "{% raw %}{% {% endraw %}{{ request.method }}"),
]  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours"), REQUEST_HELPERS)
def test_a_template_reads_as_a_person_writes_it(theirs, ours):
    losses = Losses("")

    assert template(theirs, Buckets(), losses, "") == ours
    assert losses == []


PRINTED = [
    ("[{{#repeat 3}} {{@index}}, {{/repeat}}]", "[ 0,\n 1,\n 2\n]"),
    ("{{#repeat 2 comma=false}}x{{/repeat}}", "xx"),
    ("{{#switch (queryParam 'a')}}{{#case '1'}}one{{/case}}{{#case '2'}}two{{/case}}{{#default}}more{{/default}}{{/switch}}", "two"),
    ("{{#unless (gt 3 2)}}no{{else}}yes{{/unless}}", "yes"),
    ("{{#if (includes 'abc' 'b')}}yes{{/if}}", "yes"),
    ("{{data 'users' '0.n'}} {{data 'us1'}}", '1 [{"n":1}]'),
    ("{{#each (dataRaw 'users')}}{{n}}{{/each}}", "1"),
    ("{{subtract 5 2}} {{multiply 2 3}} {{modulo 7 4}} {{divide 7 2}} {{round 2.6}}", "3 6 3 3.5 3"),
    ("{{substr 'abcdef' 1 3}} {{join (slice (split 'a,b,c' ',') 1) '-'}} {{len 'abc'}}", "bcd b-c 3"),
    ("{{base64 'a'}} {{lowercase 'A'}} {{replace 'aa' 'a' 'b'}} {{indexOf 'abc' 'c'}} {{parseInt '7'}}", "YQ== a ba 2 7"),
    ("{{stringify (array 1 2)}} {{dateFormat '2026-01-02T00:00:00Z' 'dd.MM.yyyy'}}", "[\n  1,\n  2\n] 02.01.2026"),
    ("{{hostname}} {{baseUrl}}{{newline}}", "127.0.0.1 http://127.0.0.1:PORT\n"),
]  # fmt: skip


def test_templates_print_what_mockoon_prints(served):
    users = {"uuid": "u", "id": "us1", "name": "Users", "documentation": "", "value": '[{"n": 1}]'}
    server = served(
        *(route(f"t{n}", response(body=theirs)) for n, (theirs, _) in enumerate(PRINTED)), data=[users]
    )

    printed = [server.ask("GET", f"/t{n}?a=2").text for n in range(len(PRINTED))]

    assert printed == [text.replace("PORT", str(server.address[1])) for _, text in PRINTED]


ARGUMENTS = {
    "faker": "'string.uuid'",
    "oneOf": "(array 1 2)",
    "array": "1 2",
    "dateTimeShift": "days=1",
    "jsonPath": "(bodyRaw) '$.a'",
    "dateFormat": "'2026-01-01' 'yyyy'",
}


@pytest.mark.parametrize("name", HELPERS)
def test_each_helper_makes_an_expression_that_our_templates_accept(name):
    losses = Losses("")
    arguments = ARGUMENTS.get(name, "" if name in ("now", "int", "lorem") else "'1' '2' '3'")

    compile_text(template(f"{{{{{name} {arguments}}}}}", Buckets(), losses, ""), ())

    assert losses == []


@pytest.mark.parametrize("name", FAKER)
def test_each_fake_value_is_one_of_our_templates(name):
    compile_text("{{ " + FAKER[name] + " }}", ())


@pytest.mark.parametrize(
    "text", ["{{nope 1}}", "{{faker 'a.b'}}", "{{getVar 'x'}}", "{{data 'gone'}}", "{{setVar 'request' 1}}", "{{now 'DDD'}}"]
)  # fmt: skip
def test_what_has_no_counterpart_is_told_and_stays_as_text(tmp_path, text):
    imported = read(tmp_path, route("a", response(body=f"a {text}")))

    assert [one.split(": ")[1] for one in lost(imported)] == ["routes[0].responses[0].body"]
    assert routes(imported)[0]["reply"] == {"text": "a {% raw %}" + text + "{% endraw %}"}


# Sources


def test_an_older_export_and_a_folder_are_read(tmp_path):
    old = {
        "source": "mockoon:1.14",
        "data": [{"type": "environment", "item": environment(route("a"), name="old")}],
    }
    old["data"][0]["item"]["routes"][0]["responses"][0].pop("bodyType")
    as_json(tmp_path / "old.json", old)
    as_json(tmp_path / "new.json", environment(route("b"), endpointPrefix="v1"))

    imported = mockoon.read(tmp_path)

    assert {name: (one["base"], one["routes"][0]["request"]) for name, one in imported.scenarios.items()} == {
        "shop": ("/shop/v1", "GET /b"),
        "old": ("/old", "GET /a"),
    }
    assert lost(imported) == []


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        ({"routes": [route("a", type="ws")]}, "routes[0]", "it is for WebSocket connections"),
        ({"routes": [route("a", enabled=False)]}, "routes[0]", "it is disabled"),
        ({"routes": [route("a", more=1)]}, "routes[0].more", "this key has no counterpart"),
        ({"routes": [route("a/:id?")]}, "routes[0]", "'?' in the path 'a/:id?' can't be converted"),
        ({"routes": [route("a", response(statusCode=999))]}, "routes[0]", "the status 999 can't be served"),
        ({"routes": [route("a", response(bodyType="FILE", filePath="../x"))]}, "routes[0]", "there is no file '../x'"),
        ({"routes": [route("a", type="crud")]}, "routes[0]", "its data bucket is not a list of objects"),
        ({"tlsOptions": {"enabled": True}}, "tlsOptions", "TLS is an option of the server"),
        ({"proxyReqHeaders": [{"key": "a", "value": "b"}]}, "proxyReqHeaders", "headers of forwarded calls"),
        ({"proxyMode": True, "proxyHost": "x"}, "proxyHost", "'x' is not an http or https URL"),
        ({"proxyMode": True, "proxyHost": "http://x", "proxyRemovePrefix": True, "endpointPrefix": "v"}, "proxyHost", "the prefix can't be removed"),
    ],
)  # fmt: skip
def test_what_can_not_be_converted_is_told_with_its_place(tmp_path, change, place, what):
    (said,) = lost(read(tmp_path, **{"routes": [], **change}))

    assert said.startswith(f"shop.json: {place}: {what}")


@pytest.mark.parametrize("content", [[], {}, {"data": 1}, "x", {"swagger": "2.0"}])
def test_what_is_no_environment_is_refused(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))

    with pytest.raises(InvalidInputError, match="no environment of Mockoon"):
        mockoon.read(path)
