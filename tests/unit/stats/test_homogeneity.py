import numpy as np
import pytest

from interlock.stats.homogeneity import HomogeneityResult, analyze


def share_below(level: float, p_values: list[float]) -> float:
    return float(np.mean(np.array(p_values) <= level))


@pytest.mark.parametrize("rows", [50, 2_000])
@pytest.mark.parametrize("levels", [2, 30, 1_000])
def test_levels_keep_the_level_however_sparse(rows: int, levels: int) -> None:
    rng = np.random.default_rng(rows + levels)
    shares = 1 / np.arange(1, levels + 1)
    p_values = [
        analyze(*(rng.multinomial(size, shares / shares.sum()) for size in (1_000, rows)), ordered=False).p_value
        for _ in range(600)
    ]
    for level in (0.05, 0.01):
        assert share_below(level, p_values) <= level + 3 * (level / 600) ** 0.5


@pytest.mark.parametrize("rows", [50, 2_000])
def test_ordered_bins_with_missing_values_keep_the_level(rows: int) -> None:
    rng = np.random.default_rng(rows)
    p_values = []
    for _ in range(600):
        sides = [rng.multinomial(size, [0.1] * 10) for size in (1_000, rows)]
        gone = rng.binomial(1_000, 0.03), rng.binomial(rows, 0.03)
        p_values.append(analyze(sides[0], sides[1], ordered=True, missing=gone).p_value)
    assert share_below(0.01, p_values) <= 0.01 + 3 * (0.01 / 600) ** 0.5


TENTHS = np.full(10, 1_000)


@pytest.mark.parametrize(
    ("current", "missing", "finding"),
    [
        (np.linspace(130, 70, 10), (0, 0), "shift"),
        ([160, 120, 90, 70, 60, 60, 70, 90, 120, 160], (0, 0), "spread"),
        ([95] * 10, (0, 50), "missing"),
        ([95, 95, 95, 155, 95, 95, 95, 95, 95, 95], (0, 0), "level"),
    ],
)
def test_the_finding_names_what_changed(current: list[float], missing: tuple[int, int], finding: str) -> None:
    found = analyze(TENTHS, np.round(current), ordered=True, missing=missing)
    assert found.finding == finding
    assert found.p_value < 1e-4


def test_many_small_changes_are_seen_by_the_shape() -> None:
    current = np.full(40, 250) + np.tile([60, -60], 20)
    assert analyze(np.full(40, 2_500), current, ordered=False).finding == "shape"


def test_the_level_that_changed_is_named() -> None:
    assert analyze([500, 300, 200, 0], [50, 30, 20, 40], ordered=False).bin == 3


def test_a_side_without_rows_says_nothing() -> None:
    nothing = HomogeneityResult(p_value=1.0, finding="nothing", bin=0)
    assert analyze([0, 0], [3, 4], ordered=False) == nothing
    assert analyze([3, 4], [0, 0], ordered=True) == nothing
    assert analyze([], [], ordered=True, missing=(5, 5)).p_value == 1.0


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        analyze([1, 2], [1], ordered=False)
    with pytest.raises(ValueError, match="not negative"):
        analyze([1, -2], [1, 2], ordered=False)
