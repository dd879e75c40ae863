"""A namespace's name and seed, made from the test that it is for."""

from __future__ import annotations

import re
import secrets

_LONGEST = 80


def name_for(node_id: str) -> str:
    """
    The test's node id as the name of a namespace, with a random end: several
    runs, and several workers, may share one server.
    """
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", node_id).strip("-._")
    return f"{slug[-_LONGEST:].lstrip('-._') or 'test'}-{secrets.token_hex(4)}"
