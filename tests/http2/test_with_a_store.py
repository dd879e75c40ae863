"""With a shared store, requests are relayed between replicas by HTTP/1.1, so that HTTP/2 is refused with the reason."""

import json

from support.in_memory import connected, feed, listener

from mockserver.http.tls.certificates import server_context
from mockserver.http.tls.setup import secured_by
from mockserver.settings import Settings

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class FakeReplica:
    def __init__(self):
        self.refused = []

    def record_refused(self, request, document):
        self.refused.append((request.method, document["status"]))


class NoHosts:
    def of_files(self):
        return frozenset()

    def names(self, host):
        return False


async def test_the_preface_gets_a_505_that_is_recorded():
    server = listener("routes: []\n")
    server.replica = FakeReplica()
    transport = connected(server.connection())

    await feed(transport, [PREFACE])

    head, _, body = bytes(transport.sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 505 ")
    assert "--store" in json.loads(body)["detail"]
    assert server.replica.refused == [("PRI", 505)]


def test_http_2_is_not_offered(monkeypatch):
    offered = []

    def context(client_ca=None, *, http2):
        offered.append(http2)
        return server_context(client_ca, http2=http2)

    monkeypatch.setattr("mockserver.http.tls.certificates.server_context", context)
    secured_by(Settings(tls=True), NoHosts())
    secured_by(Settings(tls=True, store="redis://localhost"), NoHosts())
    assert offered == [True, False]
