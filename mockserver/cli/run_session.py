"""
Run a command with a server as its proxy: `mockserver run`.

Exit codes: that of the command, 128 plus the signal that ended it, 127 if it can't be started; 1 if an `expect` is not
met; 2 for an invalid scenario or setting.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mockserver import logs
from mockserver.app import App, PortInUseError
from mockserver.errors import InvalidInputError, MissingExtraError, TlsSettingsError
from mockserver.persistence.errors import StateFileError, StateFileRefusedError
from mockserver.scenarios.source import LoadError
from mockserver.settings import Settings
from mockserver.verification.verify import expected_calls

CA_VARIABLES = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO",
)  # fmt: skip
"""Each names a file of trusted CAs to some clients."""
_NO_PROXY = "localhost,127.0.0.1,::1"


def run_command(settings: Settings, command: list[str]) -> int:
    """Runs the command. The exit code."""
    logs.set_up(settings.log_format)
    try:
        with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
            return asyncio.run(_run(settings, command, Path(folder)))
    except LoadError as error:
        _say(*error.lines)
        return 2
    except (TlsSettingsError, InvalidInputError, StateFileRefusedError, MissingExtraError) as error:
        _say(str(error))
        return 2
    except (PortInUseError, StateFileError) as error:
        _say(str(error))
        return 1


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def proxy_environment(url: str, bundle: str | None, base: Mapping[str, str]) -> dict[str, str]:
    """
    Return the environment of a program whose proxy is the server at `url`, and which trusts the CAs in `bundle`.

    `base` is the environment that it changes; hosts in its NO_PROXY stay there.
    """
    no_proxy = ",".join(filter(None, (_NO_PROXY, base.get("NO_PROXY") or base.get("no_proxy"))))
    proxies = {"HTTP_PROXY": url, "HTTPS_PROXY": url, "NO_PROXY": no_proxy}
    environment = dict(base) | proxies | {name.lower(): value for name, value in proxies.items()}
    environment |= {"EXTERNAL_API_URL": url, "NODE_USE_ENV_PROXY": "1"}
    if bundle is not None:
        environment |= dict.fromkeys(CA_VARIABLES, bundle)
    return environment


def write_bundle(ca_pem: bytes, folder: Path) -> str:
    """Write the CA, behind those that the system trusts, to a file in the folder. Return its path."""
    trusted = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    try:
        known = Path(trusted).read_bytes() if trusted else b""
    except OSError:
        known = b""
    file = folder / "ca.pem"
    file.write_bytes(known + b"\n" + ca_pem)
    return str(file)


async def _run(settings: Settings, command: list[str], folder: Path) -> int:
    app = App(settings)
    await app.start()
    try:
        bundle = None if app.ca_pem is None else write_bundle(app.ca_pem, folder)
        code = await _completed(command, proxy_environment(app.mock_url, bundle, os.environ))
        await app.settle()
        return code or _judge(app)
    finally:
        await app.stop()


async def _completed(command: list[str], environment: dict[str, str]) -> int:
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except OSError as error:
        _say(f"{command[0]} can't be started: {error.strerror or error}")
        return 127
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, process.send_signal, number)
    loop.add_signal_handler(signal.SIGINT, _ignore)  # a terminal sends it to the command too
    code = await process.wait()
    return 128 - code if code < 0 else code


def _ignore() -> None: ...


def _judge(app: App) -> int:
    """Print the verdict of every `expect`. Return 1 if one is not met."""
    failed = False
    for ns in app.engine.namespaces.values():
        for verdict in expected_calls(ns):
            where = "" if ns.name == "default" else f"{ns.name}: "
            _say(f"{'ok' if verdict.ok else 'failed'}: {where}{verdict.text}")
            failed = failed or not verdict.ok
    return int(failed)
