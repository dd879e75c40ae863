"""docs/websocket.md: its test passes, its scenarios load, and its tables name what there is."""

import subprocess
import sys

import pytest
from support.pages import blocks, page
from support.server import CLEAN_ENV

from mockserver.http.websocket.conversation import CLOSE_TIMEOUT_S, MOST_WAITING
from mockserver.model.websocket import MOST_FRAMES, MOST_FRAMES_BYTES
from mockserver.schema.websocket import ScriptStepSpec, WebSocketFaultKind

PAGE = page("docs/websocket.md")


@pytest.mark.slow
def test_its_test_passes(tmp_path):
    (_, scenario), (_, text), *_ = blocks(PAGE)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "prices.yaml").write_text(scenario)
    (tmp_path / "test_page.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmock_server_scenarios = scenarios\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        words, cwd=tmp_path, env=CLEAN_ENV, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_its_scenarios_load(serving):
    for number, text in enumerate(text for language, text in blocks(PAGE) if language == "yaml"):
        assert serving({f"s{number}.yaml": text}).admin.get("/routes")["items"]


def test_it_names_every_step_and_fault():
    for name in ScriptStepSpec.model_fields:
        assert f"`{name}:" in PAGE, name
    for kind in WebSocketFaultKind:
        assert f"`{kind}`" in PAGE


def test_it_names_the_limits():
    assert f"{MOST_FRAMES:,} frames and {MOST_FRAMES_BYTES // 1024} KiB" in PAGE
    assert f"{MOST_WAITING:,} messages" in PAGE
    assert f"| {CLOSE_TIMEOUT_S:g} s |" in PAGE
