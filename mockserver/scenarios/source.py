"""A scenario with its text, its positions, and the files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from os.path import realpath
from pathlib import Path
from posixpath import normpath
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, MockServerError, invalid, shown
from mockserver.scenarios.flaws import written
from mockserver.scenarios.places import PlacedFlaw
from mockserver.scenarios.yaml.yaml12 import Document
from mockserver.schema.scenario import ScenarioSpec

LARGEST_FILE = 64 * 1024 * 1024


class LoadError(InvalidInputError):
    """Scenarios that can't be used. `lines` are the texts of the flaws: `file:line:column: key path: message. Fix.`."""

    def __init__(self, located_flaws: list[tuple[str, Flaw]]) -> None:
        super().__init__([flaw for _, flaw in located_flaws])
        self.lines = [line for line, _ in located_flaws]
        self.args = ("\n".join(self.lines),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    One scenario as written.

    `data` is the content of its text, before the environment is filled in; it is never changed.
    """

    name: str
    spec: ScenarioSpec
    data: dict[str, Any]
    document: Document = field(repr=False)
    label: str
    file: Path | None = None
    folder: Path | None = None
    bundle: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        return self.document.text

    def position(self, flaw: Flaw) -> tuple[int, int]:
        return position(self.document, flaw)

    def locate(self, flaw: Flaw) -> str:
        """
        Return the text of a flaw: `scenarios/payments.yaml:14:7: routes[2].reply.stauts: unknown key.

        Did you mean 'status'?`.
        """
        return located(self.label, self.document, flaw)

    def located(self, flaws: Iterable[Flaw]) -> list[tuple[str, Flaw]]:
        """Return the flaws with their texts, in the order of their lines."""
        return located_in(self.label, self.document, flaws)

    def read_file(self, name: str, key_path: KeyPath) -> bytes:
        """
        Return a file that the scenario names at `key_path`, from its bundle or its folder.

        Raises InvalidInputError, also for a file outside of its folder.
        """
        if (known := normpath(name)) in self.bundle:
            return self.bundle[known]
        try:
            return _beside(self.folder, name, sorted(self.bundle))
        except _UnusableFileError as error:
            raise invalid(key_path, str(error), error.hint) from error


def position(document: Document, flaw: Flaw) -> tuple[int, int]:
    if isinstance(flaw, PlacedFlaw):
        return flaw.line, flaw.column
    return document.position(flaw.path, flaw.at_key)


def located_in(label: str, document: Document | None, flaws: Iterable[Flaw]) -> list[tuple[str, Flaw]]:
    """Return the flaws of a file with their texts, in the order of their lines."""
    ordered = sorted(flaws, key=lambda flaw: position(document, flaw)) if document else flaws
    return [(located(label, document, flaw), flaw) for flaw in ordered]


def located(label: str, document: Document | None, flaw: Flaw) -> str:
    """Return the text of a flaw, with its position and its path as written."""
    if document is None:
        at = f":{flaw.line}:{flaw.column}" if isinstance(flaw, PlacedFlaw) else ""
        return f"{label}{at}: {_sentence(flaw)}"
    line, column = position(document, flaw)
    return f"{label}:{line}:{column}: {_sentence(as_written(document, flaw))}"


def as_written(document: Document, flaw: Flaw) -> Flaw:
    return replace(flaw, path=written(flaw.path, document.data))


def _sentence(flaw: Flaw) -> str:
    text = str(flaw)
    return text if text.endswith((".", "?", "!", ":")) else text + "."


class _UnusableFileError(MockServerError):
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def _beside(folder: Path | None, name: str, bundled: list[str]) -> bytes:
    if folder is None:
        known = (
            f"It has: {', '.join(bundled)}"
            if bundled
            else "Send it as a bundle: {yaml, files: {path: base64}}"
        )
        raise _UnusableFileError(f"there is no file {shown(name)} with this scenario", known)
    try:
        return _read(_inside(folder, name), name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _UnusableFileError(
            f"{shown(name)} can't be read: {reason}", "Check its name and permissions"
        ) from error


def _inside(folder: Path, name: str) -> Path:
    """Return the real path. Links are resolved first, because the location of the bytes counts."""
    stay = "Put it beside the scenario, or below"
    if Path(name).is_absolute():
        raise _UnusableFileError(
            f"{shown(name)} is an absolute path", "Write it as seen from the scenario's folder"
        )
    real = Path(realpath(folder / name))  # Path.resolve raises RuntimeError at a circle of links
    if not real.is_relative_to(realpath(folder)):
        raise _UnusableFileError(f"{shown(name)} is outside of the scenario's folder", stay)
    return real


def _read(path: Path, name: str) -> bytes:
    if not path.exists():
        raise _UnusableFileError(
            f"there is no file {shown(name)} beside this scenario",
            "Paths are relative to the scenario's folder",
        )
    if not path.is_file():
        raise _UnusableFileError(f"{shown(name)} is not a file", "Name a file")
    with path.open("rb") as stream:
        content = stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise _UnusableFileError(
            f"{shown(name)} is larger than 64 MiB", "A mock keeps its bodies in memory: use a smaller one"
        )
    return content
