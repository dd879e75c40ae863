"""Scenarios as written become routes: names, order, defaults, and every error of every file with its place."""

import pytest

from mockserver.compiler.routes import numbered
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.scenarios.loader import from_text
from mockserver.scenarios.source import LoadError


def compiled(**texts):
    return build_scenario_set([from_text(text, name) for name, text in texts.items()])


def test_routes_have_the_scenario_in_their_id_and_the_base_in_their_path():
    world = compiled(shop="base: /v1\nroutes: [{name: pay, request: POST /pay, reply: 200}]")

    [route] = world.routes.values()
    assert (route.id, route.line) == ("shop/pay", "POST /v1/pay")


def test_routes_without_a_name_get_different_ones():
    world = compiled(shop="routes: [{request: GET /x, reply: 200}, {request: GET /x, reply: 201}]")

    assert len(world.routes) == 2
    assert all(route_id.startswith("shop/") for route_id in world.routes)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 100, 5_000])
def test_the_next_number_of_a_name_is_found_in_few_steps(count):
    taken = {"GET /a", *(f"GET /a #{n}" for n in range(2, count + 1))}
    asked = []

    def is_taken(name):
        asked.append(name)
        return name in taken

    assert numbered("GET /a", is_taken) == f"GET /a #{count + 1}"
    assert len(asked) <= 30
    assert numbered("GET /b", is_taken) == "GET /b"


def test_a_name_that_is_numbered_over_gaps_is_unique():
    taken = {"GET /a", "GET /a #2", "GET /a #4", "GET /a #7", "GET /a #8"}

    for _ in range(10):
        name = numbered("GET /a", taken.__contains__)
        assert name not in taken
        taken.add(name)


def test_files_come_in_their_order_and_a_priority_before_it():
    world = compiled(
        one="routes: [{name: a, request: GET /x, reply: 200}]",
        two="routes: [{name: b, request: GET /x, reply: 200}, {name: c, request: GET /x, priority: 1, reply: 200}]",
    )

    assert [match.target.id for match, *_ in world.index.candidates("GET", "/x")] == [
        "two/c",
        "one/a",
        "two/b",
    ]


@pytest.mark.parametrize(
    ("resource", "lines"),
    [
        ("{path: /items}", {"GET /items", "POST /items", "GET /items/{id}", "PUT /items/{id}", "PATCH /items/{id}", "DELETE /items/{id}"}),
        ("{path: /items, machine: {initial: new, transitions: {use: {new: used}}}}", {"GET /items", "POST /items", "GET /items/{id}", "PUT /items/{id}", "PATCH /items/{id}", "DELETE /items/{id}", "POST /items/{id}/use"}),
    ],
)  # fmt: skip
def test_a_resource_has_its_routes(resource, lines):
    assert {route.line for route in compiled(shop=f"resources: [{resource}]").routes.values()} == lines


def test_every_error_of_every_file_is_told_with_its_place():
    with pytest.raises(LoadError) as caught:
        compiled(
            one="routes:\n  - request: GET /y\n    match: {headers: {a: {matches: '('}}}\n    reply: 200\n",
            two="routes:\n  - request: GET /y\n    reply: {file: none.json}\n  - request: GET /z\n    reply: {text: '{{ x y }}'}\n",
        )

    assert [line.split(": ")[0] for line in caught.value.lines] == ["one:3:36", "two:3:19", "two:5:19"]


@pytest.mark.parametrize(
    "route",
    [
        "{request: GET /x, reply: {text: '{{ nothing() }}'}}",
        "{request: GET /x, match: {text: {matches: '(a'}}, reply: 200}",
        "{request: GET /x, limit: {rate: 1/m, by: nowhere.a}, reply: 200}",
        "{request: 'GET /{a}/{a}', reply: 200}",
    ],
)
def test_what_can_not_be_compiled_is_refused_at_load_and_not_at_the_first_request(route):
    with pytest.raises(LoadError):
        compiled(shop=f"routes: [{route}]")
