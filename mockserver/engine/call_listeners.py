"""Who wants to hear of every call of every namespace once it is over. Costs nothing where nobody does."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.engine.engine import Engine
from mockserver.model.call import Call


def listen_everywhere(engine: Engine, listener: Callable[[Call], None]) -> None:
    """
    From now on, in the namespaces that are there and in those that will be made. It hears of a call once nothing
    more happens to it: one whose client has ended its side may still become `done`.
    """

    def closed(call: Call) -> None:
        if call.home is None:
            listener(call)
        else:
            call.at_finish(lambda: listener(call))

    engine.shared.listeners |= {closed}
    for ns in engine.namespaces.values():
        ns.listen(closed)
