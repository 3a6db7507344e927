"""What can be wrong with a spool's folder: counters that cannot be read or lie behind, tails torn by a crash.

Used by `interlock doctor`. A folder that a living worker holds is left to it.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from interlock.predictions import segments, spool_state
from interlock.predictions.damage import Damage
from interlock.predictions.delta_log import KINDS, DeltaLog
from interlock.predictions.spool_state import SpoolState
from interlock.store.database import Store

_HELD = "stop the server, and run this again"


def find(folder: Path, log: DeltaLog, store: Store) -> list[Damage]:
    """Look at one spool.

    Args:
        folder: Of one gateway slot.
        log: Where its rows go.
        store: Where they are counted.
    """
    try:
        state = spool_state.load(folder)
    except msgspec.MsgspecError:
        return [_unreadable(folder, log, store)]
    if state is None:
        return [_unreadable(folder, log, store)] if segments.listing(folder) else []
    return [*_behind(folder, state, log, store), *_torn(folder)]


def _unreadable(folder: Path, log: DeltaLog, store: Store) -> Damage:
    what = f"{folder.name}: spool.json is damaged or missing, so no worker can start on it"
    owners = {header.spool for file in segments.listing(folder) if (header := segments.read(file.path).header)}
    if len(owners) > 1 or (not owners and segments.listing(folder)):
        remedy = f"whose segments these are cannot be told; move {folder} away, and ask for help with what is in it"
        return Damage(what, "error", None, remedy)
    return Damage(what, "error", partial(_mend, folder, owners.pop() if owners else None, log, store), _HELD)


def _mend(folder: Path, owner: str | None, log: DeltaLog, store: Store) -> str:
    with spool_state.try_lock(folder) as is_free:
        if not is_free:
            return f"{folder.name} is in use; {_HELD}"
        if owner is None:
            (folder / "spool.json").rename(folder / "spool.json.damaged")
            return f"{folder.name} begins anew under another identity; nothing waited in it"
        spool_state.save(folder, _known(owner, folder, log, store))
        return f"{folder.name}: counters made anew from its segments, the store and the log"


def _known(owner: str, folder: Path, log: DeltaLog, store: Store) -> SpoolState:
    """What store and log know of a spool: up to the last segment that they have seen anything of."""
    with store.read() as tx:
        counted, rows = tx.spools.last(owner), tx.spools.rows(owner)
    known = {endpoint: each.predictions + each.quarantined for endpoint, each in rows.items()}
    upto = max(counted, _logged(owner, log))
    newer = [file for file in segments.listing(folder) if counted < file.sequence <= upto]
    for file in newer:
        known = Counter(known) + segments.read(file.path).rows
    return SpoolState(id=owner, sequence=upto, acknowledged={name: count for name, count in known.items() if count})


def _logged(owner: str, log: DeltaLog) -> int:
    tables = [(kind, endpoint) for kind in KINDS for endpoint in log.endpoints(kind)]
    return max((log.transaction_version(kind, endpoint, owner) for kind, endpoint in tables), default=0)


def _behind(folder: Path, state: SpoolState, log: DeltaLog, store: Store) -> Iterator[Damage]:
    """Numbers that were used already would be used again, and their rows be taken for ones that the log has."""
    present = spool_state.current(state, segments.listing(folder))
    known = _known(state.id, folder, log, store)
    if present.sequence < known.sequence:
        what = (
            f"{folder.name}: its last segment is {present.sequence}, but store and log have seen {known.sequence}; "
            "new rows would be taken for old ones and be lost"
        )
        yield Damage(what, "error", partial(_raise, folder, state, log, store), _HELD)


def _raise(folder: Path, state: SpoolState, log: DeltaLog, store: Store) -> str:
    with spool_state.try_lock(folder) as is_free:
        if not is_free:
            return f"{folder.name} is in use; {_HELD}"
        known = _known(state.id, folder, log, store)
        counts = {**known.acknowledged}
        for endpoint, count in state.acknowledged.items():
            counts[endpoint] = max(count, counts.get(endpoint, 0))
        spool_state.save(folder, msgspec.structs.replace(known, acknowledged=counts))
        return f"{folder.name} goes on behind segment {known.sequence}"


def _torn(folder: Path) -> Iterator[Damage]:
    with spool_state.try_lock(folder) as is_free:
        found = [file for file in segments.listing(folder) if not file.sealed] if is_free else []
    for file in found:
        tail = file.path.stat().st_size - segments.read(file.path).end
        if tail:
            what = f"{folder.name}: {tail} bytes at the end of {file.path.name} are half a record, never acknowledged"
            yield Damage(what, "warning", partial(_recover, folder))


def _recover(folder: Path) -> str:
    with spool_state.try_lock(folder) as is_free:
        if not is_free:
            return f"{folder.name} is in use by now, and mended by who uses it"
        spool_state.recover(folder)
        return f"{folder.name}: cut the torn tail, and sealed the segment"
