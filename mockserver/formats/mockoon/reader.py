"""
Read environments of Mockoon: a file of the application or of its command line, an older export, or a folder of them.

Each response with rules becomes a route of its own; the default response is the last one, without conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver.formats.mockoon import rules
from mockserver.formats.mockoon.replies import MockoonReplies
from mockserver.formats.mocks.paths import ANY_PATH, literal_path
from mockserver.formats.mocks.queries import sure
from mockserver.formats.mocks.replies import sequence, short
from mockserver.formats.mocks.requests import Atom, PathTest, route_of
from mockserver.formats.mocks.routes import proxy_route, unique_name
from mockserver.formats.mocks.sources import FAILURES, documents, files_below, listed, refused, text_of
from mockserver.formats.reading import free_name, pretty
from mockserver.recording.conversion import Document, Imported, Losses, NotConvertibleError
from mockserver.schema.base import has_templates
from mockserver.schema.resource import ResourceSpec

_ENVIRONMENT = {
    "uuid", "lastMigration", "name", "endpointPrefix", "latency", "port", "hostname", "folders", "rootChildren", "routes",
    "proxyMode", "proxyHost", "proxyRemovePrefix", "tlsOptions", "cors", "headers", "proxyReqHeaders",
    "proxyResHeaders", "data", "callbacks", "routesFolder",
}  # fmt: skip
_ROUTE = {
    "uuid", "type", "documentation", "method", "endpoint", "responses", "responseMode", "enabled", "streamingMode",
    "streamingInterval", "randomResponse", "sequentialResponse",
}  # fmt: skip
_PARAMETER = re.compile(r":(\w+)(\((?:[^()\\]|\\.|\([^()]*\))*\))?|\*(\w*)|([()?+{}])", re.ASCII)
_MOST_CALLS = 1000


def read(source: Path) -> Imported:
    """A file or a folder. Raises InvalidInputError."""
    made = Imported()
    found = [
        (name, place, environment)
        for name, content in documents(source, (".json",))
        for place, environment in _environments(name, content)
    ]
    root = source if source.is_dir() else source.parent
    for name, place, environment in found:
        losses = Losses(name)
        folder = (root / name).parent
        try:
            _MockoonEnvironment(environment, place, folder, losses, several=len(found) > 1).into(made, name)
        except FAILURES as error:
            losses.failed(place, error, ", so this environment is left out")
        made.lost += losses
    return made


def _environments(name: str, content: object) -> list[tuple[str, dict[str, Any]]]:
    """Return the environments of a file with their places. Raises InvalidInputError."""
    if isinstance(content, dict):
        if isinstance(content.get("routes"), list):
            return [("", content)]
        if isinstance(content.get("data"), list):  # an export of versions before 1.16
            items = [item.get("item") if isinstance(item, dict) else None for item in content["data"]]
            return [
                (f"data[{number}].item", item)
                for number, item in enumerate(items)
                if isinstance(item, dict) and isinstance(item.get("routes"), list)
            ]
    raise refused(
        name, "no environment of Mockoon: `routes` is missing", "Name the data file of an environment"
    )


class _MockoonEnvironment:
    """Converts one environment to a scenario."""

    def __init__(
        self, environment: dict[str, Any], place: str, folder: Path, losses: Losses, *, several: bool
    ) -> None:
        self._environment = environment
        self._place = f"{place}." if place else ""
        self._losses = losses
        self._several = several
        self._replies = MockoonReplies(environment, files_below(folder), losses)
        self._resources: list[Document] = []
        losses.unknown(place, environment, _ENVIRONMENT)

    def into(self, made: Imported, source: str) -> None:
        environment = self._environment
        name = unique_name(text_of(environment.get("name") or Path(source).stem), made.scenarios)
        prefix = text_of(environment.get("endpointPrefix") or "").strip("/")
        parts = [re.sub(r"[^A-Za-z0-9._~-]+", "-", name)] if self._several else []
        base = "".join(f"/{part}" for part in [*parts, *([prefix] if prefix else [])])
        document: Document = {"scenario": name, **({"base": literal_path(base)} if base else {})}
        if environment.get("cors") is True:
            document["cors"] = True
        headers = self._replies.headers(environment.get("headers"), self._place, templated=True)
        if headers:
            document["defaults"] = {"headers": headers}
        routes = [route for number, route in self._ordered() for route in self._route(route, number)]
        routes += self._proxy(prefix)
        if self._replies.buckets.used:
            document["vars"] = self._replies.buckets.used
        document["routes"] = routes
        if self._resources:
            document["resources"] = self._resources
        self._lose_the_rest()
        made.scenarios[name] = document
        made.files |= self._replies.files
        made.remarks[name] = self._remarks(base)

    def _remarks(self, base: str) -> list[str]:
        remarks = []
        if self._several:
            remarks.append(f"Several environments came together: this one is served below {base}.")
        if self._resources:
            remarks.append(
                "Lists of resources are complete: `page`, `limit`, `sort` and filters of Mockoon have no effect."
            )
        return remarks

    def _lose_the_rest(self) -> None:
        tls = self._environment.get("tlsOptions")
        if isinstance(tls, dict) and tls.get("enabled") is True:
            self._losses.add(
                f"{self._place}tlsOptions", "TLS is an option of the server", "Use `mockserver serve --tls`"
            )
        for key in ("proxyReqHeaders", "proxyResHeaders"):
            if any(item.get("key") for item in listed(self._environment.get(key))):
                self._losses.add(f"{self._place}{key}", "headers of forwarded calls can't be changed here")

    def _ordered(self) -> Iterator[tuple[int, Any]]:
        """Yield the routes in matching order, that of the tree of folders, with their numbers in the file."""
        routes = listed(self._environment.get("routes"))
        numbers = {
            route.get("uuid"): number for number, route in enumerate(routes) if isinstance(route, dict)
        }
        folders = {folder.get("uuid"): folder for folder in listed(self._environment.get("folders"))}
        order: list[int] = []
        waiting = listed(self._environment.get("rootChildren"))[::-1]
        while waiting:
            child = waiting.pop()
            if child.get("type") == "folder":
                # A folder is read once, so that a file with a circle ends too.
                waiting += listed((folders.pop(child.get("uuid"), None) or {}).get("children"))[::-1]
            elif child.get("uuid") in numbers:
                order.append(numbers[child["uuid"]])
        rest = [number for number in range(len(routes)) if number not in set(order)]
        yield from ((number, routes[number]) for number in [*dict.fromkeys(order), *rest])

    def _route(self, route: Any, number: int) -> list[Document]:
        place = f"{self._place}routes[{number}]"
        try:
            self._losses.unknown(place, route, _ROUTE)
            if route.get("enabled") is False:
                self._losses.add(place, "it is disabled, so it is left out")
                return []
            if route.get("type") == "ws":
                raise NotConvertibleError("it is for WebSocket connections", "See docs/websocket.md")
            if route.get("type") == "crud":
                return list(self._collection(route, place))
            request = [Atom("path", PathTest("route", _path(text_of(route.get("endpoint") or ""))))]
            method = text_of(route.get("method") or "all").upper()
            if method != "ALL":
                request.append(Atom("method", frozenset([method])))
            return list(self._answers([request], route, place))
        except FAILURES as error:
            self._losses.failed(place, error, ", so this route is left out")
            return []

    def _answers(self, requests: list[list[Atom]], route: dict[str, Any], place: str) -> Iterator[Document]:
        """Yield routes for the responses of a route. Raises any of FAILURES."""
        responses = [
            (f"{place}.responses[{i}]", item) for i, item in enumerate(listed(route.get("responses")))
        ]
        chosen = _default(route)
        default = next(item for item in responses if item[1] is chosen)
        mode = _mode(route)
        if mode == "RANDOM" or (mode == "SEQUENTIAL" and len(responses) > 1):
            steps = [self._replies.reply(item, where) for where, item in responses]
            reply = (
                {"choose": [short(step) for step in steps]}
                if mode == "RANDOM"
                else sequence(steps, endless=False)
            )
            for request in requests:
                then = {"then": "cycle"} if mode == "SEQUENTIAL" and isinstance(reply, list) else {}
                yield sure({**route_of(request), "reply": reply, **then})
            return
        ruled = [item for item in responses if item[1].get("rules")] if not mode or mode == "FALLBACK" else []
        if ruled and not mode and (steps := self._by_number(ruled, default)):
            for request in requests:
                yield sure({**route_of(request), "reply": sequence(steps, endless=True)})
            return
        for where, response in ruled:
            yield from self._selected(requests, response, where)
        if mode != "FALLBACK":
            reply = short(self._replies.reply(default[1], default[0]))
            for request in requests:
                yield sure({**route_of(request), "reply": reply})

    def _selected(
        self, requests: list[list[Atom]], response: dict[str, Any], place: str
    ) -> Iterator[Document]:
        try:
            conditions = rules.alternatives(response, self._replies.schemas, self._losses, place)
            reply = short(self._replies.reply(response, place))
            made = [
                sure({**route_of([*request, *atoms]), "reply": reply})
                for request in requests
                for atoms in conditions
            ]
        except FAILURES as error:
            self._losses.failed(place, error, ", so this response is left out")
            return
        yield from made

    def _by_number(self, ruled: list[tuple[str, Any]], default: tuple[str, Any]) -> list[dict[str, Any]]:
        """Return a sequence if each rule is the number of a call; empty otherwise."""
        numbers: dict[int, tuple[str, Any]] = {}
        for item in ruled:
            number = rules.call_number(item[1])
            if number is None or number > _MOST_CALLS:
                return []
            numbers.setdefault(number, item)
        made = {where: self._replies.reply(item, where) for where, item in [*ruled, default]}
        steps = [made[numbers.get(number, default)[0]] for number in range(1, max(numbers) + 1)]
        return [*steps, made[default[0]]]

    # Collections

    def _collection(self, route: dict[str, Any], place: str) -> Iterator[Document]:
        """Add the resource of a CRUD route, and yield routes for its responses with rules."""
        if _mode(route):
            raise NotConvertibleError("a CRUD route can't answer randomly or in turn")
        responses = listed(route.get("responses"))
        default = _default(route)
        path = _path(text_of(route.get("endpoint") or ""))
        if "{" in path:
            raise NotConvertibleError("a collection with a path parameter can't be converted")
        field = text_of(default.get("crudKey") or "id")
        seed = self._replies.seed(text_of(default.get("databucketID") or ""))
        numbered = all(isinstance(item.get(field), int) for item in seed) and bool(seed)
        id_ = {"field": field, "generate": "increment" if numbered else "uuid"}
        methods = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))
        requests = [
            [Atom("path", PathTest("route", each)), Atom("method", methods)]
            for each in (path, f"{path}/{{id}}")
        ]
        for number, response in enumerate(responses):
            if response.get("rules") and response is not default:
                yield from self._selected(requests, response, f"{place}.responses[{number}]")
        resource = {
            "path": path,
            "id": id_["generate"] if field == "id" else id_,
            "seed": self._seed(path, seed),
            "deleted": {"json": {}},
            "missing": {"status": 404, "json": {}},
        }
        self._resources.append(sure(resource, ResourceSpec))

    def _seed(self, path: str, items: list[Any]) -> object:
        """Return initial items: a file, where braces in them would be templates."""
        if not has_templates(items):
            return items
        name = f"{path.strip('/').replace('/', '-')}.json"
        self._replies.files[name] = pretty(items)
        return name

    def _proxy(self, prefix: str) -> list[Document]:
        environment = self._environment
        if environment.get("proxyMode") is not True or not environment.get("proxyHost"):
            return []
        place = f"{self._place}proxyHost"
        if prefix and environment.get("proxyRemovePrefix") is True:
            self._losses.add(
                place, "the prefix can't be removed from forwarded paths, so nothing is forwarded"
            )
            return []
        if prefix or self._several:
            self._losses.add(place, "only requests below the base of the scenario are forwarded")
        try:
            return [
                {
                    "name": "proxy",
                    "request": f"ANY {ANY_PATH}",
                    **proxy_route(text_of(environment["proxyHost"])),
                }
            ]
        except NotConvertibleError as error:
            self._losses.failed(place, error)
            return []


def _default(route: dict[str, Any]) -> dict[str, Any]:
    """Return the response if no rule is true. Raises NotConvertibleError."""
    responses: list[dict[str, Any]] = listed(route.get("responses"))
    if not responses:
        raise NotConvertibleError("it has no response")
    return next((item for item in responses if item.get("default") is True), responses[0])


def _mode(route: dict[str, Any]) -> str:
    """Return the mode in which responses are selected; empty for rules. Older files have flags."""
    if route.get("responseMode"):
        return str(route["responseMode"])
    return (
        "RANDOM" if route.get("randomResponse") else "SEQUENTIAL" if route.get("sequentialResponse") else ""
    )


def _path(endpoint: str) -> str:
    """Return the path of a route for one of Express. Raises NotConvertibleError."""
    names: set[str] = set()

    def parameter(match: re.Match[str]) -> str:
        if match[4]:
            raise NotConvertibleError(f"{match[4]!r} in the path {endpoint!r} can't be converted")
        name = match[1] or match[3] or "rest"
        if match[1] and name in names:
            raise NotConvertibleError(f"the parameter {name!r} is in the path twice")
        name = free_name(name, names)
        names.add(name)
        pattern = match[2][1:-1] if match[2] else "" if match[1] else ".*"
        return f"\0{name}{':' if pattern else ''}{pattern}\1"

    made = _PARAMETER.sub(parameter, "/" + endpoint.strip("/"))
    parts = re.split("(\0[^\1]*\1)", made)
    return "".join(
        "{" + part[1:-1] + "}" if part.startswith("\0") else (literal_path("/" + part)[1:] if part else "")
        for part in parts
    )
