"""One request and what the real service answered, whole: what recordings are made of."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.model.http import Request, Response


@dataclass(frozen=True, slots=True)
class Exchange:
    """`to` is the real service's URL, without a slash at its end."""

    request: Request
    response: Response
    to: str
