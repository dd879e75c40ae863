"""`/reset`, `/settings`, `/health`, `/version`, `/files`, and unsupported endpoints."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from mockserver import __version__
from mockserver.compiler import editing
from mockserver.errors import InvalidInputError
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.replies import distribution, milliseconds
from mockserver.model.http import Response
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.delays import DelayRangeSpec
from mockserver.schema.reply import ReplySpec
from mockserver.wiremock.errors import (
    WireMockError,
    answer,
    error,
    not_found,
    of_flaws,
    of_losses,
    read_object,
)
from mockserver.wiremock.table import WireMockRequest, WireMockTable

table = WireMockTable()
SPOKEN = "3.13.2"
"""Version of WireMock whose admin API is supported and tested."""


@table.add("POST", "/reset")
def reset(request: WireMockRequest) -> Response:
    """Restore the stubs of files, clear the calls, and restart scenarios."""
    context = request.context
    context.journal.clear()
    editing.reset(context.engine, context.ns, ["calls", "memory", "positions", "routes"])
    return Response(200)


@table.add("GET", "/health")
def health(request: WireMockRequest) -> Response:
    return answer({
        "status": "healthy",
        "message": f"mockserver {__version__} supports WireMock",
        "version": SPOKEN,
        "uptimeInSeconds": int(request.context.uptime_s()),
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    })  # fmt: skip


@table.add("GET", "/version")
def version(_: WireMockRequest) -> Response:
    return answer({"version": SPOKEN})


@table.add("GET", "/settings")
def settings(request: WireMockRequest) -> Response:
    return answer({"settings": {**request.context.settings, "proxyPassThrough": False}})


@table.add("POST", "/settings")
@table.add("PUT", "/settings")
def put_settings(request: WireMockRequest) -> Response:
    """Set the global delay of this port. Raises WireMockError."""
    written, at = read_object(request.http), LossPlace()
    kept: dict[str, object] = {}
    delay: float | DelayRangeSpec | None = None
    if written.get("fixedDelay") is not None:
        kept["fixedDelay"] = written["fixedDelay"]
        delay = _delay(milliseconds(written["fixedDelay"]))
    elif written.get("delayDistribution") is not None:
        kept["delayDistribution"] = written["delayDistribution"]
        delay = _delay(distribution(written["delayDistribution"], at.at("delayDistribution")))
    if at.hard:
        raise of_losses(at.hard)
    request.context.settings.clear()
    request.context.settings.update(kept)
    request.context.theirs.delay = delay
    return Response(200)


def _delay(written: object) -> float | DelayRangeSpec | None:
    try:
        result: float | DelayRangeSpec | None = parse_spec(ReplySpec, {"delay": written}).delay
    except InvalidInputError as exception:
        raise of_flaws(exception) from exception
    return result


@table.add("GET", "/files")
def list_files(request: WireMockRequest) -> Response:
    return answer(sorted(request.context.files))


@table.add("PUT", "/files/{path}")
def put_file(request: WireMockRequest) -> Response:
    """Store a file in memory; a stub keeps the content of its creation."""
    files, data = request.context.files, request.http.body
    if sum(map(len, files.values())) + len(data) > MOST_FILE_BYTES:
        raise WireMockError(413, [error(f"Files hold at most {MOST_FILE_BYTES} bytes together", code=50)])
    files[request.params["path"]] = data
    return Response(200, (), base64.b64encode(data))


MOST_FILE_BYTES = 64_000_000


@table.add("GET", "/files/{path}")
def look_at_file(request: WireMockRequest) -> Response:
    data = request.context.files.get(request.params["path"])
    if data is None:
        raise not_found()
    return Response(200, [("Content-Type", "application/octet-stream")], data)


@table.add("DELETE", "/files/{path}")
def remove_file(request: WireMockRequest) -> Response:
    request.context.files.pop(request.params["path"], None)
    return Response(200)


@table.add("GET", "/recordings/status")
def recording_status(_: WireMockRequest) -> Response:
    return answer({"status": "NeverStarted"})


@table.add("POST", "/recordings/start")
@table.add("POST", "/recordings/stop")
@table.add("POST", "/recordings/snapshot")
def no_recording(_: WireMockRequest) -> Response:
    raise WireMockError(501, [error("Recording is not part of this dialect", code=50)])
