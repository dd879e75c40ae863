"""What can be wrong with a resource as written, each with its place and a remedy."""

import json

import pytest
from support.resources import World

from mockserver.errors import InvalidInputError
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.resource import ResourceSpec

MACHINE = {
    "initial": "pending",
    "transitions": {"approve": {"pending": "approved"}, "ship": {"approved": "shipped"}},
}
NUMBER = {"number": "page", "size": "per_page"}


def flaws(written, files=None):
    with pytest.raises(InvalidInputError) as error:
        World(written, files)
    return [str(flaw) for flaw in error.value.flaws]


@pytest.mark.parametrize(
    ("written", "flaw"),
    [
        ({"path": 5}, "path: 5 is not a valid path. Begin it with a slash, such as /items"),
        ({"path": "items"}, "path: 'items' is not a valid path. Begin it with a slash, such as /items"),
        ({"path": "/items/"}, "path: '/items/' has a slash too many. Write /items"),
        ({"path": "//items"}, "path: '//items' has a slash too many. Write /items"),
        ({"path": "/"}, "path: '/' has a slash too many. Write /items"),
        (
            {"path": "/users/{id}/items"},
            "path: '/users/{id}/items' has a parameter, but a collection has one path. Write one resource for each path; the /{id} of items is added",
        ),
        (
            {"path": "/a b"},
            "path: '/a b' is not a plain path. Leave query, fragment and spaces out; write %20 for one",
        ),
        (
            {"path": "/a?x"},
            "path: '/a?x' is not a plain path. Leave query, fragment and spaces out; write %20 for one",
        ),
        ({"pth": "/a"}, "pth: unknown key. Did you mean 'path'?"),
        (
            {"id": "uid"},
            "id: 'uid' is not a way to generate ids. Did you mean 'uuid'? Write increment, uuid or a template; {field: order_id} names the field",
        ),
        (
            {"id": "order_id"},
            "id: 'order_id' is not a way to generate ids. Write increment, uuid or a template; {field: order_id} names the field",
        ),
        (
            {"id": 5},
            "id: 5 is not a way to generate ids. Write increment, uuid or a template; {field: order_id} names the field",
        ),
        (
            {"id": {"field": ""}},
            "id.field: '' is not a valid field name. Write the name of a field, such as id",
        ),
        ({"id": {"fild": "x"}}, "id.fild: unknown key. Did you mean 'field'?"),
        ({"id": "{{ nn }}"}, None),
        ({"id": "{{ n"}, None),
        ({"seed": 5}, "seed: expected items, got 5. Write {count: 25, each: {…}}, a list, or a file's name"),
        ({"seed": {"count": -1, "each": {}}}, "seed.count: expected at least 0, got -1."),
        ({"seed": {"count": 100_001, "each": {}}}, "seed.count: expected at most 100000, got 100001."),
        ({"seed": [5]}, "seed[0]: expected a mapping, got 5. Write it as {name: value}"),
        (
            {"seed": [{"id": 1}, {"id": "1"}]},
            "seed[1].id: the id '1' is that of an earlier item. Choose another",
        ),
        (
            {"seed": [{"id": True}]},
            "seed[0].id: true is not a valid id: it must be a text or a whole number. Leave it out to have one generated",
        ),
        (
            {"seed": {"count": 2, "each": {"id": 7}}},
            "seed.each.id: all 2 items get the id '7'. Write \"{{ n }}\"",
        ),
        ({"seed": {"count": 1, "each": {"a": "{{ request.path }}"}}}, None),
        ({"seed": [{"a": "{{ m }}"}]}, None),
        ({"new": 5}, "new: expected a mapping, got 5. Write it as {name: value}"),
        ({"new": {"id": 5}}, "new.id: the field 'id' is set by `id`. Remove it"),
        (
            {"new": {"status": "x"}, "machine": MACHINE},
            "new.status: the field 'status' is set by `machine`. Remove it",
        ),
        ({"new": {"a": "{{ errors }}"}}, None),
        (
            {"page": {}},
            "page: the pages have no parameters. Write number: page, size: per_page, or link: true",
        ),
        (
            {"page": {"link": False}},
            "page: the pages have no parameters. Write number: page, size: per_page, or link: true",
        ),
        (
            {"page": {"number": "p", "offset": "o"}},
            "page: a list is paged in one way, this one by number and offset. Keep one of them",
        ),
        (
            {"page": {"size": "s"}},
            "page: `size` goes with `number`. Write number: page beside it, or `limit` with offset or cursor",
        ),
        (
            {"page": {"offset": "o", "size": "s"}},
            "page: `size` goes with `number`. Write number: page beside it, or `limit` with offset or cursor",
        ),
        (
            {"page": {"limit": "l"}},
            "page: `limit` goes with `offset` or `cursor`. Write offset: offset beside it, or `size` with number",
        ),
        (
            {"page": {"number": "p", "limit": "l"}},
            "page: `limit` goes with `offset` or `cursor`. Write offset: offset beside it, or `size` with number",
        ),
        (
            {"page": {"link": True, "limit": "l"}},
            "page: `limit` goes with `offset` or `cursor`. Write offset: offset beside it, or `size` with number",
        ),
        (
            {"page": {"number": "p", "size": "p"}},
            "page: the parameter 'p' is used twice. Use different names",
        ),
        (
            {"page": {"envelope": {"a": "items"}, "default": 5}},
            "page: `default` is the size of a page, but there are no pages. Write number: page beside it",
        ),
        ({"page": {**NUMBER, "default": 0}}, "page.default: expected at least 1, got 0."),
        ({"page": {**NUMBER, "default": 9, "max": 8}}, "page: default 9 is above max 8. Swap them"),
        (
            {"page": {**NUMBER, "envelope": {"data": "itms"}}},
            "page.envelope.data: 'itms' is not a field of a page. Did you mean 'items'?",
        ),
        (
            {"page": {**NUMBER, "envelope": {"data": 5}}},
            "page.envelope.data: 5 is not a field of a page. Known here: has_next, items, next_cursor, page, pages, total.",
        ),
        (
            {"page": {**NUMBER, "envelope": {"n": "total"}}},
            "page: the envelope has no items. Write the key that holds them: {data: items}",
        ),
        (
            {"page": {**NUMBER, "envelope": {"a": "items", "c": "next_cursor"}}},
            "page: paging by number has no next_cursor. Name a `cursor`, or use items, total, page, pages, has_next",
        ),
        (
            {"page": {"cursor": "c", "envelope": {"a": "items", "c": "pages"}}},
            "page: paging by cursor has no pages. Name a `number`, such as number: page, or use items, total, has_next, next_cursor",
        ),
        (
            {"page": {"envelope": {"a": "items", "c": "has_next"}}},
            "page: a list without pages has no has_next. Name a `number`, such as number: page, or use items, total",
        ),
        (
            {"schema": 5},
            "schema: expected a JSON Schema, got 5. Write the schema, or the name of a file with it",
        ),
        (
            {"schema": {"properties": {"a": {"type": "strng"}}}},
            "schema.properties.a.type: this is not a valid JSON Schema: \"strng\" is not valid under any of the schemas listed in the 'anyOf' keyword. Did you mean 'string'?",
        ),
        (
            {"schema": {"pattern": "("}},
            'schema.pattern: this is not a valid JSON Schema: "(" is not a "regex".',
        ),
        (
            {"schema": {"$ref": "http://other/x"}},
            "schema: Resource 'http://other/x' is another document. Copy what it needs under $defs",
        ),
        (
            {"schema": {"$ref": "#/$defs/x"}},
            "schema: this is not a valid JSON Schema: Pointer '/$defs/x' does not exist.",
        ),
        ({"invalid": {"status": 99}}, "invalid.status: 99 is not a valid HTTP status. Use 200 to 599"),
        (
            {"invalid": {"status": 400, "times": 2}},
            "invalid: it is one reply, and this one has `times`. Remove it",
        ),
        (
            {"invalid": {"choose": [{"status": 400}]}},
            "invalid: it is one reply, and this one has `choose`. Remove it",
        ),
        ({"invalid": {"json": "{{ item }}"}}, None),
        ({"update": "GET"}, "update: 'GET' changes no item. Known here: PATCH, POST, PUT."),
        ({"update": [["PUT"]]}, "update: ['PUT'] changes no item. Known here: PATCH, POST, PUT."),
        ({"update": ["patch"]}, "update: 'patch' changes no item. Did you mean 'PATCH'?"),
        (
            {"machine": {"initial": "a", "transitions": {}}},
            "machine.transitions: expected at least 1 item, got {}.",
        ),
        (
            {"machine": {"initial": "a", "transitions": {"x/y": {"a": "b"}}}},
            "machine.transitions['x/y']: 'x/y' is not a valid transition name. It is the last part of a path: use letters, digits, dashes or underscores",
        ),
        (
            {"machine": {"initial": "a", "transitions": {"delete": {"a": "b"}}}},
            "machine.transitions.delete: 'delete' is what happens to every item. Give the transition another name",
        ),
        (
            {"machine": {**MACHINE, "field": "id"}},
            "the field 'id' is both id and state. Name another field in `machine`",
        ),
        (
            {
                "machine": {
                    "initial": "pending",
                    "transitions": {"ship": {"aproved": "shipped"}, "approve": {"pending": "approved"}},
                }
            },
            "machine.transitions.ship.aproved: no item is ever 'aproved': no transition leads there from 'pending'. Did you mean 'approved'?",
        ),
        (
            {
                "machine": {
                    "initial": "new",
                    "transitions": {"a": {"x": "y"}, "b": {"y": "x"}, "c": {"new": "old"}},
                }
            },
            None,
        ),
        (
            {"machine": MACHINE, "seed": [{"status": "pendng"}]},
            "seed[0].status: 'pendng' is not a state of the machine. Did you mean 'pending'?",
        ),
        (
            {"machine": MACHINE, "seed": [{"status": 5}]},
            "seed[0].status: 5 is not a state of the machine. Known here: approved, pending, shipped.",
        ),
        (
            {"machine": MACHINE, "seed": {"count": 2, "each": {"status": "pendng"}}},
            "seed.each.status: 'pendng' is not a state of the machine. Did you mean 'pending'?",
        ),
        ({"on": {"craete": {}}}, "on.craete: there is no such event here. Did you mean 'create'?"),
        (
            {"on": {"aprove": {}}, "machine": MACHINE},
            "on.aprove: there is no such event here. Did you mean 'approve'?",
        ),
        (
            {"on": {"merge": {}}, "update": ["PUT"]},
            "on.merge: this never happens: PATCH changes no item here. Add PATCH to `update`",
        ),
        (
            {"on": {"update": {}}, "update": []},
            "on.update: this never happens: POST changes no item here. Add POST to `update`",
        ),
        ({"on": {"create": {"effct": {}}}}, "on.create.effct: unknown key. Did you mean 'effect'?"),
        (
            {"on": {"create": {"set_ttl": "1h"}}},
            "on.create: `set_ttl` needs `set`. Write what to set, or remove it",
        ),
    ],
)
def test_each_flaw_has_its_place_and_remedy(written, flaw):
    found = flaws(written)
    if flaw is None:
        assert found
    else:
        assert found == [flaw]


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ({"seed": {"count": 5}}, "seed: the key 'each' is missing. "),
        ({"machine": {"initial": "a"}}, "machine: the key 'transitions' is missing. "),
        ({"machine": {"transitions": {"a": {"b": "c"}}}}, "machine: the key 'initial' is missing. "),
    ],
)
def test_what_is_missing_is_named(written, start):
    (flaw,) = flaws(written)
    assert flaw.startswith(start)


@pytest.mark.parametrize(
    ("seed", "flaw"),
    [
        (
            b"{",
            "seed: 'x.json' is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1). Write it as JSON",
        ),
        (b"{}", "seed: 'x.json' is not a list of items. Write [{…}, {…}]"),
        (b"[1]", "seed: 'x.json' is not a list of items. Write [{…}, {…}]"),
        (
            b'[{"id": 1}, {"id": 1}]',
            "seed: item 2 of 'x.json': the id '1' is that of an earlier item. Choose another",
        ),
        (
            b'[{"id": "{{ n }}"}, {"id": "{{ n }}"}]',
            "seed: item 2 of 'x.json': the id '{{ n }}' is that of an earlier item. Choose another",
        ),
        (
            b'[{"status": "x"}]',
            "seed: item 1 of 'x.json': 'x' is not a state of the machine. Known here: approved, pending, shipped.",
        ),
    ],
)
def test_a_file_of_seeds_is_judged_at_load(seed, flaw):
    assert flaws({"seed": "x.json", "machine": MACHINE}, {"x.json": seed}) == [flaw]


def test_a_file_with_a_schema_is_judged_at_load():
    broken = json.dumps({"properties": {"a": {"type": "strng"}}}).encode()
    assert flaws({"schema": "x.json"}, {"x.json": broken}) == [
        "schema: 'x.json' is not a valid JSON Schema at properties.a.type: \"strng\" is not valid under any of the schemas listed in the 'anyOf' keyword. Did you mean 'string'?"
    ]
    world = World({"schema": "x.json"}, {"x.json": b'{"required": ["a"]}'})
    assert world.ask("POST", "/items", {}).status == 422


def test_all_flaws_are_told_at_once():
    written = {
        "id": "{{ x }}",
        "new": {"a": "{{ y }}", "id": 1},
        "invalid": {"json": "{{ z }}"},
        "on": {"creat": {}},
        "schema": {"type": "x"},
        "seed": [{"a": "{{ w }}"}],
    }
    assert [flaw.partition(": ")[0] for flaw in flaws(written)] == [
        "invalid.json",
        "id.generate",
        "new.id",
        "new.a",
        "schema.type",
        "seed[0].a",
        "on.creat",
    ]


def test_a_state_that_only_seeds_have_may_be_where_a_transition_starts():
    machine = {**MACHINE, "transitions": {**MACHINE["transitions"], "revive": {"archived": "pending"}}}
    assert flaws({"machine": machine})
    assert (
        World({"machine": machine, "seed": [{"status": "archived"}]}).ask("POST", "/items/1/revive").status
        == 200
    )
    assert (
        World({"machine": machine, "seed": [{"status": "{{ 'archived' }}"}]}).collection.items[0]["status"]
        == "archived"
    )


@pytest.mark.parametrize(
    "written",
    [
        {"id": "uuid"},
        {"id": {"generate": "uuid"}},
        {"update": "PUT"},
        {"update": []},
        {"page": {"link": True}},
        {"page": {"offset": "o"}},
        {"schema": True},
        {"seed": {"count": 0, "each": {"id": 1}}},
        {"new": {"n": "{{ n }}"}},
    ],
)
def test_short_and_long_forms_are_welcome(written):
    assert World(written).resource


def test_the_numbers_of_a_file_are_plain_ones():
    from mockserver.model.written import WrittenFloat, WrittenInt

    world = World(
        {
            "seed": [{"id": WrittenInt(7, "007"), "price": WrittenFloat(1.1, "1.10")}],
            "schema": {"properties": {"price": {"minimum": WrittenFloat(1.0, "1.00")}}},
        }
    )
    assert world.ask("PATCH", "/items/7", {"price": 1}).status == 200
    assert world.ask("PATCH", "/items/7", {"price": 0.5}).status == 422


@pytest.mark.parametrize(
    ("items", "places"),
    [(5, [""]), ([1], ["[0]"]), ([{"id": 1}, {"id": 1}, {"id": []}], ["[1].id", "[2].id"])],
)
def test_items_from_outside_are_judged_with_their_places(items, places):
    world = World({})
    with pytest.raises(InvalidInputError) as error:
        world.resource.filled(items, world.scope_for)
    assert [flaw.where for flaw in error.value.flaws] == places


def test_the_json_schema_of_the_language_can_be_made():
    properties = ResourceSpec.model_json_schema(by_alias=True)["properties"]
    assert {"path", "id", "seed", "new", "page", "schema", "invalid", "update", "machine", "on"} <= set(
        properties
    )


def test_defaults_of_the_scenario_hold_for_invalid_too():
    from mockserver.resources.resources import compile_resource
    from mockserver.schema.reply import ReplyDefaultsSpec

    defaults = ReplyDefaultsSpec.model_validate({"headers": {"x-request-id": "{{ uuid() }}"}})
    world = World({"schema": {"required": ["a"]}})
    world.resource = compile_resource(
        parse_spec(ResourceSpec, {"path": "/items", "schema": {"required": ["a"]}}),
        None,
        frozenset(),
        defaults=defaults,
    )
    assert len(world.ask("POST", "/items", {}).headers["x-request-id"]) == 36
