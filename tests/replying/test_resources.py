"""Resources as a client meets them: list, create, read, replace, merge, delete."""

import json
import re
from urllib.parse import unquote

import pytest
from support.resources import FORM, World

from mockserver.model.problem import PROBLEM_TYPE
from mockserver.templating.templates import TemplateError

SEEDED = {"seed": {"count": 25, "each": {"id": "{{ n }}", "name": "Item {{ n }}"}}}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PEN = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "qty": {"type": "integer"}},
}


# Creating


def test_what_was_created_can_be_read_back():
    world = World({})
    created = world.ask("POST", "/items", {"name": "Pen"})
    assert (created.status, created.headers["Location"]) == (201, "/items/1")
    assert created.json == {"id": 1, "name": "Pen"}
    assert world.ask("GET", "/items/1").json == created.json


def test_location_keeps_the_prefix_that_chose_the_namespace_and_the_base():
    world = World({}, base="/v1")
    created = world.ask("POST", "/v1/items", {}, prefix="/mock/@checkout-42")
    assert created.headers["Location"] == "/mock/@checkout-42/v1/items/1"


@pytest.mark.parametrize("text", ["a/b", "a b", "ü", "50%", "x?y#z", "a+b"])
def test_location_leads_to_an_id_whatever_its_characters(text):
    world = World({})
    location = world.ask("POST", "/items", {"id": text}).headers["Location"]
    last = location.removeprefix("/items/")
    assert unquote(last) == text
    assert last.isascii()
    assert not set(last) & set("/ ?#")
    assert world.ask("GET", location).json == {"id": text}


def test_new_is_merged_under_what_was_sent():
    world = World(
        {"new": {"object": "item", "meta": {"source": "api", "tries": 0}, "currency": "{{ vars.currency }}"}}
    )
    made = world.ask("POST", "/items", {"meta": {"tries": 3}, "currency": None}).json
    assert made == {"id": 1, "object": "item", "meta": {"source": "api", "tries": 3}, "currency": None}


def test_new_sees_what_was_sent_with_its_id():
    world = World({"new": {"url": "/items/{{ item.id }}", "label": "{{ item.name | upper }}"}})
    assert world.ask("POST", "/items", {"name": "pen"}).json["url"] == "/items/1"
    assert world.ask("POST", "/items", {"name": "pen"}).json["label"] == "PEN"


def test_counted_ids_begin_after_the_seeds_and_never_come_twice():
    world = World(SEEDED)
    assert world.ask("POST", "/items", {}).json["id"] == 26
    world.ask("DELETE", "/items/26")
    assert world.ask("POST", "/items", {}).json["id"] == 27


def test_counted_ids_go_on_from_a_larger_one_that_was_sent():
    world = World({})
    world.ask("POST", "/items", {"id": 7})
    world.ask("POST", "/items", {"id": "seven"})
    world.ask("POST", "/items", {"id": "9" * 400})
    assert world.ask("POST", "/items", {}).json["id"] == 8


def test_a_number_that_was_sent_is_passed_over():
    world = World({})
    world.ask("POST", "/items", {"id": 10**15})
    world.ask("POST", "/items", {"id": 10**15 - 1})
    assert world.ask("POST", "/items", {}).json["id"] == 10**15 + 1


def test_uuids_are_uuids_and_differ():
    world = World({"id": "uuid"})
    first, second = (world.ask("POST", "/items", {}).json["id"] for _ in range(2))
    assert UUID.fullmatch(first)
    assert UUID.fullmatch(second)
    assert first != second


def test_an_id_may_come_from_a_template_which_counts_with_n():
    world = World({"id": {"field": "number", "generate": "ord_{{ n }}"}})
    assert [world.ask("POST", "/items", {}).json["number"] for _ in range(3)] == ["ord_1", "ord_2", "ord_3"]
    world.ask("DELETE", "/items/ord_3")
    assert world.ask("POST", "/items", {}).headers["Location"] == "/items/ord_4"


def test_an_id_that_is_taken_is_drawn_again():
    world = World({"id": "{{ random_int(1, 3) }}"})
    assert sorted(world.ask("POST", "/items", {}).json["id"] for _ in range(3)) == [1, 2, 3]
    assert world.ask("POST", "/items", {}).status == 409


@pytest.mark.parametrize(
    "value", ["{{ none }}", "{{ [1] }}", "{{ true }}", "{{ '' }}", "{{ 1.5 }}", "{{ '..' }}"]
)
def test_a_template_that_makes_no_id_is_an_error(value):
    with pytest.raises(TemplateError, match="is not a valid id") as error:
        World({"id": value}).ask("POST", "/items", {})
    assert error.value.place == "id.generate"


def test_ids_are_compared_as_text():
    world = World(SEEDED)
    refused = world.ask("POST", "/items", {"id": "3"})
    assert (refused.status, refused.headers["Content-Type"]) == (409, PROBLEM_TYPE)
    assert refused.json["title"] == "/items already has an item '3'"
    assert len(world.collection) == 25


@pytest.mark.parametrize("value", [True, 1.5, "", [], {}, ".", "..", "a\ud800"])
def test_an_id_is_a_text_or_a_whole_number(value):
    refused = World({}).ask("POST", "/items", {"id": value})
    assert refused.status == 422
    assert refused.json == {"errors": [{"field": "id", "message": "must be a text or a whole number"}]}


def test_an_id_of_null_is_one_that_was_not_sent():
    assert World({}).ask("POST", "/items", {"id": None, "a": 1}).json == {"id": 1, "a": 1}


# Reading


def test_a_list_without_pages_is_a_plain_array():
    world = World(SEEDED)
    answer = world.ask("GET", "/items")
    assert answer.status == 200
    assert [item["id"] for item in answer.json] == list(range(1, 26))
    assert "Link" not in answer.headers


def test_an_unknown_id_is_a_problem_that_names_it_and_the_collection():
    world = World({"seed": [{"id": "a"}, {"id": "b"}]}, base="/v1")
    for method in ("GET", "HEAD", "PATCH", "PUT", "DELETE"):
        missing = world.ask(method, "/v1/items/c")
        assert (missing.status, missing.headers["Content-Type"]) == (404, PROBLEM_TYPE)
        assert missing.json["title"] == "/v1/items has no item 'c'"
        assert (missing.json["resource"], missing.json["id"]) == ("/v1/items", "c")
        assert missing.json["detail"] == "It has 2 items: 'a', 'b'"
        assert missing.event is None


@pytest.mark.parametrize("path", ["/items", "/items/3", "/items/99"])
def test_head_is_decided_like_get(path):
    world = World(SEEDED)
    get, head = world.decide("GET", path)[1], world.decide("HEAD", path)[1]
    assert (head.status, head.headers, head.json) == (get.status, get.headers, get.json)


# Changing


def test_put_replaces_everything_but_the_id():
    world = World(SEEDED)
    answer = world.ask("PUT", "/items/3", {"id": 99, "colour": "red"})
    assert (answer.status, answer.json) == (200, {"id": 3, "colour": "red"})
    assert world.ask("GET", "/items/3").json == {"id": 3, "colour": "red"}


def test_patch_is_a_merge_patch():
    world = World({"seed": [{"id": 1, "a": 1, "b": {"x": 1, "y": 2}, "c": [1, 2]}]})
    patch = {"id": 5, "a": None, "b": {"y": None, "z": {"w": None, "v": 3}}, "c": [3], "d": {"e": None}}
    answer = world.ask("PATCH", "/items/1", patch, content_type="application/merge-patch+json")
    assert answer.json == {"id": 1, "b": {"x": 1, "z": {"v": 3}}, "c": [3], "d": {}}


def test_post_on_an_item_merges_where_update_says_so():
    world = World({**SEEDED, "update": ["POST"]})
    assert world.ask("POST", "/items/2", b"name=New", content_type=FORM).json == {"id": 2, "name": "New"}
    with pytest.raises(LookupError):
        world.find("PATCH", "/items/2")


def test_an_item_keeps_its_place_in_the_list():
    world = World(SEEDED)
    world.ask("PUT", "/items/3", {})
    world.ask("PATCH", "/items/1", {"x": 1})
    assert [item["id"] for item in world.ask("GET", "/items").json] == list(range(1, 26))


def test_a_seed_is_shared_but_never_changed():
    world = World({"seed": [{"id": 1, "tags": ["a"], "m": {"x": 1}}]})
    world.ask("PATCH", "/items/1", {"m": {"x": 2}, "tags": []})
    assert world.resource.seeded(world.scope_for).items == [{"id": 1, "tags": ["a"], "m": {"x": 1}}]


def test_delete_answers_204_without_a_body_and_the_item_is_gone():
    world = World(SEEDED)
    _, decision = world.decide("DELETE", "/items/3")
    answer = world.ask("DELETE", "/items/3")
    assert (answer.status, answer.json, answer.headers) == (204, None, {})
    assert answer.item == {"id": 3, "name": "Item 3"} == decision.item
    assert [world.ask(method, "/items/3").status for method in ("GET", "DELETE")] == [404, 404]


def test_a_json_patch_is_refused_with_what_is_understood():
    answer = World(SEEDED).ask("PATCH", "/items/1", [], content_type="application/json-patch+json")
    assert answer.status == 415
    assert answer.headers["Accept-Patch"] == "application/merge-patch+json, application/json"


def test_a_decision_changes_nothing_until_it_is_committed():
    world = World({**SEEDED, "update": ["PATCH", "PUT", "POST"]})
    before = world.collection.snapshot()
    for method, path in [
        ("POST", "/items"),
        ("PUT", "/items/1"),
        ("PATCH", "/items/1"),
        ("POST", "/items/1"),
        ("DELETE", "/items/1"),
    ]:
        world.decide(method, path, {"name": "New"})
    assert world.collection.snapshot() == before


def test_a_refused_decision_commits_nothing():
    world = World({**SEEDED, "schema": PEN})
    before = world.collection.snapshot()
    for method, path, body in [
        ("POST", "/items", {}),
        ("POST", "/items", {"id": 1, "name": "a"}),
        ("PUT", "/items/1", {}),
        ("GET", "/items/99", None),
    ]:
        _, decision = world.decide(method, path, body)
        decision.commit()
        assert decision.status >= 400
        assert decision.event is None
    assert world.collection.snapshot() == before


# Bodies


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"[1]", "application/json", "must be a JSON object"),
        (b'"text"', "application/json", "must be a JSON object"),
        (b"{", "application/json", "must be a JSON object, but it is not valid JSON: "),
        (b"", "application/json", "must be a JSON object, but the body is empty"),
        (b"<a/>", "application/xml", "must be a JSON object, but it is not valid JSON: "),
        (
            b'{"a": 1e999}',
            "application/json",
            "must be a JSON object, but 1e999 is larger than a double can be",
        ),
        (b'{"a":' * 150 + b"1" + b"}" * 150, "application/json", "is nested deeper than 100 levels"),
        (b'{"a": [' + b"1," * 24_999 + b"1]}", "application/json", "has more than 25,000 members"),
        (
            b"x",
            "multipart/form-data",
            "must be a JSON object, but it is not a multipart body with a boundary",
        ),
    ],
)
def test_a_body_that_is_no_object_gets_invalid_for_the_whole(body, content_type, message):
    for method, path in [("POST", "/items"), ("PUT", "/items/1"), ("PATCH", "/items/1")]:
        refused = World(SEEDED).ask(method, path, body, content_type=content_type)
        assert refused.status == 422
        (error,) = refused.json["errors"]
        assert error["field"] == ""
        assert error["message"].startswith(message)


def test_an_item_of_25_000_members_is_kept_and_grows_no_further():
    world = World(SEEDED)
    fields = {f"k{n}": n for n in range(24_998)}
    assert world.ask("POST", "/items", {"id": 99, "more": 1, **fields}).status == 201

    refused = world.ask("PATCH", "/items/99", {"one": "too many"})

    assert refused.status == 422
    assert refused.json["errors"][0]["message"] == "has more than 25,000 members; send less in one item"


@pytest.mark.parametrize("content_type", [None, FORM])
def test_no_body_at_all_is_an_object_without_fields(content_type):
    assert World({}).ask("POST", "/items", b"" if content_type else None, content_type=content_type).json == {
        "id": 1
    }


def test_json_is_read_whatever_its_content_type():
    assert World({}).ask("POST", "/items", b'{"a": 1}', content_type="text/plain").json == {"id": 1, "a": 1}


# What is not valid


def test_a_bad_body_gets_422_with_every_field_named():
    world = World({"schema": PEN})
    refused = world.ask("POST", "/items", {"qty": "three"})
    assert refused.status == 422
    assert refused.headers["Content-Type"] == "application/json"
    errors = {error["field"]: error["message"] for error in refused.json["errors"]}
    assert errors == {"name": "is required", "qty": "must be a whole number"}


def test_invalid_is_a_reply_of_the_author():
    written = {
        "schema": PEN,
        "invalid": {
            "status": "{{ 400 }}",
            "headers": {"x-field": "{{ errors[0].field }}"},
            "json": {"error": {"param": "{{ errors[0].field }}", "method": "{{ request.method }}"}},
        },
    }
    refused = World(written).ask("POST", "/items", {"name": 1})
    assert refused.status == 400
    assert refused.headers["x-field"] == "name"
    assert refused.json == {"error": {"param": "name", "method": "POST"}}


def test_invalid_may_be_a_bare_status():
    assert World({"schema": PEN, "invalid": 400}).ask("POST", "/items", {}).status == 400


def test_an_item_is_judged_as_a_whole_after_a_merge():
    world = World(
        {"schema": {**PEN, "required": ["name", "qty"]}, "seed": [{"id": 1, "name": "Pen", "qty": 1}]}
    )
    assert world.ask("PATCH", "/items/1", {"qty": 2}).status == 200
    refused = world.ask("PATCH", "/items/1", {"name": None})
    assert refused.json == {"errors": [{"field": "name", "message": "is required"}]}
    assert world.ask("PUT", "/items/1", {"qty": 2}).json == {
        "errors": [{"field": "name", "message": "is required"}]
    }


STRICT = {
    "schema": {**PEN, "additionalProperties": False},
    "new": {"object": "item", "created": "{{ now }}"},
    "machine": {"initial": "open", "transitions": {"close": {"open": "closed"}}},
}


def test_a_schema_of_what_is_sent_need_not_name_what_is_added():
    world = World(STRICT)
    assert world.ask("POST", "/items", {"name": "Pen"}).status == 201
    assert world.ask("PATCH", "/items/1", {"qty": 1}).status == 200
    assert world.ask("PATCH", "/items/1", {"status": "closed"}).status == 200
    refused = world.ask("POST", "/items", {"name": "Pen", "colour": "red"})
    assert refused.json == {"errors": [{"field": "colour", "message": "is unknown"}]}


def test_id_and_state_are_known_to_a_schema_that_allows_nothing():
    world = World({**STRICT, "schema": {"additionalProperties": False}})
    assert world.ask("POST", "/items", {"id": 5}).status == 201
    assert world.ask("PATCH", "/items/5", {"status": "closed"}).status == 200
    refused = world.ask("PATCH", "/items/5", {"name": "Pen"})
    assert refused.json == {"errors": [{"field": "name", "message": "is unknown"}]}


def test_what_was_read_can_be_written_back():
    world = World(STRICT)
    made = world.ask("POST", "/items", {"name": "Pen"}).json
    changed = {**made, "name": "Pencil"}
    assert world.ask("PUT", "/items/1", changed).json == changed


def test_what_is_added_but_sent_otherwise_is_judged():
    world = World(STRICT)
    refused = world.ask("POST", "/items", {"name": "Pen", "object": "thing"})
    assert refused.json == {"errors": [{"field": "object", "message": "is unknown"}]}


def test_a_schema_judges_an_id_that_was_sent_but_not_one_that_was_made():
    world = World({"schema": {"properties": {"id": {"type": "string", "minLength": 3}}}})
    assert world.ask("POST", "/items", {}).json == {"id": 1}
    refused = world.ask("POST", "/items", {"id": "ab"})
    assert refused.json == {"errors": [{"field": "id", "message": "must have at least 3 characters"}]}


def test_put_takes_away_what_new_added_unless_it_is_sent_again():
    world = World({"schema": {"required": ["object"]}, "new": {"object": "item"}})
    world.ask("POST", "/items", {})
    assert world.ask("PUT", "/items/1", {}).json == {
        "errors": [{"field": "object", "message": "is required"}]
    }
    assert world.ask("PUT", "/items/1", {"object": "thing"}).status == 200


def test_what_a_client_can_not_write_is_not_held_against_it():
    schema = {"properties": {"id": {"type": "string"}, "status": {"type": "integer"}}}
    world = World({"schema": schema, "machine": STRICT["machine"]})
    assert world.ask("POST", "/items", {"status": "closed"}).status == 201
    assert world.ask("PUT", "/items/1", {"id": "5"}).json == {"id": 1, "status": "open"}


def test_a_template_that_lacks_a_required_field_leaves_the_word_to_the_schema():
    world = World({"schema": PEN, "new": {"label": "{{ item.name | upper }}"}})
    assert world.ask("POST", "/items", {}).json == {"errors": [{"field": "name", "message": "is required"}]}


def test_a_template_that_fails_without_the_clients_fault_is_an_error():
    world = World({"schema": PEN, "new": {"label": "{{ item.colour }}"}})
    with pytest.raises(TemplateError) as error:
        world.ask("POST", "/items", {"name": "Pen"})
    assert error.value.place == "new.label"


def test_fields_that_new_adds_satisfy_the_schema():
    world = World({"schema": {"required": ["currency"]}, "new": {"currency": "usd"}})
    assert world.ask("POST", "/items", {}).status == 201


# Seeds


def test_seeds_count_from_one_and_keep_the_type_of_their_expressions():
    assert World(SEEDED).collection.items[:2] == [{"id": 1, "name": "Item 1"}, {"id": 2, "name": "Item 2"}]


def test_seeds_without_an_id_get_one():
    assert World({"seed": [{"a": 1}, {"id": 10}, {"a": 2}]}).collection.items == [
        {"id": 1, "a": 1},
        {"id": 10},
        {"id": 11, "a": 2},
    ]


def test_seeds_may_stand_in_a_file_where_braces_are_braces():
    items = [{"id": "a", "text": "{{ n }}"}, {"id": "b"}]
    world = World({"seed": "items.json"}, {"items.json": json.dumps(items).encode()})
    assert world.collection.items == items


def test_seeds_draw_from_the_scope_that_they_are_given():
    written = {"id": "uuid", "seed": {"count": 3, "each": {"token": "{{ random_string(8) }}"}}}
    first, again, other = (World(written, seed=seed).collection.items for seed in (1, 1, 2))
    assert first == again != other


def test_seeds_that_come_to_one_id_are_an_error():
    with pytest.raises(TemplateError, match="the id '1' is that of an earlier item") as error:
        World({"seed": {"count": 3, "each": {"id": "{{ n % 2 }}"}}})
    assert error.value.place == "seed.each.id"


def test_new_is_not_added_to_seeds():
    assert World({"seed": [{"id": 1}], "new": {"object": "item"}}).collection.items == [{"id": 1}]


# Snapshots, and what is put there from outside


def test_a_snapshot_brings_everything_back_however_often():
    world = World(SEEDED)
    before = world.collection.snapshot()
    for _ in range(2):
        world.ask("POST", "/items", {})
        world.ask("DELETE", "/items/1")
        world.ask("PUT", "/items/2", {})
        world.collection.restore(before)
        assert world.collection.snapshot() == before
    assert world.ask("POST", "/items", {}).json["id"] == 26


def test_a_copy_goes_its_own_way():
    world = World(SEEDED)
    twin = world.collection.copy()
    world.ask("DELETE", "/items/1")
    assert (len(twin), len(world.collection), twin.next_number) == (25, 24, 26)


def test_a_collection_can_be_filled_with_items_from_outside():
    world = World({"machine": {"initial": "open", "transitions": {"close": {"open": "closed"}}}})
    filled = world.resource.filled([{"id": 5, "status": "closed"}, {"a": 1}], world.scope_for)
    assert filled.items == [{"id": 5, "status": "closed"}, {"id": 6, "a": 1, "status": "open"}]
