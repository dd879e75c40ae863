"""scripts/release: what it needs before it starts, and that nothing is changed if it can't. The whole script is not run here."""

import os
import shutil
import subprocess
import sys

import pytest
from support.pages import page
from support.server import CLEAN_ENV, PROJECT

from mockserver import __version__

FILES = (
    "scripts/release.py",
    "scripts/release_checks.py",
    "mockserver/__init__.py",
    "deploy/helm/mockserver/Chart.yaml",
)
ENV = CLEAN_ENV | {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example",
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
}  # fmt: skip
pytestmark = pytest.mark.slow


@pytest.fixture
def clone(tmp_path):
    """A small repository with the script, and with packages in dist/ that were built before."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(page(name))
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n- A\n")
    (tmp_path / ".gitignore").write_text("dist/\n__pycache__/\n")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/earlier.whl").touch()
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, env=ENV, check=True)
    return tmp_path


def release(clone, *options, env=None):
    done = subprocess.run(
        [sys.executable, "scripts/release.py", *options],
        cwd=clone, env={**ENV, **(env or {})}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert [path.name for path in (clone / "dist").iterdir()] == ["earlier.whl"]
    return done.returncode, done.stderr


def only(tools, tmp_path):
    """A PATH with these programs alone."""
    folder = tmp_path / "only"
    folder.mkdir()
    for tool in tools:
        (folder / tool).symlink_to(shutil.which(tool))
    return {"PATH": str(folder)}


def test_changes_that_are_not_committed_are_refused(clone):
    (clone / "CHANGELOG.md").write_text("changed")

    code, said = release(clone, "--no-image", "--no-npm")
    assert code == 2
    assert "There are changes that are not committed; commit or stash them:\n M CHANGELOG.md" in said


def test_a_folder_that_is_no_clone_is_refused(clone):
    shutil.rmtree(clone / ".git")

    code, said = release(clone, "--no-image", "--no-npm")
    assert code == 2
    assert "is not a git clone; packages are built from a commit" in said


def test_a_missing_npm_package_is_named_with_the_option_that_leaves_it_out(clone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    env = only(["git"], folder)
    for tool in ("npm", "node"):
        (folder / "only" / tool).symlink_to("/bin/true")

    code, said = release(clone, "--no-image", env=env)
    assert code == 2
    assert "sdk/javascript/package.json does not exist. Leave the npm package out with --no-npm" in said


def test_missing_tools_are_named_with_the_option_that_leaves_them_out(clone, tmp_path_factory):
    env = only(["git"], tmp_path_factory.mktemp("tools"))

    assert (
        "node is missing. Install Node.js, or leave the npm package out with --no-npm"
        in release(clone, "--no-image", env=env)[1]
    )
    code, said = release(clone, "--no-npm", env=env)
    assert code == 2
    assert "docker is missing. Install it, or leave the image out with --no-image" in said


def test_an_engine_that_does_not_answer_is_named(clone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    env = only(["git"], folder)
    (folder / "only/docker").symlink_to("/bin/false")

    code, said = release(clone, "--no-npm", env=env)
    assert code == 2
    assert "No Docker engine answers `docker info`. Start it, or use --no-image" in said


def test_versions_that_differ_fail(clone):
    path = clone / "deploy/helm/mockserver/Chart.yaml"
    path.write_text(path.read_text().replace("appVersion: ", "appVersion: 9"))
    subprocess.run(["git", "commit", "-qam", "two"], cwd=clone, env=ENV, check=True)

    code, said = release(clone, "--no-image", "--no-npm")
    assert code == 1
    assert "Chart.yaml (appVersion) has version" in said


@pytest.mark.parametrize(
    ("tag", "url", "code", "said"),
    [
        ("v9.9.9", "https://git.example/o/m", 1, "The tag v9.9.9 and the version"),
        (
            "v9.9.9",
            "git@git.example:o/m",
            2,
            "MOCKSERVER_REPOSITORY_URL is 'git@git.example:o/m', and must begin with https://",
        ),
        (f"v{__version__}", "", 2, "Set MOCKSERVER_REPOSITORY_URL to the URL of the repository"),
        (
            f"v{__version__}",
            "https://git.example/o/m",
            1,
            f"CHANGELOG.md has no section [{__version__}] - YYYY-MM-DD",
        ),
    ],
)
def test_a_version_that_is_published_has_tag_url_and_changelog(clone, tag, url, code, said):
    env = {"MOCKSERVER_REPOSITORY_URL": url} if url else {}

    assert release(clone, "--no-image", "--no-npm", "--tag", tag, env=env)[0] == code
    assert said in release(clone, "--no-image", "--no-npm", "--tag", tag, env=env)[1]


def test_the_script_has_the_options_that_its_head_lists():
    head = page("scripts/release").partition("set -euo")[0]
    shown = subprocess.run(
        [sys.executable, PROJECT / "scripts/release.py", "--help"], capture_output=True, text=True, check=True
    ).stdout

    for option in ("--no-image", "--no-npm", "--tag"):
        assert option in head
        assert option in shown
        assert option in page("docs/releasing.md")
