"""
`mockserver import`: convert files of other tools to scenarios.

The scenarios are loaded before they are written; one that does not load is a bug of the importer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mockserver.cli.output import (
    BUG,
    DONE,
    LOST,
    ConversionRefusedError,
    inside,
    say,
    say_lost,
    to_stdout,
    write_all,
)
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.errors import InvalidInputError
from mockserver.formats import format_named
from mockserver.model.plural import counted
from mockserver.recording.conversion import Document, Imported
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import from_bundle
from mockserver.scenarios.source import LoadError
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec

_SCHEMA = "# yaml-language-server: $schema=scenario.schema.json"
_SUFFIXES = (".yaml", ".yml")


def import_scenarios(
    format_: str, source: str, output: str | None, name: str | None, *, strict: bool, force: bool
) -> int:
    """The exit code."""
    try:
        imported, files = convert(format_, source, None if output is None else Path(output), name)
    except ConversionRefusedError as error:
        say(str(error))
        return error.code
    if say_lost(imported.lost) and strict:
        say("Nothing was written because of --strict.")
        return LOST
    return _put(files, output, force=force)


def convert(
    format_: str, source: str, output: Path | None, name: str | None = None
) -> tuple[Imported, dict[Path, bytes]]:
    """
    Return the scenarios of a source, and the content of each output file.

    Notes are printed; losses are left to the caller. Raises ConversionRefusedError.
    """
    try:
        imported = _read(format_, source)
        _rename(imported, name)
        files = _files(imported, output)
    except InvalidInputError as error:
        raise ConversionRefusedError("\n".join(_with_source(source, error))) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        # A list where the format has a mapping, and the like: no reader asks at every step.
        raise ConversionRefusedError(f"{source}: it is not as {format_} has it: {error!r}. Nothing was written.") from error  # fmt: skip
    flaws, notes = _check(files, imported)
    if flaws:
        raise ConversionRefusedError("\n".join([*flaws, f"Nothing was written: the importer of {format_} made a scenario that doesn't load. This is a bug of mockserver; please report it, with the source if you can."]), BUG)  # fmt: skip
    say(*notes, *imported.notes)
    return imported, files


def _with_source(source: str, error: InvalidInputError) -> Iterator[str]:
    """Yield the text of each flaw with the name of the source."""
    for flaw in error.flaws:
        yield str(flaw) if Path(source).name in str(flaw) else f"{source}: {flaw}"


def _read(format_: str, source: str) -> Imported:
    """Read the source. Raises ConversionRefusedError if no route can be made of it, after its losses were printed."""
    imported: Imported = format_named(format_).read(Path(source))
    answers = any(
        scenario.get("routes") or scenario.get("resources") for scenario in imported.scenarios.values()
    )
    if not answers:
        say_lost(imported.lost)
        raise ConversionRefusedError(f"{source}: there is no scenario in it: nothing that a route could be made of. Nothing was written.")  # fmt: skip
    return imported


def _rename(imported: Imported, name: str | None) -> None:
    """
    Rename the scenario. Raises ConversionRefusedError if there are several, InvalidInputError for an invalid name.
    """
    if name is None:
        return
    parse_spec(ScenarioSpec, {"scenario": name})
    if len(imported.scenarios) > 1:
        raise ConversionRefusedError(f"--name is for one scenario, and these are {len(imported.scenarios)}: {', '.join(imported.scenarios)}")  # fmt: skip
    for old in list(imported.scenarios):
        imported.scenarios[name] = imported.scenarios.pop(old)
        imported.remarks[name] = imported.remarks.pop(old, [])


def _files(imported: Imported, output: Path | None) -> dict[Path, bytes]:
    """Return the content of each output file. Raises ConversionRefusedError if the output cannot hold all files."""
    alone = output is None or output.suffix in _SUFFIXES
    if alone and len(imported.scenarios) > 1:
        raise ConversionRefusedError(f"these are {len(imported.scenarios)} scenarios ({', '.join(imported.scenarios)}): give a folder with -o")  # fmt: skip
    if output is None and imported.files:
        raise ConversionRefusedError(f"{counted(len(imported.files), 'file')} would be written next to the scenario: give a file or a folder with -o")  # fmt: skip
    folder = Path() if output is None else output.parent if alone else output
    files: dict[Path, bytes] = {}
    for name, document in imported.scenarios.items():
        path = output if alone and output is not None else inside(folder, f"{name}.yaml")
        text = _text(name, document, imported.remarks.get(name, []), path.stem)
        files[path] = text.encode("utf-8", "replace")
    return files | {inside(folder, name): content for name, content in imported.files.items()}


def _text(name: str, document: Document, remarks: list[str], stem: str) -> str:
    own = {key: value for key, value in document.items() if key != "scenario"}
    if name != stem:
        own = {"scenario": name, **own}
    # The source is noted before the routes, not after them.
    notes = {key: own.pop(key) for key in list(own) if key.startswith("x-") and isinstance(own[key], str)}
    comments = [f"# {line}" for remark in remarks for line in remark.splitlines()]
    head = [_SCHEMA, *comments, *([dump(notes).removesuffix("\n")] if notes else [])]
    return "\n".join([*head, dump(own, ScenarioSpec)])


def _check(files: Mapping[Path, bytes], imported: Imported) -> tuple[list[str], list[str]]:
    """Load the scenarios; return errors, and notes about missing libraries."""
    texts = [text for path, text in files.items() if path.suffix in _SUFFIXES][: len(imported.scenarios)]
    try:
        build_scenario_set(
            [from_bundle(text, imported.files, name) for name, text in zip(imported.scenarios, texts, strict=True)]
        )  # fmt: skip
    except LoadError as error:
        notes = [line for line in error.lines if "the extra mockserver[" in line]
        return [line for line in error.lines if line not in notes], notes
    except InvalidInputError as error:
        return [str(error)], []
    return [], []


def _put(files: Mapping[Path, bytes], output: str | None, *, force: bool) -> int:
    if output is None:
        to_stdout(next(iter(files.values())))
        return DONE
    try:
        write_all(files, force=force)
    except ConversionRefusedError as error:
        say(str(error))
        return error.code
    scenarios = [str(path) for path in files if path.suffix in _SUFFIXES]
    say(f"Written: {', '.join(scenarios)}" + (f", and {counted(len(files) - len(scenarios), 'file')} beside" if len(files) > len(scenarios) else ""))  # fmt: skip
    return DONE
