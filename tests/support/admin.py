"""
An admin client that holds every answer against what the API says of itself.

Whatever test it serves, an answer fails here that its model or `openapi.json`
does not allow, and so does any 5xx.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from mockserver.admin import openapi
from mockserver.admin.models import Problem
from mockserver.admin.tables import all_endpoints
from support.http import Answer, ask


def segment(name: str) -> str:
    """A name as one segment of a URL."""
    return quote(name, safe="")


class Admin:
    """The admin API at a URL that ends in `/__admin` (or `/__admin/@name`)."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self._headers = headers or {}

    def call(
        self,
        method: str,
        path: str,
        document: Any = ...,
        *,
        body: bytes | str | None = None,
        yaml: str | None = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = 10,
    ) -> Answer:
        """One call. `document` is sent as JSON, `yaml` as YAML, `body` as it is."""
        lines = {**self._headers, **(headers or {})}
        if document is not ...:
            body = json.dumps(document)
            lines.setdefault("Content-Type", "application/json")
        elif yaml is not None:
            body = yaml
            lines.setdefault("Content-Type", "application/yaml")
        answer = ask(self.url, method, path, body, lines, timeout_s=timeout_s)
        hold_to_contract(method, path, answer)
        return answer

    def get(self, path: str, **options: Any) -> Any:
        """What a GET answers with 200."""
        answer = self.call("GET", path, **options)
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.text}"
        return answer.json()

    def post(self, path: str, document: Any = ..., **options: Any) -> Any:
        """What a POST answers with 200, 201 or 204."""
        answer = self.call("POST", path, document, **options)
        assert answer.status in (200, 201, 204), f"POST {path}: {answer.status} {answer.text}"
        return answer.json() if answer.body else None

    def refused(self, status: int, method: str, path: str, document: Any = ..., **options: Any) -> Any:
        """The problem document with which a call is refused."""
        answer = self.call(method, path, document, **options)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.text}"
        assert answer.media_type == "application/problem+json"
        return answer.json()


def pointers(problem: dict[str, Any]) -> list[str]:
    return [one["pointer"] for one in problem["errors"]]


def hold_to_contract(method: str, path: str, answer: Answer) -> None:
    """Fails where the answer is none that the API promises."""
    said = f"{method} {path}: {answer.status} {answer.body[:2000]!r}"
    assert answer.status < 500 or answer.status == 507, said
    if method == "HEAD":
        assert not answer.body
        return
    if answer.status >= 400:
        assert answer.media_type == "application/problem+json", said
        document = Problem.model_validate(answer.json(), strict=True)
        assert document.status == answer.status, said
    written = _written(path.partition("?")[0])
    operation = described()["paths"].get(written, {}).get(method.lower())
    if operation is None:
        assert answer.status in (400, 401, 403, 404, 405, 413), said
        return
    promised = operation["responses"].get(str(answer.status))
    assert promised is not None or answer.status == 413, f"openapi.json has no such status. {said}"
    if promised is not None and "content" in promised:
        assert answer.media_type in promised["content"], said
        if answer.media_type.endswith("json"):
            _validator(written, method, answer.status, answer.media_type).validate(answer.json())
    if answer.status < 300:
        in_table = written.removeprefix("/__admin").removeprefix("/@{namespace}")
        model = next(one.answer for one in all_endpoints() if (one.method, one.path) == (method, in_table))
        assert answer.status != 204 or not answer.body, said
        if model is not None and answer.body:
            model.model_validate(answer.json())


@cache
def described() -> dict[str, Any]:
    return openapi.document(all_endpoints())


@cache
def _written(path: str) -> str:
    """The path as openapi.json writes it; empty where it has none such."""
    path = path or "/"
    if f"/__admin{path}" in described()["paths"]:
        return f"/__admin{path}"
    return next((written for written, pattern in _patterns() if pattern.fullmatch(path)), "")


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    # `/scenarios/use` before `/scenarios/{name}`.
    paths = sorted(
        (one.removeprefix("/__admin") for one in described()["paths"]), key=lambda one: one.count("{")
    )
    return [
        (f"/__admin{path}", re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))) for path in paths
    ]


@cache
def _validator(written: str, method: str, status: int, media_type: str) -> Any:
    """Of the answer as openapi.json describes it."""
    operation = described()["paths"][written][method.lower()]
    schema = operation["responses"][str(status)]["content"][media_type]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": described()["components"]})
