"""The key-value state of a namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from mockserver.client.errors import Refused
from mockserver.client.link import Link, segment
from mockserver.client.plain import plain
from mockserver.client.sync_async import Awaiting, Blocking, does


class StateSurface:
    """Key-value state: text keys with JSON values. Each method is one request to the admin API."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _all(self) -> dict[str, Any]:
        return dict(self._link.look("/state"))

    def _read(self, key: str) -> Any:
        try:
            return self._link.look(f"/state/{segment(key)}")
        except Refused as error:
            if error.status != 404:
                raise
            raise KeyError(key) from None

    @does
    def all(self) -> dict[str, Any]:
        """Return all keys and values."""
        return self._all()

    @does
    def read(self, key: str, default: object = None) -> Any:
        """Return one value, or the default if the key is missing."""
        try:
            return self._read(key)
        except KeyError:
            return default

    @does
    def write(self, values: Mapping[str, Any]) -> None:
        """Write some keys; None removes a key."""
        self._link.send("PATCH", "/state", plain(values))

    @does
    def replace(self, values: Mapping[str, Any]) -> None:
        """Replace the whole state by these values."""
        self._link.send("PUT", "/state", plain(values))

    @does
    def forget(self, *keys: str) -> None:
        """Delete these keys; without arguments, all keys."""
        if not keys:
            self._link.send("DELETE", "/state")
            return
        self._link.send("PATCH", "/state", dict.fromkeys(keys))


class State(StateSurface, Blocking, MutableMapping[str, Any]):
    """
    Key-value state, also usable as a mapping: `mock_server.state["outage"] = "yes"`.

    `update` writes all keys in one request.
    """

    def __getitem__(self, key: str) -> Any:
        return self._read(key)

    def __setitem__(self, key: str, value: object) -> None:
        self._link.send("PUT", f"/state/{segment(key)}", plain(value))

    def __delitem__(self, key: str) -> None:
        self._read(key)
        self._link.send("DELETE", f"/state/{segment(key)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, key: object) -> bool:
        return key in self._all()

    def update(self, *args: object, **values: object) -> None:
        self.write(dict(*args, **values))

    def clear(self) -> None:
        self.forget()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self._all() == dict(other)

    __hash__ = None  # type: ignore[assignment]  # a mapping that changes

    def __repr__(self) -> str:
        return f"State({self._all()!r})"


class AsyncState(StateSurface, Awaiting):
    """Key-value state, with methods to be awaited: `await mock_server.state.write({"outage": "yes"})`."""
