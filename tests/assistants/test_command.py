"""The command line of `mockserver mcp`: what is refused before anything is served."""

import socket

import pytest
from click.testing import CliRunner

from mockserver.cli import main


def mcp(*args, **env):
    return CliRunner().invoke(
        main, ["mcp", *args], env={"MOCKSERVER_URL": None, "MOCKSERVER_PATHS": None, **env}
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("scenarios", "--url", "http://localhost:1"), "leave PATHS or --url out"),
        (("--namespace", "n1"), "--admin-url and --namespace are for a running server: give --url"),
        (("--url", "ftp://x"), "'ftp://x' is not a URL of a mock server"),
        (("nowhere.yaml",), "nowhere.yaml"),
    ],
)
def test_a_wrong_use_is_exit_code_2_with_the_fix(args, said):
    done = mcp(*args)

    assert done.exit_code == 2
    assert said in done.output


def test_a_port_in_use_is_exit_code_1(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text("routes: []")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = mcp(str(path), "--port", str(taken.getsockname()[1]))

    assert done.exit_code == 1
    assert "Choose another with --port" in done.output


@pytest.mark.parametrize("args", [("--url", "http://localhost:1"), ("--port", "0")])
def test_without_the_extra_the_error_names_it(monkeypatch, args):
    import sys

    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "mockserver.mcp.serving", raising=False)
    done = mcp(*args)

    assert done.exit_code == 2
    assert (
        done.output
        == "`mockserver mcp` needs a library that is not installed. Install the extra mockserver[mcp]\n"
    )
