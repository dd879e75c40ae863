"""Output of `import` and `export`: losses on stderr, files written all or none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from mockserver.errors import MockServerError
from mockserver.model.plural import counted
from mockserver.recording.conversion import Lost

DONE, LOST, WRONG, BUG = 0, 1, 2, 3
"""Exit codes."""


class ConversionRefusedError(MockServerError):
    """Nothing was written; the text is the reason, `code` the exit code."""

    def __init__(self, text: str, code: int = WRONG) -> None:
        super().__init__(text)
        self.code = code


def say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")


def say_lost(lost: Iterable[Lost]) -> int:
    """Print each loss once; return their number."""
    told = list(dict.fromkeys(map(str, lost)))
    say(*told)
    if told:
        say(f"{counted(len(told), 'thing')} could not be converted.")
    return len(told)


def write_all(files: Mapping[Path, bytes], *, force: bool, otherwise: str = "another -o") -> None:
    """
    Write all files, or none if one exists or cannot be written. Raises ConversionRefusedError.

    `otherwise` is what a user can do instead of overwriting.

    Each file is replaced atomically, so that readers never see a part of one.
    """
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise ConversionRefusedError(
            f"{', '.join(there)}: already exists. Use --force to overwrite it, or {otherwise}"
        )
    drafts: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            drafts[path] = path.with_name(f".{path.name}.{os.getpid()}")
            drafts[path].write_bytes(content)
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as error:
        raise ConversionRefusedError(f"{error.filename}: can't be written: {error.strerror}") from error
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file below the folder. Raises ConversionRefusedError for a path outside of it."""
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ConversionRefusedError(f"{name!r} is outside of {folder}")
    return path


def to_stdout(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
