import subprocess
import sys
from pathlib import Path

from interlock.learning import trainer_log
from interlock.learning.trainer_log import TrainerLog

MOST = 64 * 1024


def _said(path: Path, program: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    listening = TrainerLog(path, MOST).follow(process.stdout)
    process.wait()
    trainer_log.end(listening)


def test_what_is_short_is_kept_whole_after_what_was_there(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("before\n")
    _said(log, "import sys; print('out', flush=True); print('err', file=sys.stderr)")
    assert log.read_text() == "before\nout\nerr\n"


def test_of_what_is_long_the_end_is_kept_from_the_beginning_of_a_line_and_the_rest_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    lines = 200_000
    _said(log, f"for line in range({lines}): print(f'line {{line:07d}}')")
    assert MOST // 4 < log.stat().st_size <= MOST + 65_536
    first, *rest = log.read_text().splitlines()
    assert rest[-1] == f"line {lines - 1:07d}"
    numbers = [int(line.split()[1]) for line in rest]
    assert numbers == list(range(numbers[0], lines))
    assert first == f"({13 * numbers[0]} bytes before this were left out: the log is full)"


def test_one_endless_line_is_bounded_too(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    _said(log, "print('x' * 3_000_000)")
    assert log.stat().st_size <= MOST + 65_536


def test_a_grandchild_that_holds_the_pipe_open_keeps_nobody_waiting(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    sleeper = "import subprocess; subprocess.Popen(['sleep', '5'])"
    _said(log, f"{sleeper}; print('done')")
    assert log.read_text() == "done\n"
