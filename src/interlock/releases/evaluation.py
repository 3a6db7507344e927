"""Off-policy evaluation: what another split of the traffic would have earned, from what was logged.

Called by `evaluation_job`, in a process of its own. It reads the log and decides nothing. It refuses what no log can
answer: a version that was never assigned by chance, to anyone or to a segment.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.policy import TargetPolicy
from interlock.predictions.answer_losses import class_indices
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import text
from interlock.releases.logged_rewards import QUALITY, Asked, LoggedRewards, read
from interlock.releases.policy_rows import check_logged, segments_of, shares_of, supported
from interlock.releases.reward_features import features
from interlock.releases.wording import percent
from interlock.stats import off_policy, reward_model
from interlock.stats.off_policy import Estimate, OffPolicyResult
from interlock.store import Store

_MEMORY = "512MB"

# Coverage by version may differ by chance by so many standard errors, and by so much without a meaning.
_DEVIATIONS, _SMALL_DIFFERENCE = 4.0, 0.02

INTERVAL = "asymptotic confidence sequence over units"


class Bounded(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate of the mean reward a row. `lower` and `upper` are None where nothing bounds it."""

    estimator: str
    value: float | None
    lower: float | None
    upper: float | None


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """What was logged of one version: rows that chance gave it, of how many the reward is known, and its mean."""

    version: str
    rows: int
    reward_coverage: float
    mean_reward: float | None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy would have earned.

    Args:
        estimates: `ips`, `snips` and `dr`, and `logged`: what was earned on the same rows as they were assigned.
        rows, units: That went in.
        not_randomised: Rows of the time that chance did not assign.
        unsupported: Rows of releases that lacked a version of the policy.
        without_reward: Rows of which no reward is known.
        effective_units, largest_share, mean_weight: As of `stats.off_policy`.
        trusted: Whether nothing speaks against the estimates; `doubts` says what does.
    """

    endpoint: str
    reward: str
    alpha: float
    interval: str
    estimates: tuple[Bounded, ...]
    arms: tuple[Arm, ...]
    rows: int
    units: int
    not_randomised: int
    unsupported: int
    without_reward: int
    effective_units: float
    largest_share: float
    mean_weight: float
    trusted: bool
    doubts: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What is asked.

    Args:
        since, until: Range of `event_at`, the end excluded.
        reward: As of `logged_rewards.Asked`.
        alpha: Of each interval.
    """

    endpoint: str
    policy: TargetPolicy
    since: datetime | None = None
    until: datetime | None = None
    reward: str | None = None
    alpha: float = 0.05


class Evaluations:
    """Evaluates policies on the log of any endpoint.

    Args:
        store: Contracts.
        log: Root of the log.
    """

    def __init__(self, store: Store, log: Path) -> None:
        self._store, self._log = store, log

    def evaluate(self, asked: Question) -> Evaluation:
        """Estimate what the policy would have earned.

        Raises:
            NotFoundError: No such endpoint.
            InvalidInputError: The log cannot answer this, and why.
            ConflictError: No row was assigned by chance.
        """
        if not 0 < asked.alpha < 1:
            raise InvalidInputError(f"alpha == {asked.alpha:g}, must be between 0 and 1, both excluded")
        with self._store.read() as tx:
            tx.endpoints.get(asked.endpoint)
            contract = tx.models.get(tx.plans.current(asked.endpoint).champion).contract
        inputs = [field.name for field in contract.inputs if not field.shape and field.time is None]
        found = self._read(asked, list(dict.fromkeys([*asked.policy.columns, *inputs])))
        if not found.rows.num_rows:
            raise ConflictError(
                f"no row of {asked.endpoint!r} was assigned by chance in this time; a canary, an A/B test or a bandit "
                "logs such rows"
            )
        return _evaluate(asked, contract, found)

    def _read(self, asked: Question, columns: Sequence[str]) -> LoggedRewards:
        scratch = tempfile.mkdtemp(prefix="interlock-")
        tables = LogTables(self._log, memory=_MEMORY)
        try:
            tables.database.execute(f"SET temp_directory = {text(scratch)}")
            present = tables.columns("predictions", asked.endpoint).names
            known = [name for name in columns if f"input.{name}" in present or name in asked.policy.columns]
            return read(tables, Asked(asked.endpoint, asked.since, asked.until, asked.reward, known))
        finally:
            tables.close()
            shutil.rmtree(scratch, ignore_errors=True)


def _evaluate(asked: Question, contract: Contract, found: LoggedRewards) -> Evaluation:
    policy, rows = asked.policy, found.rows
    encoded = rows["assigned_version"].combine_chunks().dictionary_encode()
    versions: list[str] = encoded.dictionary.to_pylist()
    actions = encoded.indices.to_numpy().astype(np.int64)
    segments = segments_of(policy, rows)
    check_logged(policy, versions, actions, segments)
    reward = _rewards(contract, found)
    kept, known = supported(policy, rows, versions, actions), np.isfinite(reward)
    use = kept & known
    if not use.any():
        raise ConflictError("no row has both a reward and a release with every version of the policy")
    shares = shares_of(policy, versions, segments)[use]
    action, unit, earned = actions[use], rows["unit"].to_numpy()[use], reward[use]
    predicted = reward_model.cross_fitted(
        features(rows.filter(pa.array(use))), action, earned, unit % reward_model.FOLDS, count=len(versions)
    )
    at = np.arange(len(action))
    result = off_policy.analyze(
        unit,
        earned,
        rows["propensity"].to_numpy()[use],
        shares[at, action],
        model=(predicted[at, action], (shares * predicted).sum(axis=1)),
        alpha=asked.alpha,
    )
    return _spelled(asked, found, result, _arms(versions, actions[kept], reward[kept]), kept, known)


def _spelled(
    asked: Question,
    found: LoggedRewards,
    result: OffPolicyResult,
    arms: tuple[Arm, ...],
    kept: NDArray[np.bool_],
    known: NDArray[np.bool_],
) -> Evaluation:
    doubts = (*_coverage_doubts(arms), *result.doubts)
    sides = {"ips": result.ips, "snips": result.snips, "dr": result.dr, "logged": result.logged}
    return Evaluation(
        endpoint=asked.endpoint,
        reward=found.reward,
        alpha=asked.alpha,
        interval=INTERVAL,
        estimates=tuple(_bounded(name, one) for name, one in sides.items() if one is not None),
        arms=arms,
        rows=result.rows,
        units=result.units,
        not_randomised=found.not_randomised,
        unsupported=int((~kept).sum()),
        without_reward=int((kept & ~known).sum()),
        effective_units=result.effective_units,
        largest_share=result.largest_share,
        mean_weight=result.mean_weight,
        trusted=not doubts,
        doubts=doubts,
    )


def _rewards(contract: Contract, found: LoggedRewards) -> NDArray[np.float64]:
    """What each row earned; nan where that is not known."""
    rows = found.rows
    if found.reward != QUALITY:
        return np.asarray(rows["reward"].to_numpy(), dtype=np.float64)
    if contract.is_classifier:
        true, named = (class_indices(contract, rows[name]) for name in ("label", "output.label"))
        return np.where((true < 0) | (named < 0), np.nan, (true == named).astype(np.float64))
    if "output.prediction" not in rows.column_names:
        raise InvalidInputError("the reward `quality` needs classes or predictions; name a logged reward")
    target, said = (
        np.asarray(rows[name].to_numpy(), dtype=np.float64) for name in ("label_number", "output.prediction")
    )
    return np.asarray(-np.abs(target - said))


def _arms(versions: Sequence[str], actions: NDArray[np.int64], reward: NDArray[np.float64]) -> tuple[Arm, ...]:
    found = []
    for number, version in enumerate(versions):
        own = reward[actions == number]
        known = own[np.isfinite(own)]
        if len(own):
            mean = float(known.mean()) if len(known) else None
            found.append(Arm(version=version, rows=len(own), reward_coverage=len(known) / len(own), mean_reward=mean))
    return tuple(sorted(found, key=lambda arm: arm.version))


def _coverage_doubts(arms: Sequence[Arm]) -> list[str]:
    low, high = (choose(arms, key=lambda arm: arm.reward_coverage) for choose in (min, max))
    error = sum(arm.reward_coverage * (1 - arm.reward_coverage) / arm.rows for arm in (low, high)) ** 0.5
    difference = high.reward_coverage - low.reward_coverage
    if difference <= max(_SMALL_DIFFERENCE, _DEVIATIONS * error):
        return []
    return [
        f"rewards are known of {percent(high.reward_coverage)} of the rows of {high.version} and of "
        f"{percent(low.reward_coverage)} of those of {low.version}: which are missing may depend on the version"
    ]


def _bounded(name: str, estimate: Estimate) -> Bounded:
    value, lower, upper = (
        each if isfinite(each) else None for each in (estimate.value, estimate.lower, estimate.upper)
    )
    return Bounded(estimator=name, value=value, lower=lower, upper=upper)
