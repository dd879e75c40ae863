"""The suite of tests/dialect against the real WireMock and against us, side by side; see scripts/wiremock-diff."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import yaml  # noqa: E402
from support.stubbing import DIFFERENCES, RECORDED, Talk, cases  # noqa: E402

from mockserver import Server  # noqa: E402

VERSION = "3.13.2"
HOME = ROOT / ".wiremock"
START_LIMIT_S = 60.0


def jar() -> Path:
    """The real server's, installed by npm below .wiremock/ where it is not there yet."""
    found = HOME / "node_modules" / "wiremock" / "build" / f"wiremock-standalone-{VERSION}.jar"
    if not found.exists():
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("npm is needed to fetch the real WireMock, and is not on this machine")
        HOME.mkdir(exist_ok=True)
        install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(HOME), f"wiremock@{VERSION}"]
        subprocess.run(install, check=True)
    return found


@contextlib.contextmanager
def real() -> Iterator[str]:
    """The URL of a real WireMock with an empty folder."""
    java = shutil.which("java")
    if java is None:
        sys.exit("Java is needed to run the real WireMock, and is not on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            java,
            "-jar",
            str(jar()),
            "--port",
            str(port),
            "--bind-address",
            "127.0.0.1",
            "--root-dir",
            folder,
        ]
        process = subprocess.Popen([*command, "--disable-banner"], stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until_s and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/__admin/health", timeout=2):
            return
        time.sleep(0.2)
    sys.exit("the real WireMock did not start")


def told(name: str, case: dict[str, Any], theirs: list[Any], ours: list[Any]) -> None:
    """What differs, step by step."""
    print(f"\n{name}")
    if len(theirs) != len(ours):
        print(f"  WireMock   {json.dumps(theirs)[:600]}\n  mockserver {json.dumps(ours)[:600]}")
        return
    for i, (one, other) in enumerate(zip(theirs, ours, strict=True)):
        if one != other:
            step = case["steps"][i]
            print(f"  {step.get('ask') or step.get('admin')}")
            print(f"    WireMock   {json.dumps(one)[:600]}\n    mockserver {json.dumps(other)[:600]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write recorded.json")
    parser.add_argument("only", nargs="?", default="", help="a part of the names of cases")
    asked = parser.parse_args()
    wanted = {name: case for name, case in cases().items() if asked.only in name}
    known = yaml.safe_load(DIFFERENCES.read_text())
    with real() as url:
        theirs = {name: Talk(url).answers(case) for name, case in wanted.items()}
    server = Server(wiremock_port=0)
    with server:
        ours = {name: Talk(server.wiremock_url).answers(case) for name, case in wanted.items()}
    different = [name for name in wanted if theirs[name] != ours[name]]
    for name in different:
        told(name, wanted[name], theirs[name], ours[name])
    new = [name for name in different if name not in known]
    gone = [name for name in known if name in wanted and name not in different]
    print(f"\n{len(wanted)} cases, {len(different)} differ, {len(new)} of them unexpectedly")
    for name in gone:
        print(f"no longer different, though listed: {name}")
    if asked.record:
        kept = json.loads(RECORDED.read_text()) if asked.only and RECORDED.exists() else {}
        document = json.dumps({**kept, **theirs}, indent=1, sort_keys=True, ensure_ascii=False)
        RECORDED.write_text(f"{document}\n")
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main())
