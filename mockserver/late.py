"""
What a start of `serve` puts off until it is needed: a process that answers mocked requests may never need it.

aiohttp makes two TLS contexts when it is imported, for clients, and each reads all of the system's certificate
authorities: a tenth of a whole start. pydantic looks through all installed packages for plugins.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def imports() -> Iterator[None]:
    """
    Modules that are imported inside put off what they would do for somebody else. For a process that is ours: the
    environment of this process says from now on that pydantic loads no plugins, unless it says something of that already.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    load = ssl.SSLContext.load_default_certs

    def load_late(self: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        _put_off(self, lambda: load(self, purpose))

    def find_late(self: ssl.SSLContext) -> None:
        _put_off(self, self.set_default_verify_paths)

    ssl.SSLContext.load_default_certs = load_late  # type: ignore[method-assign]
    ssl.SSLContext.set_default_verify_paths = find_late  # type: ignore[method-assign]
    try:
        yield
    finally:
        ssl.SSLContext.load_default_certs = load  # type: ignore[method-assign]
        del ssl.SSLContext.set_default_verify_paths  # inherited


class _Late(ssl.SSLContext):
    """A context that reads its authorities at its first use, and is a plain one from then on."""

    owed: list[Callable[[], None]]

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        return _paid(self).wrap_bio(*args, **options)

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        return _paid(self).wrap_socket(*args, **options)

    def get_ca_certs(self, *args: Any) -> Any:
        return _paid(self).get_ca_certs(*args)

    def cert_store_stats(self) -> dict[str, int]:
        return _paid(self).cert_store_stats()


def _put_off(context: ssl.SSLContext, work: Callable[[], None]) -> None:
    if not isinstance(context, _Late):
        context.__class__ = _Late
        context.owed = []  # type: ignore[attr-defined]
    context.owed.append(work)  # type: ignore[attr-defined]


def _paid(context: _Late) -> ssl.SSLContext:
    context.__class__ = ssl.SSLContext  # type: ignore[assignment]
    for work in context.__dict__.pop("owed"):
        work()
    return context
