"""docs/tutorial.md: a reader who follows it from top to bottom sees what it shows."""

import re
import sys

import pytest
from support.pages import page
from support.suites import INI
from support.sweeping import run

PAGE = page("docs/tutorial.md")
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


class Reader:
    """Writes the files, runs the commands, and keeps the last output."""

    def __init__(self, folder):
        self.folder = folder
        self.output = ""

    def command(self, line):
        words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]
        module = {"pytest": "pytest", "mockserver": "mockserver"}[words[0]]
        self.output = run(self.folder, sys.executable, "-m", module, *words[1:]).output

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


@pytest.mark.slow
def test_each_step_shows_what_the_page_says(tmp_path):
    reader, shown, tests_changed = Reader(tmp_path), 0, False
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
def test_the_first_version_is_harmed_as_often_as_the_page_says(tmp_path):
    files = [(title, text) for _, title, text in BLOCK.findall(PAGE) if title]
    reader = Reader(tmp_path)
    seen = set()
    for title, text in files:
        if title != "checkout.py" or title not in seen:
            reader.write(title, text)
        seen.add(title)
    reader.command("pytest --mock-server-sweep -k succeeds")
    assert " 5 harmed" in reader.output
    assert "reports five harmed cells" in PAGE
