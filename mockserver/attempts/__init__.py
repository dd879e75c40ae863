"""
Attempts: which calls belong to one operation, how long the client waited, and what it changed.

`docs/attempts.md` describes the evidence. Import from here, not from the modules.
"""

from mockserver.attempts.evidence import ROUTE, By, CallEvidence, Grouping, RouteRules, compile_grouping
from mockserver.attempts.keys import KEY_FIELDS, KEY_HEADERS, KeyNames, known_key
from mockserver.attempts.likeness import Ignored
from mockserver.attempts.operations import (
    Attempt,
    Operation,
    change_text,
    gathered,
    operation_view,
    operations,
    read,
)
from mockserver.attempts.retryable import failed, retryable

__all__ = [
    "KEY_FIELDS", "KEY_HEADERS", "ROUTE", "Attempt", "By", "CallEvidence", "Grouping", "Ignored", "KeyNames", "Operation",
    "RouteRules", "change_text", "compile_grouping", "failed", "gathered", "known_key", "operation_view", "operations", "read", "retryable",
]  # fmt: skip
