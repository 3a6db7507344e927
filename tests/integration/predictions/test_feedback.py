from typing import TYPE_CHECKING

import pytest
from tests.integration.predictions.conftest import decided, label, labels, rewarded, write
from tests.prediction_records import prediction

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home


def rows(home: "Home", kind: str) -> list[tuple[str, object]]:
    table = home.log.table(kind, "wine")  # type: ignore[arg-type]  # one of its kinds
    assert table is not None
    found = table.to_pyarrow_table().to_pylist()
    return sorted((row["prediction_id"], row.get("decision_text") or row.get("value")) for row in found)


@pytest.mark.parametrize("commit", [False, True])
def test_decisions_and_rewards_reach_their_tables_once(home: "Home", commit: bool) -> None:
    with home.spool() as spool:
        write(spool, decided("p1-0", True), rewarded("p1-0", {"revenue": 2.5, "click": 1.0}), prediction(1))
        spool.seal(force=True)
        home.collector().step(commit_all=commit)
        write(spool, decided("p1-0", False))
        spool.seal(force=True)
        for _ in range(3):
            home.collector().step(commit_all=True)
    assert rows(home, "decisions") == [("p1-0", "false"), ("p1-0", "true")]
    assert rows(home, "rewards") == [("p1-0", 1.0), ("p1-0", 2.5)]
    assert home.reader.label_stats("wine").labels == 0
    assert home.sums().holds


def test_feedback_is_no_request_and_no_row_of_the_sums(home: "Home") -> None:
    home.collect(prediction(1), labels(label("p1-0", True)), decided("p1-0", True), rewarded("p1-0", {"revenue": 1.0}))
    with home.store.read() as tx:
        totals = tx.spools.totals()["wine"]
    assert (totals.predictions, totals.labels, totals.failures, totals.quarantined) == (1, 1, 0, 0)
    assert (home.sums().acknowledged, home.sums().logged) == (1, 1)
