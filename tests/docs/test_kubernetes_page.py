"""docs/kubernetes.md: its example is as Kubernetes describes it, and like the one in deploy/."""

import kubernetes_validate
import yaml
from deploy.pods import loose_ends, unsafe
from support.pages import blocks, page
from support.server import PROJECT

PAGE = page("docs/kubernetes.md")
((_, DEPLOYMENT),) = [block for block in blocks(PAGE) if block[0] == "yaml"]


def pod():
    return yaml.safe_load(DEPLOYMENT)["spec"]["template"]["spec"]


def test_its_deployment_is_as_kubernetes_describes_it():
    kubernetes_validate.validate(yaml.safe_load(DEPLOYMENT), "1.29", strict=True)


def test_its_names_lead_somewhere_and_nothing_gets_rights_that_it_does_not_need():
    assert list(loose_ends(pod(), {"shop-mock"})) == []
    assert list(unsafe(pod())) == []


def test_its_mock_is_the_one_of_deploy():
    job = next(yaml.safe_load_all((PROJECT / "deploy/kubernetes.yaml").read_text().partition("---\n")[2]))
    (theirs,) = job["spec"]["template"]["spec"]["initContainers"]
    (ours,) = pod()["initContainers"]

    assert (ours["restartPolicy"], ours["volumeMounts"], ours["ports"]) == (
        theirs["restartPolicy"],
        theirs["volumeMounts"],
        theirs["ports"],
    )
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert ours[probe]["httpGet"] == theirs[probe]["httpGet"]


def test_its_commands_name_what_is_there():
    (commands,) = [text for language, text in blocks(PAGE) if language == "sh"]

    assert "-f deploy/kubernetes.yaml" in commands
    assert "job/checkout --container app" in commands
    assert (PROJECT / "examples/app/Dockerfile").exists()
