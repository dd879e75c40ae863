"""One request and the real service's response: the content of recordings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mockserver.model.http import Request, Response


@dataclass(frozen=True, slots=True)
class Exchange:
    """`to` is the real service's URL, without a slash at its end."""

    request: Request
    response: Response
    to: str


def relinked(text: str, url: str, instead: str) -> str:
    """
    Rewrite links below one URL so that they lead below another.

    >>> relinked("https://api.example/a https://api.example.org", "https://api.example", "http://localhost:8080")
    'http://localhost:8080/a https://api.example.org'
    """
    if url not in text:
        return text
    return re.sub(rf"{re.escape(url)}(?![\w.:@-])", lambda _: instead, text)
