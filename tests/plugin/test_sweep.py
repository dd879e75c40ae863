"""`pytest --mock-server-sweep`: a suite is swept once, as a user does it, and asked about from every side."""

import re
import shlex
import sys

import pytest
from support.suites import INI, run_in_process
from support.sweeping import run, run_here, sweep, write

pytest_plugins = "pytester"
pytestmark = pytest.mark.slow

SERVICE = """
import payment_client as client
import pytest

@pytest.fixture
def service(mock_server):
    mock_server.get("/price").reply(json={"amount": 500})
    mock_server.post("/charges", name="create-charge", idempotency={"header": "idempotency-key"},
        let={"id": "ch_{{ random_string(12) }}"},
        effect={"kind": "charge", "id": "{{ let.id }}", "order": "{{ request.json.order }}"},
    ).reply(status=201, json={"id": "{{ let.id }}"})
    return mock_server.url
"""

CLIENTS = (
    SERVICE
    + """
@pytest.mark.parametrize("pay", [client.good, client.bad, client.keyless])
def test_checkout(service, pay):
    assert client.read(service, "/price") == {"amount": 500}
    assert pay(service, "/charges", {"order": 7})["id"]
"""
)

AFTER = {"reset-after-effect", "empty-reply", "time-out", "truncated-body", "garbage-body"}
"""Troubles in which the work was done, and the client doesn't know it."""


SEEDED = ("--mock-server-sweep", "--mock-server-sweep-troubles", "troubles.yaml", "--mock-server-sweep-seed", "7")  # fmt: skip


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    return sweep(tmp_path_factory.mktemp("clients"), *SEEDED, "-n", "2", test_it__py=CLIENTS)


def harmed(done, test):
    return {name for name, verdict in done.verdicts(test).items() if verdict == "harmed"}


def test_a_bad_client_is_harmed_in_exactly_the_right_cells(clients):
    assert harmed(clients, "test_checkout[bad]") == {f"create-charge#1/{trouble}" for trouble in AFTER}
    assert harmed(clients, "test_checkout[keyless]") == {f"create-charge#1/{trouble}" for trouble in AFTER}
    assert clients.code == 1, clients.output


def test_a_good_one_is_harmed_in_none(clients):
    found = clients.verdicts("test_checkout[good]")
    assert len(found) == 24
    assert {name for name, verdict in found.items() if verdict != "survived"} == {
        "GET /price#1/503-for-good", "create-charge#1/503-for-good",
    }  # fmt: skip
    assert found["create-charge#1/503-for-good"] == "failed_cleanly"


def test_how_they_tried_again_is_told_beside(clients):
    ignored = clients.cell("test_checkout[bad]/create-charge#1/429-retry-after")
    assert (ignored["verdict"], ignored["remarks"]) == (
        "survived",
        ["Retry-After broken", "new idempotency key"],
    )
    kept = clients.cell("test_checkout[good]/create-charge#1/429-retry-after")
    assert (kept["verdict"], kept["remarks"]) == ("survived", [])
    attempts = kept["attempts"]
    assert (attempts["tries"], attempts["key"], attempts["retry_after"]) == (2, "kept", "kept")
    assert attempts["gaps_ms"][0] >= 150
    assert clients.cell("test_checkout[good]/create-charge#1/503-twice")["attempts"]["amplification"] == 3.0


def test_a_timeline_tells_what_happened(clients):
    read, struck, again = clients.cell("test_checkout[bad]/create-charge#1/reset-after-effect")["timeline"][
        "calls"
    ]
    assert (read["status"], struck["status"], again["status"]) == (200, None, 201)
    assert (struck["struck"], struck["outcome"], again["struck"]) == (True, "reset", False)
    assert [len(call["effects"]) for call in (read, struck, again)] == [0, 1, 1]
    replayed = clients.cell("test_checkout[good]/create-charge#1/reset-after-effect")["timeline"]["calls"][2]
    assert (replayed["replayed"], replayed["effects"]) == (True, [])


def test_a_world_draws_as_in_the_clean_run_whatever_the_trouble(clients):
    ids = {
        effect["id"]
        for cell in clients.report["cells"]
        if cell["test"].endswith("[good]")
        for call in cell["timeline"]["calls"]
        for effect in call["effects"]
    }
    assert len(ids) == 1


def test_the_terminal_tells_the_budget_first_and_the_table_last(clients):
    output = clients.output
    assert "3 tests with 6 calls, 14 kinds of trouble: 72 cells" in output
    assert output.index("72 cells") < output.index("2 workers [72 items]") < output.rindex("[100%]")
    assert re.search(
        r"test_it\.py::test_checkout\[good\]\n  GET /price#1( +\S){12}\n  create-charge#1  \.  \.  \.  c",
        output,
    )
    assert "HARMED test_checkout[bad]/create-charge#1/time-out\n    twice: charge order=7\n" in output
    assert re.search(r"10 harmed.* in ", output)


def test_the_command_of_a_cell_runs_that_very_cell_again(clients):
    cell = clients.cell("test_checkout[bad]/create-charge#1/empty-reply")
    pytest_, *args = shlex.split(cell["command"])
    again = run(clients.folder, sys.executable, "-m", pytest_, *args)
    assert again.code == 1
    assert again.verdicts("test_checkout[bad]") == {"create-charge#1/empty-reply": "harmed"}
    assert re.search(
        r"t\+0\.\d+  POST /charges  ---  fault, close, effect: charge\n.*201 .*effect: charge", again.output
    )


def test_two_runs_with_one_seed_give_the_same_table_in_parallel_or_not(clients, tmp_path):
    alone = sweep(tmp_path, *SEEDED, "-n", "0", test_it__py=CLIENTS)
    assert "3 tests with 6 calls, 14 kinds of trouble: 72 cells" in alone.output
    assert len(alone.report["cells"]) == 72
    tables = [
        (
            [
                (cell["id"], cell["verdict"], cell["reasons"], cell["remarks"])
                for cell in done.report["cells"]
            ],
            re.search(r"test_it\.py::test_checkout\[good\]\n.*harmed\n", done.output, re.DOTALL)[0],
        )
        for done in (clients, alone)
    ]
    assert tables[0] == tables[1]


# All sorts of tests in one suite

SORTS = (
    SERVICE
    + '''
import itertools, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer

def charge(url, order=1):
    return client.good(url, "/charges", {"order": order})

made = itertools.count()

@pytest.fixture(scope="module")
def once():
    return next(made)

@pytest.fixture
def fresh():
    return []

def test_fixtures(service, once, fresh):
    charge(service)
    fresh.append(1)
    assert fresh == [1] and once == 0

def test_never_gives_up(service):
    def charge():
        time.sleep(0.05)
        return client.once(service, "/charges", {"order": 1}, "k")
    client.tried(charge, tries=10**9)

def test_expects_one_call(mock_server):
    mock_server.post("/charges", name="create-charge", effect={"kind": "charge"}, expect=1,
        idempotency={"header": "idempotency-key"}).reply(status=201, json={})
    charge(mock_server.url)

def test_resets_first(mock_server, service):
    mock_server.reset("calls", "routes")
    mock_server.post("/charges", name="create-charge", effect={"kind": "charge"},
        idempotency={"header": "idempotency-key"}).reply(status=201, json={})
    charge(mock_server.url)

def test_swallows(service):
    try:
        charge(service)
    except RuntimeError:
        pass

async def test_async(mock_server_async):
    import asyncio
    await mock_server_async.post("/charges", name="create-charge", effect={"kind": "charge"},
        idempotency={"header": "idempotency-key"}).reply(status=201, json={})
    await asyncio.to_thread(charge, mock_server_async.url)

class TestInAClass:
    def test_method(self, service):
        assert not hasattr(self, "charged")
        self.charged = charge(service)

class Shop(BaseHTTPRequestHandler):
    """An application that ships what it hears was paid, as often as it hears it."""
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        try:
            client.good(self.server.service, "/shipments", {"order": 1})
        finally:
            self.server.heard.set()
        self.send_response(204)
        self.end_headers()
    def log_message(self, *args):
        pass

@pytest.fixture
def shop(mock_server):
    server = HTTPServer(("127.0.0.1", 0), Shop)
    server.service, server.heard = mock_server.url, threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()

def test_webhook(mock_server, shop):
    hook = {"url": f"http://127.0.0.1:{shop.server_port}/hooks", "json": {}}
    mock_server.post("/charges", name="create-charge", effect={"kind": "charge"}, webhook=hook).reply(status=201, json={})
    mock_server.post("/shipments", name="ship", effect={"kind": "shipment"}).reply(status=201, json={})
    charge(mock_server.url)
    assert shop.heard.wait(2)
    mock_server.verify(webhooks={"route": "create-charge"}, times={"min": 1}, quiet="400ms", within="3s")

def test_red_by_itself(service):
    charge(service)
    assert False, "as always"

def test_skipped(service):
    pytest.skip("not today")

def test_without_calls(mock_server):
    pass

def test_without_a_mock_server():
    raise AssertionError("it is not run")
'''
)
SOME = """
shipped: [503-once, 503-for-good, reset-after-effect, webhook-twice]
"""


@pytest.fixture(scope="module")
def sorts(tmp_path_factory):
    ini = "\nmock_server_sweep_troubles = some.yaml\n"
    folder = tmp_path_factory.mktemp("sorts")
    args = ("--mock-server-sweep", "--mock-server-sweep-limit", "3s")
    done = sweep(folder, *args, test_it__py=SORTS, some__yaml=SOME, pytest__ini=INI + ini)
    assert "[100%]" in done.output.rpartition("test session starts")[2], done.output
    return done


def test_each_cell_has_fixtures_of_its_own_and_shares_the_wider_ones(sorts):
    assert sorts.verdicts("test_fixtures") == {
        "create-charge#1/503-once": "survived",
        "create-charge#1/503-for-good": "failed_cleanly",
        "create-charge#1/reset-after-effect": "survived",
    }


def test_a_method_has_an_object_of_its_own(sorts):
    assert sorts.verdicts("test_method")["create-charge#1/503-once"] == "survived"


def test_a_client_that_never_gives_up_is_ended_at_the_limit(sorts):
    cell = sorts.cell("test_never_gives_up/create-charge#1/503-for-good")
    assert cell["verdict"] == "failed_cleanly"
    assert "The cell took longer than its limit of 3 s" in cell["error"]
    assert 2.9 < cell["duration_s"] < 20


def test_what_a_route_expects_is_not_held_against_a_retry(sorts):
    assert sorts.verdicts("test_expects_one_call")["create-charge#1/reset-after-effect"] == "survived"


def test_a_reset_by_the_test_leaves_the_trouble(sorts):
    found = sorts.verdicts("test_resets_first")
    assert found["create-charge#1/503-for-good"] == "failed_cleanly"
    assert found["create-charge#1/reset-after-effect"] == "survived"


def test_a_green_test_without_its_effect_is_harmed(sorts):
    cell = sorts.cell("test_swallows/create-charge#1/503-for-good")
    assert (cell["verdict"], cell["reasons"]) == ("harmed", ["lost: charge order=1"])


def test_async_tests_are_swept(sorts):
    assert sorts.verdicts("test_async")["create-charge#1/reset-after-effect"] == "survived"


def test_an_application_that_acts_on_every_webhook_is_harmed_by_two(sorts):
    found = sorts.verdicts("test_webhook")
    assert found["create-charge#1/webhook-twice"] == "harmed"
    assert sorts.cell("test_webhook/create-charge#1/webhook-twice")["reasons"] == ["twice: shipment"]
    assert "ship#1/webhook-twice" not in found


def test_what_is_not_swept_is_told_with_the_reason(sorts):
    assert {one["test"].partition("::")[2]: one["why"] for one in sorts.report["not_swept"]} == {
        "test_red_by_itself": "it fails without any trouble: test_it.py:*: AssertionError".replace(
            "*", line_of("assert False")
        ),
        "test_skipped": "it was skipped, or is expected to fail",
        "test_without_calls": "it makes no call to the mock server",
    }
    assert "test_without_a_mock_server" not in str(sorts.report)
    assert "as always" in sorts.output, "the clean run says why it fails"


def line_of(text):
    return str(next(i for i, line in enumerate(SORTS.split("\n"), 1) if text in line))


def test_every_cell_was_reached(sorts):
    assert sorts.report["unreached"] == []
    assert sorts.report["budget"]["planned"] == len(sorts.report["cells"])


# Smaller questions, smaller suites

ONE = (
    SERVICE
    + """
@pytest.mark.parametrize("order", ["a/b", "é"])
def test_pay(service, order):
    client.good(service, "/charges", {"order": order})
"""
)


@pytest.fixture(scope="module")
def capped(tmp_path_factory):
    """Of one test by its parameter on the command line."""
    folder = tmp_path_factory.mktemp("capped")
    args = (
        "test_it.py::test_pay[a/b]",
        "--mock-server-sweep",
        "--max-cells",
        "5",
        "--mock-server-sweep-pairs",
        "3",
        "-v",
    )
    return sweep(folder, *args, test_it__py=ONE)


def test_a_cap_samples_and_a_green_sweep_ends_well(capped):
    assert capped.code == 0, capped.output
    assert "12 cells\nmock server sweep: 5 of them run, sampled evenly" in capped.output
    assert len(capped.report["cells"]) == 5
    assert len(capped.report["left_out"]) == 7
    assert "mock server sweep: 3 of 120 pairs of troubles run, selected by the seed" in capped.output
    assert (len(capped.report["pairs"]), capped.report["unreached"]) == (3, [])
    assert re.search(r"test_pay\[\S+-create-charge#1/\S+\] SURVIVED", capped.output)


@pytest.fixture
def sweep_here(pytester, monkeypatch):
    """A sweep in this process; its clean run has one of its own."""

    def done(*args, **files):
        write(pytester.path, **files)
        return run_here(pytester, monkeypatch, *args)

    return done


def test_the_test_fails_that_the_suite_cannot_pass_by_itself(sweep_here):
    red = ONE + "\ndef test_red(service):\n    client.good(service, '/charges', {})\n    assert 1 == 2\n"
    done = sweep_here("--mock-server-sweep-only", "test_pay[a/b]/create-charge#1/500", "--mock-server-sweep-only", "*/create-charge#1/500", test_it__py=red)  # fmt: skip
    assert done.code == 1
    assert len(done.report["cells"]) == 2
    assert done.report["not_swept"][0]["why"].startswith("it fails without any trouble")


def test_what_all_cells_share_may_take_longer_than_the_limit_of_one(sweep_here):
    shared = "@pytest.fixture(scope='session', autouse=True)\ndef application():\n    import time\n    time.sleep(2.2)\n"
    test = ONE.replace("@pytest.mark.parametrize", shared + "\n@pytest.mark.parametrize")
    args = ("--mock-server-sweep-limit", "2s", "--max-cells", "2", "--mock-server-sweep-only", "*/503-once")
    done = sweep_here(*args, test_it__py=test)
    assert set(done.verdicts("test_pay[a/b]").values()) == {"survived"}, done.output
    assert all(cell["duration_s"] < 2.2 for cell in done.report["cells"]), "nor is it any cell's own time"


def test_one_parameter_on_the_command_line_is_one_test(capped):
    assert {cell["test"] for cell in capped.report["cells"]} == {"test_it.py::test_pay[a/b]"}


def test_a_sidecar_is_swept_alike(sweep_here, serving):
    server = serving(
        {
            "shop.yaml": "routes: [{name: hello, request: POST /hello, reply: {json: {}}, effect: {kind: hello}}]"
        }
    )
    test = """
import payment_client as client
def test_it(mock_server):
    client.keyless(mock_server.url, '/hello', {})

def test_resets_after_it(mock_server):
    client.keyless(mock_server.url, '/hello', {})
    mock_server.reset()

def test_resets_between(mock_server):
    client.keyless(mock_server.url, '/hello', {})
    mock_server.reset("calls", "routes")
    client.keyless(mock_server.url, '/hello', {})
"""
    only = ("--mock-server-sweep-only", "*/503-once", "--mock-server-sweep-only", "*/empty-reply")
    done = sweep_here(*only, "--mock-server-url", server.url, test_it__py=test)
    once = {"hello#1/503-once": "survived", "hello#1/empty-reply": "harmed"}
    assert done.verdicts("test_it") == once, done.output
    assert done.verdicts("test_resets_after_it") == once
    again = {"hello#2/503-once": "survived", "hello#2/empty-reply": "harmed"}
    assert done.verdicts("test_resets_between") == once | again
    lost = done.cell("test_resets_between/hello#1/empty-reply")
    assert (lost["reasons"], lost["attempts"]["tries"]) == (["3 times: hello (2 in the clean run)"], 2)
    assert f"--mock-server-url {server.url}" in done.report["cells"][0]["command"]
    assert [one["name"] for one in server.admin.get("/namespaces")["items"]] == ["default"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--mock-server-sweep-only", "test_pay/create-charge#1/501"), "no cell of this sweep matches 'test_pay/create-charge#1/501'. Did you mean"),
        (("--mock-server-sweep", "--mock-server-sweep-troubles", "wrong.yaml"), "wrong.yaml:1:11: shipped[0]: there is no shipped trouble '503-onec'. Did you mean '503-once'?"),
        (("--mock-server-sweep", "--mock-server-sweep-limit", "soon"), "--mock-server-sweep-limit: 'soon' is not a valid duration"),
        (("--mock-server-sweep", "--max-cells", "0"), "'0' is not a valid number; write 1 or more"),
        (("--mock-server-sweep", "nowhere.py"), "file or directory not found: nowhere.py"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_once(pytester, args, said):
    """In this process: as one of its own, pytest takes most of a second to start."""
    write(pytester.path, test_it__py=ONE, wrong__yaml="shipped: [503-onec]")
    done = run_in_process(pytester, *args)
    output = f"{done.stdout}{done.stderr}"
    assert done.ret == 4, output
    assert said in output
    assert "Traceback" not in output
    assert not (pytester.path / "mock-server-sweep").exists()
