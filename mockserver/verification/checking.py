"""`mockserver check` and `mockserver explain`: analysis of scenario files without a server."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from mockserver.compiler.scenario_set import build_scenario_set, warnings_at_load
from mockserver.engine.engine import Engine
from mockserver.engine.routes import Route
from mockserver.errors import Flaw
from mockserver.model.plural import counted
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import folders_without_scenario, load
from mockserver.scenarios.retry_headers import invalid_retry_headers
from mockserver.scenarios.source import LoadError
from mockserver.scenarios.warnings import warnings_of
from mockserver.verification.explain import ExplainSpec, as_request, explain
from mockserver.verification.lint import LintWarning, lint_warnings


def check_paths(paths: Iterable[str]) -> tuple[list[str], list[str], str]:
    """Return errors, warnings and a summary. Each error and warning has its location."""
    paths = list(paths)
    try:
        sources = load(paths)
        scenario_set = build_scenario_set(sources)
    except LoadError as error:
        return error.lines, [], ""
    warnings = folders_without_scenario(paths)
    for source in sources:
        warnings += [
            source.locate(flaw) for flaw in (*warnings_of(source), *invalid_retry_headers(source.spec))
        ]
    warnings += warnings_at_load(scenario_set)
    warnings += [_located(warning) for warning in lint_warnings(scenario_set)]
    summary = f"OK: {counted(len(scenario_set.scenarios), 'scenario')}, {counted(len(scenario_set.routes), 'route')}"
    return [], warnings, summary


def _located(warning: LintWarning) -> str:
    """Return a warning with its location, and the location of the other route, if any."""
    message = warning.message
    if warning.other is not None:
        other = warning.other
        message += f" ({_place(other)})"
    return warning.route.scenario.source.locate(Flaw(warning.path, message, warning.hint))


def _place(route: Route) -> str:
    source = route.scenario.source
    line, column = source.position(Flaw(route.path, ""))
    return f"{source.label}:{line}:{column}"


def explain_request(paths: Iterable[str], document: dict[str, Any]) -> dict[str, Any]:
    """Return the explanation of a new server for that request. Raises LoadError and InvalidInputError."""
    engine = Engine(build_scenario_set(load(paths)), wall=time.time, mono=time.monotonic)
    request = as_request(parse_spec(ExplainSpec, document), engine.default)
    return explain(engine.default, request)


def explained_text(view: dict[str, Any]) -> str:
    """Return an explanation as text."""
    lines = []
    if view["route"] is None:
        lines.append("No route matches it.")
    else:
        reply = view["reply"]
        fault = f", then {reply['fault']}" if reply["fault"] else ""
        delay = f" after {reply['delay_ms']:g} ms" if reply["delay_ms"] else ""
        lines.append(
            f"{view['route']} answers, step {view['step']}: {reply.get('grpc_status', reply['status'])}{delay}{fault}"
        )
        if reply["body"]:
            lines.append(f"  {reply['body']}")
    for candidate in view["candidates"]:
        if candidate["route"] == view["route"]:
            continue
        reasons = [difference["text"] for difference in candidate["differences"]]
        lines.append(
            f"{candidate['route']} ({candidate['request']})"
            + ("" if reasons else ": matches too, but comes after the route that answers")
        )
        lines += [f"  - {text}" for text in reasons]
    return "\n".join(lines)
