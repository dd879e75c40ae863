"""compose.replicas.yaml: three replicas that share a store, behind a proxy that leaves their bytes alone."""

import re

import yaml
from support.server import PROJECT

from mockserver import cli
from mockserver.replicas.redis_store import check_url

WHOLE = yaml.safe_load((PROJECT / "compose.replicas.yaml").read_text())
SERVICES = WHOLE["services"]
REPLICAS = {name: service for name, service in SERVICES.items() if name.startswith("mock-")}
PROXY = WHOLE["configs"]["proxy"]["content"]


def test_the_proxy_passes_tcp_on_to_each_replica_and_starts_after_them():
    upstream = re.findall(r"^ +server (\S+):8080 max_fails=1 ", PROXY, re.MULTILINE)

    assert upstream == list(REPLICAS) == list(SERVICES["proxy"]["depends_on"])
    assert len(upstream) == 3
    assert "stream {" in PROXY
    assert "http {" not in PROXY
    assert SERVICES["proxy"]["configs"] == [{"source": "proxy", "target": "/proxy.conf"}]


def test_the_replicas_share_one_store_that_drops_nothing():
    known = {parameter.envvar for parameter in cli.serve.params}
    stores = {service["environment"]["MOCKSERVER_STORE"] for service in REPLICAS.values()}
    command = SERVICES["store"]["command"]

    (store,) = stores
    check_url(store)
    assert store.startswith("redis://store:")
    assert set(REPLICAS["mock-1"]["environment"]) <= known
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    for service in REPLICAS.values():
        assert service["depends_on"] == {"store": {"condition": "service_healthy"}}
        assert service["networks"]["default"]["aliases"] == ["replicas"]


def test_only_the_proxy_is_published_and_only_to_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"proxy": ["127.0.0.1:8080:8080"]}


def test_nothing_gets_rights_that_it_does_not_need():
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
