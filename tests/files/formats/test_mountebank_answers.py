"""
Side by side with the real mountebank: what it answered to these cases was
written down by scripts/mountebank-answers, and is what we answer.
"""

import json
from pathlib import Path

import pytest
import yaml
from support.peers import exchange, without_own_type

from mockserver.formats import mountebank
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec

HERE = Path(__file__).parent
CASES = yaml.load((HERE / "mountebank_cases.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
ANSWERS = json.loads((HERE / "mountebank_answers.json").read_text("utf-8"))["answers"]
NOTHING = {"status": 200, "body": ""}
"""What mountebank answers where no stub holds; we answer 404, and the scenario says so at its top."""


def test_every_case_has_its_answers():
    assert [case["name"] for case in CASES] == list(ANSWERS)
    assert len(CASES) >= 30


@pytest.fixture(scope="module")
def served(server_loop, tmp_path_factory):
    """All cases as one config file, imported and served by one server."""
    from support.server import InProcess

    from mockserver.settings import Settings

    folder = tmp_path_factory.mktemp("mountebank")
    imposters = [
        {"protocol": "http", **{key: value for key, value in case.items() if key != "requests"}}
        for case in CASES
    ]
    (folder / "imposters.json").write_text(json.dumps({"imposters": imposters}))
    imported = mountebank.read(folder / "imposters.json")
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    for name, document in imported.scenarios.items():
        (scenarios / f"{name}.yaml").write_text(dump(document, ScenarioSpec))
    server = InProcess(server_loop, Settings(paths=(str(scenarios),), port=0), scenarios)
    yield server, imported
    server.stop()


def test_nothing_of_the_cases_is_lost(served):
    assert [str(lost) for lost in served[1].lost] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_answers_are_mountebanks(served, case):
    server, imported = served
    base = imported.scenarios[case["name"]]["base"]

    for number, (request, theirs) in enumerate(zip(case["requests"], ANSWERS[case["name"]], strict=True)):
        ours = exchange(server.url + base, request)
        if ours == {"unmatched": True}:
            ours = NOTHING
        assert without_own_type(ours, theirs) == theirs, f"request {number}: {request}"
