"""Resources as a client meets them: list, create, read, replace, merge, delete, and the transitions between states."""

from resource_world import World

SEEDED = {"seed": {"count": 25, "each": {"id": "{{ n }}", "name": "Item {{ n }}"}}}


def test_what_was_created_can_be_read_back():
    world = World({})
    created = world.ask("POST", "/items", {"name": "Pen"})
    assert (created.status, created.headers["Location"]) == (201, "/items/1")
    assert created.json == {"id": 1, "name": "Pen"}
    assert world.ask("GET", "/items/1").json == created.json


def test_a_decision_changes_nothing_until_it_is_committed():
    world = World(SEEDED)
    before = world.collection.items
    for method, path in [
        ("POST", "/items"),
        ("PUT", "/items/1"),
        ("PATCH", "/items/1"),
        ("DELETE", "/items/1"),
    ]:
        world.decide(method, path, {"name": "New"})
    assert world.collection.items == before
    assert world.collection.next_number == 26
