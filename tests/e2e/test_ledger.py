"""What was said of predictions, by the command line and the client, from files and by hand, on a running server."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def cellar(product: Product) -> str:
    """An endpoint whose cases are known by their unit."""
    product.json("endpoint", "create", "cellar", "--model", "wine:1", "--label-key", "unit")
    assert product.json("endpoint", "show", "cellar")["label_key"] == "unit"
    return "cellar"


def labelled(product: Product, endpoint: str, file: Path, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = product.json("label", endpoint, str(file), *options)
    return found


def outcome(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["matched"], found["unmatched"], found["ambiguous"], found["accepted"]


def test_labels_from_a_file_by_prediction_id_are_matched_and_counted(
    product: Product, wine: Wine, tmp_path: Path
) -> None:
    ids = product.client().predict("wine", wine.heldout.head(3)).ids
    truth = wine.truth.head(3).tolist()
    csv = pd.DataFrame({"prediction_id": [*ids, "unheard-of"], "label": [*truth, 1]})
    csv.to_csv(tmp_path / "l.csv", index=False)
    found = labelled(product, "wine", tmp_path / "l.csv", "--source", "batch")
    assert outcome(found) == (3, 1, 0, 4)
    assert (found["unmatched_rows"], found["rejected"]) == ([3], [])
    rows = (
        product.client().log("wine", columns=["prediction_id", "label_text", "label_source"], joined=True).to_polars()
    )
    told = {row[0]: row[1:] for row in rows.rows() if row[0] in ids}
    assert told == {name: (str(label), "batch") for name, label in zip(ids, truth, strict=True)}
    account = product.json("log", "labels", "wine")
    assert (account["labels"]["unmatched"], account["labels"]["sources"]["batch"]) == (1, 4)
    assert sum(day["labelled"] for day in account["days"]) >= 3


def test_labels_by_a_key_that_a_rule_hashed_later_find_the_latest_prediction(
    product: Product, wine: Wine, tmp_path: Path
) -> None:
    product.json("endpoint", "create", "cave", "--model", "wine:1", "--label-key", "alcohol")
    client = product.client()
    row = wine.heldout.head(1)
    before = client.predict("cave", row).ids
    product.json("endpoint", "change", "cave", "--privacy", "alcohol=hash")
    after = client.predict("cave", row).ids
    at = datetime.now(UTC) + HOUR
    pd.DataFrame({"alcohol": row["alcohol"], "label": [1], "at": [at]}).to_csv(tmp_path / "l.csv", index=False)
    asked = ("--on", "alcohol", "--time-column", "at")
    assert outcome(labelled(product, "cave", tmp_path / "l.csv", *asked)) == (1, 0, 0, 1)
    asked_of = [product.json("log", "labels", "cave", "--prediction", name) for name in (*before, *after)]
    assert [len(each["history"]) for each in asked_of] == [0, 1]
    refused = product.cli("endpoint", "change", "cave", "--privacy", "alcohol=drop")
    assert refused.returncode == 2
    assert "a privacy rule keeps the values of input.alcohol out of the log" in refused.stderr


def test_a_key_that_a_rule_dropped_matches_nothing_and_says_why(product: Product, wine: Wine, tmp_path: Path) -> None:
    product.json("endpoint", "create", "vault", "--model", "wine:1", "--privacy", "alcohol=drop")
    row = wine.heldout.head(1)
    product.client().predict("vault", row)
    pd.DataFrame({"alcohol": row["alcohol"], "label": [1]}).to_csv(tmp_path / "l.csv", index=False)
    refused = product.cli("label", "vault", str(tmp_path / "l.csv"), "--on", "alcohol")
    assert refused.returncode == 2
    assert "rows cannot be matched by it; name predictions by id" in " ".join(refused.stderr.split())


def test_a_request_of_one_row_needs_no_row_number(product: Product, wine: Wine, tmp_path: Path) -> None:
    product.client().predict("wine", wine.heldout.head(1), request_id="order-of-one")
    pd.DataFrame({"request_id": ["order-of-one"], "label": [1]}).to_csv(tmp_path / "l.csv", index=False)
    assert outcome(labelled(product, "wine", tmp_path / "l.csv")) == (1, 0, 0, 1)


def test_labels_by_request_id_from_parquet_and_what_is_wrong_is_named(
    product: Product, wine: Wine, tmp_path: Path
) -> None:
    client = product.client()
    client.predict("wine", wine.heldout.head(2), request_id="order-1")
    client.predict("wine", wine.heldout.head(1), request_id="order-2")
    client.predict("wine", wine.heldout.head(1), request_id="order-2")
    rows = pd.DataFrame(
        {
            "request_id": ["order-1", "order-1", "order-2", "order-9", "order-1"],
            "request_row": [0, 1, 0, 0, 0],
            "label": [0, 1, 2, 0, 7],
            "seen": pd.to_datetime(["2026-03-01 10:00"] * 5),
        }
    )
    rows.to_parquet(tmp_path / "l.parquet")
    done = product.cli("label", "wine", str(tmp_path / "l.parquet"), "--time-column", "seen", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert outcome(found) == (3, 1, 1, 4)
    assert found["rejected"] == [{"index": 4, "error": "label == 7, must be one of 0, 1, 2"}]
    shown = product.cli("label", "wine", str(tmp_path / "l.parquet"), "--time-column", "seen")
    assert shown.stdout.startswith("3 matched, 1 unmatched, 1 ambiguous\n4 accepted, 1 rejected\n")
    assert "ambiguous (they count for every prediction they name): rows 3" in shown.stderr
    assert "row 5: label == 7" in shown.stderr


def test_labels_by_a_business_key_mean_the_latest_prediction_before_the_event(
    product: Product, wine: Wine, cellar: str, tmp_path: Path
) -> None:
    client = product.client()

    def predict(key: str, hour: int) -> str:
        return client.predict(cellar, wine.heldout.head(1), key=key, event_at=START + hour * HOUR).ids[0]

    first, second, _ = predict("barrel-1", 0), predict("barrel-1", 10), predict("barrel-2", 5)
    (tmp_path / "l.csv").write_text(
        "barrel,label,tasted\n"
        "barrel-1,0,2026-03-01T09:00:00Z\n"
        "barrel-1,1,2026-03-01 11:00:00\n"
        "barrel-2,2,2026-03-01T04:00:00Z\n"
        "barrel-7,2,2026-03-01T04:00:00Z\n"
    )
    found = labelled(product, cellar, tmp_path / "l.csv", "--on", "barrel", "--time-column", "tasted")
    assert outcome(found) == (2, 2, 0, 2)
    assert found["unmatched_rows"] == [2, 3]
    said = product.client().log(cellar, columns=["prediction_id", "label_text", "observed_at"], joined=True).to_arrow()
    told = {row["prediction_id"]: (row["label_text"], row["observed_at"]) for row in said.to_pylist()}
    assert told[first] == ("0", START + 9 * HOUR)
    assert told[second] == ("1", START + 11 * HOUR)
    # Without times the key must mean one prediction.
    (tmp_path / "k.csv").write_text("barrel,label\nbarrel-1,0\nbarrel-2,2\n")
    assert outcome(labelled(product, cellar, tmp_path / "k.csv", "--on", "barrel")) == (1, 0, 1, 1)
    refused = product.cli("label", "wine", str(tmp_path / "k.csv"), "--on", "barrel")
    assert refused.returncode == 2
    assert "has no input 'barrel' to match by; there is: unit, alcohol" in refused.stderr


def test_decisions_and_rewards_from_files_and_by_the_client(product: Product, wine: Wine, tmp_path: Path) -> None:
    client = product.client()
    name = client.predict("wine", wine.heldout.head(1)).ids[0]
    (tmp_path / "d.csv").write_text(f"prediction_id,decision\n{name},2\n")
    (tmp_path / "r.csv").write_text(f"prediction_id,value,weight\n{name},12.5,2\n")
    assert outcome(labelled(product, "wine", tmp_path / "d.csv", "--decisions")) == (1, 0, 0, 1)
    assert outcome(labelled(product, "wine", tmp_path / "r.csv", "--reward", "revenue")) == (1, 0, 0, 1)
    again = client.tell_file("wine", tmp_path / "r.csv", "rewards", reward="revenue", source="batch")
    assert (again.matched, again.accepted) == (1, 1)
    client.reward("wine", [{"prediction_id": name, "name": "returned", "value": 0}])
    client.decide("wine", [{"prediction_id": name, "decision": 1, "source": "night shift"}])
    client.label("wine", {name: 1})
    columns = 'label_text, decision_text, decision_source, "reward.revenue", "reward.returned"'
    (row,) = client.sql(f"SELECT {columns} FROM wine_joined WHERE prediction_id = '{name}'")
    assert list(row.values()) == ["1", "1", "night shift", 12.5, 0.0]
    history = product.json("log", "labels", "wine", "--prediction", name)["history"]
    assert {each["kind"] for each in history} == {"labels", "decisions", "rewards"}
    assert [each["value"] for each in history if each["kind"] == "decisions" and each["counts"]] == [1]


def test_doctor_tells_of_labels(product: Product) -> None:
    checks = {each["check"]: each for each in product.json("doctor")["checks"]}
    assert checks["labels"]["outcome"] == "warning"
    assert "name a request id that several predictions have: 2 labels of wine" in checks["labels"]["detail"]


def test_a_key_that_may_only_score_can_send_a_file(product: Product, wine: Wine, tmp_path: Path) -> None:
    key = product.json("key", "create", "--role", "scorer", "--name", "till")["key"]
    name = product.client(key).predict("wine", wine.heldout.head(1)).ids[0]
    (tmp_path / "l.csv").write_text(f"prediction_id,label\n{name},1\n")
    done = product.cli("label", "wine", str(tmp_path / "l.csv"), key=key)
    assert (done.returncode, done.stdout) == (0, "1 matched, 0 unmatched, 0 ambiguous\n1 accepted, 0 rejected\n")
    assert product.cli("log", "labels", "wine", key=key).returncode == 2
