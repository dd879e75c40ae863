"""In a sweep, calls are grouped as the scenario of their routes says."""

import pytest
from support.sweeping import sweep

pytestmark = pytest.mark.slow

SUITE = """
import payment_client as client

def test_it(mock_server):
    mock_server.post("/c", name="charge", attempts={"by": "route"}).reply(status=201)
    lines = iter(range(9))
    client.tried(lambda: client.once(mock_server.url, "/c", {"line": next(lines)}))
"""


def test_requests_that_are_not_alike_are_attempts_of_one_operation(tmp_path):
    done = sweep(tmp_path, "--mock-server-sweep", "--mock-server-sweep-only", "*/503-once", test_it__py=SUITE)

    (cell,) = done.report["cells"]
    assert cell["attempts"]["tries"] == 2
