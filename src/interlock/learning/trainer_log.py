"""What a trainer prints becomes the log of its run, which never grows beyond its limit: the newest part stays.

Called by the run's process. A trainer that prints in a loop must not fill the disk, and of what it said the end matters
most: that is where its traceback is.
"""

import os
import threading
from pathlib import Path
from typing import IO

_CHUNK = 65_536
# A grandchild may hold the pipe open after the trainer has ended.
_LAST_WORDS_SECONDS = 2.0


class TrainerLog:
    """Copies what a process says into a file, in a thread of its own.

    Args:
        path: The log; what is there stays before it, as far as there is room.
        most_bytes: It may have.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path, self._most_bytes = path, most_bytes
        self._left_out, self._note = 0, b""

    def follow(self, stream: IO[bytes]) -> threading.Thread:
        """Begin to copy a stream, until it ends; it is closed then."""
        thread = threading.Thread(target=self._copy, args=(stream,), daemon=True)
        thread.start()
        return thread

    def _copy(self, stream: IO[bytes]) -> None:
        # In append mode, as the run's own process writes there too.
        with stream, self._path.open("ab", buffering=0) as log:
            while chunk := os.read(stream.fileno(), _CHUNK):
                log.write(chunk)
                if log.tell() > self._most_bytes:
                    self._shorten()

    def _shorten(self) -> None:
        """Leave the newest half, from the beginning of a line."""
        with self._path.open("r+b") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(size - self._most_bytes // 2)
            kept = log.read()
            kept = kept.partition(b"\n")[2] or kept
            self._left_out += size - len(kept) - len(self._note)
            self._note = b"(%d bytes before this were left out: the log is full)\n" % self._left_out
            log.truncate(0)
        with self._path.open("ab") as log:
            log.write(self._note + kept)


def end(thread: threading.Thread) -> None:
    """Wait for the last words of a process that has ended."""
    thread.join(_LAST_WORDS_SECONDS)
