"""The index that leads from a path which no route takes to the few routes that may have been meant."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.matching.index import Entry, Index
from mockserver.matching.mismatch import likeness
from mockserver.matching.paths import PathPattern
from mockserver.schema.base import parse_request_line


def index_of(lines):
    index = Index()
    for i, line in enumerate(lines):
        parsed = parse_request_line(line)
        index.add(Entry((i,), parsed.methods, PathPattern(parsed.path), line))
    return index


def likely(index, line, is_active=lambda _: True):
    method, _, path = line.partition(" ")
    return index.likely(method, path, is_active)


MANY = {
    "GET /v1/thing2718/{id}/parts": [f"GET /v1/thing{i}/{{id}}/parts" for i in range(5000)],
    "POST /r9": [f"POST /r{i}" for i in range(1, 40)],
    "GET /api/v2/invoices": [f"GET /api/v2/{a}{b}s" for a in ("invoice", "order", "charge", "user") for b in ("", "-item", "-note", "-file")],
    "GET /stripe/v1/customers/{id}": [f"GET /{a}/v1/{b}/{{id}}" for a in ("adyen", "stripe", "square") for b in ("customers", "charges", "refunds")],
}  # fmt: skip


@functools.cache
def index_around(meant):
    return index_of(MANY[meant])


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("GET /v1/thin2718/7/parts", "GET /v1/thing2718/{id}/parts"),
        ("GET /v1/thing2718/7/part", "GET /v1/thing2718/{id}/parts"),
        ("GET /V1/THING2718/7/parts", "GET /v1/thing2718/{id}/parts"),
        ("GET /v1%2Fthing2718/7/parts", "GET /v1/thing2718/{id}/parts"),
        ("POST /r9x", "POST /r9"),
        ("GET /api/v2/invoce", "GET /api/v2/invoices"),
        ("GET /invoices", "GET /api/v2/invoices"),
        ("GET /v1/customers/cus_1", "GET /stripe/v1/customers/{id}"),
    ],
)
def test_the_route_that_was_meant_is_among_the_likely_ones(sent, meant):
    assert meant in likely(index_around(meant), sent)


@pytest.mark.parametrize(
    "path", ["/v1/thing27", "/" + "%2f" * 40_000, "/a" * 60_000, "/th" * 20_000, "/{" * 500, "/é%zz"]
)
def test_the_paths_that_are_looked_at_are_bounded(path):
    """5,000 routes, and each has every segment of the path or every pair of its letters."""
    index = index_around("GET /v1/thing2718/{id}/parts")

    visited = [len(paths) for paths, _ in index._likeness._visited(likeness._features(path))]

    assert sum(visited) <= likeness.MOST_VISITS
    assert len(likely(index, f"GET {path}")) <= likeness.MOST_TARGETS


def test_of_many_routes_on_one_path_those_with_the_method_come_first():
    index = index_of(["GET /rpc"] * 300 + ["POST /rpc"])

    found = likely(index, "POST /rpcs")

    assert found[0] == "POST /rpc"
    assert len(found) == likeness.MOST_TARGETS


def test_routes_that_are_not_active_leave_room_for_others():
    index = index_of([f"GET /thing{i}" for i in range(50)])

    assert likely(index, "GET /thing", lambda route: route == "GET /thing42") == ["GET /thing42"]


def test_a_path_of_parameters_alone_is_likely_for_any():
    assert likely(index_of(["GET /{id}", "GET /{a}/{b}", "GET /"]), "GET /7/") == [
        "GET /{id}",
        "GET /{a}/{b}",
        "GET /",
    ]


@given(st.lists(st.sampled_from(["/ab/{x}", "/ab", "/{x}", "/b{x}c/ab", "/{x:.+}"]), max_size=8), st.data())
def test_what_was_removed_is_not_likely_any_more(paths, data):
    index: Index[int] = Index()
    entries = [Entry((i,), frozenset({"GET"}), PathPattern(path), i) for i, path in enumerate(paths)]
    for entry in entries:
        index.add(entry)
    gone = data.draw(st.sets(st.sampled_from(range(len(entries))))) if entries else set()
    for i in gone:
        index.remove(entries[i])

    assert not gone & set(index.likely("GET", "/ab/abc", lambda _: True))
    fresh: Index[int] = Index()
    for i, entry in enumerate(entries):
        if i not in gone:
            fresh.add(entry)
    assert set(index.likely("GET", "/ab/abc", lambda _: True)) == set(
        fresh.likely("GET", "/ab/abc", lambda _: True)
    )


segments = st.sampled_from(["a", "ab", "abc", "abcd", "b", "bc", "cd", "abcabc", "{x}"])
some_paths = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(
    st.lists(some_paths.map(lambda path: path.replace("{x}", "x")), min_size=12, max_size=40, unique=True),
    some_paths,
    st.sets(st.integers(0, 39)),
)
def test_the_paths_with_the_largest_common_share_are_found_in_their_order(paths, sent, inactive):
    """Ranked one by one here; the index ranks only those that can be among the first."""
    index = index_of([f"GET {path}" for path in paths])
    active = {f"GET {path}" for i, path in enumerate(paths) if i not in inactive}
    asked = likeness._features(sent)
    ranked = []
    for number, path in enumerate(paths):
        own = likeness._features(path)
        common = sum(weight for feature, weight in asked.items() if feature in own)
        if common and f"GET {path}" in active:
            share = common / (1 + sum(asked.values()) + sum(own.values()) - common)
            ranked.append((-share, number, f"GET {path}"))

    found = likely(index, f"GET {sent}", active.__contains__)

    assert found == [line for _, _, line in sorted(ranked)[: likeness.MOST_PATHS]]
