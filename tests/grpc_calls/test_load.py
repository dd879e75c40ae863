"""What is said when a scenario with gRPC is loaded and wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.errors import MissingExtraError
from mockserver.scenarios import proto_files
from mockserver.scenarios.loader import from_bundle, load
from mockserver.scenarios.source import LoadError
from mockserver.scenarios.watching import fingerprint
from mockserver.server import Server
from tests.support.grpc import HEAD, PROTO, descriptor_set

CHARGE = """
routes:
  - request: GRPC payments.v1.Payments/Charge
    reply: {message: {id: a}}
"""


def lines(text: str, files: dict[str, bytes] | None = None) -> list[str]:
    with pytest.raises(LoadError) as failed:
        build_scenario_set([from_bundle(text, files or {"payments.pb": descriptor_set()}, "s")])
    return failed.value.lines


@pytest.mark.parametrize(
    ("request_line", "said"),
    [
        ("payments.v1.Payments/Chrage", "the service payments.v1.Payments has no method 'Chrage'. Did you mean 'Charge'?"),
        ("payments.v1.Payment/Charge", "the schema has no service 'payments.v1.Payment'. Did you mean 'payments.v1.Payments'?"),
    ],
)  # fmt: skip
def test_an_unknown_method_is_named_with_the_nearest(request_line: str, said: str) -> None:
    (line,) = lines(f"{HEAD}routes: [{{request: GRPC {request_line}, reply: UNAVAILABLE}}]")

    assert line == f"s:2:20: routes[0].request: {said}"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("{message: {idd: a}}", "s:4:23: routes[0].reply.message.idd: payments.v1.Charge has no field 'idd'. Did you mean 'id'?"),
        ("{message: {amount: '{{ 1 }}', ix: 1}}", "s:4:42: routes[0].reply.message.ix: payments.v1.Charge has no field 'ix'."),
        ("{json: {}}", "routes[0].reply.json: a gRPC reply has no `json`. Write `message`, or `messages` for a stream"),
        ("503", "routes[0].reply: 503 is a status of HTTP, not of gRPC. Write UNAVAILABLE"),
        ("{status: 503}", "routes[0].reply.status: 503 is a status of HTTP, not of gRPC. Write UNAVAILABLE"),
        ("UNAVAILBLE", "expected an HTTP status, or one of gRPC, got 'UNAVAILBLE'. Did you mean 'UNAVAILABLE'?"),
        ("{status: 17}", "17 is not a valid HTTP status"),
        ("OK", "a reply with the status OK has a message. Write message: {…}"),
        ("{status: ABORTED, message: {}}", "routes[0].reply.message: a reply with the status ABORTED has no message."),
        ("{message: {}, messages: []}", "routes[0].reply.messages: a reply has `message` or `messages`, not both."),
        ("{messages: [{message: {}}]}", "routes[0].reply.messages: payments.v1.Payments/Charge answers one message, not a stream."),
        ("{status: ABORTED, details: [{a: 1}]}", "routes[0].reply.details[0]: the type of a google.protobuf.Any is missing."),
        ("{status: ABORTED, details: [{'@type': google.rpc.RetryInf}]}", "the schema has no message 'google.rpc.RetryInf'. Did you mean 'google.rpc.RetryInfo'?"),
        ("{status: ABORTED, trailers: {grpc-status: 1}}", "routes[0].reply.trailers.grpc-status: 'grpc-status' is written by the server."),
        ("{status: ABORTED, fault: {kind: reset, after: headers}}", "routes[0].reply.fault.after: a reply without messages has no place inside for a fault."),
        ("{message: {id: '{{ nothing }}'}}", "routes[0].reply.message.id: 'nothing' is not known here"),
    ],
)  # fmt: skip
def test_a_wrong_reply_is_named_with_its_place(reply: str, said: str) -> None:
    found = lines(f"{HEAD}routes:\n  - request: GRPC payments.v1.Payments/Charge\n    reply: {reply}")

    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("{text: a}", "messages[0].text: unknown key. "),
        ("a", "messages[0]: expected a mapping, got 'a'. Write {message: {…}}"),
        ("{each: [1]}", "messages[0]: there is no message."),
        ("{message: {}, delay: soon}", "messages[0].delay: "),
        ("{message: {txt: a}}", "messages[0].message.txt: payments.v1.ChatMessage has no field 'txt'. Did you mean 'text'?"),
        ("{receive: {txt: a}}", "messages[0].receive.txt: payments.v1.ChatMessage has no field 'txt'. Did you mean 'text'?"),
        ("{receive: {number: {$gtt: 1}}}", "messages[0].receive.number.$gtt: unknown operator '$gtt'. Did you mean '$gt'?"),
        ("{message: {}, repeat: true}", "messages[0].repeat: it would send without end."),
        ("{receive: {}, repeat: 3}", "messages[0].repeat: expected true or false, got 3."),
    ],
)  # fmt: skip
def test_a_wrong_item_of_a_conversation_is_named(item: str, said: str) -> None:
    (line,) = lines(
        f"{HEAD}routes:\n  - request: GRPC payments.v1.Payments/Chat\n    reply: {{messages: [{item}]}}"
    )

    assert said in line


def test_only_a_method_of_two_streams_receives() -> None:
    (line,) = lines(
        f"{HEAD}routes:\n  - request: GRPC payments.v1.Payments/Watch\n    reply: {{messages: [{{receive: {{}}}}]}}"
    )

    assert (
        "messages[0].receive: payments.v1.Payments/Watch is answered when the client has sent everything."
        in line
    )


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ("{message: {amuont: 1}}", "match.message.amuont: payments.v1.ChargeRequest has no field 'amuont'. Did you mean 'amount'?"),
        ("{message: {currency: EURO}}", "match.message.currency: payments.v1.Currency has no value 'EURO'. Did you mean 'EUR'?"),
        ("{message: {amount: {$one_of: [1, x]}}}", "match.message.amount.$one_of[1]: expected an integer, got 'x'."),
        ("{message: {card: 5}}", "match.message.card: expected conditions on a message of type payments.v1.Card, got 5."),
        ("{messages: 5}", "match.messages: expected a list or operators, got 5."),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_named(match: str, said: str) -> None:
    (line,) = lines(
        f"{HEAD}routes:\n  - request: GRPC payments.v1.Payments/Charge\n    match: {match}\n    reply: UNAVAILABLE"
    )

    assert said in line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "GRPC payments.v1.Payments",
            "does not name a service and a method. Write 'GRPC package.Service/Method'",
        ),
        ("GRPC,POST /a/b", "'GRPC,POST' mixes GRPC with methods of HTTP"),
    ],
)
def test_a_wrong_request_line_is_named(line: str, said: str) -> None:
    assert said in lines(f"{HEAD}routes: [{{request: '{line}', reply: UNAVAILABLE}}]")[0]


def test_a_status_of_grpc_has_no_place_in_a_route_of_http() -> None:
    found = lines("routes: [{request: GET /, reply: [UNAVAILABLE, {message: {}}]}]")

    assert (
        "reply[0]: UNAVAILABLE is a status of gRPC. Write 503, or request: GRPC package.Service/Method"
        in found[0]
    )
    assert "reply[1].message: `message` is for gRPC. Write request: GRPC package.Service/Method" in found[1]


def test_a_grpc_call_can_t_be_forwarded() -> None:
    (line,) = lines(
        f"{HEAD}routes: [{{request: GRPC payments.v1.Payments/Charge, proxy: 'http://localhost:1'}}]"
    )

    assert "routes[0].proxy: a gRPC call can't be forwarded." in line


def test_a_message_without_a_schema_is_refused() -> None:
    (line,) = lines(CHARGE)

    assert "reply.message: the type of the message is not known. Write grpc: {proto: payments.proto}" in line


@pytest.mark.slow
def test_errors_of_a_proto_file_have_its_line() -> None:
    wrong = PROTO.read_bytes().replace(b"repeated Card more", b"repeated Crad more")

    (line,) = lines("grpc: {proto: payments.proto}\n" + CHARGE, {"payments.proto": wrong})

    assert line.startswith('s:1:15: grpc.proto: payments.proto:40:12: "Crad" is not defined.')


@pytest.mark.slow
def test_a_missing_import_is_named_with_its_line() -> None:
    proto = b'syntax = "proto3";\nimport "other.proto";\n'

    found = lines("grpc: {proto: a.proto}", {"a.proto": proto})

    assert any('a.proto:2:1: Import "other.proto" was not found' in line for line in found)


def test_a_missing_file_is_named() -> None:
    (line,) = lines("grpc: {proto: [a.proto, b.proto]}", {"a.proto": b""})

    assert "grpc.proto: there is no file 'b.proto' with this scenario. It has: a.proto" in line


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{}", "`grpc` names no schema. Write {proto: payments.proto}"),
        ("{proto: 5}", "grpc.proto: expected a file or a list of files, got 5."),
        ("{descriptor: a.pb, include: [b]}", "`include` goes with `proto`."),
        ("{protos: a}", "grpc.protos: unknown key. Did you mean 'proto'?"),
    ],
)
def test_a_wrong_schema_key_is_named(written: str, said: str) -> None:
    assert said in "\n".join(lines(f"grpc: {written}"))


@pytest.mark.slow
def test_imports_are_found_beside_the_file_and_in_the_folders_named(tmp_path: Path) -> None:
    (tmp_path / "api" / "pay").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    (tmp_path / "api/pay/pay.proto").write_text(
        'syntax = "proto3"; package p; import "pay/card.proto"; import "common.proto"; import "google/type/money.proto";'
        "service S { rpc A(Card) returns (Common); rpc B(google.type.Money) returns (Card); }"
    )
    (tmp_path / "api/pay/card.proto").write_text(
        'syntax = "proto3"; package p; message Card { string n = 1; }'
    )
    (tmp_path / "shared/common.proto").write_text(
        'syntax = "proto3"; package p; message Common { string c = 1; }'
    )
    (tmp_path / "s.yaml").write_text(
        "grpc: {proto: api/pay/pay.proto, include: [api, shared]}\n"
        "routes: [{request: GRPC p.S/A, reply: {message: {c: a}}}, {request: GRPC p.S/B, match: {message: {units: 5}}, reply: {message: {n: b}}}]\n"
    )

    scenario_set = build_scenario_set(load([tmp_path / "s.yaml"]))

    assert list(scenario_set.scenarios["s"].schemas[0].methods)[:2] == ["/p.S/A", "/p.S/B"]


@pytest.mark.slow
def test_files_outside_of_the_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.proto").write_text('syntax = "proto3"; message Secret {}')
    (tmp_path / "in/link.proto").symlink_to(tmp_path / "secret.proto")
    (tmp_path / "in/a.proto").write_text(
        'syntax = "proto3"; import "link.proto"; message A { Secret s = 1; }'
    )
    (tmp_path / "in/s.yaml").write_text("grpc: {proto: a.proto}")

    with pytest.raises(LoadError, match=r'Import "link.proto" was not found'):
        build_scenario_set(load([tmp_path / "in/s.yaml"]))


@pytest.fixture(scope="module")
def descriptor() -> bytes:
    return descriptor_set()


def test_a_descriptor_set_is_a_schema(descriptor: bytes) -> None:
    files = {"payments.pb": descriptor}

    scenario_set = build_scenario_set([from_bundle("grpc: {descriptor: payments.pb}" + CHARGE, files, "s")])

    assert "/payments.v1.Payments/Charge" in scenario_set.scenarios["s"].schemas[0].methods


def test_a_descriptor_set_without_its_imports_is_refused(descriptor: bytes) -> None:
    whole = FileDescriptorSet.FromString(descriptor)
    alone = FileDescriptorSet(file=[file for file in whole.file if file.name == "payments.proto"])
    alone.file[0].dependency.append("other.proto")

    (line,) = lines("grpc: {descriptor: a.pb}", {"a.pb": alone.SerializeToString()})

    assert "grpc.descriptor: 'payments.proto' imports 'other.proto', which is missing. " in line


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xff"])
def test_other_bytes_are_no_descriptor_set(data: bytes) -> None:
    (line,) = lines("grpc: {descriptor: a.pb}", {"a.pb": data})

    assert "grpc.descriptor: this is not a descriptor set. Write it with: protoc --include_imports" in line


def test_a_file_that_defines_a_name_twice_is_refused(descriptor: bytes) -> None:
    whole = FileDescriptorSet.FromString(descriptor)
    again = whole.file.add()
    again.CopyFrom(next(file for file in whole.file if file.name == "payments.proto"))
    again.name = "again.proto"

    (line,) = lines("grpc: {descriptor: a.pb}", {"a.pb": whole.SerializeToString()})

    assert "grpc.descriptor: the schema can't be used: " in line


@pytest.mark.parametrize(("module", "key"), [("grpc_tools", "proto"), ("google.protobuf", "descriptor")])
def test_the_extra_is_named_if_it_is_missing(
    module: str, key: str, descriptor: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == module or name.startswith(module + ".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(proto_files.importlib.util, "find_spec", lambda _: None)

    with pytest.raises((MissingExtraError, LoadError), match=r"Install the extra mockserver\[grpc\]"):
        build_scenario_set(
            [
                from_bundle(
                    f"grpc: {{{key}: a.x}}",
                    {"a.x": descriptor if key == "descriptor" else PROTO.read_bytes()},
                    "s",
                )
            ]
        )


def test_a_change_of_a_proto_file_is_noticed_beside_a_scenario_that_is_served_alone(tmp_path: Path) -> None:
    scenario = tmp_path / "s.yaml"
    scenario.write_text("grpc: {proto: a.proto}")
    (tmp_path / "a.proto").write_text('syntax = "proto3";')
    before = fingerprint([str(scenario)])

    (tmp_path / "other.txt").write_text("a")
    assert fingerprint([str(scenario)]) == before
    (tmp_path / "a.proto").write_text('syntax = "proto3"; message A {}')
    assert fingerprint([str(scenario)]) != before


@pytest.mark.slow
def test_what_has_not_changed_is_not_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = {"a.proto": b'syntax = "proto3"; message NotSeenBefore {}'}
    runs: list[object] = []
    run = proto_files.subprocess.run

    def counted(*given: object, **options: object) -> object:
        runs.append(given)
        return run(*given, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(proto_files.subprocess, "run", counted)
    for _ in range(2):
        build_scenario_set([from_bundle("grpc: {proto: a.proto}", source, "s")])
    build_scenario_set([from_bundle("grpc: {proto: a.proto}", {"a.proto": source["a.proto"] + b"\n"}, "s")])

    assert len(runs) == 2


@pytest.mark.slow
def test_a_scenario_is_uploaded_with_its_schema_and_what_that_imports(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api/a.proto").write_text(
        'syntax = "proto3"; package p; import "b.proto"; service S { rpc A(B) returns (B); }'
    )
    (tmp_path / "api/b.proto").write_text('syntax = "proto3"; package p; message B { string t = 1; }')
    (tmp_path / "s.yaml").write_text(
        "grpc: {proto: api/a.proto}\nroutes: [{request: GRPC p.S/A, reply: {message: {t: hi}}}]"
    )
    (tmp_path / "empty").mkdir()

    with Server(tmp_path / "empty") as server:
        server.load(tmp_path / "s.yaml")
        with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
            assert channel.unary_unary("/p.S/A")(b"") == b"\x0a\x02hi"
