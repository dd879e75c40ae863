"""docs/recording.md from top to bottom: the service of the page is recorded, replayed and compared, and answers so."""

import json
import re
import shlex

import pytest
from click.testing import CliRunner
from support.pages import blocks, is_like, page

from mockserver.cli import main
from mockserver.recording.scenario import scenario_of, written

PAGE = page("docs/recording.md")
BLOCKS = blocks(PAGE)
TO = "https://api.example"
REAL = next(text for kind, text in BLOCKS if kind == "yaml" and text.startswith("# the real service"))
RECORDED = next(text for kind, text in BLOCKS if kind == "yaml" and "x-requests" in text)
SHELL = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
FLAG = re.compile(r"^--?[a-z][a-z-]*$")


def curl(server, line):
    """What a line of the page asks."""
    words = shlex.split(line.replace("localhost:8080", server.url))
    assert words[:2] == ["curl", "-s"]
    method, body, headers, url = None, None, {}, ""
    rest = iter(words[2:])
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        elif word == "-X":
            method = next(rest)
        else:
            url = word
    return server.ask(
        method or ("POST" if body else "GET"), url.removeprefix(server.url), body, headers=headers
    )


def curls(with_admin):
    return [line for line in SHELL if line.startswith("curl") and ("__admin" in line) == with_admin]


@pytest.fixture
def real(serving, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "real.yaml").write_text(REAL)
    return serving(tmp_path / "real")


@pytest.fixture
def recording(serving, real):
    """The page's calls, as they were recorded."""
    recorder = serving({"none.yaml": "routes: []"}, on_unmatched="record", forward_to=real.url)
    for line in curls(with_admin=False)[:10]:
        curl(recorder, line)
    recorder.admin.post("/recordings/r-1/stop")
    text = written(scenario_of(recorder.app.engine.default.recordings.kept["r-1"].exchanges, "shop"), "shop")
    return text.replace(real.url, TO)


def test_the_recording_is_the_one_on_the_page(recording):
    assert recording == RECORDED


def test_it_answers_as_the_service_did(serving, real):
    real.admin.post("/reset")
    replay = serving({"shop.yaml": RECORDED})
    for line in curls(with_admin=False)[:10]:
        expected, answer = curl(real, line), curl(replay, line)
        assert answer.status == expected.status
        if answer.body and "secret_key" not in answer.text:
            assert answer.json() == expected.json() or answer.status == 401


def test_a_running_server_records_as_the_page_says(serving, real, tmp_path):
    server = serving({"none.yaml": "routes: []"}, allow_egress=(real.url.removeprefix("http://"),))
    lines = SHELL[SHELL.index(curls(with_admin=True)[0]) :][:3]
    answers = [curl(server, line.replace(TO, real.url)) for line in lines]
    assert [answer.status for answer in answers] == [201, 200, 200]
    wanted = next(text for kind, text in BLOCKS if kind == "json")
    assert is_like(json.loads(wanted), json.loads(answers[2].text.replace(real.url, TO)))


def test_the_drift_is_the_one_on_the_page(serving, write, tmp_path):
    changed = (
        REAL.replace("{id: 1001, name: hammer}, {id: 1002, name: saw}", '{id: "1001", title: hammer}, {id: "1002", title: saw}')
        .replace("[{id: 1003, name: nails}]", '[{id: "1003", title: nails}]')
    )  # fmt: skip
    assert changed.count("title:") == 4
    (tmp_path / "changed").mkdir()
    (tmp_path / "changed" / "real.yaml").write_text(changed)
    real = serving(tmp_path / "changed")
    command = next(line for line in SHELL if line.startswith("mockserver diff"))
    args = shlex.split(
        command.replace("scenarios/shop.yaml", str(write({"shop.yaml": RECORDED}))).replace(TO, real.url)
    )
    result = CliRunner().invoke(main, args[1:])
    assert result.exit_code == 1
    assert result.stdout == next(text for kind, text in BLOCKS if kind == "text")


def test_the_service_itself_has_not_drifted(real, write):
    args = [
        "diff",
        str(write({"shop.yaml": RECORDED})),
        "--against",
        real.url,
        "-H",
        "Authorization: Bearer shop_live_4fJ2kQ9xZ7",
    ]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.stdout


def test_two_fail_and_the_rest_asks_the_real_service(serving, real, monkeypatch):
    monkeypatch.setenv("API_URL", real.url)
    server = serving({"first.yaml": next(text for kind, text in BLOCKS if kind == "yaml")})
    token = {"Authorization": "Bearer shop_live_4fJ2kQ9xZ7"}
    statuses = [server.ask("POST", "/charges", "{}", headers=token).status for _ in range(3)]
    assert statuses == [503, 503, 404]
    assert server.ask("GET", "/v1/items", headers=token).json()["page"] == 1


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("mockserver ")])
def test_every_command_of_the_page_is_one(line):
    words = shlex.split(line)
    command = main.commands[words[1]]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if FLAG.match(word)} <= known
