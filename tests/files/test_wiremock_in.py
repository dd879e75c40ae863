"""WireMock's mappings become routes that take the same requests and give the same answers; what can't be said is told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from support.wiremock import asking, folder_of, imported, routes

from mockserver.errors import InvalidInputError
from mockserver.formats import wiremock
from mockserver.formats.wiremock.reader import QUERY_REMARK


def stub(request: dict[str, Any], response: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"request": request, "response": response or {"status": 200}, **more}


TAKEN = [
    ({"url": "/a"}, "GET /a", True),
    ({"url": "/a"}, "GET /b", False),
    ({"url": "/a?x=1"}, "GET /a?x=1", True),
    ({"url": "/a?x=1"}, "GET /a?x=2", False),
    ({"method": "POST", "urlPath": "/a"}, "POST /a?x=1", True),
    ({"method": "POST", "urlPath": "/a"}, "PUT /a", False),
    ({"urlPathPattern": "/users/[0-9]+/posts"}, "GET /users/42/posts", True),
    ({"urlPathPattern": "/users/[0-9]+/posts"}, "GET /users/x/posts", False),
    ({"urlPathPattern": "/v(1|2)/.*"}, "GET /v2/deep/down", True),
    ({"urlPathPattern": "/v(1|2)/.*"}, "GET /v3/deep/down", False),
    ({"urlPathPattern": ".*/end"}, "GET /a/b/end", True),
    ({"urlPathPattern": ".*/end"}, "GET /a/b/ends", False),
    ({"urlPathPattern": "^/x\\.y$"}, "GET /x.y", True),
    ({"urlPathPattern": "^/x\\.y$"}, "GET /xzy", False),
    ({"urlPattern": "/q\\?n=[0-9]+"}, "GET /q?n=12", True),
    ({"urlPattern": "/q\\?n=[0-9]+"}, "GET /q?n=x", False),
    ({"urlPattern": "/any.*"}, "GET /anything?x=1", True),
    ({"urlPathTemplate": "/orders/{id}"}, "GET /orders/7", True),
    ({"urlPathTemplate": "/orders/{id}"}, "GET /orders/7/x", False),
    ({"urlPathTemplate": "/o/{id}", "pathParameters": {"id": {"equalTo": "a.b"}}}, "GET /o/a.b", True),
    ({"urlPathTemplate": "/o/{id}", "pathParameters": {"id": {"equalTo": "a.b"}}}, "GET /o/axb", False),
    ({"urlPathTemplate": "/o/{id}", "pathParameters": {"id": {"matches": "[0-9]+"}}}, "GET /o/x", False),
    ({}, "PATCH /what/ever", True),
    ({"method": "ANY", "urlPath": "/a{b}"}, "GET /a%7Bb%7D", True),
    ({"method": "GET_OR_HEAD", "urlPath": "/a"}, "HEAD /a", True),
    ({"queryParameters": {"a": {"equalTo": "b"}}}, "GET /?a=b", True),
    ({"queryParameters": {"a": {"equalTo": "present"}}}, "GET /?a=present", True),
    ({"queryParameters": {"a": {"equalTo": "present"}}}, "GET /?a=b", False),
    ({"queryParameters": {"a": {"equalTo": "B", "caseInsensitive": True}}}, "GET /?a=b", True),
    ({"queryParameters": {"a": {"contains": "ell"}}}, "GET /?a=hello", True),
    ({"queryParameters": {"a": {"matches": "h.*o"}}}, "GET /?a=hello!", False),
    ({"queryParameters": {"a": {"doesNotMatch": "h.*"}}}, "GET /?a=hello", False),
    ({"queryParameters": {"a": {"doesNotContain": "x"}}}, "GET /?a=hello", True),
    ({"queryParameters": {"a": {"absent": True}}}, "GET /?a=1", False),
    ({"queryParameters": {"a": {"not": {"equalTo": "1"}}}}, "GET /?a=1", False),
    ({"queryParameters": {"a": {"or": [{"equalTo": "1"}, {"absent": True}]}}}, "GET /", True),
    ({"queryParameters": {"a": {"and": [{"contains": "1"}, {"contains": "2"}]}}}, "GET /?a=1", False),
    ({"queryParameters": {"a": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "2"}]}}}, "GET /?a=2&a=1", True),
    ({"queryParameters": {"a": {"hasExactly": [{"equalTo": "1"}]}}}, "GET /?a=2&a=1", False),
    ({"queryParameters": {"a": {"includes": [{"equalTo": "1"}]}}}, "GET /?a=2&a=1", True),
]


@pytest.mark.parametrize(("request_", "line", "taken"), TAKEN)
def test_a_route_takes_the_requests_that_its_stub_takes(tmp_path, request_, line, taken):
    assert asking(tmp_path, stub(request_)).takes(line) is taken


ELEMENT = "<order id='4'><item>apple</item><item>pear</item></order>"
BODIES = [
    ({"equalTo": "x"}, "x", True),
    ({"equalTo": "x"}, "xy", False),
    ({"contains": "y"}, "xyz", True),
    ({"or": [{"equalTo": "a"}, {"equalTo": "b"}]}, "b", True),
    ({"equalToJson": {"a": [1, 2]}}, '{"a": [1, 2]}', True),
    ({"equalToJson": '{"a": [1, 2]}'}, '{"a": [2, 1]}', False),
    ({"equalToJson": {"a": [1, 2]}, "ignoreArrayOrder": True}, '{"a": [2, 1]}', True),
    ({"equalToJson": {"a": 1}}, '{"a": 1, "b": 2}', False),
    ({"equalToJson": {"a": 1}, "ignoreExtraElements": True}, '{"a": 1, "b": 2}', True),
    ({"equalToJson": {"$ref": "$x"}}, '{"$ref": "$x"}', True),
    ({"equalToJson": {"a": "${json-unit.any-string}"}}, '{"a": "z"}', True),
    ({"equalToJson": {"a": "${json-unit.any-number}"}}, '{"a": "z"}', False),
    ({"equalToJson": {"a": "${json-unit.regex}[a-c]+"}}, '{"a": "cab"}', True),
    ({"equalToJson": {"a": "${json-unit.ignore}"}}, '{"a": [0]}', True),
    ({"or": [{"equalToJson": {"a": 1}}, {"equalToJson": {"a": 2}}]}, '{"a": 2}', True),
    ({"and": [{"contains": "a"}, {"equalToJson": {"a": 1}}]}, '{"a": 1}', True),
    ({"matchesJsonPath": "$.a[?(@.b == 'c')]"}, '{"a": [{"b": "c"}]}', True),
    ({"matchesJsonPath": "$.a"}, '{"b": 1}', False),
    ({"matchesJsonPath": "$[?(@.n == 1 && @.m == '@')]"}, '{"n": 1, "m": "@"}', True),
    ({"matchesJsonPath": "$[?(@.n == 1)]"}, '[{"n": 1}]', True),
    ({"matchesJsonPath": "$[?(@.n == 1)]"}, '{"n": 2}', False),
    ({"matches": "a.*c"}, "a\nb\nc", True),
    ({"matchesJsonPath": {"expression": "$.a", "equalTo": "1"}}, '{"a": 1}', True),
    ({"matchesJsonPath": {"expression": "$.a", "contains": "ell"}}, '{"a": "hello"}', True),
    ({"matchesJsonPath": {"expression": "$.a", "absent": True}}, '{"a": "hello"}', False),
    ({"matchesJsonPath": {"expression": "$.a", "equalToJson": '{"b": 1}'}}, '{"a": {"b": 1}}', True),
    ({"matchesJsonSchema": '{"required": ["a"]}'}, '{"b": 1}', False),
    ({"matchesJsonSchema": {"required": ["a"]}, "schemaVersion": "V7"}, '{"a": 1}', True),
    ({"equalToXml": ELEMENT}, "<order id='4'>\n <item>apple</item> <item>pear</item></order>", True),
    ({"equalToXml": ELEMENT}, "<order id='4'><item>apple</item><item>fig</item></order>", False),
    ({"equalToXml": ELEMENT}, "<order id='4'><item>apple</item><item>pear</item><x/></order>", False),
    ({"matchesXPath": "//item"}, ELEMENT, True),
    ({"matchesXPath": {"expression": "//order/@id", "equalTo": "5"}}, ELEMENT, False),
    ({"binaryEqualTo": base64.b64encode(b"\x00\x01").decode()}, b"\x00\x01", True),
    ({"binaryEqualTo": base64.b64encode(b"\x00\x01").decode()}, b"\x00\x02", False),
]


@pytest.mark.parametrize(("pattern", "body", "taken"), BODIES)
def test_a_body_is_asked_as_its_pattern_asks(tmp_path, pattern, body, taken):
    assert asking(tmp_path, stub({"bodyPatterns": [pattern]})).takes("POST /", body) is taken


def test_several_body_patterns_must_all_hold(tmp_path):
    ask = asking(tmp_path, stub({"bodyPatterns": [{"contains": "a"}, {"contains": "b"}, {"contains": "c"}]}))
    assert ask.takes("POST /", "cba")
    assert not ask.takes("POST /", "ba")


def test_credentials_headers_cookies_and_forms_are_asked(tmp_path):
    ask = asking(
        tmp_path,
        stub({
            "basicAuthCredentials": {"username": "u", "password": "p"},
            "headers": {"X-A": {"contains": "1"}},
            "cookies": {"sid": {"equalTo": "s"}},
            "formParameters": {"f": {"equalTo": "v"}},
        }),
    )  # fmt: skip
    auth = ("Authorization", "Basic " + base64.b64encode(b"u:p").decode())
    rest = [("x-a", "21"), ("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", "sid=s")]
    assert ask.takes("POST /", "f=v", [auth, *rest])
    assert not ask.takes("POST /", "f=w", [auth, *rest])
    assert not ask.takes("POST /", "f=v", [auth, *rest[:2]])
    assert not ask.takes("POST /", "f=v", rest)


def test_their_highest_priority_is_asked_first_and_of_equals_the_newest(tmp_path):
    ask = asking(
        tmp_path,
        stub({"urlPath": "/a"}, {"body": "first of all"}, priority=1),
        stub({"urlPathPattern": "/.*"}, {"body": "older"}),
        stub({"urlPathPattern": "/[bc]"}, {"body": "newer"}),
        stub({"urlPath": "/c"}, {"body": "last of all"}, priority=9),
    )
    assert [ask.text(f"GET {path}") for path in ("/a", "/b", "/c")] == ["first of all", "newer", "newer"]


STATES = [
    stub({"urlPath": "/light"}, {"body": "off"}, scenarioName="light", requiredScenarioState="Started"),
    stub({"urlPath": "/light"}, {"body": "on"}, scenarioName="light", requiredScenarioState="lit"),
    stub(
        {"method": "PUT", "urlPath": "/light"}, {"status": 418}, scenarioName="light", newScenarioState="lit"
    ),
]


def test_a_scenario_begins_started_and_moves_whatever_the_status(tmp_path):
    ask = asking(tmp_path, *STATES)
    assert ask.text("GET /light") == "off"
    assert ask.status("PUT /light") == 418
    assert ask.text("GET /light") == "on"


def _chain(last: dict[str, Any]) -> list[dict[str, Any]]:
    request = {"method": "POST", "urlPath": "/data"}
    down = {"status": 503}
    return [
        stub(request, down, scenarioName="s", requiredScenarioState="Started", newScenarioState="one"),
        stub(request, down, scenarioName="s", requiredScenarioState="one", newScenarioState="two"),
        stub(request, {"jsonBody": {"success": True}}, scenarioName="s", requiredScenarioState="two", **last),
    ]


def test_a_plain_chain_of_states_becomes_a_sequence(tmp_path):
    assert routes(tmp_path, *_chain({})) == [
        {"request": "POST /data", "reply": [503, 503, {"json": {"success": True}}]}
    ]


def test_a_chain_that_goes_back_to_the_beginning_cycles(tmp_path):
    [route] = routes(tmp_path, *_chain({"newScenarioState": "Started"}))
    assert route["then"] == "cycle"


def test_a_chain_that_others_take_part_in_stays_a_matter_of_states(tmp_path):
    other = stub({"urlPath": "/look"}, scenarioName="s", requiredScenarioState="two")
    made = routes(tmp_path, *_chain({}), other)
    assert len(made) == 4
    assert {"s": "two"} in [route.get("when") for route in made]


def test_faults_delays_and_bodies_are_carried(tmp_path):
    made = routes(
        tmp_path,
        stub({"urlPath": "/1"}, {"fault": "CONNECTION_RESET_BY_PEER"}),
        stub({"urlPath": "/2"}, {"fixedDelayMilliseconds": 250, "fault": "EMPTY_RESPONSE"}),
        stub({"urlPath": "/3"}, {"delayDistribution": {"type": "uniform", "lower": 10, "upper": 20}}),
        stub({"urlPath": "/4"}, {"delayDistribution": {"type": "lognormal", "median": 80, "sigma": 0.4, "maxValue": 900}}),
        stub({"urlPath": "/5"}, {"chunkedDribbleDelay": {"numberOfChunks": 5, "totalDuration": 1000}, "body": "x"}),
        stub({"urlPath": "/6"}, {"base64Body": "AAE="}),
        stub({"urlPath": "/7"}, {"status": 201, "headers": {"A": ["b", "c"], "D": "{{x}}"}, "jsonBody": ["{{x}}"]}),
    )  # fmt: skip
    assert [route["reply"] for route in made[::-1]] == [
        {"fault": "reset"},
        {"delay": "250ms", "fault": "close"},
        {"delay": {"min": "10ms", "max": "20ms"}},
        {"delay": {"median": "80ms", "sigma": 0.4, "max": "900ms"}},
        {"text": "x", "throttle": {"chunks": 5, "over": "1000ms"}},
        {"base64": "AAE="},
        {
            "status": 201,
            "headers": {"A": ["b", "c"], "D": "{% raw %}{{x}}{% endraw %}"},
            "json": ["{{x}}"],
            "raw": True,
        },
    ]


def test_a_file_of_theirs_lies_beside_the_scenario(tmp_path):
    found = imported(
        tmp_path, stub({"urlPath": "/f"}, {"bodyFileName": "deep/a.bin"}), files={"deep/a.bin": b"\xff\x00"}
    )
    assert found.files == {"deep/a.bin": b"\xff\x00"}
    [document] = found.scenarios.values()
    assert document["routes"][0]["reply"] == {"file": "deep/a.bin"}


def test_no_file_outside_of_their_folder_is_read(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "wm").mkdir()
    found = imported(tmp_path / "wm", stub({}, {"bodyFileName": "../../secret"}), files={"a": b""})
    assert [str(one) for one in found.lost] == [
        "mappings/000.json: response.bodyFileName: there is no file '../../secret' in __files."
    ]


TEMPLATES = [
    ("{{request.method}} {{request.path}}", "POST /orders/7"),
    ("{{request.url}}", "/orders/7?q=a&q=b"),
    ("{{request.pathSegments.[0]}}-{{request.path.[1]}}", "orders-7"),
    ("{{request.path.id}}", "7"),
    ("{{request.query.q}}{{request.query.q.[1]}}{{request.query.none}}", "ab"),
    ("{{request.headers.X-A}}", "one"),
    ("{{request.headers.[X-A]}}", "one"),
    ("{{request.cookies.sid}}", "s1"),
    ("{{request.body}}", '{"n": {"m": 5}, "list": ["x", "y"], "name": "Zoe"}'),
    ("{{{jsonPath request.body '$.n.m'}}}", "5"),
    ("{{jsonPath request.body '$.none'}}|{{jsonPath request.body '$.none' default='d'}}", "|d"),
    ("{{request.host}} {{request.port}} {{request.scheme}} {{request.baseUrl}}", "localhost 8080 http http://localhost:8080"),
    ("{{upper request.method}} {{lower 'ABC'}} {{trim ' x '}}", "POST abc x"),
    ("{{upper (jsonPath request.body '$.name')}}", "ZOE"),
    ("{{base64 request.query.q}}", "YQ=="),
    ("{{math 1 '+' 2}}", "3"),
    ("{{size (jsonPath request.body '$.list')}}", "2"),
    ("{{join (jsonPath request.body '$.list') ', '}}", "x, y"),
    ("{{substring 'abcdef' 1 3}} {{replace 'aXa' 'X' 'b'}}", "bc aba"),
    ("{{now}}", "2026-01-02T03:04:05Z"),
    ("{{now offset='3 days' format='yyyy-MM-dd'}}", "2026-01-05"),
    ("{{now offset='-1 hours' format='HH:mm'}}", "02:04"),
    ("{{now format='unix'}} {{now format='epoch'}}", "1767323045 1767323045000"),
    ("{{#if request.query.q}}yes{{else}}no{{/if}}{{#if request.query.z}}yes{{else}}no{{/if}}", "yesno"),
    ("{{#unless request.query.z}}none{{/unless}}", "none"),
    ("{{#eq request.query.q 'a'}}same{{else}}other{{/eq}}", "same"),
    ("{{#each (jsonPath request.body '$.list')}}{{@index}}{{this}};{{/each}}", "0x;1y;"),
    ("{{! a remark }}a {% b %}", "a {% b %}"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), TEMPLATES)
def test_their_templates_say_the_same_in_our_words(tmp_path, written, said):
    response = {"body": written, "transformers": ["response-template"]}
    ask = asking(tmp_path, stub({"urlPathTemplate": "/orders/{id}"}, response))
    body = '{"n": {"m": 5}, "list": ["x", "y"], "name": "Zoe"}'
    assert ask.text("POST /orders/7?q=a&q=b", body, [("X-A", "one"), ("Cookie", "sid=s1")]) == said


def test_random_values_have_their_shape(tmp_path):
    template = (
        "{{randomValue type='UUID'}} {{randomValue length=8 type='ALPHANUMERIC'}} {{randomValue length=4 type='NUMERIC'}}"
        " {{randomInt lower=5 upper=6}} {{pickRandom 'a' 'a'}}"
    )
    ask = asking(tmp_path, stub({}, {"body": template, "transformers": ["response-template"]}))
    uuid, text, number, small, picked = ask.text("GET /").split()
    assert (len(uuid), len(text), len(number), small, picked) == (36, 8, 4, "5", "a")


def test_braces_without_their_transformer_are_sent_as_they_stand(tmp_path):
    assert asking(tmp_path, stub({}, {"body": "{{request.path}}"})).text("GET /") == "{{request.path}}"


def test_webhooks_of_both_kinds_are_carried(tmp_path):
    parameters = {
        "method": "PUT",
        "url": "http://app/hooks/{{jsonPath originalRequest.body '$.id'}}",
        "headers": {"X-A": "b"},
        "body": '{"a": 1}',
        "delay": {"type": "fixed", "milliseconds": 1000},
    }
    made = routes(
        tmp_path,
        stub({"urlPath": "/1"}, serveEventListeners=[{"name": "webhook", "parameters": parameters}]),
        stub({"urlPath": "/2"}, {"status": 500}, postServeActions={"webhook": parameters}),
    )
    webhook = {
        "url": "http://app/hooks/{{ request.json.id | default('') }}",
        "method": "PUT",
        "headers": {"X-A": "b"},
        "json": {"a": 1},
        "delay": "1000ms",
    }
    assert made == [
        {"request": "ANY /2", "reply": {"status": 500, "webhook": webhook}},
        {"request": "ANY /1", "webhook": webhook, "reply": 200},
    ]


LOST = [
    (stub({"customMatcher": {"name": "mine"}}), "request.customMatcher: an extension's matcher runs in their server"),
    (stub({"urlPathPattern": "/(?=x).*"}), "request.urlPathPattern: '/(?=x).*' is not a regular expression of RE2"),
    (stub({"urlPathPattern": "/a|/b"}), "request.urlPathPattern: '/a|/b' can't be taken apart into a path"),
    (stub({"headers": {"A": {"before": "now"}}}), "request.headers.A.before: `before` can't be applied to a text"),
    (stub({"bodyPatterns": [{}, {"equalToJson": "{"}]}), "request.bodyPatterns[1].equalToJson: it is not valid JSON"),
    (stub({"port": 80}), "request.port: the port is not matched"),
    (stub({}, {"statusMessage": "Fine"}), "response.statusMessage: the reason phrase follows from the status"),
    (stub({}, {"fault": "FLOOD"}), "response.fault: the fault 'FLOOD' is not known here"),
    (stub({}, {"transformers": ["mine"]}), "response.transformers: the transformer 'mine' is an extension"),
    (stub({}, {"body": "{{hmm 1}}", "transformers": ["response-template"]}), "response.body: {{hmm 1}}: the helper 'hmm'"),
    (stub({}, {"delayDistribution": {"type": "odd"}}), "response.delayDistribution: the distribution 'odd'"),
    (stub({}, {"status": 101}), "response.status: 101 is not a status that can be answered here"),
    (stub({}, metadata={"a": 1}), "metadata: it is kept by their server alone"),
    (stub({}, serveEventListeners=[{"name": "mine"}]), "serveEventListeners[0]: 'mine' is an extension"),
    (stub({"hedders": {}}), "request.hedders: `hedders` is not known here"),
]  # fmt: skip


@pytest.mark.parametrize(("mapping", "said"), LOST)
def test_what_cannot_be_carried_is_told_with_its_place(tmp_path, mapping, said):
    [lost] = imported(tmp_path, mapping).lost
    assert str(lost).startswith(f"mappings/000.json: {said}")


def test_a_proxy_is_carried(tmp_path):
    made = routes(tmp_path, stub({"urlPath": "/a"}, {"proxyBaseUrl": "https://api.example/"}, priority=9))
    assert made == [{"request": "ANY /a", "priority": -4, "proxy": "https://api.example"}]


def test_several_mappings_in_one_file_are_told_apart_in_what_was_lost(tmp_path):
    [lost] = imported(tmp_path, {"mappings": [stub({}), stub({"port": 1})]}).lost
    assert lost.place == "mappings/000.json: mappings[1].request.port"


def test_one_file_of_mappings_will_do(tmp_path):
    path = tmp_path / "stub one.json"
    path.write_text(json.dumps(stub({"urlPath": "/a"}, name="mine")))
    found = wiremock.read(path)
    assert found.scenarios == {
        "stub-one": {"scenario": "stub-one", "routes": [{"name": "mine", "request": "ANY /a", "reply": 200}]}
    }


def test_that_a_url_refused_other_parameters_is_remarked(tmp_path):
    found = imported(tmp_path, stub({"url": "/a"}))
    assert list(found.remarks.values()) == [[QUERY_REMARK]]


def test_a_folder_without_mappings_and_a_file_that_is_no_json_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="holds no mappings"):
        wiremock.read(tmp_path)
    folder = folder_of(tmp_path)
    (folder / "mappings" / "x.json").write_text("{")
    with pytest.raises(InvalidInputError, match=r"x\.json is not valid JSON"):
        wiremock.read(folder)
