"""OpenAI's SDK for Node against scenarios/providers/openai.yaml."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.server import PROJECT

PROGRAM = Path(__file__).with_name("openai.mjs")


@pytest.mark.slow
def test_the_sdk_for_node_calls_tools_embeds_retries_and_sees_a_stream_break(serving, tmp_path):
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", "openai@6"]
    if subprocess.run(install, cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("npm could not fetch openai")
    shutil.copy(PROGRAM, tmp_path)
    server = serving(PROJECT / "scenarios/providers/openai.yaml")

    done = subprocess.run(
        ["node", PROGRAM.name],
        cwd=tmp_path,
        env={**os.environ, "MOCK_URL": server.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "chat": ["forecast", '{"city":"text"}', "The tool returned rain.", 12],
        "response": ["function_call", "forecast", '{"city":"text"}'],
        "embedding": [1536, True, "0.0255"],
        "retried": "Hello from the mock.",
        "broken": "TypeError",
    }
    server.admin.post(
        "/verify",
        {
            "route": "openai-create-response",
            "times": 4,
            "attempts": {"operations": 2, "max": 3, "honours": True},
        },
    )
