"""
Where the namespaces of a test session live: on a server in this process, or on one that runs already.

Both give a test the same; in this process it takes a few microseconds, since
the engine is asked directly.
"""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.admin.endpoints.namespaces import LONGEST_ERROR, LONGEST_TEST
from mockserver.admin.views import call_view
from mockserver.attempts import operation_view, operations
from mockserver.client import Client, Namespace, VerificationFailed
from mockserver.client.bundles import ScenarioFile, read_scenario
from mockserver.client.errors import ClientError
from mockserver.client.following import Following
from mockserver.client.link import segment
from mockserver.engine.fault_strikes import ENDED
from mockserver.errors import MockServerError
from mockserver.model.call import Call, call_id
from mockserver.model.durations import parse_duration_s
from mockserver.model.instants import instant
from mockserver.model.plan import Outcome
from mockserver.pytest_plugin.call_import import retold
from mockserver.pytest_plugin.failures import write_failure
from mockserver.scenarios.loader import load
from mockserver.schema.scenario import RUNTIME
from mockserver.server import Running, Server
from mockserver.sweep.evidence import BoundedCalls, SweepEvidence, collect_evidence
from mockserver.verification.operations import grouping_of
from mockserver.verification.verify import expectations

LOOPBACK = ("localhost", "127.0.0.0/8", "[::1]")
_TELLING_S, _EMPTY_S = 2.0, 0.05
"""How long a stream may take to tell of calls that are known to have been; and where none is known."""
_WEBHOOKS, _UNMATCHED = "no failed webhook", "no unmatched call"
"""An expectation that the plugin leaves to the test: nobody may be there to receive them."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long the namespace of a failed test is kept on a server that runs already, and how many are."""

    duration: str = "1h"
    most: int = 50

    @property
    def lasts(self) -> bool:
        return self.most > 0 and parse_duration_s(self.duration) > 0


class SessionServer(ABC):
    """A server for a whole session."""

    def __init__(self) -> None:
        self._files: dict[Path, ScenarioFile] = {}

    @abstractmethod
    def open(self, name: str, seed: str) -> Namespace:
        """A new namespace."""

    def ca_pem(self, ns: Namespace) -> bytes:
        """The CA of the server. Raises ClientError where it has none."""
        link = ns._link  # noqa: SLF001  (the CA is that of the server, not of a namespace)
        connection, pieces = link.http.open(f"{link.root}/ca.pem")
        with contextlib.closing(connection):
            return b"".join(pieces)

    @abstractmethod
    def faults(self, ns: Namespace) -> list[str]:
        """What can't be put right any more, in words: unmatched calls, troubles and outages that ended without a call."""

    @abstractmethod
    def last_call(self, ns: Namespace) -> str | None:
        """The id of its last call, so far."""

    @abstractmethod
    def evidence_of_failure(self, ns: Namespace, test: str, error: str, after: str | None) -> str:
        """Makes what there is to see of a failed test last, and says where it is. Empty where nothing lasts."""

    @abstractmethod
    def unmet(self, ns: Namespace, scenarios: Iterable[str]) -> list[str]:
        """What does not hold, in words: unmatched calls, and each `expect` of what the test made or named."""

    @abstractmethod
    def close(self, ns: Namespace, *, failed: bool = False) -> None:
        """Removes a namespace, or lets it be seen for a while where its test failed."""

    # For the sweep

    @abstractmethod
    def watch(self, ns: Namespace) -> None:
        """Keeps what happens there from now on, over resets too."""

    @abstractmethod
    def evidence(self, ns: Namespace) -> SweepEvidence:
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
        scenario = self._files[path]
        ns._link.send("PUT", f"/scenarios/{segment(scenario.name)}", scenario.document)  # noqa: SLF001  (`load`, read once)
        return scenario.name

    @abstractmethod
    def stop(self) -> None:
        """The session is over."""


class LocalSessionServer(SessionServer):
    """A server of this process, with the scenarios of a folder."""

    def __init__(
        self, paths: Iterable[Path], settings: Mapping[str, Any], started_in: Path | None = None
    ) -> None:
        super().__init__()
        self._started_in = started_in or Path.cwd()
        self._server = Server(*paths, **{"allow_egress": LOOPBACK, **settings})
        self._client = self._server.start()
        running = self._server.running
        assert running is not None
        self._running: Running = running
        self._engine = running.app.engine
        self._journals: dict[str, BoundedCalls[Call]] = {}
        self._loaded = {
            scenario.source.file.resolve(): scenario.name
            for scenario in self._engine.shared.scenario_set.scenarios.values()
            if scenario.source.file is not None
        }

    def open(self, name: str, seed: str) -> Namespace:
        self._running.on_loop(lambda: self._engine.make_namespace(name, seed=seed))
        return Namespace(self._client._link.to(name), f"{self._client.url}/@{name}", seed)  # noqa: SLF001

    def faults(self, ns: Namespace) -> list[str]:
        engine_ns = self._engine.namespaces.get(ns.name)
        if engine_ns is None or not (engine_ns.counts.unmatched or engine_ns.unstruck()):
            return []  # without a turn on the server's loop; None where the test has removed it itself
        return self._running.on_loop(
            lambda: _faults(verdict.view() for verdict in expectations(engine_ns, RUNTIME))
        )

    def last_call(self, ns: Namespace) -> str | None:
        engine_ns = self._engine.namespaces.get(ns.name)
        return call_id(engine_ns.last_number) if engine_ns is not None and engine_ns.last_number else None

    def evidence_of_failure(self, ns: Namespace, test: str, error: str, after: str | None) -> str:
        file = write_failure(ns, test, error, self._started_in, after)
        return os.path.relpath(file, self._started_in)

    def unmet(self, ns: Namespace, scenarios: Iterable[str]) -> list[str]:
        engine_ns = self._engine.namespaces[ns.name]
        return self._running.on_loop(
            lambda: _failed(
                verdict.view() for name in (RUNTIME, *scenarios) for verdict in expectations(engine_ns, name)
            )
        )

    def close(self, ns: Namespace, *, failed: bool = False) -> None:  # noqa: ARG002  (its page stays)
        self._running.on_loop(lambda: self._remove(ns.name))

    def _remove(self, name: str) -> None:
        engine_ns = self._engine.namespaces.get(name)
        if engine_ns is not None:  # else the test has removed it itself
            self._running.app.webhooks.forget(engine_ns)
            self._engine.remove_namespace(engine_ns)

    def watch(self, ns: Namespace) -> None:
        journal = self._journals[ns.name] = BoundedCalls(
            lambda call: call.route_id, lambda call: bool(call.effects)
        )
        self._running.on_loop(lambda: self._engine.namespaces[ns.name].listen(journal.add))

    def evidence(self, ns: Namespace) -> SweepEvidence:
        """Of all calls, also those that a reset has made the record forget."""
        journal = self._journals.pop(ns.name)
        return self._running.on_loop(lambda: self._evidence(ns.name, journal))

    def _evidence(self, name: str, journal: BoundedCalls[Call]) -> SweepEvidence:
        engine_ns = self._engine.namespaces.get(name)
        if engine_ns is None:
            return SweepEvidence()  # the test has removed it itself
        still_open = [call for call in engine_ns.record if call.outcome is Outcome.OPEN]
        calls = sorted((*journal.calls, *still_open), key=lambda call: call.number)
        grouped = operations((call for call in calls if call.matched), grouping_of(engine_ns))
        return collect_evidence(
            (call_view(call, reveal=True) for call in calls),
            (operation_view(operation, instant) for operation in grouped),
            (
                trouble.view()
                for trouble in (engine_ns.troubles.placed if engine_ns.troubles is not None else ())
            ),
            (delivery.view() for delivery in engine_ns.deliveries),
            journal.dropped,
        )

    def failures(self, ns: Namespace) -> list[Exception]:
        return self._running.failures(ns.name)

    def load(self, ns: Namespace, path: Path) -> str:
        """A file that the server has read itself needs no second reading."""
        return self._loaded.get(path.resolve()) or super().load(ns, path)

    def stop(self) -> None:
        self._server.stop()


class ExternalSessionServer(SessionServer):
    """A server that runs already, such as the sidecar of a compose file."""

    def __init__(self, url: str, token: str | None, admin_url: str | None, keep: Keep = Keep()) -> None:
        super().__init__()
        self._keep = keep
        self._last_numbers: dict[str, int] = {}
        self._failed_tests: dict[str, dict[str, Any]] = {}
        self._client = Client(url, token, admin_url=admin_url)
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="mockserver-removal")
        self._followed: dict[str, Following] = {}
        self._removals: list[Future[None]] = []
        try:
            self._client.health  # noqa: B018  (asked, so that a wrong address is told once)
        except ClientError as error:
            raise MockServerError(f"{error} (asked for by --mock-server-url or MOCKSERVER_URL)") from error

    def check_loaded(self, folder: Path) -> None:
        """Raises MockServerError where the server lacks a scenario of that folder, LoadError where one is wrong."""
        there = [str(scenario["name"]) for scenario in self._client.scenarios]
        lacking = [source.name for source in load([folder]) if source.name not in there]
        if lacking:
            raise MockServerError(
                f"the mock server at {self._client.url} has not loaded {', '.join(map(repr, lacking))} of {folder}, "
                f"which the ini option mock_server_scenarios names; it has {', '.join(map(repr, there)) or 'none'}. "
                f"Start it with this folder, such as `mockserver serve {folder.name}/` or a volume in its container, "
                "or take the option away"
            )

    def open(self, name: str, seed: str) -> Namespace:
        return self._client.namespace(name, seed=seed)

    def faults(self, ns: Namespace) -> list[str]:
        return _faults(_checked(ns, "GET", "/verify", scenario=RUNTIME))

    def last_call(self, ns: Namespace) -> str | None:
        number = self._last_numbers.get(ns.name, 0)
        since = call_id(number) if number else None
        for view in ns._link.items("/calls", masked=True, brief="true", since=since):  # noqa: SLF001
            number = max(number, view["number"])
        self._last_numbers[ns.name] = number
        return call_id(number) if number else None

    def evidence_of_failure(self, ns: Namespace, test: str, error: str, after: str | None) -> str:
        if not self._keep.lasts:
            return ""
        self._failed_tests[ns.name] = {
            "test": test[:LONGEST_TEST],
            "error": error[-LONGEST_ERROR:],
            "after": after,
        }
        link = ns._link  # noqa: SLF001
        page = f"{link.http.url}{link.root}/ui/#/@{segment(ns.name)}/failure"
        return f"{page} (kept for {self._keep.duration})"

    def unmet(self, ns: Namespace, scenarios: Iterable[str]) -> list[str]:
        views = [
            view for name in (RUNTIME, *scenarios) for view in _checked(ns, "GET", "/verify", scenario=name)
        ]
        return _failed(views)

    def close(self, ns: Namespace, *, failed: bool = False) -> None:
        """Not waited for: nobody uses it any more."""
        left = self._followed.pop(ns.name, None)
        if left is not None:
            left.close()
        self._last_numbers.pop(ns.name, None)
        kept = failed and self._keep.lasts
        self._removals.append(
            self._aside.submit(self._keep_for_a_while, ns) if kept else self._aside.submit(ns.remove)
        )

    def _keep_for_a_while(self, ns: Namespace) -> None:
        failed = self._failed_tests.pop(ns.name, {})
        body = {"for": self._keep.duration, "most": self._keep.most, **failed}
        ns._link.at_root("POST", f"/namespaces/{segment(ns.name)}/keep", body)  # noqa: SLF001

    def watch(self, ns: Namespace) -> None:
        """By a stream, since its record forgets at a reset by the test, and its application knows how to ask for one too."""
        self._followed[ns.name] = Following(ns._link)  # noqa: SLF001

    def evidence(self, ns: Namespace) -> SweepEvidence:
        link = ns._link  # noqa: SLF001  (whole documents, which the client's values leave parts of out)
        following = self._followed.pop(ns.name)
        try:
            recorded = {call["number"]: call for call in link.items("/calls")}
            forgotten = _forgotten(following, recorded)
        finally:
            following.close()
        kept: BoundedCalls[Mapping[str, Any]] = BoundedCalls(
            lambda call: call["route"], lambda call: bool(call["effects"])
        )
        listed = [call for _, call in sorted({**forgotten, **recorded}.items())]
        for call in listed:
            kept.add(call)
        tried = list(link.items("/attempts")) if not forgotten else _operations(listed)
        return collect_evidence(
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
        for removal in self._removals:
            with contextlib.suppress(ClientError):  # the test has removed it itself, or the server is gone
                removal.result()


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
    calls = following.calls(lambda calls: first is not None and calls.keys() >= set(range(1, first)), wait_s)
    return {number: call for number, call in calls.items() if number not in recorded}


def _operations(calls: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As the server would tell them, had it forgotten nothing."""
    matched = (call for call in map(retold, calls) if call.matched)
    return [operation_view(operation, instant) for operation in operations(matched)]


def _checked(
    ns: Namespace, method: str, path: str, document: Any = ..., **query: Any
) -> list[Mapping[str, Any]]:
    """The checks that do not hold, and those beside them; none where all do."""
    try:
        ns._link.send(method, path, document, **query)  # noqa: SLF001  (`verify`, but one scenario at a time)
    except VerificationFailed as error:
        return list(error.checks)
    return []


def _faults(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    return _failed(check for check in checks if check["expected"] == _UNMATCHED or check["saw"] == ENDED)


def _failed(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Their texts, each once."""
    return list(
        dict.fromkeys(
            str(check["text"]) for check in checks if not check["ok"] and check["expected"] != _WEBHOOKS
        )
    )
