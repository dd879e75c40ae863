"""Libraries that only some conditions need: imported when such a condition is compiled, and not before."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mockserver.errors import KeyPath, MissingExtraError


def library(module: str, feature: str, extra: str, path: KeyPath) -> Any:
    """The module. Raises MissingExtraError, which names the extra that brings it."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(path, feature, extra) from None
