"""Every example of docs/admin-api.md, from top to bottom, against one server with the page's scenario."""

import json
import re
import subprocess

import pytest
from support.pages import blocks, is_like, page

from mockserver.admin.tables import all_endpoints

PAGE = page("docs/admin-api.md")
TEXT_OR_ANY = re.compile(r'"(?:[^"\\]|\\.)*"|…')


def steps():
    """Each `bash` block, and what it is to print."""
    found = []
    for language, text in blocks(PAGE):
        if language == "bash":
            found.append((text, None, None))
        elif language in ("json", "text"):
            found[-1] = (found[-1][0], language, text)
    return found


def scenario():
    return next(text for language, text in blocks(PAGE) if language == "yaml")


def run(command, address):
    """What a shell prints. `localhost:8080` is where the test's server is."""
    script = "set -euo pipefail\n" + command.replace("localhost:8080", address)
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)


def alike(language, expected, printed):
    if language == "text":
        return is_like(expected.strip(), printed.strip())
    # A bare … stands for a number; of several answers the last is shown.
    wanted = json.loads(TEXT_OR_ANY.sub(lambda found: found[0] if found[0] != "…" else '"…"', expected))
    return is_like(wanted, last_json(printed))


def last_json(printed):
    """The last of several documents that stand one behind the other."""
    document = None
    while printed := printed.lstrip():
        document, end = json.JSONDecoder().raw_decode(printed)
        printed = printed[end:]
    return document


@pytest.mark.slow
def test_the_examples_are_answered_as_they_stand(serving):
    server = serving({"payments.yaml": scenario()})
    address = f"localhost:{server.address[1]}"

    for command, language, expected in steps():
        done = run(command, address)
        printed = done.stdout.replace(address, "localhost:8080")
        assert done.returncode == 0, f"{command}\n{printed}{done.stderr}"
        if language is not None:
            assert alike(language, expected, printed), f"{command}\n{printed}\n\nis not like\n{expected}"


def test_every_call_stands_on_the_page_and_no_other():
    written = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^` ]*)`", PAGE))

    assert written - {"GET /__admin/openapi.json"} == {f"{one.method} {one.path}" for one in all_endpoints()}


def test_every_query_parameter_stands_on_the_page():
    words = set(re.findall(r"[a-z_]+", PAGE))

    assert {name for one in all_endpoints() for name in one.query} <= words
