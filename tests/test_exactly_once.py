"""
Two hundred clients want the same charge at once, and connections break before and after it is made.

Under one idempotency key there is one charge, whoever asks and whatever breaks.
Without it there are many, and `verify` names them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.server import InProcess

CLIENTS = 200
PROVIDER = """
idempotency: {header: idempotency-key}
routes:
  - name: create-charge
    request: POST /charges
    let: {id: "ch_{{ random_string(24) }}"}
    reply:
      choose:
        - {weight: 4, fault: reset, status: 500}                  # nothing was done
        - &made
          weight: 3
          status: 201
          json: {id: "{{ let.id }}"}
          effect: {kind: charge, id: "{{ let.id }}", order: "{{ request.json.order }}"}
        - {<<: *made, weight: 3, fault: reset}                    # it was done, and nobody hears of it
"""
ONE_CHARGE = {"effects": {"kind": "charge", "where": {"order": "42"}}, "times": 1}


def a_client(server: InProcess, space: str, headers: dict[str, str]) -> str:
    """Tries until it has a charge, as a client has to that wants one; gives its id."""
    for _ in range(500):
        try:
            answer = server.ask(
                "POST",
                f"/@{space}/charges",
                '{"order": "42"}',
                headers={"Content-Type": "application/json", **headers},
                timeout_s=30,
            )
        except OSError:
            continue
        if answer.status == 201:
            return str(answer.json()["id"])
        assert answer.status == 409, answer.text  # the first one under this key is still under way
    raise AssertionError("500 tries and no answer")


def race(server: InProcess, space: str, headers: dict[str, str]) -> list[str]:
    """The ids that all clients heard, each starting at once."""
    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(lambda _: a_client(server, space, headers), range(CLIENTS)))


def effects(server: InProcess, space: str) -> list[dict[str, Any]]:
    admin = type(server.admin)(f"{server.admin.url}/@{space}")
    items: list[dict[str, Any]] = admin.get("/effects?kind=charge&reveal=true")["items"]
    return items


@pytest.mark.parametrize("seed", range(1, 6))
def test_two_hundred_clients_under_one_key_make_one_charge(
    serving: Callable[..., InProcess], seed: int
) -> None:
    server = serving(PROVIDER)
    server.admin.post("/namespaces", {"name": "race", "seed": str(seed)})

    heard = race(server, "race", {"Idempotency-Key": "order-42"})

    (charge,) = effects(server, "race")
    assert len(heard) == CLIENTS
    assert set(heard) == {charge["id"]}
    admin = type(server.admin)(f"{server.admin.url}/@race")
    assert admin.post("/verify", ONE_CHARGE)["ok"]


def test_without_the_key_the_same_run_charges_again_and_again_and_verify_names_it(
    serving: Callable[..., InProcess],
) -> None:
    server = serving(PROVIDER)
    server.admin.post("/namespaces", {"name": "race", "seed": "1"})

    heard = race(server, "race", {})

    made = effects(server, "race")
    assert len(set(heard)) == CLIENTS
    assert len(made) > CLIENTS, "each had one of its own, and there are those that nobody heard of"
    admin = type(server.admin)(f"{server.admin.url}/@race")
    text = admin.refused(409, "POST", "/verify", ONE_CHARGE)["checks"][0]["text"]
    first, *lines = text.split("\n")
    assert first == f"effect charge where order=42: expected 1 effect, saw {len(made)}"
    for line, effect in zip(lines[:20], made, strict=False):
        lost = "" if effect["id"] in heard else "  (answer lost: reset)"
        assert line == f"  {effect['call']}  charge  id={effect['id']}  order=42{lost}"
    assert lines[20] == f"  … and {len(made) - 20} more"


def test_a_few_clients_with_and_without_a_key(serving: Callable[..., InProcess]) -> None:
    """The same in small, for every run of the tests."""
    server = serving(PROVIDER)
    for seed in range(1, 9):
        server.admin.post("/namespaces", {"name": f"race-{seed}", "seed": str(seed)})
        with ThreadPoolExecutor(8) as threads:
            heard = set(
                threads.map(
                    lambda _, n=seed: a_client(server, f"race-{n}", {"Idempotency-Key": "k"}), range(8)
                )
            )
        assert heard == {effect["id"] for effect in effects(server, f"race-{seed}")}
        assert len(heard) == 1
