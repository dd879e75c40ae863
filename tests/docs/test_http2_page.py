"""docs/http2.md: its example runs as written, and its table is what clients report."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest
from docs.test_faults_page import core, fault_table, url, written  # noqa: F401  (a fixture)

from mockserver.schema.reply import FaultKind

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "http2.md").read_text()


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.mark.in_memory  # a server with a store refuses HTTP/2
def test_the_example_runs_as_written(serving):
    server = serving({"payments.yaml": block("yaml")})
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(block("python").replace("http://localhost:8080", server.url), {})
    assert said.getvalue() == block("text")
    assert [call["outcome"] for call in server.calls()] == ["done", "reset", "done"]
    check = {"route": "payments/charge", "times": 3, "attempts": {"operations": 1, "min": 3}}
    assert server.admin.post("/verify", check)["ok"]


@pytest.mark.in_memory
@pytest.mark.parametrize("client", ["httpx", "curl"])
@pytest.mark.parametrize("fault", fault_table.HTTP2_FAULTS)
def test_a_client_reports_what_the_table_says(url, fault, client):  # noqa: F811
    if client == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    said = fault_table.cell(url, url, fault, fault_table.HTTP2_CLIENTS[client])
    assert core(client, said) == core(client, written(PAGE)[fault][client])


def test_the_tables_have_every_fault_and_every_client():
    assert set(written(PAGE)) == set(fault_table.HTTP2_FAULTS)
    assert {name.split(",")[0] for name in fault_table.HTTP2_FAULTS} == set(FaultKind)
    for cells in written(PAGE).values():
        assert set(cells) == {"httpx", "curl", "Node.js"}
        assert all(cells.values())
