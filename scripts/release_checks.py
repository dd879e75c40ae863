"""The checks of scripts/release on what was built. Each yields a sentence for each problem, and nothing if all is well."""

from __future__ import annotations

import json
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
URLS = ("Repository", "Documentation", "Changelog", "Issues")
NEEDED = (
    "mockserver/py.typed",
    "mockserver/admin/dashboard/index.html",
    "mockserver/sweep/troubles.yaml",
)
"""Files of the wheel that are no code. All others are compared with the repository."""
DIST_INFO = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
JAVASCRIPT = Path("sdk/javascript")
CHART = Path("deploy/helm/mockserver/Chart.yaml")
_RELATIVE_LINK = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)")


def version_of(tree: Path) -> str:
    found = re.search(r'^__version__ = "(.+)"$', (tree / "mockserver/__init__.py").read_text(), re.MULTILINE)
    return found[1] if found else ""


def versions(tree: Path) -> dict[str, str]:
    """Each place of the repository that names the version, and what it says."""
    chart = (tree / CHART).read_text()
    found = {"mockserver/__init__.py": version_of(tree)}
    for key in ("version", "appVersion"):
        said = re.search(rf'^{key}: "?([^"\n]*)"?$', chart, re.MULTILINE)
        found[f"{CHART} ({key})"] = said[1] if said else ""
    for name in ("package.json", "package-lock.json"):
        path = tree / JAVASCRIPT / name
        if path.exists():
            found[f"{JAVASCRIPT / name}"] = json.loads(path.read_text()).get("version", "")
    return found


def version_problems(tree: Path) -> Iterator[str]:
    version = version_of(tree)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"mockserver/__init__.py: __version__ is {version!r}; write one such as 1.2.3, which Python, npm and Helm read alike"
    for place, said in versions(tree).items():
        if said != version:
            yield f"{place} has version {said!r}, and mockserver/__init__.py {version!r}; write the same in both"


def changelog_section(text: str, version: str) -> str | None:
    """What the changelog says of a version; None if it has no section with a date for it."""
    found = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE
    )
    return found[1].strip() if found and found[1].strip() else None


def content_problems(what: str, names: Iterable[str], expected: set[str]) -> Iterator[str]:
    found = set(names)
    yield from (f"{what} lacks {name}" for name in sorted(expected - found))
    yield from (f"{what} has {name}, which is not in the repository" for name in sorted(found - expected))


def included() -> dict[str, str]:
    """Files of the repository that have another place in the wheel, by their own."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    found: dict[str, str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    return found


def wheel_problems(wheel: Path, tracked: set[str]) -> Iterator[str]:
    """The wheel has the package as it is in the repository, its metadata, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    package = {name for name in tracked if name.startswith("mockserver/")}
    package |= {place for name, place in included().items() if name in tracked}
    info = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
    yield from content_problems(wheel.name, names, package | {f"{info}/{name}" for name in DIST_INFO})
    yield from (f"{wheel.name} lacks {name}" for name in NEEDED if name not in names | package)


def sdist_problems(sdist: Path, tracked: set[str]) -> Iterator[str]:
    """The sdist has every file of the repository, and PKG-INFO."""
    folder = sdist.name.removesuffix(".tar.gz")
    with tarfile.open(sdist) as archive:
        names = [member.name.removeprefix(f"{folder}/") for member in archive if member.isfile()]
    yield from content_problems(sdist.name, names, tracked | {"PKG-INFO"})


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def metadata_problems(said: Message, version: str, repository: str) -> Iterator[str]:
    """What an index shows of the package. `repository` is empty if its URL is not known."""
    expected = {
        "Name": "mockserver",
        "Version": version,
        "License-Expression": "Apache-2.0",
        "License-File": "LICENSE",
        "Requires-Python": f">={PYTHONS[0]}",
        "Description-Content-Type": "text/markdown",
    }
    for key, value in expected.items():
        if said[key] != value:
            yield f"metadata: {key} is {said[key]!r} instead of {value!r}; see pyproject.toml"
    classifiers = said.get_all("Classifier", [])
    for python in PYTHONS:
        if f"Programming Language :: Python :: {python}" not in classifiers:
            yield f"metadata: no classifier for Python {python}; add it to pyproject.toml"
    urls = dict(line.split(", ", 1) for line in said.get_all("Project-URL", []))
    for name in URLS if repository else ():
        if not urls.get(name, "").startswith(repository):
            yield f"metadata: the URL {name} is {urls.get(name)!r}, and must begin with {repository}"
    if repository and (relative := _RELATIVE_LINK.findall(str(said.get_payload()))):
        yield f"metadata: the README has links that work only in the repository: {', '.join(relative)}"


def sbom_problems(document: dict[str, object], version: str, installed: set[str]) -> Iterator[str]:
    """The bill of materials names the package, everything that is installed with it, and no path of this machine."""
    component = document.get("metadata", {}).get("component", {})  # type: ignore[attr-defined]
    if (component.get("name"), component.get("version")) != ("mockserver", version):
        yield f"SBOM: it is about {component.get('name')} {component.get('version')}"
    named = {f"{one['name']}=={one['version']}".lower() for one in document.get("components", [])}  # type: ignore[attr-defined]
    yield from (f"SBOM: {one} is missing" for one in sorted(installed - named))
    if not any(
        one.get("dependsOn")
        for one in document.get("dependencies", [])
        if one["ref"] == component.get("bom-ref")
    ):  # type: ignore[attr-defined]
        yield "SBOM: it does not say which packages are direct dependencies"
    if "file://" in json.dumps(document):
        yield "SBOM: it names a path of this machine"


def npm_problems(package: Path, version: str) -> Iterator[str]:
    """The npm package has what its package.json refers to, the license, and neither tests nor dependencies."""
    with tarfile.open(package) as archive:
        names = {member.name.removeprefix("package/") for member in archive if member.isfile()}
        said = json.load(archive.extractfile("package/package.json"))  # type: ignore[arg-type]
    if said["version"] != version:
        yield f"{package.name} has version {said['version']!r} instead of {version!r}"
    for needed in ("LICENSE", "README.md", *sorted(set(_entry_points(said)))):
        if needed not in names:
            yield f"{package.name} lacks {needed}"
    for name in sorted(names):
        if re.search(r"(^|/)(node_modules|tests?|__tests__)/|\.test\.|^\.", name):
            yield f"{package.name} has {name}; leave it out with the key files of {JAVASCRIPT}/package.json"


def _entry_points(package: dict[str, object]) -> Iterator[str]:
    """The files that package.json says are there."""
    for key in ("main", "module", "types"):
        if key in package:
            yield str(package[key]).removeprefix("./")
    for each in (package.get("exports"), package.get("bin")):
        yield from _paths(each)


def _paths(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _paths(one)
    elif isinstance(value, str) and "*" not in value:
        yield value.removeprefix("./")
