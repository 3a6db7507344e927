from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interlock.domain.verdict import Check
from interlock.monitoring.drift import DriftWindow, check_feature

ROWS, QUIET = 1000, 50
ALPHA = 0.01 / QUIET

Spread = Callable[..., list[dict[str, Any]]]
CutWindow = Callable[..., DriftWindow]


def check(window: DriftWindow, name: str = "x", alpha: float = ALPHA) -> Check:
    bins = next(bins for bins in window.reference.spec.features if bins.name == name)
    return check_feature(bins, window, alpha=alpha)


def numbers(rng: np.random.Generator, rows: int, **changed: Any) -> dict[str, Any]:
    return {f"quiet{number}": rng.standard_normal(rows) for number in range(QUIET)} | changed


def shifted(rng: np.random.Generator) -> Any:
    return rng.normal(0.25, 1, ROWS)


def spread_out(rng: np.random.Generator) -> Any:
    return rng.normal(0, np.sqrt(1.5), ROWS)


def partly_missing(rng: np.random.Generator) -> Any:
    return np.where(rng.random(ROWS) < 0.05, np.nan, rng.standard_normal(ROWS))


@pytest.mark.parametrize(
    ("change", "said"), [(shifted, "mean"), (spread_out, "standard deviation"), (partly_missing, "missing values")]
)
def test_a_change_is_found_among_fifty_quiet_features(
    change: Callable[[np.random.Generator], Any], said: str, cut_window: CutWindow, spread: Spread
) -> None:
    rng = np.random.default_rng(7)
    found, runs = 0, 5
    quiet: Counter[str] = Counter()
    for _ in range(runs):
        reference = numbers(rng, 5000, x=rng.standard_normal(5000))
        window = cut_window(
            reference, spread(numbers(rng, ROWS, x=change(rng)), rng), dict.fromkeys(reference, "numeric")
        )
        verdict = check(window)
        found += verdict.outcome == "breach" and said in verdict.details["reason"]
        quiet.update(check(window, f"quiet{number}").outcome for number in range(QUIET))
    assert found >= 4
    assert quiet["breach"] == 0
    # Without days before, a column in a hundred looks as if its rows moved together, and is not judged.
    assert quiet["ok"] >= 0.97 * runs * QUIET


def test_categories_never_seen_are_drift(cut_window: CutWindow, spread: Spread) -> None:
    rng = np.random.default_rng(3)
    reference = {"x": rng.choice(["a", "b"], 5000)}
    window = cut_window(
        reference, spread({"x": rng.choice(["a", "b", "c"], ROWS, p=[0.47, 0.47, 0.06])}, rng), {"x": "categorical"}
    )
    verdict = check(window)
    assert verdict.outcome == "breach"
    assert "categories that the reference lacks" in verdict.details["reason"]
    assert verdict.details["unseen"]["current"] == pytest.approx(0.06, abs=0.02)


def test_a_sure_but_trifling_difference_in_a_large_window_is_no_drift(cut_window: CutWindow, spread: Spread) -> None:
    rng = np.random.default_rng(4)
    reference = {"x": rng.standard_normal(100_000)}
    window = cut_window(reference, spread({"x": rng.normal(0.05, 1, 100_000)}, rng), {"x": "numeric"})
    verdict = check(window)
    assert verdict.details["p_value"] < 1e-6
    assert verdict.outcome == "ok"


def test_a_small_window_without_drift_is_ok_although_its_distance_is_large(
    cut_window: CutWindow, spread: Spread
) -> None:
    rng = np.random.default_rng(6)
    reference = {"x": rng.standard_normal(5000)}
    outcomes = [
        check(cut_window(reference, spread({"x": rng.standard_normal(60)}, rng), {"x": "numeric"})) for _ in range(40)
    ]
    assert [verdict.outcome for verdict in outcomes] == ["ok"] * 40
    assert max(verdict.value or 0 for verdict in outcomes) > 0.1


@pytest.mark.parametrize("rows", [0, 49])
def test_few_rows_are_no_data_with_their_number(rows: int, cut_window: CutWindow, spread: Spread) -> None:
    rng = np.random.default_rng(8)
    window = cut_window(
        {"x": rng.standard_normal(500)}, spread({"x": rng.standard_normal(rows)}, rng), {"x": "numeric"}
    )
    verdict = check(window)
    assert (verdict.outcome, verdict.value, verdict.rows) == ("no_data", None, rows)
    assert verdict.details["reason"].startswith(f"{rows} rows")


def weekdays(days: int) -> list[dict[str, Any]]:
    return [{"x": np.full(40, float(hour // 24 % 7))} for hour in range(24 * days)]


def test_a_weekday_is_not_judged_in_the_first_days_and_is_ok_after(cut_window: CutWindow) -> None:
    reference = {"x": np.repeat(np.arange(7.0), 500)}
    first = check(cut_window(reference, weekdays(2), {"x": "numeric"}))
    assert (first.outcome, first.value and first.value > 0.5) == ("no_data", True)
    assert "earlier windows" in first.details["reason"]
    later = check(cut_window(reference, weekdays(20), {"x": "numeric"}))
    assert later.outcome == "ok"
    assert later.details["independence_measured_on"] == "windows before"


def test_a_value_that_gets_stuck_is_drift_once_days_before_are_known(cut_window: CutWindow, spread: Spread) -> None:
    rng = np.random.default_rng(9)
    before = [hour for _ in range(20) for hour in spread({"x": rng.integers(0, 7, 500).astype(float)}, rng)]
    stuck = [{"x": np.full(20, 3.0)} for _ in range(24)]
    reference = {"x": np.repeat(np.arange(7.0), 500)}
    assert check(cut_window(reference, before + stuck, {"x": "numeric"})).outcome == "breach"


def test_all_rows_in_an_hour_beyond_the_reference_are_drift_at_once(cut_window: CutWindow) -> None:
    rng = np.random.default_rng(10)
    window = cut_window({"x": rng.standard_normal(2000)}, [{"x": rng.normal(5, 1, 300)}], {"x": "numeric"})
    verdict = check(window)
    assert verdict.outcome == "breach"
    assert (verdict.value or 0) > 0.7
    assert "mean went from" in verdict.details["reason"]


def summer(rng: np.random.Generator, mean: float) -> list[dict[str, Any]]:
    """A month of hours in which the weather wanders slowly around a mean, so that few parts are independent."""
    wander = np.cumsum(rng.normal(0, 0.03, 24 * 30))
    wander -= wander.mean()
    return [{"x": rng.normal(mean + each, 1.0, 12)} for each in wander]


def test_a_month_far_from_the_reference_in_every_part_is_drift_also_without_a_past(cut_window: CutWindow) -> None:
    rng = np.random.default_rng(11)
    reference = {"x": rng.standard_normal(5000)}
    for _ in range(5):
        assert check(cut_window(reference, summer(rng, 4.0), {"x": "numeric"}, 24 * 30)).outcome == "breach"


def test_a_month_that_wanders_around_the_reference_is_no_drift(cut_window: CutWindow) -> None:
    rng = np.random.default_rng(12)
    reference = {"x": rng.standard_normal(5000)}
    for _ in range(5):
        assert check(cut_window(reference, summer(rng, 0.0), {"x": "numeric"}, 24 * 30)).outcome != "breach"
