"""The client of Google Cloud Pub/Sub against scenarios/grpc/pubsub.yaml."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.server import Server

TOPIC = "projects/p/topics/t"
SUBSCRIPTION = "projects/p/subscriptions/s"
SCENARIO = Path(__file__).parents[2] / "scenarios" / "grpc" / "pubsub.yaml"

pytestmark = pytest.mark.slow


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with Server(SCENARIO) as client:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", client.url.removeprefix("http://"))
        yield client


def test_a_publish_is_retried_and_delivered_once(server: Any) -> None:
    from google.cloud import pubsub_v1

    publisher = pubsub_v1.PublisherClient()
    subscriber = pubsub_v1.SubscriberClient()
    with subscriber:
        publisher.create_topic(name=TOPIC)
        subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
        with server.outage("UNAVAILABLE", routes=["publish"], times=2):
            published = publisher.publish(TOPIC, b"hello", kind="greeting")
            assert published.result(timeout=30) == "0"

        pulled = subscriber.pull(subscription=SUBSCRIPTION, max_messages=5)
        (received,) = pulled.received_messages
        assert (received.message.data, dict(received.message.attributes)) == (b"hello", {"kind": "greeting"})
        subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[received.ack_id])
        assert not subscriber.pull(subscription=SUBSCRIPTION, max_messages=5).received_messages

    publisher.stop()
    assert server.count("GRPC google.pubsub.v1.Publisher/Publish") == 3
    route = server.route("publish")
    assert route.calls.statuses == ["UNAVAILABLE", "UNAVAILABLE", "OK"]
    route.assert_attempts(max=3, operations=1, after="retryable")
    server.assert_effects("publish", 1, messages=1)


def test_a_streaming_pull_delivers_and_its_acknowledgements_count(server: Any) -> None:
    from google.cloud import pubsub_v1

    publisher = pubsub_v1.PublisherClient()
    for data in (b"a", b"b"):
        publisher.publish(TOPIC, data).result(timeout=30)
    publisher.stop()
    received: list[bytes] = []
    both = threading.Event()

    def take(message: Any) -> None:
        received.append(message.data)
        message.ack()
        if len(received) == 2:
            both.set()

    with pubsub_v1.SubscriberClient() as subscriber:
        pulling = subscriber.subscribe(SUBSCRIPTION, callback=take)
        assert both.wait(30)
        server.verify("GRPC google.pubsub.v1.Subscriber/Acknowledge", times={"min": 1}, within="10s")
        pulling.cancel()
        pulling.result(timeout=30)

    assert sorted(received) == [b"a", b"b"]
    pulls = [call for call in server.calls if call.request.path.endswith("/StreamingPull")]
    assert pulls
    assert pulls[0].grpc["messages"][0]["subscription"] == SUBSCRIPTION


def test_the_scenario_reads_what_the_client_of_google_writes() -> None:
    from google.pubsub_v1 import types

    from mockserver.compiler.scenario_set import build_scenario_set
    from mockserver.scenarios.loader import load

    schema = build_scenario_set(load([SCENARIO])).scenarios["pubsub"].schemas[0]
    for method in schema.methods.values():
        for kind in (method.input, method.output):
            real = getattr(types, kind.descriptor.name, None)
            if real is None or not kind.name.startswith("google.pubsub"):
                continue
            fields = {field.name: (field.number, field.type) for field in real.pb().DESCRIPTOR.fields}
            for field in kind.descriptor.fields:
                assert fields[field.name] == (field.number, field.type), f"{kind.name}.{field.name}"


def test_the_descriptor_set_is_that_of_the_schema(tmp_path: Path) -> None:
    """It is shipped so that serving the scenario needs no compiler."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    made = tmp_path / "pubsub.pb"
    folder = SCENARIO.parent
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", "--include_imports"]
    subprocess.run([*command, f"--descriptor_set_out={made}", "pubsub.proto"], check=True)

    shipped, compiled = (
        FileDescriptorSet.FromString(path.read_bytes()) for path in (folder / "pubsub.pb", made)
    )
    assert shipped == compiled
