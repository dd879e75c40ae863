"""The tools of every module. Only here is the table whole: a tool is registered when its module is imported."""

from __future__ import annotations

from mockserver.mcp import checking, control, editing, reading, reference
from mockserver.mcp.tools import REGISTERED

_MODULES = (checking, control, editing, reading, reference)
TOOLS = REGISTERED
