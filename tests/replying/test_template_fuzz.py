"""Whatever is written as a template is refused, fails or renders: nothing else comes out, and quickly."""

import os
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cost import cheap
from template_scope import PLACE, a_scope

from mockserver.errors import InvalidInputError
from mockserver.templating.filters import FILTERS
from mockserver.templating.functions import FUNCTIONS
from mockserver.templating.methods import NAMES
from mockserver.templating.piping import SPECIAL_FILTERS
from mockserver.templating.templates import TemplateError, compile_text
from mockserver.templating.tests import TESTS

EXAMPLES = int(os.environ.get("TEMPLATE_EXAMPLES", "250"))
TOKENS = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{{-", "-}}", "if", "else", "elif", "endif", "for", "in", "endfor", "set", "=", "is", "not", "and",
    "or", "raw", "endraw", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+", "-", "*", "**", "/", "//", "%", "<", ">=", "==", "'", '"', "\\", "\r\n",
    "\n", " ", "1", "1e9", "999999999999", "0.5", "-1", "'a'", "''", "none", "true", "request", "json", "items", "path", "state", "now", "loop", "x", "x, y",
    "macro", "include", "block", "endblock", "recursive", "fake.name()", "__class__", "é", "\x00", "\ud800", "\x1c",
]  # fmt: skip
VALUES = [
    "0", "-1", "3", "2.5", "1e308", "10000000000", "true", "none", "''", "'a'", "'%Y'", "'+3d'", "'é\\n<\\ud800'", "'$.a'", "'$..[?@.x]'", "[]", "[3, 'a', none]",
    "[[1, 2], [3, 4]]", "{}", "{'a': 1}", "{'a': {'b': [1]}}", "now", "request", "request.json", "request.query", "request.headers", "request.body", "state",
    "vars.list", "vars.nope", "range(5)", "'a' * 5000", "range(5000)", "call", "item",
]  # fmt: skip

values = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.one_of(
        st.builds("({} | {})".format, inner, st.sampled_from(sorted({*FILTERS, *SPECIAL_FILTERS}))),
        st.builds(
            "({} | {}({}))".format, inner, st.sampled_from(sorted({*FILTERS, *SPECIAL_FILTERS})), inner
        ),
        st.builds("({} | map('{}', {}))".format, inner, st.sampled_from(sorted(FILTERS)), inner),
        st.builds("({} | select('{}', {}))".format, inner, st.sampled_from(sorted(TESTS)), inner),
        st.builds(
            "({} is {}({}))".format, inner, st.sampled_from([name for name in TESTS if name.isalpha()]), inner
        ),
        st.builds("({}).{}()".format, inner, st.sampled_from(sorted(NAMES))),
        st.builds("({}).{}({})".format, inner, st.sampled_from(sorted(NAMES)), inner),
        st.builds("({}).{}({}, {})".format, inner, st.sampled_from(sorted(NAMES)), inner, inner),
        st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), inner),
        st.builds("{}({}, {})".format, st.sampled_from(sorted(FUNCTIONS)), inner, inner),
        st.builds("date({}, {}, {})".format, inner, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({})[{}:{}:{}]".format, inner, inner, inner, inner),
        st.builds(
            "({} {} {})".format,
            inner,
            st.sampled_from(["+", "-", "*", "/", "//", "%", "~", "<", "==", "in"]),
            inner,
        ),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("(-{})".format, inner),
    ),
    max_leaves=5,
)
quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize="TEMPLATE_EXAMPLES" not in os.environ)  # fmt: skip


def tried(source):
    def work():
        with suppress(InvalidInputError, TemplateError):
            template = compile_text(source, PLACE)
            template.render(a_scope())
            template.value(a_scope())

    cheap(3, work)


@quick
@given(st.lists(st.sampled_from(TOKENS), max_size=25).map("".join))
def test_any_text_is_refused_or_renders(source):
    tried(source)


@quick
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map(lambda parts: "{{ " + " ".join(parts) + " }}"))
def test_any_expression_is_refused_or_renders(source):
    tried(source)


@quick
@given(values)
def test_any_call_on_any_value_fails_or_renders(expression):
    tried("{{ " + expression + " }}")
