"""
The server of a test session: in this process, or an external one that runs already.

Both offer tests the same. In this process, checks call the engine directly, which
takes microseconds.
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
from mockserver.engine.fault_uses import ENDED
from mockserver.errors import MockServerError
from mockserver.model.call import Call, call_id
from mockserver.model.durations import parse_duration_s
from mockserver.model.instants import instant
from mockserver.model.plan import Outcome
from mockserver.scenarios.loader import load
from mockserver.schema.scenario import RUNTIME
from mockserver.server import Running, Server
from mockserver.sessions.call_import import call_from_view
from mockserver.sessions.failures import write_failure
from mockserver.sweep.evidence import BoundedCalls, SweepEvidence, collect_evidence
from mockserver.verification.operations import grouping_of
from mockserver.verification.verify import expectations

LOOPBACK = ("localhost", "127.0.0.0/8", "[::1]")
_STREAM_TIMEOUT_S, _EMPTY_STREAM_TIMEOUT_S = 2.0, 0.05
"""How long to wait for calls in the stream: if calls are known to be missing, and if none is known."""
_WEBHOOKS, _UNMATCHED = "no failed webhook", "no unmatched call"
"""Expected texts of checks. Failed webhooks don't fail a test, since there may be no receiver."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long an external server keeps the namespace of a failed test, and how many it keeps."""

    duration: str = "1h"
    most: int = 50

    @property
    def lasts(self) -> bool:
        return self.most > 0 and parse_duration_s(self.duration) > 0


class SessionServer(ABC):
    """The mock server of a test session."""

    def __init__(self) -> None:
        self._files: dict[Path, ScenarioFile] = {}

    @abstractmethod
    def open(self, name: str, seed: str) -> Namespace:
        """Create a namespace."""

    def ca_pem(self, ns: Namespace) -> bytes:
        """Return the CA of the server. Raises ClientError if it has none."""
        link = ns._link  # noqa: SLF001  (the CA is that of the server, not of a namespace)
        connection, pieces = link.http.open(f"{link.root}/ca.pem")
        with contextlib.closing(connection):
            return b"".join(pieces)

    @abstractmethod
    def faults(self, ns: Namespace) -> list[str]:
        """Return failures that later calls can't fix: unmatched calls, troubles and outages that ended without a call."""

    @abstractmethod
    def last_call(self, ns: Namespace) -> str | None:
        """Return the id of its latest call."""

    @abstractmethod
    def evidence_of_failure(self, ns: Namespace, test: str, error: str, after: str | None) -> str:
        """Keep the evidence of a failed test, and return its location; empty if nothing is kept."""

    @abstractmethod
    def unmet(self, ns: Namespace, scenarios: Iterable[str]) -> list[str]:
        """Return what does not hold: unmatched calls, and each `expect` of the test's own routes and scenarios."""

    @abstractmethod
    def close(self, ns: Namespace, *, failed: bool = False) -> None:
        """Remove a namespace, or keep it for a while if its test failed."""

    # For the sweep

    @abstractmethod
    def watch(self, ns: Namespace) -> None:
        """Record the calls of a namespace from now on, including those before a reset."""

    @abstractmethod
    def evidence(self, ns: Namespace) -> SweepEvidence:
        """Return the evidence since `watch` was called."""

    def trouble(self, ns: Namespace, troubles: list[dict[str, Any]]) -> None:
        """Set the troubles of a namespace. Raises Refused."""
        ns._link.send("PUT", "/troubles", troubles)  # noqa: SLF001  (`trouble`, without an end)

    def failures(self, ns: Namespace) -> list[Exception]:  # noqa: ARG002
        """Return the exceptions of reply functions."""
        return []

    def load(self, ns: Namespace, path: Path) -> str:
        """Load a scenario file into a namespace, and return the scenario's name."""
        if path not in self._files:
            self._files[path] = read_scenario(path)
        scenario = self._files[path]
        ns._link.send("PUT", f"/scenarios/{segment(scenario.name)}", scenario.document)  # noqa: SLF001  (`load`, read once)
        return scenario.name

    @abstractmethod
    def stop(self) -> None:
        """Stop the server, or disconnect from it, at the end of the session."""


class LocalSessionServer(SessionServer):
    """A server in this process, with the scenarios of a folder."""

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
        if engine_ns is None or not (engine_ns.counts.unmatched or engine_ns.unused_faults()):
            return []  # fast path without the server's loop; None if the test removed the namespace
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
        if engine_ns is not None:  # None if the test removed it
            self._running.app.webhooks.forget(engine_ns)
            self._engine.remove_namespace(engine_ns)

    def watch(self, ns: Namespace) -> None:
        journal = self._journals[ns.name] = BoundedCalls(
            lambda call: call.route_id, lambda call: bool(call.effects)
        )
        self._running.on_loop(lambda: self._engine.namespaces[ns.name].listen(journal.add))

    def evidence(self, ns: Namespace) -> SweepEvidence:
        """Return the evidence of all calls, including those that a reset deleted from the call log."""
        journal = self._journals.pop(ns.name)
        return self._running.on_loop(lambda: self._evidence(ns.name, journal))

    def _evidence(self, name: str, journal: BoundedCalls[Call]) -> SweepEvidence:
        engine_ns = self._engine.namespaces.get(name)
        if engine_ns is None:
            return SweepEvidence()  # the test removed it
        still_open = [call for call in engine_ns.call_log if call.outcome is Outcome.OPEN]
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
        """Load a scenario file, unless the server has read it at its start."""
        return self._loaded.get(path.resolve()) or super().load(ns, path)

    def stop(self) -> None:
        self._server.stop()


class ExternalSessionServer(SessionServer):
    """An external server, such as a container of a compose file."""

    def __init__(self, url: str, token: str | None, admin_url: str | None, keep: Keep = Keep()) -> None:
        super().__init__()
        self._keep = keep
        self._last_numbers: dict[str, int] = {}
        self._failed_tests: dict[str, dict[str, Any]] = {}
        self._client = Client(url, token, admin_url=admin_url)
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="mockserver-removal")
        self._streams: dict[str, Following] = {}
        self._removals: list[Future[None]] = []
        try:
            self._client.health  # noqa: B018  (a request, so that a wrong address is reported once)
        except ClientError as error:
            raise MockServerError(f"{error} (asked for by --mock-server-url or MOCKSERVER_URL)") from error

    def check_loaded(self, folder: Path) -> None:
        """Raise MockServerError if the server lacks a scenario of that folder, LoadError if one is invalid."""
        loaded = [str(scenario["name"]) for scenario in self._client.scenarios]
        missing = [source.name for source in load([folder]) if source.name not in loaded]
        if missing:
            raise MockServerError(
                f"the mock server at {self._client.url} has not loaded {', '.join(map(repr, missing))} of {folder}, "
                f"which the ini option mock_server_scenarios names; it has {', '.join(map(repr, loaded)) or 'none'}. "
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
        """Remove or keep the namespace in the background."""
        following = self._streams.pop(ns.name, None)
        if following is not None:
            following.close()
        self._last_numbers.pop(ns.name, None)
        kept = failed and self._keep.lasts
        self._removals.append(
            self._executor.submit(self._keep_for_a_while, ns) if kept else self._executor.submit(ns.remove)
        )

    def _keep_for_a_while(self, ns: Namespace) -> None:
        failed = self._failed_tests.pop(ns.name, {})
        body = {"for": self._keep.duration, "most": self._keep.most, **failed}
        ns._link.at_root("POST", f"/namespaces/{segment(ns.name)}/keep", body)  # noqa: SLF001

    def watch(self, ns: Namespace) -> None:
        """Follow the call stream, since a reset by the test or its application clears the call log."""
        self._streams[ns.name] = Following(ns._link)  # noqa: SLF001

    def evidence(self, ns: Namespace) -> SweepEvidence:
        link = ns._link  # noqa: SLF001  (the client's classes lack parts of the documents)
        following = self._streams.pop(ns.name)
        try:
            recorded = {call["number"]: call for call in link.items("/calls")}
            forgotten = _forgotten(following, recorded)
        finally:
            following.close()
        kept: BoundedCalls[Mapping[str, Any]] = BoundedCalls(
            lambda call: call["route"], lambda call: bool(call["effects"])
        )
        calls = [call for _, call in sorted({**forgotten, **recorded}.items())]
        for call in calls:
            kept.add(call)
        operation_views = list(link.items("/attempts")) if not forgotten else _operations(calls)
        return collect_evidence(
            kept.calls,
            operation_views,
            link.send("GET", "/troubles")["items"],
            link.look("/webhooks")["items"],
            {},  # its operations include all calls
        )

    def stop(self) -> None:
        for following in self._streams.values():
            following.close()
        self._executor.shutdown()
        self._client.close()
        for removal in self._removals:
            with contextlib.suppress(ClientError):  # the test removed it, or the server has stopped
                removal.result()


def _forgotten(following: Following, recorded: Mapping[int, Any]) -> dict[int, Mapping[str, Any]]:
    """
    Return the calls that are no longer in the call log, after a reset or since it was full.

    Call numbers are consecutive from 1, so a gap shows for which calls of the stream
    to wait. If the call log is empty, it is not known whether there are any.
    """
    first = min(recorded, default=None)
    if first == 1:
        return {}
    wait_s = _EMPTY_STREAM_TIMEOUT_S if first is None else _STREAM_TIMEOUT_S
    calls = following.calls(lambda calls: first is not None and calls.keys() >= set(range(1, first)), wait_s)
    return {number: call for number, call in calls.items() if number not in recorded}


def _operations(calls: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Group the calls as the server would if its call log were complete."""
    matched = (call for call in map(call_from_view, calls) if call.matched)
    return [operation_view(operation, instant) for operation in operations(matched)]


def _checked(
    ns: Namespace, method: str, path: str, document: Any = ..., **query: Any
) -> list[Mapping[str, Any]]:
    """Return the checks of a failed verification; none if it holds."""
    try:
        ns._link.send(method, path, document, **query)  # noqa: SLF001  (`verify`, but one scenario at a time)
    except VerificationFailed as error:
        return list(error.checks)
    return []


def _faults(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    return _failed(check for check in checks if check["expected"] == _UNMATCHED or check["saw"] == ENDED)


def _failed(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the texts of failed checks without duplicates."""
    return list(
        dict.fromkeys(
            str(check["text"]) for check in checks if not check["ok"] and check["expected"] != _WEBHOOKS
        )
    )
