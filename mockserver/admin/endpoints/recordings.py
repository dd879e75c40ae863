"""`/recordings`: answers of real services, recorded as a scenario."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema

from mockserver.admin.api import AdminRequest, Answer, ProblemError, json_answer, listing, not_found, table
from mockserver.admin.models import RecordedView, RecordingList, RecordingView
from mockserver.model.exchange import Exchange
from mockserver.model.http import Response, StreamReply
from mockserver.model.instants import instant
from mockserver.recording.naming import name_of
from mockserver.responses.bodies import dump_json
from mockserver.schema.base import Spec
from mockserver.schema.scenario import ScenarioName, read_upstream
from mockserver.store.recordings import Recording, Recordings


class RecordingBody(Spec):
    """What is recorded: without `to`, requests that are forwarded by `proxy` or --forward-to."""

    to: Annotated[
        str | None, BeforeValidator(lambda value: value if value is None else read_upstream(value)),
        WithJsonSchema({"type": "string", "format": "uri", "examples": ["https://api.example"]}),
    ] = Field(default=None, description="The real service that gets unmatched requests while recording.")  # fmt: skip
    name: ScenarioName | None = Field(
        default=None, description="Name of the scenario; default: from the service."
    )


def view(recording: Recording) -> dict[str, Any]:
    return {
        "id": recording.id,
        "name": recording.name,
        "to": recording.to,
        "running": recording.stopped_s is None,
        "started": instant(recording.started_s),
        "stopped": None if recording.stopped_s is None else instant(recording.stopped_s),
        "calls": len(recording.exchanges),
        "left_out": dict(recording.left_out),
    }


_PIECE = 3 * 64 * 1024
"""Size of a piece in characters or bytes; a multiple of 3, so that the Base64 of pieces can be joined."""
SETTLE_S = 1.0
"""Maximum wait for calls in progress: streams may not end."""


async def settled(recording: Recording) -> None:
    """Wait for calls in progress, so that a client that has an answer finds its call in the scenario."""
    if not recording.open_calls:
        return
    over = asyncio.Event()
    recording.waiting.append(over.set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            await over.wait()


async def recorded_answer(recording: Recording) -> Answer:
    """Return the view with the scenario. It may be large, so it is created in a thread and sent in pieces."""
    await settled(recording)
    head, exchanges = view(recording), tuple(recording.exchanges)
    pieces = await asyncio.to_thread(_document, head, exchanges)
    lines = [("Content-Type", "application/json"), ("Content-Length", str(sum(map(len, pieces))))]
    return StreamReply(Response(200, lines), _each(pieces))


def _document(head: dict[str, Any], exchanges: tuple[Exchange, ...]) -> list[bytes]:
    """Return the view as JSON, in pieces: no call into C runs for long, because it would block other threads."""
    from mockserver.recording.scenario import scenario_of, written  # a start does without

    name = head["name"]
    made = scenario_of(exchanges, name, head["left_out"])
    pieces = [dump_json(head)[:-1], b',"yaml":"']
    text = written(made, name)
    pieces += [dump_json(text[at : at + _PIECE])[1:-1] for at in range(0, len(text), _PIECE)]
    pieces.append(b'","files":{')
    for number, (path, data) in enumerate(made.files.items()):
        pieces.append((b"," if number else b"") + dump_json(path) + b':"')
        pieces += [base64.b64encode(data[at : at + _PIECE]) for at in range(0, len(data), _PIECE)]
        pieces.append(b'"')
    return [*pieces, b"}}"]


async def _each(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def identified(request: AdminRequest[Any]) -> tuple[Recordings, Recording]:
    """Return the recording in the path. Raises ProblemError(404)."""
    wanted, recordings = request.params["id"], request.ns.recordings
    recording = None if recordings is None else recordings.kept.get(wanted)
    if recordings is None or recording is None:
        raise not_found("recording", wanted, recordings.kept if recordings is not None else [])
    return recordings, recording


@table.post(
    "/recordings",
    "Start to record the answers of real services, and forward unmatched requests to one.",
    body=RecordingBody,
    optional_body=True,
    answer=RecordingView,
    status=201,
    errors=(409,),
)
async def start(request: AdminRequest[RecordingBody]) -> Answer:
    body, ns = request.body, request.ns
    if body.to is not None:
        await request.services.may_forward(body.to)
    if ns.recordings is None:
        ns.recordings = Recordings()
    running = ns.recordings.running
    if running is not None:
        hint = f"Stop it first: POST /recordings/{running.id}/stop"
        raise ProblemError(409, "already-recording", f"The recording {running.id} is already running", hint)
    to = body.to or request.services.settings.forward_to
    name = body.name or name_of(urlsplit(to).hostname or "")
    recording = ns.recordings.start(body.to, ns.shared.wall(), name)
    return json_answer(view(recording), 201)


@table.get("/recordings", "The recordings of this namespace, oldest first.", answer=RecordingList)
async def list_recordings(request: AdminRequest[Any]) -> Answer:
    recordings = request.ns.recordings
    if recordings is not None and recordings.running is not None:
        await settled(recordings.running)
    return listing(
        [view(recording) for recording in recordings.kept.values()] if recordings is not None else []
    )


@table.get("/recordings/{id}", "One recording with its current scenario.", answer=RecordedView, errors=(404,))
async def look(request: AdminRequest[Any]) -> Answer:
    return await recorded_answer(identified(request)[1])


@table.post(
    "/recordings/{id}/stop", "Stop a recording and return its scenario.", answer=RecordedView, errors=(404,)
)
async def stop(request: AdminRequest[Any]) -> Answer:
    recordings, recording = identified(request)
    recordings.stop(recording, request.ns.shared.wall())
    return await recorded_answer(recording)


@table.delete("/recordings/{id}", "Stop and delete a recording.", errors=(404,))
async def remove(request: AdminRequest[Any]) -> None:
    recordings, recording = identified(request)
    recordings.remove(recording, request.ns.shared.wall())
