"""
docs/installation.md: its extras are those of the package, its commands run, its containers are those of the repository.

`docker` needs an engine: with one that answers, the image is built and run; everywhere else scripts/docker-check, which CI
runs last, does the same with an engine of its own, and tests/container asks more of it.
"""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from support.pages import blocks, page
from support.server import CLEAN_ENV, PROJECT

PAGE = page("docs/installation.md")
BLOCKS = blocks(PAGE)
DOCKER = [text for language, text in BLOCKS if language == "sh" and text.startswith("docker ")]
METADATA = tomllib.loads(page("pyproject.toml"))["project"]


def test_the_commands_print_what_is_shown(tmp_path):
    pairs = [(text, BLOCKS[i + 1][1]) for i, (language, text) in enumerate(BLOCKS) if language == "bash"]
    assert len(pairs) == 2
    for command, shown in pairs:
        script = re.sub(r"^mockserver", f"{sys.executable} -m mockserver", command, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=CLEAN_ENV, capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        assert done.stdout.strip() == shown.strip(), done.stderr


def test_the_extras_are_those_of_the_package():
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| ([\w-]*) ?\|$", PAGE, re.MULTILINE))
    extras = METADATA["optional-dependencies"]
    assert set(rows) == set(extras)
    for name, package in rows.items():
        assert not package or extras[name][0].startswith(package)


def test_the_systems_are_those_of_the_metadata():
    assert METADATA["requires-python"] == ">=3.11"
    assert "Operating System :: POSIX" in METADATA["classifiers"]
    assert "Python 3.11 or later on Linux or macOS. On Windows, use WSL or the container" in PAGE


def test_the_image_has_the_extras_that_the_page_says():
    (named,) = re.findall(r'"\.\[([\w,]+)\]"', page("Dockerfile"))
    assert set(named.split(",")) == set(METADATA["optional-dependencies"]) - {
        "all",
        "mcp",
        "rich",
        "testcontainers",
    }


def test_the_docker_commands_use_what_is_there():
    build, run, compose = DOCKER
    assert build == "docker build -t mockserver .\n"
    assert "/scenarios:/scenarios" in run
    assert "MOCKSERVER_PATHS=/scenarios" in page("Dockerfile")
    assert "--exit-code-from app" in compose


def test_the_compose_file_is_an_extract_of_the_one_that_is_shipped():
    shown = yaml.safe_load(
        next(text for language, text in BLOCKS if language == "yaml" and "services:" in text)
    )
    shipped = yaml.safe_load(page("compose.yaml"))["services"]
    for name, service in shown["services"].items():
        assert {key: shipped[name][key] for key in service} == service


def has_engine():
    docker = shutil.which("docker")
    return (
        docker is not None
        and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode
    )


@pytest.mark.slow
@pytest.mark.skipif(
    not has_engine(), reason="no docker engine answers: scripts/docker-check brings one of its own"
)
def test_the_docker_commands_run():
    build, _, compose = DOCKER
    for command in (build, compose):
        done = subprocess.run(
            ["bash", "-euc", command], cwd=PROJECT, env=CLEAN_ENV, capture_output=True, text=True, timeout=600, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
