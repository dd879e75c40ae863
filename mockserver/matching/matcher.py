"""
Compiled `match` mappings: a fast test, and the differences of each field on demand.

All mistakes are found when a scenario is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING

from mockserver.errors import Flaw, InvalidInputError, KeyPath, MissingExtraError, ReadFile
from mockserver.matching import body, checks
from mockserver.matching.checks import BODY, HEAVY, MOST_READ_BYTES, Equalities, MatchCheck
from mockserver.matching.client_certs import client_cert
from mockserver.matching.conditions import Condition
from mockserver.matching.field_index import ComparedValue, Part, SentValues
from mockserver.matching.graphql_requests import graphql
from mockserver.matching.jsonpath import jsonpath
from mockserver.matching.mismatch.differences import MOST_DIFFERENCES
from mockserver.matching.operators import OPERATORS
from mockserver.matching.reading import Reader, ReadingDialect
from mockserver.matching.schema import schema
from mockserver.matching.uploads import upload
from mockserver.matching.xml.xpath import xml
from mockserver.model.http import ABSENT, Request
from mockserver.model.mismatch import Difference
from mockserver.schema.match import MatchSpec

if TYPE_CHECKING:
    from mockserver.matching.web_tokens import Lapses
    from mockserver.schema.match import JwtMatchSpec

MOST_SEARCHED_BYTES = 4 << 10
"""Like MOST_READ_BYTES, for checks that may search the complete body: schemas, JSONPath, XPath, GraphQL."""
_MOST_EQUALITIES = 200
"""Maximum number of values that are compared to estimate the distance of a request."""

_Estimate = tuple[MatchCheck, bool, tuple[tuple[Part, frozenset[str], ComparedValue], ...]]
"""A check, whether it reads the body, and the values that it requires."""


class Matcher:
    """
    Compiled conditions on a request; without any, every request matches.

    `equalities` are scalars that a request must have, such as `{("json", ("order", "id")): 42, ("headers",
    ("x-amz-target",)): "SQS.Send"}`: they are necessary, so that routes can be indexed by them, but not sufficient. `lapses` is set if
    a match also depends on the time.
    """

    __slots__ = ("_checks", "_estimates", "_in_order", "conditions", "equalities", "holds", "lapses")

    def __init__(self, checks: list[MatchCheck], lapses: Lapses | None = None) -> None:
        self.lapses = lapses
        self._checks = tuple(checks)
        self._in_order = tuple(sorted(checks, key=lambda check: check.cost))
        self._estimates: tuple[_Estimate, ...] | None = None
        self.conditions = sum(check.count for check in checks)
        self.equalities: Equalities = {}
        for check in checks:
            self.equalities.update(check.equalities)
        self.holds = _all([check.holds for check in self._in_order])

    def holds_at(self, request: Request, now_s: Callable[[], float]) -> bool:
        """Whether the request matches at that time, in Unix seconds."""
        return self.holds(request) and (self.lapses is None or not self.lapses(request, now_s()))

    def differences_at(self, request: Request, now_s: float) -> list[Difference]:
        """Return all differences at that time."""
        lapsed = self.lapses(request, now_s) if self.lapses is not None else []
        return [*self.differences(request), *lapsed]

    def also(self, check: MatchCheck) -> Matcher:
        """Return the same with one more check."""
        return Matcher([*self._checks, check], self.lapses)

    def differences(self, request: Request) -> list[Difference]:
        """Return all differences, in the order of the keys; empty if the request matches."""
        return self._explained(request, self._checks)

    def quick_differences(self, request: Request, *, tested: bool) -> list[Difference]:
        """
        Return the differences that are cheap to compute, for an unmatched request.

        `tested`: the matcher was tested before; then the checks up to the one that failed have decoded their parts of
        the request already.
        """
        size = len(request.body)
        cost = BODY if size > MOST_READ_BYTES else HEAVY if size > MOST_SEARCHED_BYTES else math.inf
        checks = [check for check in self._checks if check.cost < cost]
        if tested and len(checks) < len(self._checks):
            failed = next((i for i, check in enumerate(self._in_order) if not check.holds(request)), 0)
            reached = self._in_order[: failed + 1]
            checks = [check for check in self._checks if check in checks or check in reached]
        return self._explained(request, checks)

    def misfit(self, sent: SentValues, tested: bool) -> float:
        """Estimate the distance of the request from a match, at low cost. `tested` as above."""
        if self._estimates is None:
            self._estimates = tuple(_estimate(check) for check in self._in_order if check.cost < HEAVY)
        far = 0.0
        for check, in_body, values in self._estimates:
            if in_body and sent.is_long and (far or not tested):
                break
            by_value = 0.0
            for part, pairs, value in values:
                sent_pairs, others = sent[part]
                by_value += 1.0 if pairs.isdisjoint(sent_pairs) else min(map(value.apart, others))
            far += by_value or (0.0 if check.holds(sent.request) else 1.0)
        return far

    def _explained(self, request: Request, checks: Sequence[MatchCheck]) -> list[Difference]:
        differences: dict[tuple[str, str], Difference] = {}
        for check in checks:
            for difference in check.explain(request):
                differences[difference.where, difference.text] = difference
            if len(differences) >= MOST_DIFFERENCES:
                break
        return list(differences.values())[:MOST_DIFFERENCES]


def _estimate(check: MatchCheck) -> _Estimate:
    values = [
        (_shared(part), ComparedValue(value))
        for part, value in islice(check.equalities.items(), _MOST_EQUALITIES)
    ]
    return check, check.cost >= BODY, tuple([(part, value.pairs, value) for part, value in values])


@lru_cache(maxsize=1_000)
def _shared(part: Part) -> Part:
    return part


def _all(tests: list[Callable[[Request], bool]]) -> Callable[[Request], bool]:
    if not tests:
        return lambda _: True
    if len(tests) == 1:
        return tests[0]
    in_order = tuple(tests)

    def holds(request: Request) -> bool:
        for test in in_order:  # noqa: SIM110  (a generator costs more than the tests)
            if not test(request):
                return False
        return True

    return holds


def compile_match(spec: MatchSpec, read_file: ReadFile) -> Matcher:
    """
    Compile a `match`. Raises InvalidInputError with every flaw, with paths relative to the mapping.

    `read_file` returns schemas. If the only flaws are missing extras, the error is MissingExtraError.
    """
    flaws: list[Flaw] = []
    lacking: list[MissingExtraError] = []
    made: list[MatchCheck] = []
    for make in _makers(spec, flaws, read_file):
        try:
            made += make()
        except MissingExtraError as error:
            lacking.append(error)
        except InvalidInputError as error:
            flaws += error.flaws
    if lacking and not flaws:
        raise lacking[0]
    if flaws or lacking:
        raise InvalidInputError([*flaws, *(flaw for error in lacking for flaw in error.flaws)])
    return Matcher(made, _lapses(spec))


Maker = Callable[[], Iterable[MatchCheck]]


def _makers(spec: MatchSpec, flaws: list[Flaw], read_file: ReadFile) -> Iterator[Maker]:
    """Yield one function for each key, so that the flaws of one key don't hide those of others."""

    def reader(*path: str, dialect: ReadingDialect = ReadingDialect.TEXT) -> Reader:
        return Reader(OPERATORS, dialect, path, flaws)

    yield lambda: (checks.header(n, reader("headers", n).read(w)) for n, w in spec.headers.items())
    yield lambda: (checks.query(n, reader("query", n).read(w)) for n, w in spec.query.items())
    if spec.has("query_exact"):
        yield lambda: (checks.query(n, reader("query_exact", n).read(w)) for n, w in spec.query_exact.items())
        yield lambda: [checks.query_alone(spec.query_exact)]
    yield lambda: (checks.cookie(n, reader("cookies", n).read(w)) for n, w in spec.cookies.items())
    if spec.form or spec.has("form_exact"):
        yield lambda: [body.form_itself({**spec.form, **spec.form_exact})]
    yield lambda: (checks.form(n, reader("form", n).read(w)) for n, w in spec.form.items())
    if spec.has("form_exact"):
        yield lambda: (checks.form(n, reader("form_exact", n).read(w)) for n, w in spec.form_exact.items())
        yield lambda: [checks.form_alone(spec.form_exact)]
    if spec.files:
        yield lambda: [body.files_itself(spec.files)]
    yield lambda: (upload(n, w, reader("files", n)) for n, w in spec.files.items())
    if spec.has("json_"):
        yield lambda: [body.json(reader("json", dialect=ReadingDialect.TREE).read(spec.json_))]
    if spec.has("json_exact"):
        yield lambda: [body.json(reader("json_exact", dialect=ReadingDialect.EXACT).read(spec.json_exact))]
    for query, written in spec.jsonpath.items():
        yield partial(
            _queried, jsonpath, query, written, reader("jsonpath", query, dialect=ReadingDialect.FOUND)
        )
    if spec.has("schema_"):
        yield lambda: [schema(spec.schema_, ("schema",), read_file)]
    if spec.has("text"):
        yield lambda: [body.text(reader("text").read(body.emptiness(spec.text)))]
    for query, written in spec.xml.items():
        yield partial(_queried, xml, query, written, reader("xml", query))
    if spec.has("xml_exact"):
        yield lambda: [_xml_exact(spec, read_file)]
    if spec.has("xml_schema"):
        yield lambda: [_xml_schema(spec, read_file)]
    if spec.has("graphql"):
        yield lambda: graphql(spec.graphql, reader("graphql"))
    if spec.has("message"):
        yield lambda: [body.message(reader("message", dialect=ReadingDialect.TREE).read(spec.message))]
    if spec.has("messages"):
        yield lambda: [body.messages(reader("messages", dialect=ReadingDialect.TREE).read(spec.messages))]
    if spec.has("arguments"):
        yield lambda: [body.arguments(reader("arguments", dialect=ReadingDialect.TREE).read(spec.arguments))]
    if spec.has("body_sha256"):
        yield lambda: [body.sha256(reader("body_sha256").read(body.lower(spec.body_sha256)))]
    if spec.jwt is not None:
        yield partial(_jwt, spec.jwt, reader("jwt"))
    if spec.has("client_cert"):
        yield lambda: client_cert(spec.client_cert, reader("client_cert"))


def _jwt(spec: JwtMatchSpec, reader: Reader) -> Iterable[MatchCheck]:
    from mockserver.matching.web_tokens import jwt  # few scenarios need it

    return jwt(spec, reader)


def _lapses(spec: MatchSpec) -> Lapses | None:
    if spec.jwt is None:
        return None
    from mockserver.matching.web_tokens import lapses

    return lapses(spec.jwt)


def _queried(
    make: Callable[[str, Condition, KeyPath], MatchCheck], query: str, written: object, place: Reader
) -> list[MatchCheck]:
    return [make(query, place.read(written), place.path)]


def _xml_exact(spec: MatchSpec, read_file: ReadFile) -> MatchCheck:
    from mockserver.matching.xml.equality import xml_exact  # few routes have it

    return xml_exact(spec.xml_exact, ("xml_exact",), read_file)


def _xml_schema(spec: MatchSpec, read_file: ReadFile) -> MatchCheck:
    from mockserver.matching.xml.xsd import xml_schema  # few routes have it

    return xml_schema(spec.xml_schema, ("xml_schema",), read_file)


def compile_tree_condition(value: object, path: KeyPath = ()) -> Condition:
    """Compile a condition on a JSON value, as in `json`: a mapping names fields, operators have a dollar."""
    flaws: list[Flaw] = []
    condition = Reader(OPERATORS, ReadingDialect.TREE, path, flaws).read(value)
    if flaws:
        raise InvalidInputError(flaws)
    return condition


def compile_condition(value: object, path: KeyPath = (), *, text: bool = False) -> Condition:
    """
    Compile a condition on one value, or ABSENT, with operators without a dollar.

    `text`: the value is a text, and numbers stand for their text, as in headers; otherwise, it is JSON. Raises
    InvalidInputError with every flaw, below `path`.
    """
    flaws: list[Flaw] = []
    dialect = ReadingDialect.TEXT if text else ReadingDialect.BARE
    condition = Reader(OPERATORS, dialect, path, flaws).read(value)
    if flaws:
        raise InvalidInputError(flaws)
    if not text:
        return condition
    test = condition.holds
    return Condition(
        lambda text_value: test([] if text_value is ABSENT else [text_value]),
        condition.said,
        condition.written,
        count=condition.count,
    )
