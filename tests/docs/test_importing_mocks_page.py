"""docs/importing-mocks.md: what stands below each tool's document is what its importer makes of it, and loads."""

import json
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.pages import blocks, page

from mockserver import cli
from mockserver.formats.mountebank.reader import FAULTS
from mockserver.scenarios.loader import from_text
from mockserver.scenarios.yaml.yaml12 import parse

PAGE = page("docs/importing-mocks.md")
TOOLS = {"mountebank": "mountebank", "Hoverfly": "hoverfly", "MockServer": "mockserver", "Smocker": "smocker"}
ONLY_IMPORTED = {"Mockoon": "mockoon"}
SUFFIXES = {"json": "source.json", "yml": "source.yml"}


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)[1]


@pytest.mark.parametrize("title", [*TOOLS, *ONLY_IMPORTED])
def test_the_scenario_is_what_the_importer_makes_of_the_document_above_it(tmp_path, title):
    (language, source), (_, scenario) = blocks(section(title))
    module = import_module(f"mockserver.formats.{ {**TOOLS, **ONLY_IMPORTED}[title] }")
    path = tmp_path / SUFFIXES[language]
    path.write_text(source)

    imported = module.read(path)

    [made] = imported.scenarios.values()
    expected = parse(scenario)
    assert {**made, "scenario": expected.get("scenario", made["scenario"])} == {
        "scenario": made["scenario"],
        **expected,
    }
    assert imported.lost == []
    assert from_text(scenario, "shop").spec.routes


@pytest.mark.parametrize("title", TOOLS)
def test_it_goes_out_and_comes_back_the_same(tmp_path, title):
    _, (_, scenario) = blocks(section(title))
    module = import_module(f"mockserver.formats.{TOOLS[title]}")
    document = {"scenario": "shop", **parse(scenario)}

    exported = module.write({document["scenario"]: document})

    if title == "Hoverfly":  # its template can't go out
        assert [lost.place for lost in exported.lost] == ["api.example: routes[0].reply"]
        return
    assert exported.lost == []
    [(name, content)] = exported.files.items()
    (tmp_path / name).write_bytes(content)
    assert list(module.read(tmp_path / name).scenarios.values()) == [document]


@pytest.mark.parametrize("format_", [*TOOLS.values(), *ONLY_IMPORTED.values()])
def test_the_table_at_the_top_names_each_format(format_):
    assert f"| `{format_}` |" in PAGE


def test_the_commands_of_the_page_run(tmp_path, monkeypatch):
    [(_, text)] = [one for one in blocks(PAGE) if one[0] == "sh"]
    if "import" not in cli.main.commands:
        pytest.skip("this version has no import command")
    monkeypatch.chdir(tmp_path)
    Path("imposters.json").write_text(blocks(section("mountebank"))[0][1])

    for line in text.splitlines():
        result = CliRunner().invoke(cli.main, shlex.split(line)[1:])
        assert result.exit_code == 0, result.output

    assert json.loads(Path("simulations/simulation.json").read_text())["data"]["pairs"]


def test_the_numbers_of_the_side_by_side_run_are_those_that_were_recorded():
    recorded = json.loads(
        (Path(__file__).parents[1] / "files" / "formats" / "mountebank_answers.json").read_text()
    )
    cases, answers = len(recorded["answers"]), sum(map(len, recorded["answers"].values()))

    assert f"{cases} stubs and imposters with {answers} requests" in PAGE
    assert f"mountebank {recorded['mountebank']}" in PAGE
    assert all(f"`{name}`" in section("mountebank") for name in FAULTS)
