"""docs/replicas.md: its three replicas answer as it says, and its table has the errors that there are."""

import json
import re
import subprocess

import pytest
from support.pages import blocks, is_like, page
from support.server import CLEAN_ENV, PROJECT, Process
from support.shared_store import NEEDS_REDIS, redis_at

from mockserver.errors import InvalidInputError
from mockserver.replicas.joining import check_settings
from mockserver.replicas.redis_store import check_url, different
from mockserver.settings import Settings

PAGE = page("docs/replicas.md")
BLOCKS = [block for block in blocks(PAGE) if block[0] != "sh"]
SERVE = [line.removeprefix("mockserver serve ") for line in BLOCKS[0][1].splitlines()]
URL = "redis://localhost:6379/0"
TEXT_OR_ANY = re.compile(r'"(?:[^"\\]|\\.)*"|…')


def parsed(text):
    """JSON in which a bare … stands for anything."""
    return json.loads(TEXT_OR_ANY.sub(lambda found: found[0] if found[0] != "…" else '"…"', text))


@pytest.mark.slow
@NEEDS_REDIS
def test_its_replicas_answer_as_one(tmp_path):
    steps = list(zip(BLOCKS[1::2], BLOCKS[2::2], strict=True))
    replicas = {}
    with redis_at(tmp_path) as store:
        try:
            for line in SERVE:
                port = re.search(r"--port (\d+) ", line)[1]
                words = line.replace(f"--port {port}", "--port 0").replace(URL, store.url).split()
                replicas[port] = Process([str(PROJECT / "scenarios"), *words], folder=tmp_path)
            for (_, written), (language, shown) in steps:
                command = re.sub(
                    r"localhost:(\d+)", lambda found: f"localhost:{replicas[found[1]].address[1]}", written
                )
                done = subprocess.run(
                    ["bash", "-euc", command], env=CLEAN_ENV, capture_output=True, text=True, timeout=60, check=True
                )  # fmt: skip
                if language == "json":
                    assert is_like(parsed(shown), json.loads(done.stdout)), done.stdout
                else:
                    assert done.stdout.strip() == shown.strip()
        finally:
            for replica in replicas.values():
                replica.stop()

    assert len(replicas) == 3
    assert len(steps) == 2


def rows():
    """The messages of the table at the end, as patterns."""
    messages = re.findall(r"^\| `([^`]+)`", PAGE.partition("## Troubleshooting")[2], re.MULTILINE)
    return [re.compile(".*".join(re.escape(part) for part in message.split("…"))) for message in messages]


def test_its_table_has_the_errors_of_the_start():
    with pytest.raises(InvalidInputError) as sentinel:
        check_url("redis+sentinel://host:26379/0")
    with pytest.raises(InvalidInputError) as both:
        check_settings(Settings(store=URL, state_file="mock.json"))
    files = different({"payments (payments.yaml)": "1"}, {"payments (payments.yaml)": "2"})

    for text in (str(sentinel.value), str(both.value), files):
        assert any(row.search(text) for row in rows()), text


@pytest.mark.slow
@NEEDS_REDIS
def test_every_metric_of_the_store_is_on_the_page_and_no_other(tmp_path, serving):
    named = re.findall(r"^\| (`mockserver_[^|]*)\|", PAGE, re.MULTILINE)
    alone = served(serving())
    with redis_at(tmp_path) as store:
        server = serving(store=store.url)
        shared = served(server)
        server.stop()

    assert {name for cell in named for name in re.findall(r"mockserver_\w+", cell)} == shared - alone


def served(server):
    text = server.admin.call("GET", "/metrics").text
    return set(re.findall(r"^# TYPE (mockserver_\w+) ", text, re.MULTILINE))
