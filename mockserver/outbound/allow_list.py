"""The URLs of a world's webhooks, with their constants, and of its proxied routes: what decides who may be called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.engine.routes import Scenario
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.schema.reply import ReplySpec
from mockserver.schema.webhook import WebhookSpec


def webhook_urls(world: ScenarioSet) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each webhook's URL and the `vars` beside it, of scenarios that are files on disk."""
    for scenario in world.scenarios.values():
        if scenario.source.file is not None:
            for spec in _webhooks(scenario):
                yield spec.url, scenario.vars


def proxied_urls(world: ScenarioSet) -> Iterator[str]:
    """The real services that routes pass requests on to, of scenarios that are files on disk."""
    for scenario in world.scenarios.values():
        if scenario.source.file is not None:
            yield from (route.proxy for route in scenario.spec.routes if route.proxy is not None)


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
