"""What docs/log.md says about reading the log without Interlock is run as it stands, with Interlock out of reach."""

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.predictions.conftest import label, labels, rewarded
from tests.prediction_records import START_US, prediction

from interlock.predictions.records import Label
from interlock.predictions.sql import query

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

DOCS = Path(__file__).parents[3] / "docs" / "log.md"

# Whoever imports it fails, wherever it is installed.
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "interlock":
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Absent())
"""


def blocks() -> dict[str, str]:
    """The page's blocks of Python that do not need Interlock, by the engine they show."""
    found = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    plain = [code for code in found if "import interlock" not in code]
    return dict(zip(("deltalake", "pandas", "polars", "duckdb"), plain, strict=True))


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + code], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(home: "Home", tmp_path: Path) -> Path:
    """A folder with a home called `.interlock`, and in its log an endpoint `flights`."""
    home.collect(
        *(prediction(number, endpoint="flights") for number in (1, 2)),
        prediction(3, endpoint="flights", version="m:2", inputs={"X": [7.0], "new": [1.0]}),
        labels(label("p1-0", False), label("p2-0", True), endpoint="flights"),
        labels(Label("p1-0", None, 0, True, START_US + 60), endpoint="flights"),
        labels(Label("p2-0", None, 0, False, START_US + 60, "human"), at_us=START_US + 9, endpoint="flights"),
    )
    (tmp_path / ".interlock").symlink_to(home.settings.home)
    return tmp_path


def test_interlock_is_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="interlock is not installed"):
        run("import interlock", tmp_path)


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("deltalake", ["m:1    2", "m:2    1"]),
        ("pandas", ["human      1", "natural    3"]),
        ("polars", ["p1-0", "p3-0", "null"]),
        ("duckdb", ["2013-04-03", "3"]),
    ],
)
def test_the_page_is_right_about_each_engine(folder: Path, engine: str, said: list[str]) -> None:
    shown = run(blocks()[engine], folder)
    for each in said:
        assert each in shown


def test_plain_polars_finds_the_labels_that_interlock_finds(home: "Home", folder: Path) -> None:
    show = 'print(joined.select("prediction_id", "label_text").sort("prediction_id").collect().rows())'
    rows = run(blocks()["polars"] + show, folder).splitlines()[-1]
    wanted = query(home.settings.log, "SELECT prediction_id, label_text FROM flights_joined ORDER BY 1")
    assert rows == str([tuple(row.values()) for row in wanted])
    assert rows == "[('p1-0', 'true'), ('p2-0', 'true'), ('p3-0', None)]"


def test_rewards_and_vectors_are_read_by_every_engine(home: "Home", tmp_path: Path) -> None:
    home.collect(prediction(1), rewarded("p1-0", {"revenue": 2.5}))
    code = """
        import polars as pl
        from deltalake import DeltaTable
        print(pl.scan_delta("log/rewards/wine").select("name", "value").collect().rows())
        print(pl.scan_delta("log/predictions/wine").collect()["output.probabilities"].to_list())
        print([each.tolist() for each in DeltaTable("log/predictions/wine").to_pandas()["output.probabilities"]])
    """
    shown = run("\n".join(line.strip() for line in code.splitlines()), home.settings.home)
    assert shown.splitlines() == ["[('revenue', 2.5)]", "[[0.25, 0.75]]", "[[0.25, 0.75]]"]
