"""The body of an upload that stalls, breaks off or is refused is freed when its connection ends, without the garbage collector."""

import contextlib
import gc
import socket
import ssl
import struct

import pytest
from support.server import until

SCENARIO = """
routes:
  - {request: POST /up, reply: 200}
  - {request: POST /broken, reply: {text: "{{ request.json.nothing }}"}}
  - {request: POST /hang, reply: {text: "{{ request.body | length }}", fault: hang}}
  - {request: POST /refused, proxy: "http://127.0.0.1:9"}
  - {request: POST /proxied, proxy: "http://127.0.0.1:%d"}
"""
PIECE = b"x" * 100_000
LENGTH = 1_000_000
LARGE = 90_000


@pytest.fixture
def silent():
    """An upstream that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class Connections(set):
    """The open ones, and how many there were."""

    begun = 0

    def add(self, connection):
        self.begun += 1
        super().add(connection)


@pytest.fixture
def server(serving, silent):
    server = serving(
        SCENARIO % silent, read_timeout_s=0.3, upstream_timeout_s=0.5, max_body_bytes=LENGTH, tls=True
    )
    server.connections = server.app._listeners[0].connections = Connections()
    return server


def head(path="/up", length=LENGTH, more=""):
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n".encode()


CHUNKED = b"POST /up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)
STALLED, WHOLE, TOO_LARGE = 9, 10, 15

UPLOADS = {
    "stalls": (head(), PIECE, STALLED),
    "stalls in chunks": (CHUNKED, CHUNK, STALLED),
    "stalls after 100-continue": (head(more="Expect: 100-continue\r\n"), PIECE, STALLED),
    "stalls on the way to no route": (head("/nowhere"), PIECE, STALLED),
    "stalls on the way to the admin API": (head("/__admin/state"), PIECE, STALLED),
    "stalls on the way to an unknown namespace": (head("/@nobody/up"), PIECE, STALLED),
    "is too large": (CHUNKED, CHUNK, TOO_LARGE),
    "says that it is too large": (head(length=2 * LENGTH), PIECE, TOO_LARGE),
    "breaks its chunks": (CHUNKED, CHUNK, STALLED, b"zz\r\n"),
    "is answered by nothing": (head("/hang"), PIECE, WHOLE),
    "has an answer that can't be made": (head("/broken"), PIECE, WHOLE),
    "is passed on to nobody": (head("/refused"), PIECE, WHOLE),
    "is passed on to who never answers": (head("/proxied"), PIECE, WHOLE),
}


def leave(sock):
    sock.close()


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_the_answer(sock):
    """Closes once the server has answered, which may still wait for the rest of the body."""
    sock.settimeout(2)
    with contextlib.suppress(OSError):
        sock.recv(65536)
    sock.close()


def upload(sock, start, piece, count, end=b""):
    try:
        sock.sendall(start)
        for _ in range(count):
            sock.sendall(piece)
        sock.sendall(end)
    except OSError:
        pass  # the server has answered already, and closed


def held_by_cycles():
    """Sizes of the large bodies that only the garbage collector would find."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
    finally:
        gc.set_debug(0)
    garbage, gc.garbage[:] = list(gc.garbage), []
    return [
        len(part)
        for thing in garbage
        for part in gc.get_referents(thing)
        if isinstance(part, (bytes, bytearray)) and len(part) >= LARGE
    ]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", UPLOADS)
def test_no_cycle_holds_the_body_of_an_upload_that(server, kind, tls):
    never_ends = kind in ("is answered by nothing", "is passed on to who never answers")
    gc.collect()
    gc.disable()
    try:
        for number, end in enumerate((leave, reset) if never_ends else (leave, reset, read_the_answer), 1):
            sock = socket.create_connection(server.address, timeout=5)
            if tls:
                context = ssl.create_default_context(cadata=server.app.ca_pem.decode())
                sock = context.wrap_socket(sock, server_hostname="localhost")
            upload(sock, *UPLOADS[kind])
            until(lambda number=number: server.connections.begun == number)
            end(sock)
        until(lambda: not server.connections)
        assert held_by_cycles() == []
    finally:
        gc.enable()
