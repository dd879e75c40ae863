"""docs/parallel-tests.md: its commands from top to bottom on one server. Its suite runs in tests/plugin/test_parallel.py."""

import json
import subprocess

from support.pages import blocks, is_like, page

BLOCKS = blocks(page("docs/parallel-tests.md"))
DATA = "routes: [{request: POST /data, reply: [503, 503, {json: {success: true}}]}]"


def steps():
    """Each command, and what it is to print."""
    found = []
    for language, text in BLOCKS:
        if language == "bash":
            found.append([text, "text", ""])
        elif language in ("json", "text"):
            found[-1][1:] = [language, text]
    return found


def test_its_commands_print_what_it_says(serving):
    server = serving({"data.yaml": DATA})
    address = f"localhost:{server.address[1]}"
    assert len(steps()) > 5
    for command, language, expected in steps():
        script = "set -euo pipefail\n" + command.replace("localhost:8080", address)
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if language == "json":
            assert is_like(json.loads(expected), json.loads(done.stdout)), f"{command}\n{done.stdout}"
        else:
            assert done.stdout.strip() == expected.strip(), command
