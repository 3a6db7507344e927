"""Anytime-valid test of a random split: do the arms have the units that their shares say?

Called by A/B tests with every look. A split that does not come out is broken, whatever its cause (a version that loses
its records, a client that retries elsewhere), and nothing can be compared in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from scipy.special import gammaln

# Weight of the prior around the shares, in units: with more it finds small differences sooner and large ones later.
_PRIOR_UNITS = 20.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Units of each arm that were assigned at the same propensities, and those.

    Propensities are scaled to sum to 1; one of 0 is of an arm that had no share then.
    """

    units: tuple[int, ...]
    propensities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SampleRatioResult:
    """`p_value` holds at all times at once. `units` and `expected` are of all strata together."""

    p_value: float
    units: tuple[int, ...]
    expected: tuple[float, ...]


def analyze(strata: Sequence[Counted]) -> SampleRatioResult:
    """Test a split, whenever one looks.

    Given how many units came, each is in an arm with its propensity. The likelihood ratio of a Dirichlet mixture
    against that is a martingale, in every stratum anew, and so is the product.

    Args:
        strata: With the same arms, in the same order. Between looks, units are only added.

    Raises:
        ValueError: A propensity is negative, or an arm without share has units.

    Examples:
        >>> analyze([Counted((9463, 7681), (0.5, 0.5))]).p_value < 1e-38
        True
        >>> analyze([Counted((5050, 4950), (0.5, 0.5))]).p_value
        1.0

    References:
        Lindon & Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS 35.
    """
    for each in strata:
        if any(share < 0 or (share == 0 and units) for units, share in zip(each.units, each.propensities, strict=True)):
            raise ValueError(f"units == {each.units} at propensities {each.propensities}, which cannot be")
    arms = range(len(strata[0].units) if strata else 0)
    log_evidence = sum(_log_evidence(each) for each in strata)
    return SampleRatioResult(
        p_value=min(1.0, exp(-log_evidence)) if log_evidence > 0 else 1.0,
        units=tuple(sum(each.units[arm] for each in strata) for arm in arms),
        expected=tuple(
            sum(sum(each.units) * each.propensities[arm] / sum(each.propensities) for each in strata) for arm in arms
        ),
    )


def _log_evidence(counted: Counted) -> float:
    whole = sum(counted.propensities)
    shares = [propensity / whole for propensity in counted.propensities]
    total = sum(counted.units)
    evidence = float(gammaln(_PRIOR_UNITS) - gammaln(_PRIOR_UNITS + total))
    for units, share in zip(counted.units, shares, strict=True):
        if share == 0:
            continue
        prior = _PRIOR_UNITS * share
        evidence += float(gammaln(prior + units) - gammaln(prior)) - units * log(share)
    return evidence
