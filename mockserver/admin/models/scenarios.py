"""Scenarios and routes."""

from __future__ import annotations

from typing import Literal

from mockserver.admin.models.base import AdminView, OpenView, list_of


class ScenarioView(AdminView):
    name: str
    active: bool
    description: str | None
    origin: Literal["file", "admin"]
    file: str | None
    base: str
    host: str | None
    routes: list[str]


ScenarioList = list_of("ScenarioList", ScenarioView)


class RouteView(OpenView):
    """A route as written, with what the server knows about it. `step` is the next one, from 1."""

    id: str
    scenario: str
    name: str
    request: str
    calls: int
    step: int
    steps: int
    exhausted: bool


RouteList = list_of("RouteList", RouteView)
