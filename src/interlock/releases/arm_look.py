"""One look at the arms of a release: the gates on each candidate, and the one on the test itself.

Called by `gates`. What is computed from the log's rows is computed once and shared by the gates that need it.
"""

from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np

from interlock.domain.release import Gate
from interlock.predictions.answer_losses import LOSS_NAMES, loss_of, losses_of
from interlock.releases import arm_errors, earned, effect, latency, outcomes, sample_ratio
from interlock.releases.effect import Metric
from interlock.releases.evidence import SAMPLE_RATIO, Evidence
from interlock.releases.outcomes import Units

LOSS = "loss"


class ArmLook:
    """The evidence of a release that compares arms, ready to be asked.

    Args:
        evidence: Its rows are as assigned.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._units: dict[str, Units] = {}

    def asks(self) -> dict[str, Callable[[], Gate]]:
        """Each gate by its name: its kind, and the candidate that it is about."""
        release = self._evidence.release
        asked: dict[str, Callable[[], Gate]] = {}
        if SAMPLE_RATIO in self._evidence.asked:
            asked[SAMPLE_RATIO] = self._sample_ratio
        for version in release.remaining:
            asked |= {
                f"{kind} {version}": partial(self._gate, kind, version)
                for kind in self._evidence.asked
                if kind != SAMPLE_RATIO
            }
        return asked

    def _gate(self, kind: str, version: str) -> Gate:
        view = self._evidence.of(version)
        if kind == "earned":
            gate = earned.gate(self._evidence, version)
        elif kind == "errors":
            gate = arm_errors.gate(view)
        elif kind == "latency":
            gate = latency.gate(view)
        else:
            metric = self._metric(kind)
            gate = effect.gate(view, metric, self._units_of(metric.name), version)
        return msgspec.structs.replace(gate, version=version)

    def _sample_ratio(self) -> Gate:
        return sample_ratio.gate(self._evidence, self._units_of(self._metric("effect").name))

    def _metric(self, kind: str) -> Metric:
        plan = self._evidence.plan
        if kind.startswith("guardrail."):
            name = kind.removeprefix("guardrail.")
            return Metric(name, kind, name, plan.guard_rewards[name])
        if plan.reward is not None:
            return Metric(plan.reward, f"effect.{plan.reward}", plan.reward, plan.goal)
        loss = loss_of(self._evidence.contract)
        return Metric(LOSS, f"effect.{loss or LOSS}", LOSS_NAMES[loss] if loss else "quality", "minimise")

    def _units_of(self, metric: str) -> Units:
        if metric not in self._units:
            self._units[metric] = self._read(metric)
        return self._units[metric]

    def _read(self, metric: str) -> Units:
        evidence = self._evidence
        rows = evidence.paired
        if rows.num_rows == 0:
            return outcomes.nothing(evidence.release)
        if metric == LOSS and evidence.plan.reward is None:
            loss = loss_of(evidence.contract)
            found = (
                np.full(rows.num_rows, np.nan) if loss is None else losses_of(loss, evidence.contract, rows, "output")
            )
            values = outcomes.labelled(rows, found)
        else:
            values = outcomes.reward_values(evidence.plan, rows, metric, evidence.at)
        return outcomes.by_unit(evidence.release, rows, values)
