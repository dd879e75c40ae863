"""Two replicas of a store: steps, introspection and streams."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query

from mockserver.client import Client
from tests.support.graphql import SCHEMA
from tests.support.replicas import replicas
from tests.support.shared_store import NEEDS_REDIS, redis_at

pytestmark = [pytest.mark.slow, NEEDS_REDIS]


def post(url: str, query: str | list[dict[str, str]], accept: str = "application/json") -> Any:
    """Return the body of the answer to an operation or a batch, or the status of an error."""
    headers = {"content-type": "application/json", "accept": accept}
    document = {"query": query} if isinstance(query, str) else query
    request = urllib.request.Request(f"{url}/graphql", json.dumps(document).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code


def test_replicas_answer_as_one(tmp_path: Path) -> None:
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "shop.yaml").write_text("""
graphql: shop.graphql
routes:
  - {request: GRAPHQL Query.user, reply: [503, {json: {name: Ann}}]}
  - {request: GRAPHQL Query.shop, name: shop, reply: {json: {name: Open}}}
""")
    shutil.copy(SCHEMA, scenarios)
    with redis_at(tmp_path) as store, replicas(scenarios, store.url, 2) as (one, other):
        assert post(one.url, "{ user(id: 1) { name } }") == 503
        assert json.loads(post(other.url, "{ user(id: 1) { name } }"))["data"]["user"] == {"name": "Ann"}
        for replica in (one, other):
            types = json.loads(post(replica.url, get_introspection_query()))["data"]["__schema"]["types"]
            assert "User" in {kind["name"] for kind in types}
        events = post(other.url, 'subscription { paid(order: "1") { id } }', "text/event-stream")
        assert events.endswith("event: complete\ndata: \n\n")
        mock = Client(one.url)
        assert mock.count("GRAPHQL Query.user") == 2
        assert mock.calls.statuses == [503, 200, 200, 200, 200]
        both = "{ shop { name } user(id: 1) { name } }"
        for replica in (one, other):
            assert json.loads(post(replica.url, both))["data"] == {
                "shop": {"name": "Open"},
                "user": {"name": "Ann"},
            }
        assert json.loads(post(other.url, [{"query": both}, {"query": "{ shop { name } }"}]))[1]["data"]
        for replica in (one, other):
            mock = Client(replica.url)
            assert [mock.count(field) for field in ("GRAPHQL Query.user", "GRAPHQL Query.shop")] == [5, 3]
            assert mock.calls[-1].routes == ["shop/shop", "shop/GRAPHQL Query.user"]
