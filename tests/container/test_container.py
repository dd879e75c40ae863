"""
What the image promises, asked of running containers.

Needs a Docker engine and, in it, the image that MOCKSERVER_IMAGE names and those of the example applications, which have
"-example" and "-example-fixed-hosts" after that name. scripts/docker-check brings all of them.
"""

import contextlib
import json
import os
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

IMAGE = os.environ.get("MOCKSERVER_IMAGE", "")
PROJECT = Path(__file__).parents[2]
HARDENED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
SEED_CASE = "routes: [{request: POST /data, reply: [503, 503, {json: {success: true}}]}]"

pytestmark = pytest.mark.slow
if not IMAGE:
    pytest.skip("needs MOCKSERVER_IMAGE: run scripts/docker-check", allow_module_level=True)


def run(*args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["docker", *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, f"docker {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def docker(*args: str) -> str:
    return run(*args).stdout.strip()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


@dataclass
class Mock:
    name: str
    url: str

    def serves(self) -> bool:
        try:
            return requests.get(f"{self.url}/__admin/health", timeout=2).ok
        except requests.ConnectionError:
            return False

    def inspect(self, field: str) -> str:
        return docker("inspect", "--format", f"{{{{.{field}}}}}", self.name)

    def file(self, path: str) -> str:
        return docker("exec", self.name, "cat", path)


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    name = f"mockserver-{secrets.token_hex(4)}"
    docker("network", "create", name)
    yield name
    docker("network", "rm", name)


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"mockserver-{secrets.token_hex(4)}"
    docker("volume", "create", name)
    yield name
    docker("volume", "rm", name)


def with_seed_case(folder: Path) -> Path:
    """Make it a folder for /scenarios that the container's user may read."""
    folder.chmod(0o755)
    (folder / "seed.yaml").write_text(SEED_CASE)
    return folder


@pytest.fixture
def scenarios(tmp_path: Path) -> Path:
    return with_seed_case(tmp_path)


@pytest.fixture
def start(network: str, volume: str) -> Iterator[Callable[..., Mock]]:
    """
    Starts a mock on a folder of scenarios, with options of `docker run`, and waits until it serves.
    It ends before the network and the volume do.
    """
    with starting(network) as start:
        yield start


@pytest.fixture(scope="class")
def plain(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """A mock without options."""
    with starting(network) as start:
        yield start(with_seed_case(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def hardened(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """A mock whose health is asked only by tests."""
    with starting(network) as start:
        yield start(with_seed_case(tmp_path_factory.mktemp("hardened")), *HARDENED, "--no-healthcheck")


@contextlib.contextmanager
def starting(network: str) -> Iterator[Callable[..., Mock]]:
    names = []

    def _start(folder: Path, *options: str, command: Sequence[str] = ()) -> Mock:
        name = f"mock-{secrets.token_hex(4)}"
        names.append(name)
        docker(
            *("run", "--detach", "--name", name, "--network", network, "--publish", "127.0.0.1::8080"),
            *("--volume", f"{folder}:/scenarios:ro", *options, IMAGE, *command),
        )
        mock = Mock(name, "http://" + docker("port", name, "8080/tcp"))
        # The engine is asked less often: each time is a process.
        any(within(1, mock.serves) or mock.inspect("State.Running") == "false" for _ in range(20))
        assert mock.serves(), run("logs", name).stderr
        return mock

    yield _start
    if names:
        docker("rm", "--force", "--volumes", *names)


@pytest.mark.parametrize("options", [[], HARDENED, ["--user", "12345:12345", *HARDENED]])
def test_it_serves_the_mounted_scenarios(
    start: Callable[..., Mock], scenarios: Path, options: list[str]
) -> None:
    mock = start(scenarios, *options)

    answers = [requests.post(f"{mock.url}/data", json={"n": n}, timeout=5) for n in range(3)]
    count = requests.post(f"{mock.url}/__admin/count", json={"request": "POST /data"}, timeout=5)

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[2].json() == {"success": True}
    assert count.json()["count"] == 3


class TestPlain:
    def test_it_is_process_1_and_not_root(self, plain: Mock) -> None:
        status = dict(line.split(":\t", 1) for line in plain.file("/proc/1/status").splitlines())

        assert "mockserver" in plain.file("/proc/1/cmdline")
        assert status["Uid"].split() == ["10001"] * 4
        assert status["Gid"].split() == ["10001"] * 4

    def test_its_health_check_turns_healthy(self, plain: Mock) -> None:
        assert within(30, lambda: plain.inspect("State.Health.Status") != "starting")
        assert plain.inspect("State.Health.Status") == "healthy"


def test_no_health_check_fails_once_it_serves_as_compose_asks(
    start: Callable[..., Mock], scenarios: Path
) -> None:
    """Engines that don't know start_interval yet are asked as often all the time."""
    asked = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]["mock"]["healthcheck"]
    kind, *command = asked["test"]
    assert kind == "CMD"

    mock = start(
        *(scenarios, "--health-interval", asked["start_interval"], "--health-timeout", asked["timeout"]),
        *("--health-cmd", " ".join(command), "--health-retries", "100"),
    )
    logged = run("logs", "--timestamps", mock.name).stdout.splitlines()
    (serves_at,) = [instant(line.split()[0]) for line in logged if " serves " in line]

    def begun_later() -> list[int]:
        checks = json.loads(docker("inspect", mock.name))[0]["State"]["Health"]["Log"]
        return [one["ExitCode"] for one in checks if instant(one["Start"]) > serves_at]

    assert within(30, lambda: bool(begun_later()))
    assert begun_later()[0] == 0
    assert mock.inspect("State.Health.Status") == "healthy"


def instant(text: str) -> datetime:
    """Of the engine's: with nanoseconds, in this or that zone."""
    return datetime.fromisoformat(re.sub(r"\.(\d{6})\d*", r".\1", text))


def test_sigterm_stops_it_at_once_with_exit_code_0_whatever_hangs(
    start: Callable[..., Mock], scenarios: Path
) -> None:
    hangs = {
        "fault": {"fault": "hang"},
        "delay": {"delay": "60s"},
        "throttle": {"text": "slow", "throttle": "1B/s"},
    }
    routes = [{"name": name, "request": f"GET /{name}", "reply": reply} for name, reply in hangs.items()]
    (scenarios / "hang.yaml").write_text(json.dumps({"routes": routes}))
    mock = start(scenarios)
    hanging = [
        threading.Thread(target=leave_hanging, args=(f"{mock.url}/{name}",))
        for name in hangs
        for _ in range(5)
    ]
    for one in hanging:
        one.start()
    for name in hangs:
        asked = {"route": name, "times": 5, "within": "10s"}
        assert requests.post(f"{mock.url}/__admin/verify", json=asked, timeout=15).ok

    docker("stop", "--time", "8", mock.name)  # a KILL after that, so that the code would be 137

    assert mock.inspect("State.ExitCode") == "0"
    for one in hanging:
        one.join()


def leave_hanging(url: str) -> None:
    with contextlib.suppress(requests.RequestException):
        requests.get(url, timeout=30)


@pytest.mark.parametrize("reply", [503, {"fault": "hang"}, {"fault": "reset"}, {"delay": "60s"}])
def test_it_is_healthy_during_any_outage(hardened: Mock, reply: object) -> None:
    assert requests.put(f"{hardened.url}/__admin/outage", json={"reply": reply}, timeout=5).ok

    assert "is healthy" in docker("exec", hardened.name, "mockserver", "healthcheck")


@pytest.mark.parametrize("options", [HARDENED, ["--user", "12345:12345", *HARDENED]])
def test_its_state_outlives_a_kill(
    start: Callable[..., Mock], scenarios: Path, volume: str, options: list[str]
) -> None:
    state = ["--volume", f"{volume}:/state", "--env", "MOCKSERVER_STATE_FILE=/state/mock.json"]
    mock = start(scenarios, *state, *options)
    assert requests.post(f"{mock.url}/data", timeout=5).status_code == 503
    saved = lambda: b"/data" in docker("exec", mock.name, "cat", "/state/mock.json").encode()  # noqa: E731
    assert within(5, saved)

    docker("kill", mock.name)
    docker("start", mock.name)
    again = Mock(mock.name, "http://" + docker("port", mock.name, "8080/tcp"))
    assert within(20, again.serves)

    assert requests.get(f"{again.url}/__admin/counts", timeout=5).json()["total"] == 1
    assert [requests.post(f"{again.url}/data", timeout=5).status_code for _ in range(2)] == [503, 200]


def test_a_state_file_on_its_read_only_file_system_is_refused(scenarios: Path) -> None:
    done = run(
        *("run", "--rm", "--network", "none", "--volume", f"{scenarios}:/scenarios:ro", *HARDENED, IMAGE),
        *("serve", "--state-file", "/venv/mock.json"),
        code=1,
    )

    assert "can't use the state file /venv/mock.json: " in done.stderr


def test_a_wrong_scenario_ends_it_with_code_2_and_the_place_on_stderr(scenarios: Path) -> None:
    (scenarios / "wrong.yaml").write_text("routes: [{reqest: POST /data, reply: 200}]\n")

    done = run("run", "--rm", "--network", "none", "--volume", f"{scenarios}:/scenarios:ro", IMAGE, code=2)

    assert "/scenarios/wrong.yaml:1:" in done.stderr


def test_flags_can_be_set_by_the_environment(start: Callable[..., Mock], scenarios: Path) -> None:
    mock = start(scenarios, "--env", "MOCKSERVER_SEED=7", "--env", "MOCKSERVER_UNMATCHED_STATUS=418")

    assert requests.get(f"{mock.url}/nowhere", timeout=5).status_code == 418


def test_its_environment_has_no_pip() -> None:
    found = run("run", "--rm", "--network", "none", "--entrypoint", "python", IMAGE, "-m", "pip", code=1)

    assert "No module named pip" in found.stderr


def test_another_container_reaches_it_by_name(start: Callable[..., Mock], network: str) -> None:
    """The pair in compose.yaml, with the scenarios and the application that are there."""
    start(PROJECT / "scenarios", "--network-alias", "mock", *HARDENED)

    app = run(
        *("run", "--rm", "--network", network, "--env", "EXTERNAL_API_URL=http://mock:8080", *HARDENED),
        f"{IMAGE}-example",
    )

    assert "made at attempt 3" in app.stdout


# TLS


@pytest.mark.parametrize("options", [HARDENED, ["--user", "12345:12345", *HARDENED]])
def test_it_speaks_tls_with_a_ca_that_its_volume_keeps(
    start: Callable[..., Mock], scenarios: Path, volume: str, options: list[str], tmp_path: Path
) -> None:
    tls = ["--volume", f"{volume}:/tls", "--env", "MOCKSERVER_TLS=1", "--env", "MOCKSERVER_TLS_DIR=/tls"]
    mock = start(scenarios, *tls, *options)
    (tmp_path / "ca.pem").write_text(requests.get(f"{mock.url}/__admin/ca.pem", timeout=5).text)

    def answered() -> int:
        url = "https://localhost:" + docker("port", mock.name, "8080/tcp").rpartition(":")[2]
        return requests.post(f"{url}/data", verify=str(tmp_path / "ca.pem"), timeout=5).status_code

    assert answered() == 503
    docker("restart", mock.name)
    again = Mock(mock.name, "http://" + docker("port", mock.name, "8080/tcp"))
    assert within(20, again.serves)
    assert answered() == 503


def test_an_sdk_whose_host_is_built_in_reaches_it_as_the_compose_example_says(
    start: Callable[..., Mock], network: str, volume: str
) -> None:
    """Its two services, run as compose runs them: Twilio's own SDK calls https://api.twilio.com and finds the mock."""
    folder = PROJECT / "examples/fixed-hosts"
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    mock = start(
        *(folder / "scenarios", *as_compose(services["mock"], volume)), command=services["mock"]["command"]
    )

    app = run(
        *("run", "--rm", "--network", network, *as_compose(services["app"], volume)),
        f"{IMAGE}-example-fixed-hosts",
    )

    assert re.fullmatch(r"message SM\w+ is queued\n", app.stdout)
    (effect,) = requests.get(f"{mock.url}/__admin/effects", timeout=5).json()["items"]
    assert effect["kind"] == "message"


def as_compose(service: dict[str, Any], volume: str) -> list[str]:
    """What `docker run` is told of a service, its scenarios, ports and network aside."""
    options = [
        f"--volume={volume}:{one.partition(':')[2]}" for one in service["volumes"] if one.startswith("tls:")
    ]
    options += [
        f"--network-alias={one}" for one in service.get("networks", {}).get("default", {}).get("aliases", ())
    ]
    options += [f"--sysctl={name}={value}" for name, value in service.get("sysctls", {}).items()]
    options += [f"--env={name}={value}" for name, value in service.get("environment", {}).items()]
    options += [f"--cap-drop={one}" for one in service["cap_drop"]]
    options += [f"--security-opt={one}" for one in service["security_opt"]]
    return [*options, "--read-only"] if service["read_only"] else options
