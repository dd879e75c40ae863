"""docs/assistants.md: its configurations start what they say, its session runs, its tools are all tools."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import blocks, is_like, page
from support.server import CLEAN_ENV

from mockserver.mcp.all_tools import TOOLS

PAGE = page("docs/assistants.md")
BLOCKS = blocks(PAGE)
BIN = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_the_table_has_all_tools():
    rows = re.findall(r"^\| (`.*`) \| (\w*) ?\|", PAGE.partition("## Tools")[2], re.MULTILINE)
    told = {name: changes or "nothing" for names, changes in rows for name in re.findall(r"`(\w+)`", names)}

    assert told == {name: entry.changes for name, entry in TOOLS.items()}


@pytest.mark.slow
def test_the_commands_of_the_configurations_serve(serving, write):
    from mcp import Client, StdioServerParameters

    server = serving()
    found = [json.loads(text) for language, text in BLOCKS if language == "json"]
    entries = [next(iter(one.values()))["mockserver"] for one in found for one in [one]]
    commands = {json.dumps([one["command"], *one["args"]]) for one in entries if "command" in one}
    assert len(commands) == 2
    write("routes: []")

    async def tools(command, *args):
        here = [one.replace("http://localhost:8080", server.url) for one in args]
        parameters = StdioServerParameters(command=command, args=here, env=BIN, cwd=server.folder.parent)
        async with Client(parameters) as client:
            result = await client.call_tool("list_scenarios", {})
            return result.is_error

    import asyncio

    for command in commands:
        assert asyncio.run(tools(*json.loads(command))) is False


@pytest.mark.slow
def test_the_session_prints_what_is_shown(serving, tmp_path):
    server = serving({"shop.yaml": next(text for language, text in BLOCKS if language == "yaml")})
    program = next(text for language, text in BLOCKS if language == "python")
    shown = next(text for language, text in BLOCKS if language == "text")

    done = subprocess.run(
        [sys.executable, "-c", program.replace("http://localhost:8080", server.url)],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path, env=CLEAN_ENV | BIN,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert is_like(shown, done.stdout), done.stdout
