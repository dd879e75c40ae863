"""
One outgoing request of a webhook, and its result.

Redirects are not followed, there are no cookies and no proxies of the environment, and at most 64 KiB of the answer
are read.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockserver.model.headers import Pairs
from mockserver.outbound.client_library import client_library
from mockserver.outbound.egress import Target

if TYPE_CHECKING:
    import aiohttp

READ_BYTES = 64 * 1024
KEPT_BYTES = 4 * 1024
"""Maximum size of an answer's body in the call log."""


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The answer of the receiver. `error` is a text; with a status, it says what is wrong with the answer."""

    status: int | None = None
    error: str | None = None
    body: bytes = b""


async def send(
    target: Target, method: str, headers: Pairs, body: bytes, *, deadline_at_s: float
) -> WebhookResponse:
    """
    Send, and wait for the answer until that time of the loop's clock.

    Raises TimeoutError, unless the answer has begun.
    """
    library = await client_library()
    import aiohttp  # by now it is imported

    try:
        async with library.session_to(target) as session:
            async with asyncio.timeout_at(deadline_at_s):
                response = await library.request_by(session, target, method, headers, body, empty_body=b"")
            return await _read(response, deadline_at_s)
    except TimeoutError:
        raise
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return WebhookResponse(error=explained(error, target))


async def _read(response: aiohttp.ClientResponse, deadline_at_s: float) -> WebhookResponse:
    """Read the body. The status counts, even if the body fails."""
    import aiohttp  # by now it is imported

    body = b""
    error: str | None = None
    if 300 <= response.status < 400 and "location" in response.headers:
        error = f"it redirects to {response.headers['location'][:200]}, and redirects are not followed"
    try:
        async with asyncio.timeout_at(deadline_at_s):
            while len(body) < READ_BYTES and (piece := await response.content.read(READ_BYTES - len(body))):
                body += piece
    except TimeoutError:
        error = error or "the answer began, but did not end in time"
    except aiohttp.ClientError:
        error = error or "the answer broke off"
    finally:
        response.close()
    return WebhookResponse(response.status, error, body[:KEPT_BYTES])


def explained(error: Exception, target: Target | str) -> str:
    """Return a text on why a request has no answer."""
    import aiohttp  # by now it is imported

    if isinstance(error, aiohttp.ClientError):
        return _client_error_text(error, target)
    if isinstance(error, OSError):
        return _unreachable(error, target)
    return f"it can't be sent: {error}"  # an invalid header


def _client_error_text(error: aiohttp.ClientError, target: Target | str) -> str:
    import aiohttp  # by now it is imported

    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {target} was not accepted: {error.certificate_error}"
        case aiohttp.ClientConnectorError():
            return _unreachable(error.os_error, target)
        case aiohttp.ServerDisconnectedError():
            return f"{target} closed the connection without an answer"
        case aiohttp.ClientOSError():
            return _unreachable(error, target)
        case aiohttp.ClientResponseError():
            return f"the answer of {target} is not valid HTTP: {error.message.strip().partition(chr(10))[0]}"
    return str(error) or type(error).__name__


def _unreachable(error: OSError, target: Target | str) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {target}: {error.reason or error}"
    if error.errno == errno.ECONNREFUSED:
        return f"connection refused by {target}"
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return f"{target} reset the connection"
    return f"{target} can't be reached: {error.strerror or error}"
