"""No text sends a reader to a name on an index: packages of these names there are not ours."""

import re

import pytest
from support.pages import page
from support.server import PROJECT

from mockserver import __version__

FROM_INDEX = re.compile(
    r"""(?:pip3?|pipx|uv(?:\ pip)?|uv\ tool)\ (?:install|add)\ (?:-\S+\ )*['"]?mockserver(?![\w/.-])"""
    r"""|(?:npm|pnpm|yarn|bun)\ (?:i|install|add)\ (?:-\S+\ )*['"]?@mockserver-py/""",
    re.VERBOSE,
)
KINDS = {".md", ".py", ".yaml", ".yml", ".ts", ".js", ".mjs", ".html", ".json", ".toml", ".txt", ""}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pip install mockserver", True), ("pip install 'mockserver[xml]'", True), ("pip install -U mockserver", True),
        ("npm install --save-dev @mockserver-py/sdk", True), ("uv pip install mockserver", True),
        ("pip install ../mockserver pytest", False), ("pip install '/path/to/mockserver[xml]'", False),
        ("pip install ./mockserver-0.1.0-py3-none-any.whl", False), ("npm install ./mockserver-py-sdk-0.1.0.tgz", False),
        ("pip install mockserver-0.1.0-py3-none-any.whl", False),
    ],
)  # fmt: skip
def test_a_command_that_asks_an_index_is_recognized(text, found):
    assert bool(FROM_INDEX.search(text)) == found


def test_no_text_asks_an_index_for_our_packages():
    folders = ("deploy", "docs", "examples", "mockserver", "sdk", "scripts", "scenarios", ".github")
    paths = [
        path
        for folder in folders
        for path in (PROJECT / folder).rglob("*")
        if "node_modules" not in path.parts
    ]
    wrong = [
        str(path.relative_to(PROJECT))
        for path in [*paths, *PROJECT.glob("*.*"), PROJECT / "Dockerfile"]
        if path.is_file() and path.suffix in KINDS and FROM_INDEX.search(path.read_text("utf-8", "replace"))
    ]

    assert wrong == []


def test_texts_name_the_packages_of_this_version():
    names = re.compile(r"mockserver(?:-py-sdk-|-|@v)(\d+\.\d+\.\d+)\b")
    named = {
        f"{path.relative_to(PROJECT)}: {found[0]}"
        for path in [*(PROJECT / "docs").glob("*.md"), PROJECT / "action.yml", PROJECT / "README.md"]
        for found in names.finditer(path.read_text("utf-8"))
        if found[1] != __version__
    }

    assert named == set()
    assert names.search(page("docs/installation.md"))
