"""Problem documents (RFC 9457): every error of the server in one form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockserver.errors import Flaw, pointer

PROBLEM_TYPE = "application/problem+json"


def problem(status: int, kind: str, title: str, detail: str = "", **members: object) -> dict[str, Any]:
    """Return a problem document. `kind` makes its type: `urn:mockserver:KIND`."""
    return {"type": f"urn:mockserver:{kind}", "title": title, "status": status, "detail": detail, **members}


def flaw_views(flaws: Iterable[Flaw]) -> list[dict[str, Any]]:
    """Return flaws as the `errors` of a problem document, each with a JSON pointer."""
    return [{"pointer": pointer(flaw.path), "message": flaw.message, "hint": flaw.hint} for flaw in flaws]
