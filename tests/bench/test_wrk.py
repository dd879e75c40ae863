"""What wrk prints is read to the digit, and what it says between the lines is not overlooked."""

import pytest

from benchmarks import wrk
from benchmarks.asks import ServerFailedError

SAID = """\
Running 3s test @ http://127.0.0.1:8080/one
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   821.04us  553.61us  20.36ms   96.49%
    Req/Sec    40.67k     2.94k   44.92k    85.00%
  Latency Distribution
     50%  748.00us
     75%  785.00us
     90%    0.90ms
     99%    1.97ms
  80779 requests in 2.00s, 9.17MB read
Requests/sec:  40376.26
Transfer/sec:      4.58MB
"""


def test_rate_count_and_percentiles_are_read():
    assert wrk.parse(SAID) == wrk.Said(40376.26, 80779, 0, 0.748, 1.97)


def test_answers_with_other_statuses_are_counted():
    text = SAID.replace("Requests/sec", "  Non-2xx or 3xx responses: 53853\nRequests/sec")

    assert wrk.parse(text).not_2xx == 53853


@pytest.mark.parametrize(
    ("printed", "ms"), [("748.00us", 0.748), ("1.97ms", 1.97), ("1.20s", 1200), ("1.00m", 60_000)]
)
def test_a_percentile_is_in_milliseconds_whatever_its_unit(printed, ms):
    assert wrk.parse(SAID.replace("1.97ms", printed)).p99_ms == pytest.approx(ms)


def test_failed_sockets_are_a_failure_and_no_figure():
    text = SAID.replace(
        "Requests/sec", "  Socket errors: connect 0, read 7, write 0, timeout 0\nRequests/sec"
    )

    with pytest.raises(ServerFailedError, match="read 7"):
        wrk.parse(text)


def test_no_answer_at_all_is_a_failure():
    with pytest.raises(ServerFailedError, match="no answer"):
        wrk.parse(SAID.replace("80779 requests", "0 requests"))


def test_what_says_no_rate_is_a_failure():
    with pytest.raises(ServerFailedError, match="no rate"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n")
