"""docs/importing.md: its files are imported as it shows, and its commands do what they say."""

import json
import re
import shlex
import subprocess

import click
import pytest
import yaml
from click.testing import CliRunner
from support.pages import blocks, page

from mockserver import cli
from mockserver.formats import FORMATS, format_named, offered

PAGE = page("docs/importing.md")
BLOCKS = blocks(PAGE)
FLAGS = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def imports():
    """Each source with its command, and what is printed on stdout and on stderr."""
    for at, (language, text) in enumerate(BLOCKS):
        if language == "bash" and text.startswith("mockserver import"):
            stdout = BLOCKS[at + 1][1]
            stderr = "".join(text for language, text in BLOCKS[at + 2 : at + 3] if language == "text")
            yield BLOCKS[at - 1][1], shlex.split(text)[1:], stdout, stderr


@pytest.mark.parametrize(("source", "command", "stdout", "stderr"), list(imports()))
def test_what_is_imported_is_what_is_shown(tmp_path, monkeypatch, source, command, stdout, stderr):
    monkeypatch.chdir(tmp_path)
    (tmp_path / command[-1]).write_text(source)
    done = CliRunner().invoke(cli.main, command)

    assert (done.exit_code, done.stdout, done.stderr) == (0, stdout, stderr)


@pytest.mark.slow
def test_the_calls_of_a_run_become_a_pact(tmp_path, monkeypatch, serving):
    monkeypatch.chdir(tmp_path)
    server = serving("routes: [{request: POST /orders, reply: {status: 201, json: {id: 7}}}]")
    (text,) = [text for language, text in BLOCKS if language == "bash" and "--from" in text]
    curl, export = text.replace("localhost:8080", f"localhost:{server.address[1]}").splitlines()

    subprocess.run(["bash", "-c", curl], check=True, timeout=30, capture_output=True)
    done = CliRunner().invoke(cli.main, shlex.split(export)[1:])

    assert done.exit_code == 0, done.stderr
    document = json.loads((tmp_path / "pacts" / "Web-Orders.json").read_text())
    (one,) = document["interactions"]
    assert one["request"]["body"]["content"] == {"sku": "A1", "count": 3}


def test_a_provider_is_verified_as_it_is_shown(tmp_path, monkeypatch, serving):
    monkeypatch.chdir(tmp_path)
    (pact,) = [text for language, text in BLOCKS if language == "json" and '"providerStates"' in text]
    (tmp_path / "web-orders.json").write_text(pact)
    server = serving(
        yaml.safe_dump(format_named("pact").read(tmp_path / "web-orders.json").scenarios["Orders"])
    )
    at = next(at for at, (_, text) in enumerate(BLOCKS) if text.startswith("mockserver pact verify"))
    command, shown = BLOCKS[at][1], BLOCKS[at + 1][1]

    done = CliRunner().invoke(cli.main, shlex.split(command.replace("http://localhost:8080", server.url))[1:])

    assert (done.exit_code, done.stderr + done.stdout) == (0, shown)


def test_the_state_that_chooses_is_set_as_it_says(serving):
    (command,) = re.findall(r"`(curl -X PUT [^`]*)`", PAGE)
    server = serving(
        "state: {given: x}\nroutes: [{request: GET /, when: {given: there is none}, reply: 404}]"
    )
    command = command.replace("localhost:8080", f"localhost:{server.address[1]}").replace("curl", "curl -sf")

    subprocess.run(["bash", "-c", command], check=True, timeout=30, capture_output=True)
    assert server.ask("GET", "/").status == 404
    assert server.admin.get("/state")["given"] == "there is none"


def test_its_table_says_what_each_format_can():
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)

    assert {"har", "vcr", "postman", "pact"} <= {name for name, *_ in rows} <= set(FORMATS)
    for name, reads, writes, calls in rows:
        assert name in offered()
        module = format_named(name)
        for told, ability in ((reads, "read"), (writes, "write"), (calls, "from_calls")):
            assert bool(told.strip()) == hasattr(module, ability), f"{name}: {ability}"


def test_every_flag_stands_on_the_page_and_no_other():
    verify = cli.main.get_command(click.Context(cli.main), "pact").commands["verify"]
    flags = {
        name
        for command in (cli.main.commands["import"], cli.main.commands["export"], verify)
        for one in command.params
        for name in one.opts
    }

    assert set(FLAGS.findall(PAGE)) - {"--help"} == {name for name in flags if name.startswith("--")} - {
        "--output", "--admin-token",
    }  # fmt: skip
