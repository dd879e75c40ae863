"""action.yml: its steps, run as a runner of GitHub does, start a mock that answers."""

import os
import re
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from support.http import ask
from support.pages import page
from support.server import CLEAN_ENV, PROJECT

ACTION = yaml.safe_load(page("action.yml"))
DOCKER = """#!/usr/bin/env bash
case $1 in
  run) echo "$@" > "$PLAYED/run"; exec 2> /dev/null; [ "${@: -1}" != --wrong ] && echo container ;;
  logs) echo 'mock http://0.0.0.0:8080 · admin http://0.0.0.0:8080/__admin' ;;
  inspect) echo true ;;
  port) echo 127.0.0.1:4711 ;;
  rm) touch "$PLAYED/removed" ;;
esac
"""


class Runner:
    """What a runner does with a composite action: conditions, expressions, and files for outputs."""

    def __init__(self, folder, tools=()):
        self.folder = folder
        self.env = CLEAN_ENV | {"RUNNER_TEMP": str(folder), "RUNNER_OS": "Linux", "PLAYED": str(folder)}
        self.env["PATH"] = os.pathsep.join([*map(str, tools), self.env["PATH"]])
        self.outputs = {}
        self.groups = []

    def _value(self, text, inputs):
        def expression(found):
            kind, *rest = found[1].split(".")
            if kind == "inputs":
                return inputs[rest[0]]
            if kind == "steps":
                return self.outputs.get(rest[0], {}).get(rest[2], "")
            assert found[1] == "github.action_path"
            return str(PROJECT)

        return re.sub(r"\$\{\{ (\S+) \}\}", expression, text)

    def step(self, number, inputs):
        step = ACTION["runs"]["steps"][number]
        file = self.folder / f"output-{step['id']}"
        file.touch()
        env = {name: self._value(value, inputs) for name, value in step["env"].items()}
        bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder, env={**self.env, **env, "GITHUB_OUTPUT": str(file)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        )  # fmt: skip
        self.groups.append(bash.pid)
        said, _ = bash.communicate(timeout=120)
        lines = [line.split("=", 1) for line in file.read_text().splitlines()]
        self.outputs[step["id"]] = dict(lines)
        return subprocess.CompletedProcess(step["run"], bash.returncode, said)

    def start(self, **inputs):
        """The second step, with the mockserver of this environment, unless an image is named."""
        whole = {name: said["default"] for name, said in ACTION["inputs"].items()} | inputs
        if not whole["image"]:
            self.outputs["install"] = {"command": str(Path(sys.executable).with_name("mockserver"))}
        return self.step(1, whole)

    def result(self, name):
        return self._value(ACTION["outputs"][name]["value"], {})


@pytest.fixture
def runner(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/docker").write_text(DOCKER)
    (tmp_path / "tools/docker").chmod(0o755)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/data.yaml").write_text(page("scenarios/data.yaml"))
    one = Runner(tmp_path, tools=[tmp_path / "tools"])
    yield one
    for group in one.groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)  # what the step left


@pytest.mark.slow
def test_the_mock_is_ready_and_goes_on_after_the_step(runner):
    done = runner.start(port="0", arguments="--seed 7 --unmatched-status '418'")

    assert done.returncode == 0, done.stdout
    url = runner.result("url")
    assert f"The mock is ready at {url}" in done.stdout
    assert [ask(url, "POST", "/data").status for _ in range(3)] == [503, 503, 200]
    assert ask(url, "GET", "/unknown").status == 418
    assert url in Path(runner.result("log")).read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            {"scenarios": "nowhere"},
            "The input scenarios is nowhere, which does not exist. Run actions/checkout",
        ),
        ({"scenarios": "broken.yaml"}, "The mock has ended; its log is above."),
        ({"arguments": "--sead 7"}, "No such option '--sead'"),
    ],
)
def test_a_mock_that_does_not_start_fails_the_step_with_its_log(runner, inputs, said):
    (runner.folder / "broken.yaml").write_text("routes: [{request: POST /data, replies: 200}]")
    done = runner.start(port="0", **inputs)

    assert done.returncode == 1
    assert said in done.stdout
    assert "::error title=mockserver::" in done.stdout
    assert runner.outputs["start"] == {}
    if inputs.get("scenarios") == "broken.yaml":
        assert "replies" in done.stdout


@pytest.mark.slow
def test_an_image_runs_with_the_folder_and_the_port(runner):
    done = runner.start(image="registry.example/mock:1", port="0", arguments="--seed 7")

    assert done.returncode == 0, done.stdout
    assert (runner.folder / "run").read_text().split() == [
        "run", "--detach", "--publish", "127.0.0.1::8080", "--volume", f"{runner.folder}/scenarios:/scenarios:ro",
        "registry.example/mock:1", "serve", "--seed", "7",
    ]  # fmt: skip
    assert runner.result("url") == "http://127.0.0.1:4711"


@pytest.mark.slow
def test_an_image_that_does_not_run_fails_the_step(runner):
    done = runner.start(image="registry.example/mock:1", scenarios="scenarios/data.yaml", arguments="--wrong")

    assert done.returncode == 1
    assert "The container of the image registry.example/mock:1 can't be started." in done.stdout
    assert "/scenarios/data.yaml:/scenarios/data.yaml:ro" in (runner.folder / "run").read_text()


@pytest.mark.slow
def test_the_package_is_installed_in_an_environment_of_its_own(runner):
    """A package of the same form stands for the real one, which scripts/release installs."""
    wheel = runner.folder / "mockserver-9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mockserver.py", "def main(): print('version 9')\n")
        archive.writestr(
            "mockserver-9.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: mockserver\nVersion: 9\nProvides-Extra: all\n",
        )
        archive.writestr(
            "mockserver-9.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(
            "mockserver-9.dist-info/entry_points.txt", "[console_scripts]\nmockserver = mockserver:main\n"
        )
        archive.writestr("mockserver-9.dist-info/RECORD", "")

    done = runner.step(0, {"source": f"{wheel.name}[all]"})
    assert done.returncode == 0, done.stdout
    command = runner.outputs["install"]["command"]
    assert subprocess.run([command], capture_output=True, text=True, check=True).stdout == "version 9\n"
    assert Path(command).is_relative_to(runner.folder)


@pytest.mark.slow
def test_a_package_that_is_not_there_and_windows_are_refused(runner):
    runner.env["PIP_NO_INDEX"] = "1"
    missing = runner.step(0, {"source": "./missing.whl"})
    runner.env["RUNNER_OS"] = "Windows"
    windows = runner.step(0, {"source": ""})

    assert (missing.returncode, windows.returncode) == (1, 1)
    assert "::error title=mockserver::pip can't install ./missing.whl" in missing.stdout
    assert "needs Linux or macOS" in windows.stdout


def test_the_page_has_its_inputs_and_outputs():
    text = page("docs/ci.md")
    inputs = re.findall(r"^\| `(\w+)` \| (`[^`]*`)? ?\| (.*) \|$", text, re.MULTILINE)
    outputs = re.findall(r"^\| `(\w+)` \| ([^|]*) \|$", text, re.MULTILINE)

    assert [(name, default.strip("`"), said) for name, default, said in inputs] == [
        (name, one["default"], one["description"]) for name, one in ACTION["inputs"].items()
    ]
    assert outputs == [(name, one["description"]) for name, one in ACTION["outputs"].items()]
