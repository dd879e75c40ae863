"""The parts of a swept session that can be looked at by themselves: names of runs, limits, what a process is told."""

import signal
import threading
import time

import pytest

from mockserver.pytest_plugin.clean_runs import seed_of
from mockserver.pytest_plugin.limits import no_limit, time_limit
from mockserver.pytest_plugin.runs import Run, parameter, without_run


@pytest.mark.parametrize(
    ("node_id", "run_id", "test"),
    [
        ("t.py::test_x[clean]", "clean", "t.py::test_x"),
        ("t.py::test_x[a-clean]", "clean", "t.py::test_x[a]"),
        ("t.py::T::test_x[a-b-POST /x#1/500]", "POST /x#1/500", "t.py::T::test_x[a-b]"),
        ("t.py::test_x[[-x]", "x", "t.py::test_x[[]"),
        ("t.py::test_x[-x]", "x", "t.py::test_x[]"),
    ],
)
def test_a_run_is_the_last_parameter_of_its_test(node_id, run_id, test):
    assert without_run(node_id, run_id) == test


@pytest.mark.parametrize("text", ["POST /crème#1/500", "日本#1/500", "plain#1/500"])
def test_a_run_is_named_as_pytest_leaves_it(text):
    assert parameter(text).isascii()
    assert parameter(parameter(text).replace("\\", "")) == parameter(text).replace("\\", "")


def test_a_run_survives_being_sent_as_json():
    run = Run("a#1/500", "t.py::test_x", "seed", 30.0, ({"route": "a/b", "before": 500},), hides_failure=True)
    assert Run.of_json(run.as_json()) == run


def test_without_a_seed_a_test_draws_as_it_always_does():
    assert seed_of("", "t.py::test_x") == "t.py::test_x"
    assert seed_of("7", "t.py::test_x") != seed_of("8", "t.py::test_x")


# Limits


def test_what_takes_too_long_is_ended_inside_a_blocking_call():
    began = time.monotonic()
    with pytest.raises(pytest.fail.Exception, match="too long"), time_limit(0.02, "too long"):
        threading.Event().wait(30)
    assert time.monotonic() - began < 10


def test_afterwards_the_alarm_is_off():
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(30.0, "too long"):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_an_alarm_of_somebody_else_is_set_again():
    signal.setitimer(signal.ITIMER_REAL, 1000.0)
    try:
        with time_limit(30.0, "too long"):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        assert 900 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_one_that_is_due_sooner_comes_first():
    signal.setitimer(signal.ITIMER_REAL, 20.0)
    try:
        with time_limit(1000.0, "too long"):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 20
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_off_the_main_thread_nothing_is_limited():
    done = []

    def work():
        with time_limit(0.0, "too long"):
            done.append(signal.getitimer(signal.ITIMER_REAL)[0])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [0.0]


def test_what_must_be_done_is_done_though_the_time_is_over():
    gathered = []

    def late():
        with no_limit():
            threading.Event().wait(0.1)
            gathered.append(True)
        threading.Event().wait(30)

    with pytest.raises(pytest.fail.Exception), time_limit(0.05, "too long"):
        late()
    assert gathered
