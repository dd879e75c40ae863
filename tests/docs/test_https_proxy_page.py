"""docs/https-proxy.md: its command prints what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import blocks, page
from support.server import CLEAN_ENV

from mockserver.server.proxying import CA_VARIABLES, proxy_environment

PAGE = page("docs/https-proxy.md")


@pytest.mark.slow
def test_its_command_prints_what_it_says(tmp_path):
    (_, scenario), (_, command), (_, stdout), (_, stderr), _ = blocks(PAGE)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "payments.yaml").write_text(scenario)
    words = [str(Path(sys.executable).with_name("mockserver")), *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == stdout.rstrip("\n")
    assert stderr in done.stderr


@pytest.mark.slow
def test_its_test_passes(tmp_path):
    (_, scenario), *_, (_, text) = blocks(PAGE)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "payments.yaml").write_text(scenario)
    (tmp_path / "test_page.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmock_server_scenarios = scenarios\n")
    env = {name: value for name, value in CLEAN_ENV.items() if not name.lower().endswith("_proxy")}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_it_names_every_variable_that_run_sets():
    named = set(re.findall(r"`([A-Z_]+)(?:=1)?`", PAGE))
    made = proxy_environment("http://x", "ca.pem", {})
    assert {name for name in made if name.isupper()} <= named
    assert set(CA_VARIABLES) <= made.keys()
    assert proxy_environment("http://x", None, dict(os.environ, NO_PROXY="db"))["NO_PROXY"].endswith(",db")
