"""docs/troubleshooting.md: each command prints what the page shows."""

import re
import subprocess
import sys

import pytest
from support.pages import blocks, is_like, page
from support.server import CLEAN_ENV

PAGE = page("docs/troubleshooting.md")
BLOCKS = blocks(PAGE)
SCENARIO = next(text for language, text in BLOCKS if language == "yaml")
PAIRS = [(text, BLOCKS[i + 1][1]) for i, (language, text) in enumerate(BLOCKS) if language == "bash"]


@pytest.fixture
def shell(serving, tmp_path):
    server = serving({"data.yaml": SCENARIO})

    def run(command):
        command = command.replace("localhost:8080", server.url.removeprefix("http://"))
        command = re.sub(r"^mockserver", f"{sys.executable} -m mockserver", command, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euc", command], cwd=tmp_path, env=CLEAN_ENV, capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(("command", "shown"), PAIRS)
def test_it_prints_what_is_shown(shell, command, shown):
    printed = shell(command)
    assert is_like(shown.strip(), printed.strip()), printed


def test_every_command_has_its_output():
    assert len(PAIRS) == 8
    assert len(BLOCKS) == 1 + 2 * len(PAIRS)
