"""Listeners for the completed calls of every namespace. Without listeners a call costs nothing extra."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.engine.engine import Engine
from mockserver.model.call import Call


def listen_everywhere(engine: Engine, listener: Callable[[Call], None]) -> None:
    """
    Listen to current and future namespaces. A call is reported when it can't change any more: a call whose client has
    closed its side may still become `done`.
    """

    def closed(call: Call) -> None:
        if call.home is None:
            listener(call)
        else:
            call.at_finish(lambda: listener(call))

    engine.shared.listeners |= {closed}
    for ns in engine.namespaces.values():
        ns.listen(closed)
