from datetime import UTC, date, datetime
from pathlib import Path

from deltalake import DeltaTable
from tests.integration.predictions.tables import content, labels, predictions, scores

from interlock.predictions import retention
from interlock.predictions.delta_log import DeltaLog, Kind

NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)


def drop(log: DeltaLog, kind: Kind, days: int) -> int:
    return retention.drop(DeltaTable(log.path(kind, "wine")), kind, NOW, days)


def ids(log: DeltaLog, kind: Kind) -> list[str]:
    return [str(name) for name in content(log, kind)["prediction_id"].to_pylist()]


def test_days_before_the_last_full_ones_are_dropped_with_labels_and_scores(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    for number, day in enumerate((date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 10)), start=1):
        log.append("predictions", "wine", predictions([number], day), {"a": number})
        log.append("labels", "wine", labels([number], day), {"a": number})
        log.append("scores", "wine", scores([number], day), {"a": number})
    kinds: tuple[Kind, ...] = ("predictions", "labels", "scores")
    assert {kind: drop(log, kind, 7) for kind in kinds} == dict.fromkeys(kinds, 1)
    assert {kind: ids(log, kind) for kind in kinds} == {kind: ["p2", "p3"] for kind in kinds}
    assert {kind: drop(log, kind, 7) for kind in kinds} == dict.fromkeys(kinds, 0)
    assert {log.transaction_version(kind, "wine", "a") for kind in kinds} == {3}


def test_predictions_are_dropped_without_being_read(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    log.append("predictions", "wine", predictions(range(10)), {"a": 1})
    for file in log.files("predictions", "wine"):
        Path(file.removeprefix("file://")).unlink()
    assert drop(log, "predictions", 7) == 10
    assert log.files("predictions", "wine") == []


def test_nothing_is_written_when_nothing_is_old(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    log.append("labels", "wine", labels([1], date(2026, 3, 9)), {"a": 1})
    assert drop(log, "labels", 1) == 0
    assert log.version("labels", "wine") == 0
