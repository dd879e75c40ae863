"""
The WireMock dialect: its admin API over this server's engine, so that clients and suites go on working while a team moves.

Stubs become routes of the namespace `default`, and are shown as they came. The
words here are theirs; `docs/wiremock.md` says what differs.
"""

from __future__ import annotations
