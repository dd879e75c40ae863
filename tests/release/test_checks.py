"""What scripts/release checks: each kind of mistake in a package is found, and none in a good one."""

import importlib.util
import io
import json
import tarfile
import zipfile
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pages import page
from support.server import PROJECT

from mockserver import __version__


def _script(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checks = _script(PROJECT / "scripts/release_checks.py")
hook = _script(PROJECT / "hatch_build.py")
TRACKED = {"README.md", "tests/test_a.py", "mockserver/a.py", *checks.NEEDED}
INFO = "mockserver-1.2.3.dist-info"
GOOD_WHEEL = {name for name in TRACKED if name.startswith("mockserver/")} | {
    f"{INFO}/{name}" for name in checks.DIST_INFO
}
REPOSITORY = "https://git.example/owner/mock"


# The repository


def test_every_place_has_the_same_version():
    assert list(checks.version_problems(PROJECT)) == []
    assert set(checks.versions(PROJECT).values()) == {__version__}
    assert len(checks.versions(PROJECT)) >= 3


def copied(tmp_path):
    for name in ("mockserver/__init__.py", str(checks.CHART)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(page(name))
    (tmp_path / checks.JAVASCRIPT).mkdir(parents=True)
    (tmp_path / checks.JAVASCRIPT / "package.json").write_text(json.dumps({"version": __version__}))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "here", "instead"),
    [
        (str(checks.CHART), "\nversion: ", "\nversion: 9"),
        (str(checks.CHART), "\nappVersion: ", "\nappVersion: 9"),
        ("sdk/javascript/package.json", '"version": "', '"version": "9'),
        ("mockserver/__init__.py", '__version__ = "', '__version__ = "9'),
    ],
)
def test_a_place_with_another_version_is_named(tmp_path, file, here, instead):
    tree = copied(tmp_path)
    assert list(checks.version_problems(tree)) == []
    text = (tree / file).read_text()
    assert text.count(here) == 1
    (tree / file).write_text(text.replace(here, instead))

    problems = list(checks.version_problems(tree))
    assert problems
    assert all(file in problem for problem in problems)


def test_a_version_that_npm_would_write_differently_is_rejected(tmp_path):
    tree = copied(tmp_path)
    (tree / "mockserver/__init__.py").write_text('__version__ = "1.2.3rc1"\n')

    assert "write one such as 1.2.3" in next(checks.version_problems(tree))


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("# C\n\n## [1.2.3] - 2026-11-30\n\n- A\n\n## [1.2.2] - 2026-01-01\n\n- B\n", "- A"),
        ("## [1.2.3] - 2026-11-30\n\n### Added\n\n- A", "### Added\n\n- A"),
        ("## [Unreleased]\n\n- A\n", None),
        ("## [1.2.3] - 2026-11-30\n\n## [1.2.2] - 2026-01-01\n\n- B\n", None),
        ("## [1.2.3]\n\n- A\n", None),
        ("## [1x2x3] - 2026-11-30\n\n- A\n", None),
    ],
)
def test_the_section_of_the_changelog(text, section):
    assert checks.changelog_section(text, "1.2.3") == section


# The packages


def wheel(tmp_path, names):
    path = tmp_path / "mockserver-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(names):
            archive.writestr(name, "")
    return path


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (GOOD_WHEEL, None),
        (GOOD_WHEEL - {"mockserver/py.typed"}, "lacks mockserver/py.typed"),
        (GOOD_WHEEL - {f"{INFO}/licenses/LICENSE"}, f"lacks {INFO}/licenses/LICENSE"),
        (GOOD_WHEEL | {"tests/test_a.py"}, "has tests/test_a.py, which is not in the repository"),
        (GOOD_WHEEL | {"mockserver/.DS_Store"}, "has mockserver/.DS_Store, which is not in the repository"),
    ],
)
def test_the_content_of_the_wheel(tmp_path, names, problem):
    found = list(checks.wheel_problems(wheel(tmp_path, names), TRACKED))

    assert found == ([] if problem is None else [f"mockserver-1.2.3-py3-none-any.whl {problem}"])


def test_a_file_that_was_removed_from_the_repository_is_missed_too(tmp_path):
    names = GOOD_WHEEL - {"mockserver/py.typed"}

    assert list(checks.wheel_problems(wheel(tmp_path, names), TRACKED - {"mockserver/py.typed"})) == [
        "mockserver-1.2.3-py3-none-any.whl lacks mockserver/py.typed"
    ]


def packed(path, folder, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize(
    ("more", "fewer", "count"), [(set(), set(), 0), ({".env"}, set(), 1), (set(), {"README.md"}, 1)]
)
def test_the_content_of_the_sdist(tmp_path, more, fewer, count):
    files = dict.fromkeys((TRACKED | {"PKG-INFO"} | more) - fewer, "x")
    path = packed(tmp_path / "mockserver-1.2.3.tar.gz", "mockserver-1.2.3", files)
    found = list(checks.sdist_problems(path, TRACKED))

    assert len(found) == count
    assert all(name in "".join(found) for name in more | fewer)


NPM = {
    "LICENSE": "", "README.md": "", "dist/index.js": "", "dist/index.d.ts": "", "dist/vitest.js": "",
    "package.json": json.dumps({
        "version": "1.2.3", "types": "./dist/index.d.ts",
        "exports": {".": {"types": "./dist/index.d.ts", "import": "./dist/index.js"}, "./vitest": "./dist/vitest.js"},
    }),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"dist/vitest.js": None}, "lacks dist/vitest.js"),
        ({"LICENSE": None}, "lacks LICENSE"),
        ({"tests/a.ts": ""}, "has tests/a.ts; leave it out"),
        ({"dist/a.test.js": ""}, "has dist/a.test.js; leave it out"),
        ({"package.json": '{"version": "1.2.4"}'}, "has version '1.2.4' instead of '1.2.3'"),
    ],
)
def test_the_content_of_the_npm_package(tmp_path, change, problem):
    files = {name: text for name, text in (NPM | change).items() if text is not None}
    found = list(checks.npm_problems(packed(tmp_path / "sdk.tgz", "package", files), "1.2.3"))

    assert len(found) == (problem is not None)
    assert found == [] or problem in found[0]


# Metadata


def metadata(**changes):
    said = Message()
    lines = {
        "Name": ["mockserver"], "Version": ["1.2.3"], "License-Expression": ["Apache-2.0"], "License-File": ["LICENSE"],
        "Requires-Python": [">=3.11"], "Description-Content-Type": ["text/markdown"],
        "Classifier": [f"Programming Language :: Python :: {python}" for python in checks.PYTHONS],
        "Project-URL": [f"{name}, {url}" for name, url in hook.project_urls(REPOSITORY, "1.2.3").items()],
    }  # fmt: skip
    for key, values in (lines | {name.replace("_", "-"): value for name, value in changes.items()}).items():
        for value in values:
            said[key] = value
    said.set_payload("[docs](https://git.example/docs) and [here](#there)")
    return said


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"Version": ["1.2.4"]}, "Version is '1.2.4' instead of '1.2.3'"),
        ({"License_File": []}, "License-File is None"),
        ({"Classifier": ["Programming Language :: Python :: 3.11"]}, "no classifier for Python 3.12"),
        (
            {"Project_URL": []},
            "the URL Repository is None, and must begin with https://git.example/owner/mock",
        ),
    ],
)
def test_the_metadata(changes, problem):
    found = list(checks.metadata_problems(metadata(**changes), "1.2.3", REPOSITORY))

    assert (found == []) == (problem is None)
    assert problem is None or problem in found[0]


def test_urls_are_required_only_where_the_repository_is_known():
    assert list(checks.metadata_problems(metadata(Project_URL=[]), "1.2.3", "")) == []


def test_a_link_that_works_only_in_the_repository_is_found():
    said = metadata()
    said.set_payload("[docs](docs/index.md)")

    (problem,) = checks.metadata_problems(said, "1.2.3", REPOSITORY)
    assert "docs/index.md" in problem
    assert list(checks.metadata_problems(said, "1.2.3", "")) == []


def test_the_links_of_the_readme_are_absolute_in_the_metadata():
    said = metadata()
    said.set_payload(hook.with_absolute_links(page("README.md"), REPOSITORY, "1.2.3"))

    assert list(checks.metadata_problems(said, "1.2.3", REPOSITORY)) == []
    text = said.get_payload()
    assert f"({REPOSITORY}/blob/v1.2.3/docs/tutorial.md)" in text
    assert (
        f"![Four operations with their attempts, gaps and keys]({REPOSITORY}/raw/v1.2.3/docs/images/attempts-light.png)"
        in text
    )


@given(st.from_regex(r"\A[\w ]{0,9}\Z"), st.from_regex(r"\A(https?://[a-z]{1,9}/|#)[a-z]{1,9}\Z"))
def test_other_links_are_left_alone(text, target):
    link = f"a [{text}]({target}) b"

    assert hook.with_absolute_links(link, REPOSITORY, "1.2.3") == link


def updated(monkeypatch, url):
    one = object.__new__(hook.ProjectLinks)
    monkeypatch.setattr(hook.ProjectLinks, "root", str(PROJECT))
    monkeypatch.setenv(hook.VARIABLE, url)
    said = {"version": "1.2.3"}
    one.update(said)
    return said


def test_the_variable_of_a_build_decides_about_urls(monkeypatch):
    with_url, without = updated(monkeypatch, f"{REPOSITORY}/"), updated(monkeypatch, "")

    assert set(with_url["urls"]) == set(checks.URLS)
    assert with_url["urls"]["Changelog"] == f"{REPOSITORY}/blob/v1.2.3/CHANGELOG.md"
    assert without == {
        "version": "1.2.3",
        "urls": {},
        "readme": {"content-type": "text/markdown", "text": page("README.md")},
    }


def test_a_variable_that_is_no_address_is_refused(monkeypatch):
    with pytest.raises(
        ValueError, match="MOCKSERVER_REPOSITORY_URL is 'git@x:y', and must begin with https://"
    ):
        updated(monkeypatch, "git@x:y")


# SBOM

SBOM = {
    "metadata": {"component": {"name": "mockserver", "version": "1.2.3", "bom-ref": "root"}},
    "dependencies": [{"ref": "root", "dependsOn": ["aiohttp==3.14.5"]}, {"ref": "aiohttp==3.14.5"}],
    "components": [{"name": "aiohttp", "version": "3.14.5"}, {"name": "PyYAML", "version": "6.0.2"}],
}


@pytest.mark.parametrize(
    ("changes", "installed", "problem"),
    [
        ({}, {"aiohttp==3.14.5", "pyyaml==6.0.2"}, None),
        ({}, {"aiohttp==3.14.6"}, "SBOM: aiohttp==3.14.6 is missing"),
        (
            {"metadata": {"component": {"name": "other", "version": "1", "bom-ref": "root"}}},
            set(),
            "SBOM: it is about other 1",
        ),
        (
            {"dependencies": [{"ref": "root"}]},
            set(),
            "SBOM: it does not say which packages are direct dependencies",
        ),
        ({"at": "file:///home/me"}, set(), "SBOM: it names a path of this machine"),
    ],
)
def test_the_sbom(changes, installed, problem):
    assert list(checks.sbom_problems(SBOM | changes, "1.2.3", installed)) == (
        [] if problem is None else [problem]
    )
