"""Bodies that lie in files beside the scenario: each once, under a name that says where it came from."""

from __future__ import annotations

import re

from mockserver.recording.seen import SeenValues
from mockserver.recording.written_replies import Beside

_MOST_CHARS = 60


class Files:
    """`name` is the scenario's, and the folder that they lie in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._beside = Beside(name)
        self.content = self._beside.files

    def add(self, one: SeenValues, extension: str, data: bytes) -> str:
        """Its path as seen from the scenario."""
        words = "-".join([one.request.method.lower(), *one.segments])
        stem = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:_MOST_CHARS].strip("-")
        return self._beside.put(stem.removesuffix(f"-{extension}"), f".{extension}", data)
