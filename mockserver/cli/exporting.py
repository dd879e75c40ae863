"""`mockserver export`: scenarios, or the calls that a server recorded, as another tool's files."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from mockserver.cli.output import (
    DONE,
    LOST,
    WRONG,
    ConversionRefusedError,
    inside,
    say,
    say_lost,
    to_stdout,
    write_all,
)
from mockserver.cli.parameters import without_proxy
from mockserver.errors import InvalidInputError
from mockserver.formats import format_named, offered
from mockserver.recording.conversion import Exported
from mockserver.scenarios.loader import load
from mockserver.scenarios.source import LoadError, Source

_TIMEOUT_S = 60.0


def writable() -> dict[str, str]:
    """The formats that scenarios can be written in."""
    return {name: title for name, title in offered().items() if hasattr(format_named(name), "write")}


def export_scenarios(format_: str, paths: Iterable[str], output: str | None, *, strict: bool, force: bool, **of_pact: object) -> int:  # fmt: skip
    """The exit code."""
    try:
        write = _ability(format_, "write", f"can only be imported. There are: {', '.join(writable())}")
        exported = _exported(load(paths), write, _options(format_, of_pact))
    except LoadError as error:
        say(*error.lines)
        return WRONG
    except (InvalidInputError, ConversionRefusedError) as error:
        say(str(error))
        return WRONG
    return _put(exported, output, strict=strict, force=force)


def _ability(format_: str, name: str, otherwise: str) -> Callable[..., Exported]:
    """Return a function of the format's module. Raises ConversionRefusedError if it has none."""
    result = getattr(format_named(format_), name, None)
    if result is None:
        raise ConversionRefusedError(f"{format_} {otherwise}")
    return result  # type: ignore[no-any-return]


def _exported(sources: list[Source], write: Callable[..., Exported], options: dict[str, Any]) -> Exported:
    """All scenarios at once, where their files lie in one folder; else each for itself, so that files are found."""
    if not sources:
        raise ConversionRefusedError("there is no scenario to export")
    folders = {source.folder for source in sources}
    if len(folders) == 1 or not any(_has_files(source) for source in sources):
        return write({source.name: source.data for source in sources}, sources[0].folder, **options)
    whole = Exported()
    for source in sources:
        part = write({source.name: source.data}, source.folder, **options)
        whole.files |= {f"{source.name}/{name}": content for name, content in part.files.items()}
        whole.lost += part.lost
    return whole


def _has_files(source: Source) -> bool:
    return '"file":' in json.dumps(source.data, default=str)


def _options(format_: str, of_pact: dict[str, Any]) -> dict[str, Any]:
    """Return the options of pacts. Raises ConversionRefusedError if they are used with another format."""
    given = {name: value for name, value in of_pact.items() if value is not None}
    if given and format_ != "pact":
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConversionRefusedError(f"{flags}: only pacts know that")
    if "pact_version" in given:
        given["version"] = int(given.pop("pact_version"))
    return given


def export_calls(
    format_: str,
    url: str,
    output: str | None,
    *,
    strict: bool,
    force: bool,
    reveal: bool,
    admin_token: str | None,
    **of_pact: object,
) -> int:
    """The exit code. The server's archive is what calls are taken from."""
    try:
        made = _ability(format_, "from_calls", "is not written from calls: use har, vcr or pact")
        exported = made(_archive(url, admin_token, reveal=reveal), **_options(format_, of_pact))
    except (InvalidInputError, ConversionRefusedError) as error:
        say(str(error))
        return WRONG
    return _put(exported, output, strict=strict, force=force)


def _archive(url: str, token: str | None, *, reveal: bool) -> object:
    """The calls of `http://host:port[/@namespace]`. Raises ConversionRefusedError where no server answers as ours does."""
    at = urlsplit(url if "://" in url else f"http://{url}")
    if at.scheme not in ("http", "https") or not at.netloc:
        raise ConversionRefusedError(
            f"{url!r} is not a server. Write it as http://localhost:8080, with /@NAME for a namespace"
        )
    namespace = next((part for part in at.path.split("/") if part.startswith("@")), "")
    target = f"{at.scheme}://{at.netloc}/__admin/{namespace + '/' if namespace else ''}calls.har"
    request = urllib.request.Request(target + ("?reveal=true" if reveal else ""))  # noqa: S310  (http or https)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with without_proxy().open(request, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except HTTPError as error:
        with error:
            raise ConversionRefusedError(
                f"{target} answered {error.code}: {_detail(error.read())}"
            ) from error
    except (OSError, ValueError, HTTPException) as error:
        raise ConversionRefusedError(f"{target}: no mockserver answers there: {error}") from error


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")


def _put(exported: Exported, output: str | None, *, strict: bool, force: bool) -> int:
    if say_lost(exported.lost) and strict:
        say("Nothing was written because of --strict.")
        return LOST
    try:
        if output is None:
            _print(exported)
        else:
            files = _placed(exported, Path(output))
            write_all(files, force=force)
            say(f"Written: {', '.join(map(str, files))}")
    except ConversionRefusedError as error:
        say(str(error))
        return WRONG
    return DONE


def _print(exported: Exported) -> None:
    if len(exported.files) != 1:
        raise ConversionRefusedError(
            f"these are {len(exported.files)} files ({', '.join(exported.files)}): give a folder with -o"
        )
    to_stdout(next(iter(exported.files.values())))


def _placed(exported: Exported, output: Path) -> dict[Path, bytes]:
    """One file at `output` where that names a file, else all of them below it."""
    if len(exported.files) == 1 and output.suffix and not output.is_dir():
        return {output: next(iter(exported.files.values()))}
    return {inside(output, name): content for name, content in exported.files.items()}
