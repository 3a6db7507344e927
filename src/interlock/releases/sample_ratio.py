"""The gate on an A/B test itself: its groups have the units that their shares say, and so have those with a value.

The second half is what guards against labels or rewards that come for one arm more often than for another: whoever has
none is then missing for a reason, and no arithmetic on the rest is right. Half of the plan's level goes to each.
"""

from interlock.domain.release import Gate
from interlock.releases.evidence import Evidence
from interlock.releases.outcomes import Units
from interlock.releases.wording import count
from interlock.stats import sample_ratio
from interlock.stats.sample_ratio import SampleRatioResult


def gate(evidence: Evidence, units: Units) -> Gate:
    """Judge whether arms can be compared at all."""
    alpha = evidence.plan.sample_ratio_alpha
    everyone = sample_ratio.analyze(units.counts(units.arm >= 0))
    valued = sample_ratio.analyze(units.counts(units.is_valued))
    split, coverage = everyone.p_value <= alpha / 2, valued.p_value <= alpha / 2
    if split:
        reason = f"not comparable: {_sentence(units.arms, everyone)}, which chance does not explain"
    elif coverage:
        reason = f"not comparable: values came for {_sentence(units.arms, valued)}, which chance does not explain"
    else:
        reason = f"groups as they should be: {_sentence(units.arms, everyone)}"
    return Gate(
        metric="sample_ratio",
        outcome="not_comparable" if split or coverage else "ok",
        scale="ratio",
        estimate=None,
        lower=None,
        upper=None,
        margin=None,
        counts=_counts(everyone),
        reason=reason,
        alpha=alpha,
        details={
            "p_value": everyone.p_value,
            "coverage_p_value": valued.p_value,
            "units": dict(zip(units.arms, everyone.units, strict=False)),
            "expected": dict(zip(units.arms, (round(each, 1) for each in everyone.expected), strict=False)),
            "valued": dict(zip(units.arms, valued.units, strict=False)),
        },
    )


def _counts(found: SampleRatioResult) -> dict[str, int]:
    return {"champion": found.units[0], "challenger": sum(found.units[1:])} if found.units else _NONE


_NONE = {"champion": 0, "challenger": 0}


def _sentence(arms: tuple[str, ...], found: SampleRatioResult) -> str:
    if not found.units:
        return "no units yet"
    each = zip(arms, found.units, found.expected, strict=True)
    return ", ".join(
        f"{count(units)} units of {version} where {count(round(wanted))} were due" for version, units, wanted in each
    )
