"""docs/ci.md: its workflows are YAML of the known shapes, and their commands work on a server."""

import json
import re
import subprocess

import pytest
import yaml
from click.testing import CliRunner
from support.pages import page
from support.server import CLEAN_ENV, PROJECT

from mockserver.cli import main

PAGE = page("docs/ci.md")
FILES = {
    name: yaml.safe_load(text)
    for name, text in re.findall(r'^```yaml title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)
}


def commands(name):
    """The curl commands of a workflow, in their order."""
    document = FILES[name]
    if "jobs" in document:
        lines = [step["run"] for job in document["jobs"].values() for step in job["steps"] if "run" in step]
    else:
        lines = [line for job in document.values() for key in ("script", "after_script") for line in job[key]]
    return [line for line in lines if line.startswith("curl ")]


@pytest.mark.parametrize(
    ("name", "host"), [(".github/workflows/integration.yaml", "localhost"), (".gitlab-ci.yml", "mock")]
)
def test_the_commands_load_verify_and_save(serving, tmp_path, name, host):
    server = serving({})
    (tmp_path / "scenarios").mkdir(exist_ok=True)
    (tmp_path / "scenarios/data.yaml").write_text((PROJECT / "scenarios/data.yaml").read_text())
    address = server.url.removeprefix("http://")

    def run(command):
        return subprocess.run(
            ["bash", "-euc", command.replace(f"{host}:8080", address)],
            cwd=tmp_path, env=CLEAN_ENV, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    load, verify, save = commands(name)
    assert run(load).returncode == 0
    assert server.ask("POST", "/data").status == 503
    assert run(verify).returncode == 0
    assert run(save).returncode == 0
    assert len(json.loads((tmp_path / "calls.har").read_text())["log"]["entries"]) == 1
    server.ask("POST", "/unknown")
    assert run(verify).returncode != 0


def test_the_workflows_have_the_shapes_that_ci_expects():
    for name, document in FILES.items():
        if name.startswith(".github"):
            assert {"name", True, "jobs"} <= set(document)  # `on` is a boolean in YAML 1.1
            for job in document["jobs"].values():
                assert job["runs-on"]
                assert all(("uses" in step) != ("run" in step) for step in job["steps"])
        else:
            assert all({"image", "services", "script"} <= set(job) for job in document.values())


def test_the_command_of_the_comparison_is_one_that_the_command_line_has():
    (step,) = [
        step["run"] for step in FILES[".github/workflows/diff.yaml"]["jobs"]["diff"]["steps"] if "run" in step
    ]
    words = step.partition("mockserver ")[2].split()
    known = CliRunner().invoke(main, [words[0], "--help"]).output
    assert all(word in known for word in words if word.startswith("-"))
