"""The README from top to bottom: its commands, its curls, its tests, on one server started as it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.pages import blocks, page
from support.server import CLEAN_ENV, PROJECT, Process

from mockserver.schema.scenario import schema_document
from mockserver.verification.checking import check_paths

README = page("README.md")
BLOCKS = blocks(README)


def shell(command, address, cwd=PROJECT):
    script = "set -euo pipefail\n" + command.replace("localhost:8080", address)
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        env=CLEAN_ENV,
        check=False,
    )


class Reader:
    """Somebody who does what the README says, block after block."""

    def __init__(self, folder):
        self.folder = folder
        self.server = None
        self.printed = []

    @property
    def address(self):
        return f"localhost:{self.server.address[1]}"

    def follow(self, language, text):
        if language == "bash" and text.strip() == "scripts/serve":
            # As it stands, but for the port: 8080 may be somebody else's.
            self.server = Process(
                [], folder=self.folder, command=[str(PROJECT / "scripts/serve"), "--port", "0"]
            )
        elif language == "bash":
            done = shell(text, self.address)
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
            self.printed.append(done.stdout)
        elif language == "python":
            self.run_python(text.replace("localhost:8080", self.address))
        else:
            assert language == "yaml", language

    def run_python(self, text):
        file = self.folder / "test_block.py"
        file.write_text(text)
        test = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(self.folder)]
        is_test = "def test_" in text  # on a server of its own; what asks this one, is tried again
        args = [*test, str(file)] if is_test else [str(file)]
        for _ in range(1 if is_test else 2):
            done = subprocess.run(
                [sys.executable, *args], capture_output=True, text=True, timeout=120, cwd=self.folder, env=CLEAN_ENV, check=False
            )  # fmt: skip
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
def test_its_blocks_do_what_it_says(tmp_path):
    reader = Reader(tmp_path)
    try:
        for language, text in BLOCKS:
            reader.follow(language, text)
    finally:
        if reader.server is not None:
            reader.server.stop()

    seed, verified = reader.printed
    assert re.findall(r"^HTTP/1.1 (\d+)", seed, re.MULTILINE) == ["503", "503", "200"]
    assert '{"success":true}' in seed
    assert '{"count":3,"exact":true}' in seed
    assert '{"count":3,"exact":true}' in README
    assert '"text":"{\\"order\\": 42}"' in seed
    assert json.loads(verified)["ok"] is True


def test_its_scenario_is_the_one_that_is_shipped():
    (shown,) = [yaml.safe_load(text) for language, text in BLOCKS if language == "yaml"]

    assert yaml.safe_load((PROJECT / "scenarios/data.yaml").read_text()) == shown


def test_the_schema_that_shipped_scenarios_name_is_there_and_is_the_language_as_it_is():
    for scenario in (PROJECT / "scenarios").rglob("*.yaml"):
        (named,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", scenario.read_text(), re.MULTILINE)
        schema = scenario.parent / named
        assert schema.exists(), scenario.name
        again = "mockserver schema > scenarios/scenario.schema.json"
        assert json.loads(schema.read_text()) == schema_document(), again


def test_every_shipped_scenario_is_right_and_those_of_this_page_are_served_without_a_path():
    assert check_paths([str(PROJECT / "scenarios")])[:2] == ([], [])
    shown = set(re.findall(r"scenarios/\w+\.yaml", README)) | {"scenarios/shop.yaml"}
    (paths,) = re.findall(r"MOCKSERVER_PATHS:-(\S+)}", (PROJECT / "scripts/serve").read_text())
    assert set(paths.split(":")) >= shown - {"scenarios/api.yaml"}
    assert all((PROJECT / path).exists() for path in paths.split(":"))


def test_what_it_leads_to_is_there():
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", README):
        assert link.startswith("https://") or (PROJECT / link).exists(), link


def test_its_scripts_are_there_and_can_be_run():
    for script in set(re.findall(r"\bscripts/\w+", README)):
        assert os.access(PROJECT / script, os.X_OK), script


def test_every_block_is_of_a_kind_that_is_run():
    assert {language for language, _ in BLOCKS} == {"bash", "python", "yaml"}


def test_pages_lead_only_to_what_is_there():
    for path in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text("utf-8")):
            assert link.startswith(("https://", "http://")) or (Path(path).parent / link).exists(), (
                f"{path.name}: {link}"
            )
