"""docs/reliability.md: its bounds are those of the code, its plot is what its figures make, and its commands are there."""

import json
import os
import re
import sys
from xml.etree import ElementTree as ET

import pytest
from support.pages import page
from support.server import PROJECT

from mockserver.http import connection
from mockserver.model import http
from mockserver.settings import Settings
from mockserver.store import bounds, counts

PAGE = page("docs/reliability.md")


@pytest.fixture(scope="module")
def soak():
    """The benchmarks are no part of the package."""
    sys.path.insert(0, str(PROJECT))
    try:
        from benchmarks import reporting, soak

        yield reporting, soak
    finally:
        sys.path.remove(str(PROJECT))


def result_of(soak, **facts):
    document = json.loads((PROJECT / "docs/soak.json").read_text())
    samples = [soak.Sample(**one) for one in document.pop("samples")]
    return soak.Result(**{**document, "samples": samples, **facts})


def test_its_figures_and_its_plot_are_those_of_the_soak(soak):
    reporting, of_soak = soak
    result = result_of(of_soak)

    assert reporting.text(result) in PAGE
    assert (PROJECT / "docs/soak.svg").read_text() == reporting.plot(result)
    assert result.wrong == []


def test_the_plot_is_a_picture_of_every_sample(soak):
    reporting, of_soak = soak
    result = result_of(of_soak)

    drawing = ET.fromstring(reporting.plot(result))

    lines = drawing.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 5
    assert all(len(line.get("points").split()) == len(result.samples) for line in lines)


@pytest.mark.parametrize("grown", [0.0, 50.0])
def test_memory_that_grows_is_told(soak, grown):
    _, of_soak = soak
    samples = [of_soak.Sample(n / 10, 100 + grown * n / 100, 10, 2, 100, 1) for n in range(100)]
    result = result_of(of_soak, samples=samples, minutes=10.0, wrong=[])

    of_soak._judged(result)

    assert ["memory grew" in line for line in result.wrong] == [True] * (grown > 0)


def test_its_bounds_are_those_of_the_code():
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE))
    defaults = Settings()

    assert f"`--calls` ({defaults.calls:,})" in rows["calls in the call log, per namespace"]
    assert defaults.max_body_bytes == 16 * 2**20
    assert "16 MiB" in rows["body of a mock request"]
    held = rows["requests read ahead during an answer, per connection"]
    assert held == f"{connection.MOST_HELD_BYTES >> 20} MiB"
    assert f"{counts.Counts.LINES_KEPT:,}" in rows["different request lines that are counted, per namespace"]
    assert f"{Settings().max_namespaces:,}" in rows["namespaces"]
    assert (
        f"{http.MAX_JSON_DEPTH} levels, `--max-json-members` ({defaults.max_json_members:,})" in rows["JSON"]
    )
    assert defaults.max_json_members == http.MAX_JSON_MEMBERS


def test_its_table_of_what_clients_fill_names_every_kind_and_the_defaults():
    _, _, section = PAGE.partition("### Data of clients")
    rows = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    defaults = Settings()

    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(bounds.KINDS)
    assert f"`--max-entries` ({defaults.max_entries:,})" in section
    assert f"`--max-entries-bytes` ({defaults.max_entries_bytes // 10**6} MB)" in section


def test_its_scripts_are_there_and_can_be_run():
    for script in set(re.findall(r"\bscripts/\w+", PAGE)):
        assert os.access(PROJECT / script, os.X_OK), script
