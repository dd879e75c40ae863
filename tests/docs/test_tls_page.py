"""docs/tls.md from top to bottom: its scenarios, the server as its command starts it, what is asked of it, its Python."""

import os
import re
import shlex
import subprocess
from dataclasses import replace

import pytest
from click.testing import CliRunner
from support.pages import blocks, page
from support.papers import issue, trusting
from support.server import PROJECT, InProcess
from support.wire import Wire

from mockserver import cli
from mockserver.http.tls.layer import _REASONS
from mockserver.scenarios.yaml.yaml12 import parse
from mockserver.server import running

PAGE = page("docs/tls.md")
BLOCKS = blocks(PAGE)


def files():
    """The scenarios of the page by their names."""
    named = [(re.match(r"# (\S+)\n", text), text) for language, text in BLOCKS if language == "yaml"]
    return {name[1].removeprefix("scenarios/"): text for name, text in named if name}


@pytest.fixture
def settings_of(monkeypatch):
    def settings(command):
        given = []
        monkeypatch.setattr(running, "run", lambda settings: given.append(settings) or 0)
        result = CliRunner().invoke(cli.main, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        return given[0]

    return settings


@pytest.fixture
def started(server_loop, settings_of, tmp_path, monkeypatch):
    """The server of the page, started as it says, but on another port."""
    (command,) = [text for language, text in BLOCKS if text.startswith("mockserver serve")]
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "scenarios"
    folder.mkdir()
    for name in ("twilio.yaml", "adyen.yaml"):
        (folder / name).write_text(files()[name])
    server = InProcess(server_loop, replace(settings_of(command), port=0), tmp_path)
    yield server
    server.stop()


def test_its_commands_print_what_it_says(started):
    port = str(started.address[1])
    asked = [i for i, (language, text) in enumerate(BLOCKS) if language == "bash" and "curl" in text]
    assert len(asked) == 2
    for i in asked:
        expected = BLOCKS[i + 1][1].replace("8443", port)
        script = "set -euo pipefail\n" + BLOCKS[i][1].replace("8443", port)
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=30, env=env, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == expected.strip()


def test_the_scenario_for_clients_tells_them_apart(serving, tmp_path):
    ca = issue(tmp_path, "clients", ca=True)
    server = serving(files()["clients.yaml"], tls=True, tls_client_ca=str(ca.cert_file))
    for client, status in ((issue(tmp_path, "app", by=ca), 200), (None, 401)):
        with Wire(server.address, tls=trusting(server.app.ca_pem, client)) as wire:
            wire.send("GET /account HTTP/1.1\r\nHost: x\r\n\r\n")
            assert wire.answer().status == status


def test_its_compose_file_is_a_part_of_the_example():
    (excerpt,) = [text for language, text in BLOCKS if language == "yaml" and text.startswith("services:")]
    whole = (PROJECT / "examples/fixed-hosts/compose.yaml").read_text()

    assert is_part(parse(excerpt), parse(whole))


def is_part(part, whole):
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and is_part(one, whole[key]) for key, one in part.items()
        )
    return part == whole


def test_its_python_runs():
    (code,) = [text for language, text in BLOCKS if language == "python"]
    exec(compile(code, "docs/tls.md", "exec"), {})


def test_every_flag_stands_on_it():
    flags = {
        (name, parameter.envvar)
        for parameter in cli.serve.params
        for name in getattr(parameter, "opts", [])
        if name.startswith("--tls")
    }
    assert len(flags) == 6
    assert all(name in PAGE and variable in PAGE for name, variable in flags)


def test_what_the_log_says_is_what_it_promises():
    assert re.sub(r"\s+", " ", PAGE).count(_REASONS["UNKNOWN_CA"]) == 1
