"""Routes on one path, told apart by a field: the look-up gives what a scan would have given."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import InvalidInputError
from mockserver.matching.field_index import Narrowing
from mockserver.matching.matcher import compile_match
from mockserver.model.http import Request
from mockserver.schema.match import MatchSpec

scalars = st.one_of(
    st.sampled_from(["a", "b", "1", ""]), st.sampled_from([0, 1, 2.0, 1.0]), st.booleans(), st.none()
)
fields = st.sampled_from(["kind", "id"])
specs = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"json": st.dictionaries(fields, scalars, min_size=1)}),
    st.fixed_dictionaries(
        {"headers": st.dictionaries(st.sampled_from(["x-a", "X-B"]), st.sampled_from(["a", "b"]), min_size=1)}
    ),
    st.fixed_dictionaries({"query": st.dictionaries(fields, st.sampled_from(["a", "b"]), min_size=1)}),
    st.just({"json": {"kind": {"$one_of": ["a", "b"]}}}),
)
bodies = st.one_of(
    st.dictionaries(fields, st.one_of(scalars, st.just(["a"]), st.just({"a": 1}))).map(
        lambda body: json.dumps(body).encode()
    ),
    st.sampled_from([b"", b"{", b"[1]", b'"a"']),
)
requests = st.builds(
    lambda body, headers, query: Request("POST", "/x" + query, headers, body),
    bodies,
    st.lists(st.tuples(st.sampled_from(["X-A", "x-b"]), st.sampled_from(["a", "b"])), max_size=3),
    st.sampled_from(["", "?kind=a", "?kind=a&kind=b", "?id=b"]),
)


def no_files(name, path):
    raise InvalidInputError([])


@given(st.lists(specs, min_size=1, max_size=12), requests)
def test_narrowed_candidates_match_as_all_of_them_do(written, request):
    matchers = tuple(compile_match(MatchSpec.model_validate(one), no_files) for one in written)
    narrowing = Narrowing(matchers, lambda matcher: matcher.equalities)

    left = narrowing.candidates(request)

    assert [one for one in left if one.holds(request)] == [one for one in matchers if one.holds(request)]


def test_of_a_hundred_routes_one_field_leaves_one():
    matchers = tuple(
        compile_match(MatchSpec.model_validate({"json": {"action": f"a{i}"}}), no_files) for i in range(100)
    )

    left = Narrowing(matchers, lambda matcher: matcher.equalities).candidates(
        Request("POST", "/", (), b'{"action": "a7"}')
    )

    assert left == (matchers[7],)
