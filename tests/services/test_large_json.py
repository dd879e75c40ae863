"""A JSON body of more members than --max-json-members is not decoded: conditions say so; it is answered, proxied and recorded all the same."""

import json

SCENARIO = """
routes:
  - {name: kinds, request: POST /kinds, match: {json: {kind: a}}, reply: 201}
  - {name: any, request: POST /any, reply: {text: "{{ request.body | length }}"}}
  - {name: echo, request: POST /echo, reply: {json: "{{ request.json }}"}}
  - {name: real, request: POST /real, proxy: "%s"}
"""
WITHIN = json.dumps({f"k{n}": n for n in range(9)})
BEYOND = json.dumps({f"k{n}": n for n in range(11)})
JSON = {"Content-Type": "application/json"}


def post(server, path, body):
    return server.ask("POST", path, body, headers=JSON)


def test_a_condition_says_that_it_was_not_decoded(serving):
    server = serving(SCENARIO % "http://127.0.0.1:9", max_json_members=10)

    for _ in range(2):
        problem = post(server, "/kinds", BEYOND).json()
        assert "it has more than 10 members; see --max-json-members" in problem["detail"]
    assert "kind" in post(server, "/kinds", WITHIN).json()["detail"]
    assert post(server, "/kinds", '{"kind": "a"}').status == 201


def test_what_does_not_look_into_it_answers_and_a_template_that_does_names_the_reason(serving):
    server = serving(SCENARIO % "http://127.0.0.1:9", max_json_members=10)

    assert post(server, "/any", BEYOND).text == str(len(BEYOND))
    answer = post(server, "/echo", BEYOND)
    assert (answer.status, "--max-json-members" in answer.text) == (500, True)
    assert post(server, "/echo", WITHIN).text == json.dumps(json.loads(WITHIN), separators=(",", ":"))


def test_it_is_proxied_and_recorded(serving):
    real = serving("routes: [{request: POST /real, reply: {text: '{{ request.body }}'}}]")
    server = serving(SCENARIO % real.url, max_json_members=10, allow_egress=("127.0.0.1",))

    assert post(server, "/real", BEYOND).text == BEYOND

    (call,) = server.calls()
    assert call["request"]["body"]["text"] == BEYOND
    assert real.calls()[0]["request"]["body"]["text"] == BEYOND


def test_the_default_is_100_000(serving):
    server = serving(SCENARIO % "http://127.0.0.1:9")
    members = {f"k{n}": n for n in range(99_999)}

    assert "--max-json-members" not in post(server, "/kinds", json.dumps(members)).text
    assert "--max-json-members" in post(server, "/kinds", json.dumps({**members, "a": 1, "b": 2})).text
