"""
Compiles `.proto` files to a descriptor set, in a process of its own: a crash of the compiler does not affect the server.

All files are read as any other file beside a scenario, so that none outside of its folder is used.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from posixpath import dirname, join, normpath

from mockserver.errors import Flaw, InvalidInputError, KeyPath, MissingExtraError, ReadFile, invalid

MAX_FILES = 1_000
_COMPILE_S = 60.0
_MOST_ERRORS = 20
_KEPT = 32
_IMPORT = re.compile(rb'(?:^|(?<=;))\s*import\s+(?:(?:public|weak|option)\s+)?"([^"\\]+)"\s*;', re.MULTILINE)
_PLACED = re.compile(r"(?P<file>[^\s:][^:]*\.proto):(?P<line>\d+):(?P<column>\d+): (?P<said>.*)")

_compiled: dict[bytes, bytes] = {}
"""Descriptor sets by the hash of their sources: a reload compiles only what has changed."""


def compile_protos(
    protos: Sequence[str], include: Sequence[str], read_file: ReadFile, path: KeyPath
) -> bytes:
    """
    Return the descriptor set of these files and of all that they import.

    Raises InvalidInputError, at `path`, with file and line of each error; MissingExtraError without the compiler.
    """
    if importlib.util.find_spec("grpc_tools") is None:
        raise MissingExtraError(path, "A .proto file", "grpc")
    sources = _with_imports(protos, include, read_file, path)
    key = _hash(sources)
    if key not in _compiled:
        while len(_compiled) >= _KEPT:
            del _compiled[next(iter(_compiled))]
        _compiled[key] = _run(sources, [_import_name(name, include) for name in protos], path)
    return _compiled[key]


def _with_imports(
    protos: Sequence[str], include: Sequence[str], read_file: ReadFile, path: KeyPath
) -> dict[str, bytes]:
    """Return the files by the names under which they are imported. The compiler reports those that are missing."""
    roots = [*include, "", *dict.fromkeys(dirname(name) for name in protos)]
    sources = {_import_name(name, include): read_file(name, path) for name in protos}
    todo = list(sources)
    while todo:
        for imported in _imports(sources[todo.pop()]):
            if imported in sources or normpath(imported) != imported or imported.startswith(("/", "..")):
                continue
            found = _found(imported, roots, read_file)
            if found is None:
                continue
            if len(sources) >= MAX_FILES:
                raise invalid(path, f"more than {MAX_FILES} .proto files are imported", "Import fewer")
            sources[imported] = found
            todo.append(imported)
    return sources


def _import_name(name: str, include: Sequence[str]) -> str:
    """Return the name of a file as others import it: relative to the folder of `include` that it is in."""
    name = normpath(name)
    for folder in include:
        prefix = normpath(folder) + "/"
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _imports(source: bytes) -> Iterator[str]:
    for found in _IMPORT.findall(source):
        yield found.decode("utf-8", "replace")


def _found(name: str, roots: Sequence[str], read_file: ReadFile) -> bytes | None:
    for root in roots:
        try:
            return read_file(join(root, name), ())
        except InvalidInputError:
            continue
    return None


def _hash(sources: dict[str, bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for name, content in sorted(sources.items()):
        digest.update(f"{len(name)} {name} {len(content)} ".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.digest()


def _run(sources: dict[str, bytes], names: Sequence[str], path: KeyPath) -> bytes:
    try:
        return _run_in(tempfile.gettempdir(), sources, names, path)
    except OSError:
        # In a container whose file system is read-only, this one usually is not.
        try:
            return _run_in("/dev/shm", sources, names, path)  # noqa: S108  (a folder with a random name in it)
        except OSError as error:
            said = f"there is no folder for temporary files: {error.strerror}"
            raise invalid(path, said, "Set TMPDIR, or write a descriptor set with protoc") from error


def _run_in(parent: str, sources: dict[str, bytes], names: Sequence[str], path: KeyPath) -> bytes:
    with tempfile.TemporaryDirectory(prefix="mockserver-proto-", dir=parent) as folder:
        for name, content in sources.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        output = Path(folder, "descriptor-set")
        command = [
            sys.executable, "-P", "-m", "grpc_tools.protoc", f"--proto_path={folder}", *_shipped(),
            "--include_imports", "--include_source_info", f"--descriptor_set_out={output}", *names,
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603  (no shell; the names are those of files just written)
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_COMPILE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise invalid(path, f"the compiler of .proto files took longer than {_COMPILE_S:g} s") from None
        if done.returncode or not output.exists():
            raise InvalidInputError(_flaws(done.stderr.replace(f"{folder}/", ""), done.returncode, path))
        return output.read_bytes()


def _shipped() -> list[str]:
    """Return the options for the files of googleapis that are installed: google/rpc, google/api, google/type."""
    try:
        found = importlib.util.find_spec("google.rpc")
    except ImportError:
        found = None
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    return [f"--proto_path={Path(folder).parent.parent}" for folder in folders]


def _flaws(said: str, code: int, path: KeyPath) -> list[Flaw]:
    """Return the errors of the compiler, with file, line and column."""
    flaws = []
    for line in said.splitlines():
        match = _PLACED.match(line)
        if match and "warning:" not in match["said"]:
            place = f"{match['file']}:{match['line']}:{match['column']}"
            flaws.append(Flaw(path, f"{place}: {match['said'].rstrip('.')}", "Fix it in that file"))
        elif line.strip() and not match:
            flaws.append(Flaw(path, line.strip().rstrip(".")))
    if not flaws:
        flaws.append(Flaw(path, f"the compiler of .proto files ended with code {code}"))
    return flaws[:_MOST_ERRORS]
