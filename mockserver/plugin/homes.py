"""
Where the namespaces of a test session live: on a server in this process, or on one that runs already.

Both give a test the same; in this process it takes a few microseconds, since
the engine is asked directly.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mockserver.admin.views import call_view, instant
from mockserver.client import Client, Namespace, VerificationFailed
from mockserver.client.bundles import ScenarioFile, read_scenario
from mockserver.client.errors import ClientError
from mockserver.client.following import Following
from mockserver.client.link import segment
from mockserver.engine.attempts import operation_view, operations
from mockserver.engine.strikes import ENDED
from mockserver.engine.verify import expectations
from mockserver.errors import MockServerError
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.model.scenario import RUNTIME
from mockserver.plugin.retelling import retold
from mockserver.server import Running, Server
from mockserver.sweep.evidence import Evidence, Kept, evidence

LOOPBACK = ("localhost", "127.0.0.0/8", "[::1]")
_TELLING_S, _EMPTY_S = 2.0, 0.05
"""How long a stream may take to tell of calls that are known to have been; and where none is known."""
_WEBHOOKS, _UNMATCHED = "no failed webhook", "no unmatched call"
"""An expectation that the plugin leaves to the test: nobody may be there to receive them."""


class Home(ABC):
    """A server for a whole session."""

    def __init__(self) -> None:
        self._files: dict[Path, ScenarioFile] = {}

    @abstractmethod
    def open(self, name: str, seed: str) -> Namespace:
        """A new namespace."""

    @abstractmethod
    def has_failed(self, ns: Namespace) -> bool:
        """Whether a call went unmatched, or a trouble or an outage has ended without a call."""

    @abstractmethod
    def unmet(self, ns: Namespace, scenarios: Iterable[str]) -> list[str]:
        """What does not hold, in words: unmatched calls, and each `expect` of what the test made or named."""

    @abstractmethod
    def close(self, ns: Namespace) -> None:
        """Removes a namespace."""

    # For the sweep

    @abstractmethod
    def watch(self, ns: Namespace) -> None:
        """Keeps what happens there from now on, over resets too."""

    @abstractmethod
    def evidence(self, ns: Namespace) -> Evidence:
        """What has happened there since it is watched."""

    def trouble(self, ns: Namespace, troubles: list[dict[str, Any]]) -> None:
        """Sets troubles. Raises Refused."""
        ns._link.send("PUT", "/troubles", troubles)  # noqa: SLF001  (`trouble`, without an end)

    def failures(self, ns: Namespace) -> list[Exception]:  # noqa: ARG002
        """What functions that answer have raised."""
        return []

    def load(self, ns: Namespace, path: Path) -> str:
        """Makes a scenario file known to a namespace. Its name."""
        if path not in self._files:
            self._files[path] = read_scenario(path)
        found = self._files[path]
        ns._link.send("PUT", f"/scenarios/{segment(found.name)}", found.document)  # noqa: SLF001  (`load`, read once)
        return found.name

    @abstractmethod
    def stop(self) -> None:
        """The session is over."""


class LocalHome(Home):
    """A server of this process, with the scenarios of a folder."""

    def __init__(self, paths: Iterable[Path], settings: Mapping[str, Any]) -> None:
        super().__init__()
        self._server = Server(*paths, **{"allow_egress": LOOPBACK, **settings})
        self._client = self._server.start()
        running = self._server.running
        assert running is not None
        self._running: Running = running
        self._engine = running.app.engine
        self._journals: dict[str, Kept[Call]] = {}
        self._loaded = {
            scenario.source.file.resolve(): scenario.name
            for scenario in self._engine.shared.world.scenarios.values()
            if scenario.source.file is not None
        }

    def open(self, name: str, seed: str) -> Namespace:
        self._running.on_loop(lambda: self._engine.make_namespace(name, seed=seed))
        return Namespace(self._client._link.to(name), f"{self._client.url}/@{name}", seed)  # noqa: SLF001

    def has_failed(self, ns: Namespace) -> bool:
        found = self._engine.namespaces.get(ns.name)
        if found is None:
            return False  # the test has removed it itself
        return found.counts.unmatched > 0 or any(saw == ENDED for _, saw in found.unstruck())

    def unmet(self, ns: Namespace, scenarios: Iterable[str]) -> list[str]:
        found = self._engine.namespaces[ns.name]
        return self._running.on_loop(
            lambda: _failed(
                verdict.view() for name in (RUNTIME, *scenarios) for verdict in expectations(found, name)
            )
        )

    def close(self, ns: Namespace) -> None:
        self._running.on_loop(lambda: self._remove(ns.name))

    def _remove(self, name: str) -> None:
        found = self._engine.namespaces.get(name)
        if found is not None:  # else the test has removed it itself
            self._running.app.courier.forget(found)
            self._engine.remove_namespace(found)

    def watch(self, ns: Namespace) -> None:
        journal = self._journals[ns.name] = Kept(lambda call: call.route_id, lambda call: bool(call.effects))
        self._running.on_loop(lambda: self._engine.namespaces[ns.name].listeners.add(journal.add))

    def evidence(self, ns: Namespace) -> Evidence:
        """Of all calls, also those that a reset has made the record forget."""
        journal = self._journals.pop(ns.name)
        return self._running.on_loop(lambda: self._evidence(ns.name, journal))

    def _evidence(self, name: str, journal: Kept[Call]) -> Evidence:
        found = self._engine.namespaces.get(name)
        if found is None:
            return Evidence()  # the test has removed it itself
        still_open = [call for call in found.record if call.outcome is Outcome.OPEN]
        calls = sorted((*journal.calls, *still_open), key=lambda call: call.number)
        return evidence(
            (call_view(call, reveal=True) for call in calls),
            (operation_view(one, instant) for one in operations(call for call in calls if call.matched)),
            (one.view() for one in (found.troubles.placed if found.troubles is not None else ())),
            (one.view() for one in found.deliveries),
            journal.dropped,
        )

    def failures(self, ns: Namespace) -> list[Exception]:
        return self._running.failures(ns.name)

    def load(self, ns: Namespace, path: Path) -> str:
        """A file that the server has read itself needs no second reading."""
        return self._loaded.get(path.resolve()) or super().load(ns, path)

    def stop(self) -> None:
        self._server.stop()


class RemoteHome(Home):
    """A server that runs already, such as the sidecar of a compose file."""

    def __init__(self, url: str, token: str | None, admin_url: str | None) -> None:
        super().__init__()
        self._client = Client(url, token, admin_url=admin_url)
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="mockserver-removal")
        self._followed: dict[str, Following] = {}
        self._removals: list[Future[None]] = []
        try:
            self._client.health  # noqa: B018  (asked, so that a wrong address is told once)
        except ClientError as why:
            raise MockServerError(f"{why} (asked for by --mock-server-url or MOCKSERVER_URL)") from why

    def open(self, name: str, seed: str) -> Namespace:
        return self._client.namespace(name, seed=seed)

    def has_failed(self, ns: Namespace) -> bool:
        failed = [check for check in _checked(ns, "GET", "/verify", scenario=RUNTIME) if not check["ok"]]
        return any(check["expected"] == _UNMATCHED or check["saw"] == ENDED for check in failed)

    def unmet(self, ns: Namespace, scenarios: Iterable[str]) -> list[str]:
        views = [
            view for name in (RUNTIME, *scenarios) for view in _checked(ns, "GET", "/verify", scenario=name)
        ]
        return _failed(views)

    def close(self, ns: Namespace) -> None:
        """Not waited for: nobody uses it any more."""
        left = self._followed.pop(ns.name, None)
        if left is not None:
            left.close()
        self._removals.append(self._aside.submit(ns.remove))

    def watch(self, ns: Namespace) -> None:
        """By a stream, since its record forgets at a reset by the test, and its application knows how to ask for one too."""
        self._followed[ns.name] = Following(ns._link)  # noqa: SLF001

    def evidence(self, ns: Namespace) -> Evidence:
        link = ns._link  # noqa: SLF001  (whole documents, which the client's values leave parts of out)
        following = self._followed.pop(ns.name)
        try:
            recorded = {call["number"]: call for call in link.items("/calls")}
            forgotten = _forgotten(following, recorded)
        finally:
            following.close()
        kept: Kept[Mapping[str, Any]] = Kept(lambda call: call["route"], lambda call: bool(call["effects"]))
        listed = [call for _, call in sorted({**forgotten, **recorded}.items())]
        for call in listed:
            kept.add(call)
        tried = list(link.items("/attempts")) if not forgotten else _operations(listed)
        return evidence(
            kept.calls,
            tried,
            link.send("GET", "/troubles")["items"],
            link.look("/webhooks")["items"],
            {},  # its operations are told whole
        )

    def stop(self) -> None:
        for left in self._followed.values():
            left.close()
        self._aside.shutdown()
        self._client.close()
        for one in self._removals:
            with contextlib.suppress(ClientError):  # the test has removed it itself, or the server is gone
                one.result()


def _forgotten(following: Following, recorded: Mapping[int, Any]) -> dict[int, Mapping[str, Any]]:
    """
    The calls before a reset, or before the record was full: numbers begin with 1
    and go on. What the stream has not told yet is waited for; without any record it
    is not known whether there is something.
    """
    first = min(recorded, default=None)
    if first == 1:
        return {}
    wait_s = _EMPTY_S if first is None else _TELLING_S
    found = following.calls(lambda calls: first is not None and calls.keys() >= set(range(1, first)), wait_s)
    return {number: call for number, call in found.items() if number not in recorded}


def _operations(calls: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As the server would tell them, had it forgotten nothing."""
    matched = (call for call in map(retold, calls) if call.matched)
    return [operation_view(one, instant) for one in operations(matched)]


def _checked(
    ns: Namespace, method: str, path: str, document: Any = ..., **query: Any
) -> list[Mapping[str, Any]]:
    """The checks that do not hold, and those beside them; none where all do."""
    try:
        ns._link.send(method, path, document, **query)  # noqa: SLF001  (`verify`, but one scenario at a time)
    except VerificationFailed as why:
        return list(why.checks)
    return []


def _failed(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Their texts, each once."""
    return list(
        dict.fromkeys(
            str(check["text"]) for check in checks if not check["ok"] and check["expected"] != _WEBHOOKS
        )
    )
