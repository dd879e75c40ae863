"""Fail if docs, JSON Schema, dashboard, or docstrings and comments of the code use a word of scripts/vocabulary.txt."""

import io
import re
import sys
import tokenize
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PAGES = ["*.md", "docs/**/*.md", "scenarios/*.schema.json"]
MEASURED = {"docs/performance.md", "docs/decisions/0005-requests-that-came-before.md"}
"""Written together with the benchmarks, and not checked yet."""
DASHBOARD = [
    f"mockserver/{folder}/**/*.{kind}"
    for folder in ("admin/dashboard", "sessions/report", "sweep/report")
    for kind in ("html", "js")
]
CODE_FILES = "mockserver/**/*.py"
DOCS_ONLY = "docs: "
"""Prefix of words that docstrings and comments may use."""
DOCTEST = re.compile(r"^ *(?:>>>|\.\.\.) .*$", re.MULTILINE)
PARAGRAPH = re.compile(r"\S.*?(?=\n\s*\n|\s*\Z)", re.DOTALL)
DESCRIPTION = re.compile(r'"description": "((?:\\.|[^"\\])*)"')
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`|(?<=\])\([^)\s]*\)|<!--.*?-->", re.DOTALL | re.MULTILINE)
BETWEEN = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT}
STRING = re.compile(r"""(["'`])((?:\\.|(?!\1).)*)\1""")
COMMENT = re.compile(r"^\s*//.*$|/\*.*?\*/", re.DOTALL | re.MULTILINE)
NAMES = re.compile(r"""(?:class|"data-part"|from|import)[: ]+"[^"]*"|\$\{[^}]*\}""")
"""Of a script: class names, modules, and the code inside of a text."""


def words(*, of_code=False):
    """Yield each word as a pattern with its replacement; with `of_code`, those that are checked in code."""
    for line in (PROJECT / "scripts/vocabulary.txt").read_text("utf-8").splitlines():
        if not line or line.startswith("#") or (of_code and line.startswith(DOCS_ONLY)):
            continue
        pattern, _, instead = line.removeprefix(DOCS_ONLY).rpartition(" = ")
        yield re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), instead


WORDS, WORDS_OF_CODE = list(words()), list(words(of_code=True))


def blanked(pattern, text):
    """Return the text with spaces in place of the matches. Lines keep their numbers."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def only(spans, text):
    """Return the text with spaces outside of the spans."""
    kept = [char if char == "\n" else " " for char in text]
    for start, end in spans:
        kept[start:end] = text[start:end]
    return "".join(kept)


def docstrings_and_comments(text):
    """Yield the spans of docstrings, of other strings that are statements, and of comments."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def span(token):
        (line, column), (end_line, end_column) = token.start, token.end
        return starts[line - 1] + column, starts[end_line - 1] + end_column

    begins, string = True, None  # whether a statement begins here, and the string that it begins with
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield span(token)
        elif token.type not in BETWEEN:
            if string is not None and token.type == tokenize.NEWLINE:
                yield span(string)
            string = token if begins and token.type == tokenize.STRING else None
            begins = token.type == tokenize.NEWLINE


def prose(path):
    """Return the text of a file with spaces in place of code, and the whole text."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return blanked(CODE, blanked(DOCTEST, only(docstrings_and_comments(text), text))), text
    if path.suffix == ".js":
        clean = blanked(NAMES, blanked(COMMENT, text))
        return only((match.span(2) for match in STRING.finditer(clean)), clean), text
    if path.suffix == ".json":
        return blanked(CODE, only((match.span(1) for match in DESCRIPTION.finditer(text)), text)), text
    return blanked(CODE, text), text


def errors(path):
    """Yield a message for each use of a word."""
    text, whole = prose(path)
    for paragraph in PARAGRAPH.finditer(text):  # blanked code is most of a file, and slow to search
        for word, instead in WORDS_OF_CODE if path.suffix == ".py" else WORDS:
            for match in word.finditer(paragraph[0]):
                line = whole.count("\n", 0, paragraph.start() + match.start()) + 1
                yield f"{path.relative_to(PROJECT)}:{line}: {match[0]!r}. Write: {instead}"


def main():
    count = 0
    for pattern in (*PAGES, *DASHBOARD, CODE_FILES):
        for path in sorted(PROJECT.glob(pattern)):
            name = path.relative_to(PROJECT).as_posix()
            if name in MEASURED:
                continue
            for error in errors(path):
                print(error, file=sys.stderr)
                count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
