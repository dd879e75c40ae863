"""Fail where docs, JSON Schema or dashboard use a word of scripts/vocabulary.txt. Code is not checked."""

import re
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PAGES = ["*.md", "docs/**/*.md", "scenarios/*.schema.json"]
MEASURED = {"docs/performance.md", "docs/decisions/0005-requests-that-came-before.md"}
"""Written together with the benchmarks, and not checked yet."""
DASHBOARD = [
    f"mockserver/{folder}/**/*.{kind}"
    for folder in ("admin/dashboard", "plugin/report", "sweep/report")
    for kind in ("html", "js")
]
DESCRIPTION = re.compile(r'"description": "((?:\\.|[^"\\])*)"')
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`|(?<=\])\([^)\s]*\)|<!--.*?-->", re.DOTALL | re.MULTILINE)
STRING = re.compile(r"""(["'`])((?:\\.|(?!\1).)*)\1""")
COMMENT = re.compile(r"^\s*//.*$|/\*.*?\*/", re.DOTALL | re.MULTILINE)
NAMES = re.compile(r"""(?:class|"data-part"|from|import)[: ]+"[^"]*"|\$\{[^}]*\}""")
"""Of a script: class names, modules, and the code inside of a text."""


def words():
    for line in (PROJECT / "scripts/vocabulary.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern, _, instead = line.rpartition(" = ")
            yield re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), instead


def blanked(pattern, text):
    """The text with spaces in place of what matches: lines keep their numbers."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def only(pattern, group, text):
    """The text with spaces in place of everything else."""
    kept = [one if one == "\n" else " " for one in text]
    for found in pattern.finditer(text):
        kept[found.start(group) : found.end(group)] = found[group]
    return "".join(kept)


def prose(path):
    text = path.read_text("utf-8")
    if path.suffix == ".js":
        return only(STRING, 2, blanked(NAMES, blanked(COMMENT, text))), text
    if path.suffix == ".json":
        return blanked(CODE, only(DESCRIPTION, 1, text)), text
    return blanked(CODE, text), text


def main():
    count = 0
    for pattern in (*PAGES, *DASHBOARD):
        for path in sorted(PROJECT.glob(pattern)):
            if path.relative_to(PROJECT).as_posix() in MEASURED:
                continue
            text, whole = prose(path)
            for word, instead in words():
                for found in word.finditer(text):
                    line = whole.count("\n", 0, found.start()) + 1
                    print(
                        f"{path.relative_to(PROJECT)}:{line}: {found[0]!r}. Write: {instead}", file=sys.stderr
                    )
                    count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
