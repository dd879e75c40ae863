"""Counts the messages that clients sent over WebSocket connections."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.engine.namespace import Namespace
from mockserver.errors import KeyPath, flaws_below, no_files
from mockserver.matching.messages import compile_message_match
from mockserver.model.call import Call
from mockserver.model.plural import counted
from mockserver.model.websocket import Message, RecordedFrame
from mockserver.redaction.redaction import mask_body
from mockserver.schema.expect import ExpectSpec
from mockserver.schema.verify import CheckSpec
from mockserver.store.call_log import CallLog
from mockserver.verification.counting import Subject
from mockserver.verification.verdict import MOST_LINES, Standing, Verdict, at_least, standing_of, worded

_LONGEST_LINE = 120


class MessageEvaluator:
    """Checks how many messages of the subject's connections match. Evaluates each message once."""

    __slots__ = ("_any", "_holds", "_record", "_results", "_subject", "_times")

    def __init__(self, ns: Namespace, spec: CheckSpec, path: KeyPath) -> None:
        """Raises InvalidInputError."""
        assert spec.received is not None
        self._subject = Subject(ns, spec, path)
        self._times: ExpectSpec = spec.times
        self._any = not spec.received.model_fields_set
        with flaws_below(*path, "received"):
            self._holds = compile_message_match(
                spec.received, no_files("a check has no folder", "Write the schema inline")
            )
        self._record: CallLog | None = None
        self._results: dict[int, tuple[int, int]] = {}
        """Number of evaluated frames and of matching frames, by call number."""

    def steps(self, ns: Namespace) -> Iterator[None]:
        """Evaluate the new frames of one call at each step."""
        if ns.call_log is not self._record:  # a reset creates a new call log
            self._record, self._results = ns.call_log, {}
        for call in ns.call_log.after(0):
            if call.websocket is not None and self._subject.holds(call):
                self._look(call)
                yield

    def _look(self, call: Call) -> None:
        assert call.websocket is not None
        seen, matching = self._results.get(call.number, (0, 0))
        frames = call.websocket.frames[seen:]
        if frames:
            matching += sum(map(self._matches, frames))
            self._results[call.number] = seen + len(frames), matching

    def _matches(self, frame: RecordedFrame) -> bool:
        return not frame.is_sent and frame.is_message and self._holds(Message(frame.kind, frame.data))

    def __call__(self, ns: Namespace) -> Verdict:
        for _ in self.steps(ns):
            pass
        calls = [
            call for call in ns.call_log.after(0) if call.websocket is not None and self._subject.holds(call)
        ]
        records = [call.websocket for call in calls if call.websocket is not None]
        if self._any:
            count, is_exact = sum(record.received for record in records), not ns.call_log.dropped
        else:
            count = sum(self._results[call.number][1] for call in calls if call.number in self._results)
            is_exact = not ns.call_log.dropped and not any(
                record.dropped or record.has_cut_messages for record in records
            )
        standing, exact = (
            (standing_of(count, self._times), True) if is_exact else at_least(count, self._times)
        )
        expected = worded(self._times, "message")
        saw = str(count) + ("" if exact else ", counted from the frames that are kept")
        text = f"{self._subject.text}: expected {expected}, saw {saw}"
        if standing is not Standing.OK:
            text = "\n".join([text, *_lines(calls)])
        return Verdict(standing, expected, saw, text, count, exact)


def _lines(calls: list[Call]) -> Iterator[str]:
    """Yield a line for each received message, with its connection."""
    if not calls:
        yield "  there was no WebSocket connection"
        return
    lines = [
        f"  {call.id}  {_shown(frame)}"
        for call in calls
        if call.websocket is not None
        for frame in call.websocket.frames
        if not frame.is_sent and frame.is_message
    ]
    yield f"  {counted(len(calls), 'connection')}, {counted(len(lines), 'message')}:"
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"  … and {len(lines) - MOST_LINES} more: GET /__admin/calls/ID"


def _shown(frame: RecordedFrame) -> str:
    try:
        text = mask_body(frame.data.decode())
    except UnicodeDecodeError:
        text = f"{counted(frame.length, 'byte')}, binary"
    return text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"
