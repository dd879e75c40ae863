"""
The WireMock port: the admin API of WireMock on this server, so that clients and tests keep working during a
migration.

Stubs become routes of the namespace `default`. `docs/wiremock.md` lists the differences.
"""

from __future__ import annotations
