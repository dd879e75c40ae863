"""
The log of the server: text for people, or one JSON object a line for programs.

Received data can't begin a log line or control a terminal, and secrets in it are masked.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from mockserver.redaction.redaction import mask_text

FORMATS = ("text", "json")
_INDENT = "    "
_NEEDS_QUOTES = re.compile(r'[\s"]')

log = logging.getLogger("mockserver")


def set_up(form: str) -> None:
    """Log to stderr in that format, including warnings and crashes."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    logging.getLogger("mcp").setLevel(logging.WARNING)  # it logs each request
    logging.getLogger("opentelemetry").propagate = False  # each failed export; `telemetry/` logs the first
    sys.excepthook = _crashed


def formatter(form: str) -> logging.Formatter:
    """Return the formatter of one of FORMATS."""
    return JsonLines() if form == "json" else TextLines()


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the server crashed", exc_info=(kind, error, trace))


class JsonLines(logging.Formatter):
    """One object a line, in ASCII: no character in it is a line break."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self._members(record), default=str)

    def _members(self, record: logging.LogRecord) -> dict[str, Any]:
        members: dict[str, Any] = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask_text(record.getMessage()),
        }
        if record.exc_info:
            members["exception"] = mask_text(self.formatException(record.exc_info))
        return members | getattr(record, "fields", {})


class TextLines(logging.Formatter):
    """`TIME LEVEL message`. Further lines of a message or a traceback are indented. Fields follow as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        first, *rest = (escaped(line) for line in mask_text(text).split("\n"))
        fields = getattr(record, "fields", {})
        head = [_instant(record), record.levelname, first, *map(_pair, fields.items())]
        return f"\n{_INDENT}".join([" ".join(head), *rest])


def _instant(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _pair(item: tuple[str, Any]) -> str:
    name, value = item
    if value is None:
        return f"{name}=-"
    text = str(value)
    if not text.isprintable():
        return f"{name}={json.dumps(text)}"
    return f"{name}={json.dumps(text, ensure_ascii=False)}" if _NEEDS_QUOTES.search(text) or not text else f"{name}={text}"  # fmt: skip


def escaped(line: str) -> str:
    r"""
    A line without characters that steer a terminal or end a line.

    >>> escaped("a\x1b[2J\u2028b")
    'a\\x1b[2J\\u2028b'
    """
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
