"""docs/shell.md: each command prints what the page shows, from top to bottom against one server."""

import re
import shlex
import subprocess

import pytest
from support.pages import blocks, is_like, page
from support.server import CLEAN_ENV
from support.shell import run_command

from mockserver.cli import main

PAGE = page("docs/shell.md")
BLOCKS = blocks(PAGE)
SCENARIO = next(text for language, text in BLOCKS if language == "yaml")
PAIRS = [(text, BLOCKS[i + 1][1]) for i, (language, text) in enumerate(BLOCKS) if language == "bash"]


def printed(server, line):
    """What a line of the page prints; `mockserver` runs in this process."""
    if not line.startswith("mockserver "):
        line = line.replace("localhost:8080", server.url.removeprefix("http://"))
        return subprocess.run(
            ["bash", "-euc", line], env=CLEAN_ENV, capture_output=True, text=True, timeout=60, check=True
        ).stdout
    command, _, otherwise = line.partition(" || ")
    result = run_command(*shlex.split(command)[1:], url=server.url)
    assert result.exit_code == 0 or otherwise == 'echo "exit code $?"', result.output
    ending = f"exit code {result.exit_code}\n" if result.exit_code else ""
    return result.output + ending


@pytest.mark.slow
def test_each_command_prints_what_is_shown(serving):
    server = serving({"payments.yaml": SCENARIO})
    for text, shown in PAIRS:
        outputs = "".join(printed(server, line) for line in text.splitlines())
        outputs = re.sub(r"http://127\.0\.0\.1:\d+", "http://localhost:8080", outputs)
        assert is_like(_without_padding(shown), _without_padding(outputs)), outputs


def _without_padding(text):
    """The widths of columns depend on values that vary."""
    return re.sub(r"[ \t]+", " ", text.strip())


def test_every_command_has_its_output_and_stands_on_the_page():
    assert len(PAIRS) == 14
    named = re.findall(r"`([a-z]+)`", PAGE.partition("\n## ")[0].replace("mockserver ", ""))
    for name in named:
        assert name in main.list_commands(None)
    assert set(named) == {
        name for name in main.list_commands(None) if "-n, --namespace" in run_command(name, "--help").output
    }


def test_the_options_of_the_page_exist():
    helps = "".join(run_command(*words, "--help").output for words in (
        ["calls"], ["count"], ["verify"], ["attempts"], ["load"], ["outage"], ["record"], ["serve"], ["routes", "add"],
    ))  # fmt: skip
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) - {"--help"}:
        assert option in helps
