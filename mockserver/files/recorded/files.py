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
        self._last: dict[str, int] = {}
        self._paths: dict[tuple[str, bytes], str] = {}

    def add(self, one: Seen, extension: str, data: bytes) -> str:
        """Its path as seen from the scenario."""
        words = "-".join([one.request.method.lower(), *one.segments])
        stem = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:_MOST_CHARS].strip("-")
        if stem.endswith(f"-{extension}"):
            stem = stem.removesuffix(f"-{extension}")
        known = self._paths.get((f"{stem}.{extension}", data))
        return known or self._new(stem, extension, data)

    def _new(self, stem: str, extension: str, data: bytes) -> str:
        """The numbers of a stem go on where they stopped: a recording may have thousands of them."""
        name = f"{stem}.{extension}"
        number = self._last.get(name, 0)
        path = ""
        while not path or self.content.get(path, data) != data:
            number += 1
            path = (
                f"{self.name}/{stem}.{extension}"
                if number == 1
                else f"{self.name}/{stem}-{number}.{extension}"
            )
        self._last[name] = number
        self._paths[name, data] = path
        self.content[path] = data
        return path
