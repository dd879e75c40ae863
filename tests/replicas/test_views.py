"""What a replica says of itself and of the others: metrics, and the list of replicas."""

import json
import signal

import pytest
from prometheus_client import parser
from support.http import ask
from support.server import until
from support.shared_store import NEEDS_REDIS, redis_at
from support.websocket import handshake
from support.wire import Wire

NOT_RELOADED = (
    "not reloaded, the old scenarios stay active: These differ from what the other replicas have: data"
)
pytestmark = [pytest.mark.slow, NEEDS_REDIS]


@pytest.fixture
def store(tmp_path):
    with redis_at(tmp_path) as running:
        yield running.url


def samples(server):
    text = server.admin.call("GET", "/metrics").text
    return {
        sample.name: sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_say_what_the_store_took_and_who_shares_it(store, serving):
    first = serving(store=store)
    second = serving(first.folder, store=store)
    for server in (first, second, first):
        server.ask("POST", "/data")

    owner, other = samples(first), samples(second)

    assert owner["mockserver_store_entries_total"] == 3
    assert owner["mockserver_store_write_seconds_count"] == owner["mockserver_store_groups_total"] == 3
    assert owner["mockserver_store_ready"] == 1
    assert owner["mockserver_replica_relayed_requests_total"] == 0
    assert other["mockserver_store_entries_total"] == 0
    assert other["mockserver_replica_relayed_requests_total"] == 1
    assert other["mockserver_replicas"] == 2


def test_without_a_store_no_metric_of_it_is_there(serving):
    assert not [name for name in samples(serving()) if "store" in name or "replica" in name]


def test_files_that_the_other_replicas_do_not_have_are_not_reloaded_and_the_log_says_so(
    store, process, write
):
    folder = write({"data.yaml": "routes: [{request: GET /data, reply: 200}]"})
    server = process("--store", store, "--watch", scenarios=folder)

    write({"data.yaml": "routes: [{request: GET /data, reply: 201}]"})
    server.wait_for_log(NOT_RELOADED)
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.stderr().count(NOT_RELOADED) == 2)

    assert ask(server.url, "GET", "/data").status == 200
    assert "Traceback" not in server.stderr()


def test_adopted_files_answer_at_once_where_the_old_ones_were_served(store, serving, write):
    old = serving("routes: [{request: GET /old, reply: 200}]", store=store)
    assert old.ask("GET", "/old").status == 200

    new = serving("routes: [{request: GET /new, reply: 200}]", store=store, store_adopt=True)
    until(lambda: old.ask("GET", "/__admin/health/ready").status == 503)

    until(lambda: new.ask("GET", "/new").status != 503)
    assert [new.ask("GET", path).status for path in ("/new", "/old")] == [200, 404]
    assert old.ask("GET", "/old").status == 503


def test_a_handshake_is_refused_and_recorded_with_the_reason(store, serving):
    server = serving("routes: [{request: WS /feed, reply: {websocket: []}}]", store=store)
    with Wire(server.address) as wire:
        wire.send(handshake())
        answer = wire.answer()
    assert answer.status == 501
    assert "without --store" in json.loads(answer.body)["title"]
    (call,) = server.calls()
    assert (call["matched"], call["reply"]["status"]) == (False, 501)
