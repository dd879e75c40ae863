"""The replicas in the dashboard: who shares the store, and what a store that is away looks like."""

import signal

import pytest
from support.dashboard import Dashboard
from support.shared_store import NEEDS_REDIS, redis_at

pytestmark = NEEDS_REDIS


@pytest.fixture
def store(tmp_path):
    with redis_at(tmp_path) as running:
        yield running


def test_the_replicas_are_listed_with_what_they_own(store, serving, browser):
    first = serving(store=store.url)
    second = serving(first.folder, store=store.url)
    first.ask("POST", "/data")
    own = [server.admin.get("/replicas")["self"] for server in (first, second)]

    dashboard = Dashboard(browser(), second.admin.url).open("#/replicas")

    dashboard.sees(f"[data-replica='{own[0]}']", "default")
    dashboard.sees(f"[data-replica='{own[1]}']", "this one")
    dashboard.sees(".replicas", "● ready")
    assert dashboard.complaints == []


def test_a_store_that_is_away_is_shown_with_the_reason(store, serving, browser):
    server = serving(store=store.url)
    dashboard = Dashboard(browser(), server.admin.url).open("#/replicas")
    dashboard.sees(".replicas", "● ready")

    store.process.send_signal(signal.SIGSTOP)

    dashboard.sees(".replicas", "■ not ready")
    store.process.send_signal(signal.SIGCONT)
    dashboard.sees(".replicas", "● ready")


def test_without_a_store_there_is_no_view_of_replicas(serving, browser):
    dashboard = Dashboard(browser(), serving().admin.url).open("#/scenarios")
    dashboard.sees("[data-scenario]")

    assert not dashboard.asks(
        "[...document.querySelectorAll('nav a')].find((one) => one.textContent === 'Replicas').checkVisibility()"
    )
