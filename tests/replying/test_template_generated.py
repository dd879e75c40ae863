"""Generated functions: they come to what the closures come to, pay the same, and hold nothing that an author wrote."""

import re
from types import CodeType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from template_scope import PLACE, a_request, a_scope

from mockserver.model.http import Request
from mockserver.responses.bodies import compile_body, dump_json
from mockserver.schema.reply import ReplySpec
from mockserver.templating import texts
from mockserver.templating.parser import WORDS, TemplateContext
from mockserver.templating.scope import CHAR_LIMIT, PYTHON_ERRORS, STEP_LIMIT, RenderError
from mockserver.templating.templates import TemplateError, compile_predicate, compile_text, compile_tree
from mockserver.templating.values import explain

FORM = Request(
    "POST", "/a", [("Content-Type", "application/x-www-form-urlencoded")], b"amount=20&kind=card&kind=cash"
)
EXPRESSIONS = [
    "let.a",
    "let.a.b",
    "let['a'].b.c",
    "state.a",
    "let.a | default('x')",
    "let.a.b | default(let.c) | default('x')",
    "let.a | default([1])",
    "let.a | default(let.a.b | upper)",
    "let.a.b | default(random_int(1, 9))",
    "let.a | int",
    "let.a | default(0) | int < 3",
    "let.a | string == 'true'",
    "let.a == 'card'",
    "let.a != 1",
    "let.a >= 1.5",
    "not let.a",
    "not (let.a | default(none))",
    "let.a and let.c",
    "let.a or let.c or 'x'",
    "'yes' if let.a else let.c",
    "'yes' if let.a == true",
    "let.get('a', 'none')",
    "let.a.get('b')",
    "let.get(let.c, let.a)",
    "let.get(let.a)",
    "vars.get(let.a, let.c).b",
    "(request.form | default(request.json) | default({})).get('amount', '') | int",
    "(request.form | default(request.json)).kind in ['card', let.a]",
    "request.form.amount",
    "request.form.kind | default(let.a)",
    "request.json.amount | default(request.query.a) | int",
    "(request.form | default(request.json)).amount == '20'",
    "(let.a | default(random_int(1, 9))).b",
    "let.a in ['card', let.c]",
    "random_string(4) ~ let.a",
    "uuid() if let.c else random_string(2)",
    "let.a | upper | default('x')",
    "let.a | lower",
]
SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 3, 2.5, "", "card", "a", "true", "x" * 600, "1" * 1001, "\ud800"]
)
VALUES = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "c"]), below, max_size=3)
    ),
    max_leaves=6,
)
WORDS_OF_A_CALL = st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3)


def scope_of(let, request):
    scope = a_scope(let=let, request=request, state=let)
    scope.steps, scope.chars = STEP_LIMIT, CHAR_LIMIT
    return scope


def outcome(make, scope):
    """What it comes to, or the reason that it gives; and what is left of the budget."""
    try:
        found = make(scope)
    except (RenderError, *PYTHON_ERRORS) as error:
        found = type(error), explain(error) if isinstance(error, RenderError) else str(error)
    return repr(found), scope.steps, scope.chars


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=25)
@given(let=WORDS_OF_A_CALL, has_form=st.booleans())
def test_a_function_comes_to_what_its_closure_comes_to_and_pays_the_same(expression, let, has_form):
    request = FORM if has_form else a_request()
    for compiled in (TemplateContext.expression, TemplateContext.optional):
        reading = TemplateContext(WORDS, texts._TABLE, texts._OPTIONAL_TABLE)
        node = texts._whole_expression(texts._output_only(texts._parsed(f"{{{{ {expression} }}}}").body))
        closure = compiled(reading, node)
        writer = texts.Writer()
        function = writer.function(reading.code(closure)(writer))

        assert outcome(function, scope_of(let, request)) == outcome(closure, scope_of(let, request))


BODIES = [
    {"id": "{{ let.a }}", "fixed": {"é": [1, 2.5, None, True]}, "list": ["{{ let.b }}", "x", {"y": "{{ n }}"}]},
    {"a{{ n }}": "{{ let.a }}", "b": {"{{ n }}": 1}},
    {1: "{{ let.a }}", None: "{{ let.b }}", 2: {'q"\\': "{{ let.c }}"}},
    ["{{ let.a }}", [], {}, ["{{ let.b }}"]],
    {"text": "x {{ let.a }} \ud800 é"},
    "{{ let.a }}",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
@settings(max_examples=50)
@given(let=st.fixed_dictionaries({"a": VALUES, "b": VALUES, "c": VALUES}))
def test_the_json_of_a_reply_is_that_of_its_value(body, let):
    compiled = compile_body(ReplySpec.model_construct(_fields_set={"json_"}, json_=body), no_files, None)
    expected = dump_json(compile_tree(body, PLACE).value(a_scope(let=let)))

    assert compiled.render(a_scope(let=let)) == expected


def no_files(name, _path):
    raise AssertionError(name)


BAIT = [
    "{{ let['__import__(1)'] }}",
    "{{ let.k0 | default('t1') }}",
    "{{ let.scope.words | default(\"'''\\n\") }} \\x27 {{ let['a\"b'] | default('k1') }}",
    "{{ ['exec'] | first if let.x == '__builtins__' else 'open' }}",
    "{{ let.get('eval', 'compile') | replace('a', '__class__') }}",
]
FIXED_NAMES = {"values", "get", "__class__", "steps", "chars", "take_steps", "take_chars", "copy", "parts"}
NUMBERED = re.compile(r"[ktw][0-9]+")


def all_code(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from all_code(constant)


@pytest.mark.parametrize("source", BAIT)
def test_nothing_that_an_author_wrote_is_part_of_the_code(source):
    template = compile_text(source, PLACE)
    tree = compile_tree({"exec": source, "k1": [source], "{{ n }}eval": source}, PLACE)
    predicate = compile_predicate(source, PLACE)
    predicate.holds(a_scope())

    for function in (template.render, template.value, tree.value, tree.json(repr), predicate._value):
        assert function.__globals__["__builtins__"] == {}
        for code in all_code(function.__code__):
            names = {*code.co_names, *code.co_varnames} - FIXED_NAMES - {"scope", "error"}
            assert [name for name in names if not NUMBERED.fullmatch(name)] == []
            assert [one for one in code.co_consts if not isinstance(one, (int, type(None), CodeType))] == []


def test_a_function_is_made_when_it_is_first_asked_for():
    tree = compile_tree({"a": "{{ n }}"}, PLACE)

    with pytest.raises(AttributeError):
        object.__getattribute__(tree, "value")
    assert tree.value(a_scope()) == {"a": 4}
    assert object.__getattribute__(tree, "value") is tree.value


def test_a_tree_of_many_templates_leaves_the_later_ones_to_closures_and_comes_to_the_same():
    """Their values, their texts and their errors."""
    row = {"id": "{{ let.a }}", "text": "x{{ n }}", "{{ n }}": "{{ let.b | default(1) | int }}"}
    tree = compile_tree([row] * 300, PLACE)

    assert tree.value(a_scope(let={"a": "x"})) == [{"id": "x", "text": "x4", "4": 1}] * 300
    bound = [getattr(one, "__name__", "") for one in tree.value.__globals__.values()]
    assert sum(name.endswith("_by_closures") for name in bound) > 600
    for broken in ("{{ let.none }}", "x{{ let.none }}"):
        with pytest.raises(TemplateError) as caught:
            compile_tree([row] * 300 + [broken], PLACE).value(a_scope(let={"a": "x"}))
        assert str(caught.value) == "reply.json[300]: let.none is undefined. Known here: a."
