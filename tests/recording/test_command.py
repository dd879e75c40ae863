"""`mockserver record` as users start it: it serves, says what passes, and writes when it is ended."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.real_api import TOKEN, RealApi, run_the_clients_own_tests
from support.server import CLEAN_ENV

from mockserver.cli import main
from mockserver.cli.progress import Progress
from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.recording.conversion import Imported
from mockserver.recording.writing import place_for, rescue, save, show


class Recorder:
    """`mockserver record --to URL` in a process of its own."""

    def __init__(self, folder: Path, to: str, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mockserver", "record", "--to", to, "--port", "0", *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=CLEAN_ENV, text=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()
        found = re.search(r"use (\S+) instead", self.said)
        assert found, self.said
        self.url = found[1]

    def end(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.mark.slow
def test_it_records_until_ctrl_c_and_what_it_wrote_is_served(tmp_path, server_loop, serving):
    api = RealApi(server_loop).start()
    recorder = Recorder(tmp_path, api.url, "-o", "scenarios/shop.yaml")
    try:
        assert "Ctrl-C writes scenarios/shop.yaml" in recorder.said
        run_the_clients_own_tests(recorder.url)
    finally:
        code, out, err = recorder.end()
        api.stop()

    assert (code, out) == (0, "")
    assert "GET /v1/health → 200\n" in err
    assert re.search(r"wrote scenarios/shop.yaml: \d+ calls, \d+ routes, 1 file beside", err)
    assert TOKEN not in (tmp_path / "scenarios/shop.yaml").read_text() + err
    run_the_clients_own_tests(serving(tmp_path / "scenarios").url)


def test_a_dash_is_stdout_and_what_cannot_be_shown_there_is_named(capsys):
    show(Imported({"api": {"routes": []}}, {"api/a.bin": b"\x00"}, remarks={"api": ["Hi."]}), "api")
    shown = capsys.readouterr()
    assert shown.out == "# Hi.\nroutes: []\n"
    assert shown.err == "not shown: api/a.bin, 1 bytes; write to a file with -o\n"


def test_without_a_name_the_file_is_named_after_the_service(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "api-example.yaml").touch()
    assert "scenarios/api-example.yaml already exists" in refused("--to", "https://api.example/v1")


def refused(*args):
    result = CliRunner().invoke(main, ["record", *args])
    assert result.exit_code == 2, result.output
    return result.output


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    there = tmp_path / "api.yaml"
    there.write_text("routes: []\n")
    said = refused("--to", "http://127.0.0.1:9", "-o", str(there))
    assert "already exists" in said
    assert "--force" in said
    assert there.read_text() == "routes: []\n"
    assert place_for(str(there), force=True).name == "api"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--to", "nowhere"), "--to: 'nowhere' is not an http or https URL"),
        (("--to", "http://x", "-o", "api.json"), "api.json is not a YAML file"),
        (("--to", "http://x", "-o", "runtime.yaml"), "Choose another name"),
        (
            ("--to", "http://x", "-o", "n.yaml", "--upstream-ca", "/nowhere.pem"),
            "--upstream-ca: /nowhere.pem",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_recorded(tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(*args)


def test_what_cannot_be_written_where_it_should_be_is_not_lost(tmp_path):
    (tmp_path / "scenarios").write_text("a file where a folder should be")
    place = place_for(str(tmp_path / "scenarios" / "api.yaml"), force=False)
    made = Imported({"api": {"routes": []}}, {"api/a.bin": b"\x00"})
    with pytest.raises(OSError, match="scenarios"):
        save(made, place)
    other = rescue(made, place)
    assert other.file.read_text() == "routes: []\n"
    assert (other.folder / "a.bin").read_bytes() == b"\x00"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def a_call(target="/pay?api_key=abcdefghijklmnop", status=200, error=None):
    call = Call(1, "default", Request("GET", target))
    call.response, call.status, call.error = Response(status, [], b"x" * 1500), status, error
    return call


def test_on_a_terminal_one_line_says_how_far_it_is_without_secrets():
    out = Terminal()
    progress = Progress(out)
    progress.passed(a_call())
    progress.passed(a_call("/x\x1b[2J", 502, {"status": 502}))
    progress.end()
    first, second = out.getvalue().split("\r")[1:]
    assert first == "1 call, 1.5 kB · GET /pay?api_key=****mnop → 200\x1b[K"
    assert second == "2 calls, 1 failed, 3.0 kB · GET /x[2J → 502\x1b[K\n"
