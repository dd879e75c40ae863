"""Recordings and HTTP archives of calls."""

from __future__ import annotations

from typing import Any, Literal

from mockserver.admin.models.base import AdminView, list_of


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
