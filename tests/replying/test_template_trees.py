"""Trees: templates in values and keys, types kept, constant parts shared, all flaws at once."""

import pytest
from template_scope import PLACE, a_scope

from mockserver.errors import InvalidInputError
from mockserver.templating.templates import TemplateError, compile_tree


def grown(tree, **words):
    return compile_tree(tree, PLACE).value(a_scope(**words))


def test_strings_anywhere_are_templates():
    tree = {"id": "{{ path.id }}", "list": [1, "{{ n }}", {"x": "n is {{ n }}"}], "flag": True, "none": None}

    assert grown(tree) == {"id": "ch_1", "list": [1, 4, {"x": "n is 4"}], "flag": True, "none": None}


def test_keys_are_templates_too_and_stay_texts():
    assert grown({"order.{{ n }}": 1, "{{ n }}": 2, "plain": 3}) == {"order.4": 1, "4": 2, "plain": 3}


def test_a_whole_expression_may_become_a_tree():
    assert grown({"data": "{{ vars.list }}", "reply": "{{ {'a': [now]} }}"}) == {
        "data": [3, 1, 2],
        "reply": {"a": ["2026-01-02T03:04:05Z"]},
    }


def test_the_order_of_keys_is_kept():
    assert list(grown({"b": 1, "{{ 'a' }}": 2, "c": "{{ 1 }}"})) == ["b", "a", "c"]


@pytest.mark.parametrize("tree", [5, None, True, "plain", [], {}, {"a": [1, {"b": "c"}]}, {1: "a"}])
def test_a_tree_without_templates_is_constant_and_the_same_object(tree):
    compiled = compile_tree(tree, PLACE)

    assert compiled.constant
    assert compiled.value(a_scope()) is tree


def test_constant_parts_are_shared():
    part = {"a": [1, 2]}

    assert grown({"part": part, "n": "{{ n }}"})["part"] is part


def test_a_raw_block_loses_its_marks_without_a_scope():
    assert grown({"a": "{% raw %}{{ x }}{% endraw %}"}) == {"a": "{{ x }}"}


def test_a_tree_knows_the_words_of_all_its_templates():
    tree = compile_tree({"{{ path.id }}": ["{{ request.method }}", {"a": "{{ uuid() }}"}]}, PLACE)

    assert (tree.names, tree.functions) == ({"path", "request"}, {"uuid"})


def test_all_flaws_come_at_once_each_with_its_place():
    with pytest.raises(InvalidInputError) as caught:
        compile_tree({"a": "{{ x }}", "b": ["ok", "{{ n | nope }}"], "{{ y }}": 1}, PLACE)

    assert [(flaw.path, flaw.at_key) for flaw in caught.value.flaws] == [
        (("reply", "json", "a"), False),
        (("reply", "json", "b", 1), False),
        (("reply", "json", "{{ y }}"), True),
    ]


def test_a_failing_template_names_its_own_place():
    tree = compile_tree({"a": [1, {"b": "{{ state.x }}"}]}, PLACE)

    with pytest.raises(TemplateError) as caught:
        tree.value(a_scope())

    assert str(caught.value).startswith("reply.json.a[1].b: state.x is undefined")


def test_what_one_template_sets_no_other_sees():
    names = frozenset({"x"})
    tree = compile_tree(
        ["{% set x = 1 %}{{ x }}", "{% if false %}{% set x = 2 %}{% endif %}{{ x }}"], PLACE, names=names
    )

    assert tree.value(a_scope(x=9)) == ["1", "9"]


def test_a_place_knows_only_the_words_that_it_is_told():
    with pytest.raises(InvalidInputError, match="'call' is not known in this place"):
        compile_tree(["{{ call.id }}"], PLACE, names=frozenset({"request"}))


def test_a_tree_that_is_nested_too_deeply_is_refused():
    tree = "{{ n }}"
    for _ in range(5000):
        tree = [tree]

    with pytest.raises(InvalidInputError, match="nested too deeply"):
        compile_tree(tree, PLACE)
