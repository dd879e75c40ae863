"""How other replicas reach one whose host is given."""

import pytest

from mockserver.replicas.joining import address_of


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.0.0.7", "10.0.0.7:8081"),
        ("mock.internal", "mock.internal:8081"),
        ("mock.internal:9000", "mock.internal:9000"),
        ("fd00::1", "[fd00::1]:8081"),
        ("[fd00::1]", "[fd00::1]:8081"),
        ("[fd00::1]:9000", "[fd00::1]:9000"),
    ],
)
def test_a_host_gets_a_port_unless_it_has_one(host, address):
    assert address_of(host, 8081) == address
