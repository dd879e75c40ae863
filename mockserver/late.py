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
from functools import partial
from typing import Any


@contextmanager
def imports() -> Iterator[None]:
    """
    Modules that are imported inside put off what they would do for somebody else. For a process that is ours: the
    environment of this process says from now on that pydantic loads no plugins, unless it says something of that already.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    own = [name for name in _READERS if name in vars(ssl.SSLContext)]
    real = {name: getattr(ssl.SSLContext, name) for name in _READERS}
    for name, read in real.items():
        setattr(ssl.SSLContext, name, _late(read))
    try:
        yield
    finally:
        for name, read in real.items():
            if name in own:
                setattr(ssl.SSLContext, name, read)
            else:
                delattr(ssl.SSLContext, name)  # inherited


_READERS = ("load_default_certs", "set_default_verify_paths")
"""The methods of a context that read the system's authorities."""


def _late(read: Callable[..., None]) -> Callable[..., None]:
    """Instead of the method: it is called when the context is first used."""

    def put_off(self: Any, *args: Any, **options: Any) -> None:
        if not isinstance(self, _Late):
            self.__class__ = _Late
            self.owed = []
        self.owed.append(partial(read, self, *args, **options))

    return put_off


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


def _paid(context: _Late) -> ssl.SSLContext:
    context.__class__ = ssl.SSLContext  # type: ignore[assignment]
    for work in context.__dict__.pop("owed"):
        work()
    return context
