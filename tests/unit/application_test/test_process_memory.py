import os
import subprocess
import sys

from interlock.application_test.process_memory import resident_bytes

HOLDER = "import sys; held = bytearray(64 * 1024 * 1024); print('there', flush=True); sys.stdin.read()"


def test_the_memory_of_children_counts() -> None:
    before = resident_bytes(os.getpid())
    assert before is not None
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"there\n"
        held = resident_bytes(os.getpid())
        child.communicate()
    assert held is not None
    assert held - before > 64 * 1024 * 1024


def test_a_process_that_is_not_there_has_none() -> None:
    assert resident_bytes(2**31 - 1) is None
