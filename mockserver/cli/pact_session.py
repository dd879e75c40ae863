"""`mockserver pact verify`: send the requests of a pact to a provider, and print what differs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click

from mockserver.cli.output import DONE, LOST, WRONG, say
from mockserver.errors import InvalidInputError, MockServerError
from mockserver.formats.pact.verifying import ProviderCheck, checks_of
from mockserver.model.plural import counted
from mockserver.recording.conversion import Losses

Headers = Sequence[tuple[str, str]]


class _UnreachableError(MockServerError):
    """The provider, or the URL for states, can't be reached."""


@dataclass(slots=True)
class _Service:
    """A service at a URL, whose path is a prefix."""

    url: SplitResult
    timeout_s: float

    def ask(
        self, method: str, target: str, headers: Headers, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return status, headers and body of the answer. Raises OSError, HTTPException, _UnreachableError."""
        kind = HTTPSConnection if self.url.scheme == "https" else HTTPConnection
        connection = kind(self.url.hostname or "", self.url.port, timeout=self.timeout_s)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise _UnreachableError(
                    f"{self.url.geturl()} can't be reached: {error.strerror or error}"
                ) from None
            connection.putrequest(method, self.url.path.rstrip("/") + target, skip_accept_encoding=True, skip_host=_has(headers, "host"))  # fmt: skip
            for name, value in headers:
                connection.putheader(name, value)
            if (body or method in ("POST", "PUT", "PATCH")) and not _has(headers, "content-length"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer: HTTPResponse = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def _has(headers: Headers, wanted: str) -> bool:
    return any(name.lower() == wanted for name, _ in headers)


def verify_provider(
    file: str,
    *,
    provider: str,
    state_url: str | None,
    headers: tuple[tuple[str, str], ...],
    only: str | None,
    timeout_s: float,
    as_json: bool,
) -> int:
    """The exit code."""
    lost = Losses()
    try:
        service = _Service(_url(provider, "--provider"), timeout_s)
        states = None if state_url is None else _Service(_url(state_url, "--state-url"), timeout_s)
        checks = [check for check in checks_of(Path(file), lost) if only is None or only in check.description]
        for item in lost:
            say(str(item))
        if not checks:
            say(f"{file} has no interaction to verify. Nothing was sent.")
            return WRONG
        results = [(check, _verified(check, service, states, headers)) for check in checks]
    except (InvalidInputError, _UnreachableError) as error:
        say(str(error))
        return WRONG
    _print(results, as_json=as_json)
    return LOST if any(lines and not check.pending for check, lines in results) else DONE


def _url(text: str, option: str) -> SplitResult:
    """Raises click.BadParameter for anything but a URL of HTTP."""
    try:
        url = urlsplit(text)
        is_valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise click.BadParameter(f"{text!r} is not an http or https URL", param_hint=option)
    return url


def _verified(
    check: ProviderCheck, service: _Service, states: _Service | None, headers: Headers
) -> list[str]:
    """Return what differs, one line each. Raises _UnreachableError."""
    for state in check.states if states is not None else ():
        assert states is not None
        document = {"state": state.name, "params": state.params, "action": "setup"}
        target = f"?{states.url.query}" if states.url.query else ""
        content_type = [("Content-Type", "application/json")]
        try:
            status, _, _ = states.ask("POST", target, content_type, json.dumps(document).encode())
        except (OSError, HTTPException) as error:
            return [f"the provider state {state.name!r} was not answered: {error!r}"]
        if not 200 <= status < 300:
            return [f"the provider state {state.name!r} was answered with {status}"]
    replaced = {name.lower() for name, _ in headers}
    sent = [*((name, value) for name, value in check.headers if name.lower() not in replaced), *headers]
    try:
        return check.mismatches(*service.ask(check.method, check.target, sent, check.body))
    except ValueError as error:  # HTTP has no such header
        return [f"the request can't be sent: {error}"]
    except (OSError, HTTPException) as error:
        return [f"there was no response: {error!r}"]


def _print(results: list[tuple[ProviderCheck, list[str]]], *, as_json: bool) -> None:
    if as_json:
        items = [
            {"description": check.description, "ok": not lines, "pending": check.pending, "mismatches": lines}
            for check, lines in results
        ]
        click.echo(json.dumps(items, indent=2, ensure_ascii=False))
        return
    for check, lines in results:
        word = "ok" if not lines else "pending" if check.pending else "failed"
        click.echo(f"{word}: {check.description}")
        for line in lines:
            click.echo(f"  {line}")
    good = sum(not lines for _, lines in results)
    click.echo(f"{good} of {counted(len(results), 'interaction')} verified")
