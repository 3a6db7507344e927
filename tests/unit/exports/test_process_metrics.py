import os
import subprocess
import sys

from interlock.exports.process_metrics import of_processes


def samples(*pids: int | None) -> dict[tuple[str, str], float]:
    found = of_processes([{"name": f"part{number}", "pid": pid} for number, pid in enumerate(pids)])
    return {
        (sample.name.removeprefix("interlock_process_"), sample.labels["pid"]): sample.value
        for metric in found
        for sample in metric.samples
    }


def test_a_process_and_those_below_it_are_told_as_the_system_has_them() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found, own = samples(os.getpid()), str(os.getpid())
        assert {pid for name, pid in found if name == "threads"} >= {own, str(child.pid)}
        child.communicate(b"\n")
    assert 1e6 < found["resident_memory_bytes", own] < 1e11
    assert found["open_fds", own] >= 3
    times = os.times()
    assert 0 < found["cpu_seconds_total", own] <= times.user + times.system + 1


def test_a_part_that_does_not_run_is_left_out() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert samples(None, ended.pid) == {}
