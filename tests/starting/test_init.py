"""`mockserver init`: what is written, and that it works."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from support.server import CLEAN_ENV
from support.shell import run_command
from support.suites import INI

FILES = {"compose.yaml", "scenarios/payments.yaml", "scenarios/scenario.schema.json", "test_payments.py"}


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_a_scenario_a_test_and_a_compose_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run_command("init")

    assert result.exit_code == 0, result.output
    assert files(tmp_path) == FILES
    for name in FILES:
        assert f"Written: {name}" in result.stderr
    assert run_command("check", "--strict").stdout == "OK: 1 scenario, 1 route\n"


def test_the_compose_file_takes_an_image_and_says_how_to_build_it(tmp_path):
    run_command("init", tmp_path)
    text = (tmp_path / "compose.yaml").read_text()

    assert yaml.safe_load(text)["services"]["mock"]["image"] == "${MOCKSERVER_IMAGE:-mockserver}"
    assert "docker build -t mockserver ." in text


def test_files_that_exist_are_listed_and_nothing_is_written(tmp_path):
    (tmp_path / "compose.yaml").write_text("mine")
    (tmp_path / "test_payments.py").write_text("mine")

    result = run_command("init", tmp_path)

    assert result.exit_code == 2
    for name in ("compose.yaml", "test_payments.py", "--force"):
        assert name in result.stderr
    assert files(tmp_path) == {"compose.yaml", "test_payments.py"}
    assert run_command("init", tmp_path, "--force").exit_code == 0
    assert files(tmp_path) == FILES


def test_a_folder_is_created_and_a_file_in_its_place_is_refused(tmp_path):
    assert run_command("init", tmp_path / "a" / "b").exit_code == 0
    assert files(tmp_path / "a" / "b") == FILES
    (tmp_path / "file").touch()
    assert run_command("init", tmp_path / "file").exit_code == 2


ARCHIVE = {"log": {"entries": [{
    "request": {"method": "POST", "url": "https://api.example/v1/charges?expand=1", "headers": []},
    "response": {"status": 402, "headers": [], "content": {"mimeType": "application/json", "text": '{"id": 7}'}},
}]}}  # fmt: skip
OPENAPI = """
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /items/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: ok, content: {application/json: {example: {id: 7}}}}}
"""
TWO_HOSTS = "curl https://a.example/x -d a=1\ncurl https://b.example/y\n"
SOURCES = [
    ("har", json.dumps(ARCHIVE)),
    ("openapi", OPENAPI),
    ("curl", "curl 'https://api.example/v1/charges?expand=1' --json '{\"a\": 1}'"),
    ("curl", TWO_HOSTS),
]


@pytest.mark.parametrize(("format_", "text"), SOURCES)
def test_it_starts_from_a_file_of_another_tool(tmp_path, serving, format_, text):
    source = tmp_path / "source"
    source.write_text(text)

    result = run_command("init", tmp_path, "--from", format_, source)

    assert result.exit_code == 0, result.output
    made = {}
    exec((tmp_path / "test_mock.py").read_text(), made)  # what its fixture gives is here a server
    made["test_the_service_answers"](serving(tmp_path / "scenarios").url)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssertionError):
        made["test_the_service_answers"](serving(tmp_path / "empty", unmatched_status=418).url)
    named = re.search(r'"scenarios" / .([\w.-]+).\)', (tmp_path / "test_mock.py").read_text())[1]
    assert (tmp_path / "scenarios" / named).is_file()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--from", "nothing", "{source}"], "there is no format 'nothing'"),
        (["--from", "har", "{source}"], "it is not valid JSON"),
        (["--from", "har", "nowhere"], "nowhere"),
        (["--from", "har"], "--from"),
        (["--from", "curl", "{source}"], "no command of curl"),
    ],
)
def test_a_source_that_can_not_be_read_is_refused_and_nothing_is_written(tmp_path, args, said):
    source = tmp_path / "source"
    source.write_text("{")
    target = tmp_path / "target"

    result = run_command("init", target, *[arg.format(source=source) for arg in args])

    assert result.exit_code == 2
    assert said in result.stderr
    assert not target.exists()


@pytest.mark.slow
def test_the_test_needs_only_pytest_and_passes_against_a_server_too(tmp_path, serving):
    """`MOCKSERVER_URL` is the mock of the compose file."""
    run_command("init", tmp_path)
    (tmp_path / "pytest.ini").write_text(INI)
    server = serving(tmp_path / "scenarios")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={**CLEAN_ENV, "MOCKSERVER_URL": server.url},
    )  # fmt: skip

    assert "1 passed" in done.stdout, done.stdout + done.stderr
    imports = [
        line.split()[1].partition(".")[0]
        for line in (tmp_path / "test_payments.py").read_text().splitlines()
        if line.startswith(("import ", "from "))
    ]
    assert set(imports) <= {*sys.stdlib_module_names, "pytest"}
