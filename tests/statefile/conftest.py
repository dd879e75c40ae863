"""Servers with a state file that end and start again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from services.conftest import receiving  # noqa: F401  (a fixture)
from support.server import InProcess


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "mock.json"


@pytest.fixture
def kept(serving: Callable[..., InProcess], state_file: Path) -> Callable[..., InProcess]:
    """Starts a server that keeps its state in `state_file`; the one before it ends first."""
    running: list[InProcess] = []

    def start(*scenarios: Any, **settings: Any) -> InProcess:
        if running:
            running.pop().stop()
        running.append(serving(*scenarios, state_file=str(state_file), **settings))
        return running[0]

    return start


def save(server: InProcess) -> None:
    """Has it look for changes now, and write them."""
    keeper = server.app._keeper
    assert keeper is not None
    server.loop.run(keeper._save())
