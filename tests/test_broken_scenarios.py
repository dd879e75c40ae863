"""
What only compiling finds is told with line and column by `check`, and with a JSON pointer by the admin API.

In each scenario `»` stands before the place that the error must point at. What reading alone finds is in tests/files/broken.
"""

import pytest
from click.testing import CliRunner
from support.admin import pointers
from support.server import PROJECT

from mockserver.cli import main

MARK = "»"

BROKEN = {
    # Regular expressions
    "a regex of a header that doesn't compile": (
        "routes:\n  - request: GET /a\n    match: {headers: {x-a: {matches: »'('}}}\n    reply: 200",
        "/routes/0/match/headers/x-a/matches",
        "(",
    ),
    "a regex of a query parameter with look-ahead": (
        "routes:\n  - request: GET /a\n    match: {query: {q: {matches: »'(?=a)'}}}\n    reply: 200",
        "/routes/0/match/query/q/matches",
        "look",
    ),
    "a regex of a field of the body": (
        "routes:\n  - request: POST /a\n    match: {json: {a: {b: [{$matches: »'['}]}}}\n    reply: 200",
        "/routes/0/match/json/a/b/0/$matches",
        "[",
    ),
    "a regex inside not inside any_of": (
        "routes:\n  - request: POST /a\n    match: {text: {any_of: [x, {not: {matches: »'*'}}]}}\n    reply: 200",
        "/routes/0/match/text/any_of/1/not/matches",
        "*",
    ),
    "a regex of a form field": (
        "routes:\n  - request: POST /a\n    match: {form: {'card[number]': {matches: »'\\1'}}}\n    reply: 200",
        "/routes/0/match/form/card[number]/matches",
        "",
    ),
    "a regex in a path": ("routes:\n  - request: »'GET /a/{id:[0-9}'\n    reply: 200", "/routes/0/request", "["),
    # Operators
    "an operator that there is not": (
        "routes:\n  - request: GET /a\n    match: {headers: {x-a: {»contians: b}}}\n    reply: 200",
        "/routes/0/match/headers/x-a/contians",
        "Did you mean 'contains'?",
    ),
    "a dollar operator that there is not": (
        "routes:\n  - request: POST /a\n    match: {json: {a: {»$gte3: 5}}}\n    reply: 200",
        "/routes/0/match/json/a/$gte3",
        "$gte",
    ),
    "a dollar operator beside a field": (
        "routes:\n  - request: POST /a\n    match: {json: {a: {$gt: 5, »b: 1}}}\n    reply: 200",
        "/routes/0/match/json/a/b",
        "$fields",
    ),
    "a number that is none": (
        "routes:\n  - request: GET /a\n    match: {query: {page: {gt: »many}}}\n    reply: 200",
        "/routes/0/match/query/page/gt",
        "many",
    ),
    # Paths
    "a parameter that stands twice": (
        "routes:\n  - request: »'GET /{id}/b/{id}'\n    reply: 200",
        "/routes/0/request",
        "'id' is duplicated",
    ),
    "a parameter without a name": ("routes:\n  - request: »'GET /{}'\n    reply: 200", "/routes/0/request", "name"),
    "a parameter with a bad name": ("routes:\n  - request: »'GET /{1a}'\n    reply: 200", "/routes/0/request", "1a"),
    "a parameter with an empty pattern": (
        "routes:\n  - request: »'GET /{id:}'\n    reply: 200",
        "/routes/0/request",
        "empty pattern",
    ),
    "a brace that is never closed": ("routes:\n  - request: »'GET /{id'\n    reply: 200", "/routes/0/request", "brace"),
    "a brace that was never opened": ("routes:\n  - request: »'GET /id}'\n    reply: 200", "/routes/0/request", "brace"),
    "a path of the admin API": (
        "routes:\n  - {request: GET /ok, reply: 200}\n  - request: »GET /__admin/calls\n    reply: 200",
        "/routes/1/request",
        "admin API",
    ),
    "a base that leads to the admin API": (
        "base: /__admin\nroutes:\n  - request: »GET /x\n    reply: 200",
        "/routes/0/request",
        "admin API",
    ),
    # Templates
    "a template that is no expression": (
        "routes:\n  - request: GET /a\n    reply: {json: {a: [1, »'{{ 1 + }}']}}",
        "/routes/0/reply/json/a/1",
        "",
    ),
    "a template that is never closed": (
        "routes:\n  - request: GET /a\n    reply: {text: »'{{ path.id'}",
        "/routes/0/reply/text",
        "",
    ),
    "a word that there is not": (
        "routes:\n  - request: GET /a\n    reply: {text: »'{{ reqest.method }}'}",
        "/routes/0/reply/text",
        "'request'",
    ),
    "a filter that there is not": (
        "routes:\n  - request: GET /a\n    reply: {html: »'{{ path.id | uper }}'}",
        "/routes/0/reply/html",
        "'upper'",
    ),
    "a function that there is not": (
        "routes:\n  - request: GET /a\n    reply: {headers: {x-id: »'{{ uid() }}'}}",
        "/routes/0/reply/headers/x-id",
        "'uuid'",
    ),
    "a macro": (
        "routes:\n  - request: GET /a\n    reply: {text: »'{% macro m() %}{% endmacro %}'}",
        "/routes/0/reply/text",
        "macro",
    ),
    "a template in a later reply of a sequence": (
        "routes:\n  - request: GET /a\n    reply:\n      - 503\n      - status: »'{{ 2 00 }}'\n",
        "/routes/0/reply/1/status",
        "",
    ),
    "a template of a delay": (
        "routes:\n  - request: GET /a\n    reply: {delay: »'{{ }}'}",
        "/routes/0/reply/delay",
        "",
    ),
    "an if that is no expression": (
        "routes:\n  - request: GET /a\n    if: »'request.query.a =='\n    reply: 200",
        "/routes/0/if",
        "",
    ),
    "an if that asks what is known only later": (
        "routes:\n  - request: GET /a\n    if: »'call.number > 1'\n    reply: 200",
        "/routes/0/if",
        "call",
    ),
    "a default header of all replies": (
        "defaults: {headers: {x-id: »'{{ uuid( }}'}}\nroutes:\n  - {request: GET /a, reply: 200}\n  - {request: GET /b, reply: 200}",
        "/defaults/headers/x-id",
        "",
    ),
    "a template inside cases inside choose": (
        "routes:\n  - request: GET /a\n    reply:\n      choose:\n        - 200\n        - cases: [{if: »'((', status: 201}]\n",
        "/routes/0/reply/choose/1/cases/0/if",
        "",
    ),
    # Files
    "a body file that is missing": (
        "routes:\n  - request: GET /a\n    reply: {file: »missing.json}",
        "/routes/0/reply/file",
        "missing.json",
    ),
    "a body file that is a folder": (
        "routes:\n  - request: GET /a\n    reply: {file: »inner}",
        "/routes/0/reply/file",
        "inner",
    ),
    "a body file above the folder": (
        "routes:\n  - request: GET /a\n    reply: {file: »../secret.txt}",
        "/routes/0/reply/file",
        "secret.txt",
    ),
    "a body file above the folder, by a detour": (
        "routes:\n  - request: GET /a\n    reply: {file: »inner/../../secret.txt}",
        "/routes/0/reply/file",
        "secret.txt",
    ),
    "a body file by an absolute path": (
        "routes:\n  - request: GET /a\n    reply: {file: »/etc/hostname}",
        "/routes/0/reply/file",
        "/etc/hostname",
    ),
    "a body file by a link that leads out": (
        "routes:\n  - request: GET /a\n    reply: {file: »link.txt}",
        "/routes/0/reply/file",
        "link.txt",
    ),
    "a body file by a folder that leads out": (
        "routes:\n  - request: GET /a\n    reply: {file: »out/secret.txt}",
        "/routes/0/reply/file",
        "secret.txt",
    ),
    "a body file with a NUL in its name": (
        'routes:\n  - request: GET /a\n    reply: {file: »"a\\0b"}',
        "/routes/0/reply/file",
        "",
    ),
    "a schema file that is missing": (
        "routes:\n  - request: POST /a\n    match: {schema: »missing.json}\n    reply: 200",
        "/routes/0/match/schema",
        "missing.json",
    ),
    # Selectors and other notations
    "a selector with a near root": (
        "routes:\n  - request: GET /a\n    per: »header_s.x\n    reply: [200, 201]",
        "/routes/0/per",
        "headers",
    ),
    "a selector of a whole part": ("routes:\n  - request: GET /a\n    per: »query\n    reply: 200", "/routes/0/per", "query"),
    "a selector that is never closed": (
        "routes:\n  - request: GET /a\n    per: »'json.a[0'\n    reply: 200",
        "/routes/0/per",
        "json.a[0",
    ),
    "a selector that is a broken template": (
        "routes:\n  - request: GET /a\n    per: »'{{ path.id'\n    reply: 200",
        "/routes/0/per",
        "",
    ),
    "a body that is not valid Base64": (
        "routes:\n  - request: GET /a\n    reply: {base64: »'***'}",
        "/routes/0/reply/base64",
        "Base64",
    ),
    "a content coding that nobody can make": (
        "routes:\n  - request: GET /a\n    reply: {headers: {content-encoding: »br}, text: a}",
        "/routes/0/reply/headers/content-encoding",
        "br",
    ),
}  # fmt: skip


def marked(text):
    """The scenario without its mark, and where that stood: line and column, from 1."""
    before, _, after = text.partition(MARK)
    return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.fixture
def folder(tmp_path):
    """A scenario folder with something outside that it must not reach."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "scenarios"
    (folder / "inner").mkdir(parents=True)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "out").symlink_to(tmp_path)
    return folder


@pytest.mark.parametrize("case", BROKEN)
def test_check_points_at_the_place(folder, case):
    text, line, column = marked(BROKEN[case][0])
    (folder / "shop.yaml").write_text(text)

    result = CliRunner().invoke(main, ["check", str(folder / "shop.yaml")])

    assert result.exit_code == 2, result.output
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"{folder}/shop.yaml:{line}:{column}: ")
    assert BROKEN[case][2] in said
    assert said.endswith((".", "?", "]", "}")), said


@pytest.fixture(scope="module")
def server(server_loop, tmp_path_factory):
    """One for all: a refused scenario leaves nothing behind."""
    from support.server import InProcess

    from mockserver.settings import Settings

    folder = tmp_path_factory.mktemp("scenarios")
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0), folder)
    yield server
    server.stop()


@pytest.mark.parametrize("case", BROKEN)
def test_the_admin_api_points_at_the_key_and_changes_nothing(server, case):
    text, line, column = marked(BROKEN[case][0])

    problem = server.admin.refused(422, "PUT", "/scenarios/shop", yaml=text)

    assert pointers(problem) == [BROKEN[case][1]]
    assert f"shop:{line}:{column}: " in problem["detail"]
    assert problem["errors"][0]["message"]
    assert server.admin.get("/scenarios")["items"] == []


FILES = sorted(
    path for path in (PROJECT / "tests" / "files" / "broken").iterdir() if path.suffix in (".yaml", ".json")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_reading_finds_is_refused_by_the_admin_api_too(server, path):
    kind = "application/json" if path.suffix == ".json" else "application/yaml"

    answer = server.admin.call("PUT", "/scenarios/x", body=path.read_bytes(), headers={"Content-Type": kind})

    assert answer.status in (400, 422), answer.text
    if answer.status == 422:
        assert answer.json()["errors"]
    assert server.admin.get("/scenarios")["items"] == []


def test_every_error_of_a_scenario_is_told_at_once(folder):
    (folder / "shop.yaml").write_text(
        "routes:\n"
        "  - request: 'GET /{id}/{id}'\n"
        "    if: '(('\n"
        "    match: {headers: {a: {matches: '('}}, text: {matches: '['}}\n"
        "    reply: [{file: none.txt}, {text: '{{'}]\n"
        "  - request: GET /__admin\n"
        "    per: nothing\n"
        "    reply: {headers: {x: '{{ nope() }}'}}\n"
    )

    lines = CliRunner().invoke(main, ["check", str(folder)]).stderr.splitlines()

    places = [line.removeprefix(f"{folder}/").split(": ")[0] for line in lines]
    assert [place.split(":")[1] for place in places] == ["2", "3", "4", "4", "5", "5", "6", "7", "8"]


def test_there_are_enough_of_them():
    assert len(BROKEN) + len(FILES) >= 30
    assert all(text.count(MARK) == 1 for text, _, _ in BROKEN.values())
