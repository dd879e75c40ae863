"""
Requests to real services: forwarded as received; the reply is streamed back unchanged.

Connection-specific headers are not forwarded (RFC 9110 7.6.1), and each side has its own framing, to prevent request
smuggling. Redirects are returned like other replies. If the service can't be called, a problem document has the reason
and the fix.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockserver.engine.answers import problem_response
from mockserver.errors import MockServerError, TlsSettingsError
from mockserver.model.durations import format_duration
from mockserver.model.framing import HOP_BY_HOP, has_body
from mockserver.model.headers import Headers, Pairs, line_text
from mockserver.model.http import Request, Response
from mockserver.model.plan import Forward
from mockserver.model.problem import problem
from mockserver.outbound.client_library import client_library
from mockserver.outbound.egress import Egress, EgressRefusedError, Target, UnresolvedHostError
from mockserver.outbound.sending import explained

if TYPE_CHECKING:
    import aiohttp

HOPS = "x-mockserver-hops"
"""Names the mock servers that a request has passed, to detect loops."""
OWN_HEADERS = frozenset({HOPS, "x-mockserver-namespace"})
_NOT_FORWARDED = HOP_BY_HOP | {"expect", "http2-settings"}
_NO_LINE = re.compile(r"[\r\n\0]")


class BrokenReplyError(MockServerError):
    """The real service began to answer, but the reply is incomplete."""


@dataclass(slots=True)
class UpstreamReply:
    """
    A reply: `pieces` are the body, None if it is in `response`; `length` is the length in its head.

    `error` is the problem if the service could not be called.
    """

    response: Response
    pieces: AsyncIterator[bytes] | None = None
    length: int | None = None
    error: dict[str, Any] | None = field(default=None)


class Upstream:
    """
    Forwards requests. `own_id` identifies this server; a reply must begin within `timeout_s` and continue within
    `idle_s`.

    `ca_file` has CAs that are trusted besides those of the system. Raises TlsSettingsError if it contains none.
    """

    def __init__(
        self, egress: Egress, *, own_id: str, timeout_s: float, idle_s: float, ca_file: str = ""
    ) -> None:
        self._egress = egress
        self._own_id = own_id
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        if ca_file:
            self._tls = self._context()

    @contextlib.asynccontextmanager
    async def ask(self, step: Forward, request: Request) -> AsyncIterator[UpstreamReply]:
        """Yield the reply, for as long as it is read. Raises only CancelledError."""
        async with contextlib.AsyncExitStack() as stack:
            yield await self._request(stack, step, request)

    async def _request(
        self, stack: contextlib.AsyncExitStack, step: Forward, request: Request
    ) -> UpstreamReply:
        to = step.to
        if self._own_id in ",".join(request.headers.all(HOPS)):
            return _failed(508, "loop", to, "it leads back to this server", "Write the real service's URL")
        if request.method == "CONNECT":
            return _failed(501, "no-tunnel", to, "tunnels are not supported", "Send the request itself")
        lines = [*sent_lines(request.headers.pairs), (HOPS, self._hops(request))]
        if step.is_recorded:
            lines = [
                (name, _plain(value) if name.lower() == "accept-encoding" else value) for name, value in lines
            ]
        await client_library()
        import aiohttp  # by now it is imported

        try:
            async with asyncio.timeout(self._timeout_s):
                target = await self._egress.resolve(to + target_of(request))
                answer = await self._send(stack, target, request, lines)
        except TimeoutError:
            what = f"it sent no response within {format_duration(self._timeout_s)}"
            return _failed(
                504, "upstream-timeout", to, what, "Start the server with a longer --upstream-timeout"
            )
        except EgressRefusedError as error:
            return _failed(502, "egress", to, f"calls to it are not allowed: {error.reason}", error.remedy)
        except UnresolvedHostError as error:
            return _failed(502, "upstream", to, str(error), _CHECK_HINT)
        except aiohttp.ClientConnectorCertificateError as error:
            return _failed(502, "upstream", to, explained(error, to), "Name its CA with --upstream-ca FILE")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            text = explained(error, to)
            _drop_tracebacks(error)
            return _failed(502, "upstream", to, text, _CHECK_HINT)
        return self._reply(to, request, answer)

    async def _send(
        self, stack: contextlib.AsyncExitStack, target: Target, request: Request, lines: list[tuple[str, str]]
    ) -> aiohttp.ClientResponse:
        if target.url.scheme == "https" and self._tls is None:
            self._tls = self._context()
        library = await client_library()
        session = await stack.enter_async_context(library.session_to(target, self._tls or True))
        answer: aiohttp.ClientResponse = await library.request_by(
            session, target, request.method, lines, request.body, empty_body=None
        )
        stack.callback(answer.close)
        return answer

    def _hops(self, request: Request) -> str:
        return ", ".join([*request.headers.all(HOPS), self._own_id])

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file:
            # Python from 3.13 on refuses certificates without key identifiers, as many an own CA makes them.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            try:
                context.load_verify_locations(self._ca_file)
            except (OSError, ssl.SSLError) as error:
                raise TlsSettingsError(
                    f"--upstream-ca: {self._ca_file} contains no valid CA: {error}. "
                    "Give a file of certificates in PEM"
                ) from error
        return context

    def _reply(self, to: str, request: Request, answer: aiohttp.ClientResponse) -> UpstreamReply:
        lines = tuple((line_text(name), line_text(value)) for name, value in answer.raw_headers)
        if answer.status < 200 or any(_NO_LINE.search(part) for line in lines for part in line):
            what = f"what it answered ({answer.status}) can't be forwarded"
            return _failed(502, "upstream", to, what, _CHECK_HINT)
        length = _length(lines)
        kept = received_lines(lines, length)
        response = Response(answer.status, kept, b"", _NO_LINE.sub("", answer.reason or ""))
        if request.method == "HEAD" or not has_body(answer.status):
            return UpstreamReply(response, no_pieces(), length)
        return UpstreamReply(response, self._pieces(to, answer), length)

    async def _pieces(self, to: str, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield the body. Raises BrokenReplyError."""
        import aiohttp  # by now it is imported

        try:
            while True:
                async with asyncio.timeout(self._idle_s):
                    piece = await answer.content.readany()
                if not piece:
                    return
                yield piece
        except TimeoutError as error:
            raise BrokenReplyError(f"{to} sent nothing more for {format_duration(self._idle_s)}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenReplyError(f"the reply of {to} broke off") from error


def _drop_tracebacks(error: BaseException | None) -> None:
    """Drop the tracebacks of an error and its causes: they lead to frames that hold the error, a cycle with the body."""
    while error is not None:
        cause = error.__cause__ or error.__context__ or getattr(error, "os_error", None)
        error.__traceback__ = error.__cause__ = error.__context__ = None
        error = None if cause is error else cause


_CHECK_HINT = "See that it runs, and that this server can reach it"


def _failed(status: int, kind: str, to: str, what: str, hint: str) -> UpstreamReply:
    document = problem(status, kind, f"{to} could not be called", f"{what}. {hint}", upstream=to)
    return UpstreamReply(problem_response(document), error=document)


def broke_off(to: str, error: BrokenReplyError) -> dict[str, Any]:
    """Return the problem for the call log if a reply is incomplete."""
    return problem(502, "upstream", f"{to} broke off", f"{error}. The client's connection was closed with it")


def target_of(request: Request) -> str:
    """Return path and query as received, without the prefixes that select a namespace."""
    path = request.path if request.path.startswith("/") else "/"
    query = f"?{request.query_string}" if request.query_string else ""
    return (path + query).replace("#", "%23")


def sent_lines(lines: Pairs) -> Iterable[tuple[str, str]]:
    """Return the header lines to send: without Host, and without those of the connection."""
    dropped = _NOT_FORWARDED | OWN_HEADERS | {"host", "content-length"} | _connection_headers(lines)
    cases: dict[str, str] = {}  # aiohttp would take the same name in another case for a new value of it
    return [
        (cases.setdefault(name.lower(), name), value) for name, value in lines if name.lower() not in dropped
    ]


_PLAIN = frozenset({"gzip", "x-gzip", "deflate", "identity"})


def _plain(codings: str) -> str:
    """Return the accepted content-codings that are supported here."""
    words = [word.strip() for word in codings.split(",")]
    return ", ".join(word for word in words if word.partition(";")[0].strip().lower() in _PLAIN) or "identity"


def received_lines(lines: Pairs, length: int | None) -> Pairs:
    """Return the header lines of the reply, with one Content-Length if the body has one."""
    dropped = _NOT_FORWARDED | {"content-length"} | _connection_headers(lines)
    kept = [line for line in lines if line[0].lower() not in dropped]
    return tuple(kept) if length is None else (*kept, ("Content-Length", str(length)))


def _connection_headers(lines: Pairs) -> frozenset[str]:
    """Return the headers that the Connection header names."""
    named = ",".join(value for name, value in lines if name.lower() == "connection")
    return frozenset(word.strip().lower() for word in named.split(",") if word.strip())


def _length(lines: Pairs) -> int | None:
    headers = Headers(lines)
    text = headers.get("content-length", "")
    if "transfer-encoding" in headers or not text.isascii() or not text.isdigit():
        return None
    return int(text)


async def no_pieces() -> AsyncIterator[bytes]:
    """A body without pieces."""
    return
    yield b""
