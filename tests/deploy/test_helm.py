"""
deploy/helm/mockserver: what Helm makes of the chart, and what Kubernetes would say of that.

scripts/helm-check brings Helm's own engine (helm_python, 250 MB). Without it, only the values are checked.
"""

import json
import re

import jsonschema
import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from support.pages import blocks, page
from support.server import PROJECT

from deploy.pods import loose_ends, unsafe
from mockserver import __version__, cli
from mockserver.settings import Settings

try:
    import helm_python
except ImportError:
    helm_python = None

CHART = PROJECT / "deploy/helm/mockserver"
PAGE = page("docs/helm.md")
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
IMAGE = {"image": {"repository": "registry.example/mockserver"}}
((_, SHOWN),) = [block for block in blocks(PAGE) if block[0] == "yaml"]
SCENARIOS = {"scenarios": {"data.yaml": page("scenarios/data.yaml"), "b.yaml": "routes: []\n"}}
REPLICAS = {"replicas": 3, "store": {"url": "redis://:pass@valkey:6379/0"}}
EVERYTHING = (
    IMAGE
    | SCENARIOS
    | REPLICAS
    | {
        "adminToken": {"value": "s3cret"},
        "env": {"MOCKSERVER_SEED": 7, "MOCKSERVER_CALLS": 1_000_000, "MOCKSERVER_WATCH": True, "MOCKSERVER_ADMIN_HOST": "a.example b"},
        "imagePullSecrets": [{"name": "pull"}], "podLabels": {"team": "a"}, "podAnnotations": {"note": "b"},
        "nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}}, "service": {"type": "NodePort", "port": 80},
    }
)  # fmt: skip
OWN_SECRETS = IMAGE | {
    "replicas": 2, "existingConfigMap": "files", "store": {"existingSecret": "kv", "key": "dsn"},
    "adminToken": {"existingSecret": "admin", "key": "t"},
}  # fmt: skip
VARIANTS = {"least": IMAGE, "everything": EVERYTHING, "own": OWN_SECRETS, "shown": yaml.safe_load(SHOWN)}
RENDERS = pytest.mark.skipif(
    helm_python is None, reason="Helm's engine is not installed: run scripts/helm-check"
)


def rendered(values, name="mock"):
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(values, name=name, namespace="shop")
    notes = files.pop("mockserver/templates/NOTES.txt")
    return [document for text in files.values() for document in yaml.safe_load_all(text) if document], notes


def found(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def mock_of(documents):
    (deployment,) = found(documents, "Deployment")
    (mock,) = deployment["spec"]["template"]["spec"]["containers"]
    return mock, {one["name"]: one for one in mock["env"] or []}


# The values


@pytest.mark.parametrize("values", [DEFAULTS, *VARIANTS.values()])
def test_the_values_are_as_the_schema_says(values):
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(values, SCHEMA)


@pytest.mark.parametrize(
    "values",
    [{"replica": 3}, {"replicas": 0}, {"replicas": "3"}, {"scenarios": {"a/b.yaml": ""}}, {"scenarios": ["a.yaml"]}, {"env": {"SEED": 7}},
     {"env": {"MOCKSERVER_PORT": 9000}}, {"env": {"MOCKSERVER_STORE": "redis://a"}}, {"store": {"url": "valkey:6379"}}, {"image": {"name": "a"}}],
    ids=str,
)  # fmt: skip
def test_a_slip_in_the_values_is_an_error(values):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, SCHEMA)


def test_every_default_is_in_the_schema_and_every_setting_that_it_excludes_exists():
    known = {parameter.envvar for parameter in cli.serve.params} | {"MOCKSERVER_PATHS"}

    assert set(DEFAULTS) == set(SCHEMA["properties"]) - {"global"}
    for name, value in DEFAULTS.items():
        if "properties" in SCHEMA["properties"][name]:
            assert set(value) == set(SCHEMA["properties"][name]["properties"])
    assert set(SCHEMA["properties"]["env"]["propertyNames"]["not"]["enum"]) <= known


def test_the_page_has_every_value():
    named = set(re.findall(r"`([\w.]+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))
    leaves = {
        f"{name}.{key}" if isinstance(value, dict) and value and name != "resources" else name
        for name, value in DEFAULTS.items()
        for key in (value if isinstance(value, dict) and value and name != "resources" else [""])
    }
    assert named == leaves - {"adminToken.key", "store.key"}
    assert {"`adminToken.key`", "`store.key`"} <= set(re.findall(r"`[\w.]+`", PAGE))


def test_the_scenario_of_the_page_is_valid(tmp_path):
    for name, text in yaml.safe_load(SHOWN)["scenarios"].items():
        (tmp_path / name).write_text(text)

    assert CliRunner().invoke(cli.main, ["check", str(tmp_path)]).exit_code == 0


# What Helm makes of them


@RENDERS
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_helm_has_nothing_to_say(values):
    report = helm_python.lint(CHART, values, strict=True)

    assert report["errors"] == []
    assert [one["error"] for one in report["messages"]] == ["icon is recommended"]


@RENDERS
@pytest.mark.parametrize("version", ["1.27", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_each_document_is_as_kubernetes_describes_it(values, version):
    documents, _ = rendered(values)

    assert len(documents) >= 3
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)


@RENDERS
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_its_names_lead_somewhere_and_nothing_gets_rights_that_it_does_not_need(values):
    documents, _ = rendered(values)
    (deployment,) = found(documents, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    maps = {one["metadata"]["name"] for one in found(documents, "ConfigMap")} | {
        values.get("existingConfigMap")
    }
    secrets = {one["metadata"]["name"]: one["stringData"] for one in found(documents, "Secret")}
    (service,) = found(documents, "Service")

    assert list(loose_ends(pod, maps)) == []
    assert list(unsafe(pod)) == []
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"]):
        assert selector.items() <= labels.items()
    mock, env = mock_of(documents)
    ports = {port["name"]: port["containerPort"] for port in mock["ports"]}
    assert service["spec"]["ports"][0]["targetPort"] in ports
    assert ports["mock"] == Settings().port
    if "MOCKSERVER_ADMIN_TOKEN_FILE" in env:
        (mount,) = [one for one in mock["volumeMounts"] if one["name"] == "token"]
        (item,) = next(one for one in pod["volumes"] if one["name"] == "token")["secret"]["items"]
        assert env["MOCKSERVER_ADMIN_TOKEN_FILE"]["value"] == f"{mount['mountPath']}/{item['path']}"
    named = [env["MOCKSERVER_STORE"]["valueFrom"]["secretKeyRef"]] if "MOCKSERVER_STORE" in env else []
    named += [
        {"name": one["secret"]["secretName"], "key": one["secret"]["items"][0]["key"]}
        for one in pod["volumes"]
        if "secret" in one
    ]
    own = {values.get(part, {}).get("existingSecret") for part in ("store", "adminToken")}
    for one in named:
        assert one["name"] in own or one["key"] in secrets[one["name"]]
    assert set(env) <= {parameter.envvar for parameter in cli.serve.params}


@RENDERS
def test_the_scenarios_and_settings_arrive_unchanged():
    documents, _ = rendered(EVERYTHING)
    _, env = mock_of(documents)
    (scenarios,) = found(documents, "ConfigMap")

    assert scenarios["data"] == SCENARIOS["scenarios"]
    assert {name: one["value"] for name, one in env.items() if name in EVERYTHING["env"]} == {
        "MOCKSERVER_SEED": "7", "MOCKSERVER_CALLS": "1000000", "MOCKSERVER_WATCH": "true", "MOCKSERVER_ADMIN_HOST": "a.example b",
    }  # fmt: skip
    secrets = {key: value for one in found(documents, "Secret") for key, value in one["stringData"].items()}
    assert secrets == {"token": "s3cret", "url": REPLICAS["store"]["url"]}
    assert mock_of(documents)[0]["image"] == f"registry.example/mockserver:{__version__}"


@RENDERS
def test_a_change_of_the_scenarios_starts_new_pods_with_new_keys():
    def told(scenarios):
        documents, _ = rendered(IMAGE | REPLICAS | {"scenarios": scenarios})
        (deployment,) = found(documents, "Deployment")
        return deployment["spec"]["template"]["metadata"]["annotations"], mock_of(documents)[1][
            "MOCKSERVER_STORE_PREFIX"
        ]["value"]

    one, same, other = (
        told({"a.yaml": "routes: []"}),
        told({"a.yaml": "routes: []"}),
        told({"a.yaml": "routes: [ ]"}),
    )
    assert one == same
    assert one[0] != other[0]
    assert one[1] != other[1]
    assert one[1].startswith("mock-mockserver-")


@RENDERS
def test_one_replica_is_replaced_and_several_are_updated():
    alone, several = rendered(IMAGE)[0], rendered(EVERYTHING)[0]

    assert found(alone, "Deployment")[0]["spec"]["strategy"] == {"type": "Recreate"}
    assert found(alone, "PodDisruptionBudget") == []
    assert found(several, "Deployment")[0]["spec"]["strategy"]["rollingUpdate"] == {
        "maxUnavailable": 1,
        "maxSurge": 1,
    }
    (budget,) = found(several, "PodDisruptionBudget")
    assert budget["spec"]["selector"] == found(several, "Deployment")[0]["spec"]["selector"]


@RENDERS
@pytest.mark.parametrize(
    ("values", "said"),
    [({}, "image.repository is the image that you built and pushed"),
     (IMAGE | {"replicas": 2}, "replicas is more than 1 and there is no store: set store.url or store.existingSecret"),
     (IMAGE | {"replica": 2}, "replica")],
)  # fmt: skip
def test_values_that_can_not_work_are_refused_with_the_fix(values, said):
    with pytest.raises(helm_python.HelmError, match=said):
        rendered(values)


@RENDERS
@pytest.mark.parametrize(
    ("release", "name"),
    [("mock", "mock-mockserver"), ("my-mockserver", "my-mockserver"), ("a" * 53, "a" * 53)],
)
def test_the_notes_name_the_service(release, name):
    documents, notes = rendered(IMAGE, release)

    assert found(documents, "Service")[0]["metadata"]["name"] == name
    assert f"http://{name}.shop.svc:8080 " in notes
    assert "There are no scenarios" in notes
    assert "Everyone in the cluster" in notes
    assert "There are no scenarios" not in rendered(EVERYTHING)[1]
    assert "Everyone in the cluster" not in rendered(EVERYTHING)[1]
    assert "http://mock-mockserver.default.svc:8080" in PAGE
