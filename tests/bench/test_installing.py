"""Another tool that can't be had is told with its reason, and leaves the rest to be measured."""

import pytest

from benchmarks import peers
from benchmarks.peers import wiremock
from benchmarks.peers.installing import ToolAbsentError, install
from benchmarks.report import Report
from benchmarks.scale import QUICK


def test_a_missing_program_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolAbsentError, match="npm is not installed"):
        install(wiremock.PEER, tmp_path)


def test_what_was_installed_is_not_installed_again(tmp_path, monkeypatch):
    for program in ("npm", "node", "java"):
        (tmp_path / program).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    place = tmp_path / "wiremock"
    place.mkdir()
    (place / "installed.txt").write_text("\n".join(wiremock.PEER.packages))

    assert install(wiremock.PEER, tmp_path) == place


def test_the_report_says_why_a_tool_is_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    report = Report("2026-01-01", "a machine", {}, 0.1, [], QUICK)

    assert peers.installed([wiremock.PEER], tmp_path, report) == []
    assert "npm is not installed" in report.peers["WireMock"].absent


def test_a_tool_that_nobody_knows_is_an_error_with_the_names_there_are():
    with pytest.raises(SystemExit, match=r"hoverfly: no such tool\. There are: wiremock"):
        peers.chosen(["hoverfly"])
