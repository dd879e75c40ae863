"""A template that fails, or would hold the server: what its client gets, what the record shows, what it leaves behind."""

import pytest
from support.server import run_cli

SCENARIO = r"""
state: {n: 1}
routes:
  - {name: undefined, request: POST /undefined, reply: {json: {a: {b: "{{ request.json.missing }}"}}}}
  - name: lines
    request: POST /lines
    reply:
      text: |
        first
        {{ request.method }}
        {{ 1 // request.json.zero }}
  - {name: header, request: POST /header, reply: {headers: {x-a: "{{ vars.nothing }}"}}}
  - {name: delay, request: POST /delay, reply: {delay: "{{ request.json.d }}"}}
  - {name: steps, request: POST /steps, reply: {text: "{% for a in range(1000) %}{% for b in range(1000) %}{{ b }}{% endfor %}{% endfor %}"}}
  - {name: chars, request: POST /chars, reply: {text: "{{ 'a' * request.json.n }}"}}
  - name: status
    request: POST /status
    let: {id: "{{ uuid() }}"}
    set: {paid: "{{ let.id }}"}
    effect: {kind: charge}
    reply: [{status: "{{ request.json.status }}"}, 202]
  - {name: let, request: POST /let, let: {id: "{{ request.json.id }}"}, effect: {kind: charge}, reply: [201, 202]}
  - {name: rendered, request: POST /rendered, effect: {kind: charge}, reply: [{text: "{{ request.json.a }}"}, 202]}
  - {name: fine, request: GET /fine, reply: {text: fine}}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.mark.parametrize(
    ("target", "body", "place", "template", "line", "reason"),
    [
        ("/undefined", "{}", "json.a.b", "{{ request.json.missing }}", 1, "missing"),
        ("/header", "{}", "headers.x-a", "{{ vars.nothing }}", 1, "nothing"),
        ("/delay", '{"d": "soon"}', "delay", None, 1, "'soon' is not a valid duration"),
        ("/lines", '{"zero": 0}', "text", None, 3, "zero"),
    ],
)
def test_a_failing_template_is_a_500_that_names_route_template_line_and_reason(
    server, target, body, place, template, line, reason
):
    answer = server.ask("POST", target, body)

    assert (answer.status, answer.media_type) == (500, "application/problem+json")
    problem = answer.json()
    assert problem["route"] == f"shop{target}"
    assert problem["line"] == line
    assert problem["place"] == place
    assert reason in problem["reason"]
    assert problem["reason"] in problem["detail"]
    if template is not None:
        assert problem["template"] == template
    call = server.calls()[0]
    assert call["error"] == problem
    assert (call["reply"]["status"], call["outcome"], call["matched"]) == (500, "done", True)


@pytest.mark.parametrize(("target", "body"), [("/steps", "{}"), ("/chars", '{"n": 1000000000}')])
def test_a_template_out_of_its_budget_is_a_500_and_the_server_goes_on(server, target, body):
    answer = server.ask("POST", target, body)

    assert answer.status == 500
    assert answer.json()["type"] == "urn:mockserver:template"
    assert server.ask("GET", "/fine").text == "fine"


@pytest.mark.parametrize(
    ("target", "body"),
    [("/status", "{}"), ("/status", '{"status": 99}'), ("/status", '{"status": "ok"}'), ("/let", "{}")],
)
def test_what_fails_in_the_claim_leaves_nothing_behind(server, target, body):
    assert server.ask("POST", target, body).status == 500

    name = target[1:]
    assert server.admin.get(f"/routes/{name}")["step"] == 1
    assert server.admin.get("/effects")["items"] == []
    assert server.admin.get("/state") == {"n": 1}
    assert server.admin.get("/counts")["routes"][f"shop/{name}"]["calls"] == 1
    assert server.ask("POST", target, '{"status": 201, "id": 1}').status == 201
    assert server.ask("POST", target, '{"id": 2}').status == 202
    assert len(server.admin.get("/effects")["items"]) == 2


def test_what_fails_after_the_claim_undoes_nothing_of_it(server):
    assert server.ask("POST", "/rendered", "{}").status == 500

    assert len(server.admin.get("/effects")["items"]) == 1
    assert server.ask("POST", "/rendered", "{}").status == 202


REFUSED = [
    "{{ request.__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ 'a' ** 9 }}",
    "{{ '{:>99999999}'.format(1) }}",
    "{% include 'x' %}",
    "{% import 'os' as os %}",
    "{% macro a() %}{% endmacro %}",
    "{{ nothing_of_that_name() }}",
    "{{ 1 + }}",
]


@pytest.mark.parametrize("source", REFUSED)
def test_a_construct_that_is_refused_is_an_error_at_load_and_at_the_admin_api(serving, tmp_path, source):
    server = serving("routes: [{request: GET /fine, reply: {text: fine}}]")
    problem = server.admin.refused(422, "POST", "/routes", {"request": "GET /x", "reply": {"text": source}})
    assert problem["errors"][0]["pointer"] == "/reply/text"
    assert problem["errors"][0]["message"]
    assert server.ask("GET", "/x").status == 404


@pytest.mark.parametrize(
    "source", ["{{ ''['__class__'] }}", "{{ '%99999999d' % 1 }}", "{{ request['__class__'] }}"]
)
def test_what_only_a_call_can_show_is_refused_then(serving, source):
    server = serving("routes: []")
    server.admin.post("/routes", {"request": "GET /x", "reply": {"text": source}})

    answer = server.ask("GET", "/x")
    assert (answer.status, answer.json()["template"]) == (500, source)


@pytest.mark.slow
def test_the_command_line_refuses_it_with_file_and_line_and_exit_code_2(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("routes:\n  - request: GET /x\n    reply: {text: \"{{ ''.__class__ }}\"}\n")

    for command in ("check", "serve"):
        ran = run_cli(command, str(path))
        assert ran.returncode == 2
        assert f"{path}:3:" in ran.stderr + ran.stdout
        assert "__class__" in ran.stderr + ran.stdout


@pytest.mark.parametrize(
    "where", ['if: "{{ request.json.a.b }}"', 'if: "{{ 1 // 0 }}"', 'when: {"{{ request.json.a.b }}": x}']
)
def test_a_condition_that_fails_doesnt_hold(serving, where):
    server = serving(f"routes: [{{request: POST /x, {where}, reply: 200}}, {{request: POST /x, reply: 201}}]")

    assert server.ask("POST", "/x", "{}").status == 201
