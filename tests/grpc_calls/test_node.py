"""What @grpc/grpc-js gets, with its own retries."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mockserver.client.errors import VerificationFailed
from mockserver.client.namespaces import Namespace
from mockserver.server import Server
from tests.support.grpc import PROTO

pytestmark = pytest.mark.slow
SERVICE = "GRPC payments.v1.Payments"
CALLS = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    made = tmp_path_factory.mktemp("node")
    install = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        "@grpc/grpc-js@1",
        "@grpc/proto-loader@0.8",
    ]
    done = subprocess.run(install, cwd=made, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("npm could not fetch @grpc/grpc-js")
    for name in ("client.mjs", "budget.mjs"):
        shutil.copy(Path(__file__).with_name(name), made)
    return made


def test_the_client_of_node_makes_every_kind_of_call(
    folder: Path, grpc_server: Server, mock: Namespace
) -> None:
    charge = mock.on(f"{SERVICE}/Charge", message={"amount": 42}).reply(
        "UNAVAILABLE", "UNAVAILABLE", message={"id": "ch_{{ call.number }}", "amount": 42, "currency": "EUR"}
    )
    mock.on(f"{SERVICE}/Charge", message={"amount": 1}).reply(status="NOT_FOUND", text="no such card")
    mock.on(f"{SERVICE}/Charge", message={"amount": 2}).reply(message={}, delay="30s")
    mock.on(f"{SERVICE}/Watch").reply(
        messages=[{"message": {"id": "a"}}, {"delay": 0.01, "message": {"id": "b"}}],
        status="ABORTED",
        trailers={"x-end": "1"},
    )
    mock.on(f"{SERVICE}/Upload").reply(message={"count": "{{ request.messages | length }}"})
    mock.on(f"{SERVICE}/Chat").reply(
        messages=[{"receive": {}, "message": {"text": "{{ request.message.text }}!"}, "repeat": True}]
    )
    address = grpc_server.url.removeprefix("http://")

    done = subprocess.run(
        ["node", "client.mjs", address, str(PROTO), mock.name],
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    got: dict[str, Any] = json.loads(done.stdout)
    assert got["charge"]["id"] == "ch_3"
    assert got["refused"] == {"code": "NOT_FOUND", "details": "no such card"}
    assert got["late"]["code"] == "DEADLINE_EXCEEDED"
    assert [item["id"] for item in got["watch"]["messages"]] == ["a", "b"]
    assert (got["watch"]["code"], got["watch"]["trailers"]) == ("ABORTED", {"x-end": "1"})
    assert got["upload"]["count"] == 3
    assert [item["text"] for item in got["chat"]["messages"]] == ["a!", "b!"]
    assert charge.calls.statuses == ["UNAVAILABLE", "UNAVAILABLE", "OK"]
    charge.assert_attempts(max=3, operations=1, after="retryable")
    (operation,) = charge.attempts()
    assert operation.why == "headers.grpc-previous-rpc-attempts counts it as the next attempt"


@pytest.mark.parametrize(
    ("throttling", "retries"),
    [({"maxTokens": 4, "tokenRatio": 0.1}, 1), ({"maxTokens": 1000, "tokenRatio": 0.1}, 2 * CALLS)],
    ids=["few tokens", "many tokens"],
)
def test_retry_throttling_keeps_a_retry_budget_if_its_tokens_run_out(
    folder: Path, grpc_server: Server, mock: Namespace, throttling: dict[str, float], retries: int
) -> None:
    charge = mock.on(f"{SERVICE}/Charge").reply("UNAVAILABLE")
    address = grpc_server.url.removeprefix("http://")

    subprocess.run(
        ["node", "budget.mjs", address, str(PROTO), mock.name, str(CALLS), json.dumps(throttling)],
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    charge.assert_called(CALLS + retries)
    rules: list[dict[str, Any]] = [
        {"budget": {"retries": "20%", "window": "10s"}},
        {"amplification": {"max": 1.2}},
    ]
    for rule in rules:
        if retries == 1:
            charge.assert_load(**rule)
        else:
            with pytest.raises(VerificationFailed, match=f"{next(iter(rule))}: (16|24) "):
                charge.assert_load(**rule)
