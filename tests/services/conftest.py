"""Receivers of webhooks on the loop that the servers run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.receivers import Receiver
from support.server import Loop


@pytest.fixture
def receiving(server_loop: Loop) -> Iterator[Callable[..., Receiver]]:
    """Starts a receiver: `receiving(503, 200, seen=…)`. `receiver.wait(count)` returns once it got so many."""
    opened: list[Any] = []

    def start(*statuses: int, **options: Any) -> Receiver:
        receiver = Receiver(*statuses, **options)
        manager = receiver.open()
        server_loop.run(manager.__aenter__())
        receiver.wait = lambda count: server_loop.run(receiver.until_got(count))  # type: ignore[attr-defined]
        opened.append(manager)
        return receiver

    yield start
    for manager in opened:
        server_loop.run(manager.__aexit__(None, None, None))
