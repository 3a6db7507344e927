import pytest

from benchmarks.serving import wrk
from benchmarks.serving.server import ServerError

REPORT = """\
Running 2s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   254.20us  333.12us   1.03s    78.72%
    Req/Sec    18.7k   161.24     19.0k    65.00%
  Latency Distribution
     50%  230.00us
     75%    1.10ms
     90%    2.20ms
     99%    1.02s
  37400 requests in 2.01s, 108.20KB read
Requests/sec:  18606.34
Transfer/sec:     53.91KB
"""


def test_a_report_is_read_in_one_unit() -> None:
    assert wrk.parse(REPORT, "echo") == wrk.Load(37400, 2.01, 18606.34, 0.23, 1020.0)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Non-2xx or 3xx responses: 12", "echo: 12 of 37400 answers were errors"),
        ("Socket errors: connect 0, read 3, write 0, timeout 1", "socket errors: connect 0, read 3"),
    ],
)
def test_errors_among_the_answers_are_no_measurement(line: str, told: str) -> None:
    with pytest.raises(ServerError, match=told):
        wrk.parse(REPORT.replace("Requests/sec", f"  {line}\nRequests/sec"), "echo")


def test_no_answers_are_no_measurement() -> None:
    with pytest.raises(ServerError, match="echo answered nothing"):
        wrk.parse(REPORT.replace("37400 requests", "0 requests"), "echo")
