"""What changed in a feature, in one sentence that a person can act on. Called by drift checks."""

import numpy as np

from interlock.stats.profile import FeatureSummary, Profile
from interlock.stats.profile_bins import FeatureBins

# Differences of shares and means that are worth a word.
_SHARE = 0.01
_SIGMA = 0.1


def describe(bins: FeatureBins, reference: Profile, current: Profile) -> str:
    """Say what changed most: missing values, values never seen, mean, spread, or the share of one bin.

    Args:
        bins: The feature.
        reference, current: Profiles that both have rows.
    """
    before, now = reference.summary(bins.name), current.summary(bins.name)
    said = _missing(before, now) + _unseen(before, now)
    said += _moments(before, now) if bins.kind == "numeric" else []
    return "; ".join(said) or _bin(bins, reference, current)


def _missing(before: FeatureSummary, now: FeatureSummary) -> list[str]:
    was, share = before.missing_share or 0.0, now.missing_share or 0.0
    return [f"missing values went from {was:.1%} to {share:.1%}"] if abs(share - was) >= _SHARE else []


def _unseen(before: FeatureSummary, now: FeatureSummary) -> list[str]:
    was, share = before.unseen_share or 0.0, now.unseen_share or 0.0
    return [f"{share:.1%} of rows have categories that the reference lacks"] if share - was >= _SHARE else []


def _moments(before: FeatureSummary, now: FeatureSummary) -> list[str]:
    if before.mean is None or now.mean is None:
        return []
    said = []
    if before.std is None or abs(now.mean - before.mean) >= _SIGMA * before.std:
        moved = f" ({(now.mean - before.mean) / before.std:+.1f} standard deviations)" if before.std else ""
        said.append(f"mean went from {before.mean:.4g} to {now.mean:.4g}{moved}")
    if before.std and now.std is not None and not 1 - _SIGMA < now.std / before.std < 1 + _SIGMA:
        said.append(f"standard deviation went from {before.std:.4g} to {now.std:.4g}")
    return said


def _bin(bins: FeatureBins, reference: Profile, current: Profile) -> str:
    was, now = reference.counts(bins.name), current.counts(bins.name)
    shares = was / was.sum(), now / now.sum()
    most = int(np.abs(shares[1] - shares[0]).argmax())
    return f"share of {_label(bins, most)} went from {shares[0][most]:.1%} to {shares[1][most]:.1%}"


def _label(bins: FeatureBins, number: int) -> str:
    if number == bins.size - 1:
        return "missing values"
    if bins.kind == "categorical":
        return repr(bins.categories[number]) if number < len(bins.categories) else "unseen categories"
    lower, upper = bins.edges[max(number - 1, 0) : number], bins.edges[number : number + 1]
    if not lower:
        return f"values up to {upper[0]:.4g}" if upper else "all values"
    return f"values in ({lower[0]:.4g}, {upper[0]:.4g}]" if upper else f"values over {lower[0]:.4g}"
