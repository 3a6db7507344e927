from datetime import UTC, datetime

import msgspec
import pytest

from interlock.domain.errors import NotFoundError
from interlock.domain.replay import Replay
from interlock.store import Store

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def replay(number: int, endpoint: str = "wine") -> Replay:
    return Replay(
        id=f"{endpoint}-replay-{number}", endpoint=endpoint, candidate="wine:2", champion="wine:1", state="running",
        created_at=WHEN, created_by="ann", heard_at=WHEN,
    )  # fmt: skip


def test_replays_are_kept_changed_and_listed_by_endpoint(store: Store) -> None:
    with store.transaction() as tx:
        for one in (replay(1), replay(2), replay(1, "tea")):
            tx.replays.add(one)
        tx.replays.change("wine-replay-1", lambda one: msgspec.structs.replace(one, done=7))
    with store.read() as tx:
        assert tx.replays.get("wine-replay-1").done == 7
        assert [one.id for one in tx.replays.list("wine")] == ["wine-replay-1", "wine-replay-2"]
        assert len(tx.replays.list()) == 3
        with pytest.raises(NotFoundError, match="wine-replay-9"):
            tx.replays.get("wine-replay-9")


def test_a_replay_of_which_nothing_was_heard_has_failed() -> None:
    one = replay(1)
    assert one.seen(WHEN.replace(second=59)) is one
    lost = one.seen(WHEN.replace(minute=9))
    assert (lost.state, lost.finished_at) == ("failed", WHEN)
    done = msgspec.structs.replace(one, state="done")
    assert done.seen(WHEN.replace(minute=9)) is done
