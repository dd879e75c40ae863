"""
Every file in `broken/` is refused with the lines beside it in `NAME.expected`.

What only compiling finds (a bad regular expression, a template that isn't one,
a missing body file) is in folders below, with the rooms that compile.
"""

import re
from pathlib import Path

import pytest

from mockserver.scenarios.loader import LoadError, load
from mockserver.scenarios.yaml import nodes, yaml12

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(path for path in BROKEN.iterdir() if path.is_file() and path.suffix != ".expected")


def lines_of(path: Path) -> list[str]:
    with pytest.raises(LoadError) as failed:
        load([path], {})
    return [line.removeprefix(BROKEN.as_posix() + "/") for line in failed.value.lines]


def expected_of(path: Path) -> list[str]:
    return path.with_name(path.name + ".expected").read_text("utf-8").splitlines()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_broken_file_is_refused_with_place_reason_and_remedy(path: Path):
    assert lines_of(path) == expected_of(path)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix == ".yaml"], ids=lambda path: path.name
)
def test_without_libyaml_the_same_is_said(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        yaml12, "compose_yaml", lambda text: nodes.compose_yaml(text, composer=nodes.PureComposer)
    )
    assert lines_of(path) == expected_of(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_error_about_a_key_points_at_its_first_character(path: Path):
    text = path.read_bytes().decode("utf-8", "replace").split("\n")
    for line in expected_of(path):
        if found := re.match(
            r"[^:]+:(\d+):(\d+): (?:.*\.)?([\w-]+): (?:unknown key|the key '.*' is a duplicate)", line
        ):
            rest = text[int(found[1]) - 1][int(found[2]) - 1 :]
            assert rest.startswith((f"{found[3]}:", f'"{found[3]}":'))


def test_there_are_enough_of_them_and_each_has_its_lines():
    assert len(FILES) >= 30
    assert {path.name + ".expected" for path in FILES} == {path.name for path in BROKEN.glob("*.expected")}


def test_all_files_are_refused_at_once_in_the_order_of_their_paths():
    with pytest.raises(LoadError) as failed:
        load([path for path in FILES if path.suffix == ".yaml"], {})
    named = [line.removeprefix(BROKEN.as_posix() + "/").split(":")[0] for line in failed.value.lines]
    assert named == sorted(named)
    assert set(named) == {path.name for path in FILES if path.suffix == ".yaml"}
