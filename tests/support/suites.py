"""pytest as tests start it on suites of their own."""

import os
import sys
from pathlib import Path

import pytest

_PLUGINS = "pytest_asyncio.plugin,xdist.plugin,mockserver.pytest_plugin"
IN_PROCESS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": _PLUGINS}
"""Environment of a suite. To look for plugins in all installed packages takes longer than to load these."""
FOLDER = str(Path(__file__).with_name("child"))
CHILD = {
    **IN_PROCESS,
    "PYTEST_PLUGINS": f"imported_once,{_PLUGINS}",
    "PYTHONPATH": os.pathsep.join(filter(None, (FOLDER, os.environ.get("PYTHONPATH")))),
}
"""The same in a process of its own."""

INI = """
[pytest]
addopts = -p no:cacheprovider
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def set_environment(monkeypatch: pytest.MonkeyPatch, plugins: dict[str, str] = CHILD) -> None:
    """For a suite that pytester runs: its plugins, and no sidecar."""
    for name in ("MOCKSERVER_URL", "MOCKSERVER_ADMIN_TOKEN", "MOCKSERVER_ADMIN_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in plugins.items():
        monkeypatch.setenv(name, value)


def run_in_process(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run the suite in this process. Modules of the tests that have the name of one of the suite are put aside."""
    own = {path.stem for path in pytester.path.rglob("*.py")}
    with pytest.MonkeyPatch.context() as aside:
        for name in own & sys.modules.keys():
            aside.delitem(sys.modules, name)
        return pytester.runpytest_inprocess(*args)
