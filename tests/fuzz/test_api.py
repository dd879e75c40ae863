"""Every call of the admin API with what its own description allows, and with what it forbids, made by schemathesis."""

import os
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.admin import described, hold_to_contract
from support.http import Answer

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
# No shrinking: of a schema as large as a route's, it takes many minutes.
quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, print_blob=True,
                 phases=[Phase.generate], derandomize="FUZZ_EXAMPLES" not in os.environ)  # fmt: skip
SCENARIO = """
routes:
  - {name: charge, request: POST /charges, reply: [503, {status: 201, effect: {kind: paid}}]}
  - {request: GET /late, reply: {text: x, webhook: {url: "http://127.0.0.1:1/", delay: 1h}}}
resources: [{path: /items, seed: {count: 2, each: {id: "{{ n }}"}}}]
"""
KNOWN = {"id": "charge", "name": "shop", "key": "k", "path": "items", "namespace": "default"}
"""What is there, for half the calls: with names made up alone, most would be 404."""
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
          "negative_data_rejection"]  # fmt: skip
OPERATIONS = sorted(
    f"{method.upper()} {path}"
    for path, operations in described()["paths"].items()
    for method in operations
    if not path.endswith("/stream")  # it has no end
)


def could_be_wrong(label):
    """Whether it takes a body or a query that something could be wrong with; a value of the state may be any JSON."""
    method, path = label.split()
    operation = described()["paths"][path][method.lower()]
    takes = "requestBody" in operation or any(one["in"] == "query" for one in operation.get("parameters", ()))
    return takes and "{namespace}" not in path and not path.endswith("/state/{key}")


@pytest.fixture(scope="module")
def schema():
    import schemathesis
    from schemathesis.checks import CHECKS as ALL

    document = schemathesis.openapi.from_dict(described())
    found = {one.ok().label: one.ok() for one in document.get_all_operations()}
    return SimpleNamespace(
        operations=found, checks=ALL.get_by_names(CHECKS), modes=schemathesis.GenerationMode
    )


@pytest.fixture(scope="module")
def server(server_loop, tmp_path_factory):
    from support.server import InProcess

    from mockserver.settings import Settings

    folder = tmp_path_factory.mktemp("scenarios")
    (folder / "shop.yaml").write_text(SCENARIO)
    one = InProcess(server_loop, Settings(paths=(str(folder),), port=0), folder)
    for line in ("POST /charges", "POST /charges", "GET /late", "GET /nowhere"):
        one.ask(*line.split())
    yield one
    one.stop()


def tried(schema, server, operation, strategy, *, known):
    @quick
    @given(strategy, st.booleans() if known else st.just(False))
    def one(case, by_name):
        if by_name:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = KNOWN[name]
        answer = case.call(base_url=server.url, timeout=20)
        case.validate_response(answer, checks=schema.checks)
        path = answer.request.path_url.removeprefix("/__admin")
        lines = [(name, value) for name, values in answer.headers.items() for value in values]
        hold_to_contract(case.method, path, Answer(answer.status_code, lines, answer.content))

    one()


@pytest.mark.slow
@pytest.mark.parametrize("label", OPERATIONS)
def test_what_the_description_allows_is_answered_as_it_says(schema, server, label):
    operation = schema.operations[label]

    tried(schema, server, operation, operation.as_strategy(generation_mode=schema.modes.POSITIVE), known=True)
    assert server.admin.get("/health")["status"] == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("label", [*filter(could_be_wrong, OPERATIONS)])
def test_what_the_description_forbids_is_refused(schema, server, label):
    operation = schema.operations[label]

    tried(
        schema, server, operation, operation.as_strategy(generation_mode=schema.modes.NEGATIVE), known=False
    )
    assert server.admin.get("/health")["status"] == "ok"
