"""The server: its admin API, health, replicas and reloads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mockserver.admin.models.base import AdminView, OpenView


class CallOfApi(AdminView):
    request: str
    summary: str


class IndexView(AdminView):
    """Overview of the admin API. `dashboard` is for people, `openapi` describes every endpoint."""

    dashboard: str
    openapi: str
    items: list[CallOfApi]


class ReloadView(AdminView):
    scenarios: int
    routes: int
    warnings: list[str] = Field(default=[])


class StateFileView(AdminView):
    """When something new was last saved; `error` says why the last try failed."""

    saved_at: str | None
    error: str | None


class HealthView(OpenView):
    status: Literal["ok"]
    version: str
    started: str
    uptime_s: float
    scenarios: int
    routes: int

    refused: dict[str, int]
    state_file: StateFileView | None
    tls_url: str | None


class LiveView(AdminView):
    status: Literal["ok"]


class StoreView(OpenView):
    """`reason` says why the store can't be used now. `emptied_at` is when it was found empty, or another one, last."""

    kind: str
    version: str
    ready: bool
    reason: str | None
    emptied_at: str | None


class ReplicaView(AdminView):
    """`heard_s` is the age of its last heartbeat in seconds, `digest` that of its scenario files."""

    id: str
    address: str
    version: str
    digest: str
    started: str
    heard_s: float
    calls_per_s: float
    namespaces: list[str]
    namespace_count: int


class CommitsView(AdminView):
    """Writes of this replica to the store. `repeated` were sent again for want of an answer."""

    groups: int
    entries: int
    writes: int
    repeated: int
    mean_latency_ms: float


class ReplicasView(AdminView):
    """`store` is null for a server without a shared store; then it is alone."""

    store: StoreView | None
    self: str | None
    replicas: list[ReplicaView]
    commits: CommitsView | None
    takeovers: int
    lost: int
    relayed: int
