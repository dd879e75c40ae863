"""The command line as users and orchestrators meet it: what it says, how it ends, what it takes from the environment."""

import gc
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner
from support.events import following
from support.http import ask
from support.server import CLEAN_ENV, run_cli
from support.wire import Wire

import mockserver
from mockserver import cli
from mockserver.server import running
from mockserver.settings import Settings

pytestmark = pytest.mark.smoke


def ended(*args, env=None):
    """The result of a command that ends by itself, in this process: as a process it costs half a second."""
    clean = {name: None for name in os.environ if name.startswith("MOCKSERVER_")}
    try:
        return CliRunner().invoke(cli.main, args, env={**clean, **(env or {})})
    finally:
        gc.enable()  # as it was before a start


# Settings


@pytest.fixture
def settings_of(monkeypatch):
    """The settings with which `serve` would start, and what is said on stderr."""
    given = []
    monkeypatch.setattr(running, "run", lambda settings: given.append(settings) or 0)
    for name in [name for name in os.environ if name.startswith("MOCKSERVER_")]:
        monkeypatch.delenv(name)

    def started(*args, **env):
        given.clear()
        result = CliRunner().invoke(cli.main, ["serve", *args], env=env)
        assert result.exit_code == 0, result.output
        return given[0], result.stderr

    return started


FLAGS = [
    ("--host", "::1", "host", "::1"),
    ("--port", "0", "port", 0),
    ("--admin-port", "9000", "admin_port", 9000),
    ("--public-url", "https://mock.example", "public_url", "https://mock.example"),
    ("--calls", "7", "calls", 7),
    ("--calls-bytes", "2MB", "calls_bytes", 2_000_000),
    ("--seed", "7", "seed", "7"),
    ("--unmatched-status", "418", "unmatched_status", 418),
    ("--max-body", "1KiB", "max_body_bytes", 1024),
    ("--max-json-members", "7", "max_json_members", 7),
    ("--hang-limit", "5s", "hang_limit_s", 5.0),
    ("--read-timeout", "5s", "read_timeout_s", 5.0),
    ("--max-headers", "50", "max_headers", 50),
    ("--max-head", "4KiB", "max_head_bytes", 4096),
    ("--max-requests", "7", "max_requests", 7),
    ("--max-connections", "7", "max_connections", 7),
    ("--max-routes", "7", "max_routes", 7),
    ("--max-namespaces", "7", "max_namespaces", 7),
    ("--max-webhooks", "7", "max_webhooks", 7),
    ("--max-streams", "7", "max_streams", 7),
    ("--max-entries", "7", "max_entries", 7),
    ("--max-entries-bytes", "2MB", "max_entries_bytes", 2_000_000),
    ("--on-unmatched", "record", "on_unmatched", "record"),
    ("--forward-to", "http://api.example", "forward_to", "http://api.example"),
    ("--upstream-timeout", "2s", "upstream_timeout_s", 2.0),
    ("--upstream-ca", "ca.pem", "upstream_ca", "ca.pem"),
    ("--admin-token", "s3cret", "admin_token", "s3cret"),
    ("--admin-host", "mock.example", "admin_hosts", ("mock.example",)),
    ("--namespaces", "auto", "namespaces", "auto"),
    ("--allow-egress", "app:8000", "allow_egress", ("app:8000",)),
    ("--key-names", "x-order-key", "key_names", ("x-order-key",)),
    ("--log-format", "json", "log_format", "json"),
    ("--log-calls", None, "log_calls", True),
    ("--watch", None, "watch", True),
    ("--otlp", "http://collector:4318", "otlp", "http://collector:4318"),
    ("--wiremock-port", "8090", "wiremock_port", 8090),
    ("--state-file", "state.json", "state_file", "state.json"),
    ("--store", "redis://store:6379/0", "store", "redis://store:6379/0"),
    ("--store-prefix", "tests:", "store_prefix", "tests:"),
    ("--store-adopt", None, "store_adopt", True),
    ("--replica-host", "mock-1", "replica_host", "mock-1"),
    ("--replica-port", "7000", "replica_port", 7000),
    ("--tls", None, "tls", True),
    ("--tls-port", "8443", "tls_port", 8443),
    ("--tls-dir", "/tls", "tls_dir", "/tls"),
    ("--tls-cert", "a.pem", "tls_cert", "a.pem"),
    ("--tls-key", "a.key", "tls_key", "a.key"),
    ("--tls-client-ca", "ca.pem", "tls_client_ca", "ca.pem"),
]


@pytest.mark.parametrize(("flag", "text", "field", "value"), FLAGS, ids=[row[0] for row in FLAGS])
def test_every_setting_has_a_flag_and_a_variable(settings_of, flag, text, field, value):
    variable = "MOCKSERVER_" + flag.removeprefix("--").upper().replace("-", "_")

    by_flag, _ = settings_of(flag, *([] if text is None else [text]))
    by_variable, _ = settings_of(**{variable: text or "1"})

    assert getattr(by_flag, field) == getattr(by_variable, field) == value
    assert getattr(Settings(), field) != value


def test_no_setting_is_left_out_here():
    options = {option for parameter in cli.serve.params for option in getattr(parameter, "opts", [])}

    assert {option for option in options if option.startswith("--")} == {row[0] for row in FLAGS} | {
        "--admin-token-file"
    }


def test_a_flag_counts_more_than_its_variable(settings_of):
    assert settings_of("--port", "1", MOCKSERVER_PORT="2")[0].port == 1


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("MOCKSERVER_PROT", "MOCKSERVER_PROT is not a setting: ignored. Did you mean 'MOCKSERVER_PORT'?\n"),
        (
            "MOCKSERVER_TOKEN",
            "MOCKSERVER_TOKEN is not a setting: ignored. `mockserver serve --help` lists the settings.\n",
        ),
        ("MOCKSERVER_URL", ""),
        ("MOCKSERVER_SERVICE_PORT_HTTP", ""),
        ("MOCKSERVER_PORT_8080_TCP_ADDR", ""),
        ("MOCKSERVER_CHECKOUT_SERVICE_HOST", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_named(settings_of, variable, said):
    assert settings_of(**{variable: "10.0.0.7"})[1] == said


def test_a_folder_without_a_scenario_is_a_warning(caplog, tmp_path):
    with mockserver.Server(str(tmp_path)):
        pass

    assert f"{tmp_path}: there is no scenario in this folder. Files of scenarios end in .yaml" in caplog.text


def test_paths_come_from_arguments_or_the_environment_or_are_scenarios(settings_of):
    assert settings_of()[0].paths == ("scenarios/",)
    assert settings_of()[0].paths_may_lack
    assert settings_of(MOCKSERVER_PATHS=f"a{os.pathsep}b")[0].paths == ("a", "b")
    assert not settings_of(MOCKSERVER_PATHS="a")[0].paths_may_lack
    assert not settings_of("scenarios/")[0].paths_may_lack
    assert settings_of("c", "d", MOCKSERVER_PATHS="a")[0].paths == ("c", "d")


def test_the_token_may_come_from_a_file(settings_of, tmp_path):
    (tmp_path / "token").write_text("s3cret\n")

    for args, env in (
        (["--admin-token-file", str(tmp_path / "token")], {}),
        ([], {"MOCKSERVER_ADMIN_TOKEN_FILE": str(tmp_path / "token")}),
    ):
        assert settings_of(*args, **env)[0].admin_token == "s3cret"


def test_a_file_that_holds_no_token_is_refused_and_not_taken_for_none(monkeypatch, tmp_path):
    monkeypatch.setattr(running, "run", lambda _: 0)
    (tmp_path / "token").write_text(" \n")

    result = CliRunner().invoke(cli.main, ["serve", "--admin-token-file", str(tmp_path / "token")])

    assert result.exit_code == 2
    assert "--admin-token-file" in result.stderr
    assert "holds no token" in result.stderr


@pytest.mark.parametrize(
    ("flag", "text"), [("--allow-egress", "*"), ("--admin-host", "http://mock"), ("--admin-token", " ")]
)
def test_a_setting_that_is_wrong_ends_it_with_2_saying_why(write, flag, text):
    done = ended("serve", str(write("routes: []")), "--port", "0", flag, text)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"{flag}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("flag", [row[0] for row in FLAGS])
def test_a_service_link_of_kubernetes_is_ignored_with_a_word(settings_of, flag):
    variable = "MOCKSERVER_" + flag.removeprefix("--").upper().replace("-", "_")

    settings, said = settings_of(**{variable: "tcp://10.0.0.7:8080"})

    assert settings == Settings(paths_may_lack=True)
    assert said.count("\n") == 1
    assert f"{variable}=tcp://10.0.0.7:8080" in said
    assert "Kubernetes" in said


@pytest.mark.parametrize(
    ("flag", "text"),
    [("--port", "http"), ("--port", "70000"), ("--calls", "-1"), ("--calls-bytes", "many"), ("--max-body", "5XB"), ("--max-body", "KB"),
     ("--hang-limit", "soon"), ("--unmatched-status", "200"), ("--namespaces", "some"), ("--nothing", "1")],
)  # fmt: skip
def test_a_wrong_flag_is_refused_with_its_name(flag, text):
    result = CliRunner().invoke(cli.main, ["serve", flag, text])

    assert result.exit_code == 2
    assert flag in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_it_says_its_version(flag):
    assert CliRunner().invoke(cli.main, [flag]).stdout == f"mockserver, version {mockserver.__version__}\n"


def test_the_help_cuts_no_line_on_a_terminal_of_80_columns():
    result = CliRunner().invoke(cli.main, ["-h"], terminal_width=80)

    assert set(cli.main.list_commands(None)) <= set(result.stdout.split())
    assert "..." not in result.stdout.replace("[ARGS]...", "")


@pytest.mark.slow
def test_serve_imports_no_command_for_a_running_server():
    script = "import sys, mockserver.cli; print([name for name in sys.modules if 'remote' in name or name.split('.')[0] == 'rich'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


COMPLETIONS = [
    ("mockserver ver", "verify"),
    ("mockserver clock adv", "advance"),
    ("mockserver calls --unm", "--unmatched"),
]


@pytest.mark.parametrize(("line", "completed"), COMPLETIONS)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_and_options_are_completed(shell, line, completed):
    words = line.split()
    env = {"_MOCKSERVER_COMPLETE": f"{shell}_complete", "COMP_WORDS": line}
    env["COMP_CWORD"] = words[-1] if shell == "fish" else str(len(words) - 1)

    result = CliRunner().invoke(cli.main, env=env, prog_name="mockserver")

    assert completed in result.stdout
    assert len(result.stdout.splitlines()) <= 3


# Start


@pytest.mark.slow
@pytest.mark.parametrize("module", [True, False], ids=["python -m mockserver", "mockserver"])
def test_it_says_in_one_line_what_it_serves_and_where(process, module):
    server = process(module=module)

    assert server.announced == (
        f"mockserver {mockserver.__version__} serves 1 scenario with 1 route: mock {server.url} · admin {server.url}/__admin · dashboard {server.url}/__admin/ui/\n"
    )
    assert [server.ask("POST", "/data").status for _ in range(3)] == [503, 503, 200]
    code = server.end(signal.SIGTERM, within_s=10)
    assert code == 0
    assert server.stderr() == ""


@pytest.mark.slow
def test_the_public_url_is_what_it_announces(process):
    server = process("--public-url", "https://mock.example/")

    assert "mock https://mock.example · admin https://mock.example/__admin" in server.announced


@pytest.mark.slow
def test_the_admin_api_on_a_port_of_its_own_is_announced(process):
    server = process("--admin-port", "0")

    assert server.admin.get("/health")["status"] == "ok"
    assert not server.admin.url.startswith(server.url)
    assert ask(server.url, "GET", "/__admin/health").status == 404


@pytest.mark.slow
def test_the_environment_configures_a_server_whole(process, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.yaml").write_text("routes: [{request: GET /a, reply: {text: '{{ uuid() }}'}}]")
    env = {
        "MOCKSERVER_PATHS": str(folder),
        "MOCKSERVER_PORT": "0",
        "MOCKSERVER_UNMATCHED_STATUS": "418",
        "MOCKSERVER_MAX_BODY": "10",
        "MOCKSERVER_SEED": "7",
        "MOCKSERVER_CALLS": "tcp://10.0.0.7:80",
    }

    first, second = (process(scenarios=None, env=env) for _ in range(2))

    assert first.ask("GET", "/nowhere").status == 418
    assert first.ask("POST", "/a", "x" * 11).status == 413
    assert first.ask("GET", "/a").text == second.ask("GET", "/a").text
    assert "MOCKSERVER_CALLS=tcp://10.0.0.7:80" in first.stderr()


@pytest.mark.slow
def test_a_folder_without_scenarios_is_served(process, tmp_path):
    server = process(scenarios={})

    assert "0 scenarios with 0 routes" in server.announced
    assert server.ask("GET", "/").status == 404


@pytest.mark.slow
def test_in_an_empty_folder_it_starts_empty_and_a_path_that_was_named_has_to_be_there(tmp_path, process):
    server = process(scenarios=None)

    assert "0 scenarios with 0 routes" in server.announced
    assert server.ask("GET", "/").status == 404
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/a.yaml").write_text("routes: [{request: GET /, reply: 200}]")
    assert server.admin.post("/reload")["routes"] == 1
    for named in (["scenario/"], ["nowhere.yaml"]):
        result = ended("serve", "--port", "0", *named)
        assert (result.exit_code, named[0].rstrip("/") in result.stderr) == (2, True)


# End


def hang(server):
    """Opens a hanging reply, a delayed one, a stream and a waiting check; gives what must be closed."""
    wires = [Wire(server.address) for _ in range(5)]
    admin = "Host: localhost\r\n"
    wires[0].send("GET /hangs HTTP/1.1\r\nHost: x\r\n\r\n")
    wires[1].send("GET /delayed HTTP/1.1\r\nHost: x\r\n\r\n")
    wires[2].send(f"GET /__admin/calls/stream HTTP/1.1\r\n{admin}\r\n")
    wires[2].until(b": calls")
    body = '{"route": "never", "within": "60s"}'
    wires[3].send(f"POST /__admin/verify HTTP/1.1\r\n{admin}Content-Length: {len(body)}\r\n\r\n{body}")
    for name in ("hangs", "delayed"):
        server.admin.post("/verify", {"route": name, "within": "5s"})
    return wires


HANGING = """
routes:
  - {name: hangs, request: GET /hangs, reply: {fault: hang}}
  - {name: delayed, request: GET /delayed, reply: {delay: 60s}}
  - {name: never, request: GET /never, reply: 200}
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_a_second_whatever_hangs(process, number):
    server = process(scenarios=HANGING)
    wires = hang(server)

    assert server.end(number) == 0
    assert "Traceback" not in server.stderr()
    for wire in wires:
        wire.close()


@pytest.mark.slow
def test_a_signal_ends_both_listeners_within_a_second(process):
    server = process("--admin-port", "0", scenarios=HANGING)
    with following(server.admin.url), Wire(server.address) as wire:
        wire.send("GET /hangs HTTP/1.1\r\nHost: x\r\n\r\n")
        server.admin.post("/verify", {"route": "hangs", "within": "5s"})

        assert server.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_an_answer_under_way_is_still_given_when_it_is_short(process):
    server = process(
        scenarios="routes: [{name: short, request: GET /short, reply: {text: done, delay: 100ms}}]"
    )
    with Wire(server.address) as wire:
        wire.send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
        server.admin.post("/verify", {"route": "short", "within": "5s"})
        server.end(signal.SIGTERM, within_s=10)

        assert wire.answer().body == b"done"


@pytest.mark.slow
def test_a_second_signal_does_no_harm(process):
    server = process(scenarios=HANGING)
    wires = hang(server)

    server.process.send_signal(signal.SIGINT)
    code = server.end(signal.SIGTERM, within_s=10)

    assert code in (0, -signal.SIGTERM)
    assert "Traceback" not in server.stderr()
    for wire in wires:
        wire.close()


# Wrong scenarios


@pytest.mark.slow
def test_wrong_scenarios_end_it_with_2_and_every_error_of_every_file(write):
    folder = write({
        "a.yaml": "routes:\n  - request: GET /x\n    reply: {stauts: 503}\n  - reply: 99\n",
        "b.yaml": "routes: [\n",
        "c.yaml": "routes:\n  - request: GET /y\n    match: {headers: {a: {matches: '('}}}\n    reply: 200\n",
        "d.yaml": "routes: [{request: GET /ok, reply: 200}]\n",
    })  # fmt: skip

    done = run_cli("serve", str(folder), "--port", "0")

    assert (done.returncode, done.stdout) == (2, "")
    lines = [line.removeprefix(f"{folder}/") for line in done.stderr.splitlines()]
    assert lines[0] == "a.yaml:3:13: routes[0].reply.stauts: unknown key. Did you mean 'status'?"
    assert [line.split(": ")[0] for line in lines][:3] == ["a.yaml:3:13", "a.yaml:4:5", "a.yaml:4:12"]
    assert lines[3].startswith("b.yaml:2:1: ")
    assert not any("Traceback" in line for line in lines)


def test_what_tls_can_not_be_served_with_ends_it_with_2(write, capsys):
    paths = (str(write("routes: []")),)

    assert running.run(Settings(paths=paths, port=0, tls=True, tls_cert="a.pem")) == 2
    assert capsys.readouterr().err == (
        "--tls-cert needs --tls-key beside it. Give both, or neither to have certificates made\n"
    )


def test_tls_without_its_library_names_the_extra(write, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "mockserver.http.tls.certificates", raising=False)
    monkeypatch.setitem(sys.modules, "cryptography", None)

    assert running.run(Settings(paths=(str(write("routes: []")),), port=0, tls=True)) == 2
    assert capsys.readouterr().err == (
        "TLS needs a library that is not installed. Install the extra mockserver[tls]\n"
    )


def test_explain_asks_for_a_method_and_takes_the_line_of_a_field(write):
    path = write({
        "s.graphql": "type Query { user: String }",
        "a.yaml": "graphql: s.graphql\nroutes: [{request: GRAPHQL Query.user, reply: {json: Ann}}]",
    })  # fmt: skip

    done = ended("explain", str(path), "--request", "/data")
    assert (done.exit_code, "'/data' has no method. Write 'GET /data'" in done.stderr) == (2, True)
    assert "a/GRAPHQL Query.user" in ended("explain", str(path), "--request", "GRAPHQL Query.user").stdout


OPTIONAL = "cryptography faker graphql grpc joserfc jsonpath_rfc9535 jsonschema_rs lxml mcp msgpack opentelemetry prometheus_client pytest redis rich testcontainers websockets"
IMPORT_ALL = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({OPTIONAL.split()}))
import mockserver.cli
for module in pkgutil.walk_packages(mockserver.cli.__path__, "mockserver.cli."):
    importlib.import_module(module.name)
"""


@pytest.mark.slow
def test_commands_need_neither_pytest_nor_an_extra_to_start():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        env=CLEAN_ENV,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("module", ["msgpack", "redis"])
def test_a_store_without_its_libraries_names_the_extra(write, module):
    code = f"import sys; sys.modules[{module!r}] = None; from mockserver.cli import main; main()"
    args = ("serve", str(write("routes: []")), "--port", "0", "--store", "redis://127.0.0.1:1")

    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        env=CLEAN_ENV,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert (
        done.stderr == "--store needs a library that is not installed. Install the extra mockserver[redis]\n"
    )


def test_what_only_compiling_finds_is_told_as_well(write):
    folder = write({
        "a.yaml": "routes:\n  - request: GET /y\n    match: {headers: {a: {matches: '('}}}\n    reply: 200\n",
        "b.yaml": "routes:\n  - request: GET /y\n    reply: {file: none.json}\n",
    })  # fmt: skip

    done = ended("serve", str(folder), "--port", "0")

    lines = [line.removeprefix(f"{folder}/") for line in done.stderr.splitlines()]
    assert done.exit_code == 2
    assert [line.split(": ")[0] for line in lines] == ["a.yaml:3:36", "b.yaml:3:19"]


@pytest.mark.parametrize("args", [["nowhere"], ["nowhere/a.yaml", "elsewhere"]])
def test_a_path_that_is_not_there_ends_it_with_2(tmp_path, monkeypatch, args):
    monkeypatch.chdir(tmp_path)
    done = ended("serve", *args, "--port", "0")

    assert done.exit_code == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == args


# A taken port


@pytest.mark.parametrize("flag", ["--port", "--admin-port"])
def test_a_taken_port_ends_it_with_1_saying_so(write, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        other = [] if flag == "--port" else ["--port", "0"]
        done = ended("serve", str(write("routes: []")), *other, flag, port)

    assert (done.exit_code, done.stdout) == (1, "")
    assert (
        done.stderr
        == f"can't listen on 127.0.0.1:{port}: the port is taken. Choose another with {flag}; 0 picks a free one\n"
    )


def test_a_host_that_is_not_ours_ends_it_with_1(write):
    done = ended("serve", str(write("routes: []")), "--port", "0", "--host", "192.0.2.1")

    assert done.exit_code == 1
    assert "192.0.2.1" in done.stderr
    assert "--host" in done.stderr
    assert "Traceback" not in done.stderr


# Watching


@pytest.mark.slow
def test_watching_reloads_on_change_all_or_nothing(process, write):
    server = process("--watch", scenarios="routes: [{request: GET /a, reply: 201}]")

    write("routes: [{request: GET /a, reply: 202}]")
    server.wait_for_log("reloaded: 1 scenarios with 1 routes")
    assert server.ask("GET", "/a").status == 202

    write("routes: [{reqest: GET /a, reply: 203}]")
    server.wait_for_log("not reloaded")
    assert "shop.yaml:1:11: routes[0].reqest: unknown key. Did you mean 'request'?" in server.stderr()
    assert server.ask("GET", "/a").status == 202

    write(
        {
            "shop.yaml": "routes: [{request: GET /a, reply: 204}]",
            "more.yaml": "routes: [{request: GET /b, reply: 205}]",
        }
    )
    server.wait_for_log("reloaded: 2 scenarios with 2 routes")
    assert [server.ask("GET", path).status for path in ("/a", "/b")] == [204, 205]


@pytest.mark.slow
def test_watching_sees_the_files_beside_a_scenario(process, write):
    scenario = "routes: [{request: GET /a, reply: {file: body.txt}}]"
    server = process("--watch", scenarios={"shop.yaml": scenario, "body.txt": "old"})
    assert server.ask("GET", "/a").text == "old"

    write({"body.txt": "newer"})
    server.wait_for_log("reloaded")

    assert server.ask("GET", "/a").text == "newer"


# A hangup


@pytest.mark.slow
def test_sighup_reloads_all_or_nothing(process, write):
    server = process(
        scenarios="routes: [{request: GET /a, reply: [201, 202]}, {request: GET /b, reply: 200}]"
    )
    assert server.ask("GET", "/a").status == 201

    write("routes: [{request: GET /a, reply: [201, 202]}, {request: GET /b, reply: 204}]")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("reloaded: 1 scenarios with 2 routes")
    assert [server.ask("GET", path).status for path in ("/a", "/b")] == [202, 204]

    write("routes: [{reqest: GET /a, reply: 203}]")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("not reloaded, the old scenarios stay active:")
    assert "shop.yaml:1:11: routes[0].reqest: unknown key. Did you mean 'request'?" in server.stderr()
    assert server.ask("GET", "/b").status == 204


IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "mockserver", "serve", *sys.argv[1:]])
"""


@pytest.mark.slow
def test_it_ends_with_the_terminal_that_it_was_started_in(write):
    """Else whoever closes a window would leave a server behind that holds its port."""
    window, terminal = pty.openpty()
    command = [sys.executable, "-c", IN_A_TERMINAL, str(write("routes: []")), "--port", "0"]
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    server = subprocess.Popen(command, **streams, env=CLEAN_ENV, start_new_session=True)
    os.close(terminal)
    said = b""

    def wait_for(text):
        nonlocal said
        while text not in said:
            assert select.select([window], [], [], 20)[0], said
            said += os.read(window, 1000)

    try:
        wait_for(b"serves 1 scenario")
        server.send_signal(signal.SIGHUP)  # from somebody, while the terminal is there
        wait_for(b"INFO reloaded")

        os.close(window)

        assert server.wait(10) == 0
    finally:
        server.kill()
        server.wait()


# Health


@pytest.mark.slow
def test_healthcheck_says_whether_a_server_is_healthy(process):
    server = process()
    port = str(server.address[1])

    for args, env in (
        ([server.url], {}),
        ([f"{server.url}/"], {}),
        ([f"{server.url}/__admin/health"], {}),
        ([], {"MOCKSERVER_PORT": port}),
        (
            [],
            {
                "MOCKSERVER_PORT": port,
                "MOCKSERVER_HOST": "0.0.0.0",
                "MOCKSERVER_ADMIN_PORT": "tcp://10.0.0.7:80",
            },
        ),
        ([], {"MOCKSERVER_PORT": "1", "MOCKSERVER_ADMIN_PORT": port}),
        ([server.url], {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}),
    ):
        done = ended("healthcheck", *args, env=env)
        assert (done.exit_code, done.stderr) == (0, ""), (args, env)
        assert "healthy: 1 scenario" in done.stdout


class _Other(BaseHTTPRequestHandler):
    """A server that is not ours: the path says what it answers."""

    def do_GET(self):
        if self.path.startswith("/garbage"):
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            return
        self.send_response(500 if self.path.startswith("/ill") else 200)
        self.end_headers()
        self.wfile.write(
            b"no JSON" if self.path.startswith("/text") else b'["other"]' if "list" in self.path else b"{}"
        )

    def log_message(self, *_):
        pass


@pytest.fixture
def other_server():
    with HTTPServer(("127.0.0.1", 0), _Other) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["", "/ill", "/text", "/list", "/garbage"])
def test_healthcheck_fails_on_whatever_is_no_healthy_mockserver(other_server, path):
    result = CliRunner().invoke(cli.main, ["healthcheck", f"{other_server}{path}"])

    assert result.exit_code == 1
    assert "is not healthy" in result.stderr
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://", "http://[", "127.0.0.1:1"])
def test_healthcheck_fails_where_nobody_answers(url):
    result = CliRunner().invoke(cli.main, ["healthcheck", url])

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "is not healthy" in result.stderr


# Check and schema


@pytest.fixture
def check():
    return lambda *args: CliRunner().invoke(cli.main, ["check", *map(str, args)])


def test_check_says_that_files_are_right(check, write):
    folder = write({"a.yaml": "routes: [{request: GET /a, reply: 200}]", "b.yaml": "routes: []"})

    result = check(folder)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "OK: 2 scenarios, 1 route\n", "")


def test_check_lists_every_error_and_ends_with_2(check, write):
    folder = write({"a.yaml": "routes: [{reqest: GET /a, reply: 99}]", "b.yaml": "active: 1"})

    result = check(folder)

    assert (result.exit_code, result.stdout) == (2, "")
    lines = [line.removeprefix(f"{folder}/") for line in result.stderr.splitlines()]
    assert "a.yaml:1:11: routes[0].reqest: unknown key. Did you mean 'request'?" in lines
    assert lines[-1] == "b.yaml:1:9: active: expected true or false, got 1."


def test_check_warns_and_strict_makes_warnings_errors(check, write):
    folder = write("routes: [{request: POST /a, match: {json: {phone: +491234567}}, reply: 200}]")

    result = check(folder)

    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: {folder}/shop.yaml:1:")
    assert check("--strict", folder).exit_code == 2


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("reply: [503, {status: 402}], effect: {kind: a}", ["effect: every reply of this route is 400 or above"]),
        ("reply: {choose: [404, 500]}, webhook: {url: 'http://a/'}", ["webhook: every reply of this route is 400 or above"]),
        ("reply: 500, set: {a: 1}, effect: {kind: a}", ["effect: every reply", "set: every reply"]),
        ("reply: {effect: {kind: b}}, effect: {kind: a}", ["effect: every reply below 400 has its own"]),
        ("reply: [503, 200], effect: {kind: a}", []),
        ("reply: {status: '{{ 200 }}'}, effect: {kind: a}", []),
        ("reply: {status: 402, effect: {kind: a}}", []),
        ("proxy: 'http://a', effect: {kind: a}", []),
        ("reply: {status: 429, headers: {retry-after: soon}}", ["reply.headers.retry-after: 'soon' is not a valid retry-after"]),
    ],
)  # fmt: skip
def test_check_warns_of_what_never_happens_and_of_waits_that_no_client_reads(check, write, route, said):
    result = check(write(f"routes: [{{request: POST /a, {route}}}]"))

    assert result.exit_code == 0
    lines = sorted(line.split(": routes[0].")[1] for line in result.stderr.splitlines())
    assert [
        line.replace("never happens: ", "")[: len(one)] for line, one in zip(lines, said, strict=True)
    ] == said


def test_check_warns_of_an_empty_folder(check, tmp_path):
    result = check(tmp_path)

    assert result.exit_code == 0
    assert "there is no scenario in this folder" in result.stderr


def test_check_of_nothing_that_is_there_ends_with_2(check, tmp_path):
    assert check(tmp_path / "nowhere").exit_code == 2


def test_schema_prints_the_json_schema():
    result = CliRunner().invoke(cli.main, ["schema"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "mockserver scenario, version 1"


def test_schema_prints_that_of_the_file_of_troubles():
    result = CliRunner().invoke(cli.main, ["schema", "troubles"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "mockserver file of troubles, version 1"
    refused = CliRunner().invoke(cli.main, ["schema", "trouble"])
    assert refused.exit_code == 2
    assert "'scenario', 'troubles'" in refused.stderr


def test_help_tells_every_command_and_variable():
    assert {"serve", "check", "healthcheck", "schema"} <= set(cli.main.commands)
    said = CliRunner().invoke(cli.main, ["serve", "-h"]).stdout
    for flag in [row[0] for row in FLAGS]:
        assert flag in said
        assert "MOCKSERVER_" + flag.removeprefix("--").upper().replace("-", "_") in said.replace(
            "\n", ""
        ).replace(" ", "")


def test_version_is_told():
    result = CliRunner().invoke(cli.main, ["--version"])

    assert result.stdout == f"mockserver, version {mockserver.__version__}\n"
