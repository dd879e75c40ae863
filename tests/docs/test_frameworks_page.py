"""docs/frameworks.md: the application of each framework passes its tests."""

import re
import sys

import pytest
from support.pages import page
from support.suites import INI
from support.sweeping import run

PAGE = page("docs/frameworks.md")
FILES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE))
(PLAIN,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_every_example_passes(tmp_path):
    for name, text in {**FILES, "test_plain.py": PLAIN, "pytest.ini": INI}.items():
        (tmp_path / name).write_text(text)
    done = run(tmp_path, sys.executable, "-m", "pytest", "-q")
    assert done.code == 0, done.output
    written = sum(
        len(re.findall(r"^(?:async )?def test_", text, re.MULTILINE)) for text in (PLAIN, *FILES.values())
    )
    assert f"{written} passed" in done.output


def test_every_block_is_run():
    assert len(FILES) + 1 == len(re.findall(r"^```\w", PAGE, re.MULTILINE))
