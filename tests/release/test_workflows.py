"""The workflows of .github: what they may do, what they start, and that no registry is named."""

import re

import check_jsonschema
import pytest
import yaml
from click.testing import CliRunner
from support.pages import page
from support.server import PROJECT

WORKFLOWS = {path.stem: path.read_text() for path in sorted((PROJECT / ".github/workflows").glob("*.yml"))}
ACTIONS = re.compile(r"uses: ([\w.-]+/[\w./-]+)@(\S+)")


def jobs(name):
    return yaml.safe_load(WORKFLOWS[name])["jobs"]


def steps():
    for name in WORKFLOWS:
        for job, content in jobs(name).items():
            for step in content["steps"]:
                yield f"{name}/{job}", step


def test_no_host_is_named():
    texts = [
        *WORKFLOWS.values(),
        page("action.yml"),
        page("deploy/action/install"),
        page("deploy/action/start"),
    ]
    for text in texts:
        code = re.sub(r"^\s*#.*$|http://127\.0\.0\.1\S*", "", text, flags=re.MULTILINE)
        assert not re.findall(r"https?://[\w.]+|\b(?:ghcr|docker|quay|npmjs|pypi)\.(?:io|com|org)\b", code)


def test_each_job_has_a_limit_and_only_the_rights_that_it_needs():
    for name in WORKFLOWS:
        assert yaml.safe_load(WORKFLOWS[name])["permissions"] in ({}, {"contents": "read"})
        assert all(job["timeout-minutes"] <= 60 for job in jobs(name).values())
    assert not any("permissions" in job for job in jobs("ci").values())
    writing = {name: job["permissions"] for name, job in jobs("release").items()}
    assert writing["build"] == {"contents": "read", "id-token": "write", "attestations": "write"}
    assert writing["python"] == writing["npm"] == {"id-token": "write"}
    assert writing["github"] == {"contents": "write"}


def test_no_expression_is_written_into_a_script():
    """A value such as the name of a branch would be executed there."""
    action = yaml.safe_load(page("action.yml"))["runs"]["steps"]
    for place, step in [*steps(), *(("action", step) for step in action)]:
        assert "${{" not in re.sub(r"\$\{\{ (matrix|steps)\.", "", step.get("run", "")), place


def test_actions_have_one_version_in_workflows_and_documentation():
    versions = {}
    for text in (*WORKFLOWS.values(), page("docs/ci.md")):
        for action, version in ACTIONS.findall(text):
            versions.setdefault(action, set()).add(version)

    assert len(versions) >= 10
    assert all(len(found) == 1 for found in versions.values()), versions
    assert all(
        re.fullmatch(r"v\d[\d.]*|release/v\d+", version) for found in versions.values() for version in found
    )


def test_the_matrix_has_the_versions_of_the_classifiers():
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', page("pyproject.toml"))

    assert (
        jobs("ci")["test"]["strategy"]["matrix"]["python"] == classifiers == ["3.11", "3.12", "3.13", "3.14"]
    )
    assert {"ubuntu-latest", "macos-latest"} == {
        system for job in jobs("ci").values() for system in [job["runs-on"]] if "$" not in system
    }


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_scripts_that_are_started_exist(name):
    scripts = set(
        re.findall(
            r"(?:^|[ '\"])(scripts/[\w-]+)", re.sub(r"^\s*#.*$", "", WORKFLOWS[name], flags=re.MULTILINE)
        )
    )

    assert scripts
    for script in scripts:
        assert (PROJECT / script).stat().st_mode & 0o100, script


def test_publishing_waits_for_the_checks_and_is_off_without_its_variable():
    release = jobs("release")
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page("docs/releasing.md"), re.MULTILINE))

    assert set(re.findall(r"vars\.([A-Z_]+)", WORKFLOWS["release"])) == documented
    for name in ("python", "npm", "image"):
        assert release[name]["needs"] == "build"
        assert re.fullmatch(r"vars\.[A-Z_]+ != ''", release[name]["if"])
    assert any('--tag "$GITHUB_REF_NAME"' in step.get("run", "") for step in release["build"]["steps"])
    (push,) = [step for step in release["image"]["steps"] if "build-push" in step.get("uses", "")]
    assert push["with"]["platforms"] == "linux/amd64,linux/arm64"


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", [f".github/workflows/{name}.yml" for name in WORKFLOWS]),
        ("vendor.github-actions", ["action.yml"]),
        ("vendor.dependabot", [".github/dependabot.yml"]),
    ],
)
def test_they_are_as_github_describes_them(tmp_path, schema, files):
    def run(paths):
        return CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", schema, *map(str, paths)])

    done = run([PROJECT / file for file in files])
    assert done.exit_code == 0, done.output
    slip = tmp_path / "slip.yml"
    slip.write_text(
        page(files[0])
        .replace("runs-on:", "run-on:")
        .replace("using: composite", "using: 7")
        .replace("version: 2", "version: 3")
    )
    assert run([slip]).exit_code == 1
