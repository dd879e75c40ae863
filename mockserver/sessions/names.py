"""Names of namespaces for tests."""

from __future__ import annotations

import re
import secrets

_MAX_CHARS = 80


def name_for(node_id: str) -> str:
    """
    Return a name for the namespace of a test: its node id with a random suffix.

    The suffix is needed since several runs or workers may share one server.
    """
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", node_id).strip("-._")
    return f"{slug[-_MAX_CHARS:].lstrip('-._') or 'test'}-{secrets.token_hex(4)}"
