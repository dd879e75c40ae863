"""compose.yaml: what it promises the application, and what it asks of its engine. tests/container asks a real one."""

import yaml
from support.server import PROJECT

from mockserver.model.durations import parse_duration_s

SERVICES = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]


def test_the_application_starts_once_the_mock_is_healthy():
    assert SERVICES["app"]["depends_on"] == {"mock": {"condition": "service_healthy"}}


def test_the_mock_is_asked_often_while_it_starts_and_seldom_later():
    health = SERVICES["mock"]["healthcheck"]
    seconds = {
        name: parse_duration_s(health[name]) for name in ("start_period", "start_interval", "interval")
    }

    assert health["test"] == ["CMD", "mockserver", "healthcheck"]
    assert seconds["start_interval"] <= 0.1
    assert seconds["start_period"] >= 5  # failures count for nothing as long as it may still start
    assert seconds["interval"] >= 5  # each costs a Python process


def test_nothing_gets_rights_that_it_does_not_need():
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
