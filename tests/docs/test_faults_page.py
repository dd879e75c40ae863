"""docs/faults.md: what stands in its table is what clients report, and its example loads."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from mockserver.schema.reply import FaultKind

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "faults.md").read_text()


def _script():
    spec = importlib.util.spec_from_file_location("fault_table", PROJECT / "scripts" / "fault_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fault_table = _script()


def written(page=PAGE):
    """The cells of the page, by fault and client."""
    text = page.partition(fault_table.BEGIN)[2].partition(fault_table.END)[0]
    rows = [
        [cell.strip() for cell in line.strip("|\n").split(" | ")]
        for line in text.splitlines()
        if line[:1] == "|"
    ]
    names = [name.strip() for name in rows[0][1:]]
    return {row[0].strip(" `"): dict(zip(names, row[1:], strict=True)) for row in rows[2:]}


@pytest.fixture(scope="module")
def url(server_loop, tmp_path_factory):
    from support.server import InProcess

    from mockserver.settings import Settings

    folder = tmp_path_factory.mktemp("faults")
    (folder / "faults.yaml").write_text(fault_table.scenario())
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0), folder)
    yield server.url
    server.stop()


def core(client, text):
    """What doesn't change from one version of a client to the next: of curl the number, else everything."""
    return re.match(r"\d+", text)[0] if client == "curl" else text


@pytest.mark.parametrize("client", ["requests", "httpx", "aiohttp", "curl"])
@pytest.mark.parametrize("fault", fault_table.FAULTS)
def test_a_client_reports_what_the_table_says(url, fault, client):
    if client == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl here")

    said = fault_table.cell(url, fault, fault_table.CLIENTS[client])

    assert core(client, said) in [core(client, one) for one in written()[fault][client].split(", or ")]


def test_the_table_has_every_fault_and_every_client():
    assert set(written()) == set(fault_table.FAULTS)
    assert {name.split(",")[0] for name in fault_table.FAULTS} == set(FaultKind)
    for cells in written().values():
        assert set(cells) == {"requests", "httpx", "aiohttp", "curl", "axios"}
        assert all(cells.values())


def test_the_example_is_a_scenario(serving):
    example = re.search(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1]

    assert len(serving(example).admin.get("/routes")["items"]) == 3


def test_every_kind_is_described():
    for kind in FaultKind:
        assert f"| `{kind}` |" in PAGE
