from collections import Counter
from pathlib import Path

import pytest

from interlock.domain.errors import BrokenRule, InvalidInputError, UnrecordedError
from interlock.gateway import rejections
from interlock.gateway.log_gauges import LogGauges
from interlock.gateway.metrics import Metrics
from interlock.gateway.rejections import Rejections
from interlock.predictions.records import RejectedRecord, decoder


class Notes:
    """A spool that keeps what it is given, unless its disk is full."""

    def __init__(self) -> None:
        self.records: list[RejectedRecord] = []
        self.bytes = 0
        self.is_full = False

    def append(self, record: bytes, *, rows: int, endpoint: str, to_be_synced: bool = False) -> None:
        if self.is_full:
            raise UnrecordedError("full")
        assert rows == 0
        found = decoder.decode(record)
        assert isinstance(found, RejectedRecord)
        self.records.append(found)
        self.bytes += len(record)

    def sync(self) -> None:
        raise AssertionError("nothing here waits for the disk")

    def count_unrecorded(self, endpoint: str, rows: int) -> None:
        raise AssertionError("what was refused was not answered")

    def counts(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for record in self.records:
            for one in record.counts:
                found[one.field, one.rule] += one.requests
        return found


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Metrics:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    return Metrics(tmp_path, LogGauges(tmp_path / "none", lambda: None))  # type: ignore[arg-type, return-value]  # no report, no clock


def broken(*rules: BrokenRule) -> InvalidInputError:
    return InvalidInputError("it is wrong", rules=rules)


def test_requests_are_counted_by_field_and_rule_and_all_together(notes: Notes, metrics: Metrics) -> None:
    found = Rejections(notes, metrics, samples=0)
    found.add("e", broken(BrokenRule("x", "value"), BrokenRule("y", "missing")), b"")
    found.add("e", broken(BrokenRule("x", "value")), b"")
    found.add("e", InvalidInputError("no JSON"), b"")
    found.write(now=True)
    found.write(now=True)
    assert len(notes.records) == 1
    assert notes.counts() == {("", ""): 3, ("x", "value"): 2, ("y", "missing"): 1, ("", "form"): 1}
    assert notes.records[0].samples == []


def test_records_come_no_oftener_than_every_two_seconds(notes: Notes, metrics: Metrics) -> None:
    found = Rejections(notes, metrics, samples=5)
    for _ in range(1000):
        found.add("e", broken(BrokenRule("x", "value")), b"x")
        found.write()
    assert len(notes.records) <= 1


def test_a_flood_of_anything_writes_a_bounded_number_of_bytes(notes: Notes, metrics: Metrics) -> None:
    found = Rejections(notes, metrics, samples=20)
    for number in range(20_000):
        # As bad as it gets: large bodies, and every time another hour and field.
        found.add("e", broken(BrokenRule(f"x{number}", "value")), b"b" * 100_000, number * rejections.HOUR_US)
    found.write(now=True)
    assert notes.bytes < 20 * 5000 + 200 * 300
    assert sum(notes.counts().values()) == 40_000
    assert notes.counts()["", "other"] > 19_000


def test_sample_is_fair_and_cut_off(notes: Notes, metrics: Metrics) -> None:
    found = Rejections(notes, metrics, samples=20)
    kept: Counter[bytes] = Counter()
    for _ in range(300):
        for number in range(60):
            found.add("e", broken(), b"%02d" % number + b"x" * 5000)
        found.write(now=True)
        samples = notes.records[-1].samples
        assert len({sample.slot for sample in samples}) == 20
        assert {len(sample.body) for sample in samples} == {4096}
        kept.update(sample.body[:2] for sample in samples)
        found._endpoints.clear()  # the next hour
    # A third of 300, and four standard deviations.
    assert all(100 - 33 <= kept[b"%02d" % number] <= 100 + 33 for number in range(60))


def test_full_disk_keeps_counts_for_later(notes: Notes, metrics: Metrics) -> None:
    found = Rejections(notes, metrics, samples=1)
    found.add("e", broken(BrokenRule("x", "value")), b"")
    notes.is_full = True
    found.write(now=True)
    notes.is_full = False
    found.add("e", broken(BrokenRule("x", "value")), b"")
    found.write(now=True)
    assert notes.counts()["x", "value"] == 2
