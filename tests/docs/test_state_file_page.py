"""docs/state-file.md from top to bottom: servers are started, killed and asked as it says, and answer so."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import blocks, is_like, page
from support.server import CLEAN_ENV, PROJECT, Process, until

PAGE = page("docs/state-file.md")
SERVE = re.compile(r"^mockserver serve (.*)\n", re.MULTILINE)


def steps():
    """Each `bash` block, and what it is to print."""
    found = []
    for language, text in blocks(PAGE):
        if language == "bash":
            found.append([text, None])
        else:
            found[-1][1] = text
    return found


class Reader:
    """Does what the page says. `mockserver serve` runs until the page ends it, unless it is to print why it does not."""

    def __init__(self, folder):
        self.folder = folder
        self.server = None
        shutil.copytree(PROJECT / "scenarios", folder / "scenarios")

    def shell(self, command):
        address = f"localhost:{self.server.address[1]}" if self.server else ""
        script = "set -euo pipefail\n" + command.replace("localhost:8080", address)
        return subprocess.run(
            ["bash", "-c", script], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )

    def follow(self, command, printed):
        serves = SERVE.search(command)
        if serves is None or printed is not None:
            return self.shell(SERVE.sub(r"mockserver serve --port 0 \1" + "\n", command))
        before = self.shell(command[: serves.start()])
        assert before.returncode == 0, before.stderr
        if self.server is not None:
            self.server.stop()
        self.server = Process(["--port", "0", *serves[1].split()], folder=self.folder, module=False)
        return None


@pytest.mark.slow
def test_its_commands_do_what_it_says(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{CLEAN_ENV['PATH']}")
    reader = Reader(tmp_path)
    try:
        for command, printed in steps():
            if command.startswith("kill -9"):
                until(lambda: b'"hello"' in (tmp_path / "mock.json").read_bytes())
            done = reader.follow(command, printed)
            if printed is None:
                continue
            said = done.stdout + done.stderr
            if printed.startswith("{") and '"…"' in printed:
                assert is_like(json.loads(printed), json.loads(said)), said
            else:
                assert is_like(printed.strip(), said.strip()), said
        reader.server.wait_for_log("INFO reloaded: ")
        assert reader.server.end(signal.SIGTERM, within_s=10) == 0
    finally:
        if reader.server is not None:
            reader.server.stop()


def test_it_names_the_exit_codes_that_there_are():
    assert PAGE.count("exit code") == 2
