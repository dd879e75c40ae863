"""Write a recorded scenario: the place is checked before the recording starts, and files are replaced atomically."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from mockserver.errors import InvalidInputError, WrongValueError, invalid
from mockserver.recording.conversion import Imported
from mockserver.recording.scenario import written
from mockserver.schema.scenario import read_scenario_name


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """The scenario's file, and the name that it goes by."""

    file: Path
    name: str

    @property
    def folder(self) -> Path:
        """Folder of its files."""
        return self.file.parent / self.name


def place_for(output: str, *, force: bool) -> OutputPlace | None:
    """Return the output; None for stdout. Raises InvalidInputError for an existing file or an invalid name."""
    if output == "-":
        return None
    file = Path(output)
    if file.suffix not in (".yaml", ".yml"):
        raise _wrong(f"{output} is not a YAML file", "Write -o scenarios/api.yaml")
    try:
        name = str(read_scenario_name(file.stem))
    except WrongValueError as error:
        raise _wrong(str(error), error.hint) from error
    place = OutputPlace(file, name)
    if not force:
        for there in (place.file, place.folder):
            if there.exists():
                raise _wrong(f"{there} already exists", "Name another file, or overwrite it with --force")
    return place


def _wrong(what: str, hint: str) -> InvalidInputError:
    return invalid((), f"-o: {what}", hint)


def save(made: Imported, place: OutputPlace) -> None:
    """Write the files, then the scenario that refers to them, each atomically. Raises OSError."""
    for path, data in made.files.items():
        _put(place.file.parent / path, data)
    _put(place.file, written(made, place.name).encode())


def rescue(made: Imported, place: OutputPlace) -> OutputPlace:
    """Save in a new temporary folder."""
    other = replace(place, file=Path(tempfile.mkdtemp(prefix="mockserver-recorded-")) / place.file.name)
    save(made, other)
    return other


def _put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".recorded-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def show(made: Imported, name: str) -> None:
    """Print the scenario; files are only named."""
    sys.stdout.write(written(made, name))
    for path, data in made.files.items():
        sys.stderr.write(f"not shown: {path}, {len(data)} bytes; write to a file with -o\n")
