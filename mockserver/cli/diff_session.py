"""Send the requests of all routes to the real service and compare the answers. `cli/diff.py` has the exit codes."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Route
from mockserver.errors import InvalidInputError, MockServerError, TlsSettingsError
from mockserver.model.http import Request, Response
from mockserver.model.plan import Forward
from mockserver.outbound.egress import Egress
from mockserver.outbound.forwarding import rule_of
from mockserver.outbound.upstream import BrokenReplyError, Upstream, no_pieces
from mockserver.recording.drift_replies import answers, nearest
from mockserver.recording.drift_requests import Lines, RequestSkippedError, request_for, turn
from mockserver.recording.drift_shapes import Drift
from mockserver.redaction.redaction import mask_target
from mockserver.scenarios.loader import load
from mockserver.scenarios.source import LoadError
from mockserver.schema.scenario import read_upstream

SAME, DRIFTED, NOT_ASKED = 0, 1, 2
TIMEOUT_S = 30.0
MOST_BYTES = 16 * 1024 * 1024
MOST_STREAM_S = 10.0
"""Maximum time for which a stream of events is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    """The options of the command line."""

    paths: tuple[str, ...]
    against: str
    as_json: bool = False
    unsafe: bool = False
    values: bool = False
    headers: Lines = ()
    upstream_ca: str = ""


@dataclass(slots=True)
class DriftFinding:
    """Result of one route: drift, the reason why it was skipped, or the failure."""

    route: Route
    request: Request | None = None
    drifts: list[Drift] = field(default_factory=list)
    skipped: str | None = None
    failed: str | None = None

    @property
    def line(self) -> str | None:
        if self.request is None:
            return None
        return f"{self.request.method} {mask_target(self.request.target)}"

    def view(self) -> dict[str, Any]:
        return {
            "route": self.route.id, "asked": self.line, "skipped": self.skipped, "failed": self.failed,
            "differences": [drift.view() for drift in self.drifts],
        }  # fmt: skip


class UnreachableServiceError(MockServerError):
    """The real service did not answer; the text says why."""


def run(options: DiffOptions) -> int:
    """The exit code; the report goes to stdout."""
    try:
        rule_of(options.against, "--against")
        scenario_set = build_scenario_set(load(options.paths))
        ns = Engine(scenario_set, wall=time.time, mono=time.monotonic).default
        findings = asyncio.run(_compared(options, ns))
    except LoadError as error:
        sys.stderr.write("\n".join(error.lines) + "\n")
        return NOT_ASKED
    except (InvalidInputError, TlsSettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_ASKED
    code = _code(findings)
    sys.stdout.write(_as_json(options, findings, code) if options.as_json else _as_text(findings))
    return code


async def _compared(options: DiffOptions, ns: Namespace) -> list[DriftFinding]:
    to = read_upstream(options.against)
    upstream = Upstream(
        Egress([rule_of(options.against, "--against")]),
        own_id=secrets.token_hex(8), timeout_s=TIMEOUT_S, idle_s=TIMEOUT_S, ca_file=options.upstream_ca,
    )  # fmt: skip
    return [
        await _finding(options, ns, upstream, to, route) for route in sorted(ns.active_routes(), key=turn)
    ]


async def _finding(
    options: DiffOptions, ns: Namespace, upstream: Upstream, to: str, route: Route
) -> DriftFinding:
    finding = DriftFinding(route)
    try:
        request = request_for(ns, route, options.headers, unsafe=options.unsafe)
        expected = await asyncio.to_thread(answers, ns, route, request)
        finding.request = request
        actual = await _real(upstream, to, request)
        finding.drifts = await asyncio.to_thread(nearest, expected, actual, values=options.values)
    except RequestSkippedError as error:
        finding.skipped = str(error)
    except UnreachableServiceError as error:
        finding.failed = str(error)
    return finding


async def _real(upstream: Upstream, to: str, request: Request) -> Response:
    """
    Return the complete reply of the service; a stream is read for a limited time. Raises UnreachableServiceError.
    """
    step = Forward(to, lambda _: True, is_recorded=True)
    async with upstream.ask(step, request) as reply:
        if reply.error is not None:
            raise UnreachableServiceError(f"{reply.error['title']}: {reply.error['detail']}")
        body = bytearray()
        try:
            async with asyncio.timeout(MOST_STREAM_S):
                async for piece in reply.pieces or no_pieces():
                    body += piece
                    if len(body) > MOST_BYTES:
                        raise UnreachableServiceError(f"its reply is longer than {MOST_BYTES} bytes")
        except TimeoutError:
            pass  # what has come of an endless stream is enough
        except BrokenReplyError as error:
            raise UnreachableServiceError(str(error)) from error
    head = reply.response
    return Response(head.status, head.headers, bytes(body))


# The report


def _code(findings: list[DriftFinding]) -> int:
    if any(finding.failed for finding in findings) or not any(finding.request for finding in findings):
        return NOT_ASKED
    return DRIFTED if any(finding.drifts for finding in findings) else SAME


def _as_text(findings: list[DriftFinding]) -> str:
    lines: list[str] = []
    for finding in findings:
        if finding.skipped is not None:
            lines.append(f"- {finding.route.id}: skipped: {finding.skipped}")
        elif finding.failed is not None:
            lines.append(f"! {finding.route.id} ({finding.line}): {finding.failed}")
        elif finding.drifts:
            lines.append(f"≠ {finding.route.id} ({finding.line})")
            lines += [f"    {drift.text}" for drift in finding.drifts]
        else:
            lines.append(f"= {finding.route.id} ({finding.line})")
    return "\n".join([*lines, _sum(findings)]) + "\n"


def _sum(findings: list[DriftFinding]) -> str:
    compared = sum(finding.request is not None and finding.failed is None for finding in findings)
    drifted = sum(bool(finding.drifts) for finding in findings)
    failed = sum(finding.failed is not None for finding in findings)
    skipped = sum(finding.skipped is not None for finding in findings)
    more = f", {failed} failed" if failed else ""
    return f"{compared} compared, {drifted} different{more}, {skipped} skipped"


def _as_json(options: DiffOptions, findings: list[DriftFinding], code: int) -> str:
    parts = urlsplit(options.against)
    document = {
        "against": f"{parts.scheme}://{parts.netloc}{parts.path}",
        "result": {SAME: "same", DRIFTED: "drifted", NOT_ASKED: "not asked"}[code],
        "routes": [finding.view() for finding in findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
