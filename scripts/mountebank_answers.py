"""What a real mountebank answers to our cases: `scripts/mountebank-answers [FOLDER]`, where FOLDER has it installed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests"))

from support.http import ask  # noqa: E402  (found only with tests/ on the path)
from support.peers import exchange, without_own_type  # noqa: E402

from mockserver.formats import mountebank  # noqa: E402

VERSION = "2.9.1"
CASES = PROJECT / "tests" / "files" / "formats" / "mountebank_cases.yaml"
ANSWERS = CASES.with_name("mountebank_answers.json")
START_LIMIT_S = 30


def main() -> None:
    if len(sys.argv) < 2 and shutil.which("npm") is None:
        sys.exit("There is no npm here, so mountebank can't be asked; the answers stay as they are.")
    cases = yaml.safe_load(CASES.read_text("utf-8"))
    with installed() as folder, running(folder) as url:
        answers = {case["name"]: asked(url, case) for case in cases}
        differing = exported(url, cases, answers, folder)
    text = json.dumps({"mountebank": VERSION, "answers": answers}, indent=1, ensure_ascii=False)
    ANSWERS.write_text(text + "\n", "utf-8")
    print(f"{sum(map(len, answers.values()))} answers to {len(cases)} cases: {ANSWERS.relative_to(PROJECT)}")
    if differing:
        sys.exit("Our export of these cases is answered differently:\n" + "\n".join(differing))


@contextmanager
def installed() -> Iterator[Path]:
    if len(sys.argv) > 1:
        yield Path(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "install", "--no-fund", "--no-audit", "--ignore-scripts", f"mountebank@{VERSION}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        yield Path(folder)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of its API; it is ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = folder / "node_modules" / "mountebank" / "bin" / "mb"
    command = ["node", str(program), "start", "--port", str(port), "--localOnly", "--nologfile"]
    command += ["--host", "127.0.0.1", "--pidfile", str(folder / "mb.pid")]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            await_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def await_port(port: int) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"mountebank did not listen within {START_LIMIT_S} s")


def exported(url: str, cases: list[Any], answers: dict[str, Any], folder: Path) -> list[str]:
    """What the real tool answers otherwise once a case has been through our importer and exporter."""
    differing = []
    for case in cases:
        config = folder / "case.json"
        config.write_text(json.dumps({"protocol": "http", "name": case["name"], **stubs_of(case)}), "utf-8")
        out = mountebank.write(mountebank.read(config).scenarios)
        if out.lost:
            print("not exported:", *out.lost)
            continue
        [imposter] = json.loads(out.files["imposters.json"])["imposters"]
        again = asked(url, {**case, **imposter})
        for number, (ours, theirs) in enumerate(zip(again, answers[case["name"]], strict=True)):
            if without_own_type(ours, theirs) != theirs:
                differing.append(f"{case['name']}[{number}]: {ours}, and was {theirs}")
    return differing


def stubs_of(case: dict[str, Any]) -> dict[str, Any]:
    return {key: case[key] for key in ("stubs", "defaultResponse") if key in case}


def asked(url: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    imposter = {"protocol": "http", **stubs_of(case)}
    made = ask(url, "POST", "/imposters", json.dumps(imposter), {"Content-Type": "application/json"})
    if made.status != 201:
        sys.exit(f"{case['name']}: {made.text}")
    port = made.json()["port"]
    answers = [exchange(f"http://127.0.0.1:{port}", request) for request in case["requests"]]
    ask(url, "DELETE", f"/imposters/{port}")
    return answers


if __name__ == "__main__":
    main()
