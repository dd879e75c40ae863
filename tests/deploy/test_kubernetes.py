"""deploy/kubernetes.yaml: what Kubernetes would say of it, and that the mock does what it relies on."""

import copy
import re
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from support.http import ask
from support.server import CLEAN_ENV, PROJECT

from deploy.pods import containers, loose_ends, unsafe
from mockserver import cli
from mockserver.settings import Settings

FIRST, LATEST = "1.29", kubernetes_validate.latest_version()
"""1.29 is the first whose clusters have native sidecars unless somebody has switched them off."""
DOCUMENTS = list(yaml.safe_load_all((PROJECT / "deploy/kubernetes.yaml").read_text()))
DOCKERFILE = (PROJECT / "Dockerfile").read_text()


def found(kind):
    (one,) = [document for document in DOCUMENTS if document["kind"] == kind]
    return copy.deepcopy(one)


@pytest.fixture
def pod():
    return found("Job")["spec"]["template"]["spec"]


@pytest.fixture
def mock(pod):
    (one,) = [one for one in pod["initContainers"] if one["name"] == "mock"]
    return one


# Its form


@pytest.mark.parametrize("version", [FIRST, LATEST])
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["kind"])
def test_each_document_is_as_kubernetes_describes_it(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def spoil(change):
    job = found("Job")
    change(job["spec"]["template"]["spec"])
    return job


@pytest.mark.parametrize(
    "change",
    [lambda pod: pod["initContainers"][0].update(restartPolicies="Always"), lambda pod: pod["initContainers"][0].update(env={"A": "b"}),
     lambda pod: pod["initContainers"][0]["startupProbe"].update(periodSeconds="1s"), lambda pod: pod.update(initContainer=[])],
    ids=["an unknown key", "a mapping for a list", "a text for a number", "a slip"],
)  # fmt: skip
def test_a_slip_in_it_would_be_found(change):
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoil(change), LATEST, strict=True)


def test_the_mock_is_a_native_sidecar_that_is_ready_before_the_application_starts(pod, mock):
    assert mock["restartPolicy"] == "Always"
    assert mock["startupProbe"]["periodSeconds"] == 1
    assert [one["name"] for one in pod["containers"]] == ["app"]
    assert "restartPolicy" not in pod["containers"][0]


def test_every_name_in_it_leads_somewhere(pod):
    assert list(loose_ends(pod, {found("ConfigMap")["metadata"]["name"]})) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda pod: pod["volumes"].pop(), "mock mounts state, which is no volume"), (lambda pod: pod["volumes"][0]["configMap"].update(name="x"), "there is no config map x"),
     (lambda pod: pod["initContainers"][0]["livenessProbe"]["httpGet"].update(port="http"), "the livenessProbe of mock asks port http, which it has not"),
     (lambda pod: pod["containers"][0].update(name="mock"), "mock is there twice")],
)  # fmt: skip
def test_a_name_that_leads_nowhere_would_be_found(pod, change, said):
    change(pod)

    assert said in list(loose_ends(pod, {found("ConfigMap")["metadata"]["name"]}))


# What it may do


def test_it_asks_for_no_rights_at_all(pod):
    assert list(unsafe(pod)) == []
    assert all(one["securityContext"]["readOnlyRootFilesystem"] for one in containers(pod))
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda pod: pod.pop("securityContext"), "mock may run as root"), (lambda pod: pod["securityContext"].update(runAsUser=0), "app runs as root"),
     (lambda pod: pod["securityContext"].pop("seccompProfile"), "mock has no seccomp profile"), (lambda pod: pod.update(hostPID=True), "hostPID is set"),
     (lambda pod: pod["initContainers"][0].pop("securityContext"), "mock keeps capabilities"),
     (lambda pod: pod["initContainers"][0]["securityContext"].update(allowPrivilegeEscalation=True), "mock may gain privileges"),
     (lambda pod: pod["volumes"].append({"name": "h", "hostPath": {"path": "/"}}), "the volume h is a hostPath")],
)  # fmt: skip
def test_a_right_too_many_would_be_found(pod, change, said):
    change(pod)

    assert said in list(unsafe(pod))


# What it relies on


def test_it_runs_as_the_user_and_at_the_port_of_the_image(pod, mock):
    user, group = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE).groups()
    (port,) = mock["ports"]

    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (
        int(user),
        int(group),
    )
    assert f"EXPOSE {port['containerPort']}\n" in DOCKERFILE
    assert port["containerPort"] == Settings().port
    assert "command" not in mock  # the image's own, which is process 1 and hears SIGTERM


def test_what_the_mock_writes_and_reads_is_mounted(pod, mock):
    mounts = {mount["mountPath"]: mount for mount in mock["volumeMounts"]}
    env = {one["name"]: one["value"] for one in mock["env"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}

    assert "MOCKSERVER_PATHS=/scenarios" in DOCKERFILE
    assert mounts["/scenarios"]["readOnly"] is True
    folder = env["MOCKSERVER_STATE_FILE"].rpartition("/")[0]
    assert "emptyDir" in volumes[mounts[folder]["name"]]
    assert pod["securityContext"]["fsGroup"]


def test_its_settings_are_settings(mock, monkeypatch):
    env = {one["name"]: one["value"] for one in mock["env"]}
    known = {parameter.envvar for parameter in cli.serve.params}
    given = []
    monkeypatch.setattr("mockserver.server.running.run", lambda settings: given.append(settings) or 0)

    done = CliRunner().invoke(cli.main, ["serve"], env=env)

    assert set(env) <= known
    assert (done.exit_code, done.output) == (0, "")
    assert (given[0].watch, given[0].state_file) == (True, "/state/mock.json")


@pytest.fixture
def sidecar(process, mock, write, tmp_path):
    """The mock as the pod starts it, with its scenarios, its settings and a folder for its state."""
    (tmp_path / "state").mkdir()
    env = {one["name"]: one["value"].replace("/state/", f"{tmp_path}/state/") for one in mock["env"]}
    return process(scenarios=write(found("ConfigMap")["data"]), env=env)


@pytest.mark.slow
def test_the_application_gets_along_with_the_mock_and_its_probes_are_answered(sidecar, mock, pod):
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        path = mock[probe]["httpGet"]["path"]
        # As the kubelet asks: by the pod's address.
        assert (
            ask(
                sidecar.url, "GET", path, headers={"Host": "10.1.2.3:8080", "User-Agent": "kube-probe/1.31"}
            ).status
            == 200
        )
    (setting,) = pod["containers"][0]["env"]
    assert (setting["name"], setting["value"]) == ("EXTERNAL_API_URL", f"http://127.0.0.1:{Settings().port}")

    done = subprocess.run(
        [sys.executable, PROJECT / "examples/app/app.py"], env={**CLEAN_ENV, "EXTERNAL_API_URL": sidecar.url},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert "made at attempt 3" in done.stdout, done.stderr
    assert sidecar.admin.get("/effects")["items"][0]["kind"] == "charge"
