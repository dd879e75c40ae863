"""Detects changes of scenario files and the files beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def fingerprint(paths: Iterable[str]) -> int:
    """
    Return a number that changes if a file in one of these folders is added, removed or written; of a file that is named
    itself, it and the .proto files beside it.
    """
    seen = []
    for path in map(Path, paths):
        beside = path.rglob("*") if path.is_dir() else path.parent.glob("*.proto")
        for file in [path, *sorted(beside)]:
            try:
                stat = file.stat()
            except OSError:
                continue
            seen.append((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return hash(tuple(seen))
