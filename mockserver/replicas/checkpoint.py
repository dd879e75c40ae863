"""What a namespace remembers, as one document in the store, so that its entries need not be kept for ever."""

from __future__ import annotations

import json
from collections.abc import Callable

from mockserver.engine.namespace import Namespace
from mockserver.model.written import written_float
from mockserver.persistence.encoding import encoded
from mockserver.persistence.restoring import RestoreError, restore_into
from mockserver.persistence.saving import copy_of


def checkpoint_of(ns: Namespace, server_seed: str) -> Callable[[], bytes]:
    """Copy what the namespace remembers now. What is returned makes the document of it, on any thread."""
    copy = copy_of(ns, server_seed)
    return lambda: b"".join(encoded(copy, None, lambda: None).pieces)


def restore_checkpoint(ns: Namespace, data: bytes) -> None:
    """Put a checkpoint into a new namespace. Raises RestoreError."""
    wrong = restore_into(ns, json.loads(data, parse_float=written_float))
    if wrong:
        raise RestoreError(wrong)
