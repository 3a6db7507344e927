"""The gate on failures in paired scoring: requests that one version could answer and the other could not.

The log reader scores every logged row with the version that did not answer it, so a candidate that fails on one row in
nine shows within tens of rows whatever its share of the traffic. Only requests on which exactly one version failed tell
the versions apart; such a one is the challenger's with probability one half if it is no worse.

The log holds what was answered. A request that the champion failed is not in it, and nobody knows whether the
challenger would have failed too. For harm it counts as the champion's alone: otherwise a candidate that fails as often,
but on other requests, would look harmful however good it is, since only its own failures can be seen.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.release import Gate
from interlock.releases.evidence import Evidence
from interlock.releases.failures import Failures, judge
from interlock.releases.wording import count
from interlock.stats.relative_risk import StepFailures


def gate(evidence: Evidence) -> Gate:
    """Judge the failures of both versions on the same requests, by unit."""
    plan = evidence.plan
    champion, challenger = failed_units(evidence.paired)
    units, unanswered = len(champion), evidence.failed_units(False)
    only_challenger, only_champion = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    failures = Failures(
        champion=int(champion.sum()) + unanswered,
        champion_units=units + unanswered,
        challenger=int(challenger.sum()),
        challenger_units=units,
        steps=[StepFailures(only_challenger, only_champion, 0.5)],
        harm_steps=[StepFailures(only_challenger, only_champion + unanswered, 0.5)],
    )
    missing = None
    if units < plan.min_units:
        missing = f"{count(units)} of {count(plan.min_units)} requests scored by both versions"
    return judge(
        "scoring_errors",
        "failures on the same rows",
        failures,
        alpha=evidence.alpha,
        max_rate=plan.max_failure_rate,
        missing=missing,
    )


def failed_units(paired: pa.Table) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each unit failed on any of its rows, by champion and by challenger."""
    if paired.num_rows == 0:
        nothing = np.zeros(0, dtype=np.bool_)
        return nothing, nothing
    unit = paired["unit"].combine_chunks().dictionary_encode().indices.to_numpy()
    size = int(unit.max()) + 1
    sides = (
        pc.fill_null(pc.not_equal(paired[f"{side}_status"], "ok"), True).to_numpy()
        for side in ("champion", "challenger")
    )
    champion, challenger = (np.bincount(unit, weights=failed, minlength=size) > 0 for failed in sides)
    return champion, challenger
