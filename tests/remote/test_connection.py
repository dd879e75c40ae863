"""Which server and namespace a command asks, and what it says where it can't."""

import socket

import pytest
from support.shell import READINGS, run_command

from mockserver.cli.remote.connection import DurationText


@pytest.mark.parametrize("command", READINGS)
def test_a_server_that_does_not_answer_is_named_with_what_to_do(command):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        result = run_command(*command, url=url)

    assert result.exit_code == 2
    assert f"No mock server answers at {url}" in result.stderr
    assert "mockserver serve" in result.stderr
    assert result.stdout == ""


def test_without_a_url_it_is_a_server_with_the_same_environment(shell):
    host, port = shell.server.address

    assert (
        run_command("count", "read-charge", MOCKSERVER_HOST="0.0.0.0", MOCKSERVER_PORT=str(port)).stdout
        == "0\n"
    )
    assert run_command("count", "read-charge", "--url", f"http://{host}:{port}").stdout == "0\n"


def test_an_option_counts_more_than_the_environment_wherever_it_is_written(shell):
    nobody = "http://127.0.0.1:1"
    own = ("--url", shell.server.url)

    assert run_command("clock", *own, "resume", url=nobody).exit_code == 0
    assert run_command("clock", "resume", *own, url=nobody).exit_code == 0
    assert run_command("clock", "resume", "--url", nobody, url=shell.server.url).exit_code == 2
    assert '"frozen"' in shell.says("clock", "--json", "resume")


@pytest.mark.parametrize("url", ["nonsense", "localhost:8080", "ftp://localhost"])
def test_what_is_no_url_is_refused_with_an_example(url):
    result = run_command("calls", "--url", url)

    assert result.exit_code == 2
    assert "--url" in result.stderr
    assert "http://localhost:8080" in result.stderr


def test_the_url_of_the_mock_alone_is_refused_with_the_option_for_the_other(serving):
    said = run_command("calls", url=serving("routes: []", admin_port=0).url).stderr

    assert "--admin-url" in said
    assert "MOCKSERVER_ADMIN_URL" in said


def test_the_namespace_comes_from_the_url_or_an_option(shell):
    shell.says("namespaces", "create", "checkout")
    shell.server.ask("GET", "/@checkout/charges/7")

    assert shell.says("count", "read-charge") == "0"
    assert shell.says("count", "read-charge", "-n", "checkout") == "1"
    assert run_command("count", "read-charge", url=f"{shell.server.url}/@checkout").stdout == "1\n"
    assert (
        run_command("count", "read-charge", "-n", "default", url=f"{shell.server.url}/@checkout").stdout
        == "0\n"
    )


def test_an_unknown_namespace_is_refused_with_the_commands_that_help(shell):
    said = shell.fails("calls", "--namespace", "chekout")

    assert "There is no namespace 'chekout'" in said
    assert "mockserver namespaces create" in said
    assert "/__admin" not in said


@pytest.fixture
def guarded(serving):
    return serving("routes: []", admin_token="s3cret").url


def test_a_missing_or_wrong_token_is_refused_with_the_option(guarded):
    for args in ((), ("--admin-token", "wrong")):
        result = run_command("calls", *args, url=guarded)

        assert result.exit_code == 2
        assert "The admin token is wrong" in result.stderr or not args
        assert "--admin-token" in result.stderr
        assert "MOCKSERVER_ADMIN_TOKEN" in result.stderr


def test_the_token_comes_from_an_option_a_variable_or_a_file(guarded, tmp_path):
    file = tmp_path / "token"
    file.write_text("s3cret\n")

    for args, env in (
        (("--admin-token", "s3cret"), {}),
        (("--admin-token-file", file), {}),
        ((), {"MOCKSERVER_ADMIN_TOKEN": "s3cret"}),
        ((), {"MOCKSERVER_ADMIN_TOKEN_FILE": str(file)}),
    ):
        assert run_command("calls", *args, url=guarded, **env).stdout == "no calls\n"


def test_the_admin_api_may_have_a_port_of_its_own(serving):
    server = serving("routes: []", admin_port=0)
    admin_url = server.admin.url

    assert run_command("calls", "--admin-url", admin_url, url=server.url).stdout == "no calls\n"
    assert run_command("calls", url=server.url, MOCKSERVER_ADMIN_URL=admin_url).stdout == "no calls\n"


@pytest.mark.parametrize(("text", "sent"), [("5", "5s"), ("0.2", "200ms"), ("1m30s", "1m30s"), ("3d", "3d")])
def test_a_duration_is_a_number_of_seconds_or_has_a_unit(text, sent):
    assert DurationText().convert(text, None, None) == sent


@pytest.mark.parametrize("text", ["soon", "5 minutes", "inf", "nan", "1e400", ""])
def test_what_is_no_duration_is_refused_with_an_example(text):
    result = run_command("clock", "advance", text, url="http://127.0.0.1:1")

    assert result.exit_code == 2
    assert "such as 200ms" in result.stderr
