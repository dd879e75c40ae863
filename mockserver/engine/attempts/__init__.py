"""
Attempts: which calls belong to one operation, how long the client waited, and what it changed.

`docs/attempts.md` describes the evidence. Import from here, not from the modules.
"""

from mockserver.engine.attempts.evidence import ROUTE, By, Evidence, Grouping, RouteRules, compile_grouping
from mockserver.engine.attempts.keys import KEY_FIELDS, KEY_HEADERS, KeyNames, known_key
from mockserver.engine.attempts.likeness import Ignored
from mockserver.engine.attempts.operations import (
    Attempt,
    Operation,
    change_text,
    gathered,
    operation_view,
    operations,
    read,
)
from mockserver.engine.attempts.retryable import failed, retryable

__all__ = [
    "KEY_FIELDS", "KEY_HEADERS", "ROUTE", "Attempt", "By", "Evidence", "Grouping", "Ignored", "KeyNames", "Operation",
    "RouteRules", "change_text", "compile_grouping", "failed", "gathered", "known_key", "operation_view", "operations", "read", "retryable",
]  # fmt: skip
