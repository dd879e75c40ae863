"""`mockserver sweep`: a suite in any language is a command with an exit code, run once for each cell."""

import contextlib
import re
import shlex
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.sweeping import CLIENT, Done, report_in, run

from mockserver import cli

pytestmark = pytest.mark.slow

SCENARIO = """
scenario: pay
idempotency: {header: idempotency-key}
routes:
  - name: authorize
    request: POST /authorize
    let: {id: "auth_{{ random_string(12) }}"}
    effect: {kind: authorization, id: "{{ let.id }}"}
    reply: {status: 201, json: {id: "{{ let.id }}"}}
  - name: capture
    request: POST /captures
    effect: {kind: capture, authorization: "{{ request.json.authorization }}"}
    reply: {status: 201, json: {}}
"""
SUITE = (
    CLIENT
    + """
import os, sys
url = os.environ["EXTERNAL_API_URL"]
held = good(url, "/authorize", {})
{CAPTURE}(url, "/captures", {"authorization": held["id"]})
print("paid")
"""
)
TROUBLES = "shipped: [503-once, 503-for-good, reset-after-effect]"


def swept(folder: Path, *args: str) -> Done:
    """`mockserver sweep ARGS` in this process: as one of its own, it takes half a second to start."""
    with contextlib.chdir(folder):
        done = CliRunner(env={"COLUMNS": "100"}).invoke(cli.main, ["sweep", *args])
    assert isinstance(done.exception, SystemExit | None), done.exception
    return Done(done.exit_code, done.output, folder, report_in(folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("sweep")
    (made / "scenarios").mkdir()
    (made / "scenarios/pay.yaml").write_text(SCENARIO)
    (made / "few.yaml").write_text(TROUBLES)
    for name in ("good", "bad"):
        (made / f"{name}.py").write_text(SUITE.replace("{CAPTURE}", name))
    return made


@pytest.fixture(scope="module")
def bad(folder):
    return run(
        folder,
        sys.executable,
        "-m",
        "mockserver",
        "sweep",
        "scenarios",
        "--troubles",
        "few.yaml",
        "--jobs",
        "2",
        "--",
        sys.executable,
        "-S",
        "bad.py",
    )


def verdicts(done: Done) -> dict[str, str]:
    return {f"{cell['call']}/{cell['trouble']}": cell["verdict"] for cell in done.report["cells"]}


def test_each_call_meets_each_trouble_and_the_exit_code_tells_of_harm(bad):
    assert verdicts(bad) == {
        "authorize#1/503-once": "survived",
        "authorize#1/503-for-good": "failed_cleanly",
        "authorize#1/reset-after-effect": "survived",
        "capture#1/503-once": "survived",
        "capture#1/503-for-good": "harmed",
        "capture#1/reset-after-effect": "harmed",
    }
    reasons = {
        cell["trouble"]: cell["reasons"] for cell in bad.report["cells"] if cell["verdict"] == "harmed"
    }
    assert reasons == {
        "503-for-good": ["half done: authorization without capture"],
        "reset-after-effect": ["twice: capture"],
    }
    assert bad.code == 1, bad.output


def test_the_budget_comes_first_then_a_line_a_cell_then_the_table(bad):
    output = bad.output
    assert "1 test with 2 calls, 3 kinds of trouble: 6 cells" in output
    assert re.findall(
        r"^\[(\d)/6\] \S+: (?:survived|failed cleanly|harmed) \(", output, re.MULTILINE
    ) == list("123456")
    assert re.search(r"^  capture#1 +!\. +!H +!H$", output, re.MULTILINE)
    assert sorted(path.name for path in (bad.folder / "mock-server-sweep").iterdir()) == [
        "junit.xml",
        "report.html",
        "report.json",
    ]


def test_the_command_of_a_cell_runs_that_very_cell_again(bad):
    (cell,) = [cell for cell in bad.report["cells"] if cell["id"].endswith("capture#1/reset-after-effect")]
    mockserver, sweep, *args = shlex.split(cell["command"])
    again = swept(bad.folder, *args)
    assert (mockserver, sweep) == ("mockserver", "sweep")
    assert verdicts(again) == {"capture#1/reset-after-effect": "harmed"}


def test_what_a_red_command_said_is_kept(bad):
    (cell,) = [cell for cell in bad.report["cells"] if cell["id"].endswith("authorize#1/503-for-good")]
    assert "RuntimeError: the service is down\n(exit code 1)" in cell["error"]


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(folder):
    (folder / "hangs.sh").write_text(f"{sys.executable} -S good.py || {{ sleep 60 & sleep 60; }}\n")
    started = time.monotonic()
    done = swept(folder, "--limit", "4s", "--only", "authorize#1/503-for-good", "--", "sh", "hangs.sh")
    assert time.monotonic() - started < 40
    assert done.code == 0, done.output
    (cell,) = done.report["cells"]
    assert cell["verdict"] == "failed_cleanly"
    assert "it took longer than its limit of 4 s" in cell["error"]


def test_a_server_that_runs_already_may_be_used(folder, serving):
    server = serving({"pay.yaml": SCENARIO})
    done = swept(
        folder,
        "--url",
        server.url,
        "--only",
        "capture#1/*",
        "--max-cells",
        "2",
        "--",
        sys.executable,
        "-S",
        "good.py",
    )
    assert len(done.report["cells"]) == 2
    assert [one["name"] for one in server.admin.get("/namespaces")["items"]] == ["default"]


GIVES_UP_ITS_KEY = (
    CLIENT
    + """
import os
url = os.environ["EXTERNAL_API_URL"]
key, lost = str(uuid.uuid4()), 0
for _ in range(4):
    try:
        if once(url, "/authorize", {}, key)[0] < 400:
            raise SystemExit(0)
    except (OSError, http.client.HTTPException):
        lost += 1
        if lost == 2:
            key = str(uuid.uuid4())
raise SystemExit(1)
"""
)


def test_a_bug_that_takes_two_failures_is_found_by_pairs_alone(folder):
    """The client sends a new key once two answers in a row were lost."""
    (folder / "key.py").write_text(GIVES_UP_ITS_KEY)
    (folder / "lost.yaml").write_text("shipped: [503-once, reset-before-effect, reset-after-effect]")
    args = ("--troubles", "lost.yaml", "--jobs", "2", "--pairs", "100")
    done = swept(folder, *args, "--", sys.executable, "-S", "key.py")

    assert set(verdicts(done).values()) == {"survived"}, done.output
    pairs = {(pair["trouble"], pair["then"]["trouble"]): pair["verdict"] for pair in done.report["pairs"]}
    assert len(pairs) == 9
    assert {names for names, verdict in pairs.items() if verdict == "harmed"} == {
        ("reset-before-effect", "reset-after-effect"),
        ("reset-after-effect", "reset-before-effect"),
        ("reset-after-effect", "reset-after-effect"),
    }
    assert done.code == 1

    harmed = next(pair for pair in done.report["pairs"] if pair["verdict"] == "harmed")
    mockserver, sweep, *rest = shlex.split(harmed["command"])
    again = swept(folder, *rest)
    assert (mockserver, sweep) == ("mockserver", "sweep")
    assert [(pair["id"], pair["verdict"]) for pair in again.report["pairs"]] == [(harmed["id"], "harmed")]
    assert again.report["cells"] == []


def test_a_suite_may_reset_its_world(folder):
    (folder / "resets.py").write_text(
        SUITE.replace("{CAPTURE}", "good")
        + "server, _, name = url.partition('/@')\nassert once(f'{server}/__admin/@{name}', '/reset')[0] == 204\n"
        + "good(url, '/authorize', {})\n"
    )
    only = ("--only", "*/reset-after-effect", "--only", "*#2/503-for-good")
    done = swept(folder, *only, "--", sys.executable, "-S", "resets.py")
    assert verdicts(done) == {
        "authorize#1/reset-after-effect": "survived",
        "capture#1/reset-after-effect": "survived",
        "authorize#2/reset-after-effect": "survived",
        "authorize#2/503-for-good": "failed_cleanly",
    }, done.output


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--"], 2, "no command. Write it behind two dashes: mockserver sweep scenarios/ -- npm test"),
        (["scenarios"], 2, "no command"),
        (["--limit", "soon", "--", "true"], 2, "'soon' is not a valid duration"),
        (["--troubles", "nowhere.yaml", "--", "true"], 2, "nowhere.yaml"),
        (["--troubles", "wrong.yaml", "--", "true"], 2, "wrong.yaml:1:11: shipped[0]: there is no shipped trouble '503-onec'"),
        (["nowhere/", "--", "true"], 2, "nowhere"),
        (["scenarios", "--url", "http://127.0.0.1:9", "--", "true"], 2, "leave PATHS or --url out"),
        (["--url", "http://127.0.0.1:9", "--", "true"], 2, "No mock server answers at http://127.0.0.1:9"),
        (["--", "no-such-command"], 2, "'no-such-command' can't be started: No such file or directory"),
        (["--", "true"], 2, "nothing to sweep: it makes no call to the mock server. The command finds it at the URL in EXTERNAL_API_URL"),
        (["--", "sh", "-c", "echo oh no; exit 3"], 2, "the command fails without an injected failure (exit code 3)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(folder, monkeypatch, args, code, said):
    """In this process: all that ends here as well, and a process costs half a second."""
    (folder / "wrong.yaml").write_text("shipped: [503-onec]")
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(cli.main, ["sweep", *args])
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == code, done.stderr
    assert said in done.stderr


def test_a_pattern_that_means_no_cell_names_a_near_one(folder, monkeypatch):
    monkeypatch.chdir(folder)
    args = ["sweep", "--only", "captur#1/500", "--", sys.executable, "-S", "good.py"]
    done = CliRunner().invoke(cli.main, args)
    assert done.exit_code == 2
    assert "no cell of this sweep matches captur#1/500. Did you mean 'capture#1/500'?" in done.stderr


def test_it_is_in_the_help(folder):
    assert "sweep" in CliRunner().invoke(cli.main, ["--help"]).stdout
    said = CliRunner().invoke(cli.main, ["sweep", "--help"], prog_name="mockserver").stdout
    assert "mockserver sweep [OPTIONS] [PATHS]... -- COMMAND..." in said
    assert "EXTERNAL_API_URL" in said
