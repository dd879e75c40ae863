from pathlib import Path

import pytest

from mockserver.errors import Flaw
from mockserver.files.loader import LoadFailed, from_text, load

SEED = "routes:\n  - request: POST /data\n    reply: [503, 503, {json: {success: true}}]\n"


def test_a_text_becomes_a_scenario_with_the_given_name():
    source = from_text(SEED, "seed")
    assert source.name == "seed"
    assert [step.status for step in source.spec.routes[0].reply] == [503, 503, 200]
    assert source.data["routes"][0]["reply"][0] == 503


def test_a_file_gives_its_stem_as_name_and_its_path_as_label(tmp_path: Path):
    (tmp_path / "payments.scenario.json").write_text('{"routes": []}')
    (source,) = load([tmp_path], {})
    assert (source.name, source.label) == ("payments", (tmp_path / "payments.scenario.json").as_posix())


def test_a_flaw_is_located_by_label_line_column_and_the_path_its_author_wrote():
    source = from_text(SEED.replace("503, 503, {json", "{json").replace("[", "").replace("]", ""), "s")
    flaw = Flaw(("routes", 0, "reply", 0, "json", "success"), "too good")
    assert source.locate(flaw) == "s:3:29: routes[0].reply.json.success: too good."


def test_the_errors_of_all_files_come_at_once_in_the_order_of_files_and_lines(tmp_path: Path):
    (tmp_path / "b.yaml").write_text("routes: [{reply: 200, request: GET /x, nmae: x}]\nactive: 1\n")
    (tmp_path / "a.yaml").write_text("a: [\n")
    with pytest.raises(LoadFailed) as failed:
        load([tmp_path], {})
    assert [line.removeprefix(tmp_path.as_posix() + "/") for line in failed.value.lines] == [
        "a.yaml:2:1: the file ends where a value is expected. Write the value, or close what was opened",
        "b.yaml:1:40: routes[0].nmae: unknown key. Did you mean 'name'?",
        "b.yaml:2:9: active: expected true or false, got 1.",
    ]
