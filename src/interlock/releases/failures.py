"""What the two gates on failures share: harm on the ratio of failure rates, and no harm on ratio or rate.

Called by `errors` (live units, as assigned) and `scoring_errors` (the same rows through both versions).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.domain.release import Gate, GateOutcome
from interlock.releases.wording import percent
from interlock.stats import failure_rate, relative_risk

# Where failures are common enough for a ratio, half as many again is the most that passes as "not worse": with the
# field's usual 2 % of errors that is one point, what 200,000 requests at a share of 1 % could show (docs/statistics).
NON_INFERIOR_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed units and units of both sides, with the failures again by step for the comparison.

    `steps` hold those of which both fates are known. Where the challenger's fate is not known of some that the champion
    failed, `harm_steps` count them as if it had not failed: harm is judged by these, and its absence never.
    """

    champion: int
    champion_units: int
    challenger: int
    challenger_units: int
    steps: Sequence[relative_risk.StepFailures]
    harm_steps: Sequence[relative_risk.StepFailures] | None = None

    def compare(self, alpha: float) -> relative_risk.RelativeRiskResult:
        """Bound the ratio of the rates: from below, and against "no worse", as for harm; from above as for no harm."""
        known = relative_risk.analyze(self.steps, alpha=alpha)
        if self.harm_steps is None:
            return known
        least = relative_risk.analyze(self.harm_steps, alpha=alpha)
        return replace(known, p_value=least.p_value, lower=least.lower)


def judge(metric: str, noun: str, failures: Failures, *, alpha: float, max_rate: float, missing: str | None) -> Gate:
    """Compare failures.

    Args:
        metric: Name of the gate's metric.
        noun: What failed, as the sentence calls it.
        failures: What was counted.
        alpha: Of this gate.
        max_rate: A challenger surely below this is not worse, whatever the ratio.
        missing: Why the evidence is too little to say "no harm", or None. Harm is said at any time.
    """
    ratio = failures.compare(alpha)
    rate = failure_rate.analyze(failures.challenger, failures.challenger_units, alpha=alpha)
    harm = ratio.p_value <= alpha
    few = rate.upper < max_rate
    non_inferior = not harm and missing is None and (few or ratio.upper <= NON_INFERIOR_RATIO)
    outcome: GateOutcome = "breach" if harm else "not_enough_data" if missing else "ok"
    base = _rate(failures.champion, failures.champion_units)
    sentence = f"{noun} {percent(rate.rate)} against {percent(base)}"
    return Gate(
        metric=metric,
        outcome=outcome,
        scale="ratio",
        estimate=rate.rate / base if base > 0 else None,
        lower=ratio.lower,
        upper=ratio.upper,
        margin=NON_INFERIOR_RATIO,
        counts={"champion": failures.champion_units, "challenger": failures.challenger_units},
        reason=sentence + _verdict(harm, few, missing, ratio, max_rate),
        alpha=alpha,
        non_inferior=non_inferior,
        details={
            "champion_failures": failures.champion,
            "challenger_failures": failures.challenger,
            "p_value": ratio.p_value,
            "challenger_rate_upper": rate.upper,
        },
    )


def _verdict(
    harm: bool, few: bool, missing: str | None, ratio: relative_risk.RelativeRiskResult, max_rate: float
) -> str:
    if harm and ratio.lower > 1:
        return f", at least {ratio.lower:.1f} times as many"
    if harm:
        return ", more than chance allows"
    if missing:
        return f"; {missing}"
    if few:
        return f", surely below {percent(max_rate)}"
    if ratio.upper <= NON_INFERIOR_RATIO:
        return f", surely at most {ratio.upper:.1f} times as many"
    return f", not yet sure to be below {percent(max_rate)} or {NON_INFERIOR_RATIO:g} times as many"


def _rate(failed: int, units: int) -> float:
    return failed / units if units else 0.0
