"""
The hosts that scenario files name literally: the server may send webhooks and forward requests to them.

A host that depends on a request is not among them; otherwise, every client of the mock could choose the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from mockserver.engine.routes import Scenario
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.errors import MockServerError
from mockserver.outbound.egress import EgressRefusedError, read_url
from mockserver.schema.reply import ReplySpec
from mockserver.schema.webhook import WebhookSpec
from mockserver.templating.functions import DRAWING
from mockserver.templating.random_values import Draws
from mockserver.templating.templates import Scope, TemplateError, compile_text


def literal_hosts(scenario_set: ScenarioSet) -> frozenset[str]:
    """Return the hosts of webhooks and of `proxy` in scenarios that are files on disk."""
    hosts = {literal_host(url, constants) for url, constants in _urls(scenario_set)}
    return frozenset(host for host in hosts if host is not None)


def _urls(scenario_set: ScenarioSet) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each URL with the `vars` of its scenario; templates are not allowed in `proxy`."""
    for scenario in scenario_set.scenarios.values():
        if scenario.source.file is not None:
            yield from ((spec.url, scenario.vars) for spec in _webhooks(scenario))
            yield from ((route.proxy, {}) for route in scenario.spec.routes if route.proxy is not None)


def _webhooks(scenario: Scenario) -> Iterator[WebhookSpec]:
    for route in scenario.spec.routes:
        yield from route.webhook or ()
        for reply in route.reply:
            yield from _of_reply(reply)
    for resource in scenario.spec.resources:
        for on in resource.on.values():
            yield from on.webhook or ()


def _of_reply(reply: ReplySpec) -> Iterator[WebhookSpec]:
    yield from reply.webhook or ()
    for below in (*(reply.choose or ()), *(reply.cases or ())):
        yield from _of_reply(below)


"""Return the text of a template with only `vars`. Raises MockServerError if it depends on anything else."""

_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_AUTHORITY = re.compile(r"https?://[^/?#]*[/?#]", re.IGNORECASE)


def literal_host(source: str, constants: Mapping[str, Any]) -> str | None:
    """
    Return the host of a webhook's URL if only the file decides it; None if a request could choose it.

    That is the complete text or, if its end varies, the text up to the end of the authority.
    """
    text = _made(source, constants)
    if text is not None:
        return _host(text)
    for end in [match.start() for match in reversed(list(_BRACES.finditer(source)))]:
        text = _made(source[:end], constants)
        if text is not None:
            match = _AUTHORITY.match(text)
            return _host(match[0]) if match else None
    return None


def _made(source: str, constants: Mapping[str, Any]) -> str | None:
    """Render a template with only `vars`, without time and random values; None if it needs more."""
    try:
        template = compile_text(source, ("url",), names=frozenset({"vars"}))
        if template.functions & DRAWING:
            return None
        return template.render(Scope({"vars": dict(constants)}, Draws("", "", 0), _nothing))
    except MockServerError:
        return None


def _host(url: str) -> str | None:
    try:
        return str(read_url(url)[1])
    except EgressRefusedError:
        return None


def _nothing() -> NoReturn:
    raise TemplateError("it needs more than vars")
