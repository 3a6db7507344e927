"""Every call to the disk fails once, in turn, as SQLite tests itself: nothing acknowledged is lost, nothing doubled.

A short story is told again and again, each time with a fault at the next call of a write, a sync, a rename, a removal,
a commit to a table or to the store. Whatever fails, the story goes on, ends, and the auditor looks at what is left.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from deltalake import write_deltalake
from sqlalchemy import event
from tests.integration.predictions.audit import audit
from tests.integration.predictions.conftest import label, labels
from tests.prediction_records import prediction

from interlock.domain import image_file
from interlock.domain.errors import UnrecordedError
from interlock.predictions import delta_log
from interlock.predictions.image_log import ImageLog
from interlock.predictions.parts import pack_images
from interlock.predictions.records import encoder
from interlock.predictions.spool import Spool

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

# `make soak` takes all; the ordinary suite takes some.
SOAK = "INTERLOCK_SOAK" in os.environ
FAULTS = ("ENOSPC", "EIO", "short")
CALLS = ("write", "fsync", "rename", "replace", "unlink", "open", "mkdir", "ftruncate")


class Faults:
    """Fails the call with a number, and notes which it was. Before it and after it everything works."""

    def __init__(self, patch: pytest.MonkeyPatch, home: "Home", number: int, fault: str) -> None:
        self._home, self._number, self._fault = home.settings.home, number, fault
        self._calls = count()
        self.failed_at: str | None = None
        for name in CALLS:
            patch.setattr(os, name, self._failing(name, getattr(os, name)))
        patch.setattr(os, "fdopen", self._failing_file(os.fdopen))
        patch.setattr(delta_log, "write_deltalake", self._failing_commit(write_deltalake))
        engine = home.store._engine
        event.listen(engine, "commit", self._before_commit)
        self._remove: Callable[[], None] = lambda: event.remove(engine, "commit", self._before_commit)

    def end(self) -> None:
        self._remove()

    def _is_next(self, name: str) -> bool:
        if next(self._calls) != self._number:
            return False
        self.failed_at = name
        return True

    def _failing(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(first: Any, *args: Any, **more: Any) -> Any:
            if not self._is_ours(first) or not self._is_next(name):
                return call(first, *args, **more)
            if name == "write" and self._fault == "short":
                return call(first, args[0][: len(args[0]) // 2])
            raise self._error()

        return called

    def _failing_file(self, fdopen: Callable[..., Any]) -> Callable[..., Any]:
        """Of files that are written through an object: its writes."""

        @contextlib.contextmanager
        def opened(descriptor: int, *args: Any, **more: Any) -> Iterator[Any]:
            with fdopen(descriptor, *args, **more) as file:
                if not self._is_ours(descriptor):
                    yield file
                    return
                yield SimpleNamespace(write=write_to(file), flush=file.flush, fileno=file.fileno)

        def write_to(file: Any) -> Callable[[bytes], int]:
            def write(content: bytes) -> int:
                if self._is_next("file write"):
                    file.write(content[: len(content) // 2])
                    raise self._error()
                written: int = file.write(content)
                return written

            return write

        return opened

    def _failing_commit(self, commit: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **more: Any) -> None:
            if self._is_next("commit before"):
                raise self._error()
            commit(*args, **more)
            if self._is_next("commit after"):
                raise self._error()

        return called

    def _before_commit(self, _connection: Any) -> None:
        if self._is_next("store"):
            raise self._error()

    def _is_ours(self, first: Any) -> bool:
        """Whether the call is on a file of the spools or of the log."""
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else os.fspath(first)
            return str(path).startswith((str(self._home / "spool"), str(self._home / "log")))
        return False

    def _error(self) -> OSError:
        number = errno.EIO if self._fault == "EIO" else errno.ENOSPC
        return OSError(number, os.strerror(number))


def tell(home: "Home", side_file: Path) -> None:
    """Append, seal, sync, collect, close and open again, noting what was acknowledged. What fails is left out."""
    collector = home.collector()
    numbers = iter(range(100))
    for _ in range(2):
        with contextlib.suppress(OSError), Spool(home.settings.spools / "gw0") as spool:
            for _ in range(2):
                append(spool, next(numbers), side_file)
                with contextlib.suppress(OSError):
                    spool.seal(force=True)
                collector._try_step(commit_all=True)


def append(spool: Spool, number: int, side_file: Path) -> None:
    rows = number % 3 + 1
    record = prediction(number, rows=rows, assigned={"release_id": "r1", "step": 0})
    picture = image_file.encode_png(np.full((1, 1, 3), number, dtype=np.uint8))
    record = msgspec.structs.replace(record, inputs=[*record.inputs, pack_images("photo", [picture] * rows, 1.0)])
    names = []
    with contextlib.suppress(UnrecordedError):
        spool.append(encoder.encode(record), rows=len(record.prediction_ids), endpoint="wine")
        names += record.prediction_ids
        given = labels(label(record.prediction_ids[0], number))
        spool.append(encoder.encode(given), rows=0, endpoint="wine", to_be_synced=True)
        spool.sync()
        names.append(f"label:{record.prediction_ids[0]}")
    with side_file.open("a") as side:
        side.write("".join(f"{name}\n" for name in names))


def all_faults(make_home: Callable[[], "Home"], fault: str) -> Iterator[tuple[str, "Home"]]:
    """Tell the story with a fault at each call in turn, until there is no such call any more.

    In the ordinary suite at every sixth call, each kind of fault at others.
    """
    first, stride = (0, 1) if SOAK else (FAULTS.index(fault), 6)
    for number in count(first, stride):
        home = make_home()
        side_file = home.settings.home / "acknowledged"
        side_file.touch()
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, home, number, fault)
            try:
                tell(home, side_file)
            finally:
                faults.end()
        if faults.failed_at is None:
            return
        with Spool(home.settings.spools / "gw0"):
            """What a next worker does."""
        home.collector().step(commit_all=True)
        yield f"{fault} at call {number} ({faults.failed_at})", home


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_loses_or_doubles_what_was_acknowledged(make_home: Callable[[], "Home"], fault: str) -> None:
    where: set[str] = set()
    for what, home in all_faults(make_home, fault):
        found = audit(home, home.settings.home / "acknowledged")
        assert not found.lost, what
        assert not found.doubled, what
        assert found.log_rows == found.profiled_rows, what
        assert found.log_requests == found.counted_units, what
        assert found.sums_hold, what
        _, rows = home.reader.new_rows("wine", None)
        for file in rows["input.photo"].to_pylist():
            assert ImageLog(home.log.root).read("wine", file), what
        where.add(what.rpartition("(")[2].rstrip(")"))
    known = {*CALLS, "file write", "commit before", "commit after", "store"} - {"ftruncate"}
    assert where >= known if SOAK else len(where) >= 4
