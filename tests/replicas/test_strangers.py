"""Who does not know the secret of the replicas gets nothing from the port at which they reach each other."""

import asyncio
import hashlib
import hmac
import struct

import pytest

from mockserver.replicas.link import LinkServer, Sort

SECRET = b"known to the replicas"
FRAME = struct.Struct(">IBII")


def frame(sort, payload=b"", stream=1):
    return FRAME.pack(len(payload), sort, stream, 0) + payload


async def said_to(sent):
    """What reaches the replica of a connection, and whether it is closed. `sent` gets the greeting."""
    asked = []
    server = LinkServer()
    server.serve(SECRET, lambda *heard: asked.append(heard[-1]))
    port = await server.listen("127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        greeting = await reader.readexactly(FRAME.size + 32)
        writer.write(sent(greeting[FRAME.size :]))
        writer.write(frame(Sort.ASK, b"a request"))
        writer.write_eof()
        try:
            rest = await asyncio.wait_for(reader.read(), 5)
        except ConnectionResetError:
            rest = b""
        writer.close()
    finally:
        await server.close()
    return asked, rest


@pytest.mark.parametrize(
    "sent",
    [
        lambda nonce: b"",
        lambda nonce: frame(Sort.ASK, b""),
        lambda nonce: frame(Sort.ASK, hmac.digest(b"another secret", nonce, hashlib.sha256)),
        lambda nonce: frame(Sort.ASK, hmac.digest(SECRET, b"of another connection", hashlib.sha256)),
        lambda nonce: frame(Sort.ASK, b"x" * 2000),
        lambda nonce: b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["no proof", "an empty proof", "another secret", "an old proof", "a long frame", "HTTP"],
)
def test_without_the_secret_no_request_is_heard(sent):
    assert asyncio.run(said_to(sent)) == ([], b"")


def test_with_the_secret_it_is():
    asked, _ = asyncio.run(said_to(lambda nonce: frame(Sort.ASK, hmac.digest(SECRET, nonce, hashlib.sha256))))

    assert asked == [b"a request"]
