"""Whatever stands in a peer's file, an importer refuses it or tells what is lost; what it makes can be loaded."""

import contextlib
import copy
import itertools
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampling import part

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.errors import InvalidInputError
from mockserver.formats import format_named, hoverfly, mockoon, mockserver, mountebank, smocker
from mockserver.scenarios.loader import from_bundle, from_text
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec

CASES = yaml.load(
    (Path(__file__).parent / "mountebank_cases.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
)
IMPOSTERS = {
    "imposters": [
        {"protocol": "http", "port": 4545, **{key: value for key, value in case.items() if key != "requests"}}
        for case in CASES[7:40:4]
    ]
}
EXACT = [{"matcher": "exact", "value": "/a"}]
SIMULATION = {
    "data": {
        "pairs": [
            {
                "request": {
                    "path": EXACT,
                    "method": EXACT,
                    "destination": EXACT,
                    "headers": {"a": EXACT},
                    "query": {"q": [{"matcher": "array", "value": ["x"], "config": {"ignoreOrder": True}}]},
                    "body": [
                        {"matcher": "jsonpath", "value": "$.a", "doMatch": {"matcher": "glob", "value": "x*"}}
                    ],
                    "requiresState": {"sequence:1": "1"},
                },
                "response": {
                    "status": 200,
                    "body": "x",
                    "headers": {"a": ["b"]},
                    "transitionsState": {"sequence:1": "2"},
                    "removesState": ["x"],
                    "logNormalDelay": {"median": 5, "mean": 6},
                },
            },
            {
                "request": {"path": [{"matcher": "glob", "value": "/*"}]},
                "response": {"templated": True, "body": "{{ State.x }}"},
            },
        ],
        "globalActions": {"delays": [{"urlPattern": ".", "delay": 5}]},
        "literals": [{"name": "a", "value": 1}],
    },
    "meta": {"schemaVersion": "v5.2"},
}
EXPECTATIONS = [
    {
        "id": "a",
        "priority": 3,
        "httpRequest": {
            "method": "GET",
            "path": "/a/{id}",
            "pathParameters": {"id": ["x+"]},
            "headers": {"?a": ["!b"]},
            "cookies": [{"name": "a", "value": "b"}],
            "queryStringParameters": {"q": [{"schema": {"type": "string", "pattern": "x"}}]},
            "body": {"type": "JSON", "json": {"a": ["${json-unit.any-string}"]}, "matchType": "STRICT"},
        },
        "httpResponse": {
            "statusCode": 200,
            "headers": {"a": ["b"]},
            "cookies": {"c": "d"},
            "body": {"type": "STRING", "string": "x"},
            "delay": {"timeUnit": "SECONDS", "value": 1},
        },
        "times": {"remainingTimes": 2, "unlimited": False},
    },
    {
        "httpRequest": {},
        "httpResponseTemplate": {"templateType": "MUSTACHE", "template": '{"body": "{{ uuid }}"}'},
    },
    {"httpRequest": {"body": {"parameters": {"a": ["b"]}}}, "httpError": {"dropConnection": True}},
]
MOCKS = [
    {
        "request": {
            "method": "GET",
            "path": {"matcher": "ShouldMatch", "value": "^/a"},
            "headers": {"a": ["b", {"matcher": "ShouldNotEqual", "value": "c"}]},
            "query_params": {"q": "x"},
            "body": {"a.b": "1", "c": {"matcher": "ShouldBeEmpty"}},
        },
        "context": {"times": 2},
        "response": {
            "status": 200,
            "headers": {"a": ["b"]},
            "body": "x",
            "delay": {"min": "1s", "max": "2s"},
        },
    },
    {"request": {"body": {"matcher": "ShouldEqualJSON", "value": "{}"}}, "response": {"delay": "5ms"}},
]
RESPONSE = {
    "body": "{{#repeat 2}}{{data 'd'}}{{/repeat}}",
    "latency": 5,
    "statusCode": 200,
    "headers": [{"key": "a", "value": "{{body 'a'}}"}],
    "bodyType": "INLINE",
    "rules": [
        {"target": "body", "modifier": "a.0", "value": "1", "operator": "equals", "invert": True},
        {"target": "query", "modifier": "a", "value": "x", "operator": "regex", "invert": False},
    ],
    "rulesOperator": "AND",
    "default": False,
    "callbacks": [{"uuid": "c", "latency": 5}],
}
ENVIRONMENT = {
    "name": "e",
    "endpointPrefix": "v1",
    "latency": 5,
    "routes": [
        {"uuid": "r", "type": "http", "method": "get", "endpoint": "a/:id", "responses": [RESPONSE]},
        {
            "uuid": "s",
            "type": "crud",
            "endpoint": "b",
            "responses": [{"bodyType": "DATABUCKET", "databucketID": "d", "default": True, "crudKey": "id"}],
        },
        {
            "type": "http",
            "method": "all",
            "endpoint": "*",
            "responseMode": "SEQUENTIAL",
            "responses": [{"body": "x"}] * 2,
        },
    ],
    "rootChildren": [{"type": "folder", "uuid": "f"}],
    "folders": [{"uuid": "f", "children": [{"type": "route", "uuid": "s"}]}],
    "headers": [{"key": "b", "value": "c"}],
    "data": [{"uuid": "d", "id": "d", "name": "d", "value": '[{"id": 1}]'}],
    "callbacks": [{"uuid": "c", "uri": "http://a/b", "method": "post", "body": "x", "headers": []}],
    "proxyMode": True,
    "proxyHost": "http://a",
}
WORDS = st.sampled_from(
    [
        "",
        "x",
        "GET",
        "/{",
        "[",
        "(",
        "{{",
        "!",
        "$..[",
        "//[",
        "a b",
        "\n",
        "a: b",
        "é",
        "ShouldMatch",
        "regex",
    ]
)
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 700), st.floats(allow_nan=False), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=4,
)


def places(value, path=()):
    yield path
    for key, item in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(item, (*path, key))


def put(document, path, junk):
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = junk
    return changed


@pytest.mark.parametrize(
    ("module", "document"),
    [
        (mountebank, IMPOSTERS),
        (hoverfly, SIMULATION),
        (mockserver, EXPECTATIONS),
        (smocker, MOCKS),
        (mockoon, ENVIRONMENT),
    ],
    ids=["mountebank", "hoverfly", "mockserver", "smocker", "mockoon"],
)
def test_junk_anywhere_is_refused_or_told_and_never_made_a_scenario_that_does_not_load(
    tmp_path, module, document
):
    all_places = [path for path in places(document) if path]
    found = []

    @settings(max_examples=len(part(range(40), 20)), deadline=None)
    @given(st.sampled_from(all_places), JUNK)
    def try_one(path, junk):
        source = tmp_path / "source.json"
        source.write_text(json.dumps(put(document, path, junk)))
        try:
            imported = module.read(source)
        except InvalidInputError:
            return
        for name, made in imported.scenarios.items():
            build_scenario_set([from_text(dump(made, ScenarioSpec), name)])
        if hasattr(module, "write"):
            module.write(imported.scenarios)
        found.append(imported)

    try_one()
    assert found


DOCUMENTS = {
    "mountebank": [{"imposters": IMPOSTERS["imposters"][:4]}],
    "hoverfly": [SIMULATION],
    "mockserver": [EXPECTATIONS],
    "smocker": [MOCKS],
    "mockoon": [ENVIRONMENT],
    **json.loads((Path(__file__).parent / "misshapen.json").read_text("utf-8")),
}
WRONG_TYPES = [None, True, 7.5, "x", [], [None], {}, {"x": [1]}]


@pytest.mark.slow
@pytest.mark.parametrize("format_", DOCUMENTS)
def test_a_value_of_a_wrong_type_anywhere_leads_to_no_error_of_python(tmp_path, format_):
    source = tmp_path / ("source.yaml" if format_ == "vcr" else "source.json")
    for document in DOCUMENTS[format_]:
        wrong = list(itertools.product(filter(None, places(document)), WRONG_TYPES))
        for path, junk in part(wrong, 200):
            source.write_text(json.dumps(put(document, path, junk)))
            with contextlib.suppress(InvalidInputError):
                format_named(format_).read(source)


def test_a_simulation_whose_meta_is_no_mapping_is_refused(tmp_path):
    source = tmp_path / "source.json"
    source.write_text(json.dumps({**SIMULATION, "meta": True}))
    with pytest.raises(InvalidInputError, match="schema version nothing can't be read"):
        hoverfly.read(source)


def test_one_mapping_of_another_shape_leaves_the_others(tmp_path):
    good = {"request": {"url": "/a"}, "response": {"status": 204}}
    bad = {"request": {"url": "/b"}, "response": {"fault": []}, "priority": {}}
    source = tmp_path / "source.json"
    source.write_text(json.dumps({"mappings": [good, bad]}))

    imported = format_named("wiremock").read(source)

    assert [route["request"] for one in imported.scenarios.values() for route in one["routes"]] == ["ANY /a"]
    assert [str(one) for one in imported.lost] == [
        "source.json: mappings[1]: it is not of the shape that a mapping has."
    ]


@pytest.mark.parametrize("name", ["", "a b", "{{"])
def test_a_header_that_has_no_name_is_left_out_with_a_note(tmp_path, name):
    archive = copy.deepcopy(DOCUMENTS["har"][0])
    archive["log"]["entries"][0]["response"]["headers"].append({"name": name, "value": "x"})
    source = tmp_path / "source.json"
    source.write_text(json.dumps(archive))

    imported = format_named("har").read(source)

    assert repr(name) in "".join(imported.remarks["source"])
    build_scenario_set([from_bundle(dump(imported.scenarios["source"], ScenarioSpec), imported.files)])
