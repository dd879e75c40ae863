"""Whatever stands in a scenario file: it is loaded, or refused with every error in its place. And what was loaded answers."""

import json
import os

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.cost import cheap
from support.matching import a_request

from fuzz.files import anything, scenarios, texts
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.errors import InvalidInputError
from mockserver.model.plan import Outcome
from mockserver.scenarios.loader import from_text, load
from mockserver.scenarios.source import LoadError
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec
from mockserver.verification.explain import explain

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "120"))
LONGEST_S = 5.0
"""Processor time of one file. Generous: what explodes takes minutes."""
quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize="FUZZ_EXAMPLES" not in os.environ, print_blob=True)  # fmt: skip
REQUESTS = [
    a_request("GET /a?a=1"),
    a_request("POST /a/1", json={"a": [1, None]}),
    a_request("PUT /b/7", form={"a": "1"}),
    a_request("GET /r"),
    a_request("POST /r", ("x-y", "é"), json={"a": "1"}),
    a_request("HEAD /zzz", body=b"\xff"),
]


def loaded(text, kind="yaml"):
    """The scenario and its world, or None where it is refused as it should be."""

    def load():
        try:
            source = from_text(text, "shop", kind)
            return (source, build_scenario_set([source])), None
        except InvalidInputError as why:
            return None, why

    found, refused = cheap(LONGEST_S, load)
    if refused is not None:
        assert refused.flaws
        assert all(flaw.message for flaw in refused.flaws)
    if isinstance(refused, LoadError):
        assert refused.lines
        assert all(line.startswith("shop:") for line in refused.lines)
        assert all(line.strip().endswith((".", "?", "!", ":")) for line in refused.lines)
    return found


def answers(world):
    """Every request is answered, whatever it is answered with: a route that was loaded fails at none."""
    engine = Engine(world, wall=lambda: 1.8e9, mono=lambda: 0.0)
    for request in REQUESTS * 2:
        call = engine.begin(request, engine.default)
        assert call.plan or call.consult
        engine.finish(call, Outcome.DONE)
        explain(engine.default, request)


@pytest.mark.slow
@quick
@given(scenarios() | anything)
def test_a_scenario_of_known_words_is_loaded_or_refused_and_answers(data):
    try:
        text = json.dumps(data)
    except ValueError:
        return
    found = loaded(text, "json")
    event("loaded" if found else "refused")
    if found is not None:
        answers(found[1])


@pytest.mark.slow
@quick
@given(scenarios())
def test_what_was_loaded_and_is_written_again_says_the_same(data):
    found = loaded(json.dumps(data), "json")
    if found is not None:
        again = loaded(dump(found[0].data, ScenarioSpec))
        assert again is not None
        assert again[0].data == found[0].data


@pytest.mark.slow
@quick
@given(texts)
def test_any_text_is_loaded_or_refused(text):
    loaded(text)
    loaded(text, "json")


@pytest.mark.slow
@quick
@given(st.binary(max_size=60) | texts.map(str.encode) | st.tuples(texts, st.binary(max_size=3)).map(lambda two: two[0].encode() + two[1]))  # fmt: skip
def test_any_bytes_are_loaded_or_refused(data):
    loaded(data)


def test_files_on_disk_are_loaded_or_refused_all_together(tmp_path):
    """The same through the door that `serve` uses, with names, folders and links that nobody would choose."""
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "b.scenario.json").write_text("{")
    (tmp_path / "c d\n.yaml").write_text("routes: [{request: GET /a, reply: 99}]")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "device.yaml").symlink_to("/dev/null")

    with pytest.raises(LoadError) as refused:
        load([tmp_path])

    text = "\n".join(refused.value.lines)
    assert [name in text for name in ("a.yaml", "b.scenario.json", "c d", "gone.yaml")] == [True] * 4
