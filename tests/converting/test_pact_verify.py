"""`mockserver pact verify`: a provider is held to a pact as the real verifier does it."""

import json

import pytest
from click.testing import CliRunner

from mockserver import cli

INT, TYPE, REGEX = {"match": "integer"}, {"match": "type"}, {"match": "regex", "regex": r"\d+-\w+"}


def rules(**matchers):
    return {"body": {path: {"combine": "AND", "matchers": some} for path, some in matchers.items()}}


def body(value, path_rules=None):
    return {"status": 200, "body": value, **({"matchingRules": rules(**path_rules)} if path_rules else {})}


def reply(value, **more):
    return {"json": value, **more}


# The response of the pact, the reply of the provider, and what is said where they differ.
CASES = [
    (body({"a": 1}), reply({"a": 1, "b": 2}), []),
    (body({"a": 1}), reply({"a": 2}), ["body.a: expected 1, got 2"]),
    (body({"a": 1}), reply({"b": 1}), ["body.a: expected 1, got nothing"]),
    (body({"a": [1, 2]}), reply({"a": [1]}), ["body.a: expected 2 items, got 1"]),
    (body({"a": {"b": "x"}}), reply({"a": {"b": "y"}}), ["body.a.b: expected 'x', got 'y'"]),
    (body({"a": 1}), {"text": "no"}, ["body: expected JSON, got 'no'"]),
    (body({"a": 1}, {"$.a": [TYPE]}), reply({"a": 7}), []),
    (body({"a": 1}, {"$.a": [TYPE]}), reply({"a": "7"}), ["body.a: expected a number, got '7', a text"]),
    (body({"a": {"b": 1}}, {"$": [TYPE]}), reply({"a": {"b": 7}}), []),
    (body({"a": {"b": 1}}, {"$": [TYPE]}), reply({"a": {}}), ["body.a.b: expected 1, got nothing"]),
    (body({"a": "1-x"}, {"$.a": [REGEX]}), reply({"a": "22-yy"}), []),
    (body({"a": "1-x"}, {"$.a": [REGEX]}), reply({"a": "x"}), [r"body.a: expected to match '\d+-\w+', got 'x'"]),
    (body({"a": 1}, {"$.a": [INT]}), reply({"a": 1.5}), ["body.a: expected an integer, got 1.5, a number"]),
    (body({"l": [{"n": 1}]}, {"$.l": [{"match": "type", "min": 1}]}), reply({"l": [{"n": 1}, {"n": 5}]}), []),
    (body({"l": [{"n": 1}]}, {"$.l": [{"match": "type", "min": 1}]}), reply({"l": []}), ["body.l: expected at least 1 items, got 0"]),
    (body({"l": [{"n": 1}]}, {"$.l": [{"match": "type", "max": 1}]}), reply({"l": [{"n": 1}, {"n": 2}]}), ["body.l: expected at most 1 items, got 2"]),
    (body({"l": [{"n": 1}]}, {"$.l": [{"match": "type"}], "$.l[*].n": [INT]}), reply({"l": [{"n": 1}, {"n": "x"}]}), ["body.l[1].n: expected an integer, got 'x', a text"]),
    (body({"a": None}, {"$.a": [{"match": "null"}]}), reply({"a": None}), []),
    (body({"a": "ab"}, {"$.a": [{"match": "include", "value": "b"}]}), reply({"a": "xby"}), []),
    ({"status": 201, "headers": {"X-A": ["1"]}}, {"status": 201, "headers": {"X-A": "1", "X-B": "2"}}, []),
    ({"status": 201, "headers": {"X-A": ["1"]}}, {"status": 200}, ["status: expected 201, got 200", "header x-a is missing: expected '1'"]),
    ({"status": 200, "headers": {"X-A": ["1"]}, "matchingRules": {"header": {"X-A": {"matchers": [{"match": "regex", "regex": r"\d"}]}}}}, {"headers": {"X-A": "2"}}, []),
    ({"status": 200, "headers": {"Content-Type": ["application/json"]}, "body": {}}, reply({"a": 1}, headers={"Content-Type": "application/json; charset=utf-8"}), []),
    ({"status": 200}, reply({"whatever": 1}), []),
    (body({"a": 1.5}, {"$.a": [{"match": "decimal"}]}), reply({"a": 2.5}), []),
    (body({"a": True}, {"$.a": [{"match": "boolean"}]}), reply({"a": "x"}), ["body.a: expected a boolean, got 'x', a text"]),
    (body({"a": "2026-01-02"}, {"$.a": [{"match": "date", "format": "yyyy-MM-dd"}]}), reply({"a": "2025-12-31"}), []),
    (body({"a": {"k": 1}}, {"$.a": [{"match": "values"}], "$.a.*": [INT]}), reply({"a": {"other": 5}}), []),
    (body({"a": {"k": 1}}, {"$.a": [{"match": "values"}], "$.a.*": [INT]}), reply({"a": {"other": "x"}}), ["body.a.other: expected an integer, got 'x', a text"]),
    (body({"a": "x", "b": {"c": [1]}}, {"$.b": [TYPE]}), reply({"a": "x", "b": {"c": [7, 8]}}), []),
    (body({"a": "x", "b": {"c": [1]}}, {"$.b": [TYPE]}), reply({"a": "x", "b": {"c": ["7"]}}), ["body.b.c[0]: expected a number, got '7', a text"]),
    (body("plain"), {"text": "plain"}, []),
]  # fmt: skip


EITHER = {"body": {"$.a": {"combine": "OR", "matchers": [{"match": "null"}, {"match": "integer"}]}}}
CASES += [
    ({"status": 200, "body": {"a": 1}, "matchingRules": EITHER}, reply({"a": None}), []),
    ({"status": 200, "body": {"a": 1}, "matchingRules": EITHER}, reply({"a": 7}), []),
    (
        {"status": 200, "body": {"a": 1}, "matchingRules": EITHER},
        reply({"a": "x"}),
        ["body.a: expected null, got 'x', a text", "body.a: expected an integer, got 'x', a text"],
    ),
]


def pact(response, **interaction):
    return {
        "consumer": {"name": "web"},
        "provider": {"name": "shop"},
        "interactions": [
            {"description": "a request", "request": {"method": "GET", "path": "/x"}, "response": response, **interaction}
        ],
        "metadata": {"pactSpecification": {"version": "3.0.0"}},
    }  # fmt: skip


@pytest.fixture
def run(tmp_path):
    def verify(document, url, *args):
        file = tmp_path / "pact.json"
        file.write_text(json.dumps(document) if not isinstance(document, str) else document)
        return CliRunner().invoke(cli.main, ["pact", "verify", str(file), "--provider", url, *args])

    return verify


@pytest.fixture
def provider(serving):
    def serve(reply):
        return serving(json.dumps({"routes": [{"request": "GET /x", "reply": {"raw": True, **reply}}]}))

    return serve


@pytest.mark.parametrize(("response", "reply", "lines"), CASES)
def test_what_differs_from_the_pact_is_told(run, provider, response, reply, lines):
    done = run(pact(response), provider(reply).url)

    head, *rest = done.stdout.splitlines()
    assert [line.strip().partition("; ")[0] for line in rest[:-1]] == lines
    assert (head, done.exit_code) == (("failed" if lines else "ok") + ": a request", int(bool(lines)))
    assert rest[-1] == f"{int(not lines)} of 1 interaction verified"


@pytest.mark.slow
def test_the_real_verifier_judges_the_same(serving, tmp_path):
    from pact import Verifier

    replies = [
        {"request": f"GET /{n}", "reply": {"raw": True, **reply}} for n, (_, reply, _) in enumerate(CASES)
    ]
    server = serving(json.dumps({"routes": replies}))
    differ = []
    for n, (response, _, lines) in enumerate(CASES):
        file = tmp_path / f"{n}.json"
        file.write_text(json.dumps(pact(response, request={"method": "GET", "path": f"/{n}"})))
        try:
            Verifier("shop", host="127.0.0.1").add_transport(url=server.url).add_source(file).verify()
            holds = True
        except RuntimeError:
            holds = False
        if holds is bool(lines):
            differ.append((n, response, lines))
    assert differ == []


def test_the_request_is_that_of_the_pact(run, serving):
    server = serving("routes: [{request: POST /base/orders, reply: 201}]")
    request = {
        "method": "post",
        "path": "/orders",
        "query": {"q": ["a b", "c"]},
        "headers": {"X-A": ["1"], "Authorization": "old"},
        "body": {"n": 1.10},
    }
    document = pact({"status": 201}, request=request)

    done = run(document, f"{server.url}/base/", "-H", "Authorization: Bearer new-secret-0123456789")

    assert done.exit_code == 0, done.output
    (call,) = server.calls()
    headers = {name.lower(): value for name, value in call["request"]["headers"]}
    assert call["request"]["target"] == "/base/orders?q=a+b&q=c"
    assert (headers["x-a"], headers["authorization"]) == ("1", "Bearer new-secret-0123456789")
    assert headers["content-type"] == "application/json"
    assert json.loads(call["request"]["body"]["text"]) == {"n": 1.1}


def test_states_are_asked_for_before_a_request(run, serving):
    server = serving("""
routes:
  - {request: POST /states, match: {json: {state: "an order exists"}}, reply: 200, set: {there: "yes"}}
  - {request: POST /states, reply: 500}
  - {request: GET /x, when: {there: "yes"}, reply: 200}
""")
    states = ("--state-url", f"{server.url}/states")
    given = [{"name": "an order exists", "params": {"id": 7}}]

    assert run(pact({"status": 200}, providerStates=given), server.url).exit_code == 1
    assert run(pact({"status": 200}, providerStates=given), server.url, *states).exit_code == 0
    asked = [
        json.loads(call["request"]["body"]["text"])
        for call in server.calls()
        if call["request"]["method"] == "POST"
    ]
    assert asked == [{"state": "an order exists", "params": {"id": 7}, "action": "setup"}]
    done = run(pact({"status": 200}, providerState="nothing exists"), server.url, *states)
    assert "  the provider state 'nothing exists' was answered with 500" in done.stdout.splitlines()


def test_an_interaction_that_is_pending_does_not_fail_and_json_has_all(run, provider):
    document = pact({"status": 404}, pending=True, type="Synchronous/HTTP")
    url = provider({"status": 200}).url

    done = run(document, url)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "pending: a request")
    assert json.loads(run(document, url, "--json").stdout) == [
        {
            "description": "a request",
            "ok": False,
            "pending": True,
            "mismatches": ["status: expected 404, got 200"],
        }
    ]


@pytest.mark.parametrize(
    ("document", "args", "said"),
    [
        ("{", [], "it is not valid JSON"),
        ({}, [], "is not a pact"),
        (pact({"status": 200}, type="Asynchronous/Messages"), [], "is not HTTP"),
        (pact({"status": 200}), ["--only", "nothing"], "has no interaction to verify"),
        (pact({"status": 200}), ["--state-url", "x"], "'x' is not an http or https URL"),
        (pact({"status": 200}), [], "http://127.0.0.1:1 can't be reached"),
    ],
)
def test_without_anything_to_verify_it_exits_with_2(run, document, args, said):
    done = run(document, "http://127.0.0.1:1", *args)

    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


REQUESTS = [
    ({"path": "x"}, "does not begin with a slash"),
    ({"path": "/x", "method": "GET X"}, "'GET X' is not a method"),
    ({"path": "/x", "method": "GÉT"}, "'GÉT' is not a method"),
]
CONTAINS = {"match": "arrayContains", "variants": [{"index": 9}]}
INTERACTIONS = [
    *((pact({"status": 200}, request={"method": "GET", **request}), said) for request, said in REQUESTS),
    (pact(body({"a": [1]}, {"$.a": [CONTAINS]})), "IndexError"),
    (pact({"status": "abc"}), "'abc'"),
]


@pytest.mark.parametrize(("document", "said"), INTERACTIONS)
def test_a_pact_with_an_interaction_that_cant_be_read_verifies_nothing(run, provider, document, said):
    document["interactions"].insert(0, pact({"status": 200})["interactions"][0])

    done = run(document, provider({"status": 200}).url)

    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert "interactions[1]: it can't be read: " in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("header", [("X-A", "中"), ("X-A", "a\nb"), ("X:A", "b")])
def test_a_request_that_http_does_not_have_fails(run, provider, header):
    request = {"method": "GET", "path": "/x", "headers": dict([header])}

    done = run(pact({"status": 200}, request=request), provider({"status": 200}).url)

    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "failed: a request"), done.output
    assert done.stdout.splitlines()[1].startswith("  the request can't be sent: ")


@pytest.mark.parametrize(
    ("matcher", "said"),
    [
        ({"match": "regex", "regex": "(?=x)x+"}, "needs more than linear time"),
        ({"match": "unheard-of"}, "the matcher 'unheard-of' matches only the type"),
        ({"match": "date", "format": "QQQQ"}, "the format 'QQQQ' is not matched"),
    ],
)
@pytest.mark.parametrize("part", ["body", "header"])
def test_a_rule_that_is_not_checked_is_told(run, provider, matcher, said, part):
    path, place = {"body": ("$.a", "body.a"), "header": ("X-A", "headers.x-a")}[part]
    response = {"status": 200, "headers": {"X-A": "xx"}, "body": {"a": "xx"}, "matchingRules": {part: {path: {"matchers": [matcher]}}}}  # fmt: skip

    done = run(pact(response), provider(reply({"a": "xx"}, headers={"X-A": "xx"})).url)

    assert done.stderr.startswith(f"interactions[0].response: {place}: ")
    assert said in done.stderr
