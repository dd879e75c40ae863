"""
Read simulations of Hoverfly (schema v5 and later minor versions).

Each exact destination becomes a scenario with that `host`. Hoverfly takes the highest score and the last of equals;
routes get that order.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver.formats.hoverfly.matching import (
    atoms_of,
    exact_value,
    kind_of,
    score,
    text_condition,
)
from mockserver.formats.hoverfly.pairs import Pair, ordered, routes_of
from mockserver.formats.hoverfly.templates import literals, translated
from mockserver.formats.mocks.conditions import anywhere, fits
from mockserver.formats.mocks.queries import sure
from mockserver.formats.mocks.replies import (
    Reply,
    duration,
    literal_reply,
    reply_head,
    with_base64,
    with_text,
)
from mockserver.formats.mocks.requests import Atom, route_of
from mockserver.formats.mocks.routes import unique_name
from mockserver.formats.mocks.sources import FAILURES, documents, listed, refused, text_of
from mockserver.model.json_values import map_leaves
from mockserver.recording.conversion import Document, Imported, Losses, NotConvertibleError

_LEFT = ", so this pair is left out"
_RESPONSE = {
    "status", "body", "encodedBody", "bodyFile", "headers", "templated", "transitionsState", "removesState",
    "fixedDelay", "logNormalDelay",
}  # fmt: skip


def read(source: Path) -> Imported:
    """A simulation (`hoverctl export`), or a folder of them. Raises InvalidInputError."""
    made = Imported()
    folder = source if source.is_dir() else source.parent
    for name, content in documents(source, (".json",)):
        if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
            raise refused(name, "no Hoverfly simulation: it has no `data`", "Export it with: hoverctl export")
        meta = content.get("meta")
        version = str(meta.get("schemaVersion", "")) if isinstance(meta, dict) else ""
        if not version.startswith("v5"):
            said = f"the schema version {version or 'nothing'} can't be read"
            raise refused(
                f"{name}: meta.schemaVersion", said, "Import it into Hoverfly 1.x, and export it again: v5"
            )
        losses = Losses(name)
        try:
            _Simulation(content["data"], losses, folder, Path(name).stem).into(made)
        except FAILURES as error:
            losses.failed("data", error, ", so it is left out")
        made.lost += losses
    return made


class _Simulation:
    def __init__(self, data: dict[str, Any], losses: Losses, folder: Path, name: str) -> None:
        self.data = data
        self.losses = losses
        self.folder = folder
        self.name = name
        self.files: dict[str, bytes] = {}
        self.literals = literals(listed(data.get("literals")))
        losses.unknown("data", data, {"pairs", "globalActions", "literals", "variables"})
        if data.get("variables"):
            losses.add("data.variables", "variables have no counterpart", "Write them with `let`")

    def into(self, made: Imported) -> None:
        pairs = list(self._pairs())
        hosts = list(dict.fromkeys(pair.host for pair in pairs)) or [None]
        for host in sorted(hosts, key=lambda item: item is None):
            name = unique_name(host or self.name, made.scenarios)
            document: Document = {"scenario": name, **({"host": host} if host else {})}
            if self.literals:
                document["vars"] = self.literals
            ours = [pair for pair in pairs if pair.host == host]
            routes = routes_of(ordered(ours))
            keys = {key for pair in ours for key in pair.required if key.startswith("sequence:")}
            used = {key for route in routes for key in route.get("when", {})}
            if state := dict.fromkeys(sorted(keys & used), "1"):
                document["state"] = state
            if host is None and len(hosts) > 1:
                routes = [{**route, "priority": -1} for route in routes]
            document["routes"] = routes
            made.scenarios[name] = document
            made.remarks[name] = self._remarks(host)
        made.files |= self.files

    def _remarks(self, host: str | None) -> list[str]:
        remarks = ["Names of query parameters count with their case here; Hoverfly ignores it."]
        if host:
            remarks.append(f"Only requests to {host} are answered: leave `host` out to serve it at any name.")
        return remarks

    def _pairs(self) -> Iterator[Pair]:
        pairs = listed(self.data.get("pairs"))
        schemes = {_scheme(pair) for pair in pairs}
        for number, pair in enumerate(pairs):
            place = f"data.pairs[{number}]"
            self.losses.unknown(place, pair, {"request", "response", "labels"})
            try:
                yield self._pair(
                    pair.get("request") or {}, pair.get("response") or {}, place, one_scheme=len(schemes) == 1
                )
            except FAILURES as error:
                self.losses.failed(place, error, _LEFT)

    def _pair(
        self, request: dict[str, Any], response: dict[str, Any], place: str, *, one_scheme: bool
    ) -> Pair:
        atoms = atoms_of(request, f"{place}.request", self.losses)
        host, more = _destination(request.get("destination") or [])
        if request.get("scheme") and not one_scheme:
            self.losses.add(f"{place}.request.scheme", "http and https are answered alike here")
        route = route_of([*atoms, *more])
        reply = self._reply(response, f"{place}.response")
        reply = {**reply, **self._delay(request, response, place)}
        sure({**route, "reply": reply})
        changes = {
            str(key): text_of(value) for key, value in (response.get("transitionsState") or {}).items()
        }
        removed = {str(key): None for key in response.get("removesState") or []}
        required = {str(key): text_of(value) for key, value in (request.get("requiresState") or {}).items()}
        return Pair(place, request, route, reply, host, score(request), required, {**changes, **removed})

    def _reply(self, response: dict[str, Any], place: str) -> Reply:
        self.losses.unknown(place, response, _RESPONSE)
        reply = reply_head(response.get("status"), (response.get("headers") or {}).items())
        if response.get("bodyFile"):
            return self._file(reply, str(response["bodyFile"]))
        body = text_of(response["body"]) if response.get("body") is not None else ""
        if response.get("encodedBody"):
            return _decoded(reply, body)
        reply = with_text(reply, body)
        if not response.get("templated"):
            return literal_reply(reply)
        try:
            return {
                key: map_leaves(value, _translated) if key in ("text", "json", "headers") else value
                for key, value in reply.items()
            }
        except FAILURES as error:
            self.losses.failed(f"{place}.body", error, ", so the body is sent with its braces")
            return literal_reply(reply)

    def _file(self, reply: Reply, name: str) -> Reply:
        path = self.folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts or not path.is_file():
            raise NotConvertibleError(f"its bodyFile {name} is not a file beside the simulation")
        self.files[name] = path.read_bytes()
        return {**reply, "file": name}

    def _delay(self, request: dict[str, Any], response: dict[str, Any], place: str) -> Reply:
        if fixed := response.get("fixedDelay"):
            return {"delay": duration(fixed)}
        if drawn := response.get("logNormalDelay"):
            return {"delay": self._lognormal(drawn, f"{place}.response.logNormalDelay")}
        actions = self.data.get("globalActions") or {}
        for number, action in enumerate(listed(actions.get("delays"))):
            if self._strikes(action, request, f"data.globalActions.delays[{number}]", place):
                return {"delay": duration(action.get("delay", 0))}
        for number, action in enumerate(listed(actions.get("delaysLogNormal"))):
            where = f"data.globalActions.delaysLogNormal[{number}]"
            if self._strikes(action, request, where, place):
                return {"delay": self._lognormal(action, where)}
        return {}

    def _lognormal(self, drawn: dict[str, Any], place: str) -> dict[str, Any]:
        """Return a lognormal delay from mean and median, as in Hoverfly: mean = median · e^(σ²/2)."""
        median, mean = float(drawn.get("median") or 1), float(drawn.get("mean") or 1)
        sigma = min(10.0, max(0.01, math.sqrt(2 * math.log(max(mean / median, 1.00005)))))
        most = float(drawn.get("max") or 0) or math.ceil(median * math.exp(4 * sigma))
        if drawn.get("min"):
            self.losses.add(f"{place}.min", "a random delay has no least value here")
        return {"median": duration(median), "sigma": round(sigma, 3), "max": duration(most)}

    def _strikes(self, action: dict[str, Any], request: dict[str, Any], where: str, place: str) -> bool:
        """Return whether a global delay applies to this pair, if destination and path determine it."""
        methods = [
            text_of(item.get("value")) for item in request.get("method") or [] if kind_of(item) == "exact"
        ]
        wanted = str(action.get("httpMethod") or "")
        if wanted and methods and wanted.upper() not in [method.upper() for method in methods]:
            return False
        result = str(action.get("urlPattern") or ".")
        exact = [exact_value(request.get(part) or []) for part in ("destination", "path")]
        everything = result in (".", ".*", "") and (not wanted or bool(methods))
        try:
            known = everything or (None not in exact and (not wanted or bool(methods)))
            if known:
                return everything or fits(anywhere(result), "".join(map(str, exact)))
        except FAILURES as error:
            self.losses.failed(where, error)
            return False
        self.losses.add(
            where, f"whether it applies to {place} depends on the request", "Write `delay` on that route"
        )
        return False


def _scheme(pair: object) -> str:
    request = pair.get("request") if isinstance(pair, dict) else None
    return str(request.get("scheme") if isinstance(request, dict) else None)


def _translated(value: object, _: object) -> object:
    return translated(value) if isinstance(value, str) else value


def _destination(matchers: list[dict[str, Any]]) -> tuple[str | None, list[Atom]]:
    """The host of the scenario, or conditions on the Host header."""
    exact = exact_value(matchers)
    if exact is not None and re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", exact):
        return exact, []
    return None, [Atom("headers", text_condition(matcher), "host") for matcher in matchers]


def _decoded(reply: Reply, body: str) -> Reply:
    """Decode Base64, and the content coding of the headers, which the server applies again."""
    coding = next(
        (str(v) for k, v in reply.get("headers", {}).items() if k.lower() == "content-encoding"), ""
    )
    if coding not in ("gzip", "deflate"):
        return with_base64(reply, body)
    try:
        raw = base64.b64decode(body)
        plain = gzip.decompress(raw) if coding == "gzip" else zlib.decompress(raw)
    except (binascii.Error, OSError, EOFError, zlib.error):
        raise NotConvertibleError(f"its body is marked as {coding}, and is none") from None
    try:
        return literal_reply(with_text(reply, plain.decode()))
    except UnicodeDecodeError:
        return with_base64(reply, base64.b64encode(plain).decode())
