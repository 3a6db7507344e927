"""The whole test, with real models in a real gateway process; and that each way of behaving badly is found."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.integration.application_test.conftest import Bench

from interlock.application_test.launch import run_apart
from interlock.application_test.process_memory import _parents
from interlock.application_test.run import run
from interlock.domain.application_gates import ApplicationGates, judge, passes
from interlock.domain.application_tests import Findings
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry.application_tests import Job

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short(short: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(_children())
    short(monkeypatch)
    yield
    assert set(_children()) <= before, "a process of the test was left behind"


def _children() -> list[int]:
    return [child for child, parent in _parents().items() if parent == os.getpid()]


def outcomes(found: Findings, gates: ApplicationGates | None = None) -> dict[str, str]:
    return {result.gate: result.outcome for result in judge(gates or ApplicationGates(), found)}


@pytest.fixture(scope="module")
def forest(bench: Bench) -> Findings:
    pytest.importorskip("fairlearn")
    data = bench.file(bench.heldout.assign(region=np.where(np.arange(len(bench.heldout)) % 2, "north", "south")))
    job = bench.job(
        bench.registry.get("cancer:1"),
        data,
        champion=bench.registry.get("cancer:2"),
        label="benign",
        slices=("region",),
        protected=("region",),
    )
    return run_apart(job)


def test_a_sound_model_passes_every_gate(forest: Findings) -> None:
    results = judge(ApplicationGates(max_quality_loss=None), forest)
    assert passes(results), [result for result in results if result.outcome != "ok"]
    assert (forest.answering.rows, forest.answering.answered) == (285, 285)
    assert (forest.consistency.rows, forest.consistency.repeated) == (200, 0)
    assert forest.notes == ()


def test_its_quality_is_the_models_own(bench: Bench, forest: Findings) -> None:
    import skops.io

    path = next(bench.folder.glob("*.skops"))
    assert path.exists()
    accuracy = forest.quality["accuracy"]
    right = round(accuracy.value * 285)
    interval = stats.binomtest(right, 285).proportion_ci(method="wilson")
    assert (accuracy.lower, accuracy.upper) == pytest.approx((interval.low, interval.high))
    # The file was written over by the second model: the logistic one, here the champion.
    champion = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    inputs = bench.heldout.drop(columns="benign")
    own = float((champion.predict(inputs) == bench.heldout["benign"]).mean())
    assert forest.champion_quality["accuracy"].value == pytest.approx(own)


def test_it_is_compared_row_by_row_with_the_champion_and_with_knowing_nothing(forest: Findings) -> None:
    beside = forest.against_champion
    assert beside is not None
    assert (beside.other, beside.metric, beside.rows) == ("cancer:2", "brier", 285)
    assert beside.own == pytest.approx(forest.quality["brier"].value)
    assert beside.theirs == pytest.approx(forest.champion_quality["brier"].value)
    assert [one.other for one in forest.baselines] == ["the shares of the classes", "the most frequent class"]
    assert outcomes(forest)["gain over baseline"] == "ok"


def test_its_speed_and_memory_are_measured(forest: Findings) -> None:
    speed, memory = forest.speed, forest.memory
    assert speed is not None
    assert memory is not None
    assert speed.p50_ms is not None
    assert speed.p99_ms is not None
    assert 0 < speed.p50_ms <= speed.p99_ms < speed.deadline_ms
    assert speed.rows_per_second > 100
    assert memory.requests > 200
    assert memory.before_bytes > 20 * 1024**2


def test_every_odd_input_is_answered_or_refused(forest: Findings) -> None:
    tried = {(case.given, case.outcome) for case in forest.robustness}
    assert ("missing", "refused") in tried
    assert ("absent", "refused") in tried
    assert ("wrong type", "refused") in tried
    assert ("extreme high", "answered") in tried
    assert not [case for case in forest.robustness if case.outcome == "failed"]
    (case,) = [one for one in forest.robustness if one.given == "missing" and one.field == "mean_radius"]
    assert "mean_radius" in case.said


def test_groups_are_compared_by_loss_and_by_fairlearn(forest: Findings) -> None:
    kinds = {(group.kind, group.value): group for group in forest.groups}
    assert kinds.keys() == {(kind, value) for kind in ("slice", "protected") for value in ("north", "south")}
    for value in ("north", "south"):
        assert kinds["slice", value].metrics["accuracy"] == pytest.approx(kinds["protected", value].metrics["accuracy"])
    assert {gap.metric for gap in forest.gaps if gap.kind == "protected"} == {
        "accuracy", "selection_rate", "true_positive_rate", "false_positive_rate",
    }  # fmt: skip
    assert outcomes(forest, ApplicationGates(max_protected_gap=0.0))["selection_rate by region"] == "breach"


def numbers(bench: Bench, rows: int = 40) -> Path:
    return bench.file(pd.DataFrame({"x": np.linspace(0, 1, rows), "y": np.linspace(0, 2, rows)}), "numbers.csv")


def test_a_model_that_answers_at_random_is_inconsistent(bench: Bench) -> None:
    version = bench.of_code(
        "dice",
        """
        class Model:
            def predict(self, columns):
                return numpy.random.default_rng().random(len(columns["x"]))
        """,
    )
    found = run(bench.job(version, numbers(bench)))
    assert found.consistency.repeated > 30
    assert outcomes(found)["consistency"] == "breach"
    assert found.notes == ("there are no labels, so nothing is said of quality",)


def test_a_model_whose_batches_answer_otherwise_is_inconsistent(bench: Bench) -> None:
    version = bench.of_code(
        "batchy",
        """
        class Model:
            def predict(self, columns):
                x = numpy.nan_to_num(columns["x"])
                return x - x.mean()
        """,
    )
    found = run(bench.job(version, numbers(bench)))
    assert (found.consistency.repeated, found.consistency.permuted) == (0, 0)
    assert found.consistency.batched > 30
    assert outcomes(found)["consistency"] == "breach"


def test_a_model_that_keeps_what_it_is_given_grows(bench: Bench) -> None:
    version = bench.of_code(
        "leaky",
        """
        class Model:
            def __init__(self):
                self.kept = []
            def predict(self, columns):
                self.kept.append(numpy.ones(200_000))
                return numpy.nan_to_num(columns["x"])
        """,
    )
    found = run(bench.job(version, numbers(bench)))
    assert outcomes(found)["memory"] == "breach"


def test_a_model_that_breaks_on_a_missing_value_that_its_contract_allows(bench: Bench) -> None:
    version = bench.of_code(
        "fragile",
        """
        class Model:
            def predict(self, columns):
                if len(columns["x"]) == 1 and numpy.isnan(columns["x"]).any():
                    raise ValueError("no value, no answer")
                return numpy.nan_to_num(columns["x"])
        """,
    )
    found = run(bench.job(version, numbers(bench)))
    failed = {(case.field, case.given) for case in found.robustness if case.outcome == "failed"}
    assert ("x", "missing") in failed
    assert any("no value, no answer" in case.said for case in found.robustness)
    assert outcomes(found)["robustness"] == "breach"
    assert outcomes(found)["errors"] == "ok"


def test_a_model_whose_process_dies_of_a_missing_value(bench: Bench) -> None:
    version = bench.of_code(
        "mortal",
        """
        class Model:
            def predict(self, columns):
                if len(columns["x"]) == 1 and numpy.isnan(columns["x"]).any():
                    os._exit(3)
                return numpy.nan_to_num(columns["x"])
        """,
    )
    found = run(bench.job(version, numbers(bench)))
    outcome = {case.given: case.outcome for case in found.robustness if case.field == "x"}
    assert outcome["missing"] == "failed"
    assert outcome["extreme high"] == "answered"  # its next process answers


def test_a_model_that_misses_the_deadline_is_slow_and_failing(bench: Bench) -> None:
    version = bench.of_code(
        "slow",
        """
        class Model:
            def predict(self, columns):
                time.sleep(0.15 if columns["x"][0] > 0.5 else 0.02)
                return numpy.nan_to_num(columns["x"])
        """,
    )
    found = run(bench.job(version, numbers(bench, 12), deadline_ms=100.0))
    assert found.answering.failed > 0
    assert any("timeout" in reason for reason in found.answering.reasons)
    assert outcomes(found)["errors"] == "breach"
    assert outcomes(found, ApplicationGates(max_latency_ms=10))["latency"] == "breach"


def test_numbers_are_measured_in_their_own_unit(bench: Bench) -> None:
    version = bench.of_code(
        "double",
        """
        class Model:
            def predict(self, columns):
                return 2 * numpy.nan_to_num(columns["x"]) + 0.1
        """,
    )
    found = run(bench.job(version, numbers(bench), label="y"))
    assert found.quality["mae"].value == pytest.approx(0.1)
    (mean,) = found.baselines
    assert (mean.other, mean.gain.value > 0.5) == ("the mean", True)


def test_every_kind_of_input_is_asked_and_tried(bench: Bench) -> None:
    """Times, texts, truth values, whole numbers and vectors, as a Parquet file has them."""
    rows = pd.DataFrame(
        {
            "when": pd.date_range("2026-01-01", periods=40, freq="h", tz="UTC"),
            "name": ["ann", "bob"] * 20,
            "flag": [True, False] * 20,
            "count": np.arange(40),
            "vector": [[0.5, 1.5]] * 40,
            "y": np.arange(40) + 2.0,
        }
    )
    version = bench.of_code(
        "kinds",
        """
        class Model:
            def predict(self, columns):
                assert columns["when"].dtype.kind == "M"
                return columns["count"] + columns["vector"].sum(axis=1)
        """,
        rows.drop(columns="y"),
    )
    found = run(bench.job(version, bench.file(rows, "kinds_held.parquet"), label="y"))
    assert found.answering.answered == 40
    assert found.quality["mae"].value == pytest.approx(0.0)
    tried = {(case.field, case.given): case.outcome for case in found.robustness}
    assert {field for field, _ in tried} == {"", "when", "name", "flag", "count", "vector"}
    assert tried["name", "unseen"] == "answered"
    assert {tried[field, "wrong type"] for field in ("when", "name", "flag", "count", "vector")} == {"refused"}
    assert (tried["", "unknown column"], tried["", "a column twice"], tried["", "no rows"]) == ("refused",) * 3
    assert outcomes(found) == dict.fromkeys(outcomes(found), "ok")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"label": "truth"}, "label == 'truth', heldout.csv has no such column"),
        ({"slices": ("region",)}, "name the column of labels too"),
        ({"slices": ("planet",), "label": "benign"}, "slices == 'planet'"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_starts(bench: Bench, more: dict[str, Any], said: str) -> None:
    job = bench.job(bench.registry.get("cancer:1"), bench.file(bench.heldout), **more)
    with pytest.raises(InvalidInputError, match=said):
        run_apart(job)


def test_a_file_without_the_columns_of_the_version(bench: Bench) -> None:
    data = bench.file(pd.DataFrame({"x": [1.0]}), "other.csv")
    with pytest.raises(InvalidInputError, match=r"other\.csv lacks the column 'mean_radius'"):
        run(bench.job(bench.registry.get("cancer:1"), data))


def test_a_version_whose_artifact_is_gone_cannot_be_tested(bench: Bench, tmp_path: Path) -> None:
    job = bench.job(bench.registry.get("cancer:1"), bench.file(bench.heldout))
    with pytest.raises(UnloadableModelError):
        run(Job(**{**_fields(job), "artifacts": str(tmp_path)}))


def test_a_test_that_takes_too_long_is_ended(bench: Bench) -> None:
    job = bench.job(bench.registry.get("cancer:1"), bench.file(bench.heldout))
    with pytest.raises(UnloadableModelError, match=r"testing cancer:1 took longer than 0\.5 s"):
        run_apart(job, time_limit_seconds=0.5)


def _fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in job.__struct_fields__}
