"""Holds a conversation with the server, and says what is wrong with what came back."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field

from fuzz.conversations import Conversation

QUIET_S = 0.02
"""So long nothing more comes: then the client ends its half."""
ENDLESS_S = 0.5
"""The client ends its half then, even though more comes: a WebSocket connection may never be silent."""
PATIENCE_S = 15.0
"""The server must have ended the connection by then."""
CLOSING = (b"nobody", b"/@%00/")
"""Namespaces that are not there: a request with a body is answered without reading it, and that ends the connection."""
_STATUS = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [ -~]*\r\n")
_FAILED = re.compile(
    rb"HTTP/1\.1 5(?!01 |02 No scenario |05 )\d\d [ -~]*"
)  # those name what is not supported, or has no mock
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: chunked\r\n", re.IGNORECASE)
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_TLS_ALERT = b"\x15\x03"
"""What a client gets whose first byte is that of TLS, and the rest is not."""
_SETTINGS = re.compile(rb"\x00..\x04\x00\x00\x00\x00\x00", re.DOTALL)
"""What a client gets first that begins as one of HTTP/2 does."""
_CLOSES = re.compile(rb"\r\nconnection: close\r\n", re.IGNORECASE)


@dataclass(slots=True)
class Heard:
    """
    `answers` are the final ones that came whole; `counted` how many of them
    must stand in the counts, and `unsure` how many more may.
    """

    data: bytes = b""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    counted: int = 0
    unsure: int = 0
    was_reset: bool = False
    wrong: str = ""


async def talk(address: tuple[str, int], said: Conversation) -> Heard:
    """Never raises for what the server does."""
    heard = Heard()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _exchange(address, said, heard)
    except TimeoutError:
        heard.wrong = f"the connection was not over within {PATIENCE_S:g} s"
        return heard
    except ConnectionRefusedError:
        heard.wrong = "nobody listens any more"
        return heard
    except OSError:
        heard.was_reset = True
    if b"/fault/" not in said.data and said.ending == "quiet":
        _judge(said, heard)
    return heard


async def _exchange(address: tuple[str, int], said: Conversation, heard: Heard) -> None:
    reader, writer = await asyncio.open_connection(*address, limit=2**24)
    try:
        for piece in said.pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        if said.ending != "quiet":
            await asyncio.sleep(QUIET_S if said.number % 2 else 0)
            if said.ending == "resets":
                writer.transport.abort()
            return
        until_s = asyncio.get_running_loop().time() + ENDLESS_S
        while said.answers is not None or asyncio.get_running_loop().time() < until_s:
            try:
                # Whose answers are known waits for them, whose are not for a silence.
                wait_s = (
                    PATIENCE_S if said.answers is not None and not _is_whole(heard.data, said) else QUIET_S
                )
                async with asyncio.timeout(wait_s):
                    piece = await reader.read(2**20)
            except TimeoutError:
                break
            if not piece:
                break
            heard.data += piece
        with contextlib.suppress(OSError):
            writer.write_eof()
        while piece := await reader.read(2**20):
            heard.data += piece
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _is_whole(got: bytes, said: Conversation) -> bool:
    answers, _, _ = _read(_behind_tunnel(got, said), said.heads)
    return len(answers) >= (said.answers or 0)


def _behind_tunnel(data: bytes, said: Conversation) -> bytes:
    return data.removeprefix(_ESTABLISHED) if said.in_tunnel else data


def _judge(said: Conversation, heard: Heard) -> None:
    data = _behind_tunnel(heard.data, said)
    if said.in_tunnel and not heard.was_reset and data is heard.data:
        heard.wrong = f"there is no tunnel: {data[:80]!r}"
    elif failed := _FAILED.search(data):
        heard.wrong = f"an answer of {failed[0].decode()}"
    if said.answers is None:
        # Which of the answers have a body can't be said: what was a HEAD and what was none is the server's to find out.
        rest = data.removeprefix(_ESTABLISHED)
        if (
            rest
            and not _STATUS.match(rest)
            and not rest.startswith(_TLS_ALERT)
            and not (b"PRI *" in said.data and _SETTINGS.match(rest))
        ):
            heard.wrong = f"what came is not valid HTTP: {heard.data[:80]!r}"
        return
    answers, rest, closes = _read(data, said.heads)
    heard.answers = answers
    if heard.wrong:
        return
    heard.counted = sum(said.counted[: len(answers)])
    heard.unsure = sum(said.counted) - heard.counted
    if heard.was_reset:
        # Closed with unread requests behind the last answer, TCP resets, and what was under way is lost.
        if not any(one in said.data for one in CLOSING):
            heard.wrong = "the connection was reset"
    elif rest:
        heard.wrong = f"an answer broke off: {rest[:80]!r}"
    elif len(answers) > said.answers or (len(answers) < said.answers and not closes):
        heard.wrong = f"{len(answers)} answers to {said.answers} requests"
    else:
        for (_, body), sent in zip(answers, said.bodies, strict=False):
            if sent is not None and body != sent:
                heard.wrong = f"{sent[:40]!r} came back as {body[:40]!r}"


def _read(data: bytes, heads: list[bool]) -> tuple[list[tuple[int, bytes]], bytes, bool]:
    """The final answers with their bodies, what is left, and whether the last one says that it closes."""
    answers: list[tuple[int, bytes]] = []
    closes = False
    while found := _STATUS.match(data):
        end = data.find(b"\r\n\r\n")
        if end < 0:
            break
        head, status = data[: end + 4], int(found[1])
        body, rest = _body(
            head, status, data[end + 4 :], heads[len(answers)] if len(answers) < len(heads) else False
        )
        if rest is None:
            break
        data = rest
        if status >= 200:
            answers.append((status, body))
            closes = _CLOSES.search(head) is not None
    return answers, data, closes


def _body(head: bytes, status: int, data: bytes, is_head: bool) -> tuple[bytes, bytes | None]:
    """The body and what follows it; None where it is not whole."""
    if is_head or status < 200 or status in (204, 304):
        return b"", data
    if _CHUNKED.search(head):
        return _chunks(data)
    length = _LENGTH.search(head)
    if length is None:
        return data, b""  # it goes on until the end of the connection
    size = int(length[1])
    return (data[:size], data[size:]) if len(data) >= size else (b"", None)


def _chunks(data: bytes) -> tuple[bytes, bytes | None]:
    body = b""
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return b"", None
        size = int(line, 16)
        if len(data) < size + 2:
            return b"", None
        body, data = body + data[:size], data[size + 2 :]
        if not size:
            return body, data
