"""docs/tutorial.md: a reader who follows it from top to bottom sees what it shows."""

import re
import sys
from functools import partial

import pytest
from support.pages import page
from support.suites import INI
from support.sweeping import run, run_here

pytest_plugins = "pytester"

PAGE = page("docs/tutorial.md")
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


class Reader:
    """Writes the files, runs the commands, and keeps the last output."""

    def __init__(self, folder, pytest_here):
        self.folder = folder
        self.pytest = pytest_here
        self.output = ""

    def command(self, line):
        words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]
        if words[0] == "pytest":
            self.output = self.pytest(*words[1:]).output
        else:
            assert words[0] == "mockserver"
            self.output = run(self.folder, sys.executable, "-m", *words).output

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        if name == "pytest.ini":
            text += INI.replace("[pytest]", "")
        elif path.exists() and "import" not in text.partition("\n")[0]:
            text = path.read_text() + "\n\n" + text  # a further test
        path.write_text(text)

    def sees(self, text):
        lines = iter(re.sub(r"^=+ | in [\d.]+s =+$", "", line).rstrip() for line in self.output.splitlines())
        return [line for line in text.rstrip("\n").split("\n") if line not in lines]


@pytest.fixture
def reader(pytester, monkeypatch):
    return Reader(pytester.path, partial(run_here, pytester, monkeypatch))


@pytest.mark.slow
def test_each_step_shows_what_the_page_says(reader):
    shown, tests_changed = 0, False
    for language, title, text in BLOCK.findall(PAGE):
        if title:
            reader.write(title, text)
            tests_changed = tests_changed or title.endswith(".py")
        elif language == "text":
            if tests_changed:
                reader.command("pytest")
                tests_changed = False
            assert reader.sees(text) == [], reader.output
            shown += 1
        elif text.startswith(("pytest", "mockserver check")):
            reader.command(text)
            tests_changed = False
    assert shown == 5


@pytest.mark.slow
def test_the_first_version_is_harmed_as_often_as_the_page_says(reader):
    files = [(title, text) for _, title, text in BLOCK.findall(PAGE) if title]
    seen = set()
    for title, text in files:
        if title != "checkout.py" or title not in seen:
            reader.write(title, text)
        seen.add(title)
    reader.command("pytest --mock-server-sweep -k succeeds")
    assert " 5 harmed" in reader.output
    assert "reports five harmed cells" in PAGE
