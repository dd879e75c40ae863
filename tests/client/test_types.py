"""What a type checker knows of both faces, and what it refuses."""

import re
import subprocess
import sys

import pytest
from support.server import CLEAN_ENV, PROJECT

SURFACE = """
from collections.abc import Coroutine, Mapping
from datetime import datetime
from typing import Any, assert_type

import mockserver
from mockserver.client import AsyncNamespace, AsyncRoute, Call, Calls, Namespace, Route

def blocking(mock: mockserver.Client) -> None:
    route = mock.post("/x", json={"a": 1}, priority=2).reply(503, json={"b": 2}, status=200)
    assert_type(route, Route)
    assert_type(route.update(priority=1), Route)
    assert_type(route.called, bool)
    assert_type(route.call_count, int)
    assert_type(route.calls, Calls[Call])
    assert_type(route.calls.last, Call)
    assert_type(mock.clock.advance("3d"), datetime)
    assert_type(mock.state["x"], Any)
    assert_type(mock.namespace(), Namespace)
    assert_type(mock.effects(), list[Mapping[str, Any]])
    with mock.outage(503), mock.rollback(), mock.namespace() as other:
        assert_type(other, Namespace)
    with mockserver.Server("scenarios/", seed="s") as server:
        assert_type(server, mockserver.Client)

async def awaiting(mock: mockserver.AsyncClient) -> None:
    route = await mock.post("/x", json={"a": 1}).reply(503)
    assert_type(route, AsyncRoute)
    assert_type(await route.call_count, int)
    assert_type((await route.calls).last, Call)
    assert_type(await mock.clock.now, datetime)
    assert_type(await mock.namespace(), AsyncNamespace)
    async with mock.outage(503), mock.rollback(), mock.namespace() as other:
        assert_type(other, AsyncNamespace)
    async with mockserver.Server() as server:
        assert_type(server, mockserver.AsyncClient)
"""

WRONG = """
import mockserver

async def wrong(mock: mockserver.Client, other: mockserver.AsyncClient) -> None:
    mock.post("/x", jsn=1)
    mock.get("/x").reply(200, stauts=1)
    mock.get("/x").reply("200")
    other.get("/x").reply(200)
    other.clock.advance("3d") > 3
    mock.verify(withn="5s")
    mockserver.Server(prot=1)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The numbers of the lines with errors, of each file; and all that mypy says."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "surface.py").write_text(SURFACE)
    (folder / "wrong.py").write_text(WRONG)
    # With the settings of scripts/check: what it has kept of the package is read, which takes a tenth of the time.
    command = [sys.executable, "-m", "mypy", str(folder / "surface.py"), str(folder / "wrong.py")]
    env = CLEAN_ENV | {"MYPYPATH": str(PROJECT)}
    output = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False).stdout
    assert "(checked 2 source files)" in output
    lines = {
        name: {int(number) for number in re.findall(rf"{name}\.py:(\d+): error:", output)}
        for name in ("surface", "wrong")
    }
    return lines, output


@pytest.mark.slow
def test_both_faces_are_typed_from_one_description(found):
    lines, output = found
    assert lines["surface"] == set(), output


@pytest.mark.slow
def test_mistakes_are_found_before_the_test_runs(found):
    lines, output = found
    assert lines["wrong"] == set(range(5, 12)), output
