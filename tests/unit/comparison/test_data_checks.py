"""Files with one fault each, and files without."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import cohen_kappa_score

from interlock.comparison.check_result import DataCheck, DataChecks
from interlock.comparison.data_checks import check
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError

ROWS = 2000


def good(seed: int = 1, rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    late = rng.random(rows) < 0.3
    return pd.DataFrame(
        {
            "distance": rng.exponential(800, rows),
            "carrier": rng.choice(["AA", "UA", "DL"], rows),
            "is_weekend": rng.random(rows) < 0.3,
            "late": np.where(late, "yes", "no"),
        }
    )


def wrong(found: DataChecks) -> list[tuple[str, str | None]]:
    return [(each.name, each.column) for each in found.checks if each.outcome == "breach"]


def named(found: DataChecks, name: str, column: str | None = None) -> DataCheck:
    (one,) = [each for each in found.checks if each.name == name and (column is None or each.column == column)]
    return one


def test_files_without_fault_pass_every_check() -> None:
    found = check(good(1), good(2), labels=["late"], tolerance=0.02)
    assert wrong(found) == []
    assert found.passed
    assert {each.outcome for each in found.checks} == {"ok"}
    named_so = "schema missing constant range categories duplicates shared_rows missing_labels leakage"
    assert {each.name for each in found.checks} == set(named_so.split())


def test_missing_values_are_told_by_the_reference_or_by_half() -> None:
    rows = good()
    rows.loc[: ROWS // 10 - 1, "distance"] = np.nan
    rows.loc[: ROWS // 5 - 1, "carrier"] = None
    assert missing(check(rows)) == []
    assert missing(check(rows, good(2))) == [("missing", "distance"), ("missing", "carrier")]
    assert named(check(rows), "missing", "distance").value == pytest.approx(0.1)
    rows["distance"] = rows["distance"].where(rows.index > ROWS * 0.6)
    assert missing(check(rows)) == [("missing", "distance")]


def missing(found: DataChecks) -> list[tuple[str, str | None]]:
    return [each for each in wrong(found) if each[0] == "missing"]


def test_constant_and_empty_columns() -> None:
    rows = good().assign(always="x", never=pd.Series([None] * ROWS, dtype=object), same=7)
    found = check(rows)
    assert [each for each in wrong(found) if each[0] == "constant"] == [("constant", "always"), ("constant", "same")]
    assert named(found, "constant", "never").outcome == "no_data"


def test_columns_that_are_not_those_of_the_reference() -> None:
    found = named(check(good().drop(columns="carrier").assign(extra=1.5, distance="far"), good(2)), "schema")
    assert (found.outcome, found.value) == ("breach", 3)
    assert found.reason == "lacks carrier; has besides extra; has as something else distance (text, not number)"
    assert named(check(good().astype({"distance": "float32"}), good(2)), "schema").outcome == "ok"


def test_values_out_of_range_and_categories_never_seen() -> None:
    rows = good()
    rows.loc[:99, "distance"] = -5.0
    rows.loc[:99, "carrier"] = "ZZ"
    found = check(rows, good(2))
    assert {("range", "distance"), ("categories", "carrier")} <= set(wrong(found))
    assert named(found, "range", "distance").value == pytest.approx(0.05, abs=0.002)
    assert "never seen: ZZ" in named(found, "categories", "carrier").reason


def test_a_contract_says_what_columns_must_be_and_what_is_declared_is_a_rule() -> None:
    contract = Contract(
        inputs=(
            Field(name="distance", datatype="FP64", minimum=0.0, maximum=5000.0, declared=True),
            Field(name="carrier", datatype="BYTES", categories=("AA", "UA", "DL")),
            Field(name="gate", datatype="INT64"),
        ),
        outputs=(),
    )
    rows = good()
    rows["distance"] = rows["distance"].clip(upper=5000)
    found = check(rows, contract=contract)
    assert wrong(found) == [("schema", None)]
    assert named(found, "schema").reason == "lacks gate; has besides is_weekend, late"
    rows.loc[0, "distance"] = 5000.5
    assert ("range", "distance") in wrong(check(rows, contract=contract)), "one row in two thousand"


def test_rows_that_come_twice_and_rows_that_two_files_share() -> None:
    rows = good()
    twice = pd.concat([rows, rows.head(100)])
    assert named(check(twice), "duplicates").value == pytest.approx(100 / 2100)
    assert ("duplicates", None) in wrong(check(twice))
    leaked = pd.concat([good(3), rows.head(150)])
    # Whole numbers in one file and broken ones in the other are the same numbers.
    found = check(leaked.assign(n=1), rows.assign(n=1.0))
    assert named(found, "shared_rows").value == pytest.approx(150 / 2150)
    assert ("shared_rows", None) in wrong(found)
    assert named(check(rows[["late"]], good(2)[["distance"]]), "shared_rows").outcome == "no_data"


def test_a_column_that_is_the_label_by_another_name_gives_it_away() -> None:
    rows = good()
    rows["delay_group"] = np.where(rows["late"] == "yes", 2, 1)
    rows["id"] = np.arange(ROWS)
    found = check(rows, labels=["late"])
    assert [each for each in wrong(found) if each[0] == "leakage"] == [("leakage", "delay_group")]
    assert [each.column for each in found.checks if each.name == "leakage"] == ["carrier", "is_weekend", "delay_group"]


def test_missing_labels_are_named() -> None:
    rows = good()
    rows.loc[:4, "late"] = None
    assert named(check(rows, labels=["late"]), "missing_labels").reason == "5 of 2,000 rows have no late"


@pytest.mark.parametrize(("noise", "outcome"), [(0.02, "ok"), (0.7, "breach")])
def test_several_columns_of_labels_agree_or_do_not(noise: float, outcome: str) -> None:
    rng = np.random.default_rng(4)
    rows = good()
    rows["other"] = np.where(rng.random(ROWS) < noise, rng.choice(["yes", "no"], ROWS), rows["late"])
    rows.loc[: ROWS // 2, "other"] = None
    found = named(check(rows, labels=["late", "other"]), "agreement")
    assert found.outcome == outcome
    both = rows.dropna(subset="other")
    assert f"late and other {cohen_kappa_score(both['late'], both['other']):.3f}" in found.reason


def test_labels_that_are_likely_wrong_are_found_by_confident_learning() -> None:
    pytest.importorskip("cleanlab")
    rng = np.random.default_rng(5)
    truth = rng.random(ROWS) < 0.4
    sure = np.where(truth, 0.95, 0.05)
    rows = pd.DataFrame(
        {"label": np.where(truth, "late", "ok"), "p_late": sure, "p_ok": 1 - sure, "x": rng.random(ROWS)}
    )
    asked: dict[str, Any] = {"labels": ["label"], "probabilities": {"late": "p_late", "ok": "p_ok"}}
    assert named(check(rows, **asked), "label_errors").value == 0
    flipped = rng.choice(ROWS, 60, replace=False)
    rows.loc[flipped, "label"] = np.where(truth[flipped], "ok", "late")
    found = named(check(rows, **asked), "label_errors")
    assert found.outcome == "breach"
    assert found.value == pytest.approx(0.03, abs=0.002)
    first = {int(word) - 1 for word in found.reason.split("of rows ")[1].split(", ")}
    assert first <= set(flipped.tolist())
    with pytest.raises(InvalidInputError, match="no usable row has the label never"):
        check(rows, labels=["label"], probabilities={"late": "p_late", "never": "p_ok"})


def test_files_of_every_form_are_read(tmp_path: Path) -> None:
    good().to_csv(tmp_path / "a.csv", index=False)
    good(2).to_parquet(tmp_path / "b.parquet")
    assert check(tmp_path / "a.csv", tmp_path / "b.parquet", labels=["late"], tolerance=0.02).passed
    nested = pa.table({"x": [1.0, 2.0], "tags": [["a"], ["b"]]})
    pq.write_table(nested, tmp_path / "n.parquet")
    assert check(tmp_path / "n.parquet").skipped == {"tags": "nested"}


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="the file has no column 'gone'"):
        check(good(), labels=["gone"])
    with pytest.raises(InvalidInputError, match="no such file"):
        check(tmp_path / "gone.csv")
    with pytest.raises(InvalidInputError, match="tolerance"):
        check(good(), tolerance=1.5)
    with pytest.raises(InvalidInputError, match="need a label"):
        check(good(), probabilities={"a": "distance"})


@pytest.mark.slow
def test_a_file_larger_than_the_memory_it_may_use_is_checked(tmp_path: Path) -> None:
    """20 million rows: their values have 640 MB, and the process may have little more than it began with."""
    import resource

    rng = np.random.default_rng(6)
    schema = pa.schema([(name, pa.float64()) for name in "abcd"])
    with pq.ParquetWriter(tmp_path / "big.parquet", schema) as writer:
        for _ in range(20):
            columns = [rng.random(1_000_000) for _ in schema]
            writer.write_table(pa.table(columns, schema=schema))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = check(tmp_path / "big.parquet")
    assert found.passed
    assert (found.rows, named(found, "duplicates").value) == (20_000_000, 0)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024**2 < 1.1, "GB"
