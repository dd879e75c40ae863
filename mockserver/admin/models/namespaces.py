"""Namespaces and what they keep: state, outages, troubles, the clock, effects, webhooks and recordings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, RootModel

from mockserver.admin.models.base import AdminView, Listing, OpenView, list_of


class NamespaceView(AdminView):
    """
    An isolated namespace.

    `url` is the value of EXTERNAL_API_URL for the application; with `ttl` null, it is never removed. `failed_test` is the
    test whose failure it was kept for.
    """

    name: str
    url: str
    admin_url: str
    seed: str
    ttl: str | None
    failed_test: str | None


class FailedTestView(AdminView):
    """A failed test: its name, its error, and the last call before it; null if all calls belong to it."""

    test: str
    error: str
    after: str | None


NamespaceList = list_of("NamespaceList", NamespaceView)


class SnapshotView(AdminView):
    id: str


class OutageView(OpenView):
    answered: int
    skipped: int


class OutageAnswer(RootModel[OutageView | None]):
    """The current outage, or null."""

    model_config = ConfigDict(defer_build=True)


class TroubleView(OpenView):
    """
    A trouble as sent, with the complete id of its route.

    `seen` is the number of calls of the route since, `hits` are the ids of affected calls, at most the first 1000.
    """

    route: str
    seen: int
    hits: list[str]


TroubleList = list_of("TroubleList", TroubleView)


class StateView(OpenView):
    """Values by key."""


ItemList = list_of("ItemList", dict[str, Any])


class ClockView(AdminView):
    now: str
    frozen: bool
    offset_s: float


class DeliveryView(OpenView):
    id: str
    call: str
    route: str
    state: str
    url: str
    again: bool
    tries: list[dict[str, Any]]


DeliveryList = list_of("DeliveryList", DeliveryView)


class EffectList(Listing):
    items: list[dict[str, Any]]


class RecordingView(AdminView):
    """`left_out` are calls that are not in it, by reason; `running` says whether it takes more."""

    id: str
    name: str
    to: str | None
    running: bool
    started: str
    stopped: str | None
    calls: int
    left_out: dict[str, int]


RecordingList = list_of("RecordingList", RecordingView)


class RecordedView(RecordingView):
    """With its scenario: `yaml`, and files beside it by path in Base64; `POST /scenarios` takes these two as they are."""

    yaml: str
    files: dict[str, str]


class ArchiveLogView(AdminView):
    """`entries` are calls, with fields of our own below `_id`, `_namespace`, `_route`, `_step`, `_outcome`, `_fault`."""

    version: Literal["1.2"]
    creator: dict[str, str]
    entries: list[dict[str, Any]]


class ArchiveView(AdminView):
    """An HTTP archive, HAR 1.2."""

    log: ArchiveLogView
