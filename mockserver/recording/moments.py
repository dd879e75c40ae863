"""
Replace times that are the moment of the call by templates, if replies differ only in these.

A time that is repeated, such as a creation time, stays.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from mockserver.model.json_values import map_leaves
from mockserver.recording.echoes import TemplateText
from mockserver.recording.replies import Draft
from mockserver.recording.seen import SeenValues

_NEAR_S = 120.0
"""Maximum difference between the clocks of the service and of this machine."""
_FIRST_S = 1_000_000_000
"""Smaller numbers are not times."""
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.(\d{1,6}))?(Z|\+00:00)")


def tell_the_time(calls: list[SeenValues]) -> None:
    """Replace the moment in calls of one route, if neighbours differ only in it."""
    told = [_told(item) for item in calls]
    same = [
        item.explained != other.explained and here == there
        for (item, here), (other, there) in pairwise(zip(calls, told, strict=True))
    ]
    for i, call in enumerate(calls):
        if (i and same[i - 1]) or (i < len(same) and same[i]):
            call.explained = told[i]


def _told(call: SeenValues) -> Draft:
    draft = call.explained
    if draft.kind != "json":
        return draft
    return replace(draft, body=map_leaves(draft.body, lambda item, _: _timed(item, call.request.arrived_s)))


def _timed(value: object, now_s: float) -> object:
    if isinstance(value, str) and not isinstance(value, TemplateText):
        return _text(value, now_s)
    return _number(value, now_s) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(text: str, now_s: float) -> object:
    match = _ISO.fullmatch(text)
    if match is None:
        return text
    try:
        at_s = datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp()
    except ValueError:  # the 31st of February
        return text
    if abs(at_s - now_s) > _NEAR_S:
        return text
    fraction = ".%f" if match[2] else ""
    return TemplateText(f"{{{{ now.strftime('%Y-%m-%dT%H:%M:%S{fraction}{match[4]}') }}}}")


def _number(value: int, now_s: float) -> object:
    if value < _FIRST_S:
        return value
    if abs(value - now_s) <= _NEAR_S:
        return TemplateText("{{ now.timestamp() | int }}")
    if abs(value / 1000 - now_s) <= _NEAR_S:
        return TemplateText("{{ (now.timestamp() * 1000) | int }}")
    return value
