"""Bodies that lie in files beside the scenario: each once, under a name that says where it came from."""

from __future__ import annotations

import re

from mockserver.files.recorded.seen import Seen

_MOST_CHARS = 60


class Files:
    """`name` is the scenario's, and the folder that they lie in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.content: dict[str, bytes] = {}

    def add(self, one: Seen, extension: str, data: bytes) -> str:
        """Its path as seen from the scenario."""
        words = "-".join([one.request.method.lower(), *one.segments])
        stem = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:_MOST_CHARS].strip("-")
        if stem.endswith(f"-{extension}"):
            stem = stem.removesuffix(f"-{extension}")
        number = 1
        path = f"{self.name}/{stem}.{extension}"
        while self.content.get(path, data) != data:
            number += 1
            path = f"{self.name}/{stem}-{number}.{extension}"
        self.content[path] = data
        return path
