import pytest

from interlock.domain.errors import ConflictError
from interlock.store import Store
from interlock.store.spools import SegmentRows


def test_rows_are_cumulative_per_spool_and_endpoint(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.spools.last("gw0") == 0
        tx.spools.advance("gw0", 1, {"wine": SegmentRows(5, 1, 0, 0)})
        tx.spools.advance("gw0", 2, {"beer": SegmentRows(1)})
        tx.spools.advance("gw0", 4, {"wine": SegmentRows(2, 0, 3, 1)})
        tx.spools.advance("gw1", 1, {"wine": SegmentRows(100)})
    with store.read() as tx:
        assert tx.spools.last("gw0") == 4
        assert tx.spools.rows_upto("gw0", "wine", 3) == SegmentRows(5, 1, 0, 0)
        assert tx.spools.rows_upto("gw0", "wine", 4) == SegmentRows(7, 1, 3, 1)
        assert tx.spools.rows_upto("gw0", "wine", 0) == SegmentRows()
        assert tx.spools.totals() == {"wine": SegmentRows(107, 1, 3, 1), "beer": SegmentRows(1)}


@pytest.mark.parametrize("segment", [1, 2])
def test_a_segment_never_counts_twice(store: Store, segment: int) -> None:
    with store.transaction() as tx:
        tx.spools.advance("gw0", 2, {})
        with pytest.raises(ConflictError, match="counted already"):
            tx.spools.advance("gw0", segment, {})


def test_pruning_keeps_what_later_questions_need(store: Store) -> None:
    with store.transaction() as tx:
        for segment in range(1, 6):
            tx.spools.advance("gw0", segment, {"wine": SegmentRows(1)})
        tx.spools.prune("gw0", "wine", 3)
        assert tx.spools.rows_upto("gw0", "wine", 3) == SegmentRows(3)
        assert tx.spools.rows_upto("gw0", "wine", 5) == SegmentRows(5)
        assert tx.spools.rows_upto("gw0", "wine", 2) == SegmentRows()
        assert tx.spools.totals() == {"wine": SegmentRows(5)}


def test_rows_of_one_spool_are_told_by_endpoint(store: Store) -> None:
    with store.transaction() as tx:
        tx.spools.advance("a", 1, {"wine": SegmentRows(predictions=2)})
        tx.spools.advance("a", 2, {"wine": SegmentRows(predictions=3), "beer": SegmentRows(quarantined=1)})
        tx.spools.advance("b", 1, {"wine": SegmentRows(predictions=7)})
        assert tx.spools.rows("a") == {"wine": SegmentRows(predictions=5), "beer": SegmentRows(quarantined=1)}
        assert tx.spools.rows("c") == {}
