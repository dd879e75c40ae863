"""Sequences, choices, cases and draws, as clients see them."""

import json
import threading
from collections import Counter

import pytest
from support.http import ask


def statuses(server, count, target="/x", method="GET", **options):
    return [server.ask(method, target, **options).status for _ in range(count)]


@pytest.fixture
def get(serving):
    """The statuses of so many GETs of a route with that reply."""

    def got(count, route):
        return statuses(serving(f"routes: [{{request: GET /x, {route}}}]"), count)

    return got


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("reply: [503, 503, 200]", [503, 503, 200, 200, 200]),
        ("reply: [{status: 503, times: 2}, 200]", [503, 503, 200, 200, 200]),
        (
            "reply: [{status: 503, times: 3}, {status: 200, times: 9}], then: repeat",
            [503, 503, 503, 200, 200],
        ),
        ("reply: [503, 200], then: cycle", [503, 200, 503, 200, 503]),
        ("reply: [{status: 503, times: 2}, 200], then: cycle", [503, 503, 200, 503, 503]),
        ("reply: [503, 200], then: stop", [503, 200, 404, 404, 404]),
        ("reply: {status: 503, times: 2}, then: stop", [503, 503, 404, 404, 404]),
        ("reply: {status: 503, times: 2}", [503, 503, 503, 503, 503]),
    ],
)
def test_a_sequence_is_walked_through_and_ends_as_it_says(get, route, expected):
    assert get(5, route) == expected


def test_a_stopped_route_lets_the_next_one_answer(serving):
    server = serving(
        "routes: [{request: GET /x, reply: [503, 503], then: stop}, {request: GET /x, reply: 201}]"
    )

    assert statuses(server, 4) == [503, 503, 201, 201]


def test_a_step_holds_for_a_time_by_the_clock_from_its_first_answer(serving):
    server = serving(
        "routes: [{request: GET /x, reply: [{status: 503, for: 30s}, {status: 429, for: 1m}, 200]}]"
    )
    server.admin.post("/clock", {"freeze": True})

    def at(ahead, count=2):
        if ahead:
            server.admin.post("/clock", {"advance": ahead})
        return statuses(server, count)

    assert at("1h") == [503, 503]  # the half minute begins now
    assert at("29s") == [503, 503]
    assert at("1s") == [429, 429]
    assert at("59s") == [429, 429]
    assert at("1s") == [200, 200]
    assert at("1d") == [200, 200]


def test_head_takes_a_step(serving):
    server = serving("routes: [{request: GET /x, reply: [503, 200]}]")

    assert server.ask("HEAD", "/x").status == 503
    assert server.ask("GET", "/x").status == 200


PER = {
    "header": ("headers.idempotency-key", lambda key: ("/x/0", {"Idempotency-Key": key}, None)),
    "path": ("path.id", lambda key: (f"/x/{key}", {}, None)),
    "query": ("query.key", lambda key: (f"/x/0?key={key}", {}, None)),
    "json": ("json.order.id", lambda key: ("/x/0", {}, json.dumps({"order": {"id": key}}))),
    "template": (
        "'{{ request.json.a }}-{{ request.json.b }}'",
        lambda key: ("/x/0", {}, json.dumps({"a": key, "b": 1})),
    ),
    "cookie": ("cookies.sid", lambda key: ("/x/0", {"Cookie": f"sid={key}"}, None)),
}


@pytest.mark.parametrize(("per", "made"), PER.values(), ids=PER)
def test_each_value_walks_through_the_sequence_for_itself(serving, per, made):
    server = serving(
        f"routes: [{{request: 'POST /x/{{id}}', per: {per}, reply: [503, {{text: '{{{{ call.number }}}}'}}]}}]"
    )

    def post(key):
        target, headers, body = made(key)
        answer = server.ask("POST", target, body, headers=headers)
        return answer.status, answer.text

    assert [post(key) for key in ("a", "b", "a", "b", "a", "c")] == [
        (503, ""), (503, ""), (200, "2"), (200, "2"), (200, "3"), (503, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("per", ["headers.key", "query.key", "json.key", "form.key", "cookies.key"])
def test_calls_without_the_value_share_one_sequence(serving, per):
    server = serving(f"routes: [{{request: POST /x, per: {per}, reply: [503, 503, 200]}}]")

    assert statuses(server, 3, method="POST") == [503, 503, 200]


@pytest.mark.slow
def test_a_thousand_keys_all_at_once_each_see_their_own_order(serving):
    server = serving(
        "routes: [{request: POST /x, per: headers.key, reply: [503, {status: 503, delay: 1ms}, 200]}]"
    )
    found = {}
    work = iter([f"k{i}" for i in range(1000)])
    lock = threading.Lock()

    def worker():
        """Holds 25 keys open at a time, and asks for each in turn, so that all are interleaved."""
        while True:
            with lock:
                keys = [key for _, key in zip(range(25), work, strict=False)]
            if not keys:
                return
            for _ in range(3):
                for key in keys:
                    found.setdefault(key, []).append(
                        ask(server.url, "POST", "/x", headers={"key": key}).status
                    )

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 1000
    assert set(map(tuple, found.values())) == {(503, 503, 200)}
    assert server.admin.get("/counts")["routes"]["shop/POST /x"]["statuses"] == {"503": 2000, "200": 1000}


def test_a_thousand_calls_at_once_take_each_step_once(serving):
    server = serving(
        "routes: [{request: GET /x, reply: [{status: 503, times: 100}, {status: 429, times: 50}, 200]}]"
    )
    seen = Counter()
    lock = threading.Lock()

    def worker():
        for _ in range(25):
            status = ask(server.url, "GET", "/x").status
            with lock:
                seen[status] += 1

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {503: 100, 429: 50, 200: 50}


# Choices and cases


CHOOSE = """
routes:
  - request: GET /x
    reply:
      choose:
        - {weight: 9, status: 200}
        - weight: 1
          choose: [{status: 503}, {status: 429}]
"""


def test_choices_come_by_their_weight(serving):
    server = serving(CHOOSE, seed="weights")
    seen = Counter(statuses(server, 200))

    # 180 of one are to be expected, give or take 4, and 10 of each other, give or take 3.
    assert 163 <= seen[200] <= 197
    assert seen[503] >= 1
    assert seen[429] >= 1


def test_the_same_seed_draws_the_same_and_another_differs(serving):
    one, same, other = (serving(CHOOSE, seed=seed) for seed in ("a", "a", "b"))

    drawn = [statuses(server, 60) for server in (one, same, other)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_calls_of_other_routes_change_no_draw(serving):
    scenario = CHOOSE + "  - {request: GET /other, reply: {choose: [{text: a}, {text: b}]}}\n"
    calm, busy = (serving(scenario, seed="a") for _ in range(2))
    expected = statuses(calm, 40)
    found = []
    for _ in range(40):
        busy.ask("GET", "/other")
        found += statuses(busy, 1)

    assert found == expected


CASES = """
state: {mode: closed}
routes:
  - request: POST /charges
    reply:
      cases:
        - {match: {form: {'card[number]': "4000000000000002"}}, status: 402, json: {error: card_declined}}
        - {when: {mode: open}, status: 202}
        - {if: "{{ request.headers['x-fast'] == 'yes' }}", status: 203}
        - {if: "{{ request.json.deep.down }}", status: 418}
        - {match: {query: {slow: present}}, choose: [{status: 504}]}
        - {status: 201, json: {ok: true}}
  - request: GET /none
    reply: {cases: [{match: {query: {a: "1"}}, status: 200}]}
"""


def test_the_first_case_that_holds_answers(serving):
    server = serving(CASES)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def post(body=None, target="/charges", **headers):
        return server.ask("POST", target, body, headers=headers).status

    assert server.ask("POST", "/charges", "card[number]=4000000000000002", headers=form).status == 402
    assert server.ask("POST", "/charges", "card[number]=42", headers=form).status == 201
    assert post(**{"X-Fast": "yes"}) == 203
    assert post(target="/charges?slow=1") == 504
    server.admin.call("PUT", "/state/mode", "open")
    assert post(**{"X-Fast": "yes"}) == 202
    assert server.admin.get("/counts")["routes"]["shop/POST /charges"]["calls"] == 5


def test_where_no_case_holds_the_problem_says_what_to_add(serving):
    answer = serving(CASES).ask("GET", "/none")

    assert answer.status == 500
    assert "add a last one without conditions" in answer.json()["reason"]


# Draws


DRAWS = """
routes:
  - request: GET /draw
    let: {id: "{{ uuid() }}"}
    reply:
      - choose: &any
          - {json: &ids {id: "{{ let.id }}", n: "{{ random_int(1, 1000000) }}", s: "{{ random_string(8) }}", call: "{{ call.number }}"}}
          - {status: 503, json: *ids}
          - {status: 200, json: *ids, fault: {kind: truncate, after: 9}}
      - {choose: *any}
    then: cycle
"""


def draws(server, count=30):
    """What a client sees of so many calls: ids, choices and faults."""
    found = []
    for _ in range(count):
        try:
            answer = server.ask("GET", "/draw")
            found.append((answer.status, answer.text))
        except Exception as why:  # noqa: BLE001  (http.client's own, for a body that was cut)
            found.append((type(why).__name__, why.partial))
    steps = [
        (call["step"], call["fault"], call["outcome"]) for call in server.calls(f"?limit={count}&reveal=true")
    ]
    return found, steps


@pytest.mark.slow
def test_two_runs_with_the_same_seed_are_the_same(process):
    runs = [draws(process("--seed", "s", scenarios=DRAWS)) for _ in range(2)]
    other = draws(process("--seed", "t", scenarios=DRAWS))

    assert runs[0] == runs[1]
    assert runs[0] != other
    assert {fault for _, fault, _ in runs[0][1]} == {None, "truncate"}


def shape(found):
    """The choices alone, without the ids."""
    return [status for status, _ in found[0]]


def test_two_servers_in_one_process_with_the_same_seed_are_the_same(serving):
    assert draws(serving(DRAWS, seed="s")) == draws(serving(DRAWS, seed="s"))


def test_a_reset_starts_choices_anew_and_ids_only_when_the_seed_is_named(serving):
    server = serving(DRAWS, seed="s")
    first = draws(server)

    server.admin.post("/reset")
    second = draws(server)
    assert shape(second) == shape(first)
    assert second[0] != first[0]
    assert not {text for _, text in first[0]} & {text for _, text in second[0]}

    server.admin.post("/reset", {"what": ["calls", "positions", "seed"]})
    assert draws(server) == first


def test_namespaces_draw_differently_but_a_rerun_the_same(serving):
    def ids(server):
        for name in ("a", "b"):
            server.admin.post("/namespaces", {"name": name})
        return [server.ask("GET", f"/@{name}/draw").text for name in ("a", "b")]

    scenario = "routes: [{request: GET /draw, reply: {text: '{{ uuid() }}'}}]"
    first = ids(serving(scenario))
    assert first[0] != first[1]
    assert ids(serving(scenario)) == first


def test_each_value_of_per_has_draws_of_its_own(serving):
    scenario = "routes: [{request: GET /x, per: query.key, reply: {text: '{{ uuid() }}'}}]"

    def ids(server, keys):
        return [server.ask("GET", f"/x?key={key}").text for key in keys]

    together = ids(serving(scenario, seed="s"), "abab")
    assert len(set(together)) == 4
    assert ids(serving(scenario, seed="s"), "aabb") == [together[i] for i in (0, 2, 1, 3)]
