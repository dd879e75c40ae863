"""Parameters in the notation of other tools: taken literally, and told at load and at the miss."""

import re

import pytest

from mockserver.compiler.scenario_set import build_scenario_set, warnings_at_load
from mockserver.errors import InvalidInputError
from mockserver.matching.mismatch.unmatched import path_difference
from mockserver.matching.paths import PathPattern, as_parameter
from mockserver.scenarios.loader import from_text

NOTATIONS = [
    (":id", "{id}"), (r":id(\d+)", "{id}"), ("<id>", "{id}"), ("<int:id>", r"{id:\d+}"), ("<path:rest>", "{rest:.+}"),
    ("[id]", "{id}"), ("[...slug]", "{slug}"), ("*", "{any}"), ("**", "{rest:.+}"), (".*", "{rest:.+}"), ("(.*)", "{rest:.+}"), (r"\d+", r"{number:\d+}"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), NOTATIONS)
def test_it_is_told_at_load_and_at_the_miss(written, meant):
    text = f"routes: [{{request: 'GET /charges/{written}', reply: 200}}]"

    assert list(warnings_at_load(build_scenario_set([from_text(text, "shop")]))) == [
        f"shop:1:20: routes[0].request: {written!r} is taken literally, as any other text of a path. Write {meant} for a parameter."
    ]
    difference = path_difference("/charges/ch_1", PathPattern(f"/charges/{written}"))
    assert difference.hint == f"{written!r} is taken literally, a parameter is written {meant}"
    PathPattern(f"/{meant}")


@pytest.mark.parametrize(
    "segment", ["orders", "a:b", "x*", "v1", "", "{id}", "projects:cancel", "$metadata", "a.b", "~user"]
)
def test_what_paths_really_have_is_not_told(segment):
    assert as_parameter(segment) is None


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v/{{id}}", "as in {id}"),
        ("/v/{id?}", "as in {id}"),
        ("/v/{*rest}", "as in {rest}"),
        ("^/a/.*$", "A path is not a regular expression"),
        ("a/b", "Write 'GET /a/b'"),
    ],
)
def test_what_is_no_path_here_is_refused_with_what_is_meant(path, hint):
    with pytest.raises(InvalidInputError, match=re.escape(hint)):
        build_scenario_set([from_text(f"routes: [{{request: 'GET {path}', reply: 200}}]", "shop")])


@pytest.mark.parametrize(("method", "nearest"), [("PSOT", "POST"), ("DELTE", "DELETE"), ("GETT", "GET")])
def test_a_method_with_a_typing_error_is_told_at_load(method, nearest):
    text = f"routes: [{{request: '{method} /charges', reply: 200}}]"

    assert list(warnings_at_load(build_scenario_set([from_text(text, "shop")]))) == [
        f"shop:1:20: routes[0].request: {method!r} is not a standard method of HTTP. Did you mean {nearest!r}?"
    ]


@pytest.mark.parametrize("method", ["POST", "GET,HEAD", "ANY", "WS", "LOCK", "FROBNICATE"])
def test_a_method_without_one_is_not_told(method):
    text = f"routes: [{{request: '{method} /charges', reply: 200}}]"

    assert list(warnings_at_load(build_scenario_set([from_text(text, "shop")]))) == []
