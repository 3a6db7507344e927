"""`python -m interlock.process.nursery`: imports what all parts share, once, and forks them.

Started by the supervisor only, on Linux. Five processes that each import SQLAlchemy, NumPy and Arrow take seconds and
memory five times; forks of one process that has them share both. It does nothing else: no connection, no file, and no
thread but jemalloc's in Arrow and delta-rs, which knows forks; so there is nothing in it that a fork could break. A
part is handed over to the supervisor, as its child:

    supervisor ──part──► nursery ──fork──► helper ──fork──► part
               ◄──pid──     ▲─────waits──────┘ ends at once, and the supervisor adopts its orphan

When the nursery dies, no part does: the supervisor starts another one when it next needs it.
"""

import argparse
import gc
import json
import os
import socket
import sys
import time
import warnings
from collections.abc import Sequence

from interlock import bootstrap
from interlock.process import part
from interlock.process.handover import Handover
from interlock.process.lifeline import be_killed_with_parent

_LARGEST_REQUEST = 65536


def main(arguments: Sequence[str]) -> None:
    """Fork parts until the supervisor is gone; in each of them, be that part."""
    parser = argparse.ArgumentParser(prog="interlock.process.nursery", description="Started by `interlock up` only.")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--holds", type=int, nargs="*", default=[], help="descriptors that parts inherit")
    given = parser.parse_args(arguments)
    be_killed_with_parent(given.parent)
    # Python 3.12 and later count jemalloc's threads among those that make a fork unsafe.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    requests = socket.socket(fileno=given.requests)
    handover = serve(requests)
    if handover is None:
        return
    requests.close()
    for descriptor in given.holds:
        if descriptor not in handover.descriptors:
            os.close(descriptor)
    part.run(handover)


def serve(requests: socket.socket) -> Handover | None:
    """Fork what is asked for.

    Returns:
        In a forked part: how it was asked for. In the nursery: None, when there is nobody left to ask.
    """
    while message := requests.recv(_LARGEST_REQUEST):
        handover = Handover.parse(json.loads(message))
        bootstrap.preload(handover.name)
        gc.collect()
        # Whatever is here now stays as it is: a collector that looked at it would copy every page of it.
        gc.freeze()
        pid = _fork()
        if pid is None:
            return handover
        requests.send(str(pid).encode())
    return None


def _fork() -> int | None:
    """Fork an orphan, and wait until it is one. None in the orphan; its id, or 0 if that failed, in this process."""
    read, write = os.pipe()
    helper = os.fork()
    if helper == 0:
        _help(write)
        os.close(read)
        os.close(write)
        return None
    os.close(write)
    told = os.read(read, 32)
    os.close(read)
    os.waitpid(helper, 0)
    return int(told or 0)


def _help(write: int) -> None:
    """In the helper: fork, tell the id, end. Returns in what was forked, once it has another parent."""
    helper = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        os._exit(1)
    if pid:
        os.setpgid(pid, pid)
        os.write(write, str(pid).encode())
        os._exit(0)
    while os.getppid() == helper:
        time.sleep(0.0005)


if __name__ == "__main__":
    main(sys.argv[1:])
