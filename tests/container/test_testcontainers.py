"""`MockServerContainer` with a real engine; see test_container.py for the image."""

import os
import urllib.request

import pytest

IMAGE = os.environ.get("MOCKSERVER_IMAGE", "")

pytestmark = pytest.mark.slow
if not IMAGE:
    pytest.skip("needs MOCKSERVER_IMAGE: run scripts/docker-check", allow_module_level=True)
pytest.importorskip("testcontainers.core.wait_strategies")


@pytest.fixture
def make(monkeypatch):
    """Makes containers on a network of their own: the engine of the check has no default one."""
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.network import Network

    from mockserver.testcontainers import MockServerContainer

    # Its reaper's image may not be in reach; each test removes its container itself.
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    with Network() as network:
        yield lambda **options: MockServerContainer(IMAGE, **options).with_network(network)


def test_a_container_serves_a_folder_and_is_spoken_to(make, tmp_path):
    (tmp_path / "shop.yaml").write_text("routes: [{request: GET /hello, reply: {text: hi}}]")
    tmp_path.chmod(0o755)
    with make(admin_token="s3cret").with_scenarios(tmp_path) as container:
        mock = container.get_client()
        with urllib.request.urlopen(f"{container.get_url()}/hello", timeout=5) as answer:
            assert answer.read() == b"hi"
        assert mock.route("GET /hello").call_count == 1
        with mock.namespace() as mine:
            mine.get("/x").reply(200)
            assert mine.url.startswith(container.get_url())
        mock.close()


async def test_it_may_be_awaited_and_told_another_port(make):
    with make(port=9000).with_env("MOCKSERVER_UNMATCHED_STATUS", "501") as container:
        async with container.get_async_client() as mock:
            assert await mock.routes == []
            assert await mock.state.all() == {}
