"""Each work whose instructions are counted is answered as its scenario says."""

from __future__ import annotations

import pytest

from benchmarks import inside, instructions
from benchmarks.scale import FULL
from benchmarks.works import works


@pytest.mark.parametrize("key", instructions.REQUESTS)
def test_the_work_is_answered(key: str) -> None:
    inside.run(lambda: instructions.ask(key, 5))


def test_a_wrong_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(instructions.REQUESTS, "get", lambda _: b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(SystemExit, match=r"get: unexpected answer b'HTTP/1.1 404"):
        inside.run(lambda: instructions.ask("get", 1))


def test_keys_are_those_of_the_works() -> None:
    assert set(instructions.REQUESTS) == {work.key for work in works(FULL) if work.table == "unique"}
