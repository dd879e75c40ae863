"""Connections: kept, shared by threads, replaced when they died; and clear words where nobody answers."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from mockserver.client import Client, Refused, Unreachable
from mockserver.client.connections import Abort, BadResponseError, ClientConnection


class Peer:
    """Answers each connection with what it was given, and counts connections."""

    def __init__(self, *answers: bytes, close: bool = False, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.requests = 0
        self._answers = iter(answers)
        self._close = close
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.closed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                self.connections += 1
                with connection:
                    while connection.recv(65536):
                        self.requests += 1
                        connection.sendall(next(self._answers, b""))
                        if self._close:
                            break
                self.closed.set()

    def stop(self) -> None:
        self._socket.close()


@pytest.fixture
def peer() -> Iterator:
    peers = []

    def start(*answers: bytes, **options) -> Peer:
        peers.append(Peer(*answers, **options))
        return peers[-1]

    yield start
    for one in peers:
        one.stop()


OK = b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"ok"}'


def test_one_connection_serves_call_after_call(peer):
    server = peer(*[OK] * 5)
    with Client(server.url) as mock:
        for _ in range(5):
            assert mock.health == {"status": "ok"}
    assert (server.connections, server.requests) == (1, 5)


def test_head_and_body_go_out_in_one_piece(peer):
    server = peer(OK)
    with Client(server.url) as mock:
        mock.reset()
    assert server.requests == 1


def test_a_connection_that_the_server_ended_is_replaced_unnoticed(peer):
    server = peer(*[OK] * 2, close=True)
    with Client(server.url) as mock:
        assert mock.health
        assert server.closed.wait(5)
        assert mock.health
    assert (server.connections, server.requests) == (2, 2)


def test_a_request_is_never_sent_twice_by_itself(peer):
    server = peer(b"")
    with (
        Client(server.url, timeout_s=0.2) as mock,
        pytest.raises(Unreachable, match=r"no answer within 0\.2 s"),
    ):
        mock.reset()
    assert server.requests == 1


def test_threads_share_a_client(mock, call):
    def work() -> None:
        for _ in range(20):
            call("GET /hello")
            assert mock.route("hello").called

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert mock.route("hello").call_count == 160


def test_nobody_there_is_said_plainly():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(
        Unreachable, match=f"No mock server answers at {url}: Connection refused. Start one"
    ) as caught:
        Client(url).health  # noqa: B018
    assert isinstance(caught.value, ConnectionError)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n[]",
    ],
)
def test_another_service_is_not_taken_for_a_mock_server(peer, answer):
    with Client(peer(answer).url) as mock, pytest.raises(Unreachable, match="that is not a mock server"):
        mock.health  # noqa: B018


def test_what_is_no_http_is_said_plainly(peer):
    with (
        Client(peer(b"220 mail.example ESMTP\r\n").url) as mock,
        pytest.raises(Unreachable, match=r"220 mail.*which is not HTTP"),
    ):
        mock.health  # noqa: B018


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
            b'6;a=b\r\n{"a": \r\n2\r\n1}\r\n0\r\nx-trailer: y\r\n\r\n',
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 8\r\n", b'{"a": 1}'),
        (b"HTTP/1.1 200\r\ncontent-length:8\r\nx-empty:\r\n", b'{"a": 1}'),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n", b'{"a": 1}'),
    ],
)
def test_answers_come_through_proxies_in_any_framing(peer, head, body):
    with Client(peer(head + b"\r\n" + body).url) as mock:
        assert mock.health == {"a": 1}
        assert bool(mock._link.http._idle) is not head.startswith(b"HTTP/1.0")


def test_an_answer_without_a_length_ends_with_its_connection(peer):
    server = peer(b'HTTP/1.1 200 OK\r\n\r\n{"a": 1}', OK, close=True)
    with Client(server.url) as mock:
        assert mock.health == {"a": 1}
        assert not mock._link.http._idle
        assert mock.health == {"status": "ok"}
    assert server.connections == 2


def test_an_answer_that_announces_the_end_is_followed_by_a_new_connection(peer):
    server = peer(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), OK)
    with Client(server.url) as mock:
        assert mock.health
        assert not mock._link.http._idle
        assert mock.health


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "it ended the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{}", "its answer ended after 2 of 20 bytes"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}", "b'xyz' is not a chunk size"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{}\r\n",
            "a chunk is longer than it says",
        ),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70000 + b"\r\n\r\n", "longer than 64 KiB"),
        (b"ICY 200 OK\r\n\r\n", "which is not HTTP"),
    ],
)
def test_a_broken_answer_is_said_plainly(peer, answer, said):
    with Client(peer(answer, close=True).url) as mock, pytest.raises(Unreachable, match=said):
        mock.health  # noqa: B018
    assert not mock._link.http._idle


def test_an_exchange_that_was_aborted_before_it_began_ends_too(peer):
    address = urlsplit(peer(b"").url)
    abort = Abort()
    abort.now()
    with pytest.raises((OSError, BadResponseError)) as caught:
        ClientConnection(address.hostname, address.port, None).exchange(b"GET / HTTP/1.1\r\n\r\n", 5, abort)
    assert not isinstance(caught.value, TimeoutError)


@pytest.fixture
def certificate(tmp_path):
    """A certificate for localhost that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-out", files[0], "-keyout", files[1]]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return files


def test_https_is_spoken_with_a_context_and_refused_without_trust(peer, certificate):
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offered.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=certificate[0])
    url = peer(OK, context=offered).url.replace("http://127.0.0.1", "https://localhost")
    with Client(url, context=trusting) as mock:
        assert mock.health == {"status": "ok"}
    url = peer(OK, context=offered).url.replace("http://127.0.0.1", "https://localhost")
    with Client(url) as mock, pytest.raises(Unreachable, match=r"CERTIFICATE_VERIFY_FAILED|self-signed"):
        mock.health  # noqa: B018


def test_nothing_can_be_smuggled_into_a_head(mock):
    with pytest.raises(ValueError, match="the token has a space"):
        Client(mock.url, "a\r\nX-Evil: 1")
    with pytest.raises(ValueError, match="can't be part of a request line"):
        Client(mock.url, admin_url=mock.url + "/a b").health  # noqa: B018


@pytest.mark.parametrize("url", ["localhost:8080", "", "ftp://x", "http://"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(ValueError, match="Write it whole"):
        Client(url)


def test_a_proxy_of_the_environment_is_not_asked(mock, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert mock.health


def test_the_token_goes_with_every_call(serving):
    server = serving(admin_token="s3cret")
    with pytest.raises(Refused, match="requires a token") as caught:
        Client(server.url).routes  # noqa: B018
    assert caught.value.kind == "no-token"
    assert Client(server.url, "s3cret").routes


def test_the_admin_api_may_have_a_port_of_its_own(serving):
    server = serving(admin_port=0)
    with Client(server.url, admin_url=server.admin.url) as mock:
        mock.get("/x").reply(200)
        assert server.ask("GET", "/x").status == 200
        with mock.namespace() as mine:
            assert mine.url.startswith(server.url)
            assert mine.admin_url.startswith(server.admin.url)
    with Client(server.url) as mock, pytest.raises((Unreachable, Refused)):
        mock.routes  # noqa: B018


def test_secrets_stay_masked_where_the_server_does_not_reveal_them(mock, call, monkeypatch):
    call("GET /hello", Authorization="Bearer secret-token-7890")
    sent = []
    send = mock._link.http.send

    def without_reveal(method, target, *args, **keys):
        sent.append(target)
        if "reveal=true" in target:
            raise Refused({"type": "urn:mockserver:no-reveal", "title": "no", "status": 403, "detail": ""})
        return send(method, target, *args, **keys)

    monkeypatch.setattr(mock._link.http, "send", without_reveal)
    assert mock.calls.last.request.headers["authorization"] == "Bearer ****7890"
    assert mock.calls
    assert ["reveal" in one for one in sent] == [True, False, False]


def test_a_forked_process_opens_connections_of_its_own(mock):
    def ports():
        return {one.sock.getsockname()[1] for one in mock._link.http._idle}

    assert mock.health
    mine = ports()
    child = os.fork()
    if not child:
        os._exit(0 if mock.health["status"] == "ok" and not ports() & mine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mock.health


def test_the_client_brings_neither_server_nor_http_stack():
    code = (
        "import sys, mockserver.client; mockserver.Client\n"
        "heavy = {'aiohttp', 'pydantic', 'yaml', 'jinja2', 're2', 'requests', 'httpx', 'urllib3', 'pytest'}\n"
        "own = {'app', 'engine', 'net', 'admin', 'store', 'replying', 'matching', 'files', 'server'}\n"
        "found = {name for name in sys.modules if name.split('.')[0] in heavy}\n"
        "found |= {name for name in sys.modules if name.split('.')[:1] == ['mockserver'] and name.split('.')[1:2]"
        " and name.split('.')[1] in own}\n"
        "sys.exit(', '.join(sorted(found)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_package_itself_imports_nothing_before_it_is_asked():
    code = (
        "import sys, mockserver\n"
        "assert not [name for name in sys.modules if name.startswith('mockserver.')]\n"
        "assert {'Client', 'AsyncClient', 'Server'} <= set(dir(mockserver))\n"
        "assert mockserver.Client.__module__ == 'mockserver.client.clients'\n"
        "assert 'mockserver.app' not in sys.modules\n"
        "assert mockserver.Server.__module__ == 'mockserver.server'\n"
        "try: mockserver.Sever\n"
        "except AttributeError: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
