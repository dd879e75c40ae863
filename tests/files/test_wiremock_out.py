"""Scenarios as WireMock's mappings: what both can say goes out, what only we can say is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.formats import wiremock
from mockserver.recording.conversion import Exported


def exported(*routes: dict[str, Any], **scenario: Any) -> Exported:
    return wiremock.write({"s": {"routes": list(routes), **scenario}})


def mappings(*routes: dict[str, Any], **scenario: Any) -> list[dict[str, Any]]:
    """In the order in which they are asked, nothing being lost."""
    found = exported(*routes, **scenario)
    assert found.lost == []
    return json.loads(found.files["mappings/s.json"])["mappings"][::-1]


def test_a_sequence_becomes_a_chain_of_states():
    made = mappings(
        {"name": "data", "request": "POST /data", "reply": [503, {"status": 429, "times": 2}, 200]}
    )
    assert [
        (one["requiredScenarioState"], one.get("newScenarioState"), one["response"]["status"]) for one in made
    ] == [
        ("Started", "step 2", 503),
        ("step 2", "step 3", 429),
        ("step 3", "step 4", 429),
        ("step 4", None, 200),
    ]
    assert {one["scenarioName"] for one in made} == {"data"}
    assert len({one["id"] for one in made}) == 4


def test_a_sequence_that_cycles_goes_back_and_one_that_stops_goes_nowhere():
    route = {"request": "GET /a", "reply": [503, 200]}
    assert mappings({**route, "then": "cycle"})[-1]["newScenarioState"] == "Started"
    assert mappings({**route, "then": "stop"})[-1]["newScenarioState"] == "over"


def test_each_of_several_methods_gets_its_mapping_and_they_share_a_sequence():
    made = mappings({"request": "PUT,PATCH /a", "reply": [503, 200]})
    assert [one["request"]["method"] for one in made] == ["PUT", "PUT", "PATCH", "PATCH"]
    assert len({one["scenarioName"] for one in made}) == 1
    assert len({one["id"] for one in made}) == 4


def test_base_host_defaults_and_files_are_written_into_each_mapping(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x00")
    document = {
        "base": "/v1",
        "host": "api.example",
        "defaults": {"headers": {"X-A": "b", "X-B": "c"}, "delay": "5ms"},
        "routes": [{"request": "GET /f", "reply": {"file": "a.bin", "headers": {"x-a": "d"}}}],
    }
    found = wiremock.write({"s": document}, tmp_path)
    assert found.lost == []
    assert found.files["__files/a.bin"] == b"\x00"
    [made] = json.loads(found.files["mappings/s.json"])["mappings"]
    assert made["request"] == {"method": "GET", "urlPath": "/v1/f", "host": {"equalTo": "api.example"}}
    assert made["response"] == {
        "status": 200,
        "bodyFileName": "a.bin",
        "headers": {"X-B": "c", "x-a": "d"},
        "fixedDelayMilliseconds": 5,
    }


def test_templates_go_out_in_handlebars():
    text = (
        "{{ path.id }} {{ request.query.q }} {{ request.json.a.b }} {{ uuid() }} {{ request.headers['x-a'] }}"
    )
    [made] = mappings({"request": "GET /a/{id}", "reply": {"text": text}})
    assert made["response"]["transformers"] == ["response-template"]
    assert made["response"]["body"] == (
        "{{request.path.id}} {{request.query.q}} {{jsonPath request.body '$.a.b'}} {{randomValue type='UUID'}}"
        " {{request.headers.x-a}}"
    )


def test_a_webhook_goes_out_as_a_listener():
    hook = {"url": "http://app/{{ request.json.id }}", "json": {"a": 1}, "delay": "1s"}
    [made] = mappings({"request": "POST /a", "webhook": hook, "reply": 200})
    assert made["serveEventListeners"] == [
        {
            "name": "webhook",
            "parameters": {
                "method": "POST",
                "url": "http://app/{{jsonPath originalRequest.body '$.id'}}",
                "headers": {"Content-Type": "application/json"},
                "body": '{"a": 1}',
                "delay": {"type": "fixed", "milliseconds": 1000},
            },
        }
    ]


def test_a_proxy_goes_out():
    [made] = mappings({"request": "GET /a", "proxy": "https://api.example"})
    assert made["response"] == {"proxyBaseUrl": "https://api.example"}


LOST = [
    ({"request": "GET /a", "if": "{{ true }}", "reply": 200}, {}, "s: routes[0].if"),
    ({"request": "GET /a", "let": {"a": 1}, "reply": 200}, {}, "s: routes[0].let"),
    ({"request": "GET /a", "reply": {"effect": {"kind": "x"}}}, {}, "s: routes[0].reply.effect"),
    ({"request": "GET /a", "reply": {"events": [1]}}, {}, "s: routes[0].reply.events"),
    ({"request": "GET /a", "reply": {"fault": "hang"}}, {}, "s: routes[0].reply.fault"),
    (
        {"request": "GET /a", "reply": {"fault": {"kind": "reset", "after": 4}}},
        {},
        "s: routes[0].reply.fault",
    ),
    ({"request": "GET /a", "reply": {"text": "{{ fake.name() }}"}}, {}, "s: routes[0].reply.text"),
    (
        {"request": "GET /a", "reply": {"delay": {"median": "3s", "sigma": 1, "max": "2s"}}},
        {},
        "s: routes[0].reply.delay.max",
    ),
    ({"request": "GET /a", "reply": {"throttle": "10KB/s"}}, {}, "s: routes[0].reply.throttle"),
    (
        {"request": "GET /a", "match": {"query": {"a": {"gt": 1}}}, "reply": 200},
        {},
        "s: routes[0].match.query.a.gt",
    ),
    (
        {"request": "GET /a", "match": {"json": {"a": {"$gt": 1}}}, "reply": 200},
        {},
        "s: routes[0].match.json.a",
    ),
    ({"request": "GET /a", "when": {"a": "1", "b": "2"}, "reply": 200}, {}, "s: routes[0].when"),
    ({"request": "GET /a", "priority": 9, "reply": 200}, {}, "s: routes[0].priority"),
    ({"request": "GET /a", "reply": 200}, {"resources": [{"path": "/x"}]}, "s: resources"),
    ({"request": "GET /a", "reply": 200}, {"state": {"a": "b"}}, "s: state"),
]


@pytest.mark.parametrize(("route", "scenario", "place"), LOST)
def test_what_cannot_be_said_there_is_told_with_its_place(route, scenario, place):
    assert [one.place for one in exported(route, **scenario).lost] == [place]


# Round trips

NAMES = st.text("abcdefgh", min_size=1, max_size=5)
TEXTS = st.text("abc xyz.{}$'\"é", max_size=8)
CONDITIONS = st.recursive(
    st.one_of(
        TEXTS.map(lambda text: {"equals": text} if text in ("present", "absent") else text),
        TEXTS.filter(bool).map(lambda text: {"contains": text}),
        st.just({"matches": "[a-z]+"}),
        st.just({"not": {"matches": "[0-9]*"}}),
        TEXTS.filter(bool).map(lambda text: {"not": {"contains": text}}),
        NAMES.map(lambda text: {"ignore_case": text}),
        st.just("absent"),
    ),
    lambda inner: st.lists(inner, min_size=2, max_size=3).flatmap(
        lambda items: st.sampled_from([{"any_of": items}, {"all_of": items}])
    ),
    max_leaves=4,
)
LITERALS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), NAMES, st.just({"$equals": "$x"}), st.just({"$type": "string"})),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "query": st.dictionaries(NAMES, CONDITIONS, min_size=1, max_size=2),
        "headers": st.dictionaries(NAMES, CONDITIONS, min_size=1, max_size=2),
        "cookies": st.dictionaries(NAMES, CONDITIONS, min_size=1, max_size=2),
        "form": st.dictionaries(NAMES, CONDITIONS, min_size=1, max_size=2),
        "json_exact": LITERALS,
        "json": LITERALS,
        "jsonpath": st.just({"$.a[0].b": "present"}),
        "xml": st.just({"//a/@b": "c"}),
    },
)
PATHS = st.sampled_from(
    ["/", "/a", "/a/{id}", "/a/{p1:[0-9]+}/b", "/{path:.*}", "/{p1:.*}/end", "/a.b/{p1:[a-z]{2}}", "/%7Bx%7D"]
)
STATUSES = st.integers(200, 599)
BODIES = st.one_of(
    st.just({}),
    TEXTS.filter(lambda text: bool(text) and "{" not in text).map(lambda text: {"text": text}),
    st.just({"json": {"a": [1, None, "x"]}}),
    st.just({"text": "{{ as it stands }}", "raw": True}),
    st.just({"base64": "AAE="}),
    st.just({"text": "{{ request.path }} {{ request.query['q'] | default('') }}"}),
)
TIMINGS = st.one_of(
    st.just({}),
    st.integers(1, 900).map(lambda ms: {"delay": f"{ms}ms"}),
    st.just({"delay": {"min": "10ms", "max": "20ms"}}),
    st.just({"delay": {"median": "80ms", "sigma": 0.4, "max": "900ms"}}),
    st.just({"throttle": {"chunks": 5, "over": "1000ms"}}),
)
FAULTS = st.sampled_from(
    [{}, {"fault": "reset"}, {"fault": "close"}, {"fault": "garbage"}, {"fault": "malformed_chunk"}]
)
HEADERS = st.one_of(st.just({}), st.just({"headers": {"X-A": ["b", "c"], "X-B": "d"}}))


@st.composite
def replies(draw: st.DrawFn) -> Any:
    parts = [draw(one) for one in (BODIES, TIMINGS, FAULTS, HEADERS)]
    body = {key: value for part in parts for key, value in part.items()}
    status = draw(STATUSES)
    if not body:
        return status
    return body if status == 200 else {"status": status, **body}


@st.composite
def routes(draw: st.DrawFn) -> dict[str, Any]:
    method = draw(st.sampled_from(["GET", "POST", "ANY", "GET,HEAD"]))
    route: dict[str, Any] = {"request": f"{method} {draw(PATHS)}"}
    match = draw(MATCHES)
    if match:
        route["match"] = match
    if draw(st.booleans()):
        route["priority"] = draw(st.integers(-9, 4).filter(bool))
    steps = draw(st.lists(replies(), min_size=1, max_size=3))
    if len(steps) > 1:
        route["reply"] = steps
        if draw(st.booleans()):
            route["then"] = "cycle"
        return route
    if draw(st.booleans()):
        route["when"] = {"door": draw(st.sampled_from(["open", {"any_of": ["absent", "Started"]}]))}
    return {**route, "reply": steps[0]}


def _typed(reply: Any) -> Any:
    """With the content type that goes out in words, since theirs has none by itself."""
    if not isinstance(reply, dict):
        return reply
    kinds = {"json": "application/json", "text": "text/plain; charset=utf-8"}
    said = [("Content-Type", kind) for key, kind in kinds.items() if key in reply]
    headers = {**dict(said), **reply.get("headers", {})}
    return {**reply, **({"headers": headers} if headers else {})}


def _all_typed(route: dict[str, Any]) -> dict[str, Any]:
    steps = route["reply"]
    return {**route, "reply": [_typed(one) for one in steps] if isinstance(steps, list) else _typed(steps)}


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(routes(), min_size=1, max_size=3, unique_by=lambda route: route["request"]))
def test_what_both_can_say_comes_back_as_it_went_out(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("out")
    found = exported(*made)
    assert found.lost == []
    (folder / "s.json").write_bytes(found.files["mappings/s.json"])
    back = wiremock.read(folder / "s.json")
    assert back.lost == []
    assert back.scenarios["s"]["routes"] == [_all_typed(route) for route in made]


def test_a_schema_goes_out_by_the_draft_that_it_names():
    def patterns(schema):
        [made] = mappings({"request": "POST /a", "match": {"schema": schema}, "reply": 200})
        return made["request"]["bodyPatterns"]

    draft7 = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
    assert patterns({"type": "object"}) == [{"matchesJsonSchema": '{"type": "object"}'}]
    assert patterns(draft7) == [{"matchesJsonSchema": json.dumps(draft7), "schemaVersion": "V7"}]


def test_of_several_conditions_on_a_query_the_one_that_is_lost_is_named():
    found = exported(
        {
            "request": "POST /a",
            "match": {"jsonpath": {"$.a": {"all_of": ["present", {"gt": 5}]}}},
            "reply": 200,
        }
    )
    assert [one.place for one in found.lost] == ["s: routes[0].match.jsonpath.$.a.all_of[1].gt"]


# And the other way: what came from there goes back, and says the same

PATTERNS = st.recursive(
    st.one_of(
        TEXTS.map(lambda text: {"equalTo": text}),
        TEXTS.map(lambda text: {"equalTo": text, "caseInsensitive": True}),
        TEXTS.map(lambda text: {"contains": text}),
        TEXTS.map(lambda text: {"doesNotContain": text}),
        st.sampled_from([{"matches": "[a-z]+"}, {"doesNotMatch": "a.b"}, {"absent": True}]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).flatmap(
            lambda items: st.sampled_from([{"and": items}, {"or": items}])
        ),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=3,
)
NAMED_PATTERNS = st.dictionaries(NAMES, PATTERNS, min_size=1, max_size=2)
BODY_PATTERNS = st.one_of(
    PATTERNS,
    LITERALS.map(lambda tree: {"equalToJson": {"a": 1, "b": ["x", "y"]}}),
    st.builds(
        lambda fields, extras: {"equalToJson": json.dumps(fields), **({"ignoreExtraElements": True} if extras else {})},
        st.dictionaries(NAMES, st.one_of(st.integers(), st.none(), NAMES, st.just("${json-unit.any-number}")), min_size=1),
        st.booleans(),
    ),
    st.just({"equalToJson": "[3, 1]", "ignoreArrayOrder": True}),
    st.sampled_from([
        {"matchesJsonPath": "$.a"},
        {"matchesJsonPath": {"expression": "$.a", "equalTo": "x"}},
        {"matchesJsonPath": {"expression": "$.a", "equalTo": "5"}},
        {"matchesJsonSchema": '{"type": "object"}'},
        {"matchesJsonSchema": '{"type": "object"}', "schemaVersion": "V7"},
        {"matchesXPath": "//a"},
        {"matchesXPath": {"expression": "//a", "contains": "b"}},
        {"equalToXml": "<a b='c'>d</a>"},
    ]),
)  # fmt: skip
URLS = st.sampled_from([
    {"urlPath": "/a"}, {"url": "/a?b=c"}, {"urlPathPattern": "/a/[0-9]+"}, {"urlPathTemplate": "/a/{id}"},
    {"urlPattern": "/a\\?b=[0-9]+"}, {},
])  # fmt: skip
RESPONSES = st.fixed_dictionaries(
    {"status": STATUSES},
    optional={
        "fixedDelayMilliseconds": st.integers(1, 999),
        "chunkedDribbleDelay": st.just({"numberOfChunks": 3, "totalDuration": 300}),
        "fault": st.sampled_from(["EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER"]),
        "headers": st.just({"X-A": ["b", "c"]}),
    },
)


@st.composite
def stubs(draw: st.DrawFn) -> dict[str, Any]:
    asked: dict[str, Any] = {"method": draw(st.sampled_from(["GET", "POST", "ANY"])), **draw(URLS)}
    for key in ("headers", "queryParameters", "cookies", "formParameters"):
        if draw(st.booleans()):
            asked[key] = draw(NAMED_PATTERNS)
    if draw(st.booleans()):
        asked["bodyPatterns"] = draw(st.lists(BODY_PATTERNS, min_size=1, max_size=2))
    made = {"request": asked, "response": {**draw(RESPONSES), **draw(THEIR_BODIES)}}
    if draw(st.booleans()):
        made["priority"] = draw(st.integers(1, 9))
    if draw(st.booleans()):
        states = {"scenarioName": "s", "requiredScenarioState": "Started", "newScenarioState": "two"}
        made |= {key: states[key] for key in draw(st.sampled_from([list(states), list(states)[:2]]))}
    return made


THEIR_BODIES = st.sampled_from([
    {}, {"body": "text"}, {"jsonBody": {"a": [1, None]}}, {"base64Body": "AAE="}, {"body": "{{as it stands}}"},
    {"body": "{{request.path}} {{request.query.q}}", "transformers": ["response-template"]},
])  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stubs())
def test_what_came_from_there_goes_back_and_says_the_same(tmp_path_factory, mapping):
    folder = tmp_path_factory.mktemp("there")
    (folder / "s.json").write_text(json.dumps(mapping))
    first = wiremock.read(folder / "s.json")
    assert first.lost == []
    out = wiremock.write(first.scenarios)
    assert out.lost == []
    (folder / "s.json").write_bytes(out.files["mappings/s.json"])
    [back] = wiremock.read(folder / "s.json").scenarios["s"]["routes"]
    [route] = first.scenarios["s"]["routes"]
    assert back == _all_typed(route)
