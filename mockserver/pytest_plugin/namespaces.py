"""The namespace of one test: its checks, and its part of the report of a failed test."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mockserver.client import AsyncNamespace, Namespace
from mockserver.client.errors import ClientError
from mockserver.errors import near
from mockserver.pytest_plugin.limits import no_limit
from mockserver.pytest_plugin.runs import Run
from mockserver.real_time import REAL
from mockserver.sessions.names import name_for
from mockserver.sessions.reports import report
from mockserver.sessions.servers import SessionServer
from mockserver.sweep.evidence import SweepEvidence

Node = pytest.Item | pytest.Collector
_SUFFIXES = (".yaml", ".yml", ".json")


class NamespaceHandle:
    """
    The namespace of `node`: of a test, a class, a module or the session.

    Created when a test first requests its mock server. In a sweep it belongs to one
    `run`, and `evidence` is set at its end.
    """

    def __init__(
        self, server: SessionServer, node: Node, folder: Path | None, run: Run | None = None
    ) -> None:
        self._server = server
        self._run = run
        self.evidence: SweepEvidence | None = None
        self.strict = strict_of(node)
        self.fixture = "mock_server"
        self.scope = ""
        """`class`, `module` or `session` if tests share it; distinguishes its page from that of the test's own namespace."""
        self.passed, self.failed = False, False
        """Whether a test that uses it passed, and whether one failed."""
        self._test = node.nodeid or "session"
        self._sections: dict[str, str] = {}
        self._errors: list[str] = []
        self._known: list[str] = []
        self._after: str | None = None
        self._began = datetime.fromtimestamp(REAL.time(), UTC)
        seed = self._test if run is None else run.seed
        self.namespace: Namespace = server.open(name_for(self._test), seed)
        try:
            self.scenarios = _scenarios(server, self.namespace, node, folder)
            if run is not None:
                server.watch(self.namespace)
            if run is not None and run.troubles:
                server.trouble(self.namespace, [dict(trouble) for trouble in run.troubles])
        except BaseException:
            server.close(self.namespace)
            raise

    def ca_pem(self) -> bytes:
        """Return the CA of the server. Raises ClientError if it has none."""
        return self._server.ca_pem(self.namespace)

    def awaiting(self, fixture: str = "mock_server_async") -> AsyncNamespace:
        """Return the namespace with async methods."""
        self.fixture = f"await {fixture}"
        ns = self.namespace
        return AsyncNamespace(ns._link, ns.url, ns.seed)  # noqa: SLF001

    def begin(self, test: str) -> None:
        """Start a test in a namespace that earlier tests may have used. Their calls and failures don't count for it."""
        self._test = test
        self._sections, self._errors = {}, []
        self._after = self._server.last_call(self.namespace)
        self._began = datetime.fromtimestamp(REAL.time(), UTC)
        self._known = self._server.faults(self.namespace)

    def check_call(self, *, strict: bool | None = None) -> None:
        """Fail a passed test if a reply function raised, or if there are unmatched calls or troubles that never applied."""
        if not (self.strict if strict is None else strict):
            return
        for failure in self._server.failures(self.namespace):
            raise failure
        known, self._known = self._known, self._server.faults(self.namespace)
        faults = [fault for fault in self._known if fault not in known]
        if faults:
            pytest.fail(_failure_text(faults), pytrace=False)

    def section(self, test: str) -> str:
        """Return the section for the report of a failed test."""
        if test not in self._sections:
            self._sections[test] = self._text_of(
                lambda: report(self.namespace, self._began, self.fixture, self._after)
            )
        return self._sections[test]

    def keep(self, test: str, error: str) -> str:
        """Keep the evidence of a failed test. Returns its location; empty if it is not kept."""
        self._errors.append(error)
        if self._run is not None:
            return ""
        errors = "\n\n".join(self._errors)
        name = f"{test} ({self.scope})" if self.scope else test
        return self._text_of(
            lambda: self._server.evidence_of_failure(self.namespace, name, errors, self._after)
        )

    def _text_of(self, make: Callable[[], str]) -> str:
        try:
            return make()
        except ClientError as error:
            return f"The mock server can't be asked: {error}"
        except Exception:  # noqa: BLE001  (an error here would end the session)
            return f"This section could not be made:\n{traceback.format_exc()}"

    def end(self) -> None:
        """
        Fail if expectations are not met, unless a test failed already.

        With troubles, expectations are not checked, since retries change the number of calls.
        """
        if self._run is not None:
            with no_limit():
                self.evidence = self._server.evidence(self.namespace)
        if (
            not self.passed
            or self.failed
            or not self.strict
            or (self._run is not None and self._run.troubles)
        ):
            return
        unmet = self._server.unmet(self.namespace, self.scenarios)
        unmet = [text for text in unmet if text not in self._known]
        if unmet:
            self._after, self._sections = None, {}  # the section includes the calls of all tests
            pytest.fail(_failure_text(unmet), pytrace=False)

    def close(self) -> None:
        """Remove the namespace. Called after the last report."""
        self._server.close(self.namespace, failed=self.failed and self._run is None)


def _failure_text(unmet: list[str]) -> str:
    hint = "To leave this to the test itself: @pytest.mark.mock_server(strict=False)"
    return "\n".join([*unmet, hint])


def strict_of(node: Node) -> bool:
    """Return the value of `strict` of the marker `mock_server`."""
    marker = node.get_closest_marker("mock_server")
    if marker is None:
        return True
    unknown = [*map(repr, marker.args), *(word for word in marker.kwargs if word != "strict")]
    if unknown:
        hint = near(unknown[0], ["strict"])
        pytest.fail(f"the marker mock_server takes strict=False, and no {unknown[0]}. {hint}", pytrace=False)
    return bool(marker.kwargs.get("strict", True))


def _scenarios(server: SessionServer, ns: Namespace, item: Node, folder: Path | None) -> list[str]:
    """Activate exactly the scenarios of the test's markers, and return their names."""
    named = [name for marker in reversed(list(item.iter_markers("scenario"))) for name in marker.args]
    if not named:
        return []
    names = [server.load(ns, _file(name, item, folder)) if _is_file(name) else name for name in named]
    ns.use(*names)
    return names


def _is_file(name: object) -> bool:
    return isinstance(name, Path) or str(name).endswith(_SUFFIXES)


def _file(name: str | os.PathLike[str], item: Node, folder: Path | None) -> Path:
    """Return the path of a scenario file, from the test's own folder or the scenario folder."""
    beside = item.path if item.path.is_dir() else item.path.parent
    places = [beside, *([folder] if folder is not None else [])]
    for place in places:
        file = Path(place, name)
        if file.is_file():
            return file
    listed = " nor ".join(str(place) for place in places)
    hint = "" if folder else " Name a folder for all tests with the ini option mock_server_scenarios."
    pytest.fail(f"there is no scenario file {str(name)!r} in {listed}.{hint}", pytrace=False)
