"""Loads scenarios from paths: all or none, with the errors of all files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from posixpath import join, normpath
from typing import Any

from mockserver.errors import Flaw, InvalidInputError
from mockserver.scenarios.environment import filled
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.source import LARGEST_FILE, LoadError, Source, located, located_in
from mockserver.scenarios.yaml.writer import dump
from mockserver.scenarios.yaml.yaml12 import Document, Kind, read
from mockserver.schema.scenario import ScenarioSpec

_SUFFIXES = (".yaml", ".yml", ".scenario.json")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A scenario file. `path` is as given, for error texts; `named`: it was given itself, not its folder."""

    path: Path
    named: bool = False

    @property
    def kind(self) -> Kind:
        return "json" if self.path.suffix == ".json" else "yaml"

    @property
    def stem(self) -> str:
        return self.path.stem.removesuffix(".scenario")


def find(paths: Iterable[str | Path]) -> list[FoundFile]:
    """
    Return scenario files in the order of their paths, without duplicates; of folders, those with the name of a
    scenario file.

    Raises LoadError.
    """
    paths = list(paths)
    files: dict[Path, Path] = {}
    missing: list[tuple[str, Flaw]] = []
    for path in map(Path, paths):
        if path.is_dir():
            for file in _below(path, set()):
                files.setdefault(file.absolute(), file)
        elif path.exists():
            files.setdefault(path.absolute(), path)
        else:
            flaw = Flaw((), "there is no such file or folder", "Name a scenario file, or a folder of them")
            missing.append((located(str(path), None, flaw), flaw))
    if missing:
        raise LoadError(missing)
    named = {path.absolute() for path in map(Path, paths) if not path.is_dir()}
    return [
        FoundFile(path, path.absolute() in named)
        for path in sorted(files.values(), key=lambda path: path.as_posix())
    ]


def folders_without_scenario(paths: Iterable[str | Path]) -> list[str]:
    """Return a warning for each folder among `paths` without a scenario."""
    empty = (path for path in map(Path, paths) if path.is_dir() and not next(_below(path, set()), None))
    return [
        f"{path}: there is no scenario in this folder. Files of scenarios end in {', '.join(_SUFFIXES)}"
        for path in empty
    ]


def _below(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield the scenario files in a folder. Links are followed, because Kubernetes mounts a ConfigMap with them."""
    real = folder.resolve()
    if real in seen:
        return
    seen.add(real)
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _below(path, seen)
        elif path.name.endswith(_SUFFIXES):
            yield path


def load(paths: Iterable[str | Path], env: Mapping[str, str] | None = None) -> list[Source]:
    """
    Return the scenarios of files and folders.

    `env` replaces `${NAME}`; default: the environment of this process. Raises LoadError.
    """
    env = os.environ if env is None else env
    sources: list[Source] = []
    failed: list[tuple[FoundFile, LoadError]] = []
    for file in find(paths):
        try:
            source = _load(file, env)
        except LoadError as error:
            failed.append((file, error))
        else:
            sources += [] if source is None else [source]
    if failed:
        # A contract may consist of several files, and only it knows which.
        others = files_of_contracts(sources)
        failed = [(file, error) for file, error in failed if file.named or file.path.absolute() not in others]
    wrong = [pair for _, error in failed for pair in zip(error.lines, error.flaws, strict=True)]
    wrong += _same_names(sources)
    if wrong:
        raise LoadError(wrong)
    return sources


def from_text(
    text: str | bytes, name: str, kind: Kind = "yaml", env: Mapping[str, str] | None = None
) -> Source:
    """Return a scenario without a file. Without `env`, no environment variable is set. Raises LoadError."""
    return from_bundle(text, {}, name, kind, env)


def from_bundle(
    text: str | bytes,
    files: Mapping[str, bytes],
    name: str = "scenario",
    kind: Kind = "yaml",
    env: Mapping[str, str] | None = None,
) -> Source:
    """Return a scenario with its body and schema files. Raises LoadError."""
    document = _document(text, name, kind)
    bundle = {normpath(path): content for path, content in files.items()}
    return _source(document, name, name, env or {}, bundle=bundle)


def edited(source: Source, data: Mapping[str, Any]) -> Source:
    """
    Return a scenario with other content, for a change at runtime.

    Its file is not changed, and the files beside it can still be used. The content is written as YAML, so that numbers
    keep their text. Raises LoadError.
    """
    document = _document(dump(data, ScenarioSpec), source.label, "yaml")
    return _source(
        document,
        source.name,
        source.label,
        _env_of(source.file),
        file=source.file,
        folder=source.folder,
        bundle=source.bundle,
    )


def again(
    text: str, kind: Kind, name: str, label: str, file: Path | None, bundle: Mapping[str, bytes]
) -> Source:
    """
    Return a scenario that an earlier run of the server got by its admin API.

    `file` is the one that it replaces. Raises LoadError.
    """
    document = _document(text, label, kind)
    folder = file.parent if file is not None else None
    return _source(document, name, label, _env_of(file), file=file, folder=folder, bundle=bundle)


def _env_of(file: Path | None) -> Mapping[str, str]:
    """Return the environment for a scenario: only those in files may read it."""
    return os.environ if file is not None else {}


def _load(file: FoundFile, env: Mapping[str, str]) -> Source | None:
    """Load a file; None for an OpenAPI document among scenarios. Raises LoadError."""
    label = file.path.as_posix()
    document = _document(_bytes(file.path, label), label, file.kind)
    if is_contract(document.data):
        if not file.named:
            return None
        hint = f"Make a scenario of it: mockserver import openapi {label}"
        raise _failed(label, None, [Flaw((), "this is an OpenAPI document, and no scenario", hint)])
    return _source(document, file.stem, label, env, file=file.path, folder=file.path.parent)


def _bytes(path: Path, label: str) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _failed(
            label, None, [Flaw((), f"can't be read: {error.strerror}", "Check its permissions")]
        ) from error
    if len(raw) > LARGEST_FILE:
        raise _failed(label, None, [Flaw((), "larger than 64 MiB", "Split it")])
    return raw


def _document(text: str | bytes, label: str, kind: Kind) -> Document:
    try:
        return read(text, kind)
    except InvalidInputError as error:
        raise _failed(label, None, error.flaws) from error


def _source(document: Document, stem: str, label: str, env: Mapping[str, str], **place: Any) -> Source:
    """Return a document as a source. Raises LoadError with all flaws: of text, values and names."""
    data, flaws = filled(document.data, env)
    flaws = [*document.flaws, *flaws]
    spec = None
    try:
        spec = parse_spec(ScenarioSpec, data)
        flaws += _same_routes(spec, document)
        name = spec.scenario or _usable(stem, flaws)
    except InvalidInputError as error:
        flaws += _new(error.flaws, document.flaws)
    if flaws or spec is None:
        raise _failed(label, document, flaws)
    return Source(name=name, spec=spec, data=document.data, document=document, label=label, **place)


def _new(flaws: Sequence[Flaw], known: Sequence[Flaw]) -> list[Flaw]:
    """Return the flaws without those at or below an unreadable value."""
    unread = {unread_flaw.path for unread_flaw in known if not unread_flaw.at_key}
    return [flaw for flaw in flaws if not any(flaw.path[:n] in unread for n in range(len(flaw.path) + 1))]


def _usable(stem: str, flaws: list[Flaw]) -> str:
    try:
        parse_spec(ScenarioSpec, {"scenario": stem})
    except InvalidInputError as error:
        flaws += [
            Flaw(
                (),
                f"its name is the name of its file, and {flaw.message}",
                "Write scenario: and a name at its top",
            )
            for flaw in error.flaws
        ]
    return stem


def _same_routes(spec: ScenarioSpec, document: Document) -> list[Flaw]:
    first: dict[str, int] = {}
    flaws: list[Flaw] = []
    for index, route in enumerate(spec.routes):
        if route.name is None:
            continue
        if route.name not in first:
            first[route.name] = index
            continue
        line, _ = document.position(("routes", first[route.name], "name"))
        flaws.append(
            Flaw(
                ("routes", index, "name"),
                f"the name {route.name!r} is a duplicate (first defined on line {line})",
                "Route names are unique in a scenario",
            )
        )
    return flaws


def _same_names(sources: list[Source]) -> list[tuple[str, Flaw]]:
    first: dict[str, Source] = {}
    wrong: list[tuple[str, Flaw]] = []
    for source in sources:
        earlier = first.setdefault(source.name, source)
        if earlier is not source:
            message = f"the scenario {source.name!r} is in {earlier.label} already"
            flaw = Flaw(
                ("scenario",) if source.spec.scenario else (), message, "Write another name at scenario:"
            )
            wrong.append((source.locate(flaw), flaw))
    return wrong


def _failed(label: str, document: Document | None, flaws: Iterable[Flaw]) -> LoadError:
    return LoadError(located_in(label, document, flaws))


def is_contract(data: object) -> bool:
    """Whether a file is an OpenAPI or Swagger document, and not a scenario."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("info"), dict)
        and any(str(data.get(key, ""))[:1].isdigit() for key in ("openapi", "swagger"))
    )


def _beside(source: Source, name: str) -> bytes:
    return source.read_file(name, ())


def files_of_contracts(sources: Iterable[Source]) -> set[Path]:
    """Return the files of the contracts of these scenarios, as far as they can be read."""
    from mockserver.scenarios.openapi_reading import read  # few scenarios have one

    files: set[Path] = set()
    for source in sources:
        if source.spec.openapi is not None and source.folder is not None:
            try:
                spec = read(source.spec.openapi, partial(_beside, source))
            except InvalidInputError:
                continue  # told when the scenario is compiled
            files |= {
                Path(normpath(join(source.folder.as_posix(), name))).absolute() for name in spec.documents
            }
    return files
