"""What came of the units of a release, by the arm they were assigned to: one value a unit, as A/B tests compare them.

A unit belongs to the step at which it was first met and to the arm that it had there. What it got later at another
arm, or after all shares were raised, is left out: so arms are compared over the same time, and nobody counts twice.
Rows that were answered while a gateway had withdrawn an arm by itself are no part of the split, and left out too.

Values count at equal age: where the delay of a label or a reward depends on what it says, the early ones flatter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.release import Release, ReleasePlan
from interlock.stats import covariate_adjustment
from interlock.stats.covariate_adjustment import AdjustedStrata, ArmValues
from interlock.stats.mean_difference import Group, Stratum
from interlock.stats.sample_ratio import Counted

# Age at which a row counts: the delay that all but one in a hundred values keep.
_RIPE_QUANTILE = 0.99

# With a fixed age, what the collector may not have committed yet.
_GRACE_SECONDS = 90.0

_SAME = 1e-9
_LEAST_SHARE = 1e-5


@dataclass(frozen=True, slots=True)
class Values:
    """The value of each row: nan where it has none. `is_ripe`: whether the row is old enough to be looked at."""

    values: NDArray[np.float64]
    is_ripe: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Units:
    """Units, each in one arm of one step.

    Args:
        arms: Versions, the champion first.
        arm: Index of each unit's arm.
        step: Of its assignment.
        propensity: Of its assignment.
        is_ripe: Whether any of its rows is old enough.
        value: Mean of its rows' values; nan where none has one.
        inputs: Of each unit's first row, `input.<name>` as far as they were read: what was there before its arm acted.
    """

    arms: tuple[str, ...]
    arm: NDArray[np.int64]
    step: NDArray[np.int64]
    propensity: NDArray[np.float64]
    is_ripe: NDArray[np.bool_]
    value: NDArray[np.float64]
    inputs: pa.Table = field(default_factory=lambda: pa.table({}))

    @property
    def is_valued(self) -> NDArray[np.bool_]:
        return np.isfinite(self.value)

    def counts(self, which: NDArray[np.bool_]) -> list[Counted]:
        """Units by arm and step, of those that are asked for."""
        indices = range(len(self.arms))
        found = []
        for step in np.unique(self.step):
            mine = [(self.step == step) & (self.arm == index) for index in indices]
            shares = [float(self.propensity[here].min()) if here.any() else None for here in mine]
            found.append(Counted(tuple(int((here & which).sum()) for here in mine), _completed(shares)))
        return found

    def strata(self, version: str) -> list[Stratum]:
        """The values of the champion's units and a candidate's, by step."""
        index = self.arms.index(version)
        return [
            Stratum(self._group(self.step == step, 0), self._group(self.step == step, index))
            for step in np.unique(self.step[self.arm == index])
        ]

    def where(self, which: NDArray[np.bool_]) -> "Units":
        """Some of the units."""
        return Units(
            self.arms,
            self.arm[which],
            self.step[which],
            self.propensity[which],
            self.is_ripe[which],
            self.value[which],
            self.inputs.filter(pa.array(which)) if self.inputs.num_columns else self.inputs,
        )

    def adjusted_strata(self, version: str, covariate: str) -> AdjustedStrata:
        """The same as `strata`, less what an input of the first row says of the values."""
        index, numbers = self.arms.index(version), _numbers(self.inputs[f"input.{covariate}"])
        pairs = []
        for step in np.unique(self.step[self.arm == index]):
            sides = [self.is_valued & (self.step == step) & (self.arm == side) for side in (0, index)]
            champion, challenger = (ArmValues(self.value[here], numbers[here]) for here in sides)
            pairs.append((champion, challenger))
        return covariate_adjustment.adjust(pairs)

    def _group(self, here: NDArray[np.bool_], index: int) -> Group:
        values = self.value[here & (self.arm == index) & self.is_valued]
        if len(values) == 0:
            return Group(0, 0.0, 0.0, 0)
        variance = float(values.var(ddof=1)) if len(values) > 1 else 0.0
        commonest = int(np.unique(values, return_counts=True)[1].max())
        return Group(len(values), float(values.mean()), variance, len(values) - commonest)


def _completed(shares: Sequence[float | None]) -> tuple[float, ...]:
    """Shares by arm. One that was never met has what the others leave: nothing, if it had been withdrawn."""
    left = 1.0 - sum(share for share in shares if share is not None)
    each = left / max(1, sum(share is None for share in shares))
    return tuple(share if share is not None else each if each > _LEAST_SHARE else 0.0 for share in shares)


def reward_values(plan: ReleasePlan, rows: pa.Table, reward: str, now: datetime) -> Values:
    """The reward of each row."""
    values = _numbers(rows[f"reward.{reward}"])
    event, observed = _seconds(rows["event_at"]), _seconds(rows[f"rewarded_at.{reward}"])
    if plan.missing_reward is None:
        return Values(values, _ripe(event, observed))
    age = plan.reward_hours * 3600
    in_time = np.isfinite(values) & (observed - event <= age)
    return Values(np.where(in_time, values, plan.missing_reward), event <= now.timestamp() - age - _GRACE_SECONDS)


def labelled(rows: pa.Table, losses: NDArray[np.float64]) -> Values:
    """The loss of each row."""
    return Values(losses, _ripe(_seconds(rows["event_at"]), _seconds(rows["observed_at"])))


def nothing(release: Release) -> Units:
    """No units yet."""
    whole, number = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Units((release.champion, *release.candidates), whole, whole, number, whole.astype(np.bool_), number)


def by_unit(release: Release, rows: pa.Table, values: Values) -> Units:
    """One value a unit.

    Args:
        release: Whose.
        rows: As `LogReader.assigned` gives them.
        values: Of those rows.
    """
    arms = (release.champion, *release.candidates)
    arm = _arms(rows, arms)
    step = rows["step"].fill_null(-1).to_numpy().astype(np.int64)
    propensity = rows["propensity"].to_numpy().astype(np.float64)
    kept = np.flatnonzero((arm >= 0) & (step >= 0) & ~_is_diverted(arm, step, propensity))
    unit = codes(rows["unit"].take(pa.array(kept)))
    arm, step, propensity = arm[kept], step[kept], propensity[kept]
    first = np.unique(unit, return_index=True)[1]  # rows come by time
    stage = np.searchsorted(np.array(release.stages or (0,)), step, side="right")
    same = (arm == arm[first][unit]) & (stage == stage[first][unit])
    ripe = same & values.is_ripe[kept]
    valued = ripe & np.isfinite(values.values[kept])
    found = _means(unit, ripe, valued, values.values[kept])
    named = [name for name in rows.column_names if name.startswith("input.")]
    inputs = rows.select(named).take(pa.array(kept[first]))
    return Units(arms, arm[first], step[first], propensity[first], *found, inputs)


def _means(
    unit: NDArray[np.int64], ripe: NDArray[np.bool_], valued: NDArray[np.bool_], values: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    size = int(unit.max()) + 1 if len(unit) else 0
    is_ripe = np.bincount(unit[ripe], minlength=size) > 0
    rows = np.bincount(unit[valued], minlength=size)
    sums = np.bincount(unit[valued], weights=values[valued], minlength=size)
    return is_ripe, np.divide(sums, rows, out=np.full(size, np.nan), where=rows > 0)


def _arms(rows: pa.Table, arms: Sequence[str]) -> NDArray[np.int64]:
    """Index of each row's arm, -1 for a version that is none."""
    index = pc.index_in(rows["assigned_version"], pa.array(list(arms)))
    return np.asarray(index.fill_null(-1).to_numpy(), dtype=np.int64)


def _is_diverted(arm: NDArray[np.int64], step: NDArray[np.int64], propensity: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the champion got a row because a gateway had withdrawn an arm: at more than its share of the step."""
    diverted: NDArray[np.bool_] = np.zeros(len(arm), dtype=np.bool_)
    for number in np.unique(step):
        mine = (step == number) & (arm == 0)
        if mine.any():
            diverted |= mine & (propensity > propensity[mine].min() + _SAME)
    return diverted


def codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Each row's text as a number, from 0 in order of first appearance."""
    return np.asarray(column.combine_chunks().dictionary_encode().indices.to_numpy(), dtype=np.int64)


def _ripe(event: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows of the age by which nearly all values that come have come."""
    known = np.isfinite(observed)
    if not known.any():
        return np.zeros(len(event), dtype=np.bool_)
    delays = np.maximum(observed[known] - event[known], 0)
    latest = observed[known].max() - float(np.quantile(delays, _RIPE_QUANTILE))
    return np.asarray(event <= latest, dtype=np.bool_)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _seconds(times: pa.ChunkedArray) -> NDArray[np.float64]:
    """Seconds since 1970, nan for none."""
    micros = pc.cast(pc.cast(times, pa.timestamp("us", tz="UTC")), pa.int64())
    return _numbers(micros) / 1e6
