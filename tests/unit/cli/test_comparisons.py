"""`interlock drift` and `interlock estimate` on files, as a user calls them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from interlock.cli.app import app

ROWS = 3000


def invoked(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """A reference, rows like it, and rows whose age has moved."""
    rng = np.random.default_rng(1)

    def write(name: str, mean: float) -> str:
        rows = pd.DataFrame({"age": rng.normal(mean, 10, ROWS), "city": rng.choice(["a", "b"], ROWS)})
        rows.to_parquet(tmp_path / name)
        return str(tmp_path / name)

    return write("reference.parquet", 40), write("same.parquet", 40), write("moved.parquet", 44)


def test_what_moved_is_named_and_what_did_not_is_not(files: tuple[str, str, str], tmp_path: Path) -> None:
    reference, same, moved = files
    code, shown = invoked("drift", reference, moved, "--json", "--html", str(tmp_path / "page.html"))
    columns = json.loads(shown)["columns"]
    assert (code, columns["age"]["drifted"], columns["city"]["drifted"]) == (0, True, False)
    assert "age" in (tmp_path / "page.html").read_text()
    assert invoked("drift", reference, moved, "--fail-on-drift")[0] == 1
    assert invoked("drift", reference, same, "--fail-on-drift")[0] == 0


def test_quality_is_estimated_from_scores_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    scores = rng.random(2 * ROWS)
    rows = pd.DataFrame({"p": scores, "y": (rng.random(2 * ROWS) < scores).astype(int)})
    rows[:ROWS].to_csv(tmp_path / "reference.csv", index=False)
    rows[ROWS:][["p"]].to_csv(tmp_path / "current.csv", index=False)
    files = (str(tmp_path / "reference.csv"), str(tmp_path / "current.csv"))
    code, shown = invoked("estimate", *files, "--label", "y", "--score", "p", "--metric", "accuracy", "--json")
    assert code == 0
    for chunk in json.loads(shown)["chunks"]:
        assert chunk["lower"] <= chunk["estimate"] <= chunk["upper"]
        assert chunk["estimate"] == pytest.approx(0.75, abs=0.06)


def test_a_file_is_checked_and_what_fails_is_told(files: tuple[str, str, str], tmp_path: Path) -> None:
    reference, same, _ = files
    code, shown = invoked("check-data", same, "--reference", reference, "--json")
    found = json.loads(shown)
    assert (code, found["passed"], found["rows"]) == (0, True, ROWS)
    code, shown = invoked("check-data", reference, "--reference", reference)
    assert code == 1
    assert f"{ROWS:,} rows are in the reference too" in shown
    code, _ = invoked("check-data", str(tmp_path / "gone.csv"))
    assert code != 0
