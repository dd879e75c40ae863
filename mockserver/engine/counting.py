"""How often something was called, and whether that number is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.errors import Flaw, InvalidInput, KeyPath
from mockserver.matching.matcher import Matcher, compile_match
from mockserver.matching.paths import PathPattern
from mockserver.model.base import parse_request_line
from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.model.verify import SubjectSpec


@dataclass(frozen=True, slots=True)
class Count:
    """`exact` is false where the answer would need dropped records or cut bodies."""

    count: int
    exact: bool = True


class Subject:
    """What is counted: the calls of a route, or those of a request line with conditions."""

    __slots__ = ("_known", "_matcher", "_methods", "_pattern", "_seen", "route_id", "text")

    def __init__(self, ns: Namespace, spec: SubjectSpec, path: KeyPath = ()) -> None:
        """Raises InvalidInput; NoSuchRoute for an unknown route."""
        self.route_id: str | None = None
        self._matcher: Matcher | None = None
        self._seen = 0
        self._known: dict[int, bool] = {}
        """Of the calls that a matcher has judged, by their number: whether they are some of them."""
        if spec.route is not None:
            self.route_id = route_named(ns, spec.route, (*path, "route")).id
            self.text = spec.route
            return
        assert spec.request is not None
        line = parse_request_line(spec.request)
        self.text = spec.request
        self._methods = line.methods
        self._pattern = _pattern(line.path, (*path, "request"))
        if spec.match is not None:
            self._matcher = _matcher(spec, path)
            self.text += " with its match"

    def holds(self, call: Call) -> bool:
        """Whether it is one of them."""
        if not call.request.complete:
            return False
        if self.route_id is not None:
            return call.route_id == self.route_id
        request = call.request
        if self._methods is not None and request.method not in self._methods:
            return False
        if self._pattern.match(request.path) is None:
            return False
        if self._matcher is None:
            return True
        known = self._known.get(call.number)
        if known is None:
            known = self._known[call.number] = self._matcher.holds(request)
            if call.outcome is not Outcome.OPEN:
                request.forget_parsed()
        return known

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Looks at one recorded call after the other, so that what is asked afterwards is quick."""
        if self._matcher is not None:
            for call in ns.record.glimpses(self._seen):
                self._seen = call.number
                self.holds(call)
                yield

    def calls(self, ns: Namespace) -> Iterator[Call]:
        """Those that are still recorded, oldest first."""
        return (call for call in ns.record if self.holds(call))

    def count(self, ns: Namespace) -> Count:
        if self.route_id is not None:
            return Count(ns.counts.calls_of(self.route_id))
        if self._matcher is None and not ns.counts.lines_lost:
            return Count(self._count_lines(ns))
        if self._matcher is None:
            found = sum(map(self.holds, ns.record.glimpses()))
        else:
            for _ in self.steps(ns):
                pass
            first = ns.record.first_kept or ns.last_number + 1
            found = sum(holds for number, holds in self._known.items() if number >= first)
        return Count(found, exact=not ns.record.dropped and (self._matcher is None or not ns.record.cut))

    def _count_lines(self, ns: Namespace) -> int:
        fits: Callable[[str, str], bool] = lambda method, path: (  # noqa: E731
            (self._methods is None or method in self._methods) and self._pattern.match(path) is not None
        )
        return sum(count for (method, path), count in ns.counts.lines.items() if fits(method, path))


def _pattern(path: str, where: KeyPath) -> PathPattern:
    try:
        return PathPattern(path)
    except InvalidInput as why:
        raise InvalidInput(flaw.under(*where) for flaw in why.flaws) from why


def _matcher(spec: SubjectSpec, path: KeyPath) -> Matcher:
    assert spec.match is not None
    try:
        return compile_match(spec.match, _no_files)
    except InvalidInput as why:
        raise InvalidInput(flaw.under(*path, "match") for flaw in why.flaws) from why


def _no_files(name: str, path: KeyPath) -> bytes:
    raise InvalidInput(
        Flaw(path, f"{name!r} is a file, and a check has no folder", "Write the schema inline")
    )
