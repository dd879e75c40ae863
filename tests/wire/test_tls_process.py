"""TLS as users start it: in a process of its own, on the loop that it chooses itself."""

import signal

import pytest
from support.http import ask
from support.papers import trusting
from support.wire import Wire

pytestmark = pytest.mark.slow

SCENARIO = {
    "shop.yaml": """
routes:
  - {request: GET /fine, reply: {text: fine}}
  - {request: GET /big, reply: {file: a.bin}}
  - {request: GET /hang, reply: {fault: hang}}
  - {request: GET /reset, reply: {file: a.bin, fault: {kind: reset, after: 100000}}}
  - {request: GET /truncate, reply: {text: "0123456789", fault: truncate}}
""",
    "a.bin": bytes(16_000_000),
}


def get(target):
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"


def test_it_keeps_its_promises_on_its_own_loop(process, tmp_path):
    server = process("--tls", scenarios=SCENARIO, env={"MOCKSERVER_TLS_DIR": str(tmp_path / "tls")})
    assert f" · TLS {server.url.replace('http:', 'https:')}\n" in server.announced
    trust = trusting((tmp_path / "tls" / "ca.pem").read_text())

    with Wire(server.address, tls=trust) as wire:
        wire.send(get("/fine") * 3)
        assert [wire.answer().body for _ in range(3)] == [b"fine"] * 3
        wire.send(get("/truncate"))
        data, end = wire.ending()
        assert (data.partition(b"\r\n\r\n")[2], end) == (b"01234", "FIN")
    with Wire(server.address, tls=trust, receive_buffer=4096) as wire:
        wire.send(get("/reset"))
        data, end = wire.ending()
        assert (len(data.partition(b"\r\n\r\n")[2]), end) == (100_000, "RST")
    wire = Wire(server.address, tls=trust, receive_buffer=4096)
    wire.send(get("/big"))
    wire.until(b"\r\n\r\n")
    number = len(server.calls())
    assert server.calls()[-1]["outcome"] == "open"
    wire.reset()
    assert server.closed_call(number)["outcome"] == "client_left"


def test_a_signal_ends_it_at_once_whatever_hangs(process):
    server = process("--tls", scenarios=SCENARIO)
    trust = trusting(ask(server.admin.url, "GET", "/ca.pem").text)
    with (
        Wire(server.address) as silent,
        Wire(server.address) as half,
        Wire(server.address, tls=trust) as hanging,
    ):
        half.send(b"\x16\x03\x01")
        hanging.send(get("/hang"))
        server.ask("GET", "/fine")
        assert server.end(signal.SIGTERM, within_s=2) == 0
        assert silent.is_closed()


def test_two_that_share_a_folder_show_certificates_of_one_ca(process, tmp_path):
    folder = str(tmp_path / "tls")
    servers = [process("--tls", "--tls-dir", folder) for _ in range(2)]

    trust = trusting((tmp_path / "tls" / "ca.pem").read_text())
    for server in servers:
        with Wire(server.address, tls=trust) as wire:
            assert wire.tls.version() == "TLSv1.3"
