"""The paths of the admin API that the package requests are those of its table."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

import mockserver
from mockserver.admin.tables import all_endpoints

PACKAGE = Path(mockserver.__file__).parent
FOLDERS = ("client", "pytest_plugin", "cli", "sweep")
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def path_of(node):
    """A path as a literal; an inserted segment is `{}`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else "{}" for each in node.values)
    return ""


def requests():
    """Every call with a method and a path as neighbouring arguments."""
    for folder in FOLDERS:
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                arguments = node.args if isinstance(node, ast.Call) else ()
                for first, second in pairwise(arguments):
                    method, path = getattr(first, "value", None), path_of(second)
                    if isinstance(method, str) and method in METHODS and path.startswith("/"):
                        yield method, path.removeprefix("/__admin")


@pytest.mark.parametrize(("method", "path"), sorted(set(requests())))
def test_each_requested_path_is_in_the_table(method, path):
    known = {(each.method, re.sub(r"\{\w+\}", "{}", each.path)) for each in all_endpoints()}

    assert (method, path.partition("?")[0]) in known
