"""`mockserver record -- COMMAND`: what the command calls is recorded, and it ends the recording."""

import socket

import pytest
from click.testing import CliRunner
from support.server import run_cli

from mockserver.cli import main

SERVICE = "routes: [{request: GET /items, reply: {json: [1, 2]}}, {request: POST /items, reply: {status: 201, json: {id: 3}}}]"
CALL = 'curl -sS "$EXTERNAL_API_URL/items"; curl -sS -d name=saw "$EXTERNAL_API_URL/items"; '


@pytest.fixture
def service(serving):
    return serving(SERVICE)


def record(folder, service, script, *args):
    return run_cli(
        "record", "--to", service.url, "-o", "shop.yaml", *args, "--", "sh", "-c", script, cwd=folder
    )  # fmt: skip


@pytest.mark.slow
def test_the_calls_of_a_command_are_written_when_it_ends(tmp_path, service, serving):
    done = record(tmp_path, service, CALL)

    assert done.returncode == 0, done.stderr
    assert done.stdout == '[1, 2]{"id": 3}' or done.stdout.replace(" ", "") == '[1,2]{"id":3}'
    assert "wrote shop.yaml: 2 calls, 2 routes" in done.stderr
    replay = serving(tmp_path / "shop.yaml")
    assert replay.ask("GET", "/items").json() == [1, 2]
    assert replay.ask("POST", "/items", "name=saw").status == 201


@pytest.mark.slow
def test_the_exit_code_is_that_of_the_command_and_the_scenario_is_written(tmp_path, service):
    done = record(tmp_path, service, CALL + "exit 7")

    assert done.returncode == 7
    assert (tmp_path / "shop.yaml").exists()


@pytest.mark.slow
def test_a_command_that_calls_nothing_ends_with_1(tmp_path, service):
    done = record(tmp_path, service, "true")

    assert done.returncode == 1
    assert "nothing was recorded" in done.stderr
    assert not (tmp_path / "shop.yaml").exists()


@pytest.mark.slow
def test_a_command_that_can_not_be_started_ends_with_127(tmp_path, service):
    done = run_cli("record", "--to", service.url, "-o", "shop.yaml", "--", "/nowhere/at-all", cwd=tmp_path)

    assert done.returncode == 127
    assert "can't be started" in done.stderr


def test_dashes_without_a_command_are_refused():
    result = CliRunner().invoke(main, ["record", "--to", "http://127.0.0.1:9", "--"])

    assert result.exit_code == 2
    assert "no command after --" in result.stderr


@pytest.mark.slow
def test_a_client_with_a_fixed_host_reaches_the_recorder_as_its_proxy(tmp_path, serving):
    """The host is that of this machine, which is the only name that is sure to have an address."""
    name = socket.gethostname().lower()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        pytest.skip(f"{name} has no address here")
    port = serving(SERVICE, host="0.0.0.0", admin_token="s3cret").address[1]
    script = f"curl -sS https://{name}/items; curl -sS http://{name}:{port}/items"

    arguments = ["--to", f"http://{name}:{port}", "-o", "shop.yaml", "--", "sh", "-c", script]
    done = run_cli("record", *arguments, cwd=tmp_path, env={"NO_PROXY": "", "no_proxy": ""})

    assert (done.returncode, done.stdout.replace(" ", "")) == (0, "[1,2][1,2]"), done.stderr
    assert "wrote shop.yaml: 2 calls, 1 route" in done.stderr
