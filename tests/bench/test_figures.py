"""Medians, ratios and verdicts: a goal is met or missed by the figures alone."""

import pytest

from benchmarks import crowd, figures, loading, misses, page, starting
from benchmarks.exactness import Exact
from benchmarks.figures import Ratio, Result
from benchmarks.report import PeerFound, Report, read
from benchmarks.rounds import Sample
from benchmarks.scale import FULL, QUICK
from benchmarks.table import expected, goals, in_words, judged
from benchmarks.works import Against, works


def sample(rate, us=10.0):
    return Sample(rate, us, 1.0, 0.5, 1.5, 0.3, 50_000_000, 12.0)


def report(**samples):
    return Report("2026-01-01", "a machine", {"Python": "3"}, 0.1, [], QUICK, samples=samples)


def test_a_ratio_is_made_within_each_round():
    """A round at half the speed on both sides changes nothing."""
    ours, theirs = [sample(50), sample(40), sample(90)], [sample(100), sample(80), sample(100)]

    assert figures.ratio(ours, theirs) == Ratio(0.5, 0.5, 0.9, us=10.0, their_us=10.0)


def test_there_is_no_ratio_to_what_was_not_measured():
    assert figures.ratio([sample(50)], []) is None


@pytest.mark.parametrize(("found", "met"), [(0.54, False), (0.55, True), (0.9, True)])
def test_a_ratio_is_judged_by_its_goal(found, met):
    work = works(FULL)[0]

    assert figures.judged(work, Against("nginx", 0.55), Ratio(found, found, found, 10, 5), "nginx").met is met


def test_a_ratio_without_a_goal_is_neither_met_nor_missed():
    assert figures.judged(works(FULL)[0], Against("nginx"), Ratio(1, 1, 1, 10, 5), "nginx").met is None


@pytest.mark.parametrize(("which", "value"), [(50, 5), (99, 10), (100, 10), (0, 1)])
def test_a_percentile_is_one_of_the_values(which, value):
    assert figures.percentile(range(1, 11), which) == value


def test_the_processor_time_of_a_request_is_judged_by_its_goal():
    work = next(one for one in works(FULL) if one.key == "get")

    assert figures.judged_us(work, [sample(1, us=18)]).met is True
    assert figures.judged_us(work, [sample(1, us=18.1)]).met is False
    assert figures.judged_us(work, []) is None


def test_a_goal_compares_each_work_with_who_was_asked_the_same():
    found = report(
        nginx={"get": [sample(1000)], "sdk": [sample(500)]},
        mockserver={
            "get": [sample(800)],
            "sequence": [sample(600)],
            "sdk": [sample(300)],
            "many": [sample(400)],
        },
    )

    said = "{} ({} µs beside 10.0 µs)".format
    assert [(one.title, one.said, one.met) for one in goals(found) if "×" in one.said] == [
        ("GET, one new header", said("0.80 × nginx", "10.0"), True),
        ("POST as a payment SDK sends it", said("0.60 × nginx", "10.0"), True),
        ("sequence of three", said("0.60 × nginx", "10.0"), True),
        ("500 routes", said("0.50 × GET, one new header", "10.0"), None),
    ]


def test_unlike_requests_come_first_and_alike_ones_in_a_table_of_their_own():
    found = expected(report(mockserver={"get": [sample(800)], "get alike": [sample(900)]}))

    unlike, _, alike = found.partition("### Byte for byte the same")
    assert "| GET, one new header | 800 |" in unlike
    assert "| GET | 900 |" in alike


def test_missed_goals_are_told_in_words():
    results = [Result("a", "0.5 × b", "≥ 0.6", met=False), Result("c", "1", "1", met=True), Result("d", "2")]

    assert in_words(results) == "Goals missed: 1 of 2.\n\n- a: 0.5 × b; the goal is ≥ 0.6."
    assert in_words(results[1:]) == "Goals missed: none of 1."


def test_a_report_reads_as_it_was_written(tmp_path):
    found = report(mockserver={"one": [sample(800)]})
    found.results = [Result("a", "b", "c", met=True)]
    found.exact = {"mockserver": Exact(9, 3, 0, 3)}
    found.write(tmp_path / "figures.json")

    assert read(tmp_path / "figures.json") == found


def test_no_heading_stands_over_nothing():
    found = report()
    found.results = [Result("a", "b", "c", met=True)]

    assert "| a | b |" in expected(found)
    assert "###" not in expected(found)
    assert "| a | b | c | met |" in judged(found)


@pytest.mark.parametrize(
    ("exact", "holds"),
    [
        (Exact(9, 3), True),
        (Exact(9, 2), False),
        (Exact(9, 3, strange=1), False),
        (Exact(9, 3, 0, counted=4), False),
    ],
)
def test_a_sequence_is_exact_or_not(exact, holds):
    assert exact.holds is holds


def test_a_connection_that_failed_misses_the_goal():
    tally = crowd.Tally(times_s=[0.001] * 100, errors=["connection lost: reset"], asked=101)

    assert crowd.judged(tally, 10).met is False
    assert "1 × connection lost: reset" in crowd.said(tally)


def test_one_slow_call_in_fifty_misses_the_goal():
    assert crowd.judged(crowd.Tally(times_s=[0.001] * 98 + [0.02] * 2), 10).met is False
    assert crowd.judged(crowd.Tally(times_s=[0.001] * 98 + [0.009] * 2), 10).met is True


def test_connections_come_from_further_addresses_when_ports_run_out():
    assert crowd.address(9_999, 28_000) is None
    assert crowd.address(14_000, 28_000) == ("127.0.0.2", 0)
    assert crowd.address(28_000, 28_000) == ("127.0.0.3", 0)


def test_the_length_of_an_answer_is_known_once_its_head_is_whole():
    assert crowd.answer_length(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n") is None
    assert crowd.answer_length(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n") == 41


def test_routes_that_are_added_ever_more_slowly_miss_the_goal():
    assert loading.admin_result([0.001] * 10, [0.001] * 10).met is True
    assert loading.admin_result([0.001] * 10, [0.002] * 10).met is False


def test_a_start_is_judged_by_the_clock_on_the_wall():
    assert starting.result([(1.8, 9.0)], [(1.0, 1.0)]).met is True
    assert starting.result([(1.9, 0.1)], [(1.0, 1.0)]).met is False


def test_misses_are_judged_by_how_many_a_second_and_by_the_longest():
    assert misses.judged("a miss", [0.0004] * 100).met is True
    assert misses.judged("a miss", [0.0006] * 100).met is False
    assert misses.judged("a miss", [0.0001] * 99 + [0.006]).met is False


def test_other_tools_stay_on_the_page_when_they_were_not_measured(tmp_path, monkeypatch):
    marked = f"{page.BEGIN}\n{page.END}\n{page.PEERS_BEGIN}\n{page.PEERS_END}\n"
    for name in ("performance.md", "README.md"):
        (tmp_path / name).write_text(marked)
    monkeypatch.setattr(page, "DOCS", tmp_path)
    monkeypatch.setattr(page, "HERE", tmp_path)
    with_others = report(mockserver={"get": [sample(800)]}, wiremock={"get": [sample(100)]})
    with_others.peers = {"wiremock": PeerFound("3.13.2")}

    page.write(with_others)
    page.write(report(mockserver={"get": [sample(900)]}))

    written = (tmp_path / "performance.md").read_text()
    figures_part, _, others_part = written.partition(page.PEERS_BEGIN)
    assert "| wiremock 3.13.2 | 100 |" in others_part
    assert "| 900 |" in figures_part
    assert "wiremock" not in figures_part
