"""The layer between a socket's transport and a connection, where no socket can bring about what happens."""

import asyncio
import contextlib
import ssl

from support.papers import trusting

from mockserver.http.tls import authority
from mockserver.http.tls.certificates import Certificates
from mockserver.http.tls.layer import TlsLayer


class Nobody:
    def of_files(self):
        return frozenset()

    def names(self, host):
        return False


class Raw(asyncio.Transport):
    """A socket's transport that only remembers."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.aborted = self.closed = False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.aborted or self.closed

    def close(self):
        self.closed = True

    def abort(self):
        self.aborted = True

    def set_write_buffer_limits(self, high=None, low=None):
        self.limits = high, low

    def get_write_buffer_size(self):
        return 7


class Told(asyncio.Protocol):
    """A connection that only remembers."""

    def __init__(self):
        self.told = []

    def connection_made(self, transport):
        self.transport = transport
        self.told.append("made")

    def data_received(self, data):
        self.told.append(data)

    def pause_writing(self):
        self.told.append("paused")

    def resume_writing(self):
        self.told.append("resumed")

    def connection_lost(self, exc):
        self.told.append("lost")


class Pair:
    """A client and the layer that it talks to, hand to hand."""

    def __init__(self):
        certificates = Certificates(authority.made(), Nobody(), [])
        self.raw, self.inner, self.open, self.too_slow = Raw(), Told(), set(), []
        self.layer = TlsLayer(
            certificates.context,
            lambda _: self.inner,
            lambda _: None,
            self.open,
            limit_s=7.0,
            too_slow=lambda: self.too_slow.append(self),
        )
        self.layer.connection_made(self.raw)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = trusting(certificates.ca_pem)
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def step(self, deed):
        """The client's deed as far as it goes; what it sent, and what was answered, has arrived."""
        with contextlib.suppress(ssl.SSLWantReadError):
            deed()
        if sent := self.outgoing.read():
            self.layer.data_received(sent)
        self.incoming.write(self.raw.written)
        self.raw.written = b""

    def shake(self):
        while not self.inner.told:
            self.step(self.client.do_handshake)


async def test_a_connection_learns_that_the_client_reads_slowly_since_before_it_was_made():
    pair = Pair()
    pair.layer.pause_writing()
    pair.shake()
    pair.layer.resume_writing()

    assert pair.inner.told == ["made", "paused", "resumed"]


async def test_what_came_in_several_records_is_handed_on_in_one_piece():
    pair = Pair()
    pair.shake()
    pair.step(lambda: [pair.client.write(b"a" * 10), pair.client.write(b"b" * 20_000)])

    assert pair.inner.told == ["made", b"a" * 10 + b"b" * 20_000]


async def test_flow_control_is_that_of_the_sockets_transport():
    """Else a call would be over while the end of its answer still waits there."""
    pair = Pair()
    pair.shake()
    pair.inner.transport.set_write_buffer_limits(high=0)

    assert pair.raw.limits == (0, None)
    assert pair.inner.transport.get_write_buffer_size() == 7


async def test_what_comes_behind_the_handshake_of_who_is_turned_away_is_not_read():
    """The last of the handshake and the first request often come together."""
    pair = Pair()

    def turned_away(transport):
        pair.inner.told.append("made")
        transport.close()

    pair.inner.connection_made = turned_away
    pair.step(pair.client.do_handshake)
    pair.client.do_handshake()
    pair.client.write(b"GET / HTTP/1.1")
    pair.step(lambda: None)

    assert pair.inner.told == ["made"]
    assert pair.raw.closed
    assert not pair.raw.aborted


async def test_the_end_of_a_connection_is_told_once():
    pair = Pair()
    pair.shake()
    pair.layer.connection_lost(None)
    pair.layer.connection_lost(None)

    assert pair.inner.told == ["made", "lost"]


async def test_a_handshake_that_never_ends_is_cut(monkeypatch):
    timers = []
    loop = asyncio.get_running_loop()
    call_later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda *args: timers.append(args) or call_later(*args))
    pair = Pair()
    ((after_s, cut),) = timers
    assert after_s == 7.0

    cut()

    assert pair.raw.aborted
    assert pair.too_slow == [pair]
    pair.layer.connection_lost(None)
    assert (pair.inner.told, pair.open) == ([], set())


async def test_a_handshake_that_is_over_is_cut_no_more(monkeypatch):
    pair = Pair()
    timer = pair.layer._timer
    pair.shake()

    assert timer.cancelled()
    assert pair.open == set()
