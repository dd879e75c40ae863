"""What the endpoints of a provider share: what they are asked, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mockserver.model.http import Request, Response, UnreadableBodyError
from mockserver.model.written import as_text
from mockserver.responses.bodies import dump_json
from mockserver.schema.identity import OAuthSpec
from mockserver.store.memory import Memory
from mockserver.templating.random_values import Draws

StateWrites = tuple[tuple[str, object, float | None], ...]
Commits = tuple[Callable[[], None], ...]
NO_STORE = ("Cache-Control", "no-store")
_REPEATABLE = ("audience", "resource")
"""Parameters that a request may have several times (RFC 8707 2)."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The token endpoint or OpenID Connect provider of the scenario `name`, below its base."""

    name: str
    base: str
    spec: OAuthSpec

    @property
    def folder(self) -> str:
        """The path of the folder of its endpoints, without a slash at its end."""
        return self.spec.path.rpartition("/")[0]

    def issuer(self, request: Request) -> str:
        return self.spec.issuer or request.base_url + self.base

    def state_key(self, name: str) -> str:
        """Return the key in the state of a namespace."""
        return f"oauth.{self.name}.{name}"


class Parameters(dict[str, str]):
    """The parameters of a request that have a value (RFC 6749 3.1). `repeated` names one that it has more than once."""

    repeated: str | None = None

    def __init__(self, pairs: Iterable[tuple[object, object]]) -> None:
        super().__init__()
        for key, given in pairs:
            name, value = (
                as_text(key),
                as_text(given).encode(errors="replace").decode(),
            )  # UTF-8 can encode it
            if name in self and name not in _REPEATABLE:
                self.repeated = name
            if value:
                self[name] = value


@dataclass(frozen=True, slots=True)
class IdentityRequest:
    """A request to an endpoint, with what the namespace remembers, its time and random values."""

    request: Request
    memory: Memory
    now_s: float
    draws: Draws

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number of the state."""
        value = self.memory.state.get(key, default)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def form(self) -> Parameters:
        """Return the fields of a form, or of a JSON object; none of any other body."""
        try:
            if self.request.media_type == "application/json":
                body = self.request.json
                return Parameters(body.items() if isinstance(body, Mapping) else ())
            return Parameters(self.request.form_pairs)
        except UnreadableBodyError:
            return Parameters(())

    def parameters(self) -> Parameters:
        """Return the fields of a POST, else those of the query."""
        return self.form() if self.request.method == "POST" else Parameters(self.request.query_pairs)


@dataclass(frozen=True, slots=True)
class IdentityAnswer:
    """A response, and what is written when it is sent."""

    response: Response
    commits: Commits = ()
    writes: StateWrites = ()


Endpoint = Callable[[Provider, IdentityRequest], IdentityAnswer]


def json_answer(status: int, document: Mapping[str, object], *headers: tuple[str, str]) -> IdentityAnswer:
    lines = [("Content-Type", "application/json"), NO_STORE, *headers]
    return IdentityAnswer(Response(status, lines, dump_json(document)))


def refused(
    code: str, text: str, status: int = 400, *headers: tuple[str, str], commits: Commits = ()
) -> IdentityAnswer:
    """Return an error as RFC 6749 5.2 describes it."""
    answer = json_answer(status, {"error": code, "error_description": text}, *headers)
    return IdentityAnswer(answer.response, commits)
