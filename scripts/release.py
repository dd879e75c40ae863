"""
Build the packages of the last commit in dist/, and check them. scripts/release starts it; docs/releasing.md describes it.

Nothing in dist/ is changed before every check has passed. Exit codes: 0 success, 1 a check failed, 2 it can't start.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import release_checks as checks

PROJECT = Path(__file__).resolve().parent.parent
REPOSITORY_URL = "MOCKSERVER_REPOSITORY_URL"
LAST_LINES = 60
NOTES = "release-notes.md"
"""Not published as a file: it is the text of the release page."""
started_s = time.monotonic()


class ReleaseError(Exception):
    """A check that failed, or a command. The text has the place and the fix."""


class CannotStartError(ReleaseError):
    """Something that the release needs is missing."""


def step(text: str) -> None:
    print(f"{time.monotonic() - started_s:5.1f} s  {text}", flush=True)


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command, and return what it wrote to stdout. If it fails, the error has the end of its output."""
    done = subprocess.run(
        command, cwd=cwd, env={**clean_environment(), **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()[-LAST_LINES:]
        said = "\n".join(f"    {line}" for line in lines)
        raise ReleaseError(f"{' '.join(map(str, command))} failed with exit code {done.returncode}:\n{said}")
    return done.stdout


def clean_environment() -> dict[str, str]:
    """The environment without settings of mockserver and Python, which would change what is checked."""
    dropped = ("MOCKSERVER_", "PYTEST_", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def require(problems: Iterable[str]) -> None:
    if found := list(problems):
        raise ReleaseError("\n".join(found))


@dataclass(frozen=True)
class Release:
    """What is released: the files of a commit in `tree`. `made` gets the results, `work` everything else."""

    tree: Path
    tracked: set[str]
    work: Path
    made: Path
    version: str
    time_s: str
    repository: str

    @property
    def wheel(self) -> Path:
        return self.made / f"mockserver-{self.version}-py3-none-any.whl"

    @property
    def sdist(self) -> Path:
        return self.made / f"mockserver-{self.version}.tar.gz"


def exported(work: Path) -> Release:
    """The files of the last commit, so that nothing else of this folder gets into a package."""
    if not (PROJECT / ".git").exists():
        raise CannotStartError(f"{PROJECT} is not a git clone; packages are built from a commit")
    if changed := run("git", "status", "--porcelain", "--untracked-files=no", cwd=PROJECT):
        raise CannotStartError(
            f"There are changes that are not committed; commit or stash them:\n{changed.rstrip()}"
        )
    tree, made = work / "tree", work / "dist"
    made.mkdir()
    run("git", "archive", "--output", work / "tree.tar", "HEAD", cwd=PROJECT)
    with tarfile.open(work / "tree.tar") as archive:
        archive.extractall(tree, filter="data")
    tracked = set(
        run("git", "ls-tree", "-r", "--name-only", "-z", "HEAD", cwd=PROJECT).rstrip("\0").split("\0")
    )
    time_s = run("git", "log", "-1", "--format=%ct", cwd=PROJECT).strip()
    repository = os.environ.get(REPOSITORY_URL, "").rstrip("/")
    if repository and not repository.startswith("https://"):
        raise CannotStartError(f"{REPOSITORY_URL} is {repository!r}, and must begin with https://")
    step(f"commit {run('git', 'rev-parse', '--short', 'HEAD', cwd=PROJECT).strip()}")
    return Release(tree, tracked, work, made, checks.version_of(tree), time_s, repository)


def check_tag(release: Release, tag: str) -> None:
    """A version that is published has a tag, a section of the changelog, and URLs."""
    if tag != f"v{release.version}":
        raise ReleaseError(
            f"The tag {tag} and the version {release.version} of mockserver/__init__.py differ"
        )
    if not release.repository:
        raise CannotStartError(
            f"Set {REPOSITORY_URL} to the URL of the repository: published packages link to it"
        )
    notes = checks.changelog_section((release.tree / "CHANGELOG.md").read_text("utf-8"), release.version)
    if notes is None:
        raise ReleaseError(
            f"CHANGELOG.md has no section [{release.version}] - YYYY-MM-DD; rename [Unreleased]"
        )
    (release.made / NOTES).write_text(notes + "\n", "utf-8")


# Python


def build_python(release: Release) -> None:
    """The sdist and the wheel; both are built again from the files of the sdist, and must be the same bytes."""
    _build(release, release.tree, release.made)
    with tarfile.open(release.sdist) as archive:
        archive.extractall(release.work / "unpacked", filter="data")
    again = release.work / "again"
    _build(release, unpacked(release), again)
    for built in (release.sdist, release.wheel):
        if built.read_bytes() != (again / built.name).read_bytes():
            raise ReleaseError(f"{built.name} is not reproducible: built from the sdist, it has other bytes")
    step("built sdist and wheel, twice with the same bytes")


def unpacked(release: Release) -> Path:
    return release.work / "unpacked" / release.sdist.name.removesuffix(".tar.gz")


def _build(release: Release, source: Path, target: Path) -> None:
    env = {"SOURCE_DATE_EPOCH": release.time_s}
    if release.repository:
        env[REPOSITORY_URL] = release.repository
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel", "--outdir", target, source, cwd=release.work, env=env)  # fmt: skip


def check_contents(release: Release) -> None:
    require(checks.wheel_problems(release.wheel, release.tracked))
    require(checks.sdist_problems(release.sdist, release.tracked))
    require(checks.metadata_problems(checks.metadata(release.wheel), release.version, release.repository))
    run(
        sys.executable,
        "-m",
        "twine",
        "--no-color",
        "check",
        "--strict",
        release.wheel,
        release.sdist,
        cwd=release.work,
    )
    step("contents and metadata are complete, and the README is rendered")


def check_wheel(release: Release) -> None:
    """The wheel serves in a new environment. What was installed with it is locked, and described in an SBOM."""
    folder = release.work / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=release.work)
    python = folder / "bin/python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "-qq", f"{release.wheel}[all]", cwd=release.work)
    step("installed the wheel with all extras")
    _check_serving(release, folder / "bin/mockserver")
    # Where pip got the wheel from: a path of this machine.
    for path in folder.glob(
        f"lib/python*/site-packages/mockserver-{release.version}.dist-info/direct_url.json"
    ):
        path.unlink()
    locked = run(*pip, "freeze", "--exclude", "mockserver", cwd=release.work)
    (release.made / f"mockserver-{release.version}-constraints.txt").write_text(locked)
    _write_sbom(release, python, set(locked.lower().split()))


def _check_serving(release: Release, command: Path) -> None:
    said = run(command, "--version", cwd=release.work).split()[-1]
    if said != release.version:
        raise ReleaseError(f"mockserver --version prints {said} instead of {release.version}")
    server = subprocess.Popen(
        [command, "serve", release.tree / "scenarios", "--port", "0"],
        cwd=release.work, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    limit = threading.Timer(60, server.kill)
    limit.start()
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        found = re.search(r"mock (\S+)", line)
        if not found:
            server.kill()
            raise ReleaseError(f"mockserver serve did not start: {line}{server.communicate()[1]}")
        _check_answers(release, found[1])
        server.send_signal(signal.SIGTERM)
        server.communicate()
        if server.returncode:
            raise ReleaseError(f"mockserver serve ended with exit code {server.returncode} on SIGTERM")
    finally:
        limit.cancel()
        if server.poll() is None:
            server.kill()
            server.communicate()
    step("the installed wheel serves")


def _check_answers(release: Release, url: str) -> None:
    opener = build_opener(ProxyHandler({}))
    opener.addheaders = []

    def ask(method: str, path: str, data: bytes | None = None) -> tuple[int, bytes]:
        from urllib.error import HTTPError

        try:
            with opener.open(Request(url + path, data=data, method=method), timeout=20) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    statuses = [ask("POST", "/data", b"{}")[0] for _ in range(3)]
    if statuses != [503, 503, 200]:
        raise ReleaseError(f"POST /data of scenarios/data.yaml answered {statuses} instead of 503, 503, 200")
    count = json.loads(ask("POST", "/__admin/count", b'{"request": "POST /data"}')[1])["count"]
    health = json.loads(ask("GET", "/__admin/health")[1])
    if (count, health["version"]) != (3, release.version):
        raise ReleaseError(
            f"The server has version {health['version']}, and counts {count} calls instead of 3"
        )
    if ask("GET", "/__admin/ui/")[0] != 200:
        raise ReleaseError("The dashboard is not served")


def _write_sbom(release: Release, python: Path, installed: set[str]) -> None:
    said = checks.metadata(release.wheel)
    direct = [
        line.partition(";")[0].strip()
        for line in said.get_all("Requires-Dist", [])
        if re.search(r"^[^;]*$|extra == 'all'", line)
    ]
    project = {
        "name": "mockserver",
        "version": release.version,
        "description": said["Summary"],
        "dependencies": direct,
    }
    about = release.work / "about.toml"
    values = "".join(f"{key} = {json.dumps(value)}\n" for key, value in project.items())
    about.write_text(f'[project]\n{values}license = {{ text = "Apache-2.0" }}\n', "utf-8")
    path = release.made / f"mockserver-{release.version}.cdx.json"
    run(
        sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--pyproject", about, "--mc-type", "application",
        "--output-format", "JSON", "--output-file", path, python, cwd=release.work,
    )  # fmt: skip
    require(checks.sbom_problems(json.loads(path.read_text("utf-8")), release.version, installed))
    step(f"SBOM of {len(installed)} packages")


def check_sdist(release: Release) -> None:
    """The tests pass from the sdist, in an environment made by its own scripts."""
    folder = unpacked(release)
    run("scripts/setup", cwd=folder, env={"PYTHON": sys.executable})
    step("set up the sdist")
    said = run("scripts/test", "--quick", cwd=folder)
    step(f"scripts/test --quick passes from the sdist: {said.strip().splitlines()[-1].strip('= ')}")


# Others


def build_npm(release: Release) -> None:
    """The JavaScript SDK, and that it can be imported where it is installed."""
    folder = release.tree / checks.JAVASCRIPT
    name = json.loads((folder / "package.json").read_text("utf-8"))["name"]
    run(
        "npm",
        "ci" if (folder / "package-lock.json").exists() else "install",
        "--no-audit",
        "--no-fund",
        cwd=folder,
    )
    run("npm", "pack", "--pack-destination", release.made, cwd=folder)
    (package,) = release.made.glob("*.tgz")
    require(checks.npm_problems(package, release.version))
    user = release.work / "npm-user"
    user.mkdir()
    (user / "package.json").write_text('{"private": true, "type": "module"}\n')
    run("npm", "install", "--no-audit", "--no-fund", package, cwd=user)
    run("node", "--input-type=module", "--eval", f"await import({json.dumps(name)})", cwd=user)
    step(f"built {package.name}, and imported it")


def build_image(release: Release) -> None:
    """The image for this machine's processor, with its version in a label."""
    image = f"mockserver:{release.version}"
    run(
        "docker",
        "build",
        "--quiet",
        "--build-arg",
        f"VERSION={release.version}",
        "--tag",
        image,
        release.tree,
        cwd=release.work,
    )
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
    said = {
        "label": run("docker", "image", "inspect", "--format", label, image, cwd=release.work).strip(),
        "mockserver --version": run("docker", "run", "--rm", image, "--version", cwd=release.work).split()[
            -1
        ],
    }
    require(
        f"image: {what} is {text} instead of {release.version}"
        for what, text in said.items()
        if text != release.version
    )
    packed = release.made / f"mockserver-{release.version}-image.tar.gz"
    run("docker", "save", "--output", release.work / "image.tar", image, cwd=release.work)
    with (
        (release.work / "image.tar").open("rb") as source,
        packed.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as target,
    ):
        shutil.copyfileobj(source, target)
    step(f"built the image {image}")


def write_checksums(folder: Path) -> None:
    files = sorted(path for path in folder.iterdir() if path.name != NOTES)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))


def publish_locally(made: Path) -> None:
    target = PROJECT / "dist"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made, target)
    for path in sorted(target.iterdir()):
        print(f"  {path.stat().st_size:>11,}  dist/{path.name}")


# All of it


def in_parallel(release: Release, jobs: list[Callable[[Release], None]]) -> None:
    """Run them at once: most of the time they wait for an index. All failures are reported."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = [pool.submit(job, release) for job in jobs]
    failures = [str(error) for one in running if (error := one.exception())]
    for one in running:
        if (error := one.exception()) and not isinstance(error, ReleaseError):
            raise error
    require(failures)


def needed(tools: dict[str, str], *, image: bool) -> None:
    for tool, hint in tools.items():
        if shutil.which(tool) is None:
            raise CannotStartError(f"{tool} is missing. {hint}")
    if image:
        try:
            run("docker", "info", cwd=PROJECT)
        except ReleaseError:
            raise CannotStartError(
                "No Docker engine answers `docker info`. Start it, or use --no-image"
            ) from None


def release_all(options: argparse.Namespace, work: Path) -> None:
    tools = {"git": "Install it."}
    if not options.no_npm:
        tools |= dict.fromkeys(("node", "npm"), "Install Node.js, or leave the npm package out with --no-npm")
    if not options.no_image:
        tools["docker"] = "Install it, or leave the image out with --no-image"
    needed(tools, image=not options.no_image)
    release = exported(work)
    if not options.no_npm and not (release.tree / checks.JAVASCRIPT / "package.json").exists():
        raise CannotStartError(
            f"{checks.JAVASCRIPT}/package.json does not exist. Leave the npm package out with --no-npm"
        )
    require(checks.version_problems(release.tree))
    if options.tag:
        check_tag(release, options.tag)
    build_python(release)
    check_contents(release)
    jobs = [check_sdist, check_wheel]
    jobs += [] if options.no_npm else [build_npm]
    jobs += [] if options.no_image else [build_image]
    in_parallel(release, jobs)
    write_checksums(release.made)
    step(
        f"mockserver {release.version} is complete"
        + ("" if options.tag else ", but not for publishing: no --tag")
    )
    publish_locally(release.made)
    if not release.repository:
        print(f"The packages have no URLs, because {REPOSITORY_URL} is not set.")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/release", description="Build the packages of the last commit in dist/, and check them."
    )
    parser.add_argument("--no-image", action="store_true", help="leave the container image out")
    parser.add_argument("--no-npm", action="store_true", help="leave the npm package out")
    parser.add_argument("--tag", metavar="vX.Y.Z", help="for publishing: check tag, changelog and URLs too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mockserver-release-") as folder:
        try:
            release_all(options, Path(folder))
        except ReleaseError as error:
            print(f"scripts/release: {error}", file=sys.stderr)
            return 2 if isinstance(error, CannotStartError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
