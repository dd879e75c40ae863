"""Reflection, asked by the client library that reads schemas as grpcurl does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from mockserver.client.namespaces import Namespace
from mockserver.server import Server
from tests.grpc_calls.conftest import metadata


def test_a_client_without_a_schema_gets_it_and_makes_a_call(
    grpc_server: Server, channel: Callable[..., grpc.Channel]
) -> None:
    opened = channel()
    database = ProtoReflectionDescriptorDatabase(opened)

    services = list(database.get_services())
    pool = DescriptorPool(database)
    service = pool.FindServiceByName("payments.v1.Payments")
    method = service.methods_by_name["Charge"]
    request = GetMessageClass(method.input_type)(order_id="o-1", amount=5)
    with grpc_server.namespace() as mock:
        mock.on("GRPC payments.v1.Payments/Charge", message={"order_id": "o-1"}).reply(message={"id": "a"})
        reply = opened.unary_unary(f"/{service.full_name}/Charge")(
            request.SerializeToString(), metadata=metadata(mock)
        )

    assert GetMessageClass(method.output_type).FromString(reply).id == "a"
    assert services == [
        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
        "payments.v1.Payments",
    ]  # fmt: skip


def test_unknown_names_are_not_found(channel: Callable[..., grpc.Channel]) -> None:
    database = ProtoReflectionDescriptorDatabase(channel())

    for ask in (database.FindFileByName, database.FindFileContainingSymbol):
        with pytest.raises(KeyError):
            ask("nothing.here")
    assert list(database.FindAllExtensionNumbers("payments.v1.Charge")) == []


def test_it_is_recorded_as_automatic(mock: Namespace, channel: Callable[..., grpc.Channel]) -> None:
    ask: Any = channel().stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")

    (answer,) = ask(iter([b"\x3a\x01*"]), metadata=metadata(mock))

    assert b"payments.v1.Payments" in answer
    call = mock.calls.last
    assert call.automatic
    assert call.grpc is not None
    assert call.grpc["messages"] == [{"host": "", "list_services": "*"}]
