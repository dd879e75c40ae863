"""docs/testing-agents.md: the agent passes its tests, one that acts within the stream does not, and the commands work."""

import re
import subprocess
import sys

import pytest
from support.pages import blocks, page
from support.server import CLEAN_ENV, PROJECT
from support.suites import INI
from support.sweeping import run

PAGE = page("docs/testing-agents.md")
FILES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE))
HASTY = """
class Hasty(Agent):
    def ask(self, messages):
        for _ in range(3):
            try:
                with self.model.chat.completions.stream(
                    model="gpt-4o-mini", messages=messages, tools=[CHARGE]
                ) as stream:
                    for event in stream:
                        if event.type == "tool_calls.function.arguments.delta" and event.arguments.endswith("}"):
                            message = stream.current_completion_snapshot.choices[0].message
                            self.charge(message.tool_calls[event.index].id, json.loads(event.arguments))
                    return stream.get_final_completion().choices[0].message
            except openai.APIConnectionError:
                pass
"""
"""Runs a tool as soon as its arguments are complete, whatever becomes of the stream."""


@pytest.mark.slow
def test_the_agent_passes_and_a_hasty_one_is_caught(tmp_path):
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "scenarios").mkdir()
    scenario = (PROJECT / "scenarios/providers/openai.yaml").read_text("utf-8")
    (tmp_path / "scenarios/openai.yaml").write_text(scenario, "utf-8")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    hasty = FILES["test_agent.py"].replace("from agent import Agent", "from hasty import Hasty as Agent")
    (tmp_path / "hasty.py").write_text(f"from agent import *\n{HASTY}")
    (tmp_path / "test_hasty.py").write_text(hasty.partition("\n\n\ndef test_the_agent_gives_up")[0] + "\n")

    done = run(tmp_path, sys.executable, "-m", "pytest", "-q", "-n", "0")

    assert "1 failed, 2 passed" in done.output
    assert "FAILED test_hasty.py::test_failures_of_the_model_cause_no_second_charge" in done.output


@pytest.mark.slow
def test_the_commands_ask_a_server_that_is_there(serving):
    server = serving(PROJECT / "scenarios/providers/openai.yaml")
    start, ask, change = blocks(PAGE)[-1][1].splitlines()

    def output(line):
        line = line.replace("localhost:8080", server.url.removeprefix("http://"))
        return subprocess.run(
            ["bash", "-euc", line], env=CLEAN_ENV, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    assert start == "mockserver serve scenarios/providers"
    limited = output(ask)
    assert limited.startswith("HTTP/1.1 429")
    assert "retry-after: 1" in limited
    output(change)
    assert "It rains." in output(ask.replace("-limited", ""))


def test_every_block_is_run():
    assert [language for language, _ in blocks(PAGE)] == ["python", "python", "sh"]
