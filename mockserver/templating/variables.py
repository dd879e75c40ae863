"""Variables of templates, by the time at which they are rendered."""

from __future__ import annotations

BEFORE_CLAIM = frozenset({"request", "path", "vars", "state", "now"})
"""In `if`, `when`, `per` and `by`."""
AFTER_CLAIM = BEFORE_CLAIM | {"call", "let"}
"""In `let`, `set`, `effect` and replies."""
AFTER_MESSAGE = AFTER_CLAIM | {"message"}
"""In the messages of a WebSocket connection."""
AFTER_REPLY = AFTER_CLAIM | {"reply"}
"""In webhooks."""
