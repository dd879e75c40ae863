"""A connection between replicas that breaks before its first request."""

from __future__ import annotations

import pytest

from mockserver.replicas.link import Frames, LinkLostError, PeerLink, RelayedReply


async def test_a_connection_that_broke_at_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    link = PeerLink("127.0.0.1:1", b"secret")

    async def broken() -> Frames:
        return Frames(lambda *_: None, lambda: None)  # its transport is gone already

    monkeypatch.setattr(link, "_connected", broken)
    with pytest.raises(LinkLostError):
        await link.ask(b"request", RelayedReply())
