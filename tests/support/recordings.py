"""What importers made, played on an engine without a server; and exchanges as strategies make them."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome
from mockserver.recording.conversion import Imported
from mockserver.recording.exchanges import RecordedExchange
from mockserver.scenarios.loader import from_bundle
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec


class Played:
    """Scenarios as the importer made them, loaded from their YAML."""

    def __init__(self, imported: Imported) -> None:
        sources = [
            from_bundle(dump(document, ScenarioSpec), imported.files, name)
            for name, document in imported.scenarios.items()
        ]
        self.engine = Engine(build_scenario_set(sources), wall=time.time, mono=time.monotonic)
        self.last: Any = None

    def ask(
        self, line: str, headers: Iterable[tuple[str, str]] = (), body: bytes | str = b"", **options: Any
    ) -> Response:
        method, target = line.split(" ", 1)
        lines = [("host", options.get("host", "localhost")), *headers]
        if "json" in options:
            body = json.dumps(options["json"])
            lines.append(("content-type", "application/json"))
        sent = body.encode() if isinstance(body, str) else body
        self.last = self.engine.begin(Request(method, target, lines, sent), self.engine.default)
        self.engine.finish(self.last, Outcome.DONE)
        assert self.last.response is not None
        return self.last.response

    def repeat(self, exchange: RecordedExchange) -> Response:
        """The exchange's request once more."""
        request = exchange.request
        return self.ask(f"{request.method} {request.target}", exchange.request_headers, exchange.request_body)


def only(imported: Imported) -> dict[str, Any]:
    """The one scenario."""
    (document,) = imported.scenarios.values()
    return document


# Strategies

_CHARS = string.ascii_letters + string.digits + "-_.~"
_WORDS = st.text(_CHARS, min_size=1, max_size=6)
_TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["present", "absent", "$present", "$absent", "{{ x }}", "{%", "007", "1", "-0", "true", "null",
         "0a1b2c3d-0000-4000-8000-aabbccddeeff", "2026-01-31T12:00:00Z", "a&b=c", "ä ö", "no", "\n"]
    ),
).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False, width=32) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS | st.sampled_from(["$type", "id", "a"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
_PATHS = st.lists(
    st.one_of(_WORDS, st.sampled_from(["a", "%2F", "x{y}", "ä", "%zz", "a%20b"])), max_size=3
).map(lambda parts: "/" + "/".join(parts))


def _form(pairs: list[tuple[str, str]]) -> bytes:
    from urllib.parse import urlencode

    return urlencode(pairs).encode()


_PAIRS = st.lists(st.tuples(_WORDS, _TEXTS), min_size=1, max_size=3)
_BODIES = st.one_of(
    st.just(("", b"")),
    JSON.map(lambda value: ("application/json", json.dumps(value).encode())),
    _PAIRS.map(lambda pairs: ("application/x-www-form-urlencoded", _form(pairs))),
    _TEXTS.filter(bool).map(lambda text: ("text/plain", text.encode())),
    st.binary(min_size=1, max_size=20).map(lambda data: ("application/octet-stream", data)),
)


@st.composite
def exchanges(draw: Any, *, of_text: bool = False) -> RecordedExchange:
    """With `of_text` no request has a body that only its hash can tell from others."""
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
    query = draw(st.one_of(st.just(b""), _PAIRS.map(_form)))
    kind, body = draw(_BODIES) if method != "GET" else ("", b"")
    if of_text and kind == "application/octet-stream":
        kind, body = "", b""
    reply_kind, reply = draw(_BODIES)
    return RecordedExchange(
        place="x",
        method=method,
        url="https://api.example" + draw(_PATHS) + (f"?{query.decode()}" if query else ""),
        request_headers=[("content-type", kind)] if kind else [],
        request_body=body,
        status=draw(st.sampled_from([200, 201, 302, 404, 503])),
        headers=[*([("content-type", reply_kind)] if reply_kind else []), *draw(st.sampled_from([[], [("x-a", "1")], [("set-cookie", "a=1"), ("set-cookie", "b={{ 2 }}")]]))],
        body=reply,
    )  # fmt: skip


def meant(response: Response | RecordedExchange) -> Any:
    """What an answer says: JSON whatever its blanks, headers that a person would write."""
    body: Any = response.body
    kind = response.header("content-type") or ""
    if body and kind.startswith("application/json"):
        body = json.loads(body)
    own = [
        (name.lower(), value)
        for name, value in response.headers
        if name.lower() in ("x-a", "set-cookie", "location", "retry-after")
    ]
    return response.status, sorted(own), kind.partition(";")[0] if body else "", repr(body)
