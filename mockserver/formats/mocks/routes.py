"""Shared conversions of whole routes and scenarios."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from mockserver.formats.mocks.replies import Reply, sequence
from mockserver.formats.reading import free_name
from mockserver.recording.conversion import NotConvertibleError


def proxy_route(target: str) -> dict[str, Any]:
    """A route's `proxy`. Raises NotConvertibleError for a target that is none."""
    if not re.match(r"https?://[^/\s]+", target):
        raise NotConvertibleError(f"{target!r} is not an http or https URL to forward requests to")
    return {"proxy": target}


def unique_name(wanted: str, taken: Container[str]) -> str:
    """A scenario's name after `wanted`, unlike those that are taken."""
    name = re.sub(r"[/?#%\x00-\x1f]+", "-", wanted).strip() or "imported"
    name = "imported" if name == "runtime" else name
    return free_name(name, taken, "-")


Entry = tuple[dict[str, Any], dict[str, Any]]
"""
A route without its reply, and its answer: `reply` (a step), with `times` if it
is used up after that many calls; or `proxy`.
"""


def sequenced(entries: list[Entry], *, counted: bool = False) -> list[dict[str, Any]]:
    """
    Return the routes of entries that are tried in this order.

    Neighbours with equal conditions become one route with a sequence if the first is used up. `counted`: the steps
    that are used up must be used up by the end (`expect`).
    """
    routes: list[dict[str, Any]] = []
    steps: list[Reply] = []
    for number, (route, answer) in enumerate(entries):
        if "proxy" in answer:
            routes.append({**route, **answer})
            continue
        step = answer["reply"]
        limited = "times" in answer
        steps.append({**step, "times": answer["times"]} if answer.get("times", 1) > 1 else step)
        after = entries[number + 1] if number + 1 < len(entries) else None
        if (
            limited
            and after is not None
            and "reply" in after[1]
            and _conditions(after[0]) == _conditions(route)
        ):
            continue
        routes.append(_sequence(route, steps, limited=limited, counted=counted))
        steps = []
    return routes


def _conditions(route: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in route.items() if key != "name"}


def _sequence(route: dict[str, Any], steps: list[Reply], *, limited: bool, counted: bool) -> dict[str, Any]:
    used_up = sum(step.get("times", 1) for step in (steps if limited else steps[:-1]))
    made = {**route, "reply": sequence(steps, endless=not limited)}
    if limited:
        made["then"] = "stop"
    if counted and used_up:
        made["expect"] = used_up if limited else {"min": used_up}
    return made
