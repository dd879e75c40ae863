import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.importing import as_json, lost, routes, written

from mockserver.errors import InvalidInputError
from mockserver.formats import mountebank

CASES = yaml.load(
    (Path(__file__).parent / "mountebank_cases.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
)


def imposter(*stubs, **keys):
    return {"protocol": "http", "port": 4545, "name": "shop", "stubs": list(stubs), **keys}


def stub(*responses, **predicates):
    written = [{"equals": {name: value}, "caseSensitive": True} for name, value in predicates.items()]
    return {"predicates": written, "responses": list(responses)}


def read(tmp_path, *imposters):
    return mountebank.read(as_json(tmp_path / "imposters.json", {"imposters": list(imposters)}))


def test_a_stub_becomes_a_route_as_a_person_would_write_it(tmp_path):
    imported = read(
        tmp_path,
        imposter(
            stub(
                {"is": {"statusCode": 503}, "repeat": 2},
                {"is": {"body": {"ok": True}}},
                method="POST",
                path="/data",
            )
        ),
    )

    assert routes(imported) == [
        {
            "request": "POST /data",
            "reply": [{"status": 503, "times": 2}, {"json": {"ok": True}}],
            "then": "cycle",
        }
    ]
    assert imported.lost == []


def test_equal_neighbours_of_a_sequence_are_one_step(tmp_path):
    down = {"is": {"statusCode": 503}}

    imported = read(tmp_path, imposter(stub(down, down, {"is": {"body": "up"}}, path="/x")))

    assert routes(imported)[0]["reply"] == [{"status": 503, "times": 2}, {"text": "up"}]


def test_several_imposters_are_several_scenarios_kept_apart_by_their_base(tmp_path, serving):
    imported = read(
        tmp_path,
        imposter(stub({"is": {"body": "a"}}), name="orders"),
        imposter(stub({"is": {"body": "b"}}), name="stock list", port=4546, protocol="https"),
        {"protocol": "tcp", "port": 4547, "stubs": []},
    )
    folder = tmp_path / "scenarios"
    folder.mkdir()
    server = serving(written(imported, folder))

    assert server.ask("GET", "/orders/x").text == "a"
    assert server.ask("GET", "/stock-list/x").text == "b"
    assert lost(imported) == [
        "imposters.json: imposters[2]: an imposter for tcp: only http and https are served here."
    ]
    assert "served below /orders" in imported.remarks["orders"][1]


@pytest.mark.parametrize(
    ("response", "place", "what"),
    [
        ({"inject": "() => {}"}, "responses[0]", "its `inject` is JavaScript"),
        ({"fault": "NONE_SUCH"}, "responses[0]", "the fault 'NONE_SUCH' is unknown"),
        ({"is": {"statusCode": 700}}, "responses[0]", "the status 700 can't be served"),
        ({"is": {}, "behaviors": [{"decorate": "f"}]}, "responses[0].decorate", "this behavior"),
        ({"is": {}, "behaviors": [{"wait": "function () { return 1 }"}]}, "responses[0].wait", "a wait that JavaScript"),
        ({"is": {}, "behaviors": [{"lookup": {}}]}, "responses[0].lookup", "this behavior"),
        ({"is": {"trailer": 1}}, "responses[0].is.trailer", "this key has no counterpart"),
        ({"is": {"body": "${a}"}, "behaviors": [{"copy": {"from": "path", "into": "${a}", "using": {"method": "regex", "selector": "a+"}}}]}, "responses[0].copy[0]", "only whole values"),
    ],
)  # fmt: skip
def test_what_a_response_loses_is_told_with_its_place(tmp_path, response, place, what):
    imported = read(tmp_path, imposter(stub(response, {"is": {"body": "kept"}}, path="/x")))

    [said] = lost(imported)
    assert said.startswith(f"imposters.json: imposters[0].stubs[0].{place}: {what}")
    assert routes(imported)[0]["request"] == "ANY /x"


@pytest.mark.parametrize(
    ("predicate", "what"),
    [
        ({"inject": "() => true"}, "its `inject` is JavaScript"),
        ({"equals": {"ip": "127.0.0.1"}}, "the field 'ip' can't be matched here"),
        ({"matches": {"path": "^(?=a)"}}, "the regular expression '^(?=a)' is not valid in RE2"),
        ({"not": {"matches": {"path": "^/a"}}}, "the pattern '^/a' is combined with another condition"),
        ({"deepEquals": {"headers": {"a": "1"}}}, "all headers are compared at once"),
        ({"resembles": {"path": "/"}}, "the predicate 'resembles' is unknown"),
        ({"caseSensitive": True}, "a predicate without an operator"),
        ({"equals": {"query": {"a": "x"}}, "except": "(ab)+c"}, "what `except` removes"),
    ],
)
def test_a_stub_whose_condition_is_lost_is_left_out_rather_than_made_wider(tmp_path, predicate, what):
    broad = {"predicates": [predicate], "responses": [{"is": {"body": "x"}}]}

    imported = read(tmp_path, imposter(broad, stub({"is": {"body": "kept"}}, path="/kept")))

    [said] = lost(imported)
    assert said.startswith(f"imposters.json: imposters[0].stubs[0]: {what}")
    assert "so this stub is left out" in said
    assert [route["request"] for route in routes(imported)] == ["ANY /kept"]


def selecting(selector):
    return {
        "predicates": [{"exists": {"body": True}, "jsonpath": {"selector": selector}}],
        "responses": [{"is": {"body": "x"}}],
    }


def test_a_jsonpath_of_an_older_dialect_is_translated_or_told(tmp_path):
    imported = read(tmp_path, imposter(selecting("$.books[(@.length-1)].title"), selecting("$..[(@.x+1)]")))

    assert routes(imported)[0]["match"] == {"jsonpath": {"$.books[-1].title": "present"}}
    assert "is not a JSONPath by RFC 9535, so this stub is left out" in lost(imported)[0]


def test_an_xpath_that_is_none_is_told(tmp_path):
    broken = {
        "predicates": [{"exists": {"body": True}, "xpath": {"selector": "//["}}],
        "responses": [{"is": {}}],
    }

    assert "'//[' is not an XPath 1.0" in lost(read(tmp_path, imposter(broken)))[0]


def test_a_proxy_passes_on(tmp_path):
    imported = read(
        tmp_path, imposter(stub({"proxy": {"to": "https://api.example", "mode": "proxyOnce"}}, path="/real"))
    )

    assert routes(imported) == [{"request": "ANY /real", "proxy": "https://api.example"}]
    assert "responses[0].proxy.mode: every request is forwarded" in lost(imported)[0]


def test_alternatives_with_a_sequence_say_that_each_has_its_own(tmp_path):
    either = {"or": [{"equals": {"path": "/a"}}, {"equals": {"query": {"a": "1"}}}]}

    imported = read(
        tmp_path,
        imposter({"predicates": [either], "responses": [{"is": {"body": "1"}}, {"is": {"body": "2"}}]}),
    )

    assert len(routes(imported)) == 2
    assert "each has its own place in the sequence" in lost(imported)[0]


@pytest.mark.parametrize("content", ["{", '{"imposters": 5}', ""])
def test_a_file_that_is_no_config_is_refused(tmp_path, content):
    (tmp_path / "imposters.json").write_text(content)

    with pytest.raises(InvalidInputError, match=r"imposters\.json"):
        mountebank.read(tmp_path / "imposters.json")


def test_what_is_no_imposter_is_told(tmp_path):
    assert lost(read(tmp_path, 1)) == [
        "imposters.json: imposters[0]: an imposter for nothing known: only http and https are served here."
    ]


def test_a_folder_without_a_config_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"no file in it ends in \.json"):
        mountebank.read(tmp_path)


def again(exported, folder):
    (folder / "again.json").write_bytes(exported.files["imposters.json"])
    return mountebank.read(folder / "again.json")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_goes_out_comes_back_the_same(tmp_path, case):
    keys = {key: value for key, value in case.items() if key != "requests"}
    imported = read(tmp_path, {"protocol": "http", "port": 4545, **keys})

    exported = mountebank.write(imported.scenarios)

    if case["name"] == "copy":
        assert "its templates can't be converted" in lost(exported)[0]
    elif case["name"] != "XPath with namespaces":  # comes back without its prefix
        assert exported.lost == []
        assert again(exported, tmp_path).scenarios == imported.scenarios


WORDS = st.text("abcXY12 é", min_size=1, max_size=6).map(str.strip).filter(bool)
NOTHING = {"any_of": ["absent", ""]}
TEXTS = st.one_of(
    WORDS,
    WORDS.map(lambda text: {"starts_with": text}),
    WORDS.map(lambda text: {"contains": text}),
    WORDS.map(lambda text: {"not": text}),
    st.sampled_from(
        [{"any_of": ["absent", ""]}, {"matches": r"\d+"}, {"matches": "(?i)a|b"}, {"length": {"gte": 1}}]
    ),
    st.lists(WORDS, min_size=2, max_size=3, unique=True).map(lambda texts: {"any_of": texts}),
)
NAMES = st.sampled_from(["a", "b", "tag"])
JSON = st.recursive(
    st.one_of(WORDS, st.integers(-9, 9), st.booleans()),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=4,
)
OBJECTS = st.dictionaries(NAMES, JSON, min_size=1, max_size=3)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "query": st.dictionaries(NAMES, TEXTS, min_size=1),
        "json": OBJECTS,
        "json_exact": OBJECTS,
        "text": TEXTS.filter(lambda condition: condition != NOTHING),
    },
)
REPLIES = st.one_of(
    st.integers(201, 599).map(lambda status: {"status": status}),
    st.fixed_dictionaries(
        {"text": WORDS}, optional={"delay": st.just("20ms"), "headers": st.just({"X-A": "1"})}
    ),
    OBJECTS.map(lambda value: {"json": value}),
    st.sampled_from([{"fault": "reset"}, {"fault": "garbage"}]),
)


def as_route(parts):
    line, match, replies, then = parts
    steps = [one["status"] if list(one) == ["status"] else one for one in replies]
    route = {"request": line, "reply": steps[0] if len(steps) == 1 else steps}
    return {
        **route,
        **({"match": match} if match else {}),
        **({"then": "cycle"} if then and len(steps) > 1 else {}),
    }


ROUTES = st.tuples(
    st.sampled_from(
        ["GET /a", "ANY /a/b", "POST,PUT /users/{id}", r"GET /n/{n:\d+}/x", "DELETE /files/{rest:.+}"]
    ),
    MATCHES,
    st.lists(REPLIES, min_size=1, max_size=3, unique_by=str),
    st.booleans(),
).map(as_route)


@settings(max_examples=30, deadline=None)
@given(st.lists(ROUTES, min_size=1, max_size=3))
def test_a_scenario_of_ours_comes_back_the_same(tmp_path_factory, made):
    scenario = {"scenario": "shop", "routes": made}

    exported = mountebank.write({"shop": scenario})

    assert exported.lost == []
    back = again(exported, tmp_path_factory.mktemp("again"))
    assert back.lost == []
    assert back.scenarios["shop"]["routes"] == made


def test_what_mountebank_lacks_is_told_and_nothing_wrong_goes_out():
    scenario = {
        "auth": {"bearer": ["t"]},
        "routes": [
            {"request": "GET /a", "if": "request.query.a | int > 3", "reply": 200},
            {"request": "GET /b", "reply": {"text": "{{ uuid() }}"}},
            {"request": "GET /c", "reply": {"fault": "hang"}},
            {"request": "GET /d", "reply": [200, 201], "then": "stop"},
            {"request": "GET /e", "when": {"a": "b"}, "reply": 200},
            {"request": "GET /f", "reply": {"delay": {"min": "10ms", "max": "30ms"}, "text": "x"}},
            {"request": "GET /g", "match": {"graphql": {"operation": "A"}}, "reply": 200},
            {"request": "GET /h", "reply": {"choose": [{"status": 200}]}},
            {"request": "GET /i", "expect": 2, "effect": {"kind": "x"}, "reply": 200},
        ],
    }

    exported = mountebank.write({"shop": scenario})

    [out] = json.loads(exported.files["imposters.json"])["imposters"]
    assert [one["predicates"][1]["equals"]["path"] for one in out["stubs"]] == ["/d", "/f", "/i"]
    said = "\n".join(lost(exported))
    for place in ("auth", "routes[0]", "routes[1].reply", "routes[2]", "routes[3].then", "routes[4]", "routes[5].reply[0].delay",
                  "routes[6]", "routes[7].reply.choose", "routes[8].expect", "routes[8].effect"):  # fmt: skip
        assert f"shop: {place}: " in said, place
