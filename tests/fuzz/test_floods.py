"""A client that fills whatever it can fill gets to the bounds and no further, in number and in bytes."""

from random import Random

import pytest

from mockserver.store.bounds import KINDS

ENTRIES, BYTES = 60, 60_000
SCENARIO = """
oauth: {path: /token, clients: {app: secret}, expires: 1h}
auth: none
routes:
  - {name: set, request: "POST /set/{k}", set: {"k.{{ path.k }}": "{{ request.body }}"}, effect: {kind: set, body: "{{ request.body }}"}, reply: 200}
  - {name: pay, request: POST /pay, idempotency: {header: idempotency-key}, reply: {text: "{{ request.body }}"}}
  - {name: step, request: POST /step, per: headers.idempotency-key, reply: [503, 200]}
  - {name: limited, request: POST /limited, limit: {rate: 1/h, by: headers.idempotency-key}, reply: 200}
  - {name: hook, request: POST /hook, reply: 202, webhook: {url: "http://127.0.0.1:9/", text: "{{ request.body }}", delay: 1h}}
resources:
  - {path: /items}
"""
TOKEN = "grant_type=client_credentials&client_id=app&client_secret=secret"
FILLED = set(KINDS) - {"route_counts"}
"""Those that requests fill: counts are kept of the routes that the admin API has made."""
PATHS = ["/set/%d", "/pay", "/step", "/limited", "/hook", "/items", "/token"]


def flood(server, chance, path):
    n = chance.randrange(10**6)
    size = chance.choice([1, 10, 1_000, 20_000])
    headers = {
        "Idempotency-Key": f"{n}" + "k" * chance.choice([0, 10, 2_000]),
        "Content-Type": "application/json",
    }
    body = '{"text": "%s"}' % ("x" * size)
    if path == "/token":
        headers["Content-Type"], body = "application/x-www-form-urlencoded", TOKEN
    return server.ask("POST", path % n if "%" in path else path, body, headers=headers).status


def sizes(server):
    ns = server.app.engine.default
    memory = ns.memory
    return {
        "state": (len(memory.state), memory.state.size_bytes),
        "resources": (
            sum(map(len, memory.resources.values())),
            sum(one.size_bytes for one in memory.resources.values()),
        ),
        "idempotency_keys": (len(memory.keys), memory.keys._kept.size_bytes),
        "access_tokens": (len(memory.tokens._access), memory.tokens._access.size_bytes),
        "refresh_tokens": (len(memory.tokens._grants), memory.tokens._grants.size_bytes),
        "limit_keys": (len(memory.limits._buckets), memory.limits._buckets.size_bytes),
        "per_keys": (len(ns.sequence_states._per), ns.sequence_states._per.size_bytes),
        "effects": (len(ns.effects), ns.effects.size_bytes),
        "deliveries": (len(ns.deliveries), ns.deliveries._kept.size_bytes),
        "violations": (len(ns.violations), ns.violations.size_bytes),
    }


@pytest.mark.parametrize("seed", range(3))
def test_what_clients_fill_stays_within_its_bounds(serving, seed):
    server = serving(SCENARIO, max_entries=ENTRIES, max_entries_bytes=BYTES)
    chance = Random(seed)
    statuses = {flood(server, chance, path) for _ in range(ENTRIES * 2) for path in PATHS}

    found = sizes(server)

    assert set(found) == FILLED
    assert {kind: size for kind, size in found.items() if size[0] > ENTRIES or size[1] > BYTES} == {}
    assert statuses <= {200, 201, 202, 429, 503, 507}
    refused = server.admin.get("/health")["refused"]
    assert FILLED - {"violations"} <= set(refused)
