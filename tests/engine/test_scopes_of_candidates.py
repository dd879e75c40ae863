"""Variables and random values in the conditions of candidate routes."""

from support.engine import InMemory

from mockserver.templating.random_values import Draws

UNKNOWN = "{request: POST /a, if: \"request.json.kind == 'x'\", reply: 500}"


def test_each_condition_draws_the_random_values_of_its_own_route():
    """Whatever the conditions before it drew."""
    condition = "request.json.code == random_string(8)"
    routes = ", ".join(
        f'{{name: {name}, request: POST /a, if: "{condition}", reply: {{text: {name}}}}}'
        for name in ("first", "second", "third")
    )
    world = InMemory(f"routes: [{UNKNOWN}, {routes}, {{request: POST /a, reply: {{text: none}}}}]")

    for name in ("third", "first", "second", "none"):
        code = Draws(world.default.seed, f"shop/{name}", 0).text(8)
        assert world.ask("POST /a", json={"code": code}).response.body.decode() == name


def test_a_condition_sees_the_vars_of_its_own_scenario():
    route = '{request: POST /a, if: "request.json.kind == vars.kind", reply: {text: "{{ vars.kind }}"}}'
    world = InMemory({name: f"vars: {{kind: {name}}}\nroutes: [{route}]" for name in ("pay", "ship")})

    for name in ("ship", "pay"):
        assert world.ask("POST /a", json={"kind": name}).response.body.decode() == name


def test_a_condition_sees_its_own_path_parameters():
    routes = ", ".join(
        f'{{request: "GET /{pattern}", if: "path.{name} == \'1\'", reply: {{text: {name}}}}}'
        for name, pattern in (("shop", "{shop}/2"), ("item", "1/{item}"), ("other", "{other}/{none}"))
    )
    world = InMemory(f"routes: [{routes}]")

    assert world.ask("GET /1/2").response.body.decode() == "shop"
    assert world.ask("GET /1/1").response.body.decode() == "item"
    assert world.ask("GET /1/3").response.body.decode() == "other"
