"""The JavaScript SDK: as users install it, with their test runners and with real clients."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from support.pages import blocks, page
from support.server import CLEAN_ENV, PROJECT

from mockserver import __version__

SDK = PROJECT / "sdk/javascript"
TEST = SDK / "test"
INSTALLED = TEST / "node_modules/@mockserver-py/sdk"
ENV = {
    **CLEAN_ENV,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # with `mockserver`
    "NO_COLOR": "1",
}
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="needs node and npm")


def run(*command, folder=SDK, url=None, exit_code=0):
    """The output of a command, which must end with that exit code."""
    env = {**ENV, "MOCKSERVER_URL": url} if url else ENV
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == exit_code, output
    return output


def program(name):
    return str(SDK / "node_modules/.bin" / name)


def digest(*files):
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@pytest.fixture(scope="module")
def package():
    """The package as `npm pack` makes it, installed in `test`. Workers and runs share it until a source changes."""
    lock, manifest = SDK / "package-lock.json", SDK / "package.json"
    sources = sorted(
        [*(SDK / "src").iterdir(), *(SDK / "scripts").iterdir(), *SDK.glob("tsconfig*.json"), manifest]
    )
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        make_once(SDK / "node_modules/.made", digest(lock, manifest), install)
        make_once(INSTALLED / ".made", digest(lock, *sources), pack)
    return INSTALLED


def make_once(stamp, inputs, make):
    if not stamp.exists() or stamp.read_text() != inputs:
        make()
        stamp.write_text(inputs)


def install():
    run("npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")


def pack():
    folder = SDK / "node_modules/.package"
    folder.mkdir(exist_ok=True)
    (made,) = json.loads(run_quietly("npm", "pack", "--json", "--pack-destination", str(folder)))
    shutil.rmtree(INSTALLED, ignore_errors=True)
    with tarfile.open(folder / made["filename"]) as archive:
        archive.extractall(INSTALLED.parent / "unpacked", filter="data")
    (INSTALLED.parent / "unpacked/package").rename(INSTALLED)


def run_quietly(*command):
    return subprocess.run(
        command, cwd=SDK, env=ENV, stdout=subprocess.PIPE, text=True, timeout=300, check=True
    ).stdout


@needs_node
@pytest.mark.slow
def test_the_package_has_what_it_needs_and_nothing_else(package):
    files = {file.relative_to(package).as_posix() for file in package.rglob("*") if file.is_file()} - {
        ".made"
    }
    assert {"LICENSE", "README.md", "package.json", "dist/cjs/package.json"} < files
    code = {name for name in files if name.startswith("dist/")}
    assert {Path(name).suffix for name in code} == {".js", ".ts", ".json"}
    modules = {file.stem for file in (SDK / "src").iterdir()}
    assert {
        Path(name).stem for name in code if name.startswith("dist/esm/") and name.endswith(".js")
    } == modules
    assert {
        Path(name).stem for name in code if name.startswith("dist/cjs/") and name.endswith(".js")
    } == modules - {"vitest"}
    manifest = json.loads((package / "package.json").read_text())
    assert "dependencies" not in manifest
    for entry in re.findall(r'"\./(dist/[^"]+)"', (package / "package.json").read_text()):
        assert entry in files
    run("npm", "ls", "--omit=dev", "--all")


@needs_node
@pytest.mark.slow
def test_the_types_are_those_of_the_served_document(package, serving):
    run("node", "scripts/types.mjs", "--check", url=serving({}).url)


@needs_node
@pytest.mark.slow
def test_the_types_accept_what_is_right_and_reject_what_is_wrong(package):
    run(program("tsc"), "-p", "test")


@needs_node
@pytest.mark.slow
def test_vitest(package):
    """A global setup starts the server, and files run at the same time on it."""
    output = run(
        program("vitest"),
        "run",
        "--testTimeout=60000",
        "--hookTimeout=60000",
        folder=TEST / "vitest",
        exit_code=1,
    )
    assert re.search(r"Tests +3 failed \| 24 passed \(27\)", output), output
    assert "Error: runtime/POST /mails: expected 2 calls, saw 1\n" in output
    assert "VerificationFailed: expected no unmatched call, saw 1\n" in output
    assert "expected other calls, and the check passed" in output
    assert re.search(
        r"t\+0\.000  POST /mail  404  no route matches it; the nearest is POST /mails: path", output
    )
    assert "\nThis route would match:\n" in output


@needs_node
@pytest.mark.slow
def test_jest(package, serving):
    """From CommonJS, on a server that runs already."""
    server = serving({})
    output = run(program("jest"), "--testTimeout=60000", folder=TEST / "jest", url=server.url, exit_code=1)
    assert re.search(r"Tests: +2 failed, 5 passed, 7 total", output), output
    assert "runtime/POST /mails: expected 2 calls, saw 1\n" in output
    assert "expected no unmatched call, saw 1\n" in output
    assert f"1 call to {server.url}/@a-check-shows-the-calls-" in output
    kept = kept_namespaces(server)
    assert [name.rpartition("-")[0] for name in kept] == FAILED


FAILED = ["a-check-shows-the-calls", "an-unmatched-request-fails-the-test"]


def kept_namespaces(server):
    return sorted(ns["name"] for ns in server.admin.get("/namespaces")["items"] if ns["name"] != "default")


@needs_node
@pytest.mark.slow
def test_node_test(package, serving):
    """With its own servers, and on one that runs already."""
    server = serving({})
    files = sorted(str(file) for file in (TEST / "node").glob("*.test.mjs"))
    output = run("node", "--test", "--test-reporter=tap", *files, url=server.url, exit_code=1)
    assert "\n# fail 2\n" in output, output
    assert set(re.findall(r"^ *not ok \d+ - (.+)$", output, re.MULTILINE)) == {
        "a check shows the calls",
        "an unmatched request fails the test",
    }
    assert "runtime/POST /mails: expected 2 calls, saw 1" in output
    assert f"1 call to {server.url}/@a-check-shows-the-calls-" in output
    assert [name.rpartition("-")[0] for name in kept_namespaces(server)] == FAILED


def test_the_page_has_the_code_that_is_tested():
    code = "\n".join(
        file.read_text() for file in TEST.glob("*/*.*") if file.suffix in {".ts", ".mjs", ".cjs"}
    )
    examples = [text for language, text in blocks(page("docs/javascript.md")) if language in {"ts", "js"}]
    assert len(examples) == 5
    for example in examples:
        assert example in code


def test_the_version_is_that_of_the_server():
    manifest = json.loads((SDK / "package.json").read_text())
    lock = json.loads((SDK / "package-lock.json").read_text())
    assert manifest["version"] == lock["version"] == __version__
    assert f"mockserver-py-sdk-{__version__}.tgz" in page("docs/javascript.md")


def test_the_lock_file_names_no_host():
    lock = json.loads((SDK / "package-lock.json").read_text())
    own = lock["packages"].pop("")
    assert own["name"] == "@mockserver-py/sdk"
    assert not [
        name for name, entry in lock["packages"].items() if "resolved" in entry or "integrity" not in entry
    ]


def test_the_license_is_that_of_the_repository():
    assert (SDK / "LICENSE").read_bytes() == (PROJECT / "LICENSE").read_bytes()
