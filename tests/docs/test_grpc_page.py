"""docs/grpc.md: its examples run as written, and its table is what clients report."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
import yaml

from mockserver.model.grpc import GrpcStatus, grpc_status_of
from mockserver.server import Server

pytestmark = pytest.mark.slow  # .proto files are compiled in processes of their own
PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "grpc.md").read_text()


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def _script():
    scripts = str(PROJECT / "scripts")
    sys.path.insert(0, scripts)
    try:
        spec = importlib.util.spec_from_file_location("grpc_fault_table", f"{scripts}/grpc_fault_table.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(scripts)
    return module


fault_table = _script()


def test_the_example_runs_as_written(tmp_path):
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "payments.proto").write_text(blocks("proto")[0])
    (scenarios / "payments.yaml").write_text(blocks("yaml")[0])
    with Server(scenarios) as server:
        code = blocks("python")[0].replace("http://localhost:8080", server.url)
        code = code.replace("localhost:8080", server.url.removeprefix("http://"))
        # In a process of its own, as the messages of other tests have the same names.
        command = [sys.executable, "-c", code]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stdout == blocks("text")[0], ran.stderr


def test_the_interceptor_selects_a_namespace(tmp_path):
    (tmp_path / "s.yaml").write_text("routes: []")
    names = {}
    exec(blocks("python")[1], names)
    with Server(tmp_path) as server, server.namespace() as mock:
        mock.on("GRPC a.B/C").reply("DATA_LOSS")
        channel = names["channel_of"](mock, server.url.removeprefix("http://"))
        with pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary("/a.B/C")(b"")
        assert failed.value.code() is grpc.StatusCode.DATA_LOSS
        assert mock.count("GRPC a.B/C") == 1


@pytest.mark.parametrize("text", blocks("yaml")[1:])
def test_the_other_examples_load(serving, text):
    reply = yaml.safe_load(text)
    reply = reply.get("reply", reply)
    proto = """syntax = "proto3"; package p; message M { string id = 1; string text = 2; }
    service S { rpc A(stream M) returns (stream M); }"""
    route = {"request": "GRPC p.S/A", "reply": reply}
    scenario = yaml.safe_dump({"grpc": {"proto": "p.proto"}, "routes": [route]})
    serving({"p.yaml": scenario, "p.proto": proto})


def test_the_statuses_are_those_of_the_table():
    rows = re.findall(r"^\| ([\d, ]+) \| ([A-Z_]+) \| \| ([\d, ]+) \| ([A-Z_]+) \|$", PAGE, re.MULTILINE)
    pairs = [pair for row in rows for pair in (row[:2], row[2:])]
    told = {int(number): name for numbers, name in pairs for number in numbers.split(", ")}
    known = {status: grpc_status_of(status).name for status in range(400, 600)}
    assert told == {status: name for status, name in known.items() if name != GrpcStatus.UNKNOWN.name}


def written():
    text = PAGE.partition("<!-- table -->")[2].partition("<!-- end of table -->")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line[:1] == "|"]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows[2:]}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    for name, text in fault_table.files().items():
        (folder / name).write_text(text)
    with Server(folder) as server:
        yield server.url


@pytest.mark.parametrize("fault", fault_table.FAULTS)
def test_a_client_reports_what_the_table_says(url, fault):
    code, calls, node = written()[fault]
    assert fault_table.by_grpcio(url.removeprefix("http://"), fault) in code.split(", or ")
    # Races: with the end of the connection, of the stream, and of headers with the trailers that follow them at once.
    if fault not in ("close", "HTTP 503", "status: UNAVAILABLE, messages: []"):
        assert fault_table.attempts(url, fault) == calls
    assert node
