"""Progress of a recording: one line that is updated on a terminal, elsewhere one line per call."""

from __future__ import annotations

import shutil
from typing import TextIO

from mockserver.model.call import Call
from mockserver.model.plural import counted
from mockserver.redaction.redaction import mask_target


class Progress:
    """Show the number of calls and the last one. Secrets are masked."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._moves = out.isatty()
        self._calls = 0
        self._bytes = 0
        self._failed = 0

    def passed(self, call: Call) -> None:
        """Show a completed call."""
        self._calls += 1
        self._bytes += 0 if call.response is None else max(call.reply_length, len(call.response.body))
        self._failed += call.error is not None
        target = "".join(char for char in mask_target(call.request.target) if char.isprintable())
        what = f"{call.request.method} {target} → {call.shown_status or call.outcome.value}"
        if not self._moves:
            self._out.write(f"{what}\n")
        else:
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r{self._line(what)[:width]}\x1b[K")
        self._out.flush()

    def _line(self, what: str) -> str:
        calls = counted(self._calls, "call")
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{calls}{failed}, {_size(self._bytes)} · {what}"

    def end(self) -> None:
        """End the line."""
        if self._moves and self._calls:
            self._out.write("\n")
            self._out.flush()


def _size(count: int) -> str:
    return (
        f"{count} B"
        if count < 1000
        else f"{count / 1000:.1f} kB"
        if count < 1_000_000
        else f"{count / 1e6:.1f} MB"
    )
