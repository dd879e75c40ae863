"""JSON merge patches (RFC 7396)."""

from __future__ import annotations

from typing import Any


def merge_patch(target: Any, patch: Any) -> Any:
    """
    Apply a JSON merge patch (RFC 7396 2); neither argument is changed.

    >>> merge_patch({"a": 1, "m": {"x": 1, "y": 2}}, {"a": None, "m": {"y": 3}})
    {'m': {'x': 1, 'y': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
