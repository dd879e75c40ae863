"""deploy/kubernetes-replicas.yaml: what Kubernetes would say of it, and that replicas do what it relies on."""

import copy
import re

import kubernetes_validate
import pytest
import yaml
from support.http import ask
from support.server import PROJECT
from support.shared_store import NEEDS_REDIS, redis_at

from deploy.pods import containers, loose_ends, unsafe
from mockserver import cli
from mockserver.replicas.redis_store import check_url
from mockserver.settings import Settings

FIRST, LATEST = "1.27", kubernetes_validate.latest_version()
DOCUMENTS = list(yaml.safe_load_all((PROJECT / "deploy/kubernetes-replicas.yaml").read_text()))
DOCKERFILE = (PROJECT / "Dockerfile").read_text()


def found(kind, name):
    (one,) = [each for each in DOCUMENTS if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return copy.deepcopy(one)


@pytest.fixture
def deployment():
    return found("Deployment", "mock")


@pytest.fixture
def pod(deployment):
    return deployment["spec"]["template"]["spec"]


@pytest.fixture
def mock(pod):
    (one,) = pod["containers"]
    return one


@pytest.mark.parametrize("version", [FIRST, LATEST])
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_each_document_is_as_kubernetes_describes_it(document, version):
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("name", ["mock", "mock-store"])
def test_its_names_lead_somewhere_and_nothing_gets_rights_that_it_does_not_need(name):
    one = found("Deployment", name)["spec"]
    pod = one["template"]["spec"]

    assert list(loose_ends(pod, {"mock-scenarios"})) == []
    assert list(unsafe(pod)) == []
    assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in containers(pod))
    assert pod["automountServiceAccountToken"] is False
    assert one["selector"]["matchLabels"] == one["template"]["metadata"]["labels"]
    service = found("Service", name)["spec"]
    assert service["selector"] == one["selector"]["matchLabels"]
    ports = {port["name"] for each in pod["containers"] for port in each["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= ports


def test_a_disruption_leaves_replicas_and_an_update_too(deployment):
    budget = found("PodDisruptionBudget", "mock")["spec"]

    assert budget["selector"] == deployment["spec"]["selector"]
    assert deployment["spec"]["replicas"] == 3
    assert budget["maxUnavailable"] == deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 1


def test_it_runs_as_the_user_and_at_the_port_of_the_image(pod, mock):
    user, group = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE).groups()
    ports = {port["name"]: port["containerPort"] for port in mock["ports"]}

    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (
        int(user),
        int(group),
    )
    assert ports["mock"] == Settings().port
    assert f"EXPOSE {ports['mock']}\n" in DOCKERFILE
    assert ",redis," in DOCKERFILE
    assert "command" not in mock


def test_its_settings_are_settings_and_say_where_replicas_and_store_are(mock):
    env = {one["name"]: one for one in mock["env"]}
    ports = {port["name"]: port["containerPort"] for port in mock["ports"]}
    secret = env["MOCKSERVER_STORE"]["valueFrom"]["secretKeyRef"]
    url = found("Secret", secret["name"])["stringData"][secret["key"]]
    (port,) = found("Service", "mock-store")["spec"]["ports"]

    assert set(env) <= {parameter.envvar for parameter in cli.serve.params}
    check_url(url)
    assert url == f"redis://mock-store:{port['port']}/0"
    assert env["MOCKSERVER_REPLICA_HOST"]["valueFrom"]["fieldRef"] == {"fieldPath": "status.podIP"}
    assert int(env["MOCKSERVER_REPLICA_PORT"]["value"]) == ports["replicas"]


def test_the_store_drops_nothing():
    (store,) = found("Deployment", "mock-store")["spec"]["template"]["spec"]["containers"]

    assert store["args"][store["args"].index("--maxmemory-policy") + 1] == "noeviction"


@pytest.mark.slow
@NEEDS_REDIS
def test_the_probes_are_answered_to_a_kubelet_with_a_token_and_by_address(serving, mock, tmp_path):
    with redis_at(tmp_path) as store:
        server = serving(found("ConfigMap", "mock-scenarios")["data"], store=store.url, admin_token="s3cret")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = mock[probe]["httpGet"]["path"]
            headers = {"Host": "10.1.2.3:8080", "User-Agent": "kube-probe/1.31"}
            assert ask(server.url, "GET", path, headers=headers).status == 200
        server.stop()
