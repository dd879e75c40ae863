"""Optional libraries, imported when a condition that needs them is compiled."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mockserver.errors import KeyPath, MissingExtraError


def library(module: str, feature: str, extra: str, path: KeyPath) -> Any:
    """Return the module. Raises MissingExtraError, which names the extra."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(path, feature, extra) from None
