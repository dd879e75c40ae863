"""Write the files of `mockserver init`: all of them, or none."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from mockserver.cli.importing import convert
from mockserver.cli.output import DONE, ConversionRefusedError, say, say_lost, write_all
from mockserver.cli.starter import COMPOSE, SCENARIO, TEST, TEST_OF_ROUTE
from mockserver.formats.routes_to_exchanges import unfold
from mockserver.recording.conversion import Imported
from mockserver.recording.exchanges import RecordedExchange
from mockserver.schema.scenario import schema_document

_SCHEMA = "scenarios/scenario.schema.json"


def create(folder: str, source: tuple[str, str] | None, *, force: bool) -> int:
    """The exit code."""
    root = Path(folder)
    try:
        files = _own() if source is None else _converted(*source)
        write_all(
            {root / name: content for name, content in files.items()}, force=force, otherwise="another DIR"
        )
    except ConversionRefusedError as error:
        say(str(error))
        return error.code
    say(*(f"Written: {root / name}" for name in files))
    test = next(os.fspath(root / name) for name in files if name.startswith("test_"))
    say("", f"Run the test:    pytest {shlex.quote(test)}", f"Serve the mock:  mockserver serve {shlex.quote(os.fspath(root / 'scenarios'))}")  # fmt: skip
    return DONE


def _own() -> dict[str, bytes]:
    return _with_rest({"scenarios/payments.yaml": SCENARIO.encode(), "test_payments.py": TEST.encode()})


def _with_rest(files: dict[str, bytes]) -> dict[str, bytes]:
    schema = json.dumps(schema_document(), indent=2) + "\n"
    return {**files, "compose.yaml": COMPOSE.encode(), _SCHEMA: schema.encode()}


def _converted(format_: str, source: str) -> dict[str, bytes]:
    """Return the files for a source of another tool. Raises ConversionRefusedError."""
    imported, scenarios = convert(format_, source, Path("scenarios"))
    say_lost(imported.lost)
    files = {path.as_posix(): content for path, content in scenarios.items()}
    return _with_rest({**files, "test_mock.py": _test_of(imported).encode()})


def _test_of(imported: Imported) -> str:
    """Return a test of the first route for which an example request can be derived. Raises ConversionRefusedError."""
    for name, document in imported.scenarios.items():
        for exchange in unfold({name: document}, None)[0]:
            if exchange.status and not 300 <= exchange.status < 400:  # urllib follows redirects
                return _written(name, exchange, document.get("host"))
    raise ConversionRefusedError(
        "there is no route with a constant answer to test. Convert the file with `mockserver import`"
    )


def _written(name: str, exchange: RecordedExchange, host: str | None) -> str:
    headers = dict(exchange.request_headers)
    if host is not None:
        headers["host"] = host
    return TEST_OF_ROUTE.format(
        target=json.dumps(exchange.request.target),
        method=json.dumps(exchange.method),
        body=exchange.request_body or None,
        headers=json.dumps(headers),
        file=json.dumps(f"{name}.yaml"),
        status=exchange.status,
    )
