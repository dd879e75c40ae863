"""What `mockserver check` warns of: routes, cases and steps that nothing can reach, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.engine.routes import Route
from mockserver.engine.scenario_set import ScenarioSet, entry_of
from mockserver.errors import KeyPath, dotted
from mockserver.matching.index import Index
from mockserver.matching.paths import PathPattern, Segment
from mockserver.model.framing import has_body, is_chunked, is_length
from mockserver.model.written import as_text
from mockserver.responses.planner import Reply
from mockserver.schema.base import is_template
from mockserver.schema.reply import ReplySpec
from mockserver.verification.producible import unreached


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that can hardly be meant: in which route, where in it, and what. `other` is the second place."""

    route: Route
    path: KeyPath
    message: str
    hint: str
    other: Route | None = None


def doubts(scenario_set: ScenarioSet) -> Iterator[Doubt]:
    """Every doubt about a scenario set, in the order of its files."""
    index: Index[Route] = Index()
    written = [
        route for scenario in scenario_set.scenarios.values() for route in scenario.routes if route.answers
    ]
    for route in written:
        index.add(entry_of(route))
    for route in written:
        if "reply" not in route.data and "proxy" not in route.data:
            continue  # implied by a resource
        yield from _unreachable(route, index)
        yield from _sequence(route)
        yield from _prefix(route)
        yield from _unreached(route)
        for i, step in enumerate(route.spec.reply):
            yield from _reply(route, step, _step_path(route, i))
            yield from _length(route, step, _step_path(route, i), route.answers[i])


def _step_path(route: Route, i: int) -> KeyPath:
    return (*route.path, "reply", i) if isinstance(route.data.get("reply"), list) else (*route.path, "reply")


# Routes


def _unreachable(route: Route, index: Index[Route]) -> Iterator[Doubt]:
    for entry, _ in index.at(_sample(route.pattern)):
        earlier = entry.target
        if earlier is route or earlier.key > route.key:
            return
        if _takes_all(earlier, route):
            yield Doubt(
                route,
                route.path,
                f"can never answer: {earlier.id} takes all that it takes, and is asked earlier",
                "Give it a higher `priority`, put it first, or add conditions to the other",
                earlier,
            )
            return


def _sample(pattern: PathPattern) -> str:
    """A path that a pattern is likely to take: its text, parameters filled."""
    if pattern.literal is not None:
        return pattern.literal
    return "/" + "/".join(segment.text if segment.text is not None else "1" for segment in pattern.segments)


def _takes_all(earlier: Route, later: Route) -> bool:
    return (
        earlier.scenario.active
        and earlier.condition is None
        and not earlier.when
        and earlier.sequence.then != "stop"
        and (earlier.host is None or earlier.host == later.host)
        and _covers_methods(earlier.methods, later.methods)
        and _covers_path(earlier.pattern.segments, later.pattern.segments)
        and _covers_match(earlier.data.get("match") or {}, later.data.get("match") or {})
    )


def _covers_methods(earlier: frozenset[str] | None, later: frozenset[str] | None) -> bool:
    return earlier is None or (later is not None and later <= earlier)


def _covers_path(earlier: tuple[Segment, ...], later: tuple[Segment, ...]) -> bool:
    for i, segment in enumerate(earlier):
        if segment.tail:
            return (
                segment.source.endswith((":.*}", ":.+}"))
                and segment.source.startswith("{")
                and i < len(later)
            )
        if i >= len(later) or later[i].tail:
            return False
        if segment.text is not None:
            if segment.text != later[i].text:
                return False
        elif segment.pattern is not None:
            if segment.source != later[i].source:
                return False
        elif later[i].text == "":
            return False
    return len(earlier) == len(later)


def _covers_match(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    """Whether every condition of the one stands in the other too, word for word."""
    for kind, wanted in earlier.items():
        if kind not in later:
            return False
        if (
            isinstance(wanted, dict)
            and isinstance(later[kind], dict)
            and kind not in ("schema", "json_exact", "query_exact", "form_exact")
        ):
            if any(key not in later[kind] or later[kind][key] != value for key, value in wanted.items()):
                return False
        elif wanted != later[kind]:
            return False
    return True


def _prefix(route: Route) -> Iterator[Doubt]:
    first = route.pattern.segments[0].text or ""
    if first == "mock" or first.startswith("@"):
        what = "/mock as a prefix of the base URL" if first == "mock" else f"the namespace prefix /{first}"
        yield Doubt(
            route,
            (*route.path, "request"),
            f"begins with /{first}, so {what} gives way to it",
            "Mean it, or choose another path",
        )


def _unreached(route: Route) -> Iterator[Doubt]:
    for key, reason in unreached(route):
        yield Doubt(
            route,
            (*route.path, key),
            f"never happens: {reason}, and what stands on a route holds for replies below 400 that have none",
            "Write it on the reply that it belongs to, or add a reply below 400",
        )


# Sequences


def _sequence(route: Route) -> Iterator[Doubt]:
    sequence, expect = route.sequence, route.expect
    if expect is None or route.per is not None or any(span.for_s is not None for span in sequence.spans):
        return
    answers = sum(span.times for span in sequence.spans)
    before_last = answers - sequence.spans[-1].times
    path = (*route.path, "expect")
    if sequence.then == "stop" and expect.min > answers:
        yield Doubt(
            route,
            path,
            f"asks for {expect}, and the sequence stops after {answers}",
            "Lower `expect`, or add steps",
        )
    elif expect.max is not None and expect.max <= before_last:
        last = dotted(_step_path(route, len(sequence.spans) - 1))
        yield Doubt(
            route,
            path,
            f"allows {expect}, and {last} is reached only by call {before_last + 1}",
            "Raise `expect`, or drop the step",
        )


def _reply(route: Route, spec: ReplySpec, path: KeyPath) -> Iterator[Doubt]:
    if isinstance(spec.status, int) and not has_body(spec.status) and spec.body_kind is not None:
        yield Doubt(
            route,
            path,
            f"a {spec.status} has no body, so its `{spec.body_kind}` is never sent",
            "Use 200, or drop the body",
        )
    yield from _framing(route, spec, path)
    yield from _cors(route, spec, path)
    for i, option in enumerate(spec.choose or ()):
        yield from _reply(route, option, (*path, "choose", i))
    always = None
    for i, case in enumerate(spec.cases or ()):
        if always is not None:
            yield Doubt(
                route,
                (*path, "cases", i),
                f"can never be picked: {dotted((*path, 'cases', always))} has no conditions, and stands first",
                "Put the one without conditions last",
            )
            break
        if case.match is None and case.when is None and case.if_ is None:
            always = i
        yield from _reply(route, case, (*path, "cases", i))


def _cors(route: Route, spec: ReplySpec, path: KeyPath) -> Iterator[Doubt]:
    written = _written(spec, ("access-control-allow-origin", "access-control-allow-credentials"))
    if len(written) == 2 and route.scenario.cors is None:
        name, value = written["access-control-allow-origin"]
        if value.strip() == "*":
            yield Doubt(
                route,
                (*path, "headers", name),
                f"a browser refuses `{name}: *` beside credentials",
                "Write `cors: true` in the scenario: it answers with the origin that asks",
            )


# Framing headers, which the server corrects

_FRAMING = ("content-length", "transfer-encoding")


def _framing(route: Route, spec: ReplySpec, path: KeyPath) -> Iterator[Doubt]:
    """Those of which it is plain, whatever the body, that they are not sent as written."""
    written = _written(spec)
    has_chunks = written.get("transfer-encoding", ("", ""))[1].strip().lower() == "chunked"
    for lower, (name, value) in written.items():
        what, hint = f"`{name}: {value}` is not sent", f"Drop {name}: the server writes what fits the body"
        if (
            isinstance(spec.status, int)
            and not has_body(spec.status)
            and not _fits_bodiless(spec.status, lower, value.strip())
        ):
            yield Doubt(route, (*path, "headers", name), f"{what}: a {spec.status} has no body", hint)
        elif lower == "transfer-encoding" and not has_chunks:
            yield Doubt(route, (*path, "headers", name), f"{what}: only chunked is applied to a body", hint)
        elif lower == "content-length" and has_chunks:
            yield Doubt(route, (*path, "headers", name), f"{what}: the body is sent in chunks", hint)
        elif lower == "content-length" and not is_length(value.strip()):
            yield Doubt(route, (*path, "headers", name), f"{what}: it is not a length", hint)


def _length(route: Route, spec: ReplySpec, path: KeyPath, answer: object) -> Iterator[Doubt]:
    """A Content-Length that is another than that of a body which never varies."""
    written = _written(spec)
    if not isinstance(answer, Reply) or answer.ready is None or "content-length" not in written:
        return
    name, value = written["content-length"]
    response = answer.ready.response
    length = len(response.body)
    is_known_alone = not length and route.methods == frozenset({"HEAD"})
    if (
        has_body(response.status)
        and not is_chunked(response.headers)
        and is_length(value.strip())
        and not is_known_alone
        and int(value) != length
    ):
        yield Doubt(
            route,
            (*path, "headers", name),
            f"`{name}: {value}` is not sent: the body has {length} bytes",
            f"Drop {name}: the server writes it. `fault: truncate` sends less than was promised",
        )


def _fits_bodiless(status: int, name: str, value: str) -> bool:
    fits = is_length(value) if status == 304 else status == 205 and value == "0"
    return name == "content-length" and fits


def _written(spec: ReplySpec, names: tuple[str, ...] = _FRAMING) -> dict[str, tuple[str, str]]:
    """Those headers of a reply that are no templates: name and value as written, by the name in lower case."""
    written = {}
    for name, value in spec.headers.items():
        text = as_text(value[0] if isinstance(value, list) and value else value)
        if name.lower() in names and (spec.raw or not is_template(text)):
            written[name.lower()] = (name, text)
    return written
