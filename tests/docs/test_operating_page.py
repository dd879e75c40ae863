"""docs/operating.md from top to bottom, against a server that was started as it says."""

import json
import re
import shlex
import subprocess

import pytest
import yaml
from support.pages import blocks, is_like, page
from support.server import until

from mockserver.store.delivery import DeliveryState

PAGE = page("docs/operating.md")
BLOCKS = blocks(PAGE)
SERVE = BLOCKS[0][1].split()
TEXT_OR_ANY = re.compile(r'"(?:[^"\\]|\\.)*"|…')


def scenario():
    return next(text for language, text in BLOCKS if language == "yaml")


def steps():
    """Each command, and what it is to print or to log."""
    found = []
    for language, text in BLOCKS[1:]:
        if language == "bash":
            found.append((text, []))
        elif language in ("json", "text", "log"):
            found[-1][1].append((language, text))
    return found


def parsed(text):
    """JSON in which a bare … stands for anything."""
    return json.loads(TEXT_OR_ANY.sub(lambda found: found[0] if found[0] != "…" else '"…"', text))


@pytest.mark.slow
def test_its_commands_print_and_log_what_it_says(process, tmp_path):
    assert SERVE[:3] == ["mockserver", "serve", "scenarios/"]
    server = process(*SERVE[3:], scenarios={"shop.yaml": scenario()}, module=False)
    address = f"localhost:{server.address[1]}"

    for command, expected in steps():
        script = "set -euo pipefail\n" + command.replace("localhost:8080", address)
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        printed = done.stdout.replace(address, "localhost:8080")
        for language, text in expected:
            if language == "log":
                lines = text.splitlines()
                until(lambda lines=lines: len(server.stderr().splitlines()) >= len(lines))
                logged = server.stderr().splitlines()
                assert is_like([parsed(line) for line in lines], [json.loads(line) for line in logged])
            elif language == "json":
                assert is_like(parsed(text), json.loads(printed)), f"{command}\n{printed}"
            else:
                assert printed == text, command


def test_every_metric_stands_on_the_page_and_no_other(serving):
    named = set(re.findall(r"^\| (`mockserver_[^|]*)\|", PAGE, re.MULTILINE))
    named = {name for cell in named for name in re.findall(r"mockserver_\w+", cell)}
    text = serving().admin.call("GET", "/metrics").text

    served = re.findall(r"^# TYPE (mockserver_\w+) ", text, re.MULTILINE)
    assert named == set(served)
    assert set(DeliveryState) == set(re.findall(r'^mockserver_webhooks{state="(\w+)"}', text, re.MULTILINE))


def test_its_prometheus_files_name_what_is_there():
    scrape, rules = [yaml.safe_load(text) for language, text in BLOCKS if language == "yaml"][1:]

    assert scrape["scrape_configs"][0]["metrics_path"] == "/__admin/metrics"
    (rule,) = rules["groups"][0]["rules"]
    for name in re.findall(r"mockserver_\w+", rule["expr"]):
        assert f"`{name}`" in PAGE


def test_the_flags_on_the_page_are_there():
    from mockserver.cli import serve

    flags = {name for parameter in serve.params for name in parameter.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= flags
    assert shlex.split(BLOCKS[0][1])[3:] == ["--log-format", "json", "--log-calls"]
